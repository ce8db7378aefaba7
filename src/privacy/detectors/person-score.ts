/**
 * How sure it is that a run of words is a person's name. Evidence adds up: what the lexicon knows the words as, what their shapes are, what stands
 * before and behind, and what speaks against it. Weights are rough odds, chosen by reasoning and checked on texts other than those they were
 * chosen with (docs/decisions/0018-names.md).
 */
import { familyRank, foldName, givenRank, known } from '../name-lexicon.ts';
import { isSyllabic, nameShape } from '../name-shape.ts';
import { placePhrases } from '../name-words.ts';
import { isLetter, isSmall } from '../survey.ts';
import {
  actsOn,
  type Cue,
  cueBefore,
  deedBehind,
  followsTitle,
  isAddressed,
  isBodyBehind,
  isCell,
  isListBehind,
  isProseBehind,
  mayBeOneOf,
  sizesByLetter,
} from './person-cues.ts';
import { followsNumber, isLineEnd, isLineStart, type Word } from './person-words.ts';

/** A word and what the lexicon knows it as. */
export interface Judged extends Word {
  readonly known: number;
}

const threshold = 2;
const unknownMax = 1.8;
/** Words that places begin with: `San Francisco`, `Fort Worth`. */
const openings = new Set(
  'san santa santo são sao saint sainte st new los las fort port mount mt lake cape north south east west upper lower great grand la el'.split(' '),
);

const openingMax = 6;
const openingSizes = sizesByLetter(openings);

/** By unit: does a phrase for a place begin with it? What is beyond ASCII may be any letter. */
const placeStarts = new Uint8Array(128);
for (const phrase of placePhrases) placeStarts[phrase.charCodeAt(0)] = placeStarts[phrase.charCodeAt(0) - 32] = 1;
const placeMax = Math.max(...Array.from(placePhrases, ({ length }) => length));

/** `San Francisco`, `Hong Kong`. */
function isPlacePhrase(text: string, start: number, end: number): boolean {
  const first = text.charCodeAt(start);
  if ((first < 128 && placeStarts[first] === 0) || (end - start > placeMax && isAscii(text, start, end))) return false;
  return placePhrases.has(foldName(text.slice(start, end)));
}

function isAscii(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/** Evidence of one word, whatever stands around it. */
function wordScore(all: string, { known: what, shape, start, end }: Judged): number {
  if (shape === 'initial') return all.charCodeAt(end - 1) === 46 ? 0.8 : 0.4;
  if (shape === 'particle') return 0.1;
  const rank = Math.max(givenRank(what), familyRank(what));
  const common = (what & (known.common | known.ofLogs)) !== 0;
  if (rank > 0) {
    // `Key`, `Baker`: common words that are family names count once there is something else.
    let score = 1.25 + 0.25 * rank;
    if (common) score -= 1;
    if ((what & known.place) !== 0) score -= rank > 2 ? ((what & known.other) !== 0 ? 0.25 : 0) : (what & known.other) !== 0 ? 0.5 : 0.25;
    else if ((what & known.other) !== 0) score -= 0.25;
    return score;
  }
  if (common) return -0.5;
  if ((what & known.other) !== 0) return (what & known.place) !== 0 ? -0.5 : -1.5;
  if (shape === 'caseless') return 0.25;
  const text = all.slice(start, end);
  if (hasInnerCapital(text)) return /^(?:Mc|Mac|Le|La|De|Di|Du|Van|Von|Fitz|O['’]|D['’]|L['’]|Ó)\p{Lu}\p{Ll}+$/u.test(text) ? 1 : -3;
  // `JSON Schema`: an acronym beside a capitalised word.
  const acronym = shape === 'upper' && text.length < 6 ? 0.8 : 0;
  const folded = foldName(text);
  // A town that few know may well be a family's name.
  return Math.max(-1.5, Math.min(1.1, isSyllabic(folded) ? 1 : 0.25 + 0.35 * nameShape(folded))) - acronym - ((what & known.place) !== 0 ? 0.4 : 0);
}

function hasInnerCapital(text: string): boolean {
  for (let i = 1; i < text.length; i++) {
    if (isSmall(text.charCodeAt(i))) continue;
    const letter = text[i] as string;
    if (letter === letter.toLowerCase() || text[i - 1] === '-' || text[i - 1] === "'" || text[i - 1] === '’') continue;
    return text !== text.toUpperCase();
  }
  return false;
}

/** The confidence that the words are a name, 0 if they are none. */
export function nameConfidence(text: string, name: readonly Judged[]): number {
  return confidenceOf(nameScore(text, name));
}

/** The evidence for the words being a name; two and more is enough. */
export function nameScore(text: string, name: readonly Judged[]): number {
  const first = name[0] as Judged;
  const last = name[name.length - 1] as Judged;
  const { start } = first;
  const { end } = last;
  let full = 0;
  let upper = 0;
  let caseless = false;
  for (const { shape } of name) {
    if (shape === 'initial' || shape === 'particle') continue;
    full++;
    if (shape === 'upper') upper++;
    else if (shape === 'caseless') caseless = true;
  }
  if (full === 0 || end - start < 2) return 0;
  if (caseless && end - start > 40) return 0;
  const shouted = upper === full;
  let score = 0;
  const cue = cueBefore(text, start);
  const titled = followsTitle(text, start);
  const floor = floorOf(titled, first, cue);
  // However many unknown words look like names, they are two at most.
  let unknown = 0;
  for (const word of name) {
    const own = wordScore(text, word);
    if (titled && word.shape === 'capital') score += Math.max(0.15, own);
    else if (word.known !== 0 || word.shape === 'initial' || word.shape === 'particle') score += own;
    else unknown += hasInnerCapital(text.slice(word.start, word.end)) ? own : Math.max(floor, own);
  }
  score += Math.min(unknown, unknownMax);
  const single = name.length === 1;
  if (single && !titled && (first.known & known.thing) !== 0) score -= 1.5;
  if (!single && (first.known & known.thing) !== 0 && (last.known & known.thing) !== 0) score -= 5;
  // `Jenkins Continuous`, `Hudson Build`: a product and a word that nobody is called.
  else if (!single && (first.known & known.thing) !== 0 && givenRank(last.known) + familyRank(last.known) === 0) score -= 2.5;
  // Given name before family name, or the other way round.
  if (!single && ((givenRank(first.known) > 0 && familyRank(last.known) > 0) || (familyRank(first.known) > 0 && givenRank(last.known) > 0)))
    score += 0.5;
  // `Mark`, `Christian`: common words, but before all names, and more so with another word.
  if (!single && givenRank(first.known) === 3 && (first.known & (known.common | known.ofLogs)) === known.common) score += 0.4;
  // A given name that is no common word, and a word that nobody knows.
  if (
    full === 2 &&
    first.shape === 'capital' &&
    last.shape === 'capital' &&
    last.known === 0 &&
    givenRank(first.known) > 0 &&
    (first.known & known.common) === 0
  )
    score += 0.35;
  // `Ellis-Ingram`: two family names and a dash are a company's as often as a person's.
  if (single && text.slice(start, end).includes('-') && givenRank(first.known) <= familyRank(first.known)) score -= 0.5;
  if (
    !single &&
    first.end - start <= openingMax &&
    mayBeOneOf(openingSizes, text, start, first.end) &&
    openings.has(text.slice(start, first.end).toLowerCase())
  )
    score -= 2.5;
  if (name.length === 2 && isPlacePhrase(text, start, end)) score -= 4;
  if (full > 3) score -= 0.75 * (full - 3);
  // `ticket closed by রহিম উদ্দিন`: what sentences in Latin letters spell in another script is a name more often than anything else.
  if (caseless && full < 4 && isAmongLatin(text, start, end)) score += isSetTo(text, start) ? -1.5 : single ? 0.4 : 0.7;
  return score + contextScore(text, cue, start, end, single, caseless) - (shouted ? (single ? 2 : 1) : 0) - (single ? 0.5 : 0);
}

const toValue = /(?:set|changed?|renamed?|updated|switched|translated|equal|mapped|moved|converted) to $/;

/** Is it what something was set to or called? */
function isSetTo(text: string, start: number): boolean {
  return toValue.test(text.slice(Math.max(0, start - 16), start));
}

/** Is the word before, or the one behind, in ASCII letters? */
function isAmongLatin(text: string, start: number, end: number): boolean {
  const unit = text.charCodeAt(start);
  // Chinese, Japanese and Korean names are found by what they are made of (person-unspaced.ts).
  if (unit >= 0x3040 && unit < 0xd800) return false;
  return (
    (text.charCodeAt(start - 1) === 32 && isLetter(text.charCodeAt(start - 2))) || (text.charCodeAt(end) === 32 && isLetter(text.charCodeAt(end + 1)))
  );
}

/** The least that an unknown word counts: behind `Mrs.`, a label, or a name that is known, any word may be a name, whatever it looks like. */
function floorOf(titled: boolean, first: Judged, cue: Cue): number {
  if (titled || cue === 'label' || cue === 'name') return 0.15;
  if (givenRank(first.known) > 1 && (first.known & known.common) === 0) return 0;
  return cue === 'hint' ? -0.05 : -2;
}

function contextScore(text: string, cue: Cue, start: number, end: number, single: boolean, caseless: boolean): number {
  let score = 0;
  if (cue === 'salutation') score += 3;
  else if (cue === 'name') score += 2.25;
  else if (cue === 'label') score += single ? 0.75 : 1.75;
  else if (cue === 'said') score += single ? 1.2 : 1.6;
  else if (cue === 'hint') score += single ? 0.6 : 1.3;
  else if (cue === 'prose') score += single ? 0.5 : 0.4;
  else if (cue === 'listed') score += 0.6;
  else if (cue === 'article') score -= 1.5;
  else if (cue === 'place') score -= 1;
  else if (cue === 'street') score -= 2.5;
  else if (cue === 'brand') score -= single ? 3 : 1.5;
  if (cue !== 'salutation' && isBodyBehind(text, end)) score -= 3;
  if (followsNumber(text, start)) score -= 2;
  const lineStart = isLineStart(text, start);
  const deed = deedBehind(text, end);
  // Scripts without capitals have no other shape than their place, at the beginning of a line or sentence; nor do titles ("Flaws in …").
  const opens = lineStart || /[\].:|,;>-]\s*$/.test(text.slice(Math.max(0, start - 3), start));
  if (deed === 'deed' || deed === 'genitive')
    score += caseless && !opens ? 0 : single && deed === 'genitive' ? 0.6 : deed === 'deed' && actsOn(text, end) ? 1.8 : 1.2;
  else if (deed === 'place') score += opens ? 1.2 : 0.3;
  else if (isProseBehind(text, end)) score += 0.5;
  else if (isListBehind(text, end)) score += 0.4;
  if (lineStart && isLineEnd(text, end)) score += single ? 0.5 : 0.8;
  // `Approved: Mark Kulube`: the value of a line.
  else if (!single && cue === '' && text.startsWith(': ', start - 2) && isLineEnd(text, end)) score += 0.5;
  else if (!single && (cue === '' || cue === 'listed') && isCell(text, start, end)) score += 0.5;
  else if (isAddressed(text, start, end)) score += 1;
  return score;
}

export function confidenceOf(score: number): number {
  return score < threshold ? 0 : Math.min(0.9, 0.5 + 0.1 * (score - threshold));
}
