/**
 * The event's own people: names, user names and addresses met in its fields, looked for in its other text, keys and identifiers, in any case,
 * order (`Doe, Jane`) and joint (`jane.doe`, `jane_doe`, `janedoe`, `jdoe`).
 *
 * Linear: text is read word by word, each word start costs a bit test, and what passes a few look-ups however many names there are. The forms of
 * a name are made when a word passes, and only those that begin with the word while names are few.
 */
import { canonicalOf } from './detectors/all.ts';
import type { Candidate } from './finding.ts';
import { sharedMailboxes, systemAccounts } from './lexicon.ts';
import { hasDigit, isCommon, isDistinct, isUnspaced, localOf, partsOf, wordsOf } from './name-parts.ts';
import { nominatives } from './declension.ts';
import { ShortMap } from './short-map.ts';
import { isCapital, isDigit, isGeorgian, isLetter, isWord, isWordBeyondAscii } from './survey.ts';

interface Known {
  readonly kind: string;
  /** The name this is a form of: all forms get one pseudonym. Absent: the text found speaks for itself. */
  readonly value: string | undefined;
  /** Worked out when the name is found. */
  canonical: string | undefined;
  readonly capitalised: boolean;
}

/** A value that was met. */
interface Met {
  readonly kind: string;
  readonly value: string;
  /** The value, or the local part of an address, in lower case. */
  readonly lower: string;
  readonly canonical: string | undefined;
  /** Read when the first word is asked for. */
  words: readonly string[] | undefined;
  /** No form of it that a text may hold has more words. */
  readonly wordsMost: number;
  /** What its whole value is known as: made when it is found. */
  known: Known | undefined;
}

/** Up to so many values, the forms that begin with a word are made when the word is met; of more all forms are made at once. */
const fewMax = 8;
const wordsMax = 5;
const wordUnitsMax = 64;
const phraseUnitsMax = 256;
const filterSize = 512;

function filterSlot(first: number, second: number): number {
  return ((first < 128 ? first | 32 : 1) * 37 + (second < 128 ? second | 32 : 1)) & (filterSize - 1);
}

/** What words begin with, as bits: a letter in either case each its own, all digits one, all that is beyond ASCII one. */
const startBits = new Int32Array(128);
for (let letter = 97; letter < 123; letter++) startBits[letter] = startBits[letter - 32] = 1 << (letter - 97);
const digitStart = 1 << 26;
startBits.fill(digitStart, 48, 58);
const startBeyond = 1 << 27;

/** 0 for a unit that is part of no word. */
function startBit(unit: number): number {
  return unit < 128 ? (startBits[unit] as number) : isWordBeyondAscii(unit) ? startBeyond : 0;
}

/** What the words of texts begin with that nobody looked at. */
export const anyStart = -1;
/** What those of time stamps and addresses, and of hexadecimal identifiers, begin with at the most. */
export const digitStarts = digitStart;
export const hexStarts = digitStart | 0b111111;

/** What the words of a text begin with: names that begin otherwise need not be looked for in it (see {@link NameIndex.starts}). */
export function wordStarts(text: string): number {
  let starts = 0;
  let inside = false;
  for (let i = 0; i < text.length; i++) {
    const bit = startBit(text.charCodeAt(i));
    if (!inside) starts |= bit;
    inside = bit !== 0;
  }
  return starts;
}

export class NameIndex {
  /** What the forms of all names begin with: a text whose words do not holds none. */
  starts = 0;
  /** Before {@link #made} all forms are made; of the others those only that begin with words which were asked for. */
  readonly #met: (Met | undefined)[] = [];
  #metCount = 0;
  #made = 0;
  /** Words with which something known begins, and how many words the longest of it has. */
  readonly #firsts = new ShortMap<number>();
  /** What is known: words, and phrases with one space between words. */
  readonly #forms = new ShortMap<Known>();
  /** By the first two units of a word: may something known begin with it? */
  readonly #filter = new Uint8Array(filterSize);
  /** What says so in the filter: another value for each event, so that nothing has to be wiped out between them. */
  #mark = 1;
  /** Names in scripts without spaces: looked for as they are. */
  readonly #unspaced = new Map<string, Known>();
  #hasUnspaced = false;
  /** Did the last value that was met have anything beyond ASCII? */
  #wasBeyond = false;

  get isEmpty(): boolean {
    return this.#metCount === 0;
  }

  /** Kinds that {@link meet} makes something of. */
  static knows(kind: string): boolean {
    return kind === 'email' || kind === 'person_name' || kind === 'username';
  }

  /** Adds a value by its kind; what is no name, account or address is ignored. `canonical` is given where the value does not tell it. */
  meet(kind: string, value: string, canonical?: string): void {
    if (!NameIndex.knows(kind)) return;
    if (this.#hasMet(kind, value, canonical)) return;
    const lower = kind === 'email' ? localOf(value) : value.toLowerCase();
    const wordsMost = this.#expect(lower, kind === 'person_name');
    this.#met[this.#metCount++] = { kind, value, lower, canonical, words: undefined, wordsMost, known: undefined };
    if (this.#wasBeyond && isUnspaced(lower)) {
      this.#hasUnspaced = true;
      // Those are found within words.
      this.starts = anyStart;
    }
    if (this.#made > 0 || this.#firsts.size === 0) return;
    this.#firsts.clear();
    this.#forms.clear();
  }

  /** Was the same value met before? Of names in scripts without spaces the last one counts. */
  #hasMet(kind: string, value: string, canonical: string | undefined): boolean {
    for (let i = 0; i < this.#metCount && i < fewMax; i++) {
      const met = this.#met[i] as Met;
      if (met.value === value && met.kind === kind && met.canonical === canonical) return !isUnspaced(value);
    }
    return false;
  }

  /** Forgets everybody. */
  clear(): void {
    for (let i = 0; i < this.#metCount; i++) this.#met[i] = undefined;
    this.#metCount = 0;
    this.#made = 0;
    this.starts = 0;
    this.#firsts.clear();
    this.#forms.clear();
    if (++this.#mark > 255) {
      this.#mark = 1;
      this.#filter.fill(0);
    }
    if (this.#unspaced.size > 0) this.#unspaced.clear();
    this.#hasUnspaced = false;
  }

  /**
   * Lets through the filter every word that a form of the value may begin with: its own words and parts, and of a person joints with the first
   * letter (`jdoe`). Both cases of a letter share a slot; what is beyond ASCII shares one for all. Returns how many words a form has at most.
   */
  #expect(lower: string, isPerson: boolean): number {
    const filter = this.#filter;
    const mark = this.#mark;
    const { length } = lower;
    let { starts } = this;
    let units = 0;
    let count = 0;
    let first = 0;
    let previous = 0;
    for (let i = 0; i < length; i++) {
      const unit = lower.charCodeAt(i);
      units |= unit;
      const bit = startBit(unit);
      // Parts of an address begin behind digits too.
      if (bit !== 0 && (previous === 0 || (previous === digitStart && bit !== digitStart))) {
        starts |= bit;
        const second = i + 1 < length ? lower.charCodeAt(i + 1) : 0;
        const isLast = startBit(second) === 0;
        filter[filterSlot(unit, isLast ? 0 : second)] = mark;
        count++;
        if (first === 0) first = unit;
        else if (isPerson) {
          filter[filterSlot(first, unit)] = mark;
          if (isLast) filter[filterSlot(unit, first)] = mark;
        }
      }
      previous = bit;
    }
    this.starts = starts;
    this.#wasBeyond = units > 127;
    return count;
  }

  /**
   * The usual case: the whole name of the first person met, as it was met. Its end if it stands at `start` and nothing longer can, or -1: no form has to
   * be made for that.
   */
  #wholeAt(text: string, start: number, found: Candidate[]): number {
    const met = this.#met[0] as Met;
    const { value } = met;
    if (met.kind !== 'person_name' || this.#made > 0 || this.#metCount > fewMax || !text.startsWith(value, start)) return -1;
    const end = start + value.length;
    const count = isWord(text.charCodeAt(end)) ? 0 : plainWords(value);
    if (count < 2) return -1;
    for (let i = 1; i < this.#metCount; i++) if ((this.#met[i] as Met).wordsMost > count) return -1;
    met.known ??= { kind: 'person_name', value, canonical: met.canonical, capitalised: false };
    found.push(candidate(met.known, start, end));
    return end;
  }

  /** How many words the longest has that begins with `word`; undefined if nothing does. */
  #longestFrom(word: string): number | undefined {
    if (this.#made > 0 || this.#metCount > fewMax) this.#makeAll();
    else if (this.#firsts.get(word) === undefined) for (let i = 0; i < this.#metCount; i++) this.#makeForms(this.#met[i] as Met, word);
    return this.#firsts.get(word);
  }

  #makeAll(): void {
    while (this.#made < this.#metCount) this.#makeForms(this.#met[this.#made++] as Met, undefined);
  }

  /** Adds the forms of a value, or those of them that begin with the word `only`. */
  #makeForms(met: Met, only: string | undefined): void {
    if (only !== undefined && met.kind !== 'person_name' && !met.lower.includes(only)) return;
    met.words ??= wordsOf(met.lower);
    if (met.kind === 'email') this.#addEmail(met.lower, met.words, only);
    else if (met.kind === 'person_name') this.#addName(met, met.words, only);
    else this.#addUsername(met.value, met.words, met.canonical, only);
  }

  /** Adds a person's full name and the forms it goes by. */
  #addName({ value, canonical }: Met, all: readonly string[], only: string | undefined): void {
    const words = all.length > wordsMax ? all.slice(0, wordsMax) : all;
    const first = words[0];
    const last = words[words.length - 1];
    if (first === undefined || last === undefined || (only !== undefined && !words.includes(only) && !mayJoin(only, first, last))) return;
    // With a word of every log in it (`Password Rotation`, but also `Will Smith`) it must be written like a name.
    const known: Known = { kind: 'person_name', value, canonical, capitalised: words.some(isCommon) };
    if (only === undefined && isUnspaced(value)) this.#addUnspaced(value, words, known);
    if (words.length === 1) {
      this.#addWord(first, known, only);
      return;
    }
    this.#addTurned(words, known, only);
    if (words.length > 2) this.#addTurned([first, last], known, only);
    if (hasDigit(first) || hasDigit(last)) return;
    if (only === undefined || mayJoin(only, first, last)) {
      this.#addWord(first + last, known, only);
      this.#addWord((first[0] as string) + last, known, only);
      this.#addWord(last + first, known, only);
    }
    const part: Known = { kind: 'person_name', value, canonical, capitalised: true };
    for (const word of words) this.#addWord(word, part, only);
  }

  /** `jane doe` and `doe jane`. */
  #addTurned(words: readonly string[], known: Known, only: string | undefined): void {
    const first = words[0] as string;
    const last = words[words.length - 1] as string;
    if (isAsked(first, only)) this.#add(words.join(' '), first, words.length, known);
    if (isAsked(last, only))
      this.#add(words.length === 2 ? `${last} ${first}` : `${last} ${words.slice(0, -1).join(' ')}`, last, words.length, known);
  }

  #addWord(word: string, known: Known, only: string | undefined): void {
    if (isAsked(word, only) && isDistinct(word)) this.#add(word, word, 1, known);
  }

  /** Adds the name of an account. */
  #addUsername(value: string, words: readonly string[], canonical: string | undefined, only: string | undefined): void {
    const first = words[0];
    if (first === undefined || words.length > wordsMax || !isAsked(first, only) || (words.length === 1 && !isDistinct(first))) return;
    if (words.every((word) => word.length < 2 || isDigit(word.charCodeAt(0)) || isCommon(word) || systemAccounts.has(word))) return;
    this.#add(words.join(' '), first, words.length, { kind: 'username', value, canonical, capitalised: false });
  }

  /** Adds what an address tells of its owner: the local part as a user name, its words as a name. */
  #addEmail(base: string, words: readonly string[], only: string | undefined): void {
    if (sharedMailboxes.has(base) || systemAccounts.has(base)) return;
    this.#addUsername(base, words, base, only);
    const parts = partsOf(base);
    if (parts.length < 2 || parts.length > 4 || !parts.some((part) => part.length > 1) || parts.every(isCommon)) return;
    const known: Known = { kind: 'person_name', value: undefined, canonical: undefined, capitalised: false };
    this.#addTurned(parts, known, only);
    if (only === undefined && isUnspaced(base)) this.#addUnspaced(parts.join(''), parts, known);
  }

  #add(phrase: string, first: string, count: number, known: Known): void {
    if (phrase.length < 2 || (phrase.length < 3 && !isDistinct(phrase)) || phrase.length > phraseUnitsMax || first.length > wordUnitsMax) return;
    if ((this.#firsts.get(first) ?? 0) < count) this.#firsts.set(first, count);
    const present = this.#forms.get(phrase);
    // A form that stands for a certain name in any case outranks one that must be capitalised.
    if (!present || (count === 1 && present.capitalised && !known.capitalised)) this.#forms.set(phrase, known);
  }

  #addUnspaced(value: string, words: readonly string[], known: Known): void {
    const forms = this.#unspaced;
    for (const form of [value, words.join(''), words.toReversed().join('')]) {
      if (Array.from(form).length >= 2 && forms.size < 64) forms.set(form.toLowerCase(), known);
    }
  }

  /** Adds what is known in `text` to `found`. */
  find(text: string, found: Candidate[]): void {
    if (this.#hasUnspaced) {
      this.#makeAll();
      findUnspaced(text, this.#unspaced, found);
    }
    const filter = this.#filter;
    const mark = this.#mark;
    const { starts } = this;
    const { length } = text;
    let inside = false;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      const bit = startBit(unit);
      if (bit === 0) inside = false;
      else if (!inside) {
        inside = true;
        if ((bit & starts) === 0) continue;
        const second = i + 1 < length ? text.charCodeAt(i + 1) : 0;
        if (filter[filterSlot(unit, isWord(second) ? second : 0)] !== mark) continue;
        const end = this.#match(text, i, found);
        if (end > i) i = end - 1;
      }
    }
  }

  /** `Kowalskiego`, `Müllers`, `Кузнецову`: a name that is known, with an ending that says what it is in the sentence. */
  #matchDeclined(text: string, start: number, end: number, word: string, found: Candidate[]): number {
    if (!isCapitalised(text, start) || isCommon(word)) return -1;
    for (const name of nominatives(word)) {
      if (this.#longestFrom(name) === undefined) continue;
      const known = this.#forms.get(name);
      if (known?.kind !== 'person_name') continue;
      found.push(candidate(known, start, end));
      return end;
    }
    return -1;
  }

  /** Looks for the longest phrase that begins at `start`; returns its end, or -1. */
  #match(text: string, start: number, found: Candidate[]): number {
    const whole = this.#wholeAt(text, start, found);
    if (whole > 0) return whole;
    let end = wordEnd(text, start);
    let key = text.slice(start, end).toLowerCase();
    const longest = this.#longestFrom(key);
    if (longest === undefined) return this.#matchDeclined(text, start, end, key, found);
    let best: Known | undefined;
    let bestEnd = -1;
    for (let count = 1; ; count++) {
      const known = this.#forms.get(key);
      if (known && (!known.capitalised || isCapitalised(text, start))) {
        best = known;
        bestEnd = end;
      }
      if (count >= longest) break;
      let next = end;
      while (next < text.length && next - end < 3 && isJoint(text.charCodeAt(next))) next++;
      if (next === end || next >= text.length || !isWord(text.charCodeAt(next))) break;
      end = wordEnd(text, next);
      if (end - next > wordUnitsMax) break;
      key += ` ${text.slice(next, end).toLowerCase()}`;
    }
    if (!best) return -1;
    found.push(candidate(best, start, bestEnd));
    return bestEnd;
  }
}

/** A letter of the Latin alphabet, with an accent or without, that is one letter in lower case too; or a digit. */
function isPlainLetter(unit: number): boolean {
  return unit < 128 ? isLetter(unit) || isDigit(unit) : unit >= 0xc0 && unit < 0x250 && unit !== 0x130 && isWordBeyondAscii(unit);
}

/** How many words of Latin letters and digits a name has, one space apart, the first with a capital; 0 if it is written otherwise, or long. */
function plainWords(value: string): number {
  if (value.length > wordUnitsMax || !isCapital(value.charCodeAt(0))) return 0;
  let count = 1;
  let previous = 32;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (unit === 32 ? previous === 32 : !isPlainLetter(unit)) return 0;
    if (unit === 32) count++;
    previous = unit;
  }
  return previous === 32 || count > wordsMax ? 0 : count;
}

/** May the word be `janedoe`, `jdoe` or `doejane`? */
function mayJoin(word: string, first: string, last: string): boolean {
  return (word.endsWith(last) && (word.length === 1 + last.length || word.startsWith(first))) || (word.startsWith(last) && word.endsWith(first));
}

function isAsked(word: string, only: string | undefined): boolean {
  return only === undefined || only === word;
}

function findUnspaced(text: string, forms: ReadonlyMap<string, Known>, found: Candidate[]): void {
  const lower = text.toLowerCase();
  if (lower.length !== text.length) return;
  for (const [form, known] of forms) {
    for (let at = lower.indexOf(form); at >= 0; at = lower.indexOf(form, at + form.length)) found.push(candidate(known, at, at + form.length));
  }
}

function candidate(known: Known, start: number, end: number): Candidate {
  const { kind, value } = known;
  if (value === undefined) return { kind, start, end, confidence: 0.8 };
  known.canonical ??= canonicalOf(kind, value);
  return { kind, start, end, confidence: 0.8, value, canonical: known.canonical };
}

/** The end of the word at `start`; a word too long to be known ends early. */
function wordEnd(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && end - start <= wordUnitsMax && isWord(text.charCodeAt(end))) end++;
  return end;
}

/** What may stand between the words of one name: space, comma, dot, dash, underscore, plus. */
function isJoint(unit: number): boolean {
  return unit === 32 || unit === 44 || unit === 46 || unit === 45 || unit === 95 || unit === 43 || unit === 9 || unit === 39;
}

/** Is there a capital, or a letter of a script that has none? */
function isCapitalised(text: string, at: number): boolean {
  const letter = text[at] as string;
  return letter !== letter.toLowerCase() || letter === letter.toUpperCase() || isGeorgian(letter.charCodeAt(0));
}
