/**
 * The row of one leaf: the blinded terms of its fields, separated by spaces. Most fields have a value that came before, so what a field gave
 * is remembered, and so are short words. A term may stand in a row twice: FTS5 keeps it once.
 */
import type { Blinding } from './blind.ts';
import { eachValueOf, ownedText } from './record-values.ts';
import { type TermSink, termsOfValue } from './terms.ts';

/** Fields and words that are remembered, each: both are forgotten at once, and soon learnt again. */
const rememberedMax = 32_768;
/** Bits that tell which words came before: a power of two. */
const seenBits = 1 << 18;
const jsonLengthMax = 1_024;
/** Longer words are nearly always the only ones of their kind; and up to here a slice is a copy, which does not keep the record in memory. */
const wordLengthMax = 12;
/** A field whose values did not come again in so many trials is not remembered any more. */
const trials = 1_024;

interface RememberedField {
  readonly pointer: string;
  readonly rows: Map<string, string>;
  hits: number;
  misses: number;
  /** The field that came behind this one the last time. */
  next: RememberedField | undefined;
}

export class TermRow implements TermSink {
  readonly #blinding: Blinding;
  readonly #fields = new Map<string, RememberedField>();
  /** Stands before the first field of a row. */
  readonly #start = createField('');
  #previous = this.#start;
  #remembered = 0;
  readonly #words = new Map<string, string>();
  readonly #seen = new Uint8Array(seenBits / 8);
  #seenCount = 0;
  readonly #terms = new Set<string>();
  #rows: string[] = [];

  constructor(blinding: Blinding) {
    this.#blinding = blinding;
  }

  /** Begins another row. */
  begin(): void {
    this.#rows.length = 0;
    this.#previous = this.#start;
  }

  /** The terms since {@link TermRow.begin}; empty when there are none. */
  text(): string {
    // Joined: a string made by adding is a tree, which would be put together while it is being read.
    return this.#rows.join('');
  }

  /** Adds the terms of a field, given as `record-values.ts` reads it. */
  field(pointer: string, json: string): void {
    const field = this.#fieldOf(pointer);
    if (json.length > jsonLengthMax || field.misses > trials + 8 * field.hits) {
      this.#rows.push(this.#termsOf(pointer, json));
      return;
    }
    let row = field.rows.get(json);
    if (row !== undefined) field.hits++;
    else {
      field.misses++;
      row = this.#termsOf(pointer, json);
      field.rows.set(ownedText(json), row);
      this.#remembered++;
    }
    this.#rows.push(row);
  }

  word(word: string): void {
    if (word.length > wordLengthMax) {
      this.#terms.add(this.#blinding.word(word));
      return;
    }
    let blinded = this.#words.get(word);
    if (blinded === undefined) {
      blinded = this.#blinding.word(word);
      if (this.#cameBefore(word)) this.#words.set(word, blinded);
    }
    this.#terms.add(blinded);
  }

  value(name: string, text: string): void {
    this.#terms.add(this.#blinding.value(name, text));
  }

  /** Most distinct words come once: only one that comes again is worth a place. Words that share a bit are taken for each other, harmlessly. */
  #cameBefore(word: string): boolean {
    let bit = 0;
    for (let i = 0; i < word.length; i++) bit = (Math.imul(bit, 31) + word.charCodeAt(i)) & (seenBits - 1);
    const mask = 1 << (bit & 7);
    if (((this.#seen[bit >>> 3] as number) & mask) !== 0) return this.#words.size < rememberedMax;
    if (++this.#seenCount > seenBits / 4) {
      this.#seen.fill(0);
      this.#words.clear();
      this.#seenCount = 0;
    }
    this.#seen[bit >>> 3] = (this.#seen[bit >>> 3] as number) | mask;
    return false;
  }

  #termsOf(pointer: string, json: string): string {
    this.#terms.clear();
    eachValueOf(pointer, json, (path, text, hasWords) => termsOfValue(path.name, text, hasWords, this));
    return this.#terms.size === 0 ? '' : ` ${[...this.#terms].join(' ')}`;
  }

  /** Records come in few shapes: the field is nearly always the one that followed the same field the last time. */
  #fieldOf(pointer: string): RememberedField {
    const expected = this.#previous.next;
    if (expected?.pointer === pointer) return (this.#previous = expected);
    if (this.#remembered >= rememberedMax) this.#forget();
    let field = this.#fields.get(pointer);
    if (field === undefined) {
      field = createField(ownedText(pointer));
      this.#fields.set(field.pointer, field);
      this.#remembered++;
    }
    this.#previous.next = field;
    return (this.#previous = field);
  }

  #forget(): void {
    for (const field of this.#fields.values()) {
      field.rows.clear();
      field.next = undefined;
    }
    this.#fields.clear();
    this.#start.next = undefined;
    this.#previous = this.#start;
    this.#remembered = 0;
  }
}

function createField(pointer: string): RememberedField {
  return { pointer, rows: new Map(), hits: 0, misses: 0, next: undefined };
}
