/**
 * Which leaves of a bucket (65,536 leaves) something holds: a bit a leaf, the first leaf in the highest bit of the first byte. Places count from
 * the bucket's first leaf. The rank of a place is the number of members before it.
 */
import { invariant } from '../core/errors.ts';
import { bucketLeaves } from '../storage/record-store.ts';

export const leafSetBytes = bucketLeaves / 8;

const windowBytes = 32;
const onesOf = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let rest = byte; rest > 0; rest &= rest - 1) ones++;
  return ones;
});

export class LeafSet {
  /** {@link leafSetBytes} bytes. */
  readonly bits: Uint8Array;
  /** Members before each 256 places; made when it is first asked for, and again after a change. */
  #before: Uint32Array | undefined;

  constructor(bits: Uint8Array = new Uint8Array(leafSetBytes)) {
    invariant(bits.length === leafSetBytes, 'a bit for each leaf of a bucket');
    this.bits = bits;
  }

  /** Every leaf of a bucket. */
  static all(): LeafSet {
    return new LeafSet(new Uint8Array(leafSetBytes).fill(0xff));
  }

  add(place: number): void {
    const at = place >>> 3;
    this.bits[at] = (this.bits[at] as number) | (0x80 >>> (place & 7));
    this.#before = undefined;
  }

  has(place: number): boolean {
    return ((this.bits[place >>> 3] as number) & (0x80 >>> (place & 7))) !== 0;
  }

  get count(): number {
    return this.rank(bucketLeaves);
  }

  /** Members before a place, which may be the one behind the last. */
  rank(place: number): number {
    const before = (this.#before ??= this.#countBefore());
    const byte = place >>> 3;
    let rank = before[place >>> 8] as number;
    for (let at = (place >>> 8) * windowBytes; at < byte; at++) rank += onesOf[this.bits[at] as number] as number;
    return (place & 7) === 0 ? rank : rank + (onesOf[(this.bits[byte] as number) >>> (8 - (place & 7))] as number);
  }

  /** The first member at a place or behind it; −1 where there is none. */
  next(place: number): number {
    for (let at = place; at < bucketLeaves; at++) {
      if ((at & 7) === 0) {
        while (at < bucketLeaves && this.bits[at >>> 3] === 0) at += 8;
        if (at >= bucketLeaves) return -1;
      }
      if (this.has(at)) return at;
    }
    return -1;
  }

  #countBefore(): Uint32Array {
    const before = new Uint32Array(leafSetBytes / windowBytes + 1);
    let count = 0;
    for (let at = 0; at < leafSetBytes; at++) {
      if (at % windowBytes === 0) before[at / windowBytes] = count;
      count += onesOf[this.bits[at] as number] as number;
    }
    before[before.length - 1] = count;
    return before;
  }
}
