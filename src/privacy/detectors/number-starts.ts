/**
 * Which digit runs may begin a number, and of what sort: most runs in logs are the middle of a time, an address, a version or a name, and are nothing to
 * any detector. Settled once for a text, whichever detector asks first, and by tables: what a run is cannot be foretold, so branches would cost more than
 * all look-ups together.
 */
import { gapMax, howShift, sizeMax, sorts as sort, ways as way } from '../starts-code.ts';
import { isCapital, isDigit, isLetter, isSmall, isWord, type Survey } from '../survey.ts';
import type { SurveyLane } from '../survey-lanes.ts';
import { fillStartTables } from './start-tables.ts';
import { mayFollowLabel } from './vocabulary.ts';

/** Letters stand directly before the run. */
export const { behindLetters } = way;
/** A dash, underscore or colon that hangs on a word stands before the run. */
export const { behindJoint } = way;
/** Nothing that belongs to it stands before the run. */
const { free } = way;

/** A slash that ends a word stands before the run: `/ssn/536-22-1845`, but also `Chrome/120`. */
export const { behindSlash } = way;

/** What may begin with a run, as bits. What is not said here is not there; what is, the detectors find out. */
export const may = {
  /** Nine digits, or three and then two. */
  beSsn: sort.ssnBare | sort.ssnGroups,
  /** Seven digits or more, or a group that another one follows. */
  bePhone: sort.phoneBare | sort.phoneGroups,
  /** Twelve digits or more, or four or six and then a group. */
  beCard: sort.cardBare | sort.cardGroups,
  /** The check number of an IBAN. */
  beIban: sort.iban,
  /** `34-year-old`, `34 ans` */
  beAge: sort.age,
  /** The number of a house, or what stands behind a street. */
  bePostal: sort.postal,
  /** Something that a label before it, or its shape, tells: see identifiers.ts. */
  beIdentifier: sort.announced | sort.shapedBare | sort.shapedGroups,
  /** A degree of six digits at most, a dot, and four places or more, or behind a sign two. */
  beDegree: sort.fineDegree | sort.signedDegree,
} as const;

const all = 0xffff;
/** Units of the survey: ASCII, and one for all others. */
const unitCount = 129;
const { ssnBare, ssnGroups, phoneBare, phoneGroups, cardBare, cardGroups, iban, age, postal, announced } = sort;
const { shapedBare, shapedGroups, fineDegree, signedDegree } = sort;

/** A table of bits: for each index those of the rules whose test holds, and those that no rule is about. */
function tableOf(length: number, ...rules: readonly (readonly [bits: number, test: (index: number) => boolean])[]): Uint16Array {
  return Uint16Array.from({ length }, (_, index) => rules.reduce((sum, [bits, test]) => (test(index) ? sum : sum & ~bits), all));
}

/** By the size of the run; 31 and more are one. */
const bySize = tableOf(
  sizeMax + 1,
  [ssnBare, (size) => size === 9],
  [ssnGroups, (size) => size === 3],
  [phoneBare, (size) => size >= 7 && size <= 15],
  [phoneGroups, (size) => size < 7],
  [cardBare, (size) => size >= 12 && size <= 19],
  [cardGroups, (size) => size === 4 || size === 6],
  [iban, (size) => size >= 2],
  [age, (size) => size <= 3],
  [postal, (size) => size <= 5],
  [shapedBare, (size) => size >= 8 && size <= 18],
  [shapedGroups, (size) => size < 8],
  [fineDegree | signedDegree, (size) => size <= 6],
);

/** By the number of units up to the next run and the size of that; four and more, and no next run, are one. */
const byBehind = tableOf(
  (gapMax + 1) * (sizeMax + 1),
  [ssnGroups, (behind) => behind === sizeMax + 1 + 2],
  [cardGroups, (behind) => Math.floor(behind / (sizeMax + 1)) === 1],
  [phoneGroups, (behind) => Math.floor(behind / (sizeMax + 1)) < gapMax],
  [fineDegree, (behind) => behind >= sizeMax + 1 + 4 && behind < 2 * (sizeMax + 1)],
  [signedDegree, (behind) => behind >= sizeMax + 1 + 2 && behind < 2 * (sizeMax + 1)],
);

const among =
  (marks: string, isBeyond = false) =>
  (unit: number): boolean =>
    unit < 128 ? marks.includes(String.fromCharCode(unit)) : isBeyond;

/** By the unit behind the run. */
const byNext = tableOf(
  unitCount,
  [ssnGroups | cardGroups, among(' -.', true)],
  [phoneGroups, among(' -./()', true)],
  [age, among(' -yJajl')],
  [shapedBare, (unit) => !isSmall(unit)],
  [shapedGroups, (unit) => isCapital(unit) || among(' -./(+', true)(unit)],
  [fineDegree | signedDegree, among('.')],
);

/** By the unit before it. */
const byPrevious = tableOf(
  unitCount,
  [phoneBare | phoneGroups, (unit) => unit === 128 || !(unit === 46 || unit === 95 || isWord(unit))],
  [postal, among(' \n":=>,(|\t\'')],
  [signedDegree, among('+-')],
);

/** By how it stands. */
const byWay = tableOf(
  5,
  [phoneBare | phoneGroups | age | postal, (how) => how === free],
  [cardBare | cardGroups, (how) => how === free || how === behindSlash],
  [iban, (how) => how === behindLetters],
  [shapedBare | shapedGroups, (how) => how === free],
);

/** May a label end before the two units before the run, or the run be a part of something that begins there? */
function mayBeAnnounced(before: number, previous: number): boolean {
  // Letters before the run, and a slash behind a word, are looked at closely.
  if (isLetter(previous) || previous === 47) return true;
  const isOpening = previous === 45 || previous === 95 || previous === 36 || previous >= 128;
  if (!isOpening && mayFollowLabel[previous] === 0) return false;
  // `SSN (0)123`: what is in brackets does not count.
  return (
    isLetter(before) || before >= 128 || mayFollowLabel[before] === 1 || previous === 36 || previous >= 128 || previous === 41 || previous === 93
  );
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

const classes = new Uint8Array(unitCount);
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

/** By the two units before the run, the nearer one last: how it stands, above what it may be. */
const byPair = Uint32Array.from({ length: unitCount * unitCount }, (_, pair) => {
  const before = Math.floor(pair / unitCount);
  const previous = pair % unitCount;
  const how = ways[(classes[before] as number) * 8 + (classes[previous] as number)] as number;
  const bits = (byPrevious[previous] as number) & (byWay[how] as number);
  return (how << howShift) | (mayBeAnnounced(before, previous) ? bits : bits & ~announced);
});

export class NumberStarts {
  /** Pairs: index of the digit run, how it stands. */
  #list = new Int32Array(64);
  list = this.#list;
  /** By start: what it may begin, see {@link may}. */
  #sorts = new Int32Array(32);
  sorts = this.#sorts;
  count = 0;
  /** What may begin with any of them. */
  any = 0;
  /** The memory of lanes in which the tables are. */
  #filled: Uint8Array | undefined;
  #survey: Survey | undefined;
  #serial = 0;

  /** Fills the list, if it is not that of the survey's text already. */
  of(survey: Survey): this {
    if (this.#survey === survey && this.#serial === survey.serial) return this;
    this.#survey = survey;
    this.#serial = survey.serial;
    const { lane } = survey;
    if (lane !== undefined && survey.units === lane.units) this.#ofLane(lane, survey.digitRunCount);
    else this.#ofUnits(survey);
    return this;
  }

  #ofLane(lane: SurveyLane, digitRunCount: number): void {
    if (lane.memory !== this.#filled) {
      fillStartTables(lane.memory, { byPair, bySize, byBehind, byNext });
      this.#filled = lane.memory;
    }
    this.any = lane.lookAtDigits(lane.base, digitRunCount);
    this.count = lane.counts[5] as number;
    this.list = lane.starts;
    this.sorts = lane.sorts;
  }

  /** Without looking more closely, which is dear here. */
  #ofUnits(survey: Survey): void {
    const { digitRuns, digitRunCount, units } = survey;
    this.list = this.#list;
    this.sorts = this.#sorts;
    if (this.sorts.length < digitRunCount) {
      this.list = this.#list = new Int32Array(4 * digitRunCount);
      this.sorts = this.#sorts = new Int32Array(2 * digitRunCount);
    }
    const { list, sorts } = this;
    let count = 0;
    let any = 0;
    for (let i = 0; i < digitRunCount; i++) {
      const run = digitRuns[2 * i] as number;
      const end = digitRuns[2 * i + 1] as number;
      // No branch: most runs are none, and which are cannot be foretold. What is noted stays only if the count goes up.
      const previous = run > 0 ? (units[run - 1] as number) : 10;
      const before = run > 1 ? (units[run - 2] as number) : 0;
      const pair = byPair[before * unitCount + previous] as number;
      const how = pair >>> howShift;
      const isLast = i + 1 === digitRunCount;
      const next = isLast ? end + gapMax : (digitRuns[2 * i + 2] as number);
      const nextEnd = isLast ? next : (digitRuns[2 * i + 3] as number);
      const what =
        pair &
        (bySize[Math.min(end - run, sizeMax)] as number) &
        (byNext[units[end] as number] as number) &
        (byBehind[Math.min(next - end, gapMax) * (sizeMax + 1) + Math.min(nextEnd - next, sizeMax)] as number);
      list[2 * count] = i;
      list[2 * count + 1] = how;
      sorts[count] = what;
      const counts = (how + 3) >> 2;
      count += counts;
      any |= what & -counts;
    }
    this.count = count;
    this.any = any;
  }
}

/** One for all detectors: they run one after the other. */
export const numberStarts = new NumberStarts();
