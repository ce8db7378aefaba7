/**
 * Writes src/privacy/name-lexicon-latin.ts and -scripts.ts from the word lists of two libraries that are kept well: names, places and streets of
 * seventy locales from @faker-js/faker, English words, names and places from compromise (both MIT), and lists of our own (name-additions.ts). Run after
 * raising either, or adding to the lists:
 *
 *     node scripts/build-name-lexicon.ts [--check]     --check only compares, exit code 1 if the files differ
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { allLocales } from '@faker-js/faker';
import nlp from 'compromise';
import { foldName, wordFamilies, wordOfFamily } from '../src/privacy/name-lexicon.ts';
import { shapeAlphabet, shapeFeatures, shapeScale, shapeSize } from '../src/privacy/name-shape.ts';
import { moreFamily, moreGiven, plainlyGiven } from './name-additions.ts';

type Class = 'given' | 'family' | 'place' | 'common' | 'other';

/** In which lists a word is, by what the list says that it is. */
const words = new Map<string, Record<Class, Set<string>>>();

function add(text: unknown, what: Class, list: string): void {
  if (typeof text !== 'string') return;
  // Of a name in several words each is one: `de la Cruz`, `Anh Vũ`.
  for (const part of text.split(/[\s\u200c-]+/)) {
    const word = foldName(part);
    if (!/^(?:[\p{L}\p{M}']{2,24}|[\p{Script=Han}\p{Script=Hangul}])$/u.test(word)) continue;
    const entry = words.get(word) ?? { given: new Set(), family: new Set(), place: new Set(), common: new Set(), other: new Set() };
    words.set(word, entry);
    entry[what].add(list);
  }
}

/** All strings of a definition: lists, or objects of lists. */
function strings(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
}

/** Lists of plain words, which tell a name from `Account Manager`. */
const commonParts: Record<string, readonly string[]> = {
  word: ['adjective', 'adverb', 'conjunction', 'noun', 'preposition', 'verb', 'interjection'],
  company: ['adjective', 'buzz_adjective', 'buzz_noun', 'buzz_verb', 'descriptor', 'noun'],
  commerce: ['department', 'product_name'],
  hacker: ['adjective', 'ingverb', 'noun', 'verb'],
  date: ['month', 'weekday'],
  color: ['human'],
};

for (const [locale, { person = {}, location = {}, ...rest }] of Object.entries(
  allLocales as Record<string, Record<string, Record<string, unknown>>>,
)) {
  const language = locale.slice(0, 2);
  for (const name of [...strings(person['first_name']), ...strings(person['middle_name'])]) add(name, 'given', language);
  for (const name of strings(person['last_name'])) add(name, 'family', language);
  for (const key of ['city_name', 'state', 'county', 'country']) for (const name of strings(location[key])) add(name, 'place', language);
  for (const key of ['state', 'country']) for (const name of strings(location[key])) add(name, 'other', language);
  for (const key of ['job_area', 'job_descriptor', 'job_type']) for (const word of strings(person[key])) add(word, 'common', language);
  for (const [part, keys] of Object.entries(commonParts))
    for (const key of keys)
      for (const word of strings(rest[part]?.[key])) add(word, 'common', key === 'verb' || key === 'adjective' ? `${language} ${key}` : language);
  for (const name of strings(rest['vehicle']?.['manufacturer'])) add(name, 'other', language);
}

const classOfTag: Record<string, Class> = {
  FirstName: 'given',
  MaleName: 'given',
  FemaleName: 'given',
  LastName: 'family',
  City: 'place',
  Region: 'place',
  Country: 'place',
  Place: 'place',
  Organization: 'other',
  SportsTeam: 'other',
  ProperNoun: 'other',
  Demonym: 'other',
};
const { lexicon } = (nlp.model() as Record<string, unknown>)['one'] as { lexicon: Record<string, string | string[]> };
for (const [word, tags] of Object.entries(lexicon))
  for (const tag of [tags].flat()) {
    const what = classOfTag[tag] ?? 'common';
    if (tag !== 'Person') add(word, what, 'compromise');
    // Places that are widely known; others are towns that share their names with people.
    if (what === 'place') add(word, 'other', 'compromise');
  }

/** What is a place first (`Valencia`, `Santiago`) is no surer a name because it is in our lists. */
const isPlace = (name: string): boolean => (words.get(foldName(name))?.place.size ?? 0) > 0;
const ours = [
  ...moreGiven.filter((name) => !isPlace(name)).map((name) => [name, 'given'] as const),
  ...moreFamily.filter((name) => !isPlace(name)).map((name) => [name, 'family'] as const),
];
for (const list of ['ours', 'ours too']) for (const [name, what] of ours) add(name, what, list);
for (const name of plainlyGiven) words.get(name)?.common.clear();

/** 0, or 1 to 3 as the name is in one, two, or more lists. */
function spread(lists: ReadonlySet<string>): number {
  return Math.min(lists.size, 3);
}

/** Lists whose common words are kept: others only teach what names do not look like. */
const keptCommon: ReadonlySet<string> = new Set(['compromise', 'en', 'de']);

/** Names, widely known places, common words of the languages that logs are mostly in. The lexicon is loaded in browsers, too. */
function isKept(word: string): boolean {
  const { given, family, place, common, other } = words.get(word) as Record<Class, Set<string>>;
  if (given.size + family.size > 0) return true;
  if (!isLatin(word)) return false;
  return (place.size > 0 && other.size > 0) || other.has('compromise') || [...common].some((list) => keptCommon.has(list));
}

const families = Object.entries(wordFamilies).toSorted(([, a], [, b]) => b.length - a.length);

/** The words that are listed, and the marks of those that they stand for. */
function inFamilies(group: readonly string[]): [word: string, marks: string][] {
  const left = new Set(group);
  const listed = group.map((word): [string, string] => {
    let marks = '';
    if (left.has(word))
      for (const [mark, endings] of families) {
        const made = endings.map((ending) => wordOfFamily(word, ending));
        // Only what comes later, so that no word stands for itself.
        if (!made.every((one) => one > word && left.has(one))) continue;
        for (const one of made) left.delete(one);
        marks += mark;
      }
    return [word, marks];
  });
  return listed.filter(([word]) => left.has(word));
}

/** Words by what they are known as, each as what it adds to the one before (see name-lexicon.ts). */
function encode(isWanted: (word: string) => boolean): string {
  const groups = new Map<number, string[]>();
  for (const [word, { given, family, place, common, other }] of [...words]
    .filter(([name]) => isWanted(name) && isKept(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const names = spread(given) * 4 + spread(family);
    const what = names * 8 + Number(place.size > 0) + 2 * Number(common.size > 0) + 4 * Number(other.size > 0);
    const group = groups.get(what);
    if (group) group.push(word);
    else groups.set(what, [word]);
  }
  let out = '';
  for (const [what, group] of [...groups].toSorted(([a], [b]) => a - b)) {
    let last = '';
    out += what;
    for (const [word, marks] of inFamilies(group)) {
      let shared = 0;
      while (shared < 25 && shared < last.length && word[shared] === last[shared]) shared++;
      out += String.fromCharCode(65 + shared) + word.slice(shared) + marks;
      last = word;
    }
  }
  return out.replaceAll(/.{160}/gsu, '$&\n');
}

function moduleText(name: string, what: string, data: string): string {
  return `/**
 * ${what} Written by scripts/build-name-lexicon.ts from @faker-js/faker, compromise and lists of our own, see NOTICE and
 * docs/decisions/0018-names.md; the form is described in name-lexicon.ts.
 */
// prettier-ignore
export const ${name} = \`
${data}\`;
`;
}

/**
 * Learns what names look like: logistic regression over groups of two to four letters, names against common words. The same words in the same order
 * always give the same weights.
 */
function learnShapes(): string {
  let seed = 1;
  const random = (): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) / 2 ** 32;
  const learned = [...words]
    .filter(([word, { given, family, common }]) => isLatin(word) && word.length > 3 && given.size + family.size > 0 !== common.size > 0)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([word, { common }]) => ({ isName: common.size === 0, features: shapeFeatures(word) }));
  const names = learned.filter(({ isName }) => isName).length;
  const balance = names / (learned.length - names);
  const weights = new Float64Array(shapeSize);
  for (let round = 0; round < 8; round++) {
    for (let i = learned.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [learned[i], learned[j]] = [learned[j] as (typeof learned)[0], learned[i] as (typeof learned)[0]];
    }
    for (const { isName, features } of learned) {
      let sum = 0;
      for (const feature of features) sum += weights[feature] as number;
      const step = ((0.15 / (1 + round)) * (Number(isName) - 1 / (1 + Math.exp(-sum))) * (isName ? 1 : balance)) / Math.sqrt(features.length);
      for (const feature of features) weights[feature] = (weights[feature] as number) + step;
    }
  }
  return Array.from(weights, (weight) => shapeAlphabet[Math.max(0, Math.min(63, 32 + Math.round(weight * shapeScale)))])
    .join('')
    .replaceAll(/.{160}/g, '$&\n');
}

const isLatin = (word: string): boolean => /^[a-z']+$/.test(word);
const files = [
  ['name-lexicon-latin.ts', moduleText('latinWords', 'Names, places and common words in Latin letters, folded.', encode(isLatin))],
  [
    'name-lexicon-scripts.ts',
    moduleText(
      'otherWords',
      'Names and places in other scripts.',
      encode((word) => !/[a-z]/.test(word)),
    ),
  ],
  ['name-shape-weights.ts', moduleText('shapeWeights', 'What names look like, letter group by letter group.', learnShapes())],
] as const;
for (const [file, text] of files) {
  const path = new URL(`../src/privacy/${file}`, import.meta.url);
  if (!process.argv.includes('--check')) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`${file} is not what scripts/build-name-lexicon.ts writes`);
    process.exitCode = 1;
  }
}
