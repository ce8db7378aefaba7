/** Which capitals are worth a closer look: a few bytes are compared and a word or two looked up, nothing is copied. */
import { known, lookUpBytes, nameRanks } from '../name-lexicon.ts';
import { isDigit } from '../survey.ts';
import { cueBefore } from './person-cues.ts';
import { isNameByte, knownAs, mayBeginName } from './person-words.ts';
import { isPlaceAnnounced } from './place.ts';

/** A quick look that most capitals in logs fail: a word of every log, or one that stands alone, that nobody is called and that no cue announces. */
export function mayBeName(text: string, units: Uint8Array, at: number): boolean {
  const end = nameEnd(units, at, text.length);
  if (endsOddly(units, end, text.length)) return false;
  const follows = before(text, units, at);
  // The word behind a word of logs is looked at by itself, and this one is a cue for it.
  if (!follows && isOfLogs(text, units, at, end)) return false;
  if (units[end] === 32 && end + 1 < text.length && (units[end + 1] === 32 || mayBeginName(text, units, end + 1))) return true;
  return follows || isCalledSo(text, units, at, end) || isIntroduced(text, units, at);
}

/** Does a word that may be part of the same name end before `at`? */
function before(text: string, units: Uint8Array, at: number): boolean {
  let to = at - 1;
  if (units[to - 1] === 46) to--;
  else if (units[to - 1] === 32) return true;
  let from = to;
  while (from > 0 && isNameByte(units[from - 1] as number)) from--;
  // `'Jane Doe'` in single quotes.
  while (from < to && isMark(units[from] as number)) from++;
  return from < to && mayBeginName(text, units, from) && !isOfLogs(text, units, from, to);
}

/** Digits, `_`, `/`, `=` and the like make it something else. */
function endsOddly(units: Uint8Array, end: number, length: number): boolean {
  const next = end < length ? (units[end] as number) : 32;
  return next === 47 || next === 61 || next === 95 || next === 64 || isDigit(next);
}

const placeOfNote = known.place | known.other;

/** Is it a word of every log, and nobody's name, nor part of a country's (`United States`)? */
function isOfLogs(text: string, units: Uint8Array, from: number, to: number): boolean {
  const what = knownAs(text, units, from, to);
  return (what & (known.ofLogs | nameRanks)) === known.ofLogs && (what & placeOfNote) !== placeOfNote;
}

/** Does what stands before vouch for any word? */
function isIntroduced(text: string, units: Uint8Array, at: number): boolean {
  let end = at - 1;
  while (end > 0 && at - end < 4 && !isNameByte(units[end - 1] as number)) end--;
  let from = end;
  while (from > 0 && isNameByte(units[from - 1] as number) && (units[from - 1] as number) < 128 && end - from < 20) from--;
  const isOdd = from > 0 && (units[from - 1] as number) >= 128;
  if (!isOdd && (lookUpBytes(units, from, end) & (known.salutation | known.opener | known.locative)) === 0 && units[end - 1] !== 101) return false;
  const cue = cueBefore(text, at);
  return cue === 'salutation' || cue === 'name' || isPlaceAnnounced(text, at);
}

/** May a word that starts a line be a name all by itself? */
export function isLoneName(text: string, units: Uint8Array, at: number): boolean {
  const end = nameEnd(units, at, text.length);
  if (endsOddly(units, end, text.length)) return false;
  // With a capital behind, the run is found by that one.
  return !(units[end] === 32 && mayBeginName(text, units, end + 1)) && isCalledSo(text, units, at, end);
}

function nameEnd(units: Uint8Array, at: number, length: number): number {
  let end = at;
  while (end < length && isNameByte(units[end] as number)) end++;
  while (end > at + 1 && isMark(units[end - 1] as number)) end--;
  return end;
}

/** Is it a quote or dash: part of a name only within it? */
function isMark(unit: number): boolean {
  return unit === 39 || unit === 45;
}

/** Is it a name, or a place, in the lexicon? */
function isCalledSo(text: string, units: Uint8Array, at: number, end: number): boolean {
  if (end - at < 2 || end - at > 24) return false;
  let to = end;
  if (to - at > 3 && text.charCodeAt(to - 1) === 115 && text.charCodeAt(to - 2) === 39) to -= 2;
  const what = knownAs(text, units, at, to);
  return (what & (nameRanks | known.place)) !== 0;
}
