/**
 * Sets of leaves as ranges, in the form in which `_system` says who read what: numbers [from, to, from, to, …], each range half open, ascending
 * and apart from one another. Numbers and not text, because a detector may take digits with signs between them for a phone number.
 */

import { subtractRanges } from '../verify/tombstone.ts';

/** Ranges that hold exactly these leaves; the order and repetitions of `leaves` do not matter. */
export function rangesOf(leaves: Iterable<number>): number[] {
  const sorted = Float64Array.from(leaves).sort();
  const ranges: number[] = [];
  for (const leafIndex of sorted) {
    const end = ranges.at(-1);
    if (end !== undefined && leafIndex < end) continue;
    if (leafIndex === end) ranges[ranges.length - 1] = leafIndex + 1;
    else ranges.push(leafIndex, leafIndex + 1);
  }
  return ranges;
}

/** The ranges of two together. */
export function mergeRanges(a: readonly number[], b: readonly number[]): number[] {
  const merged: number[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const takesA = j >= b.length || (i < a.length && (a[i] as number) <= (b[j] as number));
    const from = (takesA ? a[i] : b[j]) as number;
    const to = (takesA ? a[i + 1] : b[j + 1]) as number;
    if (takesA) i += 2;
    else j += 2;
    const end = merged.at(-1);
    if (end === undefined || from > end) merged.push(from, to);
    else merged[merged.length - 1] = Math.max(end, to);
  }
  return merged;
}

/** Ranges without some leaves. */
export function withoutLeaves(ranges: readonly number[], leaves: Iterable<number>): number[] {
  return subtractRanges(ranges, rangesOf(leaves));
}

/** Whether a leaf is in ranges as a record of `_system` has them; what is no such list holds nothing. */
export function rangesHold(ranges: unknown, leafIndex: number): boolean {
  if (!Array.isArray(ranges)) return false;
  for (let i = 0; i + 1 < ranges.length; i += 2) if (leafIndex >= Number(ranges[i]) && leafIndex < Number(ranges[i + 1])) return true;
  return false;
}
