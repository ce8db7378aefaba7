/**
 * One pass over a text that tells every detector whether it can find anything, and where to look.
 *
 * Detectors never scan a text by themselves: they start from the digit runs, word runs and flags found here, so that a text without
 * an `@` costs the email detector nothing. Linear: each character is looked at once, and the lists are bounded by the text's length.
 */

/** Flags: which characters and shapes occur. */
export const has = {
  at: 1 << 0,
  colon: 1 << 1,
  percent: 1 << 2,
  ampersand: 1 << 3,
  backslash: 1 << 4,
  equals: 1 << 5,
  plus: 1 << 6,
  dash: 1 << 7,
  slash: 1 << 8,
  /** Any unit beyond ASCII. */
  nonAscii: 1 << 9,
  digit: 1 << 10,
  /** A capital at the start of a word that follows another word and a space. */
  capitalPair: 1 << 11,
  /** A run of ten or more characters of the base64 alphabets. */
  run: 1 << 12,
  letter: 1 << 13,
  space: 1 << 14,
} as const;

/** Character classes of {@link classOf}. */
export const charClass = { other: 0, digit: 1, lower: 2, upper: 3, runMark: 4, space: 5 } as const;

const classes = new Uint8Array(128);
const flagBits = new Uint32Array(128);
fill();

function fill(): void {
  for (let c = 48; c <= 57; c++) classes[c] = charClass.digit;
  for (let c = 97; c <= 122; c++) classes[c] = charClass.lower;
  for (let c = 65; c <= 90; c++) classes[c] = charClass.upper;
  for (const mark of '_+/-') classes[mark.charCodeAt(0)] = charClass.runMark;
  for (const space of ' \t\r\n') classes[space.charCodeAt(0)] = charClass.space;
  const marks: [string, number][] = [
    ['@', has.at],
    [':', has.colon],
    ['%', has.percent],
    ['&', has.ampersand],
    ['\\', has.backslash],
    ['=', has.equals],
    ['+', has.plus],
    ['-', has.dash],
    ['/', has.slash],
    [' ', has.space],
  ];
  for (const [mark, bit] of marks) flagBits[mark.charCodeAt(0)] = bit;
  for (let c = 0; c < 128; c++) {
    if (classes[c] === charClass.digit) flagBits[c] = has.digit;
    if (classes[c] === charClass.lower || classes[c] === charClass.upper) flagBits[c] = has.letter;
  }
}

/** The class of a UTF-16 unit; everything beyond ASCII is `other`. */
export function classOf(unit: number): number {
  return unit < 128 ? (classes[unit] as number) : charClass.other;
}

/** Is the unit an ASCII digit? */
export function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

/** Is the unit an ASCII letter? */
export function isLetter(unit: number): boolean {
  const lower = unit | 32;
  return lower >= 97 && lower <= 122;
}

/** ASCII letter, digit or underscore: what an identifier is made of. NaN (beyond the text) is none. */
export function isIdentifier(unit: number): boolean {
  return isLetter(unit) || isDigit(unit) || unit === 95;
}

/** Is the unit a hexadecimal digit? */
export function isHex(unit: number): boolean {
  if (isDigit(unit)) return true;
  const lower = unit | 32;
  return lower >= 97 && lower <= 102;
}

/**
 * A unit beyond ASCII that is part of a word: everything but Latin-1 marks, general punctuation, arrows and symbols, CJK punctuation and
 * full-width marks. Coarse on purpose: it may lengthen a finding, never shorten one.
 */
export function isWordBeyondAscii(unit: number): boolean {
  // NaN, beyond the end of a text, is no word either.
  if (!(unit >= 0xaa)) return false;
  if (unit < 0xc0) return unit === 0xaa || unit === 0xb5 || unit === 0xba;
  if (unit === 0xd7 || unit === 0xf7) return false;
  if (unit >= 0x2000 && unit <= 0x2bff) return false;
  if (unit >= 0x3000 && unit <= 0x303f) return unit === 0x3005 || unit === 0x3007;
  if (unit >= 0xff00 && unit <= 0xff0f) return false;
  if (unit >= 0xff1a && unit <= 0xff20) return false;
  return unit !== 0x060c && unit !== 0x061b && unit !== 0x061f && unit !== 0x30fb && unit !== 0xfeff && unit !== 0xfffd;
}

/** Letter, digit, or word beyond ASCII. */
export function isWord(unit: number): boolean {
  return unit < 128 ? isLetter(unit) || isDigit(unit) : isWordBeyondAscii(unit);
}

/** What {@link surveyText} found. One object is reused for many texts: read it before surveying the next. */
export class Survey {
  flags = 0;
  /** Digit runs as pairs (start, end), ascending. */
  digitRuns = new Int32Array(64);
  digitRunCount = 0;
  /** Runs of ten or more characters of `A-Za-z0-9_+/-` as pairs (start, end), ascending. */
  runs = new Int32Array(64);
  runCount = 0;
  /** Where a capital, or anything beyond ASCII, follows a word and one space, ascending. */
  capitals = new Int32Array(32);
  capitalCount = 0;
}

/** Shorter runs cannot hide an encoded value that matters: ten base64 characters stand for seven bytes, the shortest IPv4 address. */
export const runMin = 10;

/** Fills `survey` from `text`. */
export function surveyText(text: string, survey: Survey): void {
  const length = text.length;
  let { digitRuns, runs, capitals } = survey;
  let digitRunCount = 0;
  let runCount = 0;
  let capitalCount = 0;
  let flags = 0;
  let digitStart = -1;
  let runStart = -1;
  let previous = 0;
  let beforePrevious = 0;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    let kind = 0;
    if (unit < 128) {
      kind = classes[unit] as number;
      flags |= flagBits[unit] as number;
    } else {
      flags |= has.nonAscii;
      if (previous === 5 && beforePrevious !== 5) {
        if (capitalCount + 1 > capitals.length) survey.capitals = capitals = doubled(capitals);
        capitals[capitalCount++] = i;
      }
    }
    if (kind === 1) {
      if (digitStart < 0) digitStart = i;
      if (runStart < 0) runStart = i;
    } else {
      if (digitStart >= 0) {
        if (digitRunCount + 2 > digitRuns.length) survey.digitRuns = digitRuns = doubled(digitRuns);
        digitRuns[digitRunCount++] = digitStart;
        digitRuns[digitRunCount++] = i;
        digitStart = -1;
      }
      if (kind === 0 || kind === 5) {
        if (runStart >= 0) {
          if (i - runStart >= runMin) {
            if (runCount + 2 > runs.length) survey.runs = runs = doubled(runs);
            runs[runCount++] = runStart;
            runs[runCount++] = i;
          }
          runStart = -1;
        }
      } else {
        if (runStart < 0) runStart = i;
        if (kind === 3 && previous === 5 && beforePrevious !== 5) {
          if (capitalCount + 1 > capitals.length) survey.capitals = capitals = doubled(capitals);
          capitals[capitalCount++] = i;
        }
      }
    }
    beforePrevious = previous;
    previous = kind;
  }
  if (digitStart >= 0) {
    if (digitRunCount + 2 > digitRuns.length) survey.digitRuns = digitRuns = doubled(digitRuns);
    digitRuns[digitRunCount++] = digitStart;
    digitRuns[digitRunCount++] = length;
  }
  if (runStart >= 0 && length - runStart >= runMin) {
    if (runCount + 2 > runs.length) survey.runs = runs = doubled(runs);
    runs[runCount++] = runStart;
    runs[runCount++] = length;
  }
  if (capitalCount > 0) flags |= has.capitalPair;
  if (runCount > 0) flags |= has.run;
  survey.flags = flags;
  survey.digitRunCount = digitRunCount / 2;
  survey.runCount = runCount / 2;
  survey.capitalCount = capitalCount;
}

function doubled(list: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const out = new Int32Array(list.length * 2);
  out.set(list);
  return out;
}
