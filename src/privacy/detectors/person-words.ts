/** Runs of words that may be a name: capitalised words, initials, particles, and words of scripts without capitals, divided by one or two spaces. */
import { foldName, known, lookUp, lookUpBytes, nameRanks } from '../name-lexicon.ts';
import { romanized } from '../romanize.ts';
import { isCapital, isDigit, isGeorgian, isIdentifier, isLetter, isSmall, isWord, isWordBeyondAscii } from '../survey.ts';

/** A word on the way to a name. */
export interface Word {
  readonly start: number;
  readonly end: number;
  readonly shape: 'capital' | 'upper' | 'initial' | 'particle' | 'caseless';
}

const particles = new Set(
  "de da do dos das del della di du la le las los van von der den het ter ten te zu zum zur bin ibn bint al el y e i af av op aan abu ben des dalla degli ul o' d' st vom 't".split(
    ' ',
  ),
);
/** By unit: does a particle begin with it? */
const particleStarts = new Uint8Array(128);
for (const particle of particles) particleStarts[particle.charCodeAt(0)] = 1;

/** How many words on each side of one are looked at. */
export const wordsMax = 4;
const wordUnitsMax = 40;

/** By byte of the survey: may it be part of a name? */
const nameBytes = Uint8Array.from({ length: 129 }, (_, unit) => Number(unit >= 128 || isLetter(unit) || unit === 39 || unit === 45));

/** A byte of the survey that may be part of a name. */
export function isNameByte(unit: number): boolean {
  return nameBytes[unit] === 1;
}

/** A capital, anything beyond ASCII, or a particle. */
export function mayBeginName(text: string, units: Uint8Array, at: number): boolean {
  const unit = units[at] as number;
  if (isCapital(unit) || unit >= 128) return true;
  if (!isSmall(unit) || particleStarts[unit] !== 1) return false;
  let end = at + 1;
  while (end - at < 6 && isSmall(units[end] as number)) end++;
  if (units[end] === 45 || units[end] === 39) return isCapital(units[end + 1] as number);
  return end - at < 6 && particles.has(text.slice(at, end));
}

/** The run that the word at `at` belongs to; nothing before `floor` is looked at. */
export function wordsAround(text: string, units: Uint8Array, at: number, floor: number): Word[] {
  const first = wordAt(text, units, at);
  if (!first) return [];
  const words = [first];
  for (let { start } = first; words.length <= wordsMax;) {
    const word = wordBefore(text, units, start, floor);
    if (!word) break;
    words.push(word);
    start = word.start;
  }
  if (words.length > 1) words.reverse();
  for (let { end } = first; words.length <= 2 * wordsMax;) {
    if (units[end] !== 32) break;
    const word = wordAt(text, units, end + (units[end + 1] === 32 ? 2 : 1));
    if (!word) break;
    words.push(word);
    end = word.end;
  }
  return words;
}

/** `unit` is of the survey: what is beyond ASCII has to be looked up in the text. */
function isNameUnit(unit: number, text: string, at: number): boolean {
  return unit < 128 ? isLetter(unit) || unit === 39 || unit === 45 : text.charCodeAt(at) === 0x2019 || isWordBeyondAscii(text.charCodeAt(at));
}

/** The word that starts at `start`, if it could be part of a name. */
export function wordAt(text: string, units: Uint8Array, start: number): Word | undefined {
  let end = start;
  while (end < text.length && end - start <= wordUnitsMax && isNameUnit(units[end] as number, text, end)) end++;
  if (end === start || end - start > wordUnitsMax) return undefined;
  const next = text.charCodeAt(end);
  // Digits, `_`, `/`, `=` and the like make it something else: `Mac_123`, `Foo/1.0`, `Name=`.
  if (isIdentifier(next) || next === 47 || next === 61 || next === 64 || next === 92 || (next === 46 && isIdentifier(text.charCodeAt(end + 1))))
    return undefined;
  while (end > start && !isWord(text.charCodeAt(end - 1))) end--;
  // `Doe's` is Doe's.
  if (end - start > 2 && text.charCodeAt(end - 1) === 115 && (text.charCodeAt(end - 2) === 39 || text.charCodeAt(end - 2) === 0x2019)) end -= 2;
  if (end === start) return undefined;
  const shape = shapeOf(text, start, end);
  if (!shape) return undefined;
  const initial = shape === 'initial' && text.charCodeAt(end) === 46;
  return { start, end: initial ? end + 1 : end, shape };
}

function wordBefore(text: string, units: Uint8Array, start: number, floor: number): Word | undefined {
  if (text.charCodeAt(start - 1) !== 32) return undefined;
  const gap = text.charCodeAt(start - 2) === 32 ? 2 : 1;
  let from = start - gap;
  if (text.charCodeAt(from - 1) === 46) from--;
  while (from > floor && start - from <= wordUnitsMax && isNameUnit(units[from - 1] as number, text, from - 1)) from--;
  if (from === start - gap || start - from > wordUnitsMax || isIdentifier(text.charCodeAt(from - 1))) return undefined;
  const mark = text.charCodeAt(from - 1);
  if (mark === 47 || mark === 64 || mark === 92 || mark === 46 || mark === 36) return undefined;
  while (from < start && !isWord(text.charCodeAt(from))) from++;
  const word = wordAt(text, units, from);
  return word && word.end === start - gap ? word : undefined;
}

function shapeOf(text: string, start: number, end: number): Word['shape'] | undefined {
  const unit = text.charCodeAt(start);
  const size = end - start;
  if (unit < 128) {
    if (!isCapital(unit))
      return particleStarts[unit] === 1 && size < 6 && particles.has(text.slice(start, end))
        ? 'particle'
        : isJoined(text, start, end)
          ? 'capital'
          : undefined;
    if (size === 1) return 'initial';
    return isAllUpper(text, start, end) ? 'upper' : 'capital';
  }
  if (isGeorgian(unit)) return 'caseless';
  const letter = String.fromCodePoint(text.codePointAt(start) as number);
  const lower = letter.toLowerCase();
  if (lower === letter && letter.toUpperCase() === letter) return 'caseless';
  if (lower === letter) return undefined;
  return isAllUpper(text, start, end) && size > 1 ? 'upper' : 'capital';
}

/** `al-Rashid`, `d'Arcy`: a particle that is joined to its name. */
function isJoined(text: string, start: number, end: number): boolean {
  for (let at = start + 1; at < end - 2 && at - start < 5; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 45 || unit === 39 || unit === 0x2019) {
      const letter = text[at + 1] as string;
      return letter !== letter.toLowerCase() && particles.has(unit === 45 ? text.slice(start, at) : `${text.slice(start, at)}'`);
    }
    if (!isSmall(unit)) return false;
  }
  return false;
}

function isAllUpper(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 128 ? isSmall(unit) : String.fromCharCode(unit) !== String.fromCharCode(unit).toUpperCase()) return false;
  }
  return true;
}

/** What the lexicon knows the word of a text as; of a double name it is the part that is known best. */
export function knownAs(text: string, units: Uint8Array, start: number, end: number): number {
  let dash = 0;
  let mark = 0;
  for (let i = start; i < end; i++) {
    const unit = units[i] as number;
    if (unit >= 128) return knownAsFolded(foldName(text.slice(start, end)));
    if (unit === 45 && dash === 0) dash = i;
    else if (unit === 39 && mark === 0) mark = i;
  }
  if (dash === 0 && mark === 0) return lookUpBytes(units, start, end);
  return knownAsFolded(foldName(text.slice(start, end)));
}

function knownAsFolded(word: string): number {
  const whole = lookUp(word);
  if (whole !== 0) return whole;
  if (word.charCodeAt(0) >= 0x530) return knownRomanized(word);
  const dash = word.indexOf('-');
  if (dash > 0) return Math.max(lookUp(word.slice(0, dash)) & nameRanks, lookUp(word.slice(dash + 1)) & nameRanks);
  const mark = word.indexOf("'");
  return mark > 0 ? lookUp(word.slice(mark + 1)) & nameRanks : 0;
}

/** What a word of another script is known as in Latin letters: a name, or nothing. */
function knownRomanized(word: string): number {
  for (const latin of romanized(word)) {
    if (latin.length < romanizedMin) continue;
    const what = lookUp(latin);
    if ((what & nameRanks) !== 0 && (what & (known.common | known.ofLogs)) === 0) return what & nameRanks;
  }
  return ofTheCaucasus.test(word) ? 1 << 3 : 0;
}

/** Shorter ones are names and words alike. */
const romanizedMin = 4;
/** Families of Georgia and Armenia, by their endings. */
const ofTheCaucasus = /^[\u10d0-\u10ff]{2,}(?:ძე|შვილი|იანი|ავა|უა)$|^[\u0561-\u0587]{3,}(?:յան|եան|յանց)$/;

/** Does `at` open a line, behind nothing but blanks and marks of a list? */
export function isLineStart(text: string, at: number): boolean {
  let from = at;
  while (from > 0 && at - from < 6 && isBullet(text.charCodeAt(from - 1))) from--;
  return from === 0 || text.charCodeAt(from - 1) === 10 || text.charCodeAt(from - 1) === 13;
}

/** Blanks, and marks that open the items of a list. */
function isBullet(unit: number): boolean {
  return (
    unit === 32 ||
    unit === 9 ||
    unit === 42 ||
    unit === 45 ||
    unit === 35 ||
    unit === 62 ||
    unit === 124 ||
    unit === 63 ||
    unit === 0x2022 ||
    unit === 0x2013
  );
}

/** Is there nothing but blanks between `at` and the end of the line? */
export function isLineEnd(text: string, at: number): boolean {
  let to = at;
  while (to < text.length && (text.charCodeAt(to) === 32 || text.charCodeAt(to) === 9)) to++;
  return to === text.length || text.charCodeAt(to) === 10 || text.charCodeAt(to) === 13;
}

/** Is the word before `at`, over blanks, a number (`12 Main`)? */
export function followsNumber(text: string, at: number): boolean {
  let from = at;
  while (from > 0 && text.charCodeAt(from - 1) === 32) from--;
  return from < at && isDigit(text.charCodeAt(from - 1));
}
