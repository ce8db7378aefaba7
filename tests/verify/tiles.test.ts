/** Tiles of a log checked from its entries up: what is changed anywhere is found, and named. */
import { describe, expect, test } from 'vitest';
import { formatEntry } from '../../src/log/entry.ts';
import { formatEntryBundle } from '../../src/log/entry-bundle.ts';
import { growTiles, hashTile, tileWidth } from '../../src/log/tile.ts';
import { leafHash } from '../../src/log/tree.ts';
import { Problems, type Problem } from '../../src/verify/problem.ts';
import { verifyLeafTile, verifyPrefix, verifyUpperTiles } from '../../src/verify/tiles.ts';

const entry = (i: number): Uint8Array => formatEntry(Uint8Array.from({ length: 32 }, (_, k) => (i * 31 + k * 7 + (i >> 8)) & 0xff));

interface Log {
  size: number;
  tiles: Map<string, Uint8Array>;
  bundle(index: number): Uint8Array;
}

function createLog(size: number): Log {
  const hashes = new Uint8Array(32 * size);
  for (let i = 0; i < size; i++) hashes.set(leafHash(entry(i)), 32 * i);
  const tiles = new Map(growTiles(0, hashes, () => undefined).map(({ level, index, bytes }) => [`${level}/${index}`, bytes]));
  const bundle = (index: number): Uint8Array =>
    formatEntryBundle(Array.from({ length: tileWidth(0, index, size) }, (_, k) => entry(256 * index + k)));
  return { size, tiles, bundle };
}

function check(
  log: Log,
  index: number,
  change: { tile?: Uint8Array | undefined; bundle?: Uint8Array | undefined } = {},
): { problems: Problem[]; root: Uint8Array | undefined; read: number } {
  const problems: Problem[] = [];
  const { tile = log.tiles.get(`0/${index}`), bundle = log.bundle(index) } = change;
  const given = { tile: 'tile' in change ? change.tile : tile, bundle: 'bundle' in change ? change.bundle : bundle };
  const { root, commitments, unreadable } = verifyLeafTile(index, tileWidth(0, index, log.size), given.tile, given.bundle, (problem) =>
    problems.push(problem),
  );
  expect(commitments.length).toBe(32 * tileWidth(0, index, log.size));
  for (const at of unreadable) expect(commitments.subarray(32 * at, 32 * at + 32)).toEqual(new Uint8Array(32));
  return { problems, root, read: commitments.length / 32 - unreadable.length };
}

const codes = (problems: readonly Problem[]): [string, number | undefined][] => problems.map(({ code, leafIndex }) => [code, leafIndex]);

describe('a leaf tile', () => {
  const log = createLog(300);

  test('in order gives its commitments, and its root when it is full', () => {
    expect(check(log, 0)).toMatchObject({ problems: [], read: 256, root: hashTile(log.tiles.get('0/0') as Uint8Array) });
    expect(check(log, 1)).toMatchObject({ problems: [], read: 44, root: undefined });
  });

  test('missing, or its bundle, or both', () => {
    expect(check(log, 1, { tile: undefined })).toMatchObject({ read: 44, problems: [{ code: 'tile_missing', leafIndex: 256 }] });
    expect(check(log, 1, { bundle: undefined })).toMatchObject({ read: 0, problems: [{ code: 'entries_missing', leafIndex: 256 }] });
    expect(codes(check(log, 0, { tile: undefined, bundle: undefined }).problems)).toEqual([
      ['entries_missing', 0],
      ['tile_missing', 0],
    ]);
  });

  test('of another length', () => {
    expect(codes(check(log, 0, { tile: (log.tiles.get('0/0') as Uint8Array).subarray(1) }).problems)).toEqual([['tile_length', 0]]);
    expect(codes(check(log, 0, { bundle: log.bundle(0).subarray(1) }).problems)).toEqual([['entries_unreadable', 0]]);
    expect(codes(check(log, 0, { bundle: log.bundle(0).subarray(0, -35) }).problems)).toEqual([['entries_unreadable', 0]]);
  });

  test('with any byte of an entry changed names that entry', () => {
    for (const leaf of [0, 1, 100, 255]) {
      for (const at of [2, 3, 34]) {
        const bundle = log.bundle(0);
        bundle[35 * leaf + at] = (bundle[35 * leaf + at] as number) ^ 1;
        const { problems, root } = check(log, 0, { bundle });
        expect(problems[0]).toMatchObject({ code: 'entry_not_in_tree', leafIndex: leaf });
        expect(root).toBeUndefined();
      }
    }
  });

  test('with any hash of the tile changed names its entry', () => {
    const tile = (log.tiles.get('0/1') as Uint8Array).slice();
    tile[32 * 7] = (tile[32 * 7] as number) ^ 0x80;
    expect(codes(check(log, 1, { tile }).problems)).toEqual([['entry_not_in_tree', 263]]);
  });

  test('with an entry of an unknown version, even in its tree', () => {
    const bad = entry(3);
    bad[0] = 2;
    const entries = Array.from({ length: 256 }, (_, i) => (i === 3 ? bad : entry(i)));
    const tile = new Uint8Array(8192);
    entries.forEach((one, i) => tile.set(leafHash(one), 32 * i));
    const { problems, read } = check(log, 0, { tile, bundle: formatEntryBundle(entries) });
    expect(codes(problems)).toEqual([['entry_unreadable', 3]]);
    expect(read).toBe(255);
  });
});

describe('the tiles above', () => {
  const log = createLog(256 * 256 + 700);
  const roots = new Uint8Array(32 * Math.floor(log.size / 256));
  for (let i = 0; i < roots.length / 32; i++) roots.set(hashTile(log.tiles.get(`0/${i}`) as Uint8Array), 32 * i);

  function above(change: (tiles: Map<string, Uint8Array>) => void, from = roots): [string, number | undefined][] {
    const tiles = new Map(log.tiles);
    change(tiles);
    const problems: Problem[] = [];
    verifyUpperTiles(
      log.size,
      from,
      (level, index) => tiles.get(`${level}/${index}`),
      (problem) => problems.push(problem),
    );
    return codes(problems);
  }

  test('in order', () => {
    expect(above(() => undefined)).toEqual([]);
    expect(createLog(255).tiles.has('1/0')).toBe(false);
  });

  test('missing, cut, or with a hash changed', () => {
    expect(above((tiles) => tiles.delete('1/0'))).toEqual([['tile_missing', 0]]);
    expect(above((tiles) => tiles.delete('2/0'))).toEqual([['tile_missing', 0]]);
    expect(above((tiles) => tiles.set('1/1', (tiles.get('1/1') as Uint8Array).subarray(0, 32)))).toEqual([['tile_length', 65_536]]);
    const changed = (log.tiles.get('1/0') as Uint8Array).slice();
    changed[32 * 9 + 5] = (changed[32 * 9 + 5] as number) ^ 1;
    expect(above((tiles) => tiles.set('1/0', changed))).toEqual([['tile_wrong', 9 * 256]]);
  });

  test('a leaf tile that was not in order is not blamed on the tile above, but its level is', () => {
    const holes = roots.slice();
    holes.fill(0, 32 * 4, 32 * 5);
    // The full tile of level 1 then has another root, so level 2 tells.
    expect(above(() => undefined, holes)).toEqual([['tile_wrong', 0]]);
  });
});

describe('a partial tile from before', () => {
  test('is the beginning of what it grew into, or it is named', () => {
    const now = Uint8Array.from({ length: 96 }, (_, i) => i);
    expect(() => verifyPrefix('tile/0/000.p/2', now.subarray(0, 64), now)).not.toThrow();
    for (const bad of [now.slice(0, 64).fill(9, 63), new Uint8Array(128)]) {
      expect(() => verifyPrefix('tile/0/000.p/2', bad, now)).toThrow(expect.objectContaining({ code: 'tile_stale' }));
    }
  });
});

describe('problems', () => {
  test('are counted, kept up to a bound, by leaf, and know the first bad one', () => {
    const problems = new Problems();
    expect([problems.count, problems.firstBadLeaf]).toEqual([0, null]);
    problems.add({ code: 'b', where: 'f', message: 'no leaf' });
    for (let leafIndex = 500; leafIndex > 100; leafIndex--) problems.add({ code: 'a', where: `leaf ${leafIndex}`, message: '', leafIndex });
    expect([problems.count, problems.firstBadLeaf]).toEqual([401, 101]);
    const list = problems.list();
    expect(list.length).toBe(21);
    expect(list.at(0)).toMatchObject({ leafIndex: 101 });
    expect(list.at(-1)).toMatchObject({ code: 'b' });
    for (let i = 0; i < 30; i++) problems.add({ code: 'c', where: '', message: `${i}`, ...(i === 7 ? { leafIndex: 1 } : {}) });
    expect(problems.list().filter(({ code }) => code === 'c')).toHaveLength(20);
    expect(problems.list()[0]).toMatchObject({ code: 'c', leafIndex: 1 });
    expect(list.map(({ leafIndex }) => leafIndex ?? Infinity)).toEqual(list.map(({ leafIndex }) => leafIndex ?? Infinity).toSorted((a, b) => a - b));
  });

  test('of two runs are put together', () => {
    const all = new Problems();
    all.add({ code: 'a', where: '', message: '', leafIndex: 7 });
    all.merge({ list: [{ code: 'a', where: '', message: '', leafIndex: 3 }], count: 50 });
    expect([all.count, all.firstBadLeaf, all.list().length]).toEqual([51, 3, 2]);
  });
});
