/** The seal of a directory that nobody has open: taken off before anything changes, put on when everything is closed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { breakSeal, sealDataDir } from '../ledger/seal.ts';
import type { NoteKeySigner } from '../log/note-key.ts';
import { dataDirPaths, isDataDirInUse, lockDataDir } from '../storage/data-dir.ts';
import { openSqliteRecordStore } from '../storage/sqlite/record-store.ts';
import { type Keyring, openKeyring } from '../vault/keyring.ts';
import { readDataConfig } from './data-config.ts';
import { keysDirectory, sealedPaths } from './data-files.ts';

/** Changes files of a data directory that a seal may cover: breaks the seal before and makes it anew after, unless a server has the directory. */
export async function editDataDir<T>(dataDir: string, edit: () => T | Promise<T>): Promise<T> {
  readDataConfig(dataDir);
  if (isDataDirInUse(dataDir)) return edit();
  const lock = lockDataDir(dataDir);
  try {
    const keyring = (): Keyring => openKeyring(join(dataDir, keysDirectory), { create: false });
    const wasClean = existsSync(dataDirPaths(dataDir).records) && (await unsealAtRest(dataDir, keyring()));
    const result = await edit();
    if (wasClean) await sealAtRest(dataDir, keyring());
    return result;
  } finally {
    lock.release();
  }
}

/**
 * Takes the seal off. An empty one takes its place at once, before a database is even opened, so that a crash at any moment leaves a directory that says
 * that its sealing was cut short, and never one that looks tampered with. Returns whether it was closed in an orderly way.
 */
export async function unsealAtRest(dataDir: string, keyring: Keyring): Promise<boolean> {
  const paths = dataDirPaths(dataDir);
  if (!existsSync(paths.records)) return false;
  const signers = sealers(keyring);
  if (existsSync(paths.seal) && signers.length > 0) await sealDataDir({ dataDir, paths: [], signers, nowMs: systemClock.now() });
  const records = openSqliteRecordStore(paths.records);
  try {
    const wasClean = await records.isClean();
    if (wasClean) await records.setClean(false);
    await breakSeal(dataDir);
    return wasClean;
  } finally {
    await records.close();
  }
}

function sealers(keyring: Keyring): NoteKeySigner[] {
  return keyring.logs().flatMap((log) => keyring.signer(log) ?? []);
}

/**
 * Seals a directory in which everything is closed. First an empty seal, then the flag in the records, then the real one: a crash in between
 * leaves a directory that says that its sealing was cut short, and never one that looks tampered with.
 */
export async function sealAtRest(dataDir: string, keyring: Keyring): Promise<void> {
  const signers = sealers(keyring);
  if (signers.length === 0 || !existsSync(dataDirPaths(dataDir).records)) return;
  const nowMs = systemClock.now();
  await sealDataDir({ dataDir, paths: [], signers, nowMs });
  const records = openSqliteRecordStore(dataDirPaths(dataDir).records);
  await records.setClean(true);
  await records.close();
  await sealDataDir({ dataDir, paths: sealedPaths(dataDir), signers, nowMs });
}
