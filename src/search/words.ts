/**
 * The words of a text: what a search for a word finds, and nothing else.
 *
 * A text is folded first (NFKC, lower case), so that spelling and width do not matter. Its words are the runs of letters and digits; a
 * character of a script that is written without spaces is a word of its own. Some things are one word though they hold other characters,
 * because their parts mean nothing alone: tokens (`tok_…`) and keyed hashes (`hash_v1_…`), UUIDs, numbers with dots (IPv4 addresses,
 * versions), and a time, of which only the date is a word (`2026-03-14`): whoever looks for a time asks for a range.
 */

/** A text as it is compared: two texts that a reader takes for the same are equal. */
export function fold(text: string): string {
  const lower = text.toLowerCase();
  return isAscii(lower) ? lower : foldOther(text);
}

// oxlint-disable-next-line no-control-regex -- the first 128 characters are what is meant
const beyondAscii = /[^\0-\x7f]/;

function isAscii(text: string): boolean {
  return !beyondAscii.test(text);
}

function foldOther(text: string): string {
  // The final sigma is written by position, so a part of a text would fold differently from the whole.
  return text.normalize('NFKC').toLowerCase().replaceAll('ς', 'σ').normalize('NFC');
}

const other = 0;
const digit = 1;
const letter = 2;
const kinds = new Uint8Array(128);
for (let unit = 0x30; unit <= 0x39; unit++) kinds[unit] = digit;
for (let unit = 0x61; unit <= 0x7a; unit++) kinds[unit] = letter;

/** Takes a word: where it starts in the text, and where it ends. */
export type TakeWord = (start: number, end: number) => void;

/** Gives the words of a folded text, in order, repeated ones included. Linear time. */
export function eachWord(folded: string, take: TakeWord): void {
  const { length } = folded;
  let at = 0;
  while (at < length) {
    let unit = folded.charCodeAt(at);
    if (unit > 0x7f) return eachOtherWord(folded, at, take);
    if (kinds[unit] === other) {
      at++;
      continue;
    }
    const start = at;
    let digitsOnly = true;
    do {
      if (kinds[unit] !== digit) digitsOnly = false;
      unit = ++at < length ? folded.charCodeAt(at) : 0;
    } while (unit <= 0x7f && kinds[unit] !== other);
    // A run that goes on beyond ASCII is read again from its start.
    if (unit > 0x7f) return eachOtherWord(folded, start, take);
    const whole = wholePattern(folded, start, at, unit, digitsOnly);
    const end = whole === undefined ? -1 : whole(folded, start);
    if (end < 0) take(start, at);
    else {
      take(start, whole === time ? start + dateLength : end);
      at = end;
    }
  }
}

/** Where something that may begin at a place ends; below zero where it is not there. The commonest are not left to regular expressions. */
type Whole = (text: string, start: number) => number;

const token: Whole = (text, start) => {
  const end = start + tokenLength;
  for (let at = start; at < end; at++) if (!isBase64url(text.charCodeAt(at))) return -1;
  // `user-tok_…-token` is how a policy may have it written.
  return isBase64url(text.charCodeAt(end)) && !readableEnd(text, end) ? -1 : end;
};
const tokenLength = 'tok_'.length + 27;
const readableEnd = (text: string, at: number): boolean => text.startsWith('-token', at) && !isBase64url(text.charCodeAt(at + 6));

const keyedHash = patternOf(/hash_v\d{1,9}_[a-z0-9_-]{27}(?![a-z0-9_-])/y);

const uuidPattern = patternOf(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![a-z0-9])/y);
const uuid: Whole = (text, start) => (text.charCodeAt(start + 13) === 0x2d ? uuidPattern(text, start) : -1);

const time = patternOf(/\d{4}-\d\d-\d\d(?:t[\d:.]{0,32}(?:z|[+-]\d\d:?\d\d)?)?(?![a-z0-9])/y);
/** `2026-03-14` */
const dateLength = 10;

/** Numbers with dots between them, as many as no letter follows: two at the least. */
const dotted: Whole = (text, start) => {
  let end = -1;
  for (let at = start, numbers = 1; ; at++, numbers++) {
    while (isDigit(text.charCodeAt(at))) at++;
    const next = text.charCodeAt(at);
    if (numbers > 1 && !isLetterOrDigit(next)) end = at;
    if (next !== 0x2e || !isDigit(text.charCodeAt(at + 1))) return end;
  }
};

function patternOf(pattern: RegExp): Whole {
  return (text, start) => endOf(pattern, text, start);
}

// All of them are false for NaN, which is what stands behind the end of a text.
function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

function isLetterOrDigit(unit: number): boolean {
  return unit <= 0x7f && kinds[unit] !== other;
}

function isBase64url(unit: number): boolean {
  return isLetterOrDigit(unit) || unit === 0x2d || unit === 0x5f;
}

/** What a run may be the beginning of, by its length and the character behind it. */
function wholePattern(text: string, start: number, end: number, next: number, digitsOnly: boolean): Whole | undefined {
  switch (next) {
    case 0x5f: // _
      if (end - start === 3) return text.startsWith('tok', start) ? token : undefined;
      return end - start === 4 && text.startsWith('hash', start) ? keyedHash : undefined;
    case 0x2d: // -
      if (end - start === 8) return uuid;
      return digitsOnly && end - start === 4 ? time : undefined;
    case 0x2e: // .
      return digitsOnly ? dotted : undefined;
    default:
      return undefined;
  }
}

function endOf(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

const unspaced = '\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}';
// Each finds one character: a pattern for whole runs would need memory for every character of one.
const wordStart = /[\p{L}\p{N}\p{M}]/gu;
const wordEnd = new RegExp(`[^\\p{L}\\p{N}\\p{M}]|[${unspaced}]`, 'gu');
const unspacedWord = new RegExp(`[${unspaced}]\\p{M}{0,8}`, 'uy');

/** The same for any text, from a place on where a word may begin. */
export function eachOtherWord(folded: string, from: number, take: TakeWord): void {
  for (let start = indexFrom(wordStart, folded, from); start < folded.length; start = indexFrom(wordStart, folded, start)) {
    let end = endOf(unspacedWord, folded, start);
    if (end < 0) {
      end = indexFrom(wordEnd, folded, start);
      const next = folded.charCodeAt(end);
      const whole = wholePattern(folded, start, end, next, (next === 0x2d || next === 0x2e) && /^\d+$/.test(folded.slice(start, end)));
      const wholeEnd = whole === undefined ? -1 : whole(folded, start);
      if (wholeEnd >= 0) {
        take(start, whole === time ? start + dateLength : wholeEnd);
        start = wholeEnd;
        continue;
      }
    }
    take(start, end);
    start = end;
  }
}

/** Where a pattern is found from a place on; the length of the text where it is not. */
function indexFrom(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}

/** The distinct words of a folded text. */
export function wordsOf(folded: string): Set<string> {
  const words = new Set<string>();
  eachWord(folded, (start, end) => words.add(folded.slice(start, end)));
  return words;
}

/** Occurrences that {@link standsIn} looks at: what has more of them that do not count is taken for standing there. */
const occurrencesMax = 1_000;

/** Whether a part, folded too, stands in a folded text with no word cut in two at either end. */
export function standsIn(folded: string, part: string): boolean {
  let at = folded.indexOf(part);
  for (let i = 0; at >= 0 && i < occurrencesMax; i++) {
    if (!cutsWord(folded, at) && !cutsWord(folded, at + part.length)) return true;
    at = folded.indexOf(part, at + 1);
  }
  return at >= 0;
}

const spacedBefore = new RegExp(`(?<![${unspaced}]\\p{M}{0,8})(?<=[\\p{L}\\p{N}\\p{M}])(?=(?![${unspaced}])[\\p{L}\\p{N}\\p{M}])`, 'uy');

/** Whether the same run of letters and digits is on both sides of a place. */
function cutsWord(folded: string, at: number): boolean {
  const before = folded.charCodeAt(at - 1);
  const after = folded.charCodeAt(at);
  // NaN at either end.
  if (!(before > 0x7f || after > 0x7f)) return (kinds[before] ?? other) !== other && (kinds[after] ?? other) !== other;
  spacedBefore.lastIndex = at;
  return spacedBefore.test(folded);
}
