/** Leaf and node hashes in lanes are those of `tree.ts`, at every number of them; and without lanes, too. */
import { afterEach, expect, test, vi } from 'vitest';
import { toHex } from '../../src/core/bytes.ts';
import { formatEntry, hashEntries } from '../../src/log/entry.ts';
import { hashEntriesInLanes, hashTileInLanes } from '../../src/log/lane-tree.ts';
import { hashTile } from '../../src/log/tile.ts';
import { hashTree, leafHash } from '../../src/log/tree.ts';

const bytes = (count: number, by: number): Uint8Array => Uint8Array.from({ length: 32 * count }, (_, i) => (i * by + (i >> 5)) & 0xff);
const parts = (joined: Uint8Array): Uint8Array[] => Array.from({ length: joined.length / 32 }, (_, i) => joined.slice(32 * i, 32 * i + 32));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

test('entries: one, some, a tile, and more than a tile', () => {
  for (const count of [0, 1, 2, 7, 8, 9, 10, 11, 12, 255, 256, 257, 600, 1_024]) {
    const commitments = bytes(count, 7);
    const expected = parts(commitments).map((commitment) => toHex(leafHash(formatEntry(commitment))));
    expect(parts(hashEntries(commitments)).map(toHex), `${count}`).toEqual(expected);
  }
});

test('tiles of every width', () => {
  for (let count = 1; count <= 256; count++) {
    const tile = bytes(count, 11);
    expect(toHex(hashTile(tile)), `${count}`).toBe(toHex(hashTree(parts(tile))));
  }
  expect(toHex(hashTile(bytes(257, 3))), 'more than a tile').toBe(toHex(hashTree(parts(bytes(257, 3)))));
});

test('a full tile does go through the lanes here', () => {
  expect(hashTileInLanes(bytes(256, 5))).toBeDefined();
  expect(hashEntriesInLanes(bytes(256, 5), 1)).toBeDefined();
  expect(hashTileInLanes(bytes(257, 5))).toBeUndefined();
});

test('without WebAssembly they are hashed one by one', async () => {
  vi.stubGlobal('WebAssembly', undefined);
  vi.resetModules();
  const lanes = await import('../../src/log/lane-tree.ts');
  const tile = await import('../../src/log/tile.ts');
  const entry = await import('../../src/log/entry.ts');
  expect(lanes.hashTileInLanes(bytes(256, 5))).toBeUndefined();
  expect(toHex(tile.hashTile(bytes(100, 5)))).toBe(toHex(hashTile(bytes(100, 5))));
  expect(toHex(entry.hashEntries(bytes(100, 5)))).toBe(toHex(hashEntries(bytes(100, 5))));
});
