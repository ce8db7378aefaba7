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

const wordsMax = 5;
const wordUnitsMax = 64;
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

const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

export class NameIndex {
  readonly #phrases = new Map<string, Known>();
  /** First word → words of the longest phrase that begins with it. */
  readonly #firsts = new Map<string, number>();
  readonly #filter = new Uint8Array(filterSize);
  /** Names in scripts without spaces: looked for as they are. */
  readonly #unspaced = new Map<string, Known>();

  get isEmpty(): boolean {
    return this.#phrases.size === 0 && this.#unspaced.size === 0;
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
    const words = wordsOf(value.toLowerCase()).slice(0, wordsMax);
    const known: Known = { kind: 'person_name', value, canonical, capitalised: false };
    if (unspaced.test(value)) this.#addUnspaced(value, words, known);
    const [first = '', ...rest] = words;
    const last = rest.at(-1);
    if (last === undefined) {
      if (isDistinct(first)) this.#add([first], known);
      return;
    }
    this.#add(words, known);
    this.#add([last, ...words.slice(0, -1)], known);
    if (rest.length > 1) {
      this.#add([first, last], known);
      this.#add([last, first], known);
    }
    if (!/^[\p{L}\p{M}]+$/u.test(first + last)) return;
    for (const joint of [first + last, first.slice(0, 1) + last, last + first]) if (isDistinct(joint)) this.#add([joint], known);
    for (const part of words) if (isDistinct(part)) this.#add([part], { ...known, capitalised: true });
  }

  /** Adds the name of an account. */
  addUsername(value: string, canonical: string): void {
    const words = wordsOf(value.toLowerCase());
    if (words.length > wordsMax || (words.length === 1 && !isDistinct(words[0] as string)) || words.every((word) => word.length < 2)) return;
    if (words.every((word) => commonWords.has(word) || systemAccounts.has(word) || isDigit(word.charCodeAt(0)))) return;
    this.#add(words, { kind: 'username', value, canonical, capitalised: false });
  }

  /** Adds what an address tells of its owner: the local part as a user name, its words as a name. */
  addEmail(value: string): void {
    const local = value.slice(0, value.lastIndexOf('@')).toLowerCase();
    const base = local.split('+')[0] as string;
    if (sharedMailboxes.has(base) || systemAccounts.has(base)) return;
    this.addUsername(base, base);
    const words = base.split(/[._\-\d]+/).filter((word) => word.length > 0);
    if (words.length < 2 || words.length > 4 || words.every((word) => commonWords.has(word)) || !words.some((word) => word.length > 1)) return;
    const known: Known = { kind: 'person_name', value: undefined, canonical: undefined, capitalised: false };
    this.#add(words, known);
    this.#add([words.at(-1) as string, ...words.slice(0, -1)], known);
    if (unspaced.test(base)) this.#addUnspaced(words.join(''), words, known);
  }

  #add(words: readonly string[], known: Known): void {
    const first = words[0];
    if (first === undefined || words.some((word) => word.length > wordUnitsMax) || words.join('').length < 3) return;
    const key = words.join(' ');
    const present = this.#phrases.get(key);
    // A form that stands for itself or for a certain name, in any case, outranks one that must be capitalised.
    if (present && (!present.capitalised || known.capitalised)) return;
    this.#phrases.set(key, known);
    this.#firsts.set(first, Math.max(words.length, this.#firsts.get(first) ?? 0));
    // Both cases of a letter share a slot; what is beyond ASCII shares one for all.
    this.#filter[filterSlot(first.charCodeAt(0), first.length > 1 ? first.charCodeAt(1) : 0)] = 1;
  }

  #addUnspaced(value: string, words: readonly string[], known: Known): void {
    for (const form of [value, words.join(''), [...words].reverse().join('')]) {
      if ([...form].length >= 2 && this.#unspaced.size < 64) this.#unspaced.set(form.toLowerCase(), known);
    }
  }

  /** Adds what is known in `text` to `found`. */
  find(text: string, found: Candidate[]): void {
    const filter = this.#filter;
    let inside = false;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (!isWord(unit)) {
        inside = false;
        continue;
      }
      if (inside) continue;
      inside = true;
      let second = i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
      if (second !== 0 && !isWord(second)) second = 0;
      if (filter[filterSlot(unit, second)] === 0) continue;
      const end = this.#match(text, i, found);
      if (end > i) {
        i = end - 1;
        inside = true;
      }
    }
    if (this.#unspaced.size > 0) this.#findUnspaced(text, found);
  }

  /** Looks for the longest phrase that begins at `start`; returns its end, or -1. */
  #match(text: string, start: number, found: Candidate[]): number {
    let end = wordEnd(text, start);
    let key = text.slice(start, end).toLowerCase();
    const longest = this.#firsts.get(key);
    if (longest === undefined) return -1;
    let best: Known | undefined;
    let bestEnd = -1;
    for (let count = 1; ; count++) {
      const known = this.#phrases.get(key);
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

  #findUnspaced(text: string, found: Candidate[]): void {
    const lower = text.toLowerCase();
    if (lower.length !== text.length) return;
    for (const [form, known] of this.#unspaced) {
      for (let at = lower.indexOf(form); at >= 0; at = lower.indexOf(form, at + form.length)) found.push(candidate(known, at, at + form.length));
    }
  }
}

function candidate({ kind, value, canonical }: Known, start: number, end: number): Candidate {
  return value === undefined || canonical === undefined ? { kind, start, end, confidence: 0.8 } : { kind, start, end, confidence: 0.8, value, canonical };
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
