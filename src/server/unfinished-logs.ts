/**
 * Logs whose making a crash cut short. The order is: a key that says so (`<log>.unfinished-signing-key`), the checkpoint of an empty log, the row in the
 * records, the key's real name. So what has no row yet is a key, and perhaps the checkpoint of nothing; anything more says that the log was made, used, and
 * is gone, and that somebody gave its key the other name. Keys with their real names and no row are a log that is gone in any case.
 *
 * Who has the keyring and removes every trace below can as well remove the key: then witnesses, anchors and kept checkpoints know of the log.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { anchorsDirectory } from '../anchor/anchor-store.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { LedgerClient } from '../ledger/ledger-client.ts';
import { openCheckpoint } from '../log/checkpoint.ts';
import { createNoteVerifier } from '../log/note-key.ts';
import { dataDirPaths } from '../storage/data-dir.ts';
import type { RecordSource } from '../storage/record-store.ts';
import { isFatal } from '../storage/storage-error.ts';
import type { Keyring } from '../vault/keyring.ts';
import { keysDirectory } from './data-files.ts';
import { recordedLogs, signingKeysFileName } from './signing-key-events.ts';
import { openStoredVault, vaultFileName } from './stored-vault.ts';

export interface UnfinishedLog {
  log: string;
  origin: string;
  /** Places that say that there was more, relative to the data directory; none where a crash explains everything. */
  traces: string[];
}

/** Logs that have an unfinished key and no row, whether or not a server makes them meanwhile. @throws VeiltrailError those of keys, records, vault */
export async function findUnfinishedLogs(dataDir: string, keyring: Keyring, records: RecordSource): Promise<UnfinishedLog[]> {
  const begun = keyring.unfinished();
  if (begun.length === 0) return [];
  const there = new Set((await records.logs()).map(({ log }) => log));
  const found: UnfinishedLog[] = [];
  for (const { log, origin } of begun) {
    if (there.has(log)) continue;
    const traces = await tracesOf(dataDir, log, keyring);
    // A server beside us may have made it since.
    if (traces.length > 0 && !keyring.unfinished().some((one) => one.log === log)) continue;
    found.push({ log, origin, traces });
  }
  return found;
}

/** Makes what a crash left half made. What shows traces is left to `verify`, as it is; what the disk refuses to the next start. */
export async function finishUnfinishedLogs(
  dataDir: string,
  parts: { keyring: Keyring; records: RecordSource; ledger: Pick<LedgerClient, 'createLog'> },
): Promise<void> {
  for (const { log, origin, traces } of await findUnfinishedLogs(dataDir, parts.keyring, parts.records)) {
    if (traces.length > 0) continue;
    try {
      await parts.ledger.createLog(log, origin);
    } catch (error) {
      if (!(error instanceof VeiltrailError) || isFatal(error)) throw error;
    }
  }
}

async function tracesOf(dataDir: string, log: string, keyring: Keyring): Promise<string[]> {
  const paths = dataDirPaths(dataDir);
  const traces = namesIn(join(dataDir, keysDirectory))
    .filter((name) => name.startsWith(`${log}.`) && name !== `${log}.unfinished-signing-key`)
    .map((name) => `${keysDirectory}/${name}`);
  for (const name of namesIn(join(paths.logs, log))) {
    // What is being written has another name first.
    if (name === '.writing' || (name === 'checkpoint' && isOfNothing(join(paths.logs, log, name), log, keyring))) continue;
    traces.push(`logs/${log}/${name}`);
  }
  if (namesIn(join(paths.segments, log)).length > 0) traces.push(`segments/${log}`);
  if (namesIn(join(dataDir, anchorsDirectory, log)).length > 0) traces.push(`${anchorsDirectory}/${log}`);
  if (recordedLogs(dataDir).includes(log)) traces.push(signingKeysFileName);
  const vault = openStoredVault(dataDir, keyring);
  try {
    if ((await vault.bucketKeyLogs()).includes(log)) traces.push(vaultFileName);
  } finally {
    await vault.close();
  }
  return traces;
}

/** Whether a file is the checkpoint of an empty log, or what a loss of power leaves of one: nothing, or zeros. */
function isOfNothing(file: string, log: string, keyring: Keyring): boolean {
  const bytes = readFileSync(file);
  const signer = keyring.signer(log);
  if (bytes.every((byte) => byte === 0)) return true;
  try {
    return signer !== undefined && openCheckpoint(bytes, { origin: signer.name, log: [createNoteVerifier(signer.vkey)] }).treeSize === 0;
  } catch {
    return false;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
