/**
 * Times of day as nearly all events have them: `2026-03-01T10:10:42.123Z`. They come in every event, and never again. No detector finds anything in one
 * (tests/privacy/time-stamp.test.ts), unless its field's name announces something.
 */
import { isDigit } from './survey.ts';

const shortest = 19;
const longest = 35;
/** By place: the unit that has to be there, 0 for a digit. */
const form = Uint8Array.from('20  -  -  T  :  :  ', (mark) => (mark === ' ' ? 0 : mark.charCodeAt(0)));

/** Is it a date and a time of these two centuries (RFC 3339; also with a space between, or without a zone), and nothing else? */
export function isTimeStamp(text: string): boolean {
  const { length } = text;
  // A few looks tell most other texts.
  if (length < shortest || length > longest || text.charCodeAt(4) !== 45 || text.charCodeAt(13) !== 58) return false;
  const first = text.charCodeAt(0);
  if (!(first === 50 && text.charCodeAt(1) === 48) && !(first === 49 && text.charCodeAt(1) === 57)) return false;
  for (let i = 2; i < shortest; i++) {
    const unit = text.charCodeAt(i);
    const wanted = form[i] as number;
    if (wanted === 0 ? !isDigit(unit) : unit !== wanted && !(i === 10 && unit === 32)) return false;
  }
  let at = shortest;
  if (text.charCodeAt(at) === 46) {
    const point = at++;
    while (at < length && isDigit(text.charCodeAt(at))) at++;
    if (at - point < 2 || at - point > 10) return false;
  }
  if (at === length) return true;
  const zone = text.charCodeAt(at);
  if (zone === 90) return at + 1 === length;
  if (zone !== 43 && zone !== 45) return false;
  const hasColon = text.charCodeAt(at + 3) === 58;
  if (at + (hasColon ? 6 : 5) !== length) return false;
  for (let i = at + 1; i < length; i++) if (!(hasColon && i === at + 3) && !isDigit(text.charCodeAt(i))) return false;
  return true;
}
