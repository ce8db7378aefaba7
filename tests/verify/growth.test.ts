/** Growth read from tiles, for every pair of sizes around where tiles end. */
import { beforeAll, expect, test } from 'vitest';
import { concatBytes } from '../../src/core/bytes.ts';
import { formatTilePath, growTiles, verifyConsistency } from '../../src/log/index.ts';
import { readGrowth } from '../../src/verify/growth.ts';
import { leavesUpTo, ReferenceTree } from '../log/reference-tree.ts';

const sizes = [1, 2, 3, 255, 256, 257, 300, 511, 512, 513, 600];
let reference: ReferenceTree;
beforeAll(() => {
  reference = new ReferenceTree(leavesUpTo(600));
});

function tilesOf(treeSize: number): Map<string, Uint8Array> {
  return new Map(growTiles(0, concatBytes(...leavesUpTo(treeSize)), () => undefined).map(({ bytes, ...tile }) => [formatTilePath(tile), bytes]));
}

test('both roots and the proof, from the tiles of the larger size', async () => {
  for (const after of sizes) {
    const tiles = tilesOf(after);
    for (const before of sizes.filter((size) => size <= after)) {
      const { rootBefore, rootAfter, proof } = await readGrowth(before, after, async (path) => tiles.get(path));
      expect([rootBefore, rootAfter]).toEqual([reference.root(0, before), reference.root(0, after)]);
      verifyConsistency(before, after, rootBefore, rootAfter, proof);
    }
  }
});

test('a full tile stands in for a partial one that is gone', async () => {
  // Of the tiles of 300 leaves, the second leaf tile is full by now; what is not, stays.
  const tiles = new Map([...tilesOf(300), ...tilesOf(600)]);
  tiles.delete('tile/0/001.p/44');
  const { rootAfter } = await readGrowth(257, 300, async (path) => tiles.get(path));
  expect(rootAfter).toEqual(reference.root(0, 300));
});

test('a tile that is missing is named', async () => {
  const tiles = tilesOf(300);
  tiles.delete('tile/0/001.p/44');
  await expect(readGrowth(257, 300, async (path) => tiles.get(path))).rejects.toMatchObject({
    code: 'tile_missing',
    detail: { path: 'tile/0/001.p/44' },
  });
  tiles.delete('tile/0/000');
  await expect(readGrowth(1, 256, async (path) => tiles.get(path))).rejects.toMatchObject({ code: 'tile_missing', detail: { path: 'tile/0/000' } });
});
