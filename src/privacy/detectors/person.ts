/**
 * Names of people and of their accounts in free text. Names that fields or addresses of the same event give away are found by the name index; here a
 * name is found by what stands around it (`user Jane Doe`, `Jane Doe logged in`, `Dear Jane`) and by what its words are known as.
 *
 * Anchored on capitals (and scripts without them) that follow a space or start a line: a text without them costs nothing.
 */
import { familyRank, givenRank, known } from '../name-lexicon.ts';
import { titles } from '../name-words.ts';
import { has, isCapital } from '../survey.ts';
import type { Detector, KindSpec, ScanContext } from './detector.ts';
import { lowerTrimmed } from './detector.ts';
import { detectAccounts } from './person-accounts.ts';
import { cueBefore, followsTitle } from './person-cues.ts';
import { isLoneName, mayBeName } from './person-glance.ts';
import { detectJoined } from './person-joined.ts';
import { confidenceOf, type Judged, nameConfidence, nameScore } from './person-score.ts';
import { detectUnspaced } from './person-unspaced.ts';
import { findPlaces, placeKind } from './place.ts';
import { isLineEnd, isLineStart, isNameByte, knownAs, type Word, wordAt, wordsAround, wordsMax } from './person-words.ts';

/** `Jane  DOE`, `Doe, Jane` and `Ms. Jane Doe` → `jane doe`: case, spacing, a comma's order and titles do not matter; other order does. */
function canonicalName(value: string): string {
  const isWritten = plainness(value);
  if (isWritten === 'simple') return value.toLowerCase();
  const name = isWritten === 'plain' ? value.toLowerCase() : value.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();
  const plain = withoutTitle(name);
  const comma = plain.indexOf(',');
  return comma < 0 ? plain : givenFirst(plain, comma);
}

/** What may stand behind a comma and is no given name. */
const suffix = /^(?:[js]r|i{1,3}|iv|v|md|m\.d|ph\.?d|esq|mba|cpa|rn|dds)\.?$/;

function givenFirst(name: string, comma: number): string {
  const given = name.slice(comma + 1).trim();
  return given === '' || given.includes(',') || suffix.test(given) ? name : `${given} ${name.slice(0, comma).trim()}`;
}

/** Without a title, if two words are left: `ms doe` and `mr doe` are not the same. */
function withoutTitle(name: string): string {
  const space = name.indexOf(' ');
  if (space < 2 || space > 10 || !name.includes(' ', space + 1)) return name;
  return titles.has(name.slice(0, name.charCodeAt(space - 1) === 46 ? space - 1 : space)) ? withoutTitle(name.slice(space + 1)) : name;
}

/** Plain: nothing but ASCII, single spaces, and none at the ends; simple: two words at the most and no comma, as most names are. */
function plainness(value: string): 'simple' | 'plain' | '' {
  let previous = 32;
  let spaces = 0;
  let hasComma = false;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (unit > 126 || unit < 32 || (unit === 32 && previous === 32)) return '';
    if (unit === 32) spaces++;
    else if (unit === 44) hasComma = true;
    previous = unit;
  }
  if (previous === 32) return '';
  return spaces < 2 && !hasComma ? 'simple' : 'plain';
}

const personName: KindSpec = {
  kind: 'person_name',
  family: 'person',
  example: 'Jane Doe',
  check: 'the field says so; or it is a name known from a field or address of the same event; or a cue stands beside two to four capitalised words',
  floor: 0.5,
  canonical: canonicalName,
};

const username: KindSpec = {
  kind: 'username',
  family: 'person',
  example: 'jdoe',
  check: 'the field says so; or it is known from a field of the same event; or it is the user of an ARN, a home directory or `user=`',
  floor: 0.5,
  canonical: lowerTrimmed,
};

function detectNames({ text, survey, found }: ScanContext): void {
  const { capitals, capitalCount, units } = survey;
  let done = 0;
  for (let i = 0; i < capitalCount; i++) {
    const at = capitals[i] as number;
    if (at < done || !mayBeName(text, units, at)) continue;
    const words = wordsAround(text, units, at, done);
    const last = words.at(-1);
    if (!last) continue;
    done = last.end;
    judgeRun(text, units, words, found);
  }
  if (capitalCount === 0 && (survey.flags & has.nonAscii) !== 0) judgeRun(text, units, wordsAround(text, units, 0, 0), found);
}

/** Single words that start a line: the survey knows only capitals behind a space. */
function detectLineStarts({ text, survey: { units, flags }, found }: ScanContext): void {
  for (let at = 0; at >= 0 && at < text.length;) {
    if ((isCapital(units[at] as number) || units[at] === 128) && isLoneName(text, units, at)) {
      judgeRun(text, units, wordsAround(text, units, at, at), found);
    }
    const next = (flags & has.newline) === 0 ? -1 : text.indexOf('\n', at);
    at = next < 0 ? -1 : next + 1;
  }
}

/**
 * Texts that have no capitals at all: chats, forms filled in on phones. A name has to be known word by word there, or to follow a cue that vouches
 * for it.
 */
function detectLowerCase({ text, survey: { units }, found }: ScanContext): void {
  let last: Judged[] = [];
  for (const { 0: own, index: start } of text.matchAll(/[\p{L}\p{M}'’-]{1,40}/gu)) {
    const end = start + own.length - (/['’]s$/.test(own) ? 2 : 0);
    const word = lowerCased(text, units, start, end);
    const before = last.at(-1);
    const joined =
      before !== undefined &&
      (start === before.end + 1 ? text.charCodeAt(before.end) === 32 : text.startsWith('. ', before.end) && start === before.end + 2);
    if (!joined) last = [];
    if (!word) last = [];
    else if (last.length < wordsMax) last.push(word);
    if (word && word.shape === 'capital' && givenRank((last[0] as Judged).known) + familyRank((last[0] as Judged).known) + last.length > 1)
      pushLowerCase(text, last, found);
  }
}

function lowerCased(text: string, units: Uint8Array, start: number, end: number): Judged | undefined {
  if (end - start === 1) return { start, end, shape: 'initial', known: 0 };
  const what = knownAs(text, units, start, end);
  const isName = givenRank(what) + familyRank(what) > 0;
  if ((what & (known.ofLogs | known.body | known.common)) !== 0 || (!isName && (what !== 0 || end - start < 5))) return undefined;
  return { start, end, shape: 'capital', known: what };
}

function pushLowerCase(text: string, name: readonly Judged[], found: ScanContext['found']): void {
  const first = name[0] as Judged;
  const cue = cueBefore(text, first.start);
  const vouched = cue === 'salutation';
  // `name: nginx` is a label of machines, too.
  const labelled = cue === 'name' && givenRank(first.known) > 1;
  if (first.shape === 'initial' || (!vouched && !labelled && (name.length < 2 || givenRank(first.known) < 1))) return;
  const score = nameScore(text, name);
  if (score >= (vouched || labelled ? 2.5 : 3))
    found.push({ kind: 'person_name', start: first.start, end: (name[name.length - 1] as Judged).end, confidence: confidenceOf(score - 0.5) });
}

/** Divides a run at the words that are no part of a name, and judges what is left between them. */
function judgeRun(text: string, units: Uint8Array, run: readonly Word[], found: ScanContext['found']): void {
  const words: Judged[] = [];
  for (const word of run) words.push(judged(text, units, word));
  const since = found.length;
  let from = 0;
  for (let i = 0; i <= words.length; i++) {
    if (i < words.length && !isObstacle(text, words, i, from)) continue;
    if (i > from) judgeName(text, units, words.slice(from, i), found);
    from = i + 1;
  }
  findPlaces(text, words, found, since);
}

const thaiTitle = /(?:คุณ|นางสาว|นาย|นาง)(?=[\u0e01-\u0e4e]{2})/y;

function judged(text: string, units: Uint8Array, word: Word): Judged {
  const { end, shape } = word;
  let { start } = word;
  // `คุณสมชาย`: a title and the name are written in one.
  if (shape === 'caseless' && text.charCodeAt(start) >> 7 === 0x1c) {
    thaiTitle.lastIndex = start;
    if (thaiTitle.test(text)) start = thaiTitle.lastIndex;
  }
  return { start, end, shape, known: shape === 'initial' || shape === 'particle' ? 0 : knownAs(text, units, start, end) };
}

/** Particles that may have a capital. */
const articles = new Set(['La', 'Le', 'Les', 'De', 'Del', 'Della', 'Den', 'Der', 'Du', 'Van', 'Von']);
/** Words of logs that people are called, too. */
const alsoGiven = new Set(['will', 'may', 'april', 'june', 'august', 'paris', 'london', 'mark', 'guest', 'march']);
/** `I'm`, `Don't`: no `O'Neil`. */
const contraction =
  /^(?:i|it|he|she|we|you|they|that|there|here|what|who|where|how|let|don|doesn|didn|can|isn|aren|wasn|won|c|qu|l|d|j|n|s)['’]\p{Ll}*$/iu;

/** Is the word no part of a name that began with `from`? */
function isObstacle(text: string, words: readonly Judged[], i: number, from: number): boolean {
  const { known: what, shape, start, end } = words[i] as Judged;
  if (shape === 'initial' || shape === 'particle') return false;
  const isName = givenRank(what) + familyRank(what) > 0;
  if ((what & (known.salutation | known.company | known.brand)) !== 0 || (!isName && (what & known.label) !== 0)) return true;
  const before = i > from ? (words[i - 1] as Judged) : undefined;
  if (!isName && shape === 'capital' && i === from && followsTitle(text, start)) return false;
  if ((what & known.ofLogs) !== 0) {
    // `Will Turner`, `April Jones`: what follows is a family name.
    const next = words[i + 1];
    // `Nguyễn Văn An`.
    if (!next && isName && end - start < 4 && i - from === 2) return false;
    return !(next && familyRank(next.known) > 0 && (next.known & known.ofLogs) === 0 && alsoGiven.has(text.slice(start, end).toLowerCase()));
  }
  if (isName) return false;
  if (contraction.test(text.slice(start, end))) return true;
  if (shape === 'caseless') return words.length > 3 && words.some((word) => word !== words[i] && givenRank(word.known) + familyRank(word.known) > 0);
  if ((what & known.body) !== 0) return true;
  if ((what & (known.common | known.other)) === 0) return false;
  // `de La Tour`: a particle before it makes it a name.
  if (before && i - from > 1 && (before.shape === 'particle' || articles.has(text.slice(before.start, before.end)))) return false;
  // `Brad Key`, `Emily Washington`: behind a given name it may be a family name.
  return !(before && (before.shape === 'initial' || (givenRank(before.known) > 0 && (before.known & known.common) === 0)));
}

function judgeName(text: string, units: Uint8Array, words: readonly Judged[], found: ScanContext['found']): void {
  let from = 0;
  let to = words.length;
  while (from < to && (words[from] as Judged).shape === 'particle') from++;
  while (to > from && (words[to - 1] as Judged).shape === 'particle') to--;
  // `X` of `Mac OS X`.
  if (to - from === 1 && (words[from] as Judged).shape === 'initial') return;
  // Without capitals nothing tells where an unknown name ends: behind a label two words are taken.
  if (to - from > 3 && (words[from] as Judged).shape === 'caseless' && cueBefore(text, (words[from] as Judged).start) === 'label') to = from + 2;
  if (to <= from || to - from > wordsMax + 1) return;
  const name = turned(text, units, words.slice(from, to));
  const confidence = nameConfidence(text, name);
  if (confidence > 0) found.push({ kind: 'person_name', start: (name[0] as Judged).start, end: (name[name.length - 1] as Judged).end, confidence });
}

/** `Doe, Jane`: a family name, a comma and a given name are one name. */
function turned(text: string, units: Uint8Array, name: readonly Judged[]): readonly Judged[] {
  const first = name[0] as Judged;
  const last = name[name.length - 1] as Judged;
  if (name.length > 2) return name;
  const cells = name.length === 1 ? twoCells(text, units, first) : undefined;
  if (cells) return cells;
  if (text.charCodeAt(last.end) === 44 && text.charCodeAt(last.end + 1) === 32) {
    if (familyRank(last.known) === 0 || givenRank(last.known) > familyRank(last.known)) return name;
    const next = wordAt(text, units, last.end + 2);
    if (!next || next.shape !== last.shape || text.startsWith(' and', next.end)) return name;
    const given = judged(text, units, next);
    // Alone on a line, an unknown word behind a family name is a given name.
    const alone = given.known === 0 && isLineStart(text, first.start) && isLineEnd(text, given.end);
    return alone || isGiven(given) ? [...name, given] : name;
  }
  if (first.shape !== 'capital' || !isGiven(first) || !text.startsWith(', ', first.start - 2) || text.charCodeAt(last.end) === 44) return name;
  // An unknown word, a comma, and a given name after which no list goes on.
  let from = first.start - 2;
  while (from > 0 && first.start - from < 32 && isNameByte(units[from - 1] as number)) from--;
  const before = wordAt(text, units, from);
  if (!before || before.end !== first.start - 2 || before.shape !== 'capital' || !(isLineStart(text, from) || cueBefore(text, from) === 'label'))
    return name;
  const family = judged(text, units, before);
  return family.known === 0 || familyRank(family.known) > 0 || /^O['’]/.test(text.slice(from, before.end)) ? [family, ...name] : name;
}

/** `42,Jane,Doe,gold`: a given name and a family name in cells side by side, in either order. */
function twoCells(text: string, units: Uint8Array, first: Judged): readonly Judged[] | undefined {
  const divider = text.charCodeAt(first.end);
  if ((divider !== 44 && divider !== 59 && divider !== 124 && divider !== 9) || first.shape !== 'capital') return undefined;
  const next = wordAt(text, units, first.end + 1);
  if (!next || next.shape !== 'capital') return undefined;
  const second = judged(text, units, next);
  const odd = known.common | known.ofLogs | known.place | known.body | known.brand | known.thing;
  if (((first.known | second.known) & odd) !== 0) return undefined;
  const isPair = (isGiven(first) && familyRank(second.known) > 0) || (familyRank(first.known) > 0 && isGiven(second));
  return isPair ? [first, second] : undefined;
}

function isGiven({ known: what }: Judged): boolean {
  return givenRank(what) > 0 && givenRank(what) >= familyRank(what) && (what & known.common) === 0;
}

const anyCapital = /\p{Lu}/u;

function detectPeople(context: ScanContext): void {
  const { flags, capitalCount } = context.survey;
  if ((flags & (has.capitalPair | has.nonAscii)) !== 0) detectNames(context);
  if ((flags & has.space) !== 0 || context.text.length < 40) detectLineStarts(context);
  if (capitalCount === 0 && (flags & has.space) !== 0 && !anyCapital.test(context.text)) detectLowerCase(context);
  if ((flags & has.nonAscii) !== 0) detectUnspaced(context);
  detectAccounts(context);
  if ((flags & has.run) !== 0) detectJoined(context);
}

export const personDetector: Detector = {
  kinds: [personName, username, placeKind],
  gate: has.capitalPair | has.nonAscii | has.slash | has.backslash | has.space | has.run,
  detect: detectPeople,
};
