/**
 * Numbers of all kinds in one pass over the digit runs. Each run that may begin a number is read on once (number-walk.ts); its shape is
 * looked up among those of all kinds, the words before it among all labels. Evidence adds up: how distinct the shape is, how much the check
 * proves, whether a label announces the number or stands near it.
 */
import type { Candidate } from '../finding.ts';
import { has, isCapital, isDigit, isIdentifier, isLetter, isSmall, isWord, Survey } from '../survey.ts';
import { compact, type Detector, type ScanContext } from './detector.ts';
import type { NumberKind, Proof } from './number-kind.ts';
import { behindJoint, behindLetters, behindSlash, may, numberStarts } from './number-starts.ts';
import { NumberWalk, skeletonHash } from './number-walk.ts';
import { monthStart, readAnnounced } from './announced-values.ts';
import { isDenied } from './government.ts';
import { digitGroups } from './start-tables.ts';
import type { Label } from './labels.ts';
import {
  type Announced,
  type Announcement,
  labelBefore,
  labelInPath,
  isPlace,
  labelOfField,
  labelsNear,
  mayFollowLabel,
  numberKinds,
} from './vocabulary.ts';

const proofEvidence: Readonly<Record<Proof, number>> = { none: 0, weak: 0.2, strong: 0.35, certain: 0.45 };
const bareEvidence = 0.1;
const groupedEvidence = 0.25;
const distinctEvidence = 0.35;
const nearEvidence = 0.3;
const announcedEvidence = 0.6;
const floor = 0.5;

/** Kinds by the hash of a skeleton, with what the shape is worth. */
const byShape = new Map<number, { number: NumberKind; evidence: number }[]>();
/** Kinds by the length of their compact form, where letters and digits mix in many ways. */
const byLength: NumberKind[][] = Array.from({ length: 20 }, () => []);
/** Kinds that prove themselves as bare digits. */
const proven: NumberKind[][] = Array.from({ length: 20 }, () => []);

for (const number of numberKinds) {
  for (const skeleton of number.distinct) addShape(skeleton, number, distinctEvidence);
  for (const skeleton of number.grouped) addShape(skeleton, number, groupedEvidence);
  for (const length of number.lengths) byLength[length]?.push(number);
  if (number.proof === 'certain') proven[compact(number.spec.example.replace(/^[\p{L} ]+(?=\d)/u, '')).length]?.push(number);
}

function addShape(skeleton: string, number: NumberKind, evidence: number): void {
  const hash = skeletonHash(skeleton);
  const list = byShape.get(hash);
  if (list) list.push({ number, evidence });
  else byShape.set(hash, [{ number, evidence }]);
}

const walk = new NumberWalk();
const wordMax = 40;
const prefixMax = 9;
/** Shorter runs of digits are nobody's number without separators. */
const bareMin = 8;
const bareMax = 18;

const listGapMax = 6;
const listGap = /^(?:, (?:and |or )?| (?:and|or|und|et|y|e|en|i|&) |; |\/| \/ )$/;

/** Joins the parts of an identifier. */
const joints = new Uint8Array(129);
for (const mark of '-./_:\\+@$') joints[mark.charCodeAt(0)] = 1;
/** May stand between the first part of a value and its digits: `POL-2434569`, `DE 123456789`, `$185,000`. */
const opens = new Uint8Array(129);
for (const mark of '-_ $\u0080') opens[mark.charCodeAt(0)] = 1;

function detectIdentifiers(context: ScanContext): void {
  const { text, survey, field } = context;
  const { digitRuns, units } = survey;
  const fieldLabel = labelOfField(field);
  let done = 0;
  /** The label of the value that ends at `done`: it announces the next one of a list too. */
  let last: Announcement | undefined;
  const { list, count, sorts, any } = numberStarts.of(survey);
  if ((any & may.beIdentifier) === 0 && !fieldLabel) return;
  for (let n = 0; n < 2 * count; n += 2) {
    // Behind a value and in a field that are announced, any number may be one.
    if (((sorts[n >> 1] as number) & may.beIdentifier) === 0 && !fieldLabel && !last) continue;
    const i = list[n] as number;
    const run = digitRuns[2 * i] as number;
    const end = digitRuns[2 * i + 1] as number;
    if (run < done) continue;
    if (list[n + 1] === behindSlash) {
      done = Math.max(done, judgeInPath(context, run));
      continue;
    }
    let start = run;
    let inside = list[n + 1] === behindJoint;
    if (list[n + 1] === behindLetters) {
      while (start > 0 && run - start < wordMax && isLetter(units[start - 1] as number)) start--;
      inside = start > 1 && joints[units[start - 1] as number] === 1 && isIdentifier(units[start - 2] as number);
    }
    const previous = start > 0 ? (units[start - 1] as number) : 32;
    if (start < done || isDigit(previous) || (previous >= 128 && isWord(text.charCodeAt(start - 1)))) continue;
    // The middle of an identifier; an escape, which the decoded view shows.
    if (previous === 37 || (inside && (isDigit(units[start - 2] as number) || previous === 46))) continue;
    const shaped = !inside && mayHaveShape(survey, start, i);
    let close = 0;
    if (opens[previous] === 1)
      close = judgeOuter(context, start, inside ? outerStart(units, start, previous) : openingOf(text, units, start, end, previous), inside);
    if (close === 0) {
      let before = mayFollowLabel[previous] === 1 && start > 1 ? labelBefore(text, units, start) : undefined;
      if (!before && last && start - done <= listGapMax && done > 0 && listGap.test(text.slice(done, start))) before = { ...last, start, end: start };
      last = undefined;
      if (before || shaped || fieldLabel) {
        walk.read(text, start);
        if (before) close = judgeAnnounced(context, before, start);
        if (close > 0) last = before;
        else if (fieldLabel && !inside) close = judgeField(context, fieldLabel, start);
        if (close === 0 && shaped) close = judgeShape(context, start);
      }
    }
    if (close > done) done = close;
  }
}

/** A first look that most numbers in logs fail: can what begins at `start`, with digit run `i`, have the shape of any kind? */
function mayHaveShape(survey: Survey, start: number, i: number): boolean {
  const { units, digitRuns } = survey;
  if (isSmall(units[start] as number)) return false;
  const from = digitRuns[2 * i] as number;
  const to = digitRuns[2 * i + 1] as number;
  const next = units[to] as number;
  if (to - from >= bareMin) return to - from <= bareMax && !isSmall(next);
  if (start === from) return digitGroups.mayBegin(survey, i);
  return to - start >= 7 ? !isSmall(next) && next !== 95 : isCapital(next) || (next !== 95 && isPlace(units[to + 1] as number));
}

/** The name before the slash says what it is, and its check holds. */
function judgeInPath(context: ScanContext, start: number): number {
  const { text } = context;
  const label = labelInPath(text, context.survey.units, start);
  if (!label) return 0;
  walk.read(text, start);
  for (let k = walk.count - 1; k >= 0; k--) {
    const end = walk.ends[k] as number;
    // A slash is a separator of some numbers, and here it ends them.
    if (text.charCodeAt(end) !== 47 && !isEnd(text, k)) continue;
    const value = compact(text.slice(start, end));
    for (const { number } of label.values)
      if (number && number.proof !== 'none' && passes(number, value)) return push(context, number.spec.kind, start, end, announcedEvidence);
  }
  return 0;
}

/** What begins before `start`, at `outer`: announced, or of a shape of its own. */
function judgeOuter(context: ScanContext, start: number, outer: number, inside: boolean): number {
  if (outer >= start) return 0;
  const { text, survey } = context;
  const before = labelBefore(text, survey.units, outer);
  if (!before && inside) return 0;
  walk.read(text, outer);
  const end = before ? judgeAnnounced(context, before, outer) : 0;
  return end > 0 || inside ? end : judgeShape(context, outer);
}

/** `POL-` before `2434569`: letters and a dash, and nothing before them that is joined too. */
function outerStart(units: Uint8Array, start: number, previous: number): number {
  if (previous !== 45 && previous !== 95) return start;
  let at = start - 1;
  while (at > 0 && start - at < prefixMax && isLetter(units[at - 1] as number)) at--;
  const opening = at > 0 ? (units[at - 1] as number) : 32;
  return at === start - 1 || isIdentifier(opening) || opening === 45 || opening === 47 || opening === 46 ? start : at;
}

/** `DE ` before `123456789`, `$` before `185,000`, `May ` before `4, 1983`: where the value may begin that the run at `start` is a part of. */
function openingOf(text: string, units: Uint8Array, start: number, end: number, previous: number): number {
  if (previous === 36 || previous >= 128) return previous === 36 || /[¢-¥€₹]/.test(text.charAt(start - 1)) ? start - 1 : start;
  if (previous !== 32 || start < 3) return start;
  const last = units[start - 2] as number;
  const size = end - start;
  const next = units[end] as number;
  if (size <= 2 && (isSmall(last) || last === 46) && (next === 44 || next === 32 || isSmall(next)) && isDayOfMonth(text, end))
    return monthStart(text, start);
  if (!isCapital(last) || !(size >= 6 || (size >= 2 && (next === 32 || next === 45 || next === 46 || next === 44)))) return start;
  let at = start - 1;
  while (at > 0 && start - at < 7 && isCapital(units[at - 1] as number)) at--;
  const opening = at > 0 ? (units[at - 1] as number) : 32;
  return isIdentifier(opening) || opening >= 128 ? start : at;
}

/** `, 1983`, `th 1983` behind a day: may a month stand before it? */
function isDayOfMonth(text: string, end: number): boolean {
  return /^(?:st|nd|rd|th)?,? ?(?:19|20)\d\d/.test(text.slice(end, end + 8));
}

/** A field whose name is a label announces its whole value, and stands near whatever else is in it. */
function judgeField(context: ScanContext, label: Label<Announced>, start: number): number {
  const { text } = context;
  const last = walk.ends[walk.count - 1] as number;
  if (start <= 2 && last >= text.length - 2) return judgeAnnounced(context, { label, start, end: start, marked: true }, start);
  return judgeNear(context, start, [label]);
}

/** May a number end with group `k` of the walk? Not where it goes on behind a dash or dot, nor before an address's @. */
function isEnd(text: string, k: number): boolean {
  const end = walk.ends[k] as number;
  const next = text.charCodeAt(end);
  if (next === 95 || next === 64 || next === 37 || isWord(next)) return false;
  return !((next === 45 || next === 46 || next === 47 || next === 58) && isIdentifier(text.charCodeAt(end + 1)));
}

function passes({ shape, check }: NumberKind, value: string): boolean {
  // All zeros satisfy many checks, and are nobody's.
  return shape.test(value) && (check === undefined || check(value)) && !/^0+$/.test(value);
}

function push({ found }: ScanContext, kind: string, start: number, end: number, evidence: number): number {
  found.push({ kind, start, end, confidence: Math.min(0.99, Math.round(evidence * 100) / 100) });
  return end;
}

/** What the walk's shape and check prove by themselves, or with a label near by. */
function judgeShape(context: ScanContext, start: number): number {
  const { text } = context;
  const previous = text.charCodeAt(start - 1);
  if (walk.hasSmall || previous === 43 || previous === 46 || previous === 36 || previous === 95) return 0;
  for (let k = walk.count - 1; k >= 0; k--) {
    const places = walk.places[k] as number;
    if (places < 7 || places > 18 || (walk.digits[k] as number) < 4) continue;
    const end = walk.ends[k] as number;
    const shapes = byShape.get(walk.hashes[k] as number);
    const isDigits = walk.digits[k] === places;
    const others = k > 0 ? undefined : isDigits ? proven[places] : byLength[places];
    if ((!shapes && (others === undefined || others.length === 0)) || !isEnd(text, k)) continue;
    const value = compact(text.slice(start, end));
    let best = 0;
    let kind = '';
    for (const { number, evidence } of shapes ?? []) {
      if (!passes(number, value)) continue;
      let sum = evidence + proofEvidence[number.proof];
      if (sum < floor && isNear(text, start, end, number)) sum += nearEvidence;
      if (sum > best) [best, kind] = [sum, number.spec.kind];
    }
    for (const number of others ?? []) {
      const sum = (isDigits ? bareEvidence : distinctEvidence) + proofEvidence[number.proof];
      if (sum > best && passes(number, value)) [best, kind] = [sum, number.spec.kind];
    }
    if (best >= floor) return push(context, kind, start, end, best);
  }
  const first = walk.places[0] as number;
  if (first < bareMin || first > 16 || (walk.digits[0] as number) < 5 || !isEnd(text, 0)) return 0;
  return judgeNear(context, start, labelsNear(text, start, walk.ends[0] as number));
}

function isNear(text: string, start: number, end: number, number: NumberKind): boolean {
  return labelsNear(text, start, end).some((label) => label.values.some((value) => value.number === number));
}

/** Is the walk a number of a kind that one of the labels names? Its check has to hold: the label is not about this place for sure. */
function judgeNear(context: ScanContext, start: number, labels: readonly Label<Announced>[]): number {
  for (const { values } of labels) {
    for (let k = walk.count - 1; k >= 0; k--) {
      if (!isEnd(context.text, k)) continue;
      const value = compact(context.text.slice(start, walk.ends[k]));
      for (const { number } of values) {
        if (!number || number.proof === 'none' || !passes(number, value)) continue;
        return push(context, number.spec.kind, start, walk.ends[k] as number, bareEvidence + proofEvidence[number.proof] + nearEvidence);
      }
    }
  }
  return 0;
}

/** What the label says that stands before it. */
function judgeAnnounced(context: ScanContext, announcement: Announcement, start: number): number {
  const { text } = context;
  const { values } = announcement.label;
  const [first] = values;
  if (first && first.reads !== 'number') {
    const span = readAnnounced(first.reads, text, start, announcement);
    return span ? push(context, first.kind, span.start, span.end, announcedEvidence + groupedEvidence) : 0;
  }
  if (first?.kind === 'us_ssn' && isDenied(text, announcement.start)) return 0;
  for (let k = walk.count - 1; k >= 0; k--) {
    const places = walk.places[k] as number;
    if (places < 5 || !isEnd(text, k)) continue;
    const end = walk.ends[k] as number;
    const value = compact(text.slice(start, end));
    for (const { number } of values)
      if (number && !isLoose(number) && passes(number, value))
        return push(context, number.spec.kind, start, end, announcedEvidence + bareEvidence + proofEvidence[number.proof]);
  }
  return judgeUnchecked(context, announcement, start);
}

/** Is nothing known of the kind but that a label announces it? */
function isLoose({ check, distinct, grouped }: NumberKind): boolean {
  return check === undefined && distinct.length === 0 && grouped.length === 0;
}

const dateLike = /^(?:(?:19|20)\d\d(?:[-./]?(?:0[1-9]|1[0-2])[-./]?(?:0[1-9]|[12]\d|3[01]))?|\d\d?[-./]\d\d?[-./](?:19|20)\d\d)$/;
/** How far the length of a mistyped number may be from the right one. */
const slipMax = 2;
const slipDigitsMin = 4;

/** No check holds, or there is none: what a label announces is personal all the same. */
function judgeUnchecked(context: ScanContext, { label, start: from, end: labelEnd, marked }: Announcement, start: number): number {
  const { text } = context;
  if (!isLoose(label.values[0]?.number as NumberKind)) {
    for (let k = walk.count - 1; k >= 0; k--) {
      if ((walk.digits[k] as number) < slipDigitsMin || !isEnd(text, k)) continue;
      const places = walk.places[k] as number;
      const slipped = label.values.find(({ number }) => number && !isLoose(number) && placesOf(number) === places);
      if (slipped && !/^0+$/.test(compact(text.slice(walk.start, walk.ends[k]))))
        return push(context, slipped.kind, walk.start, walk.ends[k] as number, announcedEvidence + (marked ? bareEvidence : 0));
    }
  }
  const begin = labelEnd === start - 1 && text.charCodeAt(labelEnd) === 45 ? from : start;
  const end = looseEnd(text, start);
  const written = text.slice(start, end);
  const value = compact(written);
  // `policy: s3-read-12345678`: rules have names, insurances have numbers.
  if (label.phrase === 'policy' && /[a-z]/.test(written)) return 0;
  if (dateLike.test(written) || /^0*$/.test(value)) return 0;
  const digits = value.replace(/\D+/g, '').length;
  if (!marked && digits < 4) return 0;
  if (isAccount(label.phrase, marked) && !banking.test(text.slice(Math.max(0, start - 160), end + 160).toLowerCase())) return 0;
  for (const { number } of label.values) {
    if (!number) continue;
    if (isLoose(number) ? number.shape.test(value) : label.values.length === 1 && digits >= 5 && isSlip(value, number))
      return push(context, number.spec.kind, begin, end, announcedEvidence + (marked ? bareEvidence : 0));
  }
  return 0;
}

function isSlip(value: string, number: NumberKind): boolean {
  return Math.abs(value.length - placesOf(number)) <= slipMax;
}

/** How many letters and digits the kind's example has. */
function placesOf(number: NumberKind): number {
  let places = examplePlaces.get(number);
  if (places === undefined) {
    const words = number.spec.example.split(' ');
    while (words.length > 1 && !/\d|^[A-Z]{2}$/.test(words[0] as string)) words.shift();
    places = compact(words.join('')).length;
    examplePlaces.set(number, places);
  }
  return places;
}

const examplePlaces = new Map<NumberKind, number>();

/** `account: …`, and `account number …` without a mark, are a bank's only where other words say so; there are many kinds of accounts. */
function isAccount(phrase: string, marked: boolean): boolean {
  return phrase === 'account' || phrase === 'acct' || (!marked && /^acc(?:oun)?t/.test(phrase));
}

const banking = /\b(?:bank|iban|swift|bic|card|transaction|deposit|payment|routing|sort code|balance|beneficiary|holder|transfer|debit|credit)/;
const looseMax = 48;

/** The end of a value of letters and digits, with marks between that join: `4711-AB/2`, `123 456 789`. */
function looseEnd(text: string, start: number): number {
  const limit = Math.min(text.length, start + looseMax);
  let at = start;
  let group = start;
  let onlyDigits = true;
  for (; at < limit; at++) {
    const unit = text.charCodeAt(at);
    if (isDigit(unit)) continue;
    if (isLetter(unit)) {
      onlyDigits = false;
      continue;
    }
    const next = text.charCodeAt(at + 1);
    const joins =
      unit === 45 || unit === 46 || unit === 47 || unit === 95
        ? isIdentifier(next)
        : unit === 32 && onlyDigits && at - group <= 4 && isGroup(text, at + 1);
    if (!joins) break;
    group = at + 1;
  }
  return at;
}

/** Two to four digits and then something else than a word, a mark or more digits. */
function isGroup(text: string, start: number): boolean {
  return /^\d{2,4}(?![\w:%/.-]\w|\w)/.test(text.slice(start, start + 8));
}

/** What the whole of a value is that stands alone (a cell of a table, a JSON number), if `label` is what its column or field is called. */
export function judgeWhole(label: Label<Announced>, value: string): Candidate | undefined {
  const start = value.search(/[A-Za-z0-9]/);
  if (start < 0) return undefined;
  const context: ScanContext = { text: value, survey: noSurvey, field: '', found: [] };
  walk.read(value, start);
  judgeAnnounced(context, { label, start, end: start, marked: true }, start);
  return context.found[0];
}

const noSurvey = new Survey();

export const identifierDetector: Detector = {
  kinds: numberKinds.filter(({ spec }) => spec.check !== '').map(({ spec }) => spec),
  gate: has.digit,
  detect: detectIdentifiers,
};
