import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { equalBytes, fromHex, toHex } from '../../src/core/bytes.ts';
import {
  consistencyRanges,
  createNodeReader,
  emptyRoot,
  hashRoot,
  hashTree,
  inclusionRanges,
  leafHash,
  nodeHash,
  type NodeReader,
  proveConsistency,
  proveInclusion,
  rootOfInclusion,
  verifyConsistency,
  verifyInclusion,
} from '../../src/log/tree.ts';
import vectors from '../vectors/rfc6962.json' with { type: 'json' };
import { leavesUpTo, ReferenceTree } from './reference-tree.ts';
import { refusalOf } from './refusal.ts';

const largest = Number.MAX_SAFE_INTEGER;

describe('the reference tests of RFC 6962', () => {
  const leaves = vectors.leaves.map((leaf) => leafHash(fromHex(leaf)));
  const root = (size: number): Uint8Array => fromHex(vectors.roots[size] as string);

  test('roots', () => {
    vectors.roots.forEach((expected, size) => expect(toHex(hashTree(leaves.slice(0, size)))).toBe(expected));
    expect(emptyRoot()).toEqual(root(0));
  });

  test.each(vectors.inclusion)('inclusion of leaf $leafIndex in $treeSize', ({ leafIndex, treeSize, proof }) => {
    const read = createNodeReader(leaves.slice(0, treeSize));
    expect(proveInclusion(leafIndex, treeSize, read).map(toHex)).toEqual(proof);
    verifyInclusion(leaves[leafIndex] as Uint8Array, leafIndex, treeSize, proof.map(fromHex), root(treeSize));
  });

  test.each(vectors.consistency)('consistency of $before and $after', ({ before, after, proof }) => {
    expect(proveConsistency(before, after, createNodeReader(leaves)).map(toHex)).toEqual(proof);
    verifyConsistency(before, after, root(before), root(after), proof.map(fromHex));
  });
});

describe('against RFC 6962 written out', () => {
  const leaves = leavesUpTo(1100);
  const reference = new ReferenceTree(leaves);
  const read = createNodeReader(leaves);

  test('the root of every size up to 1,100', () => {
    for (let size = 0; size <= 1100; size++) expect(equalBytes(hashRoot(size, read), reference.root(0, size))).toBe(true);
  });

  test('every inclusion at sizes up to 130, and at those around a tile', () => {
    const sizes = [...Array.from({ length: 130 }, (_, i) => i + 1), 255, 256, 257, 511, 512, 513, 1100];
    for (const size of sizes) {
      const root = reference.root(0, size);
      for (let i = 0; i < size; i++) {
        const proof = proveInclusion(i, size, read);
        if (proof.some((hash, at) => !equalBytes(hash, reference.path(i, 0, size)[at] as Uint8Array))) expect.fail(`leaf ${i} of ${size}`);
        verifyInclusion(leaves[i] as Uint8Array, i, size, proof, root);
      }
    }
  });

  test('consistency of every pair of sizes up to 130', () => {
    for (let after = 1; after <= 130; after++) {
      for (let before = 1; before <= after; before++) {
        const proof = proveConsistency(before, after, read);
        expect(proof.map(toHex)).toEqual(reference.proof(before, after).map(toHex));
        verifyConsistency(before, after, reference.root(0, before), reference.root(0, after), proof);
      }
    }
  });

  test('any inclusion and any consistency up to 1,100', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1100 }), fc.nat(), (after, seed) => {
        const leafIndex = seed % after;
        const before = 1 + (seed % after);
        const root = reference.root(0, after);
        verifyInclusion(leaves[leafIndex] as Uint8Array, leafIndex, after, reference.path(leafIndex, 0, after), root);
        verifyConsistency(before, after, reference.root(0, before), root, reference.proof(before, after));
        expect(proveInclusion(leafIndex, after, read)).toEqual(reference.path(leafIndex, 0, after));
        expect(proveConsistency(before, after, read)).toEqual(reference.proof(before, after));
      }),
    );
  });

  test('no proof stands for another leaf, place, size or root', () => {
    const size = 21;
    const root = reference.root(0, size);
    for (let i = 0; i < size; i++) {
      const proof = reference.path(i, 0, size);
      for (let other = 0; other < size; other++) {
        const right = other === i ? 'accepted' : 'proof_mismatch';
        expect(refusalOf(() => verifyInclusion(leaves[other] as Uint8Array, i, size, proof, root))).toBe(right);
        if (other !== i) expect(refusalOf(() => verifyInclusion(leaves[i] as Uint8Array, other, size, proof, root))).not.toBe('accepted');
      }
      for (let otherSize = i + 1; otherSize < 40; otherSize++) {
        if (otherSize === size) continue;
        expect(refusalOf(() => verifyInclusion(leaves[i] as Uint8Array, i, otherSize, proof, reference.root(0, otherSize)))).not.toBe('accepted');
      }
      expect(refusalOf(() => verifyInclusion(leaves[i] as Uint8Array, i, size, [...proof, root], root))).toBe('proof_length');
      expect(refusalOf(() => verifyInclusion(leaves[i] as Uint8Array, i, size, proof.slice(1), root))).toBe('proof_length');
    }
  });

  test('no consistency proof stands for another pair', () => {
    for (let after = 1; after <= 24; after++) {
      for (let before = 1; before <= after; before++) {
        const proof = reference.proof(before, after);
        const roots = [reference.root(0, before), reference.root(0, after)] as const;
        const wrong = leaves[1000] as Uint8Array;
        expect(refusalOf(() => verifyConsistency(before, after, wrong, roots[1], proof))).toBe('proof_mismatch');
        expect(refusalOf(() => verifyConsistency(before, after, roots[0], wrong, proof))).toBe('proof_mismatch');
        expect(refusalOf(() => verifyConsistency(before, after, roots[0], roots[1], [...proof, wrong]))).toBe('proof_length');
        for (let i = 0; i < proof.length; i++) {
          expect(refusalOf(() => verifyConsistency(before, after, roots[0], roots[1], proof.with(i, wrong)))).toBe('proof_mismatch');
        }
        // For the same size with another root, a split view, there is no proof at all.
        if (before === after) expect(refusalOf(() => verifyConsistency(after, after, wrong, roots[1], []))).toBe('proof_mismatch');
      }
    }
  });

  test('the empty tree is the beginning of every tree, without a proof', () => {
    verifyConsistency(0, 0, emptyRoot(), emptyRoot(), []);
    verifyConsistency(0, 7, emptyRoot(), reference.root(0, 7), []);
    expect(proveConsistency(0, 7, read)).toEqual([]);
    expect(refusalOf(() => verifyConsistency(0, 7, reference.root(0, 1), reference.root(0, 7), []))).toBe('proof_mismatch');
    expect(refusalOf(() => verifyConsistency(0, 0, emptyRoot(), reference.root(0, 1), []))).toBe('proof_mismatch');
    expect(refusalOf(() => verifyConsistency(0, 7, emptyRoot(), reference.root(0, 7), [emptyRoot()]))).toBe('proof_length');
  });
});

describe('sizes that 32 bits do not hold', () => {
  // A tree of equal leaves: a perfect subtree's hash depends on its height only.
  const byHeight = [leafHash(new Uint8Array(0))];
  for (let height = 1; height <= 53; height++) byHeight.push(nodeHash(byHeight[height - 1] as Uint8Array, byHeight[height - 1] as Uint8Array));
  const read: NodeReader = (height) => byHeight[height] as Uint8Array;
  const big = fc.integer({ min: 2 ** 31 - 2, max: largest });
  const around = [2 ** 31, 2 ** 32, 2 ** 40, 2 ** 52, largest].flatMap((size) => [size - 1, size, Math.min(size + 1, largest)]);

  test('inclusion and consistency hold there too', () => {
    const check = (size: number, seed: number): void => {
      const root = hashRoot(size, read);
      const leafIndex = seed % size;
      verifyInclusion(byHeight[0] as Uint8Array, leafIndex, size, proveInclusion(leafIndex, size, read), root);
      const before = 1 + (seed % size);
      verifyConsistency(before, size, hashRoot(before, read), root, proveConsistency(before, size, read));
    };
    for (const size of around) for (const seed of [0, 1, size - 1, size - 2, 2 ** 31, 2 ** 32 - 1]) check(size, seed);
    fc.assert(fc.property(big, fc.maxSafeNat(), check));
  });

  test('a proof is refused where a 32-bit index would be the same', () => {
    const size = 2 ** 33 + 12_345;
    const root = hashRoot(size, read);
    const proof = proveInclusion(2 ** 32 + 7, size, read);
    expect(refusalOf(() => verifyInclusion(leafHash(Uint8Array.of(1)), 2 ** 32 + 7, size, proof, root))).toBe('proof_mismatch');
    expect(inclusionRanges(2 ** 32 + 7, size)).not.toEqual(inclusionRanges(7, size));
  });
});

describe('refusals', () => {
  const hash = leafHash(new Uint8Array(0));
  const badNumbers = [-1, 1.5, NaN, Infinity, 2 ** 53, largest + 2];

  test.each(badNumbers)('%d is neither a size nor an index', (bad) => {
    expect(refusalOf(() => inclusionRanges(0, bad))).toBe('tree_range');
    expect(refusalOf(() => inclusionRanges(bad, 5))).toBe('tree_range');
    expect(refusalOf(() => consistencyRanges(bad, 5))).toBe('tree_range');
    expect(refusalOf(() => consistencyRanges(1, bad))).toBe('tree_range');
    expect(refusalOf(() => hashRoot(bad, () => hash))).toBe('tree_range');
    expect(refusalOf(() => rootOfInclusion(hash, bad, 5, []))).toBe('tree_range');
    expect(refusalOf(() => verifyConsistency(bad, 5, hash, hash, []))).toBe('tree_range');
  });

  test('a leaf at or behind the end, a tree that shrinks, a node that is not there', () => {
    expect(refusalOf(() => inclusionRanges(5, 5))).toBe('tree_range');
    expect(refusalOf(() => inclusionRanges(0, 0))).toBe('tree_range');
    expect(refusalOf(() => consistencyRanges(6, 5))).toBe('tree_range');
    expect(refusalOf(() => createNodeReader([hash])(1, 0))).toBe('tree_range');
    expect(refusalOf(() => createNodeReader([hash])(0, 1))).toBe('tree_range');
  });

  test('hashes that have not 32 bytes', () => {
    const short = hash.subarray(1);
    expect(refusalOf(() => verifyInclusion(short, 0, 1, [], hash))).toBe('proof_hash');
    expect(refusalOf(() => verifyInclusion(hash, 0, 2, [short], hash))).toBe('proof_hash');
    expect(refusalOf(() => verifyConsistency(1, 2, short, hash, [hash]))).toBe('proof_hash');
    expect(refusalOf(() => verifyConsistency(1, 2, hash, short, [hash]))).toBe('proof_hash');
    expect(refusalOf(() => verifyConsistency(1, 2, hash, hash, [new Uint8Array(33)]))).toBe('proof_hash');
  });
});
