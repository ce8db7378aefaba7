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
      const how = run === 0 ? free : howBehind(units, run, units[run - 1] as number);
      if (how === 0) continue;
      list[2 * count] = i;
      list[2 * count + 1] = how;
      count++;
    }
    this.count = count;
    return this;
  }
}

/** By unit: 1 letter, 2 joins words and numbers, 3 only joins numbers or is one part of a path or escape. */
const classes = new Uint8Array(129);
for (let unit = 0; unit < 128; unit++) if (isLetter(unit)) classes[unit] = 1;
for (const mark of '-_:') classes[mark.charCodeAt(0)] = 2;
for (const mark of './\\%') classes[mark.charCodeAt(0)] = 3;

function howBehind(units: Uint8Array, run: number, previous: number): number {
  const how = classes[previous] as number;
  if (how === 0) return free;
  if (how === 1) return behindLetters;
  const before = run > 1 ? (units[run - 2] as number) : 32;
  if (isDigit(before) || before === 95) return 0;
  if (!isLetter(before) && before < 128) return previous === 37 || previous === 46 ? 0 : free;
  return how === 2 ? behindJoint : 0;
}

/** One for all detectors: they run one after the other. */
export const numberStarts = new NumberStarts();
