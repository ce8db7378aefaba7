/**
 * Whether `JSON.parse` kept all that a text says: no name was there twice, no number was rounded, no surrogate is alone. Decided without a
 * second parser, by counting.
 *
 * For a valid JSON text, what `JSON.stringify` prints of its value has a length of its own, if nothing needs escaping; and whatever makes
 * the text say the same otherwise, or say more than the value holds, makes it longer, and nothing makes it shorter:
 *
 * - white space between tokens: by itself; an escape: by 1, or 5 for `\u`;
 * - a name that is there twice: by the member that was lost, `"":0,` at the least;
 * - a number in other words than `String` would print it (`1.0`, `-0`, `1E+2`, digits that a double does not hold). Two ways to write a number
 *   are not longer, and those are left to others: `1e3` for 1000, wherever three zeros or more end an integer, and digits beyond the fifteenth.
 *
 * So if text and value differ by as many units as the white space and the escapes account for, the rest is nothing. Counted in UTF-16 units.
 *
 * Names with escapes are left to others too: V8 13.6 reads some of them as another name (`{"\\n":0,"\\"":1}` gets one that is a backslash).
 */
import type { JsonObject, JsonValue } from './json.ts';

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const letterD = 0x64;
const letterU = 0x75;
/** Integers below have fifteen digits at the most, which a double always tells apart. */
const exactBelow = 1e15;

/**
 * How a value relates to the text that `JSON.parse` made it of: `same` when `JSON.stringify(value)` is the text, `exact` when nothing was lost
 * but the text may be written otherwise. `undefined` says nothing at all: a number that is not told here, nesting beyond `depthMax`, or a loss.
 * @param text valid JSON
 */
export function compareToText(value: JsonValue, text: string, depthMax: number): 'same' | 'exact' | undefined {
  inOtherWords = false;
  const units = unitsIn(value, depthMax);
  if (units === text.length) return !text.isWellFormed() ? undefined : inOtherWords ? 'exact' : 'same';
  // NaN is in no order to anything.
  if (!(units < text.length) || units + excessIn(text) !== text.length || !text.isWellFormed()) return undefined;
  return 'exact';
}

/** Whether the value being measured may have been written in another order, or with another number of the same length. */
let inOtherWords = false;

/** Length of the value's text, if nothing in it is escaped; NaN when that cannot be told, or the value is too deep. */
function unitsIn(value: JsonValue, depthLeft: number): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value === 'number') return unitsOfNumber(value);
  if (value === null) return 4;
  if (typeof value === 'boolean') return value ? 4 : 5;
  if (depthLeft === 0) return Number.NaN;
  return Array.isArray(value) ? unitsInArray(value, depthLeft - 1) : unitsInObject(value, depthLeft - 1);
}

function unitsInArray(array: readonly JsonValue[], depthLeft: number): number {
  if (array.length === 0) return 2;
  let units = 1;
  for (let i = 0; i < array.length; i++) units += 1 + unitsIn(array[i] as JsonValue, depthLeft);
  return units;
}

function unitsInObject(object: JsonObject, depthLeft: number): number {
  let units = 1;
  // Without a list of the names: this runs over every object that is received. What `JSON.parse` made inherits nothing that is enumerable.
  for (const name in object) {
    const first = name.charCodeAt(0);
    if (first >= 0x30 && first <= 0x39) inOtherWords = true; // names that are indexes come first, wherever they were written
    units += name.length + 4 + unitsIn(object[name] as JsonValue, depthLeft);
  }
  return units === 1 ? 2 : units;
}

function unitsOfNumber(value: number): number {
  const size = Math.abs(value);
  if (!(size < exactBelow) || !Number.isInteger(size) || (size >= 1000 && size % 1000 === 0)) return Number.NaN;
  if (size >= 100 && size % 100 === 0) inOtherWords = true; // 2e2 is as long as 200
  let units = value < 0 ? 2 : 1;
  for (let power = 10; power <= size; power *= 10) units++;
  return units;
}

/** White space between tokens, and what escapes take more than what they stand for; NaN where a surrogate or part of a name is escaped. */
function excessIn(text: string): number {
  let excess = 0;
  let inString = false;
  /** In the string that was read last. */
  let escapes = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === quote) {
      inString = !inString;
      if (inString) escapes = false;
    } else if (unit === backslash) {
      escapes = true;
      const escapesUnit = text.charCodeAt(at + 1) === letterU;
      if (escapesUnit && (text.charCodeAt(at + 2) | 0x20) === letterD) return Number.NaN;
      excess += escapesUnit ? 5 : 1;
      at += escapesUnit ? 5 : 1;
    } else if (inString) continue;
    else if (unit <= 0x20) excess++;
    else if (unit === colon && escapes) return Number.NaN;
  }
  return excess;
}
