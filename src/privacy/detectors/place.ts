/**
 * Cities, regions and countries in sentences. Where somebody lives helps to tell who it is, but a country by itself names nobody: the default policy
 * finds them and keeps them.
 */
import { familyRank, givenRank, known } from '../name-lexicon.ts';
import type { Candidate } from '../finding.ts';
import { isBodyBehind } from './person-cues.ts';
import { before, type KindSpec, type ScanContext } from './detector.ts';
import type { Judged } from './person-score.ts';

export const placeKind: KindSpec = {
  kind: 'place',
  family: 'other',
  example: 'she moved here from Estonia',
  check:
    'words that a lexicon of cities, regions and countries knows, or any capitalised words behind `lives in`, `based in`, `born in` and the like',
  floor: 0.5,
  canonical: (value) => value.trim().replace(/\s+/g, ' ').toLowerCase(),
};

/** What says that a place follows, whatever it is called. */
const strong =
  /(?:\b(?:lives?|living|lived|based|born|located|situated|resident|residing|raised|headquartered|arrived|arriving|stationed|(?:am|is|are|was|were|now|currently)(?: here)?)\s+(?:in|at)|\b(?:moved|moving|relocated|returned|returning|travell?ing|travell?ed|travels?|flying|flew|went|trip|emigrated|immigrated|shipped)\s+(?:here\s+|back\s+)?(?:to|from)|\b(?:originally|hails|comes|came|native|citizen|city|town|village|state|province|republic)\s+(?:from|of)|\b(?:wohnt|lebt|wohnhaft|geboren)\s+in|\b(?:habite|né|née|vit)\s+à|\bvive\s+en|\b(?:southern|northern|eastern|western|central)|\b(?:city|town|country|ort|stadt|land|ville|pays|ciudad|país|città|paese|plaats|stad|cidade|miasto|kraj|hometown|birthplace)\s*[:=])\s*$/i;
const weak =
  /\b(?:in|from|to|at|near|of|via|around|across|through|outside|within|visit|visiting|visited|aus|nach|à|en|de|da|di|uit|van|z|w|från|till|fra)\s$/i;

/** The confidence that capitalised words, of which none is a name by itself, are a place. */
function placeConfidence(text: string, words: readonly Judged[]): number {
  const first = words[0] as Judged;
  const last = words[words.length - 1] as Judged;
  let score = 0;
  let telling = 0;
  for (const { known: what, shape } of words) {
    if (shape === 'initial' || (what & (known.salutation | known.company | known.thing)) !== 0) return 0;
    const isPlace = (what & known.place) !== 0;
    const isNotable = isPlace && (what & known.other) !== 0;
    const isCommon = (what & known.common) !== 0 || ((what & known.ofLogs) !== 0 && !isNotable);
    if (isPlace && !isCommon) telling++;
    if (isPlace) score += isNotable ? 1.4 : 0.7;
    if (isCommon || (!isPlace && (what & known.other) !== 0)) score -= 0.7;
    if (what === 0) telling++;
    score -= 0.3 * Math.max(givenRank(what), familyRank(what));
  }
  // `On`, `End`, `New State`: places that are words of every log.
  if (telling === 0 && !text.startsWith('United ', first.start)) return 0;
  if (words.length > 1) score /= Math.sqrt(words.length);
  if (isBodyBehind(text, last.end)) return 0;
  const head = before(text, first.start, 24);
  if (strong.test(head)) score += 1.4;
  else if (weak.test(head)) score += 0.7;
  if (/^(?:,| was | is | has )/.test(text.slice(last.end, last.end + 5))) score += 0.2;
  return score < 1 ? 0 : Math.min(0.85, 0.4 + 0.15 * score);
}

/** Does what stands before say that a place follows? */
export function isPlaceAnnounced(text: string, at: number): boolean {
  return strong.test(before(text, at, 24));
}

/** Adds the places among the words of a run that are in none of the names `found` since the run began. */
export function findPlaces(text: string, words: readonly Judged[], found: ScanContext['found'], since: number): void {
  let from = 0;
  for (let i = 0; i <= words.length; i++) {
    const word = words[i];
    if (word && !isDivider(word) && !isTaken(word, found, since)) continue;
    if (i > from) judgePlace(text, words.slice(from, i), found);
    from = i + 1;
  }
}

function judgePlace(text: string, words: readonly Judged[], found: ScanContext['found']): void {
  const confidence = placeConfidence(text, words);
  if (confidence === 0) return;
  const { start } = words[0] as Judged;
  found.push({ kind: 'place', start, end: (words[words.length - 1] as Judged).end, confidence });
  const code = postcodeInFront.exec(before(text, start, 16));
  if (code) found.push({ kind: 'postal_code', start: start - code[0].length, end: start - code[0].length + 5, confidence: 0.6 });
}

/** `75001 Paris`, `94105, San Francisco`: five digits in front of a place are how it is found on a map. */
const postcodeInFront = /(?<![\w.:/#=-])\d{5},? $/;

/** Words of logs and of sentences that no place has in its name. */
function isDivider({ known: what, shape }: Judged): boolean {
  return shape === 'initial' || ((what & known.place) === 0 && (what & (known.ofLogs | known.salutation | known.label | known.company)) !== 0);
}

function isTaken({ start, end }: Judged, found: ScanContext['found'], since: number): boolean {
  for (let i = since; i < found.length; i++) {
    const one = found[i] as Candidate;
    if (one.start < end && start < one.end) return true;
  }
  return false;
}
