/**
 * Numbers of all kinds in one pass over the digit runs. Each run that may begin a number is read on once (number-walk.ts); its shape is
 * looked up among those of all kinds, the words before it among all labels. Evidence adds up: how distinct the shape is, how much the check
 * proves, whether a label announces the number or stands near it.
 */
import type { Candidate } from '../finding.ts';
import { has, isCapital, isDigit, isIdentifier, isLetter, isWord, Survey } from '../survey.ts';
import { compact, type Detector, type ScanContext } from './detector.ts';
import type { NumberKind, Proof } from './number-kind.ts';
import { NumberWalk, skeletonHash } from './number-walk.ts';
import { monthStart, readAnnounced } from './announced-values.ts';
import type { Label } from './labels.ts';
import { type Announced, type Announcement, labelBefore, labelOfField, labelsNear, numberKinds } from './vocabulary.ts';

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
const prefixMax = 16;
/** Shorter runs of digits are nobody's number without separators. */
const bareMin = 8;
const bareMax = 16;

function detectIdentifiers(context: ScanContext): void {
  const { text, survey, field } = context;
  const { digitRuns, digitRunCount, units } = survey;
  const fieldLabel = labelOfField(field);
  let done = 0;
  for (let i = 0; i < digitRunCount; i++) {
    const run = digitRuns[2 * i] as number;
    if (run < done) continue;
    let start = run;
    while (start > 0 && run - start < wordMax && isLetter(units[start - 1] as number)) start--;
    if (start < done) continue;
    const previous = start > 0 ? (units[start - 1] as number) : 32;
    if (isDigit(previous) || (previous >= 128 && isWord(text.charCodeAt(start - 1)))) continue;
    const inside = isJoint(previous) && start > 1 && isIdentifier(units[start - 2] as number);
    // The middle of a date, time, address or identifier, unless a label hangs on it.
    if (inside && (isDigit(units[start - 2] as number) || previous === 46)) continue;
    done = Math.max(done, judgeNumber(context, start, inside, fieldLabel));
  }
}

/** Marks that join the parts of an identifier. */
function isJoint(unit: number): boolean {
  return unit === 45 || unit === 46 || unit === 47 || unit === 95 || unit === 58 || unit === 92 || unit === 43 || unit === 64 || unit === 36;
}

/** Adds the number that begins at `start`, if it is one; returns its end, or 0. */
function judgeNumber(context: ScanContext, start: number, inside: boolean, fieldLabel: Label<Announced> | undefined): number {
  const { text } = context;
  const before = labelBefore(text, start);
  walk.read(text, start);
  let end = before ? judgeAnnounced(context, before, start) : 0;
  if (end > 0) return end;
  if (fieldLabel && !inside) {
    end = judgeField(context, fieldLabel, start);
    if (end > 0) return end;
  }
  const outer = outerStart(text, start, inside);
  if (outer < start) {
    const further = labelBefore(text, outer);
    walk.read(text, outer);
    end = further ? judgeAnnounced(context, further, outer) : 0;
    if (end === 0 && !inside) end = judgeShape(context, outer);
    if (end > 0) return end;
    walk.read(text, start);
  }
  return inside ? 0 : judgeShape(context, start);
}

/** A field whose name is a label announces its whole value, and stands near whatever else is in it. */
function judgeField(context: ScanContext, label: Label<Announced>, start: number): number {
  const { text } = context;
  const last = walk.ends[walk.count - 1] as number;
  if (start <= 2 && last >= text.length - 2) return judgeAnnounced(context, { label, start, end: start, marked: true }, start);
  return judgeNear(context, start, [label]);
}

/** `POL-` before `2434569`, `DE ` before `123456789`, `$` before `185,000`: where a value may begin that the run at `start` is a part of. */
function outerStart(text: string, start: number, inside: boolean): number {
  let at = start;
  if (inside) {
    while (
      at > 0 &&
      start - at < prefixMax &&
      (isIdentifier(text.charCodeAt(at - 1)) || text.charCodeAt(at - 1) === 45 || text.charCodeAt(at - 1) === 47)
    )
      at--;
    while (at < start && !isIdentifier(text.charCodeAt(at))) at++;
    return at;
  }
  const previous = text.charCodeAt(start - 1);
  if (previous === 36 || (previous >= 0xa2 && previous <= 0xa5) || previous === 0x20ac || previous === 0x20b9) return start - 1;
  if (previous !== 32) return start;
  if (isDayOfMonth(text, start)) return monthStart(text, start);
  at = start - 1;
  while (at > 0 && start - at < 7 && isCapital(text.charCodeAt(at - 1))) at--;
  return at < start - 1 && !isWord(text.charCodeAt(at - 1)) && text.charCodeAt(at - 1) !== 95 ? at : start;
}

/** `4, 1983`, `4th 1983`: may a month stand before it? */
function isDayOfMonth(text: string, start: number): boolean {
  const end = isDigit(text.charCodeAt(start + 1)) ? start + 2 : start + 1;
  const next = text.charCodeAt(end);
  if (next !== 44 && next !== 32 && !isLetter(next)) return false;
  return /^(?:st|nd|rd|th)?,? ?(?:19|20)\d\d/.test(text.slice(end, end + 8));
}

/** May a number end with group `k` of the walk? Not where it goes on behind a dash or dot, nor before an address's @. */
function isEnd(text: string, k: number): boolean {
  const end = walk.ends[k] as number;
  const next = text.charCodeAt(end);
  if (next === 95 || next === 64 || next === 37 || isWord(next)) return false;
  return !((next === 45 || next === 46 || next === 47 || next === 58) && isIdentifier(text.charCodeAt(end + 1)));
}

function passes({ shape, check }: NumberKind, value: string): boolean {
  return shape.test(value) && (check === undefined || check(value));
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
  if (first < bareMin || first > bareMax || (walk.digits[0] as number) < 5 || !isEnd(text, 0)) return 0;
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

const dateLike = /^(?:(?:19|20)\d\d(?:[-./]?\d\d[-./]?\d\d)?|\d\d?[-./]\d\d?[-./](?:19|20)\d\d)$/;
/** How far the length of a mistyped number may be from the right one. */
const slipMax = 2;

/** No check holds, or there is none: what a label announces is personal all the same. */
function judgeUnchecked(context: ScanContext, { label, start: from, end: labelEnd, marked }: Announcement, start: number): number {
  const { text } = context;
  const begin = labelEnd === start - 1 && text.charCodeAt(labelEnd) === 45 ? from : start;
  const end = looseEnd(text, start);
  const written = text.slice(start, end);
  if (dateLike.test(written)) return 0;
  const value = compact(written);
  const digits = value.replace(/\D+/g, '').length;
  if (!marked && digits < 4) return 0;
  if (isAccount(label.phrase) && !banking.test(text.slice(Math.max(0, start - 160), end + 160).toLowerCase())) return 0;
  for (const { number } of label.values) {
    if (!number) continue;
    if (isLoose(number) ? number.shape.test(value) : label.values.length === 1 && digits >= 5 && isSlip(value, number))
      return push(context, number.spec.kind, begin, end, announcedEvidence + (marked ? bareEvidence : 0));
  }
  return 0;
}

function isSlip(value: string, { spec }: NumberKind): boolean {
  const right = compact(spec.example.replace(/^[^\d]*\p{L}{2,}[^\d]*(?=\d)/u, '')).length;
  return Math.abs(value.length - right) <= slipMax;
}

/** `account: …` is a bank's only where other words say so; there are many kinds of accounts. */
function isAccount(phrase: string): boolean {
  return phrase === 'account' || phrase === 'acct';
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

/** The number that a whole cell of a table is, whose column is called so. */
export function judgeCell(label: Label<Announced>, cell: string): Candidate | undefined {
  const start = cell.search(/[A-Za-z0-9]/);
  if (start < 0) return undefined;
  const context: ScanContext = { text: cell, survey: noSurvey, field: '', found: [] };
  walk.read(cell, start);
  judgeAnnounced(context, { label, start, end: start, marked: true }, start);
  return context.found[0];
}

const noSurvey = new Survey();

export const identifierDetector: Detector = { kinds: numberKinds.map(({ spec }) => spec), gate: has.digit, detect: detectIdentifiers };
