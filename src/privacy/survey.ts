/**
 * One pass over a text that tells every detector whether it can find anything, and where to look.
 *
 * Detectors never scan a text by themselves: they start from the digit runs, word runs and flags found here, so that a text without
 * an `@` costs the email detector nothing. Linear: each character is looked at once, and the lists are bounded by the text's length.
 */
import { has, made, ofLanes } from './survey-flags.ts';
import { laneUnitsMax, type SurveyLane, surveyLane } from './survey-lanes.ts';

export { beyondHex, has, made, mixed } from './survey-flags.ts';

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
    [' ', has.space],
    ['.', has.dot],
    ['[', has.bracket],
    ['(', has.bracket],
    ['{', has.bracket],
    ['\n', has.newline],
    ['<', has.endTag],
    ['*', has.outcome],
  ];
  for (const [mark, bit] of marks) flagBits[mark.charCodeAt(0)] = bit;
  flagBits[beyond] = has.nonAscii;
}

/** By unit: may a mark in brackets, or its name, begin with it? */
const inBrackets = new Uint8Array(129);
for (const first of '.@:dDaApP') inBrackets[first.charCodeAt(0)] = 1;

/** What a capital may follow that is worth a look: a space, and the marks between cells. */
const leads = ' ,;|\t';
const isLead = new Uint8Array(129);
for (const lead of leads) isLead[lead.charCodeAt(0)] = 1;

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

/** Is the unit a Georgian letter? They have capitals of their own, in which nobody begins a name. */
export function isGeorgian(unit: number): boolean {
  return unit >= 0x10d0 && unit <= 0x10ff;
}

/** Letter, digit, or word beyond ASCII. */
export function isWord(unit: number): boolean {
  return unit < 128 ? ((classes[unit] as number) & (letters | made.ofDigits)) !== 0 : isWordBeyondAscii(unit);
}

/** Lists that grow with the texts. */
class SurveyLists {
  units = new Uint8Array(256);
  digitRuns = new Int32Array(64);
  runs = new Int32Array(96);
  capitals = new Int32Array(32);
  colons = new Int32Array(32);
  equals = new Int32Array(32);
}

/** What {@link surveyText} found. One object is reused for many texts: read it before surveying the next. */
export class Survey {
  /** Which of the texts surveyed with this object it is: what is derived from one is remembered with it. */
  serial = 0;
  flags = 0;
  readonly own = new SurveyLists();
  readonly lane: SurveyLane | undefined;
  /** The text's units, 128 for all beyond ASCII: bytes are read several times faster than the units of a string. A zero follows. */
  units = this.own.units;
  /** Digit runs as pairs (start, end), ascending. */
  digitRuns = this.own.digitRuns;
  digitRunCount = 0;
  /** Runs of eight or more characters of `A-Za-z0-9_+/-` as triples (start, end, what it is `made` of), ascending. */
  runs = this.own.runs;
  runCount = 0;
  /** What the runs may hold, see detectors/run-glance.ts; -1 until somebody asks. */
  runsMay = -1;
  /** Where a capital, or anything beyond ASCII, follows a word and one space, comma, semicolon, bar or tab, ascending. */
  capitals = this.own.capitals;
  capitalCount = 0;
  /** Where `:` and `=` are, ascending. */
  colons = this.own.colons;
  colonCount = 0;
  equals = this.own.equals;
  equalCount = 0;

  /**
   * @param level of one who looks through texts within texts, and calls nobody else on the way: surveys of a level share memory with all others of that
   *   level, which makes them faster. Without it the survey is good until its next text.
   */
  constructor(level?: number) {
    this.lane = level === undefined ? undefined : surveyLane(level, leads);
  }
}

/** Shorter runs are of no use to anyone: `/home/jo` is as short as it gets. */
export const runMin = 8;

const encoder = new TextEncoder();

/** A shorter text is gone through sooner than the encoder is called. */
const encodedMin = 24;

/** Fills `survey` from `text`. */
export function surveyText(text: string, survey: Survey): void {
  survey.serial++;
  survey.runsMay = -1;
  const { length } = text;
  const lane = length < encodedMin || length >= laneUnitsMax ? undefined : survey.lane;
  if (lane) surveyInLane(text, survey, lane);
  else surveyUnits(text, survey);
}

/** ASCII, the usual case, takes as many bytes as units. */
function isEncoded(text: string, units: Uint8Array): boolean {
  const { read, written } = encoder.encodeInto(text, units);
  return read === text.length && written === text.length;
}

function writeUnits(text: string, units: Uint8Array): void {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    units[i] = unit < beyond ? unit : beyond;
  }
}

function surveyInLane(text: string, survey: Survey, lane: SurveyLane): void {
  const { units, counts } = lane;
  if (!isEncoded(text, units)) writeUnits(text, units);
  let flags = lane.survey(lane.base, text.length) & ofLanes;
  survey.units = units;
  survey.digitRuns = lane.digits;
  survey.digitRunCount = counts[0] as number;
  survey.runs = lane.runs;
  if ((survey.runCount = counts[1] as number) > 0) flags |= has.run;
  survey.capitals = lane.capitals;
  if ((survey.capitalCount = counts[2] as number) > 0) flags |= has.capitalPair;
  survey.colons = lane.colons;
  survey.colonCount = counts[3] as number;
  survey.equals = lane.equals;
  const equalCount = (survey.equalCount = counts[4] as number);
  for (let i = 0; i < equalCount; i++) if (isMail(units, (lane.equals[i] as number) + 1)) flags |= has.mail;
  survey.flags = flags;
}

/** What {@link surveyInLane} does, one unit after the other. */
function surveyUnits(text: string, survey: Survey): void {
  const { length } = text;
  const own = survey.own;
  if (own.units.length <= length) own.units = new Uint8Array(length * 2 + 1);
  const { units } = own;
  // A short text is read sooner than the encoder is called.
  if (length < encodedMin || !isEncoded(text, units)) writeUnits(text, units);
  units[length] = 0;
  let { digitRuns, runs, capitals, colons, equals } = own;
  let digitRunCount = 0;
  let runCount = 0;
  let capitalCount = 0;
  let colonCount = 0;
  let equalCount = 0;
  let flags = 0;
  let anywhere = 0;
  let i = 0;
  while (i < length) {
    const unit = units[i] as number;
    let bits = classes[unit] as number;
    if (bits === 0) {
      const flag = flagBits[unit] as number;
      if (flag === has.bracket) flags |= flagsOfBracket(units, i);
      else flags |= flag;
      if (unit === 32) {
        const last = i > 2 ? (units[i - 1] as number) : 0;
        if (last === 114 && units[i - 2] === 101 && units[i - 3] === 115) flags |= has.account;
        else if (last === 116 && units[i - 2] === 111) flags |= has.written;
        if (units[i + 1] === 102) flags |= has.login;
      } else if (unit === 58) {
        flags |= flagsOfColon(units, i);
        if (colonCount === colons.length) own.colons = colons = doubled(colons);
        colons[colonCount++] = i;
      } else if (unit === 61) {
        if (equalCount === equals.length) own.equals = equals = doubled(equals);
        equals[equalCount++] = i;
        if (isMail(units, i + 1)) flags |= has.mail;
        // `uid=`, `TTY=`
        if (units[i - 1] === 100 || units[i - 1] === 89) flags |= has.login;
      } else if (unit === beyond && followsWord(units, i)) {
        if (capitalCount === capitals.length) own.capitals = capitals = doubled(capitals);
        capitals[capitalCount++] = i;
      }
      i++;
      continue;
    }
    if ((bits & capitalLetters) !== 0 && followsWord(units, i)) {
      if (capitalCount === capitals.length) own.capitals = capitals = doubled(capitals);
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
        if (digitRunCount + 2 > digitRuns.length) own.digitRuns = digitRuns = doubled(digitRuns);
        digitRuns[digitRunCount++] = first;
        digitRuns[digitRunCount++] = i;
      } else bits = classes[units[++i] as number] as number;
    } while (bits !== 0);
    anywhere |= all;
    if (i - start >= runMin) {
      if (runCount + 3 > runs.length) own.runs = runs = doubled(runs);
      runs[runCount++] = start;
      runs[runCount++] = i;
      runs[runCount++] = all;
    }
  }
  if ((anywhere & made.ofSlashes) !== 0) flags |= has.slash | has.folder;
  if ((anywhere & made.ofDashes) !== 0) flags |= has.dash | has.outcome;
  if ((flags & has.dot) !== 0) flags |= has.dotPair;
  if (digitRunCount > 0) flags |= has.digit;
  if (capitalCount > 0) flags |= has.capitalPair;
  if (runCount > 0) flags |= has.run;
  survey.units = units;
  survey.digitRuns = digitRuns;
  survey.runs = runs;
  survey.capitals = capitals;
  survey.colons = colons;
  survey.equals = equals;
  survey.flags = flags;
  survey.digitRunCount = digitRunCount >> 1;
  survey.runCount = runCount / 3;
  survey.capitalCount = capitalCount;
  survey.colonCount = colonCount;
  survey.equalCount = equalCount;
}

/** Is there one space before `at`, or a mark that divides the cells of a table, and something else before that? */
function followsWord(units: Uint8Array, at: number): boolean {
  return at > 1 && isLead[units[at - 1] as number] === 1 && (units[at - 2] as number) > 32;
}

function flagsOfBracket(units: Uint8Array, at: number): number {
  const next = units[at + 1] as number;
  const flag = inBrackets[next] === 1 ? has.bracket : 0;
  // `[EMAIL]`, `(to root)`
  return units[at] === 91 ? flag | has.outcome : next === 116 ? flag | has.login | has.statement : flag | has.statement;
}

/** `:user`, `::1`, `://`, `sha256:` */
function flagsOfColon(units: Uint8Array, at: number): number {
  const next = units[at + 1] as number;
  return (next === 117 ? has.account : next === 58 ? has.doubleColon : next === 47 ? has.urlMark : 0) | (units[at - 1] === 54 ? has.outcome : 0);
}

/** A first look: may what stands behind an `=` be how mail encodes? `=?`, `=40`, `=2E`, `=C3=`, the end of a line. */
function isMail(units: Uint8Array, at: number): boolean {
  const unit = units[at] as number;
  if (unit === 63 || unit === 10 || unit === 13) return true;
  const next = units[at + 1] as number;
  return (unit === 52 && next === 48) || (unit >= 50 && unit <= 53 && next >= 65 && next <= 70) || (unit >= 67 && unit <= 70 && units[at + 2] === 61);
}

function doubled(list: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const out = new Int32Array(list.length * 2);
  out.set(list);
  return out;
}
