/** Restoring around a rotation of a signing key: no key that was retired signs again, none is lost without a word, and no second history begins. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemRandom } from '../../src/core/random.ts';
import { createTrust, openCheckpoint } from '../../src/log/index.ts';
import { makeBackup } from '../../src/server/backup/make-backup.ts';
import { formatManifest, listFile, noteFile, readManifest } from '../../src/server/backup/manifest.ts';
import { formatKit, makeKit } from '../../src/server/backup/recovery-kit.ts';
import { type RestoreReport, type RestoreRequest, restoreBackup } from '../../src/server/backup/restore.ts';
import { openTrail } from '../../src/server/compose.ts';
import { openFileTileSource } from '../../src/storage/files/tile-store.ts';
import { openKeyring } from '../../src/vault/keyring.ts';
import { readSigningKeys } from '../../src/vault/rotate-signing-key.ts';
import { rotateSigningKey } from '../../src/server/rotate-signing.ts';

const log = 'default';
let home: string;
const at = (name: string): string => join(home, name);
const keysDir = (): string => at('data/keys');

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'veiltrail-restore-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

async function append(count: number): Promise<void> {
  const trail = await openTrail({ dataDir: at('data'), workers: 1 });
  try {
    await trail.createLog(log);
    const body = Buffer.from(Array.from({ length: count }, (_, i) => JSON.stringify({ message: `m${i}` })).join('\n'));
    await trail.append({ log, principal: 'test', body, format: 'ndjson' });
  } finally {
    await trail.close();
  }
}

const rotate = (step: 'begin' | 'finish'): Promise<unknown> => rotateSigningKey(at('data'), log, step);
const kit = async (): Promise<string> => formatKit(await makeKit(at('data'), Date.now()), systemRandom);
const backUp = (to: string): Promise<unknown> => makeBackup(at('data'), at(to), Date.now());
const checkpointOf = (dir: string): string => readFileSync(at(`${dir}/logs/${log}/checkpoint`), 'utf8');

function restore(backup: string, keys: string, more: Partial<RestoreRequest> = {}): Promise<RestoreReport> {
  rmSync(at('restored'), { recursive: true, force: true });
  return restoreBackup({ backup: at(backup), kit: keys, dataDir: at('restored'), ...more });
}

/** The note as versions before this rule wrote it: without the keys that sign. */
function withoutVkeys(backup: string): void {
  const keyring = openKeyring(keysDir(), { create: false });
  const signers = keyring.logs().flatMap((one) => keyring.signer(one) ?? []);
  const vkeys = signers.map(({ vkey }) => vkey);
  const manifest = readManifest(at(backup), vkeys);
  const logs = manifest.logs.map(({ log: name, origin, treeSize }) => ({ log: name, origin, treeSize })) as typeof manifest.logs;
  const { list, note } = formatManifest({ ...manifest, logs }, signers);
  writeFileSync(join(at(backup), listFile), list);
  writeFileSync(join(at(backup), noteFile), note);
}

test('around a rotation: kits of before one of its steps are refused, newer kits restore older backups', async () => {
  await append(3);
  const kit0 = await kit();
  await backUp('before');
  await rotate('begin');
  const kit1 = await kit();
  await backUp('between');
  await rotate('finish');
  const { vkey, retired } = readSigningKeys(keysDir(), log);
  const tiles = openFileTileSource(at('data/logs'));
  // The log has not grown since: the backup's own checkpoint is signed anew.
  expect((await restore('before', await kit(), { tiles })).logs).toContainEqual({ log, treeSize: 3, entriesOnly: 0 });
  expect(openCheckpoint(checkpointOf('restored'), createTrust([vkey])).treeSize).toBe(3);
  await append(2);
  const kit2 = await kit();
  await backUp('after');
  const newest = checkpointOf('data');

  // A key that was retired would sign again; one that is to follow would be lost.
  for (const [backup, keys] of [
    ['after', kit1],
    ['between', kit0],
  ] as const) {
    await expect(restore(backup, keys), backup).rejects.toMatchObject({ code: 'kit_outdated' });
    expect(existsSync(at('restored')), backup).toBe(false);
  }
  // Nor by a backup of a version that did not name them.
  cpSync(at('after'), at('older'), { recursive: true });
  withoutVkeys('older');
  await expect(restore('older', kit1)).rejects.toMatchObject({ code: 'kit_outdated' });
  expect((await restore('older', kit2)).logs).toContainEqual({ log, treeSize: 5, entriesOnly: 0 });

  // What this machine remembers may be by the key that follows, or by one that came after the kit: that is no reason to forget it.
  const remembersNewest = (origin: string): string | undefined => (newest.startsWith(`${origin}\n`) ? newest : undefined);
  await expect(restore('between', kit1, { remembered: remembersNewest })).rejects.toMatchObject({ code: 'behind_checkpoint' });
  const unknown = { code: 'kit_outdated', message: expect.stringContaining('remembers') };
  await expect(restore('before', kit0, { remembered: remembersNewest })).rejects.toMatchObject(unknown);
  const old = readFileSync(at(`before/logs/${log}/checkpoint`), 'utf8');
  const remembersOld = (origin: string): string | undefined => (old.startsWith(`${origin}\n`) ? old : undefined);
  // One by a key that is retired counts, too.
  expect((await restore('after', kit2, { remembered: remembersOld })).logs).toContainEqual({ log, treeSize: 5, entriesOnly: 0 });

  // Backups of before, with the newest kit: they start, and the key of now signs.
  for (const backup of ['before', 'between']) {
    const { logs } = await restore(backup, kit2, { tiles, checkpoints: [old] });
    expect(logs, backup).toContainEqual({ log, treeSize: 5, entriesOnly: 2 });
    // The start has told by a tombstone of the records that are lost.
    expect(openCheckpoint(checkpointOf('restored'), createTrust([vkey])).treeSize, backup).toBe(6);
    expect(() => openCheckpoint(checkpointOf('restored'), createTrust(retired)), backup).toThrow('no signature');
  }
});
