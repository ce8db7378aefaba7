/** Compact proofs of ranges, held against the tree itself and against inclusion proofs. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes } from '../../src/core/bytes.ts';
import {
  createNodeReader,
  createTileNodeReader,
  growTiles,
  hashTree,
  inclusionRanges,
  type LeafRange,
  proveRanges,
  rangeProofRanges,
  rootOfRanges,
  tilesOfRanges,
  verifyRanges,
} from '../../src/log/index.ts';
import { leavesUpTo } from './reference-tree.ts';
import { refusalOf } from './refusal.ts';

const leavesOf = (leaves: readonly Uint8Array[], ranges: readonly LeafRange[]): Uint8Array =>
  concatBytes(...ranges.flatMap(({ start, end }) => leaves.slice(start, end)));

/** Some ranges, ascending and apart, in a tree. */
const cases = fc.nat(90).chain((more) => {
  const treeSize = more + 1;
  return fc.record({
    treeSize: fc.constant(treeSize),
    ranges: fc
      .uniqueArray(fc.nat(treeSize), { minLength: 2, maxLength: 8 })
      .map((bounds) => bounds.toSorted((a, b) => a - b))
      .map((bounds) => bounds.flatMap((start, i) => (i % 2 === 0 && i + 1 < bounds.length ? [{ start, end: bounds[i + 1] as number }] : []))),
  });
});

test('every range of every small tree leads to its root', () => {
  for (let treeSize = 1; treeSize <= 18; treeSize++) {
    const leaves = leavesUpTo(treeSize);
    const read = createNodeReader(leaves);
    const root = hashTree(leaves);
    for (let start = 0; start < treeSize; start++)
      for (let end = start + 1; end <= treeSize; end++) {
        const ranges = [{ start, end }];
        verifyRanges(ranges, treeSize, leavesOf(leaves, ranges), proveRanges(ranges, treeSize, read), root);
      }
  }
});

test('several ranges at once; another leaf, another proof or another size lead elsewhere', () => {
  fc.assert(
    fc.property(cases, fc.nat(), fc.nat(), ({ treeSize, ranges }, one, two) => {
      const leaves = leavesUpTo(treeSize);
      const proof = proveRanges(ranges, treeSize, createNodeReader(leaves));
      const known = leavesOf(leaves, ranges);
      const root = hashTree(leaves);
      verifyRanges(ranges, treeSize, known, proof, root);
      const changed = known.slice();
      changed[one % changed.length] = (changed[one % changed.length] as number) ^ (1 << (two % 8));
      expect(refusalOf(() => verifyRanges(ranges, treeSize, changed, proof, root))).toBe('proof_mismatch');
      expect(refusalOf(() => verifyRanges(ranges, treeSize, known, [...proof, root], root))).toBe('proof_length');
      if (proof.length > 0) expect(refusalOf(() => verifyRanges(ranges, treeSize, known, proof.slice(1), root))).toBe('proof_length');
      if (proof.length > 1) expect(refusalOf(() => verifyRanges(ranges, treeSize, known, proof.toReversed(), root))).toBe('proof_mismatch');
    }),
  );
});

test('a single leaf takes as many hashes as its inclusion proof, a long range two a level at the most', () => {
  for (const [leaf, treeSize] of [
    [0, 1],
    [5, 11],
    [99_999, 1_000_000],
  ] as const)
    expect(rangeProofRanges([{ start: leaf, end: leaf + 1 }], treeSize)).toHaveLength(inclusionRanges(leaf, treeSize).length);
  expect(rangeProofRanges([{ start: 100_001, end: 900_001 }], 2 ** 20).length).toBeLessThanOrEqual(40);
});

test('is made from tiles, and from few of them', () => {
  const leaves = leavesUpTo(700);
  const tiles = new Map(growTiles(0, concatBytes(...leaves), () => undefined).map((tile) => [`${tile.level}/${tile.index}`, tile.bytes]));
  const ranges = [
    { start: 3, end: 4 },
    { start: 300, end: 420 },
  ];
  const needed = new Set(tilesOfRanges(rangeProofRanges(ranges, 700), 700).map(({ level, index }) => `${level}/${index}`));
  const read = createTileNodeReader(700, (level, index) => (needed.has(`${level}/${index}`) ? tiles.get(`${level}/${index}`) : undefined));
  verifyRanges(ranges, 700, leavesOf(leaves, ranges), proveRanges(ranges, 700, read), hashTree(leaves));
});

test.each([
  ['no range', [], 5],
  ['an empty range', [{ start: 2, end: 2 }], 5],
  ['backwards', [{ start: 3, end: 2 }], 5],
  ['beyond the tree', [{ start: 3, end: 6 }], 5],
  ['negative', [{ start: -1, end: 2 }], 5],
  ['not whole', [{ start: 0.5, end: 2 }], 5],
  [
    'next to each other',
    [
      { start: 0, end: 2 },
      { start: 2, end: 3 },
    ],
    5,
  ],
  [
    'out of order',
    [
      { start: 3, end: 4 },
      { start: 0, end: 1 },
    ],
    5,
  ],
  ['no tree', [{ start: 0, end: 1 }], Number.NaN],
])('refuses ranges: %s', (_what, ranges: LeafRange[], treeSize) => {
  expect(refusalOf(() => rangeProofRanges(ranges, treeSize))).toBe('tree_range');
});

test('refuses hashes of another length, and another number of leaves', () => {
  const leaves = leavesUpTo(4);
  const ranges = [{ start: 0, end: 2 }];
  const proof = proveRanges(ranges, 4, createNodeReader(leaves));
  expect(refusalOf(() => rootOfRanges(ranges, 4, leavesOf(leaves, ranges), [new Uint8Array(31)]))).toBe('proof_hash');
  expect(refusalOf(() => rootOfRanges(ranges, 4, leavesOf(leaves, ranges).subarray(32), proof))).toBe('proof_length');
});
