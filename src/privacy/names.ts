/**
 * The event's own people: names, user names and addresses met in its fields, looked for in its other text, keys and identifiers, in any case,
 * order (`Doe, Jane`) and joint (`jane.doe`, `jane_doe`, `janedoe`, `jdoe`).
 *
 * Linear: text is read word by word, each word start costs a bit test, and what passes a few map look-ups however many names there are.
 */
import type { Candidate } from './finding.ts';
import { commonWords, sharedMailboxes, systemAccounts } from './lexicon.ts';
import { isDigit, isWord } from './survey.ts';

interface Known {
  readonly kind: string;
  /** The name this is a form of: all forms get one pseudonym. Absent: the text found speaks for itself. */
  readonly value: string | undefined;
  readonly canonical: string | undefined;
  readonly capitalised: boolean;
}

/** A word with which something known begins. */
interface First {
  /** Words of the longest phrase that begins with it. */
  longest: number;
  /** What it is by itself. */
  known: Known | undefined;
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

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

export class NameIndex {
  // All made with the first name: most texts and many events have none.
  #words: Map<string, First> | undefined;
  /** Phrases of two words and more. */
  #phrases: Map<string, Known> | undefined;
  #filter: Uint8Array | undefined;
  /** Names in scripts without spaces: looked for as they are. */
  #unspaced: Map<string, Known> | undefined;

  get isEmpty(): boolean {
    return this.#words === undefined && this.#unspaced === undefined;
  }

  /** Kinds that {@link meet} makes something of. */
  static knows(kind: string): boolean {
    return kind === 'email' || kind === 'person_name' || kind === 'username';
  }

  /** Adds a value by its kind; what is no name, account or address is ignored. */
  meet(kind: string, value: string, canonical = value): void {
    if (kind === 'email') this.addEmail(value);
    else if (kind === 'person_name') this.addName(value, canonical);
    else if (kind === 'username') this.addUsername(value, canonical);
  }

  /** Adds a person's full name and the forms it goes by. */
  addName(value: string, canonical: string): void {
    const words = wordsOf(value.toLowerCase());
    if (words.length > wordsMax) words.length = wordsMax;
    // With a word of every log in it (`Password Rotation`, but also `Will Smith`) it must be written like a name.
    const known: Known = { kind: 'person_name', value, canonical, capitalised: words.some((word) => commonWords.has(word)) };
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
    if (/\d/.test(first + last)) return;
    for (const joint of [first + last, (first[0] as string) + last, last + first]) if (isDistinct(joint)) this.#add(joint, joint, 1, known);
    const part: Known = { kind: 'person_name', value, canonical, capitalised: true };
    for (const word of words) if (isDistinct(word)) this.#add(word, word, 1, part);
  }

  /** `jane doe` and `doe jane`. */
  #addTurned(words: readonly string[], known: Known): void {
    const last = words[words.length - 1] as string;
    this.#add(words.join(' '), words[0] as string, words.length, known);
    this.#add(`${last} ${words.slice(0, -1).join(' ')}`, last, words.length, known);
  }

  /** Adds the name of an account. */
  addUsername(value: string, canonical: string): void {
    const words = wordsOf(value.toLowerCase());
    const first = words[0];
    if (first === undefined || words.length > wordsMax || (words.length === 1 && !isDistinct(first))) return;
    if (words.every((word) => word.length < 2 || isDigit(word.charCodeAt(0)) || commonWords.has(word) || systemAccounts.has(word))) return;
    this.#add(words.join(' '), first, words.length, { kind: 'username', value, canonical, capitalised: false });
  }

  /** Adds what an address tells of its owner: the local part as a user name, its words as a name. */
  addEmail(value: string): void {
    const local = value.slice(0, value.lastIndexOf('@')).toLowerCase();
    const plus = local.indexOf('+');
    const base = plus > 0 ? local.slice(0, plus) : local;
    if (sharedMailboxes.has(base) || systemAccounts.has(base)) return;
    this.addUsername(base, base);
    const words = base.split(/[._\-\d]+/).filter((word) => word.length > 0);
    if (words.length < 2 || words.length > 4 || !words.some((word) => word.length > 1) || words.every((word) => commonWords.has(word))) return;
    const known: Known = { kind: 'person_name', value: undefined, canonical: undefined, capitalised: false };
    this.#addTurned(words, known);
    if (!isAscii(base) && unspaced.test(base)) this.#addUnspaced(words.join(''), words, known);
  }

  #add(phrase: string, first: string, count: number, known: Known): void {
    if (phrase.length < 3 || phrase.length > phraseUnitsMax || first.length > wordUnitsMax) return;
    const words = (this.#words ??= new Map());
    this.#filter ??= new Uint8Array(filterSize);
    let entry = words.get(first);
    if (!entry) words.set(first, (entry = { longest: count, known: undefined }));
    else if (entry.longest < count) entry.longest = count;
    // A form that stands for a certain name in any case outranks one that must be capitalised.
    if (count === 1) {
      if (!entry.known || (entry.known.capitalised && !known.capitalised)) entry.known = known;
    } else {
      this.#phrases ??= new Map();
      if (!this.#phrases.has(phrase)) this.#phrases.set(phrase, known);
    }
    // Both cases of a letter share a slot; what is beyond ASCII shares one for all.
    this.#filter[filterSlot(first.charCodeAt(0), first.length > 1 ? first.charCodeAt(1) : 0)] = 1;
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
    if (!filter) return;
    const length = text.length;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (!isWord(unit)) continue;
      let second = i + 1 < length ? text.charCodeAt(i + 1) : 0;
      if (second !== 0 && !isWord(second)) second = 0;
      const end = filter[filterSlot(unit, second)] === 0 ? -1 : this.#match(text, i, found);
      if (end > i) i = end - 1;
      else while (i + 1 < length && isWord(text.charCodeAt(i + 1))) i++;
    }
  }

  /** Looks for the longest phrase that begins at `start`; returns its end, or -1. */
  #match(text: string, start: number, found: Candidate[]): number {
    let end = wordEnd(text, start);
    let key = text.slice(start, end).toLowerCase();
    const entry = this.#words?.get(key);
    if (!entry) return -1;
    let best: Known | undefined;
    let bestEnd = -1;
    for (let count = 1; ; count++) {
      const known = count === 1 ? entry.known : this.#phrases?.get(key);
      if (known && (!known.capitalised || isCapitalised(text, start))) {
        best = known;
        bestEnd = end;
      }
      if (count >= entry.longest) break;
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

function candidate({ kind, value, canonical }: Known, start: number, end: number): Candidate {
  return value === undefined || canonical === undefined
    ? { kind, start, end, confidence: 0.8 }
    : { kind, start, end, confidence: 0.8, value, canonical };
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

/** Long and unusual enough to be looked for by itself. */
function isDistinct(word: string): boolean {
  return word.length >= 3 && !commonWords.has(word) && !systemAccounts.has(word) && !sharedMailboxes.has(word) && !/^\d+$/.test(word);
}
