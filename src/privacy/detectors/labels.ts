/**
 * Labels: the words that announce a value, in several languages. One matcher for all of them, which reads backwards from the place where
 * a label must end: `Date of birth: `, `"driversLicense": "`, `<ssn>`. Case, accents, and what divides words do not matter.
 */
import { isCapital, isDigit, isLetter, isSmall } from '../survey.ts';

/** What a phrase says about the value behind it. */
export interface Label<T> {
  /** Lower case letters only. */
  readonly phrase: string;
  /** Counts only in capitals or before a mark: the phrase is a word of its own in some language (`SIN`, `PAN`, `EIN`). */
  capitals: boolean;
  /** Counts only before a mark: `account: 4711`, not `account 4711`. */
  marked: boolean;
  readonly values: T[];
}

/** By unit up to Latin Extended-A: the plain letter 0 … 25, or -1. */
const plainLetters = new Int8Array(0x180).fill(-1);
for (let unit = 0; unit < 0x180; unit++) {
  const plain = String.fromCharCode(unit).normalize('NFD').charCodeAt(0) | 32;
  if (plain >= 97 && plain <= 122 && (unit >= 0xc0 || isLetter(unit))) plainLetters[unit] = plain - 97;
}
for (const pair of ['ßs', 'łl', 'Łl', 'øo', 'Øo', 'đd', 'Đd', 'ıi']) plainLetters[pair.charCodeAt(0)] = pair.charCodeAt(1) - 97;

/** The plain letter 0 … 25 of a unit, or -1. */
function plainLetter(unit: number): number {
  return unit < 0x180 ? (plainLetters[unit] as number) : -1;
}

/** May stand between the words of one label. */
export function isJoint(unit: number): boolean {
  return unit === 32 || unit === 95 || unit === 45 || unit === 39 || unit === 46 || unit === 47 || unit === 0x2019 || unit === 0xa0;
}

/** How many may stand beside each other. */
export const jointsMax = 2;

/** A set of labels. Add all, then look up; looking up costs at most the length of the longest label. */
export class LabelSet<T> {
  readonly #labels: Label<T>[] = [];
  readonly #byPhrase = new Map<string, Label<T>>();
  /** Node × letter → node; node 0 is the root, and no child. */
  #next = new Uint16Array(26 * 512);
  /** Node → label + 1. */
  #ends = new Uint16Array(512);
  #nodes = 1;
  /** By the last two letters of a label, five bits each. */
  readonly #lastTwo = new Uint8Array(1024);
  /** Where the label begins that {@link endingAt} found last. */
  start = 0;

  /** @param phrases divided by commas; `!` before one: in capitals or marked; `:` behind one: marked */
  add(phrases: string, value: T): void {
    for (const written of phrases.split(',')) {
      const capitals = written.includes('!');
      const marked = written.includes(':');
      const phrase = Array.from(written, (letter) => plainLetter(letter.charCodeAt(0)))
        .filter((letter) => letter >= 0)
        .map((letter) => String.fromCharCode(97 + letter))
        .join('');
      let label = this.#byPhrase.get(phrase);
      if (!label) {
        label = { phrase, capitals, marked, values: [] };
        this.#byPhrase.set(phrase, label);
        this.#labels.push(label);
        this.#insert(phrase, this.#labels.length);
      }
      // What one kind asks for, the others do not: the least demanding wins.
      label.capitals &&= capitals;
      label.marked &&= marked;
      if (!label.values.includes(value)) label.values.push(value);
    }
  }

  #insert(phrase: string, end: number): void {
    this.#lastTwo[((phrase.charCodeAt(phrase.length - 2) & 31) << 5) | (phrase.charCodeAt(phrase.length - 1) & 31)] = 1;
    let node = 0;
    for (let i = phrase.length - 1; i >= 0; i--) {
      const slot = node * 26 + phrase.charCodeAt(i) - 97;
      let next = this.#next[slot] as number;
      if (next === 0) {
        next = this.#nodes++;
        if (next === this.#ends.length) this.#grow();
        this.#next[slot] = next;
      }
      node = next;
    }
    this.#ends[node] = end;
  }

  #grow(): void {
    const next = new Uint16Array(this.#next.length * 2);
    next.set(this.#next);
    this.#next = next;
    const ends = new Uint16Array(this.#ends.length * 2);
    ends.set(this.#ends);
    this.#ends = ends;
  }

  /** A first look: does any label end with these two ASCII letters? True for what is no letter before the last one. */
  mayEndWith(last: number, least: number): boolean {
    return !isLetter(last) || this.#lastTwo[((last & 31) << 5) | (least & 31)] === 1;
  }

  /** All labels, in lower case letters only. */
  get phrases(): string[] {
    return this.#labels.map(({ phrase }) => phrase);
  }

  /** The label that is all of a normalised field name, or its end if it is long enough not to be there by chance. */
  ofField(field: string): Label<T> | undefined {
    const whole = this.#byPhrase.get(field);
    if (whole) return whole;
    let node = 0;
    let found = 0;
    for (let i = field.length - 1; i >= 0; i--) {
      const letter = plainLetter(field.charCodeAt(i));
      if (letter < 0) break;
      node = this.#next[node * 26 + letter] as number;
      if (node === 0) break;
      if (field.length - i >= 6 && (this.#ends[node] as number) > 0) found = this.#ends[node] as number;
    }
    return found > 0 ? this.#labels[found - 1] : undefined;
  }

  /** The longest label whose last letter is before `end`, beginning where a word does; sets {@link start}. */
  endingAt(text: string, end: number): Label<T> | undefined {
    let node = 0;
    let found = 0;
    let joints = 0;
    for (let at = end - 1; at >= 0; at--) {
      const unit = text.charCodeAt(at);
      const letter = plainLetter(unit);
      if (letter < 0) {
        if (at === end - 1 || !isJoint(unit) || ++joints > jointsMax) break;
        continue;
      }
      joints = 0;
      node = this.#next[node * 26 + letter] as number;
      if (node === 0) break;
      const label = this.#ends[node] as number;
      if (label > 0 && beginsWord(text, at)) {
        found = label;
        this.start = at;
      }
    }
    return found > 0 ? this.#labels[found - 1] : undefined;
  }
}

/** Does a word begin at `at`: behind something that is no letter, or with a capital behind a small letter (`patientMrn`)? */
function beginsWord(text: string, at: number): boolean {
  if (at === 0) return true;
  const previous = text.charCodeAt(at - 1);
  if (isDigit(previous)) return false;
  if (plainLetter(previous) < 0) return true;
  return isCapital(text.charCodeAt(at)) && isSmall(previous);
}
