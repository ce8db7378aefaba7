import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { concatBytes, equalBytes, toHex } from '../../src/core/bytes.ts';
import { formatTilePath, type Tile } from '../../src/log/tile-path.ts';
import {
  createTileNodeReader,
  entryBundlesBetween,
  growTiles,
  hashTile,
  rootFromTiles,
  tilesBetween,
  tilesForConsistency,
  tilesForInclusion,
  tilesForRoot,
  type TileReader,
  tileWidth,
} from '../../src/log/tile.ts';
import { hashRoot, type NodeReader, proveConsistency, proveInclusion, verifyConsistency, verifyInclusion } from '../../src/log/tree.ts';
import { leavesUpTo, ReferenceTree } from './reference-tree.ts';
import { refusalOf } from './refusal.ts';
import { TileStore } from './tile-store.ts';

const paths = (tiles: Iterable<Tile>): string[] => [...tiles].map(formatTilePath).toSorted();

describe('which tiles there are', () => {
  test('of the specification’s example, 70,000', () => {
    const tiles = [...tilesBetween(0, 70_000)];
    expect(tiles.filter(({ level, width }) => level === 0 && width === 256)).toHaveLength(273);
    expect(tiles.filter(({ width }) => width < 256)).toEqual([
      { level: 0, index: 273, width: 112 },
      { level: 1, index: 1, width: 17 },
      { level: 2, index: 0, width: 1 },
    ]);
    expect(tiles.filter(({ level, width }) => level === 1 && width === 256)).toHaveLength(1);
  });

  test('of 256: a full tile, and a partial one above; none for nothing', () => {
    expect(paths(tilesBetween(0, 256))).toEqual(['tile/0/000', 'tile/1/000.p/1']);
    expect(paths(tilesBetween(0, 0))).toEqual([]);
    expect(paths(tilesBetween(5, 5))).toEqual([]);
    expect([...entryBundlesBetween(5, 5)]).toEqual([]);
  });

  test('from one size to another: those of the larger tree that the smaller one has not', () => {
    const of = (size: number): Set<string> => new Set(paths(tilesBetween(0, size)));
    const check = (before: number, after: number): void => {
      const had = of(before);
      expect(paths(tilesBetween(before, after))).toEqual([...of(after)].filter((path) => !had.has(path)).toSorted());
      const bundles = (size: number): string[] => [...entryBundlesBetween(0, size)].map(({ index, width }) => `${index}/${width}`);
      const fresh = bundles(after).filter((bundle) => !bundles(before).includes(bundle));
      expect([...entryBundlesBetween(before, after)].map(({ index, width }) => `${index}/${width}`)).toEqual(fresh);
    };
    for (const before of [0, 1, 255, 256, 257, 65_535, 65_536]) for (const more of [1, 2, 255, 256, 257, 66_000]) check(before, before + more);
    fc.assert(
      fc.property(fc.nat(70_000), fc.nat(3000), (before, more) => check(before, before + more)),
      { numRuns: 30 },
    );
  });

  test('widths, up to sizes that 32 bits do not hold', () => {
    expect(tileWidth(0, 0, 0)).toBe(0);
    expect(tileWidth(0, 1, 256)).toBe(0);
    expect(tileWidth(0, 2 ** 45 - 1, Number.MAX_SAFE_INTEGER)).toBe(255);
    expect(tileWidth(6, 0, Number.MAX_SAFE_INTEGER)).toBe(31);
    expect(tileWidth(7, 0, Number.MAX_SAFE_INTEGER)).toBe(0);
    const before = 2 ** 40 - 1;
    expect([...tilesBetween(before, before + 1)].map(({ level, width }) => `${level}:${width}`)).toEqual([
      '0:256',
      '1:256',
      '2:256',
      '3:256',
      '4:256',
      '5:1',
    ]);
  });
});

test('hashTile leaves what it is given as it is, a Buffer too', () => {
  const tile = Buffer.from(concatBytes(...leavesUpTo(5)));
  const before = tile.toString('hex');
  hashTile(tile);
  expect(tile.toString('hex')).toBe(before);
});

test('hashTile is the root over its hashes, for every width', () => {
  const leaves = leavesUpTo(256);
  const reference = new ReferenceTree(leaves);
  for (let width = 1; width <= 256; width++) {
    expect(equalBytes(hashTile(concatBytes(...leaves.slice(0, width))), reference.root(0, width))).toBe(true);
  }
  expect(refusalOf(() => hashTile(new Uint8Array(0)))).toBe('tile_length');
  expect(refusalOf(() => hashTile(new Uint8Array(33)))).toBe('tile_length');
});

describe('a log grown one leaf at a time, sizes 0 to 1,100, from tiles alone', () => {
  const leaves = leavesUpTo(1100);
  const reference = new ReferenceTree(leaves);
  const store = new TileStore();
  beforeAll(() => {
    for (const leaf of leaves) store.append([leaf]);
  });

  test('has exactly the tiles that its sizes ask for', () => {
    const expected = new Set<string>();
    for (let size = 0; size <= 1100; size++) for (const tile of tilesBetween(0, size)) expected.add(formatTilePath(tile));
    expect([...store.tiles.keys()].toSorted()).toEqual([...expected].toSorted());
    for (const [path, bytes] of store.tiles) expect(bytes.length).toBe(32 * Number(/\.p\/(\d+)/.exec(path)?.[1] ?? 256));
  });

  test('the root at every size', () => {
    for (let size = 0; size <= 1100; size++) {
      if (!equalBytes(rootFromTiles(size, store.read), reference.root(0, size))) expect.fail(`size ${size}`);
    }
  });

  test('every inclusion at sizes up to 80 and around a tile; one for every size', () => {
    const all = [...Array.from({ length: 80 }, (_, i) => i + 1), 255, 256, 257, 512];
    for (let size = 1; size <= 1100; size++) {
      const read = createTileNodeReader(size, store.read);
      const step = all.includes(size) ? 1 : size;
      for (let leafIndex = step === 1 ? 0 : size % 5; leafIndex < size; leafIndex += step) {
        const proof = proveInclusion(leafIndex, size, read);
        verifyInclusion(leaves[leafIndex] as Uint8Array, leafIndex, size, proof, reference.root(0, size));
      }
    }
  });

  test('consistency of every pair up to 60; of some for every size', () => {
    for (let after = 1; after <= 1100; after++) {
      const read = createTileNodeReader(after, store.read);
      const befores = after <= 60 ? Array.from({ length: after + 1 }, (_, i) => i) : [1, 255, 256, 257, after - 1].filter((size) => size <= after);
      for (const before of befores) {
        verifyConsistency(before, after, reference.root(0, before), reference.root(0, after), proveConsistency(before, after, read));
      }
    }
  });

  test('grown in batches, it is the same', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 6 }), (batches) => {
        const other = new TileStore();
        for (const count of batches) {
          const fresh = leaves.slice(other.size, other.size + count);
          const expected = paths(tilesBetween(other.size, other.size + fresh.length));
          const written = growTiles(other.size, concatBytes(...fresh), other.read);
          expect(paths(written)).toEqual(expected);
          for (const tile of written) expect(equalBytes(tile.bytes, store.tiles.get(formatTilePath(tile)) as Uint8Array)).toBe(true);
          other.append(fresh);
        }
      }),
      { numRuns: 25 },
    );
  });

  test('asks for the tiles that it says, and no others', () => {
    const askedBy = (size: number, prove: (read: NodeReader) => unknown): string[] => {
      const asked: string[] = [];
      const reader: TileReader = (level, index, width) => {
        asked.push(formatTilePath({ level, index, width }));
        return store.read(level, index, width);
      };
      prove(createTileNodeReader(size, reader));
      return asked.toSorted();
    };
    for (const size of [1, 200, 256, 257, 1000, 1100]) {
      expect(askedBy(size, (read) => hashRoot(size, read))).toEqual(paths(tilesForRoot(size)));
      for (const other of [1, 77, 256, 300, 999]) {
        if (other < size) expect(askedBy(size, (read) => proveInclusion(other, size, read))).toEqual(paths(tilesForInclusion(other, size)));
        if (other <= size) expect(askedBy(size, (read) => proveConsistency(other, size, read))).toEqual(paths(tilesForConsistency(other, size)));
      }
    }
  });

  test('does with the full tile when the partial one is gone', () => {
    const pruned = new TileStore();
    for (const leaf of leaves) pruned.append([leaf]);
    pruned.dropPartials();
    expect(pruned.read(0, 0, 200)).toBeUndefined();
    for (const size of [1, 200, 255, 300, 1000, 1023]) {
      expect(toHex(rootFromTiles(size, pruned.read))).toBe(toHex(reference.root(0, size)));
      const leafIndex = size - 1;
      const proof = proveInclusion(leafIndex, size, createTileNodeReader(size, pruned.read));
      verifyInclusion(leaves[leafIndex] as Uint8Array, leafIndex, size, proof, reference.root(0, size));
    }
    // Where the full tile is not there yet, the partial one was needed.
    pruned.tiles.delete('tile/0/004.p/6');
    expect(refusalOf(() => rootFromTiles(1030, pruned.read))).toBe('tile_missing');
  });

  test('refuses tiles that are missing or of another length', () => {
    const cut: typeof store.read = (level, index, width) => store.read(level, index, width)?.subarray(1);
    const long: typeof store.read = (level, index, width) => concatBytes(store.read(level, index, width) ?? new Uint8Array(0), new Uint8Array(32));
    expect(refusalOf(() => rootFromTiles(300, () => undefined))).toBe('tile_missing');
    expect(refusalOf(() => rootFromTiles(256, () => undefined))).toBe('tile_missing');
    expect(refusalOf(() => rootFromTiles(300, cut))).toBe('tile_length');
    expect(refusalOf(() => rootFromTiles(300, long))).toBe('tile_length');
    expect(refusalOf(() => growTiles(300, new Uint8Array(32), () => undefined))).toBe('tile_missing');
    expect(refusalOf(() => growTiles(300, new Uint8Array(32), cut))).toBe('tile_length');
    expect(refusalOf(() => growTiles(0, new Uint8Array(31), store.read))).toBe('tile_length');
    // The full tile in the place of the partial one must be full.
    expect(refusalOf(() => rootFromTiles(200, (_, __, width) => (width === 256 ? new Uint8Array(32 * 200) : undefined)))).toBe('tile_length');
  });
});

describe('around the first tile of level 2', () => {
  const store = new TileStore();
  const leaves = leavesUpTo(65_600);
  const reference = new ReferenceTree(leaves);
  beforeAll(() => {
    let at = 0;
    for (const size of [65_279, 65_280, 65_535, 65_536, 65_537, 65_600]) {
      store.append(leaves.slice(at, size));
      at = size;
    }
  });

  test.each([65_535, 65_536, 65_537])('%d leaves: root, inclusion, consistency', (size) => {
    const read = createTileNodeReader(size, store.read);
    const root = reference.root(0, size);
    expect(toHex(rootFromTiles(size, store.read))).toBe(toHex(root));
    const some = [0, 1, 255, 256, 257, 32_767, 32_768, 65_279, 65_280, 65_533, size - 2, size - 1];
    for (let i = 0; i < size; i += 997) some.push(i);
    for (const leafIndex of some) {
      const proof = proveInclusion(leafIndex, size, read);
      expect(proof.map(toHex)).toEqual(reference.path(leafIndex, 0, size).map(toHex));
      verifyInclusion(leaves[leafIndex] as Uint8Array, leafIndex, size, proof, root);
    }
    for (const before of [1, 2, 255, 256, 257, 32_768, 65_279, 65_280, 65_534, 65_535, 65_536, 65_537]) {
      if (before > size) continue;
      const proof = proveConsistency(before, size, read);
      expect(proof.map(toHex)).toEqual(reference.proof(before, size).map(toHex));
      verifyConsistency(before, size, reference.root(0, before), root, proof);
    }
  });

  test('a proof needs three tiles at the most, and a root those at the edge', () => {
    for (const leafIndex of [0, 40_000, 65_536]) expect(tilesForInclusion(leafIndex, 65_600).length).toBeLessThanOrEqual(3);
    expect(paths(tilesForRoot(65_600))).toEqual(['tile/0/256.p/64', 'tile/2/000.p/1']);
    expect(paths(tilesForRoot(0))).toEqual([]);
    expect(paths(tilesForConsistency(65_536, 65_600))).toEqual(['tile/0/256.p/64']);
    expect(paths(tilesForConsistency(65_280, 65_537))).toEqual(['tile/0/256.p/1', 'tile/1/000']);
  });
});
