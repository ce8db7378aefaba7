/**
 * Which digit runs may begin a number: most runs in logs are the middle of a time, an address, a version or a name, and are nothing to any
 * detector. Settled once for a text, whichever detector asks first.
 */
import { isDigit, isLetter, type Survey } from '../survey.ts';

/** Letters stand directly before the run. */
export const behindLetters = 1;
/** A dash, underscore or colon that hangs on a word stands before the run. */
export const behindJoint = 2;
/** Nothing that belongs to it stands before the run. */
export const free = 3;

/** A slash that ends a word stands before the run: `/ssn/536-22-1845`, but also `Chrome/120`. */
export const behindSlash = 4;

export class NumberStarts {
  /** Pairs: index of the digit run, how it stands. */
  list = new Int32Array(64);
  count = 0;
  #survey: Survey | undefined;
  #serial = 0;

  /** Fills the list, if it is not that of the survey's text already. */
  of(survey: Survey): this {
    if (this.#survey === survey && this.#serial === survey.serial) return this;
    this.#survey = survey;
    this.#serial = survey.serial;
    const { digitRuns, digitRunCount, units } = survey;
    if (this.list.length < 2 * digitRunCount) this.list = new Int32Array(4 * digitRunCount);
    const { list } = this;
    let count = 0;
    for (let i = 0; i < digitRunCount; i++) {
      const run = digitRuns[2 * i] as number;
      // No branch: most runs are none, and which are cannot be foretold. What is noted stays only if the count goes up.
      const previous = classes[run > 0 ? (units[run - 1] as number) : 32] as number;
      const before = classes[run > 1 ? (units[run - 2] as number) : 32] as number;
      const how = ways[before * 8 + previous] as number;
      list[2 * count] = i;
      list[2 * count + 1] = how;
      count += (how + 3) >> 2;
    }
    this.count = count;
    return this;
  }
}

/** What a unit before a run is. */
const other = 0;
const letter = 1;
/** Joins words and numbers: `-`, `:`. */
const joint = 2;
/** `_`, which also stands within names. */
const underscore = 3;
/** Only joins numbers, or is one part of a path: `/`, `\`. */
const divider = 4;
/** `.` and `%`: what stands behind them, if nothing does before, is a fraction or an escape. */
const dot = 5;
const digit = 6;
const beyond = 7;

const classes = new Uint8Array(129);
for (let unit = 0; unit < 128; unit++) classes[unit] = isLetter(unit) ? letter : isDigit(unit) ? digit : other;
classes[128] = beyond;
for (const mark of '-:') classes[mark.charCodeAt(0)] = joint;
classes[95] = underscore;
for (const mark of '/\\') classes[mark.charCodeAt(0)] = divider;
for (const mark of '.%') classes[mark.charCodeAt(0)] = dot;

/** By the classes of the two units before a run: how it stands, 0 if it begins nothing. */
const ways = new Uint8Array(64);
for (let before = 0; before < 8; before++) for (let previous = 0; previous < 8; previous++) ways[before * 8 + previous] = wayOf(before, previous);

function wayOf(before: number, previous: number): number {
  if (previous === other || previous === digit || previous === beyond) return free;
  if (previous === letter) return behindLetters;
  if (before === digit || before === underscore) return 0;
  if (before !== letter && before !== beyond) return previous === dot ? 0 : free;
  if (previous === divider) return behindSlash;
  return previous === joint || previous === underscore ? behindJoint : 0;
}

/** One for all detectors: they run one after the other. */
export const numberStarts = new NumberStarts();
