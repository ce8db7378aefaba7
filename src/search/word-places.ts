/** Where the terms of words are. A word has one entry by its hash, and may lose it to another: it is blinded again then. */
import { ownedText } from './record-values.ts';

/** Up to here a slice is a copy; a longer one would keep in memory what it is a slice of. */
const sliceCopiedMax = 12;

export class WordPlaces {
  readonly #words: string[];
  readonly #places: Uint32Array;

  /** @param size entries: a power of two */
  constructor(size: number) {
    this.#words = Array.from<string>({ length: size }).fill('');
    this.#places = new Uint32Array(size);
  }

  /** The place of the word that is `text` from `start` up to, not including, `end`; below zero where it has no entry. */
  find(hash: number, text: string, start: number, end: number): number {
    const entry = hash & (this.#places.length - 1);
    const word = this.#words[entry] as string;
    if (word.length !== end - start) return -1;
    for (let i = 0; i < word.length; i++) if (word.charCodeAt(i) !== text.charCodeAt(start + i)) return -1;
    return this.#places[entry] as number;
  }

  note(hash: number, word: string, place: number): void {
    const entry = hash & (this.#places.length - 1);
    this.#words[entry] = word.length > sliceCopiedMax ? ownedText(word) : word;
    this.#places[entry] = place;
  }

  clear(): void {
    this.#words.fill('');
  }
}

/**
 * A hash of a word that other records are likely to have: a short one, one without a digit, a date, or a token, which stands for somebody.
 * That of any other word is below zero.
 */
export function hashOfCommonWord(text: string, start: number, end: number): number {
  const length = end - start;
  if (length > sliceCopiedMax && !(length === tokenLength && text.charCodeAt(start + 3) === underscore)) return -1;
  const mayHoldDigits = length <= shortMax || length === tokenLength || (length === dateLength && text.charCodeAt(start + 4) === minus);
  let hash = length;
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at);
    if (unit <= nine && unit >= zero && !mayHoldDigits) return -1;
    hash = Math.imul(hash, 31) + unit;
  }
  return (hash ^ (hash >>> 15)) & 0x7fff_ffff;
}

const shortMax = 4;
const tokenLength = 'tok_'.length + 27;
const dateLength = '2026-03-14'.length;
const underscore = 0x5f;
const minus = 0x2d;
const [zero, nine] = [0x30, 0x39];
