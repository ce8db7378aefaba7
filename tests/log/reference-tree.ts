/** RFC 6962, section 2.1, word for word and slow: what the tree, the frontier and the tiles are held against. */
import { createHash } from 'node:crypto';

const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

export function leaf(entry: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(0), entry);
}

/** MTH over leaf hashes, remembered by range so that many sizes stay affordable. */
export class ReferenceTree {
  readonly #leaves: readonly Uint8Array[];
  readonly #known = new Map<string, Uint8Array>();

  constructor(leaves: readonly Uint8Array[]) {
    this.#leaves = leaves;
  }

  root(start: number, end: number): Uint8Array {
    const n = end - start;
    if (n === 0) return sha256();
    if (n === 1) return this.#leaves[start] as Uint8Array;
    const key = `${start}-${end}`;
    let root = this.#known.get(key);
    if (root === undefined) {
      const k = split(n);
      root = sha256(Uint8Array.of(1), this.root(start, start + k), this.root(start + k, end));
      this.#known.set(key, root);
    }
    return root;
  }

  /** PATH(m, D[start:end]). */
  path(m: number, start: number, end: number): Uint8Array[] {
    const n = end - start;
    if (n === 1) return [];
    const k = split(n);
    if (m < k) return [...this.path(m, start, start + k), this.root(start + k, end)];
    return [...this.path(m - k, start + k, end), this.root(start, start + k)];
  }

  /** PROOF(m, D[0:n]). */
  proof(m: number, n: number): Uint8Array[] {
    return this.#subproof(m, 0, n, true);
  }

  #subproof(m: number, start: number, end: number, whole: boolean): Uint8Array[] {
    const n = end - start;
    if (m === n) return whole ? [] : [this.root(start, end)];
    const k = split(n);
    if (m <= k) return [...this.#subproof(m, start, start + k, whole), this.root(start + k, end)];
    return [...this.#subproof(m - k, start + k, end, false), this.root(start, start + k)];
  }
}

/** Entry i of the test logs: four bytes. */
export function entryAt(i: number): Uint8Array {
  return Uint8Array.of(i >>> 24, i >>> 16, i >>> 8, i);
}

export function leavesUpTo(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => leaf(entryAt(i)));
}
