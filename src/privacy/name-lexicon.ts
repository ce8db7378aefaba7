/**
 * What a word is known as: a given name, a family name, a place, a common word, some other proper name. Some 64,000 words of seventy locales.
 *
 * The words come as two strings, in groups. A group begins with what its words are known as, in decimal: 8 × (4 × given + family, each 0 … 3 for the
 * number of languages it is a name in) + 1 place + 2 common + 4 other. Its words are sorted, each a capital that says how many leading letters it shares
 * with the one before (`A` none, `B` one …), the letters that follow, and marks for words that it is the stem of (see {@link wordFamilies}). Line breaks
 * do not count. In groups they compress a tenth better than in one list. With the first look-up they become a table of 32-bit hashes: 0.8 MB a thread instead of ten for a map of strings, and a word that is not in the
 * lists passes for one of them once in 90,000 times.
 */
import { commonWords } from './lexicon.ts';
import { latinWords } from './name-lexicon-latin.ts';
import { otherWords } from './name-lexicon-scripts.ts';
import { bodies, brands, companyForms, labels, locatives, nameOpeners, salutations, things } from './name-words.ts';
import { isCapital, isDigit } from './survey.ts';

/**
 * Bits of what {@link lookUp} returns. Given and family names have a rank of two bits each, above the first three; the last are of lists of our own
 * (lexicon.ts, name-words.ts).
 */
export const known = {
  place: 1,
  common: 2,
  other: 4,
  ofLogs: 128,
  salutation: 256,
  label: 512,
  company: 1024,
  body: 2048,
  thing: 4096,
  opener: 8192,
  locative: 16_384,
  brand: 32_768,
} as const;

/** The bits of both ranks. */
export const nameRanks = 15 << 3;

/** 0 … 3: in how many languages it is a given name. */
export function givenRank(word: number): number {
  return (word >> 5) & 3;
}

/** 0 … 3: in how many languages it is a family name. */
export function familyRank(word: number): number {
  return (word >> 3) & 3;
}

/** By mark, what follows the stem of words that are not listed themselves; behind a `~`, what follows the stem without its last letter. */
export const wordFamilies: Readonly<Record<string, readonly string[]>> = {
  '!': ['s'],
  '"': ['s', 'ed', 'ing'],
  '#': ['~es', '~ed', '~ing'],
  $: ['а'],
  '%': ['es', 'ed', 'ing'],
  '&': ['s', 'ed', 'ing', 'ings'],
  '(': ['er', 'est'],
  ')': ['a'],
  '*': ['ova'],
  '+': ['~ova'],
  ',': ['~и'],
};

/** A word of a family. */
export function wordOfFamily(stem: string, ending: string): string {
  return ending.startsWith('~') ? stem.slice(0, -1) + ending.slice(1) : stem + ending;
}

const slots = 1 << 17;
let hashes: Uint32Array | undefined;
let classes: Uint16Array;

const plain: Record<string, string> = { ø: 'o', æ: 'ae', œ: 'oe', þ: 'th', ð: 'd', ß: 'ss', ł: 'l', đ: 'd', ı: 'i', '’': "'", ʻ: "'", ʼ: "'" };

/** Lower case, without accents: the form in which words are compared. */
export function foldName(word: string): string {
  const lower = word.toLowerCase();
  for (let i = 0; i < lower.length; i++) if (lower.charCodeAt(i) > 127) return foldBeyondAscii(lower);
  return lower;
}

/** By unit up to Latin Extended-A: the folded letter. Made when the first one is asked for. */
let foldedLetters: readonly string[] | undefined;

function foldBeyondAscii(lower: string): string {
  const letters = (foldedLetters ??= Array.from({ length: 0x180 }, (_, unit) => foldAny(String.fromCharCode(unit))));
  let out = '';
  for (let i = 0; i < lower.length; i++) {
    const letter = letters[lower.charCodeAt(i)];
    // Marks that combine, and other scripts.
    if (letter === undefined) return foldAny(lower);
    out += letter;
  }
  return out;
}

function foldAny(lower: string): string {
  return lower
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFC')
    .replace(/[øæœþðßłđı’ʻʼ]/g, (letter) => plain[letter] as string);
}

/** What a folded word is known as, 0 if it is not known. */
export function lookUp(word: string): number {
  return find(hashOf(word));
}

/** What the ASCII word of letters and `'` in the bytes [start, end) is known as, in any case. */
export function lookUpBytes(units: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) {
    const unit = units[i] as number;
    hash = Math.imul(hash ^ (unit >= 65 && unit <= 90 ? unit | 32 : unit), 0x01000193);
  }
  return find(mixed(hash));
}

/** Shorter words pass for no name, and longer ones are told apart no further. */
const [sizeMin, sizeMax] = [3, 6];
let shapes: Uint8Array | undefined;

/**
 * A first look that most words fail: may the word of three ASCII letters or more in the bytes [start, end) be a name, and neither a place nor a common
 * word? By its first two letters, the last one and its size: sixteen kilobytes, which stay in the caches where the table of all words does not.
 */
export function mayBeNamed(units: Uint8Array, start: number, end: number): boolean {
  if (!shapes) fill();
  const slot = shapeOf(end - start, units[start] as number, units[start + 1] as number, units[end - 1] as number);
  return (((shapes as Uint8Array)[slot >> 3] as number) & (1 << (slot & 7))) !== 0;
}

/** The bits that {@link mayBeNamed} looks at, for runs-code.ts. */
export function nameShapes(): Uint8Array {
  if (!shapes) fill();
  return shapes as Uint8Array;
}

/** Letters count by their place in the alphabet, in both cases. */
function shapeOf(size: number, first: number, second: number, last: number): number {
  return ((Math.min(size, sizeMax) - sizeMin) << 15) | ((first & 31) << 10) | ((second & 31) << 5) | (last & 31);
}

function find(hash: number): number {
  const table = hashes ?? fill();
  for (let slot = hash & (slots - 1); table[slot] !== 0; slot = (slot + 1) & (slots - 1)) if (table[slot] === hash) return classes[slot] as number;
  return 0;
}

/** FNV-1a with a last mix; never 0. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return mixed(hash);
}

function mixed(sum: number): number {
  const hash = Math.imul(sum ^ (sum >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0 || 1;
}

function fill(): Uint32Array {
  const table = new Uint32Array(slots);
  classes = new Uint16Array(slots);
  const add = (word: string, what: number): void => {
    const hash = hashOf(word);
    const slot = slotOf(table, hash);
    table[slot] = hash;
    classes[slot] = (classes[slot] as number) | what;
  };
  const byShape = new Uint8Array((sizeMax - sizeMin + 1) << 12);
  readWords(latinWords, (word, what) => {
    add(word, what);
    if ((what & nameRanks) === 0 || (what & (known.place | known.common)) !== 0 || word.length < sizeMin) return;
    const slot = shapeOf(word.length, word.charCodeAt(0), word.charCodeAt(1), word.charCodeAt(word.length - 1));
    byShape[slot >> 3] = (byShape[slot >> 3] as number) | (1 << (slot & 7));
  });
  shapes = byShape;
  readWords(otherWords, add);
  const own = [
    [commonWords, known.ofLogs],
    [salutations, known.salutation],
    [labels, known.label],
    [companyForms, known.company],
    [bodies, known.body],
    [things, known.thing],
    [nameOpeners, known.opener],
    [locatives, known.locative],
    [brands, known.brand],
  ] as const;
  for (const [list, bit] of own) for (const word of list) add(foldName(word), bit);
  hashes = table;
  return table;
}

/** Where the hash is in the table, or belongs. */
function slotOf(table: Uint32Array, hash: number): number {
  let slot = hash & (slots - 1);
  while (table[slot] !== 0 && table[slot] !== hash) slot = (slot + 1) & (slots - 1);
  return slot;
}

function readWords(text: string, add: (word: string, what: number) => void): void {
  const words = text.replaceAll('\n', '');
  let word = '';
  let what = 0;
  for (let at = 0; at < words.length;) {
    if (isDigit(words.charCodeAt(at))) {
      for (what = 0; isDigit(words.charCodeAt(at)); at++) what = 10 * what + words.charCodeAt(at) - 48;
      continue;
    }
    const shared = words.charCodeAt(at) - 65;
    let end = at + 1;
    // Words have neither capitals nor digits nor marks of families; behind the last one there is nothing.
    while (end < words.length && !isCapital(words.charCodeAt(end)) && !isDigit(words.charCodeAt(end)) && !isFamilyMark(words.charCodeAt(end))) end++;
    word = word.slice(0, shared) + words.slice(at + 1, end);
    add(word, what);
    for (; end < words.length && isFamilyMark(words.charCodeAt(end)); end++)
      for (const ending of wordFamilies[words[end] as string] as readonly string[]) add(wordOfFamily(word, ending), what);
    at = end;
  }
}

/** `!` to `,`, but for the apostrophe. */
function isFamilyMark(unit: number): boolean {
  return unit > 32 && unit < 45 && unit !== 39;
}
