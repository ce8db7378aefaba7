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
  dash: 1 << 6,
  slash: 1 << 7,
  space: 1 << 8,
  dot: 1 << 9,
  /** Any unit beyond ASCII. */
  nonAscii: 1 << 10,
  digit: 1 << 11,
  /** A capital, or anything beyond ASCII, that follows a word and one space. */
  capitalPair: 1 << 12,
  /** A run of eight or more characters of the base64 alphabets. */
  run: 1 << 13,
  /** Two dots with four characters between, and hex digits around and between. */
  dotPair: 1 << 14,
  /** `ser ` or `:u`: the name of an account may follow (`user jane`, `arn:…:user/jane`). */
  account: 1 << 15,
  /** `[.]`, `(at)`, `{dot}` or the like may be there: a mark of an address that was made harmless. */
  bracket: 1 << 16,
  /** `=?`, or `=` and a capital hex digit or the end of a line: mail may be encoded so. */
  mail: 1 << 17,
} as const;

/** What characters a run is made of; together they say what it may be. */
export const made = {
  ofDigits: 1,
  ofLowerHex: 2,
  ofLower: 4,
  ofUpperHex: 8,
  ofUpper: 16,
  /** `/` and `+`. */
  ofSlashes: 32,
  /** `-` and `_`. */
  ofDashes: 64,
} as const;

/** Neither hex digits nor anything that may stand between them. */
export const beyondHex = made.ofLower | made.ofUpper | made.ofSlashes | made.ofDashes;
/** Encoded values and tokens always have some of these; words and paths in lower case do not. */
export const mixed = made.ofDigits | made.ofUpperHex | made.ofUpper;

/** Stands for all units beyond ASCII. */
const beyond = 128;
/** By unit; everything beyond ASCII is looked up as 128 and is of no class. */
const classes = new Uint8Array(129);
const flagBits = new Uint32Array(129);
fill();

function fill(): void {
  const set = (letters: string, bits: number): void => {
    for (const letter of letters) classes[letter.charCodeAt(0)] = bits;
  };
  set('0123456789', made.ofDigits);
  set('abcdef', made.ofLowerHex);
  set('ghijklmnopqrstuvwxyz', made.ofLower);
  set('ABCDEF', made.ofUpperHex);
  set('GHIJKLMNOPQRSTUVWXYZ', made.ofUpper);
  set('/+', made.ofSlashes);
  set('-_', made.ofDashes);
  const marks: [string, number][] = [
    ['@', has.at],
    [':', has.colon],
    ['%', has.percent],
    ['&', has.ampersand],
    ['\\', has.backslash],
    ['=', has.equals],
    ['-', has.dash],
    ['/', has.slash],
    [' ', has.space],
    ['.', has.dot],
    ['[', has.bracket],
    ['(', has.bracket],
    ['{', has.bracket],
  ];
  for (const [mark, bit] of marks) flagBits[mark.charCodeAt(0)] = bit;
  flagBits[beyond] = has.nonAscii;
}

/** By unit: may a mark in brackets, or its name, begin with it? */
const inBrackets = new Uint8Array(129);
for (const first of '.@:dDaApP') inBrackets[first.charCodeAt(0)] = 1;

const letters = made.ofLowerHex | made.ofLower | made.ofUpperHex | made.ofUpper;
const capitalLetters = made.ofUpperHex | made.ofUpper;

/** Is the unit an ASCII digit? */
export function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

/** Is the unit an ASCII letter? */
export function isLetter(unit: number): boolean {
  return unit < 128 && ((classes[unit] as number) & letters) !== 0;
}

/** Is the unit an ASCII capital? */
export function isCapital(unit: number): boolean {
  return unit >= 65 && unit <= 90;
}

/** Is the unit a small ASCII letter? */
export function isSmall(unit: number): boolean {
  return unit >= 97 && unit <= 122;
}

/** ASCII letter, digit or underscore: what an identifier is made of. NaN (beyond the text) is none. */
export function isIdentifier(unit: number): boolean {
  return isLetter(unit) || isDigit(unit) || unit === 95;
}

/** Is the unit a hexadecimal digit? */
export function isHex(unit: number): boolean {
  return unit < 128 && ((classes[unit] as number) & (made.ofDigits | made.ofLowerHex | made.ofUpperHex)) !== 0;
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
  return unit < 128 ? ((classes[unit] as number) & (letters | made.ofDigits)) !== 0 : isWordBeyondAscii(unit);
}

/** What {@link surveyText} found. One object is reused for many texts: read it before surveying the next. */
export class Survey {
  /** Which of the texts surveyed with this object it is: what is derived from one is remembered with it. */
  serial = 0;
  flags = 0;
  /** The text's units, 128 for all beyond ASCII: bytes are read several times faster than the units of a string. A zero follows. */
  units = new Uint8Array(256);
  /** Digit runs as pairs (start, end), ascending. */
  digitRuns = new Int32Array(64);
  digitRunCount = 0;
  /** Runs of eight or more characters of `A-Za-z0-9_+/-` as triples (start, end, what it is `made` of), ascending. */
  runs = new Int32Array(96);
  runCount = 0;
  /** Where a capital, or anything beyond ASCII, follows a word and one space, ascending. */
  capitals = new Int32Array(32);
  capitalCount = 0;
}

/** Shorter runs are of no use to anyone: `/home/jo` is as short as it gets. */
export const runMin = 8;

const encoder = new TextEncoder();

const encodedMin = 24;

/** Writes the text's bytes into `units`; false if they are not one for each unit. */
function isEncoded(text: string, units: Uint8Array): boolean {
  const { read, written } = encoder.encodeInto(text, units);
  return read === text.length && written === text.length;
}

function readUnits(text: string, survey: Survey): Uint8Array {
  const { length } = text;
  if (survey.units.length <= length) survey.units = new Uint8Array(length * 2 + 1);
  const { units } = survey;
  // ASCII, the usual case, takes as many bytes as units. A short text is read sooner than the encoder is called.
  if (length < encodedMin || !isEncoded(text, units)) {
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      units[i] = unit < beyond ? unit : beyond;
    }
  }
  units[length] = 0;
  return units;
}

/** Fills `survey` from `text`. */
export function surveyText(text: string, survey: Survey): void {
  survey.serial++;
  const length = text.length;
  const units = readUnits(text, survey);
  let { digitRuns, runs, capitals } = survey;
  let digitRunCount = 0;
  let runCount = 0;
  let capitalCount = 0;
  let flags = 0;
  let anywhere = 0;
  let lastDot = -9;
  let i = 0;
  while (i < length) {
    const unit = units[i] as number;
    let bits = classes[unit] as number;
    if (bits === 0) {
      const flag = flagBits[unit] as number;
      if (flag !== has.bracket || inBrackets[units[i + 1] as number] === 1) flags |= flag;
      if (unit === 32) {
        if (i > 2 && units[i - 1] === 114 && units[i - 2] === 101 && units[i - 3] === 115) flags |= has.account;
      } else if (unit === 58) {
        if (units[i + 1] === 117) flags |= has.account;
      } else if (unit === 46) {
        if (i - lastDot === 5 && isHexAround(units, i)) flags |= has.dotPair;
        lastDot = i;
      } else if (unit === beyond) {
        if (followsWord(units, i)) {
          if (capitalCount === capitals.length) survey.capitals = capitals = doubled(capitals);
          capitals[capitalCount++] = i;
        }
      } else if (unit === 61 && isMail(units, i + 1)) flags |= has.mail;
      i++;
      continue;
    }
    if ((bits & capitalLetters) !== 0 && followsWord(units, i)) {
      if (capitalCount === capitals.length) survey.capitals = capitals = doubled(capitals);
      capitals[capitalCount++] = i;
    }
    const start = i;
    let all = 0;
    // Through one run; the zero behind the text ends the last one.
    do {
      all |= bits;
      if (bits === made.ofDigits) {
        const first = i;
        do bits = classes[units[++i] as number] as number;
        while (bits === made.ofDigits);
        if (digitRunCount + 2 > digitRuns.length) survey.digitRuns = digitRuns = doubled(digitRuns);
        digitRuns[digitRunCount++] = first;
        digitRuns[digitRunCount++] = i;
      } else bits = classes[units[++i] as number] as number;
    } while (bits !== 0);
    anywhere |= all;
    if (i - start >= runMin) {
      if (runCount + 3 > runs.length) survey.runs = runs = doubled(runs);
      runs[runCount++] = start;
      runs[runCount++] = i;
      runs[runCount++] = all;
    }
  }
  if ((anywhere & made.ofSlashes) !== 0) flags |= has.slash;
  if ((anywhere & made.ofDashes) !== 0) flags |= has.dash;
  if (digitRunCount > 0) flags |= has.digit;
  if (capitalCount > 0) flags |= has.capitalPair;
  if (runCount > 0) flags |= has.run;
  survey.flags = flags;
  survey.digitRunCount = digitRunCount >> 1;
  survey.runCount = runCount / 3;
  survey.capitalCount = capitalCount;
}

/** Is there one space before `at`, and something else before that? */
function followsWord(units: Uint8Array, at: number): boolean {
  return at > 1 && units[at - 1] === 32 && (units[at - 2] as number) > 32;
}

/** A first look: may what stands behind an `=` be how mail encodes? `=?`, `=40`, `=2E`, `=C3=`, the end of a line. */
function isMail(units: Uint8Array, at: number): boolean {
  const unit = units[at] as number;
  if (unit === 63 || unit === 10 || unit === 13) return true;
  const next = units[at + 1] as number;
  return (unit === 52 && next === 48) || (unit >= 50 && unit <= 53 && next >= 65 && next <= 70) || (unit >= 67 && unit <= 70 && units[at + 2] === 61);
}

/** A first look: do four hex digits stand behind a dot, and before it, and before another one five units ahead of it? */
function isHexAround(units: Uint8Array, dot: number): boolean {
  return isHex(units[dot + 1] as number) && isHex(units[dot + 4] as number) && isHex(units[dot - 1] as number) && isHex(units[dot - 7] as number);
}

function doubled(list: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const out = new Int32Array(list.length * 2);
  out.set(list);
  return out;
}
