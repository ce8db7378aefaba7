import { afterEach, beforeEach, expect, test } from 'vitest';
import { DatabaseSync } from 'node:sqlite';
import { systemRandom } from '../../src/core/random.ts';
import type { SegmentName } from '../../src/storage/segment-store.ts';
import { openSqliteVaultStore } from '../../src/storage/sqlite/vault-store.ts';
import { Vault } from '../../src/vault/vault.ts';
import { errorOf, failingStore, makeVaultDirectory, openVault, readVault, type VaultDirectory } from './open-vault.ts';

const first: SegmentName = { log: 'a', class: 'default', bucket: 0, generation: 1 };
let at: VaultDirectory;
beforeEach(() => {
  at = makeVaultDirectory();
});
afterEach(() => at.remove());

test('a segment has a key of its own, the same until it is dropped', async () => {
  let vault = openVault(at);
  const key = await vault.makeSegmentKey(first);
  expect(await vault.makeSegmentKey(first)).toEqual(key);
  const others = [{ ...first, log: 'b' }, { ...first, class: 'logins' }, { ...first, bucket: 1 }, { ...first, generation: 2 }]; // prettier-ignore
  for (const other of others) expect(await vault.makeSegmentKey(other)).not.toEqual(key);
  expect(await readVault(at, (reader) => reader.segmentKey(first))).toEqual(key);
  await vault.close();
  vault = openVault(at);
  expect(await vault.segmentKey(first)).toEqual(key);
  expect(await vault.segmentKeyNames()).toEqual([first, { ...first, generation: 2 }, { ...first, bucket: 1 }, { ...first, class: 'logins' }, { ...first, log: 'b' }]); // prettier-ignore
  await vault.dropSegmentKeys([first, { ...first, log: 'none' }]);
  await expect(vault.segmentKey(first)).rejects.toEqual(errorOf('segment_key_missing'));
  expect(await vault.segmentKeyNames()).toHaveLength(4);
  expect(await vault.makeSegmentKey(first)).not.toEqual(key);
  await vault.close();
});

test('a key opens as that of its own segment only', async () => {
  const vault = openVault(at);
  await vault.makeSegmentKey(first);
  await vault.close();
  for (const change of ['generation = 2', "class = 'other'", 'bucket = 7', "log = 'b'"]) {
    const database = new DatabaseSync(at.path);
    database.exec(`UPDATE segment_keys SET ${change}`);
    database.close();
    const [name] = await readVault(at, async () => {
      const store = openSqliteVaultStore(at.path);
      const rows = await store.segmentKeys();
      await store.close();
      return rows;
    });
    const { sealedKey: _, ...moved } = name as SegmentName & { sealedKey: Uint8Array };
    await expect(readVault(at, (reader) => reader.segmentKey(moved))).rejects.toEqual(errorOf('bucket_key_damaged'));
    const back = new DatabaseSync(at.path);
    back.exec("UPDATE segment_keys SET log = 'a', class = 'default', bucket = 0, generation = 1");
    back.close();
  }
});

test.each(['before', 'after'] as const)('what storage fails at, %s it was done, is not gone on from', async (when) => {
  const fails = { write: 'addSegmentKey', when, errcode: 10, on: true } as const;
  let told = 0;
  const vault = new Vault(failingStore(openSqliteVaultStore(at.path), fails), at.secrets, { random: systemRandom, onFailure: () => told++ });
  await expect(vault.makeSegmentKey(first)).rejects.toEqual(errorOf('storage_failed'));
  await expect(vault.segmentKeyNames()).rejects.toEqual(errorOf('storage_failed'));
  expect(told).toBe(1);
  const after = openVault(at);
  expect(await after.segmentKeyNames()).toEqual(when === 'after' ? [first] : []);
  await after.makeSegmentKey(first);
  await after.close();
});

test('the key of a bucket whose chunks are gone is dropped, wherever it was kept', async () => {
  const vault = openVault(at);
  const key = await vault.bucketKey('a', 0);
  const other = await vault.bucketKey('a', 1);
  await vault.dropBucketKey('a', 0);
  await expect(readVault(at, (reader) => reader.bucketKey('a', 0))).rejects.toEqual(errorOf('bucket_key_missing'));
  expect(await vault.bucketKey('a', 0)).not.toEqual(key);
  expect(await vault.bucketKey('a', 1)).toEqual(other);
  await vault.close();
});
