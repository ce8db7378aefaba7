/**
 * The frontier of a tree: the roots of its perfect subtrees, from the largest on the left to the smallest on the right, one for each 1 in
 * the binary tree size. It is all that appending needs: one node hash per leaf on average, and the root at any time.
 *
 *     written = uint64be(tree size) ‖ those hashes, largest subtree first
 */
import { concatBytes, uint64be } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { emptyRoot, hashBytes, nodeHashInto } from './tree.ts';

/** Sizes end at 2^53 − 1, so no perfect subtree is higher than 52. */
const heightMax = 52;

export class Frontier {
  #size = 0;
  /** The root of the perfect subtree of height h stands at 32·h while the h-th bit of the size is 1; else what is there is stale. */
  readonly #hashes = new Uint8Array((heightMax + 1) * hashBytes);
  readonly #carry = new Uint8Array(hashBytes);

  /** Leaves so far. */
  get size(): number {
    return this.#size;
  }

  /** Appends the 32 bytes at `at` of a buffer of leaf hashes. */
  append(hashes: Uint8Array, at = 0): void {
    if (hashes.length < at + hashBytes) throw new VeiltrailError('proof_hash', `a leaf hash has ${hashBytes} bytes`);
    if (this.#size >= Number.MAX_SAFE_INTEGER) throw new VeiltrailError('tree_range', 'the tree is full');
    const carry = this.#carry;
    for (let i = 0; i < hashBytes; i++) carry[i] = hashes[at + i] as number;
    let height = 0;
    // Two subtrees of one height become one of the next, until a height is free: a carry, as in adding one to the size.
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2, height++) nodeHashInto(this.#hashes, height * hashBytes, carry, 0, carry, 0);
    this.#hashes.set(carry, height * hashBytes);
    this.#size++;
  }

  /** The root of the tree so far. */
  root(): Uint8Array {
    let root: Uint8Array | undefined;
    for (const height of this.#heights()) {
      const at = height * hashBytes;
      if (root === undefined) root = this.#hashes.slice(at, at + hashBytes);
      else nodeHashInto(this.#hashes, at, root, 0, root, 0);
    }
    return root ?? emptyRoot();
  }

  /** An independent copy, for an append that may have to be given up. */
  clone(): Frontier {
    const copy = new Frontier();
    copy.#size = this.#size;
    copy.#hashes.set(this.#hashes);
    return copy;
  }

  toBytes(): Uint8Array {
    const hashes = this.#heights().map((height) => this.#hashes.subarray(height * hashBytes, (height + 1) * hashBytes));
    return concatBytes(uint64be(this.#size), ...hashes.toReversed());
  }

  /** @throws VeiltrailError `frontier_bytes` for anything {@link Frontier.toBytes} would not write */
  static fromBytes(bytes: Uint8Array): Frontier {
    const frontier = new Frontier();
    if (bytes.length < 8) throw badBytes();
    const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const size = words.getUint32(0) * 0x1_0000_0000 + words.getUint32(4);
    if (!Number.isSafeInteger(size)) throw badBytes();
    frontier.#size = size;
    const heights = frontier.#heights().toReversed();
    if (bytes.length !== 8 + heights.length * hashBytes) throw badBytes();
    heights.forEach((height, i) => frontier.#hashes.set(bytes.subarray(8 + i * hashBytes, 8 + (i + 1) * hashBytes), height * hashBytes));
    return frontier;
  }

  /** Heights of the perfect subtrees, smallest first. */
  #heights(): number[] {
    const heights: number[] = [];
    for (let rest = this.#size, height = 0; rest > 0; rest = Math.floor(rest / 2), height++) if (rest % 2 === 1) heights.push(height);
    return heights;
  }
}

function badBytes(): VeiltrailError {
  return new VeiltrailError('frontier_bytes', 'not a frontier');
}
