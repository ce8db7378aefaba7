import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes, toHex, uint64be } from '../../src/core/bytes.ts';
import { Frontier } from '../../src/log/frontier.ts';
import { emptyRoot, hashRoot, leafHash, nodeHash } from '../../src/log/tree.ts';
import { leavesUpTo, ReferenceTree } from './reference-tree.ts';
import { refusalOf } from './refusal.ts';

const leaves = leavesUpTo(1100);
const reference = new ReferenceTree(leaves);

test('has the root of every size up to 1,100, also after being written and read', () => {
  let frontier = new Frontier();
  expect(frontier.root()).toEqual(emptyRoot());
  for (let size = 1; size <= 1100; size++) {
    frontier.append(leaves[size - 1] as Uint8Array);
    expect(frontier.size).toBe(size);
    expect(toHex(frontier.root())).toBe(toHex(reference.root(0, size)));
    if (size % 7 === 0) {
      const bytes = frontier.toBytes();
      frontier = Frontier.fromBytes(bytes);
      expect(frontier.toBytes()).toEqual(bytes);
      expect(toHex(frontier.root())).toBe(toHex(reference.root(0, size)));
    }
  }
});

test('appends out of a buffer of many', () => {
  const buffer = concatBytes(...leaves.slice(0, 300));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 }), (count) => {
      const frontier = new Frontier();
      for (let i = 0; i < count; i++) frontier.append(buffer, i * 32);
      expect(frontier.root()).toEqual(reference.root(0, count));
    }),
  );
});

test('a copy goes its own way', () => {
  const frontier = new Frontier();
  for (const hash of leaves.slice(0, 5)) frontier.append(hash);
  const copy = frontier.clone();
  copy.append(leaves[99] as Uint8Array);
  expect(frontier.size).toBe(5);
  expect(frontier.root()).toEqual(reference.root(0, 5));
  frontier.append(leaves[5] as Uint8Array);
  expect(frontier.root()).toEqual(reference.root(0, 6));
  expect(copy.root()).not.toEqual(frontier.root());
});

test('is written as its size and one hash for each perfect subtree, the largest first', () => {
  const frontier = new Frontier();
  for (const hash of leaves.slice(0, 6)) frontier.append(hash);
  expect(frontier.toBytes()).toEqual(concatBytes(uint64be(6), reference.root(0, 4), reference.root(4, 6)));
});

test('reaches the largest size there is, and no further', () => {
  const byHeight = [leafHash(new Uint8Array(0))];
  for (let height = 1; height <= 53; height++) byHeight.push(nodeHash(byHeight[height - 1] as Uint8Array, byHeight[height - 1] as Uint8Array));
  const at = (size: number): Frontier => {
    const hashes: Uint8Array[] = [];
    for (let height = 52; height >= 0; height--) if (Math.floor(size / 2 ** height) % 2 === 1) hashes.push(byHeight[height] as Uint8Array);
    return Frontier.fromBytes(concatBytes(uint64be(size), ...hashes));
  };
  for (const size of [2 ** 31 - 1, 2 ** 32 - 1, 2 ** 32, 2 ** 52 - 1, Number.MAX_SAFE_INTEGER - 1]) {
    const frontier = at(size);
    frontier.append(byHeight[0] as Uint8Array);
    expect(frontier.size).toBe(size + 1);
    expect(frontier.root()).toEqual(hashRoot(size + 1, (height) => byHeight[height] as Uint8Array));
    expect(frontier.toBytes()).toEqual(at(size + 1).toBytes());
  }
  expect(refusalOf(() => at(Number.MAX_SAFE_INTEGER).append(byHeight[0] as Uint8Array))).toBe('tree_range');
});

test('refuses what it would not write', () => {
  const bytes = concatBytes(uint64be(3), leaves[0] as Uint8Array, leaves[1] as Uint8Array);
  expect(refusalOf(() => Frontier.fromBytes(bytes))).toBe('accepted');
  for (const bad of [
    new Uint8Array(0),
    bytes.subarray(0, 7),
    bytes.subarray(0, 8),
    bytes.subarray(0, -1),
    concatBytes(bytes, Uint8Array.of(0)),
    bytes.with(0, 255),
  ]) {
    expect(refusalOf(() => Frontier.fromBytes(bad))).toBe('frontier_bytes');
  }
  expect(refusalOf(() => new Frontier().append(new Uint8Array(31)))).toBe('proof_hash');
  expect(refusalOf(() => new Frontier().append(new Uint8Array(64), 33))).toBe('proof_hash');
});
