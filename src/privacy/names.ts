/**
 * The event's own people: names, user names and addresses met in its fields, looked for in its other text, keys and identifiers, in any case,
 * order (`Doe, Jane`) and joint (`jane.doe`, `jane_doe`, `janedoe`, `jdoe`).
 *
 * Linear: text is read word by word, each word start costs a bit test, and what passes a few look-ups however many names there are. The forms of
 * a name are made when a word passes for the first time.
 */
import { canonicalOf } from './detectors/all.ts';
import type { Candidate } from './finding.ts';
import { commonWords, sharedMailboxes, systemAccounts } from './lexicon.ts';
import { ShortMap } from './short-map.ts';
import { isDigit, isWord } from './survey.ts';

interface Known {
  readonly kind: string;
  /** The name this is a form of: all forms get one pseudonym. Absent: the text found speaks for itself. */
  readonly value: string | undefined;
  /** Worked out when the name is found. */
  canonical: string | undefined;
  readonly capitalised: boolean;
}

/** A value that was met, before its forms are made. */
interface Met {
  readonly kind: string;
  readonly value: string;
  /** The value, or the local part of an address, in lower case. */
  readonly lower: string;
  readonly canonical: string | undefined;
}

const wordsMax = 5;
const wordUnitsMax = 64;
const phraseUnitsMax = 256;
const filterSize = 512;

function filterSlot(first: number, second: number): number {
  return ((first < 128 ? first | 32 : 1) * 37 + (second < 128 ? second | 32 : 1)) & (filterSize - 1);
}

/** The words of a text: runs of letters and digits. */
export function wordsOf(text: string): string[] {
  const out: string[] = [];
  let start = -1;
  for (let i = 0; i <= text.length; i++) {
    const inside = i < text.length && isWord(text.charCodeAt(i));
    if (inside && start < 0) start = i;
    else if (!inside && start >= 0) {
      out.push(text.slice(start, i));
      start = -1;
    }
  }
  return out;
}

/** The words of the local part of an address: what dots, dashes, underscores and digits divide. */
function partsOf(local: string): string[] {
  const out: string[] = [];
  let start = 0;
  for (let i = 0; i <= local.length; i++) {
    const unit = i < local.length ? local.charCodeAt(i) : 46;
    if (unit !== 46 && unit !== 45 && unit !== 95 && !isDigit(unit)) continue;
    if (i > start) out.push(local.slice(start, i));
    start = i + 1;
  }
  return out;
}

/** The local part of an address in lower case, without its `+tag`. */
function localOf(address: string): string {
  const local = address.slice(0, address.lastIndexOf('@')).toLowerCase();
  const plus = local.indexOf('+');
  return plus > 0 ? local.slice(0, plus) : local;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

function hasDigit(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (isDigit(text.charCodeAt(i))) return true;
  return false;
}

const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

export class NameIndex {
  /** Values whose forms are not made yet: most texts have no word in them that begins like any name. */
  readonly #met: (Met | undefined)[] = [];
  #metCount = 0;
  /** Words with which something known begins, and how many words the longest of it has. */
  readonly #firsts = new ShortMap<number>();
  /** What is known: words, and phrases with one space between words. */
  readonly #forms = new ShortMap<Known>();
  /** By the first two units of a word: may something known begin with it? */
  readonly #filter = new Uint8Array(filterSize);
  /** Names in scripts without spaces: looked for as they are. */
  #unspaced: Map<string, Known> | undefined;

  get isEmpty(): boolean {
    return this.#metCount === 0 && this.#firsts.size === 0 && this.#unspaced === undefined;
  }

  /** Kinds that {@link meet} makes something of. */
  static knows(kind: string): boolean {
    return kind === 'email' || kind === 'person_name' || kind === 'username';
  }

  /** Adds a value by its kind; what is no name, account or address is ignored. `canonical` is given where the value does not tell it. */
  meet(kind: string, value: string, canonical?: string): void {
    if (!NameIndex.knows(kind)) return;
    const lower = kind === 'email' ? localOf(value) : value.toLowerCase();
    this.#met[this.#metCount++] = { kind, value, lower, canonical };
    this.#expect(lower);
    // These are not looked for by their words.
    if (!isAscii(lower) && unspaced.test(lower)) this.#makeForms();
  }

  /** Forgets everybody. */
  clear(): void {
    this.#met.fill(undefined);
    this.#metCount = 0;
    this.#firsts.clear();
    this.#forms.clear();
    this.#filter.fill(0);
    this.#unspaced = undefined;
  }

  /**
   * Lets through the filter every word that a form of the value may begin with: its own words and parts, and joints of the first and another
   * one (`jdoe`). Both cases of a letter share a slot; what is beyond ASCII shares one for all.
   */
  #expect(lower: string): void {
    const filter = this.#filter;
    let first = 0;
    let previous = 0;
    for (let i = 0; i < lower.length; i++) {
      const unit = lower.charCodeAt(i);
      if (isWord(unit) && (!isWord(previous) || isDigit(previous))) {
        const second = i + 1 < lower.length ? lower.charCodeAt(i + 1) : 0;
        filter[filterSlot(unit, isWord(second) ? second : 0)] = 1;
        if (first === 0) first = unit;
        filter[filterSlot(first, unit)] = 1;
        filter[filterSlot(unit, first)] = 1;
      }
      previous = unit;
    }
  }

  #makeForms(): void {
    for (let i = 0; i < this.#metCount; i++) {
      const met = this.#met[i] as Met;
      this.#met[i] = undefined;
      if (met.kind === 'email') this.#addEmail(met.lower);
      else if (met.kind === 'person_name') this.#addName(met);
      else this.#addUsername(met.value, met.lower, met.canonical);
    }
    this.#metCount = 0;
  }

  /** Adds a person's full name and the forms it goes by. */
  #addName({ value, lower, canonical }: Met): void {
    const words = wordsOf(lower);
    if (words.length > wordsMax) words.length = wordsMax;
    // With a word of every log in it (`Password Rotation`, but also `Will Smith`) it must be written like a name.
    const known: Known = { kind: 'person_name', value, canonical, capitalised: words.some(isCommon) };
    if (!isAscii(value) && unspaced.test(value)) this.#addUnspaced(value, words, known);
    const first = words[0];
    const last = words[words.length - 1];
    if (first === undefined || last === undefined) return;
    if (words.length === 1) {
      if (isDistinct(first)) this.#add(first, first, 1, known);
      return;
    }
    this.#addTurned(words, known);
    if (words.length > 2) this.#addTurned([first, last], known);
    if (hasDigit(first) || hasDigit(last)) return;
    this.#addWord(first + last, known);
    this.#addWord((first[0] as string) + last, known);
    this.#addWord(last + first, known);
    const part: Known = { kind: 'person_name', value, canonical, capitalised: true };
    for (const word of words) this.#addWord(word, part);
  }

  /** `jane doe` and `doe jane`. */
  #addTurned(words: readonly string[], known: Known): void {
    const first = words[0] as string;
    const last = words[words.length - 1] as string;
    this.#add(words.join(' '), first, words.length, known);
    this.#add(words.length === 2 ? `${last} ${first}` : `${last} ${words.slice(0, -1).join(' ')}`, last, words.length, known);
  }

  #addWord(word: string, known: Known): void {
    if (isDistinct(word)) this.#add(word, word, 1, known);
  }

  /** Adds the name of an account. */
  #addUsername(value: string, lower: string, canonical: string | undefined): void {
    const words = wordsOf(lower);
    const first = words[0];
    if (first === undefined || words.length > wordsMax || (words.length === 1 && !isDistinct(first))) return;
    if (words.every((word) => word.length < 2 || isDigit(word.charCodeAt(0)) || commonWords.has(word) || systemAccounts.has(word))) return;
    this.#add(words.join(' '), first, words.length, { kind: 'username', value, canonical, capitalised: false });
  }

  /** Adds what an address tells of its owner: the local part as a user name, its words as a name. */
  #addEmail(base: string): void {
    if (sharedMailboxes.has(base) || systemAccounts.has(base)) return;
    this.#addUsername(base, base, base);
    const words = partsOf(base);
    if (words.length < 2 || words.length > 4 || !words.some((word) => word.length > 1) || words.every(isCommon)) return;
    const known: Known = { kind: 'person_name', value: undefined, canonical: undefined, capitalised: false };
    this.#addTurned(words, known);
    if (!isAscii(base) && unspaced.test(base)) this.#addUnspaced(words.join(''), words, known);
  }

  #add(phrase: string, first: string, count: number, known: Known): void {
    if (phrase.length < 3 || phrase.length > phraseUnitsMax || first.length > wordUnitsMax) return;
    if ((this.#firsts.get(first) ?? 0) < count) this.#firsts.set(first, count);
    const present = this.#forms.get(phrase);
    // A form that stands for a certain name in any case outranks one that must be capitalised.
    if (!present || (count === 1 && present.capitalised && !known.capitalised)) this.#forms.set(phrase, known);
  }

  #addUnspaced(value: string, words: readonly string[], known: Known): void {
    const forms = (this.#unspaced ??= new Map());
    for (const form of [value, words.join(''), words.toReversed().join('')]) {
      if (Array.from(form).length >= 2 && forms.size < 64) forms.set(form.toLowerCase(), known);
    }
  }

  /** Adds what is known in `text` to `found`. */
  find(text: string, found: Candidate[]): void {
    if (this.#unspaced) findUnspaced(text, this.#unspaced, found);
    const filter = this.#filter;
    const length = text.length;
    let inside = false;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (!isWord(unit)) inside = false;
      else if (!inside) {
        inside = true;
        const second = i + 1 < length ? text.charCodeAt(i + 1) : 0;
        if (filter[filterSlot(unit, isWord(second) ? second : 0)] === 0) continue;
        const end = this.#match(text, i, found);
        if (end > i) i = end - 1;
      }
    }
  }

  /** Looks for the longest phrase that begins at `start`; returns its end, or -1. */
  #match(text: string, start: number, found: Candidate[]): number {
    if (this.#metCount > 0) this.#makeForms();
    let end = wordEnd(text, start);
    let key = text.slice(start, end).toLowerCase();
    const longest = this.#firsts.get(key);
    if (longest === undefined) return -1;
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

function isCapitalised(text: string, at: number): boolean {
  const letter = text[at] as string;
  return letter !== letter.toLowerCase();
}

/** Words that by themselves are nobody's name. */
const indistinct = new Set([...commonWords, ...systemAccounts, ...sharedMailboxes]);

function isCommon(word: string): boolean {
  return commonWords.has(word);
}

/** Long and unusual enough to be looked for by itself. */
function isDistinct(word: string): boolean {
  return word.length >= 3 && !indistinct.has(word) && !/^\d+$/.test(word);
}
