/**
 * The Merkle tree of RFC 6962 (section 2.1; proofs as RFC 9162, 2.1.3 and 2.1.4, verifies them), over SHA-256.
 *
 *     leaf hash = SHA-256(0x00 ‖ entry)      node hash = SHA-256(0x01 ‖ left ‖ right)      empty root = SHA-256()
 *
 * Sizes and indices are safe integers (up to 2^53 − 1), so there is no bit operator here: those of JavaScript cut to 32 bits. A proof is
 * planned as ranges of leaves first and hashed then, from whatever can give the hash of a perfect subtree: an array, or tiles (`tile.ts`).
 */
import { equalBytes } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { sha256, sha256Into } from '../core/sha256.ts';

export const hashBytes = 32;

/** Leaves `start` up to, not including, `end`. */
export interface LeafRange {
  readonly start: number;
  readonly end: number;
}

/** The hash of the perfect subtree over leaves index·2^height up to (index + 1)·2^height. */
export type NodeReader = (height: number, index: number) => Uint8Array;

const nodeMessage = new Uint8Array(1 + 2 * hashBytes);
nodeMessage[0] = 0x01;

/** SHA-256(0x00 ‖ entry). */
export function leafHash(entry: Uint8Array): Uint8Array {
  const message = new Uint8Array(1 + entry.length);
  message.set(entry, 1);
  const hash = new Uint8Array(hashBytes);
  sha256Into(message, hash, 0);
  return hash;
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const hash = new Uint8Array(hashBytes);
  nodeHashInto(left, 0, right, 0, hash, 0);
  return hash;
}

/** The node hash of the 32 bytes at `leftAt` and those at `rightAt`, written to `out` at `at`; all may be the same buffer. */
export function nodeHashInto(left: Uint8Array, leftAt: number, right: Uint8Array, rightAt: number, out: Uint8Array, at: number): void {
  for (let i = 0; i < hashBytes; i++) {
    nodeMessage[1 + i] = left[leftAt + i] as number;
    nodeMessage[33 + i] = right[rightAt + i] as number;
  }
  sha256Into(nodeMessage, out, at);
}

/** The root of the tree without leaves: SHA-256 of nothing. */
export function emptyRoot(): Uint8Array {
  return sha256(new Uint8Array(0));
}

/** The root over leaf hashes (RFC 6962's MTH). To grow a tree, use a frontier; to prove from it, {@link createNodeReader}. */
export function hashTree(leafHashes: readonly Uint8Array[]): Uint8Array {
  return hashRoot(leafHashes.length, createNodeReader(leafHashes));
}

/** Reads perfect subtrees over leaf hashes kept in memory: every level is hashed once, here. */
export function createNodeReader(leafHashes: readonly Uint8Array[]): NodeReader {
  const levels: Uint8Array[][] = [leafHashes.slice()];
  for (let level = levels[0] as Uint8Array[]; level.length > 1; level = levels.at(-1) as Uint8Array[]) {
    const above: Uint8Array[] = [];
    for (let i = 0; i + 1 < level.length; i += 2) above.push(nodeHash(level[i] as Uint8Array, level[i + 1] as Uint8Array));
    levels.push(above);
  }
  return (height, index) => {
    const hash = levels[height]?.[index];
    if (hash === undefined) throw new VeiltrailError('tree_range', 'a node outside of the tree', { height, index });
    return hash;
  };
}

/** The root of the tree of `size` leaves. */
export function hashRoot(size: number, read: NodeReader): Uint8Array {
  checkInteger(size, 'tree size');
  return size === 0 ? emptyRoot() : hashRange({ start: 0, end: size }, read);
}

/**
 * The hash over a range that {@link inclusionRanges} or {@link consistencyRanges} planned, or over a whole tree: a range whose start is a
 * multiple of the power of two that holds its length.
 */
export function hashRange(range: LeafRange, read: NodeReader): Uint8Array {
  const nodes = rangeNodes(range);
  let { height, index } = nodes.at(-1) as TreeNode;
  let hash = read(height, index);
  for (let i = nodes.length - 2; i >= 0; i--) {
    ({ height, index } = nodes[i] as TreeNode);
    hash = nodeHash(read(height, index), hash);
  }
  return hash;
}

export interface TreeNode {
  readonly height: number;
  readonly index: number;
}

/** The perfect subtrees that make up a range, from left (largest) to right. */
export function rangeNodes(range: LeafRange): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (let { start } = range; start < range.end;) {
    const { power, height } = powerUpTo(range.end - start);
    nodes.push({ height, index: start / power });
    start += power;
  }
  return nodes;
}

/**
 * The ranges whose hashes are the inclusion proof of a leaf, from the leaf's sibling up to the root's child.
 * @throws VeiltrailError `tree_range` unless 0 ≤ leafIndex < treeSize ≤ 2^53 − 1
 */
export function inclusionRanges(leafIndex: number, treeSize: number): LeafRange[] {
  checkInteger(treeSize, 'tree size');
  checkInteger(leafIndex, 'leaf index');
  if (leafIndex >= treeSize) throw new VeiltrailError('tree_range', 'a leaf outside of the tree', { leafIndex, treeSize });
  const ranges: LeafRange[] = [];
  let start = 0;
  let end = treeSize;
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    if (leafIndex < middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  return ranges.toReversed();
}

/**
 * The ranges whose hashes are the consistency proof between two sizes; none from the empty tree, and none to the same size.
 * @throws VeiltrailError `tree_range` unless 0 ≤ before ≤ after ≤ 2^53 − 1
 */
export function consistencyRanges(before: number, after: number): LeafRange[] {
  checkInteger(before, 'tree size');
  checkInteger(after, 'tree size');
  if (before > after) throw new VeiltrailError('tree_range', 'a tree does not shrink', { before, after });
  if (before === 0 || before === after) return [];
  const ranges: LeafRange[] = [];
  let start = 0;
  let end = after;
  // RFC 6962's SUBPROOF: walk down to where the old tree ends, noting what lies beside the way.
  while (end !== before) {
    const middle = start + splitOf(end - start);
    if (before <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  // The old tree's own last subtree is left out when it is the whole old tree: the verifier has that root.
  if (start > 0) ranges.push({ start, end });
  return ranges.toReversed();
}

/** The inclusion proof of a leaf: hashes from the leaf's sibling up to the root's child. */
export function proveInclusion(leafIndex: number, treeSize: number, read: NodeReader): Uint8Array[] {
  return inclusionRanges(leafIndex, treeSize).map((range) => hashRange(range, read));
}

/** The consistency proof between the tree of `before` leaves and that of `after`. */
export function proveConsistency(before: number, after: number, read: NodeReader): Uint8Array[] {
  return consistencyRanges(before, after).map((range) => hashRange(range, read));
}

/**
 * The root that an inclusion proof leads to (RFC 9162, 2.1.3.2).
 * @throws VeiltrailError `tree_range` for a leaf outside of the tree, `proof_length`, `proof_hash` for a hash that has not 32 bytes
 */
export function rootOfInclusion(hash: Uint8Array, leafIndex: number, treeSize: number, proof: readonly Uint8Array[]): Uint8Array {
  checkHashes([hash, ...proof]);
  if (proof.length !== inclusionRanges(leafIndex, treeSize).length) throw wrongLength();
  let node = leafIndex;
  let last = treeSize - 1;
  let root = hash;
  for (const sibling of proof) {
    if (node % 2 === 1 || node === last) {
      root = nodeHash(sibling, root);
      // A node that ends its level has no sibling there: up to where it is a right child. That exists, as the proof is not too long.
      while (node % 2 === 0) {
        node = node / 2;
        last = Math.floor(last / 2);
      }
    } else {
      root = nodeHash(root, sibling);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return root;
}

/**
 * Verifies that the leaf is in the tree of that size and root.
 * @throws VeiltrailError what {@link rootOfInclusion} throws, and `proof_mismatch`
 */
export function verifyInclusion(hash: Uint8Array, leafIndex: number, treeSize: number, proof: readonly Uint8Array[], root: Uint8Array): void {
  if (!equalBytes(rootOfInclusion(hash, leafIndex, treeSize, proof), root)) {
    throw new VeiltrailError('proof_mismatch', 'the inclusion proof does not lead to the root', { leafIndex, treeSize });
  }
}

/**
 * Verifies that the tree of `before` leaves is the beginning of that of `after` (RFC 9162, 2.1.4.2).
 * @throws VeiltrailError `tree_range`, `proof_length`, `proof_hash`, `proof_mismatch`
 */
export function verifyConsistency(before: number, after: number, rootBefore: Uint8Array, rootAfter: Uint8Array, proof: readonly Uint8Array[]): void {
  checkHashes([rootBefore, rootAfter, ...proof]);
  if (proof.length !== consistencyRanges(before, after).length) throw wrongLength();
  const roots = rootsOfConsistency(before, after, rootBefore, rootAfter, proof);
  if (!equalBytes(roots.before, rootBefore) || !equalBytes(roots.after, rootAfter)) {
    throw new VeiltrailError('proof_mismatch', 'the consistency proof does not lead to the roots', { before, after });
  }
}

/** The roots that follow from a consistency proof of the right length; for the two cases without one, what they must be. */
function rootsOfConsistency(before: number, after: number, rootBefore: Uint8Array, rootAfter: Uint8Array, proof: readonly Uint8Array[]) {
  if (before === 0) return { before: emptyRoot(), after: after === 0 ? emptyRoot() : rootAfter };
  if (before === after) return { before: rootAfter, after: rootBefore };
  let node = before - 1;
  let last = after - 1;
  while (node % 2 === 1) {
    node = (node - 1) / 2;
    last = Math.floor(last / 2);
  }
  // A whole old tree (its size a power of two) is not in the proof: start from its root.
  const whole = node === 0;
  let old = whole ? rootBefore : (proof[0] as Uint8Array);
  let grown = old;
  for (const sibling of whole ? proof : proof.slice(1)) {
    if (node % 2 === 1 || node === last) {
      old = nodeHash(sibling, old);
      grown = nodeHash(sibling, grown);
      while (node % 2 === 0) {
        node = node / 2;
        last = Math.floor(last / 2);
      }
    } else {
      grown = nodeHash(grown, sibling);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return { before: old, after: grown };
}

/** The largest power of two below `length` (RFC 6962's k), for a length of two or more. */
export function splitOf(length: number): number {
  return powerUpTo(length - 1).power;
}

/** The largest power of two up to `length`, and its exponent. */
function powerUpTo(length: number): { power: number; height: number } {
  let power = 1;
  let height = 0;
  while (power <= length / 2) {
    power *= 2;
    height++;
  }
  return { power, height };
}

function checkInteger(value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new VeiltrailError('tree_range', `a ${what} is an integer from 0 to 2^53 − 1`);
}

function checkHashes(hashes: readonly Uint8Array[]): void {
  if (hashes.some((hash) => hash.length !== hashBytes)) throw new VeiltrailError('proof_hash', `a hash has ${hashBytes} bytes`);
}

function wrongLength(): VeiltrailError {
  return new VeiltrailError('proof_length', 'the proof has not as many hashes as its sizes ask for');
}
