/**
 * All skeletons of digits as a tree over the lengths of their groups and the separators between. One look per group settles most numbers
 * in logs: nothing that any kind is written like begins here.
 */
import { isCapital, isDigit, type Survey } from '../survey.ts';

const sizesMax = 32;
const marksMax = 8;

/** By unit: a separator's number; 0 for what separates nothing. What is beyond ASCII may be a space or a dash: see {@link GroupTree}. */
export const markOf = new Uint8Array(129);
for (const [i, mark] of Array.from(' -./(+').entries()) markOf[mark.charCodeAt(0)] = i + 1;
/** No-break spaces and the many dashes: whichever fits. */
const blank = markOf[32] as number;
const dash = markOf[45] as number;

export class GroupTree {
  /** Node, length, separator → node; 0 is none. */
  #next = new Uint16Array(64 * sizesMax * marksMax);
  /** Node → bits of the lengths with which a skeleton may end. */
  readonly #ends: number[] = [0];
  /** Node → do letters or a bracket follow in some skeleton? */
  readonly #letters: boolean[] = [false];

  /** Takes in a skeleton as far as it is digits. */
  add(skeleton: string): void {
    let node = 0;
    for (const { 0: group, index } of skeleton.matchAll(/9+/g)) {
      const end = index + group.length;
      if (end === skeleton.length) {
        this.#ends[node] = (this.#ends[node] as number) | (1 << group.length);
        return;
      }
      const mark = markOf[skeleton.charCodeAt(end)] as number;
      // Letters hang on the digits: `mayBegin` is not asked for such.
      if (mark === 0) return;
      node = this.#child(node, group.length, mark);
      if (isDigit(skeleton.charCodeAt(end + 1))) continue;
      this.#letters[node] = true;
      return;
    }
  }

  #child(node: number, size: number, mark: number): number {
    const slot = (node * sizesMax + size) * marksMax + mark;
    const known = this.#next[slot] as number;
    if (known > 0) return known;
    const child = this.#ends.length;
    this.#ends.push(0);
    this.#letters.push(false);
    if ((child + 1) * sizesMax * marksMax > this.#next.length) {
      const next = new Uint16Array(this.#next.length * 2);
      next.set(this.#next);
      this.#next = next;
    }
    this.#next[slot] = child;
    return child;
  }

  /**
   * The tree in bytes, for starts-code.ts: of each node 256 bytes of children by size and mark, and 32 bits: the lowest says whether letters may follow,
   * the others with which sizes a skeleton may end. No more than `nodesMax` nodes.
   */
  inBytes(nodesMax: number): { children: Uint8Array; ends: Uint32Array } {
    const count = this.#ends.length;
    if (count > Math.min(nodesMax, 256)) throw new Error(`too many nodes: ${count}`);
    return {
      children: Uint8Array.from(this.#next.subarray(0, count * sizesMax * marksMax)),
      ends: Uint32Array.from(this.#ends, (sizes, node) => (sizes | Number(this.#letters[node])) >>> 0),
    };
  }

  /** May digit run `i` be the first group of a skeleton of several groups? */
  mayBegin({ units, digitRuns, digitRunCount }: Survey, i: number): boolean {
    const next = this.#next;
    let node = 0;
    for (let j = i; j < digitRunCount; j++) {
      const to = digitRuns[2 * j + 1] as number;
      const size = to - (digitRuns[2 * j] as number);
      if (size >= sizesMax) return false;
      if (node > 0 && (((this.#ends[node] as number) >> size) & 1) === 1) return true;
      const unit = units[to] as number;
      if (isCapital(unit)) return true;
      const slot = (node * sizesMax + size) * marksMax;
      node = unit < 128 ? (next[slot + (markOf[unit] as number)] as number) : (next[slot + dash] as number) || (next[slot + blank] as number);
      if (node === 0) return false;
      const behind = units[to + 1] as number;
      if (!isDigit(behind)) return (isCapital(behind) || behind === 40 || behind === 41) && this.#letters[node] === true;
    }
    return false;
  }
}
