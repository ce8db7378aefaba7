/**
 * The groups of letters and digits from one place on, and the shape they make: read once, then looked up by every kind of number.
 */
import { isCapital, isDigit, isSmall } from '../survey.ts';

const groupsMax = 12;
/** Letters and digits, without separators. */
const placesMax = 40;
const separatorsMax = 3;

/** The hash of a skeleton's first character and of each further one. */
function hashed(hash: number, unit: number): number {
  return (Math.imul(hash, 31) + unit) | 0;
}

/** The hash that {@link NumberWalk} makes of a text of this shape. */
export function skeletonHash(skeleton: string): number {
  let hash = 7;
  for (let i = 0; i < skeleton.length; i++) hash = hashed(hash, skeleton.charCodeAt(i));
  return hash;
}

/** What a unit between groups counts as: a space, a dash, a dot, a slash, brackets, a plus; 0 ends the walk. */
function separator(unit: number): number {
  if (unit === 32 || unit === 45 || unit === 46 || unit === 47 || unit === 40 || unit === 41 || unit === 43) return unit;
  if (unit === 0xa0 || unit === 0x202f || unit === 0x2009) return 32;
  return unit >= 0x2010 && unit <= 0x2014 ? 45 : 0;
}

/** One object is used again and again. */
export class NumberWalk {
  count = 0;
  /** By group: where it ends, and hash and places of all up to its end. */
  readonly ends = new Int32Array(groupsMax);
  readonly hashes = new Int32Array(groupsMax);
  readonly places = new Int32Array(groupsMax);
  /** Digits up to the group's end. */
  readonly digits = new Int32Array(groupsMax);
  /** Is there a small letter in the first group? (Later ones have none.) */
  hasSmall = false;
  start = 0;

  /** Reads on from `start`, the first unit of a group. */
  read(text: string, start: number): void {
    this.start = start;
    this.count = 0;
    this.hasSmall = false;
    let hash = 7;
    let places = 0;
    let digits = 0;
    let at = start;
    const { length } = text;
    while (this.count < groupsMax) {
      const from = at;
      let letters = 0;
      for (; at < length; at++) {
        const unit = text.charCodeAt(at);
        if (isDigit(unit)) {
          hash = hashed(hash, 57);
          digits++;
        } else if (isCapital(unit)) {
          hash = hashed(hash, 65);
          letters++;
        } else if (isSmall(unit)) {
          if (this.count > 0) return;
          this.hasSmall = true;
          hash = hashed(hash, 65);
          letters++;
        } else break;
        if (++places > placesMax) return;
      }
      if (at === from || (letters === at - from && letters > 6 && this.count > 0)) return;
      // `G123456(A)`: the closing bracket belongs to the number.
      if (this.count > 0 && text.charCodeAt(at) === 41 && text.charCodeAt(from - 1) === 40) {
        hash = hashed(hash, 41);
        at++;
      }
      this.ends[this.count] = at;
      this.hashes[this.count] = hash;
      this.digits[this.count] = digits;
      this.places[this.count++] = places;
      const stop = Math.min(length, at + separatorsMax);
      const end = at;
      for (; at < stop; at++) {
        const mark = separator(text.charCodeAt(at));
        if (mark === 0) break;
        hash = hashed(hash, mark);
      }
      if (at === end || at === length) break;
    }
  }
}
