/**
 * Names of people and of their accounts in free text, by cue: `user Jane Doe`, `Alert for Jane Doe`, `Jane Doe logged in`, `Dear Jane`,
 * `arn:…:user/jane`, `/home/jane`. Names that fields or addresses of the same event give away are found by the name index instead.
 *
 * Anchored on capitals (and scripts without them) that follow a space. A name is two to four words of letters that are no common words.
 */
import { commonWords, sharedMailboxes, systemAccounts } from '../lexicon.ts';
import { has, isCapital, isDigit, isIdentifier, isLetter, isSmall, isWord, isWordBeyondAscii, made } from '../survey.ts';
import { isAccountName } from './assignments.ts';
import { before, type Detector, type KindSpec, lowerTrimmed, type ScanContext } from './detector.ts';

/** `Jane  DOE` → `jane doe`: case and spacing do not matter, order does. */
function canonicalName(value: string): string {
  if (isPlain(value)) return value.toLowerCase();
  return value.normalize('NFC').trim().replace(/\s+/g, ' ').toLowerCase();
}

/** Nothing but ASCII, single spaces, and none at the ends: most names. */
function isPlain(value: string): boolean {
  let previous = 32;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (unit > 126 || unit < 32 || (unit === 32 && previous === 32)) return false;
    previous = unit;
  }
  return previous !== 32;
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

const particles = new Set([
  'de',
  'da',
  'do',
  'dos',
  'das',
  'del',
  'della',
  'di',
  'du',
  'la',
  'le',
  'van',
  'von',
  'der',
  'den',
  'ter',
  'ten',
  'zu',
  'bin',
  'ibn',
  'bint',
  'al',
  'el',
  'y',
  'e',
  'af',
  'av',
  "o'",
  "d'",
  'st',
]);
/** By unit: does a particle begin with it? */
const particleStarts = new Uint8Array(128);
for (const particle of particles) particleStarts[particle.charCodeAt(0)] = 1;
const wordsMax = 4;
const wordUnitsMax = 40;

/** A word on the way to a name. */
interface Word {
  readonly start: number;
  readonly end: number;
  readonly shape: 'capital' | 'upper' | 'initial' | 'particle' | 'caseless';
}

function cues(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter(Boolean));
}

/** Words before a name that vouch even for a single word. */
const salutations = cues('mr mrs ms miss mx dr prof professor sir madam dear hi hello hey herr frau monsieur madame señor señora sr sra');
/** Words before a name of two words or more: roles, labels, prepositions, closings. */
const labels = cues(`
  user full first last customer client patient employee contact account display cardholder legal real beneficiary recipient sender member owner applicant student guest candidate manager agent
  author assignee reporter requester requestor approver reviewer operator administrator admin analyst engineer doctor physician nurse attorney supervisor subject person signatory participant attendee
  caller holder driver passenger tenant buyer seller payee payer insured claimant spouse father mother guardian traveler traveller contractor visitor names attn cc bcc from to by for with
  signed sincerely regards cheers thanks benutzer utilisateur usuario utente nutzer kunde nom nombre naam nome named called
`);

type Cue = 'salutation' | 'name' | 'label' | '';

/** What stands before the name at `start`: the word behind at most four blanks and marks. */
function cueBefore(text: string, start: number): Cue {
  let end = start;
  let dot = false;
  while (end > 0 && start - end < 4) {
    const unit = text.charCodeAt(end - 1);
    if (unit === 46) dot = true;
    else if (unit !== 32 && !isCueMark(unit)) break;
    end--;
  }
  let from = end;
  while (from > 0 && end - from < 20 && isWord(text.charCodeAt(from - 1))) from--;
  if (from === end) return '';
  const word = text.slice(from, end).toLowerCase();
  if (salutations.has(word)) return 'salutation';
  if (dot) return '';
  if (word === 'name' || word.endsWith('name')) return 'name';
  if (word === 'is' || word === 'am') return /name\s+is$|(?:^|[^a-z])i\s+am$/.test(before(text, end, 9)) ? 'salutation' : '';
  return labels.has(word) || (word.endsWith('s') && labels.has(word.slice(0, -1))) || (word === 'of' && /behalf\s+of$/.test(before(text, end, 10)))
    ? 'label'
    : '';
}

function isCueMark(unit: number): boolean {
  return (
    unit === 58 ||
    unit === 61 ||
    unit === 124 ||
    unit === 44 ||
    unit === 59 ||
    unit === 34 ||
    unit === 39 ||
    unit === 40 ||
    unit === 91 ||
    unit === 60 ||
    unit === 45 ||
    unit === 0x201c ||
    unit === 0x2018 ||
    unit === 0x2013 ||
    unit === 0x2014
  );
}

/** Cues that stand behind a name: a verb in the past, an auxiliary, a genitive, an address. */
const deed =
  /(?:['’]s\b|\s+\(?(?:[a-z]{3,14}ed|is|was|has|had|did|does|will|would|can|could|cannot|may|must|should|wants?|made|set|sent|got|left|ran|read|wrote|began|took|gave|saw|went|came|made|reset|shut|put|cut|logs?|signs?|accesses|access|tried|tries|attempts?|(?<place>from|via|at|on|as|in)|lives?|works?|said|says|told|asked|(?:who|whose|aged?|born)\b)(?![a-z])|\s*[<(]\s*[^\s@<>()]{1,64}@|\s*\((?:user|id|admin|employee|customer|[a-z][\w.-]{2,30})\))/y;

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
    judgeWords(text, words, found);
  }
  if (capitalCount === 0 && (survey.flags & has.nonAscii) !== 0) judgeWords(text, wordsAround(text, units, 0, 0), found);
}

/** A quick look that most capitals in logs fail: a word that stands alone, with no cue before it, is nobody's name. */
function mayBeName(text: string, units: Uint8Array, at: number): boolean {
  const { length } = text;
  let end = at;
  while (end < length && isNameByte(units[end] as number)) end++;
  const next = end < length ? (units[end] as number) : 32;
  if (next === 47 || next === 61 || next === 95 || next === 64 || isDigit(next)) return false;
  if (next === 32 && end + 1 < length && mayBeginName(text, units, end + 1, length)) return true;
  let from = at - 1;
  if (units[from - 1] === 46) from--;
  while (from > 0 && isNameByte(units[from - 1] as number)) from--;
  if (from < at - 1 && mayBeginName(text, units, from, length)) return true;
  const cue = cueBefore(text, at);
  return cue === 'salutation' || cue === 'name';
}

function isNameByte(unit: number): boolean {
  return unit >= 128 || isLetter(unit) || unit === 39 || unit === 45;
}

/** A capital, anything beyond ASCII, or a short word in small letters, which may be a particle (`de`, `van`). */
function mayBeginName(text: string, units: Uint8Array, at: number, length: number): boolean {
  const unit = units[at] as number;
  if (isCapital(unit) || unit >= 128) return true;
  if (!isSmall(unit)) return false;
  if (particleStarts[unit] !== 1) return false;
  let end = at + 1;
  while (end < length && end - at < 6 && isSmall(units[end] as number)) end++;
  return end - at < 6 && particles.has(text.slice(at, end));
}

/** The run of name-like words, divided by single spaces, that the word at `at` belongs to. */
function wordsAround(text: string, units: Uint8Array, at: number, floor: number): Word[] {
  const first = wordAt(text, units, at);
  if (!first) return [];
  const words = [first];
  for (let start = first.start; words.length <= wordsMax;) {
    const word = wordBefore(text, units, start, floor);
    if (!word) break;
    words.unshift(word);
    start = word.start;
  }
  for (let end = first.end; words.length <= 2 * wordsMax;) {
    if (units[end] !== 32) break;
    const word = wordAt(text, units, end + 1);
    if (!word) break;
    words.push(word);
    end = word.end;
  }
  return words;
}

/** `unit` is of the survey: what is beyond ASCII has to be looked up in the text. */
function isNameUnit(unit: number, text: string, at: number): boolean {
  return unit < 128 ? isLetter(unit) || unit === 39 || unit === 45 : text.charCodeAt(at) === 0x2019 || isWordBeyondAscii(text.charCodeAt(at));
}

/** The word that starts at `start`, if it could be part of a name. */
function wordAt(text: string, units: Uint8Array, start: number): Word | undefined {
  let end = start;
  while (end < text.length && end - start <= wordUnitsMax && isNameUnit(units[end] as number, text, end)) end++;
  if (end === start || end - start > wordUnitsMax) return undefined;
  const next = text.charCodeAt(end);
  // Digits, `_`, `/`, `=` and the like make it something else: `Mac_123`, `Foo/1.0`, `Name=`.
  if (isIdentifier(next) || next === 47 || next === 61 || next === 64 || next === 92 || (next === 46 && isIdentifier(text.charCodeAt(end + 1))))
    return undefined;
  while (end > start && !isWord(text.charCodeAt(end - 1))) end--;
  // `Doe's` is Doe's.
  if (end - start > 2 && text.charCodeAt(end - 1) === 115 && (text.charCodeAt(end - 2) === 39 || text.charCodeAt(end - 2) === 0x2019)) end -= 2;
  if (end === start) return undefined;
  const shape = shapeOf(text, start, end);
  if (!shape) return undefined;
  const initial = shape === 'initial' && text.charCodeAt(end) === 46;
  return { start, end: initial ? end + 1 : end, shape };
}

function wordBefore(text: string, units: Uint8Array, start: number, floor: number): Word | undefined {
  if (text.charCodeAt(start - 1) !== 32) return undefined;
  let from = start - 1;
  if (text.charCodeAt(from - 1) === 46) from--;
  while (from > floor && start - from <= wordUnitsMax && isNameUnit(units[from - 1] as number, text, from - 1)) from--;
  if (from === start - 1 || start - from > wordUnitsMax || isIdentifier(text.charCodeAt(from - 1))) return undefined;
  const mark = text.charCodeAt(from - 1);
  if (mark === 47 || mark === 64 || mark === 92 || mark === 46 || mark === 36) return undefined;
  while (from < start && !isWord(text.charCodeAt(from))) from++;
  const word = wordAt(text, units, from);
  return word && word.end === start - 1 ? word : undefined;
}

function shapeOf(text: string, start: number, end: number): Word['shape'] | undefined {
  const unit = text.charCodeAt(start);
  const size = end - start;
  if (unit < 128) {
    if (!isCapital(unit)) return particles.has(text.slice(start, end)) ? 'particle' : undefined;
    if (size === 1) return 'initial';
    return isAllUpper(text, start, end) ? 'upper' : 'capital';
  }
  const letter = String.fromCodePoint(text.codePointAt(start) as number);
  const lower = letter.toLowerCase();
  if (lower === letter && letter.toUpperCase() === letter) return 'caseless';
  if (lower === letter) return undefined;
  return isAllUpper(text, start, end) && size > 1 ? 'upper' : 'capital';
}

function isAllUpper(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 128 ? isSmall(unit) : String.fromCharCode(unit) !== String.fromCharCode(unit).toUpperCase()) return false;
  }
  return true;
}

/** Common words as they stand in texts: lower case, capitalised, all capitals. */
const commonForms = new Set([...commonWords].flatMap((word) => [word, (word[0] as string).toUpperCase() + word.slice(1), word.toUpperCase()]));

function isCommon(word: string): boolean {
  return commonForms.has(word);
}

/** Cuts common words off both ends, then asks for a cue before or behind what is left. */
function judgeWords(text: string, words: readonly Word[], found: ScanContext['found']): void {
  let from = 0;
  let to = words.length;
  const common = words.map(({ start, end, shape }) => shape !== 'caseless' && isCommon(text.slice(start, end)));
  // The last common word before the name is a cue or an obstacle, either way no part of it: `New User Jane Doe`.
  for (let i = 0; i + 1 < to; i++) if (common[i] && !common[i + 1]) from = i + 1;
  while (from < to && (common[from] || (words[from] as Word).shape === 'particle')) from++;
  for (let i = from; i < to; i++) if (common[i]) to = i;
  while (to > from && (words[to - 1] as Word).shape === 'particle') to--;
  if (to <= from || to - from > wordsMax + 1) return;
  const confidence = confidenceOf(text, words.slice(from, to));
  if (confidence > 0) found.push({ kind: 'person_name', start: (words[from] as Word).start, end: (words[to - 1] as Word).end, confidence });
}

function confidenceOf(text: string, name: readonly Word[]): number {
  const { start } = name[0] as Word;
  const { end } = name[name.length - 1] as Word;
  let full = 0;
  let upper = 0;
  let caseless = false;
  for (const { shape } of name) {
    if (shape === 'capital' || shape === 'upper' || shape === 'caseless') full++;
    if (shape === 'upper') upper++;
    if (shape === 'caseless') caseless = true;
  }
  if (full === 0 || (caseless && end - start > 40)) return 0;
  const shouted = upper === full;
  const cue = cueBefore(text, start);
  if (cue === 'salutation') return end - start > 1 && !(shouted && full < 2) ? 0.8 : 0;
  if (name.length < 2) return cue === 'name' && !shouted ? 0.6 : 0;
  if (cue !== '') return shouted ? 0.55 : 0.75;
  if (shouted) return 0;
  deed.lastIndex = end;
  const done = deed.exec(text);
  if (!done) return 0;
  // Scripts without capitals have no other shape than their place, at the beginning of a line or sentence; nor do titles ("Flaws in …").
  return (caseless || done.groups?.['place'] !== undefined) && !/(?:^|[\n\].:|,;>-]\s*)$/.test(text.slice(Math.max(0, start - 4), start)) ? 0 : 0.65;
}

/** `arn:aws:iam::123456789012:user/team/jane`, `/home/jane`, `C:\Users\jane`: the last name of the path. */
function detectAccounts({ text, survey, found }: ScanContext): void {
  const { flags, runs, runCount, units } = survey;
  if ((flags & has.slash) !== 0) {
    for (let i = 0; i < 3 * runCount; i += 3) {
      if (((runs[i + 2] as number) & made.ofSlashes) !== 0) searchPath(text, units, runs[i] as number, runs[i + 1] as number, found);
    }
  }
  if ((flags & has.backslash) !== 0) {
    for (let at = text.indexOf('\\Users\\'); at >= 0; at = text.indexOf('\\Users\\', at + 7)) pushAccount(text, at + 7, found, false);
  }
  if ((flags & has.space) !== 0) findUser(text, found);
}

/** Looks for `:user/`, `/home/` and `/Users/` in the run [from, to). */
function searchPath(text: string, units: Uint8Array, from: number, to: number, found: ScanContext['found']): void {
  if (units[from] === 117 && from > 0 && units[from - 1] === 58 && text.startsWith('user/', from)) pushAccount(text, from + 5, found, true);
  for (let at = from; at < to - 6; at++) {
    if (units[at] !== 47) continue;
    const next = units[at + 1];
    if (next === 104 && text.startsWith('/home/', at)) pushAccount(text, at + 6, found, false);
    else if (next === 85 && text.startsWith('/Users/', at)) pushAccount(text, at + 7, found, false);
  }
}

const sharedHomes = new Set(['shared', 'public', 'default', 'all', 'linuxbrew', 'app', 'node', 'site', 'work', 'workspace', 'build', 'src']);

/** The account whose name starts at `from`; in an ARN (`nested`) it is the last name of a path. */
function pushAccount(text: string, from: number, found: ScanContext['found'], nested: boolean): void {
  let start = from;
  let end = start;
  for (; end < text.length && end - start <= 64; end++) {
    const unit = text.charCodeAt(end);
    if (nested && unit === 47) start = end + 1;
    else if (!isWord(unit) && unit !== 95 && unit !== 46 && unit !== 45 && unit !== 64 && unit !== 43) break;
  }
  while (end > start && (text.charCodeAt(end - 1) === 46 || text.charCodeAt(end - 1) === 45)) end--;
  const name = text.slice(start, end).toLowerCase();
  if (
    name.length < 2 ||
    systemAccounts.has(name) ||
    sharedMailboxes.has(name) ||
    sharedHomes.has(name) ||
    name.startsWith('tok_') ||
    name.startsWith('hash_v')
  )
    return;
  found.push({ kind: 'username', start, end, confidence: 0.7 });
}

const userWord = /['"`]?(?<name>[A-Za-z\u00c0-\u024f][\w.-]{1,63})/y;
const afterUser =
  /^['"`]?(?:\s*$|\s+(?:from|logged|signed|log|sign|has|had|was|is|at|on|failed|authenticated|by|to|in|added|removed|created|deleted|updated|not)\b|[,;.)])/;

/** `for user jdoe from 8.8.4.4`, `user "jdoe"`: a word after `user` that is none of the words of every log. */
function findUser(text: string, found: ScanContext['found']): void {
  for (let at = text.indexOf('ser '); at >= 0; at = text.indexOf('ser ', at + 4)) {
    const first = text.charCodeAt(at - 1);
    if ((first !== 117 && first !== 85) || isIdentifier(text.charCodeAt(at - 2))) continue;
    userWord.lastIndex = at + 4;
    const match = userWord.exec(text);
    const raw = match?.groups?.['name'];
    if (!match || raw === undefined) continue;
    const name = raw.replace(/[.-]+$/, '');
    const start = at + 4 + match[0].length - raw.length;
    const end = start + name.length;
    const next = text.charCodeAt(end);
    if (!isAccountName(name) || isIdentifier(next) || next === 61 || next === 58 || next === 40 || next === 64) continue;
    const quoted = match[0].length > raw.length;
    const telling = quoted || /[._\-\d]/.test(name);
    if (telling ? true : afterUser.test(text.slice(end, end + 24)) && !isProse(name))
      found.push({ kind: 'username', start, end, confidence: telling ? 0.65 : 0.55 });
  }
}

/** Words that follow "user" in sentences. Endings say it for verbs and adjectives, wherever the word is unknown. */
function isProse(name: string): boolean {
  return /(?:ed|ing|able|tion|tions|ment|ly|ible|ness|ship|base|land|space|agent|data|input)$/.test(name) || isDigit(name.charCodeAt(0));
}

function detectPeople(context: ScanContext): void {
  if ((context.survey.flags & (has.capitalPair | has.nonAscii)) !== 0) detectNames(context);
  detectAccounts(context);
}

export const personDetector: Detector = {
  kinds: [personName, username],
  gate: has.capitalPair | has.nonAscii | has.slash | has.backslash | has.space,
  detect: detectPeople,
};
