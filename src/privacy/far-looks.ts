/**
 * What detectors looked at that is far from what they judge: a label forty units before a number, the rest of an address behind it. A piece of a text may be
 * known again (known-pieces.ts) only where nothing in it was judged by what stands farther away than the piece's digest reaches.
 */

/** More are not told apart: then no piece of the text is remembered. */
const looksMax = 128;
/** From the first unit looked at, the place that was judged, to the last unit looked at. */
const looks = new Int32Array(3 * looksMax);
let count = 0;

export function forgetLooks(): void {
  count = 0;
}

/** What is judged at `at` depends on `text[from, to)`. */
export function noteLook(from: number, at: number, to: number): void {
  if (count === looksMax) return;
  const i = 3 * count++;
  looks[i] = from;
  looks[i + 1] = at;
  looks[i + 2] = to;
}

/** The `reach` units before `at`, once it is noted that they are looked at. */
export function lookBack(text: string, at: number, reach: number): string {
  noteLook(at - reach, at, at);
  return text.slice(at > reach ? at - reach : 0, at);
}

/** Was everything that begins within [start, end) judged by nothing before `from` or behind `to`? */
export function wasJudgedBy(from: number, start: number, end: number, to: number): boolean {
  if (count === looksMax) return false;
  for (let i = 0; i < 3 * count; i += 3) {
    const at = looks[i + 1] as number;
    if (at >= start && at < end && ((looks[i] as number) < from || (looks[i + 2] as number) > to)) return false;
  }
  return true;
}
