/**
 * Names of people within the names of files, folders and machines: `CV_Jane_Doe.pdf`, `JaneDoeResume.docx`, `invoice-doe-jane.pdf`, `/contacts/jane.doe/`,
 * `/Jane Doe/contract.pdf`, `jupyter-jane-doe`. Two words side by side that the lexicon knows as a given and a family name, and as nothing else.
 */
import { familyRank, givenRank, known, lookUpBytes, mayBeNamed, nameRanks } from '../name-lexicon.ts';
import { isSyllabic, nameShape } from '../name-shape.ts';
import { has, isCapital, isDigit, isIdentifier, isLetter, isSmall, made } from '../survey.ts';
import { runMay } from '../runs-code.ts';
import type { ScanContext } from './detector.ts';
import { documents, seconds } from './document-endings.ts';
import { runsMay } from './run-glance.ts';

interface Part {
  readonly start: number;
  readonly end: number;
  readonly known: number;
}

const partMin = 3;
const partMax = 20;
const partsMax = 12;
/** Known as one of these a word is something else's name too often. */
const notNames = known.common | known.ofLogs | known.place | known.body | known.brand | known.thing | known.company;
/** Behind these the name of a machine, a volume or a folder is its owner's, too. */
const owned =
  /(?:^|[-_/])(?:jupyter|notebook|jupyterhub|hub|rstudio|vscode|coder|codespace|workspace|ws|home|user|users|profile|claim|pvc|volume|personal|sandbox|desktop|laptop|macbook|mbp|iphone|ipad|pc|vm|devbox|mailbox|inbox|onedrive|dropbox|people|contacts?|customers?|employees?|members?|patients?|clients?|students?|staff|authors?|profiles?|persons?|leads?|candidates?|applicants?|resumes?|cv|invoice|contract|passport)[-_/]$/i;
const ownedMax = 16;

/** Adds the names in the runs of a text. */
export function detectJoined(context: ScanContext): void {
  const { text, survey, found } = context;
  const { units, runs, runCount, flags } = survey;
  const last = (runsMay(survey) & runMay.beNames) === 0 ? 0 : 3 * runCount;
  for (let i = 0; i < last; i += 3) {
    const all = runs[i + 2] as number;
    if ((all & (made.ofLower | made.ofUpper)) === 0) continue;
    const start = runs[i] as number;
    const end = runs[i + 1] as number;
    const isDotted = units[end] === 46 && isLetter(units[end + 1] as number);
    if (isDotted && isDocument(units, end)) findInStem(text, units, start, end, found);
    else if ((all & made.ofDashes) !== 0) findInName(text, units, start, end, found);
    if (isDotted && (all & made.ofSlashes) !== 0) findAroundDot(text, units, end, found);
  }
  // Lines with brackets and slashes are those of web servers: their agents have many capitals, and no folders.
  if ((flags & has.capitalPair) !== 0 && ((flags & has.backslash) !== 0 || (flags & (has.slash | has.statement)) === has.slash)) findSpaced(context);
}

/** Does the ending of a document begin at `dot`? */
function isDocument(units: Uint8Array, dot: number): boolean {
  if (((seconds[(units[dot + 1] as number) & 31] as number) & (1 << ((units[dot + 2] as number) & 31))) === 0) return false;
  let ending = 0;
  for (let at = dot + 1; at < dot + 7; at++) {
    const unit = units[at] as number;
    if (!isIdentifier(unit)) return at > dot + 2 && documents.has(ending);
    ending = ending * 64 + ((isCapital(unit) ? unit | 32 : unit) & 63);
  }
  return false;
}

/** By unit of the survey: is it an ASCII letter? */
const letters = Uint8Array.from({ length: 129 }, (_, unit) => Number(isLetter(unit)));

/** `jane-doe`, `jupyter-jane-doe`, `/customers/jane_doe/`: joined by dashes or underscores. Each unit is looked at once, as most words are no names. */
function findInName(text: string, units: Uint8Array, start: number, end: number, found: ScanContext['found']): void {
  let word = start;
  for (let at = start; at < end - partMin; at++) {
    const unit = units[at] as number;
    if (letters[unit] === 1) continue;
    const from = word;
    word = at + 1;
    // Three letters at least on both sides: most joints are out here, without a look-up.
    if (at - from < partMin || (unit !== 45 && unit !== 95) || !mayBeNamed(units, isEscape(units, from - 1) ? from + 1 : from, at)) continue;
    const next = isEscape(units, at + 1) ? at + 3 : at + 1;
    const to = wordEnd(units, next, end);
    if (to - next < partMin || !mayBeNamed(units, next, to)) continue;
    const first = partOf(units, isEscape(units, from - 1) ? from + 1 : from, at);
    if (!first || (first.known & nameRanks) === 0) continue;
    const second = partOf(units, next, to);
    if (!second || !isPair(first, second) || !isWhole(text, units, first, second, start, end)) continue;
    push(text, first, second, found);
    at = second.end;
    word = at + 1;
  }
}

function wordStart(units: Uint8Array, floor: number, end: number): number {
  let at = end;
  while (at > floor && isLetter(units[at - 1] as number)) at--;
  // The letter of `-2d`.
  return at > floor && isEscape(units, at - 1) ? at + 1 : at;
}

function wordEnd(units: Uint8Array, start: number, limit: number): number {
  let at = start;
  while (at < limit && isLetter(units[at] as number)) at++;
  return at;
}

/** `2e`, `2d`, `5f` behind a dash: what JupyterHub writes for a mark in the name of a user (`jane-2edoe`). */
function isEscape(units: Uint8Array, at: number): boolean {
  const next = units[at + 1];
  return units[at - 1] === 45 && ((units[at] === 50 && (next === 100 || next === 101)) || (units[at] === 53 && next === 102));
}

/** Do the two stand for themselves: all of a folder's name, or behind a word that says whose it is? */
function isWhole(text: string, units: Uint8Array, a: Part, b: Part, start: number, end: number): boolean {
  const behind = units[b.end] as number;
  if (isDigit(behind) && b.end < end) return false;
  if (owned.test(text.slice(Math.max(start, a.start - ownedMax), a.start))) return true;
  return givenRank(a.known) + familyRank(b.known) + givenRank(b.known) + familyRank(a.known) > 2;
}

/** `/contacts/jane.doe/`: the dot ends the run. */
function findAroundDot(text: string, units: Uint8Array, dot: number, found: ScanContext['found']): void {
  const to = wordEnd(units, dot + 1, dot + partMax + 2);
  // `.com`, `.html`, `.png` are out here.
  if (to - dot <= partMin || !mayBeNamed(units, dot + 1, to)) return;
  const from = wordStart(units, Math.max(0, dot - partMax - 1), dot);
  const mark = units[from - 1] as number;
  if (dot - from < partMin || (mark !== 47 && mark !== 45) || !mayBeNamed(units, from, dot)) return;
  const next = units[to] as number;
  if (isIdentifier(next) || next === 46 || next === 64 || next === 45 || next === 58) return;
  const first = partOf(units, from, dot);
  const second = first && (first.known & nameRanks) !== 0 ? partOf(units, dot + 1, to) : undefined;
  if (first && second && isPair(first, second)) push(text, first, second, found);
}

/** `C:\Documents and Settings\Jane Doe\`, `s3://hr/Jane Doe/contract.pdf`: a folder's name of two words. */
function findSpaced({ text, survey: { units, capitals, capitalCount }, found }: ScanContext): void {
  for (let i = 0; i < capitalCount; i++) {
    const at = capitals[i] as number;
    if (units[at - 1] !== 32 || !isLetter(units[at - 2] as number)) continue;
    const to = wordEnd(units, at, at + partMax + 1);
    if ((units[to] !== 47 && units[to] !== 92) || !isCapital(units[at] as number)) continue;
    const from = wordStart(units, Math.max(0, at - partMax - 2), at - 1);
    const mark = units[from - 1];
    if ((mark !== 47 && mark !== 92) || !isCapital(units[from] as number)) continue;
    const first = partOf(units, from, at - 1);
    const second = partOf(units, at, to);
    if (first && second && (isPair(first, second) || isLikely(text, first, second))) push(text, first, second, found);
  }
}

/** The name of a document without its ending, [start, end): words divided by marks and by capitals behind small letters. */
function findInStem(text: string, units: Uint8Array, runStart: number, end: number, found: ScanContext['found']): void {
  let start = end;
  while (start > runStart && units[start - 1] !== 47) start--;
  let from = -1;
  let to = -1;
  for (let at = start, count = 0; at < end && count < partsMax; count++) {
    while (at < end && !isLetter(units[at] as number)) at++;
    const first = at++;
    while (at < end && isLetter(units[at] as number) && !(isCapital(units[at] as number) && isSmall(units[at - 1] as number))) at++;
    // Behind a digit or two marks it is no part of the same name.
    const isBeside = from >= 0 && first <= to + 1 && !isDigit(units[to] as number);
    if (isBeside && pushPair(text, units, from, to, first, at, found)) from = -1;
    else {
      from = first;
      to = at;
    }
  }
}

/** Two words side by side in the name of a document: is one of them known as a name, and the other too, or does it look like one? */
function pushPair(text: string, units: Uint8Array, a: number, aEnd: number, b: number, bEnd: number, found: ScanContext['found']): boolean {
  const first = partOf(units, a, aEnd);
  if (!first || (first.known & (nameRanks | known.other)) === known.other) return false;
  const second = partOf(units, b, bEnd);
  if (!second || !(isPair(first, second) || isLikely(text, first, second) || isLikely(text, second, first))) return false;
  push(text, first, second, found);
  return true;
}

function partOf(units: Uint8Array, start: number, end: number): Part | undefined {
  if (end - start < partMin || end - start > partMax) return undefined;
  const what = lookUpBytes(units, start, end);
  return (what & notNames) === 0 ? { start, end, known: what } : undefined;
}

function isPair(a: Part, b: Part): boolean {
  return (givenRank(a.known) > 0 && familyRank(b.known) > 0) || (familyRank(a.known) > 0 && givenRank(b.known) > 0);
}

/** A given name, and a word that nobody knows and that looks like a name: both with capitals, or surer of both. */
function isLikely(text: string, name: Part, other: Part): boolean {
  if (other.known !== 0 || (name.known & nameRanks) === 0) return false;
  const word = text.slice(other.start, other.end).toLowerCase();
  if (isSyllabic(word)) return true;
  const capitals = isCapital(text.charCodeAt(name.start)) && isCapital(text.charCodeAt(other.start)) && isSmall(text.charCodeAt(other.start + 1));
  return givenRank(name.known) > (capitals ? 0 : 1) && nameShape(word) > (capitals ? 0 : 0.5);
}

function push(text: string, a: Part, b: Part, found: ScanContext['found']): void {
  const first = text.slice(a.start, a.end);
  const second = text.slice(b.start, b.end);
  const turned = givenRank(a.known) < familyRank(a.known) && givenRank(b.known) > familyRank(b.known);
  const value = turned ? `${second} ${first}` : `${first} ${second}`;
  found.push({ kind: 'person_name', start: a.start, end: b.end, confidence: 0.65, value });
}
