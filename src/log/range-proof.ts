/**
 * Proof that ranges of leaves are in a tree, all of each range at once: the hashes of the subtrees beside them, from left to right. Where an
 * inclusion proof a leaf takes log n hashes each, this takes at most two a level for a range, whatever its length; one leaf alone is a range too.
 *
 * The tree is walked from its root: a subtree without any leaf of the ranges is one hash of the proof, one that is all within them is hashed from
 * its leaves, every other is split as RFC 6962 splits it. So ranges and size say how many hashes there are and what each stands for.
 */
import { equalBytes } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { hashTile } from './tile.ts';
import { hashBytes, hashRange, type LeafRange, nodeHash, type NodeReader, splitOf } from './tree.ts';

/**
 * The subtrees whose hashes make the proof, in its order.
 * @param ranges not empty, ascending, apart from each other
 * @throws VeiltrailError `tree_range`
 */
export function rangeProofRanges(ranges: readonly LeafRange[], treeSize: number): LeafRange[] {
  checkRanges(ranges, treeSize);
  const beside: LeafRange[] = [];
  walk(ranges, treeSize, { known: () => 0, beside: (range) => beside.push(range), node: () => 0 });
  return beside;
}

export function proveRanges(ranges: readonly LeafRange[], treeSize: number, read: NodeReader): Uint8Array[] {
  return rangeProofRanges(ranges, treeSize).map((range) => hashRange(range, read));
}

/**
 * The root that the leaves of the ranges and their proof lead to.
 * @param leafHashes 32 bytes for each leaf of the ranges, in ascending order
 * @throws VeiltrailError `tree_range`, `proof_length`, `proof_hash`
 */
export function rootOfRanges(ranges: readonly LeafRange[], treeSize: number, leafHashes: Uint8Array, proof: readonly Uint8Array[]): Uint8Array {
  checkRanges(ranges, treeSize);
  if (proof.some((hash) => hash.length !== hashBytes)) throw new VeiltrailError('proof_hash', `a hash has ${hashBytes} bytes`);
  if (leafHashes.length !== countLeaves(ranges) * hashBytes) throw wrongLength();
  let leaves = 0;
  let taken = 0;
  const root = walk(ranges, treeSize, {
    known({ start, end }) {
      const from = leaves;
      leaves += end - start;
      return hashTile(leafHashes.subarray(from * hashBytes, leaves * hashBytes));
    },
    beside() {
      const hash = proof[taken++];
      if (hash === undefined) throw wrongLength();
      return hash;
    },
    node: nodeHash,
  });
  if (taken !== proof.length) throw wrongLength();
  return root;
}

/** @throws VeiltrailError what {@link rootOfRanges} throws, and `proof_mismatch` */
export function verifyRanges(
  ranges: readonly LeafRange[],
  treeSize: number,
  leafHashes: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): void {
  if (!equalBytes(rootOfRanges(ranges, treeSize, leafHashes, proof), root)) {
    throw new VeiltrailError('proof_mismatch', 'the proof of the ranges does not lead to the root', { treeSize });
  }
}

export function countLeaves(ranges: readonly LeafRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

interface Visitor<T> {
  /** A subtree within the ranges. */
  known(range: LeafRange): T;
  /** A subtree that has no leaf of them. */
  beside(range: LeafRange): T;
  node(left: T, right: T): T;
}

function walk<T>(ranges: readonly LeafRange[], treeSize: number, visitor: Visitor<T>): T {
  let at = 0;
  const visit = (start: number, end: number): T => {
    // Subtrees come from left to right: ranges that end before this one are done with.
    while (at < ranges.length && (ranges[at] as LeafRange).end <= start) at++;
    const range = ranges[at];
    if (range === undefined || range.start >= end) return visitor.beside({ start, end });
    if (range.start <= start && range.end >= end) return visitor.known({ start, end });
    const middle = start + splitOf(end - start);
    const left = visit(start, middle);
    return visitor.node(left, visit(middle, end));
  };
  return visit(0, treeSize);
}

function checkRanges(ranges: readonly LeafRange[], treeSize: number): void {
  let before = -1;
  for (const { start, end } of ranges) {
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start <= before || end <= start || end > treeSize)
      throw new VeiltrailError('tree_range', 'ranges ascend, are apart from each other, not empty, and within the tree');
    before = end;
  }
  if (!Number.isSafeInteger(treeSize) || ranges.length === 0) throw new VeiltrailError('tree_range', 'no range, or no tree');
}

function wrongLength(): VeiltrailError {
  return new VeiltrailError('proof_length', 'the proof has not as many hashes as its ranges ask for');
}
