/**
 * The row of one leaf: its distinct terms, blinded. Most terms come again and again, so what was blinded is remembered for a while; the
 * memory also tells which terms a row has already.
 */
import type { Blinding } from './blind.ts';
import type { TermSink } from './terms.ts';

interface Remembered {
  readonly blinded: string;
  /** The last row it was put in. */
  row: number;
}

/** Terms of a generation; up to two generations are remembered. */
const generationMax = 32_768;

export class TermRow implements TermSink {
  readonly #blinding: Blinding;
  #words = new Map<string, Remembered>();
  #olderWords = new Map<string, Remembered>();
  #values = new Map<string, Map<string, Remembered>>();
  #count = 0;
  #row = 0;
  #text = '';

  constructor(blinding: Blinding) {
    this.#blinding = blinding;
  }

  /** Begins another row. */
  begin(): void {
    this.#row++;
    this.#text = '';
  }

  /** The terms since {@link TermRow.begin}, separated by spaces. */
  text(): string {
    return this.#text;
  }

  word(word: string): void {
    let known = this.#words.get(word);
    if (known === undefined) {
      known = this.#olderWords.get(word) ?? { blinded: this.#blinding.word(word), row: 0 };
      if (this.#words.size >= generationMax) {
        this.#olderWords = this.#words;
        this.#words = new Map();
      }
      this.#words.set(word, known);
    }
    this.#put(known);
  }

  value(name: string, text: string): void {
    let ofName = this.#values.get(name);
    if (ofName === undefined) this.#values.set(name, (ofName = new Map()));
    let known = ofName.get(text);
    if (known === undefined) {
      known = { blinded: this.#blinding.value(name, text), row: 0 };
      ofName.set(text, known);
      if (++this.#count >= generationMax) {
        this.#values = new Map();
        this.#count = 0;
      }
    }
    this.#put(known);
  }

  #put(known: Remembered): void {
    if (known.row === this.#row) return;
    known.row = this.#row;
    this.#text += this.#text === '' ? known.blinded : ` ${known.blinded}`;
  }
}
