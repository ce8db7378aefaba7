/**
 * The row of one leaf: the blinded terms of its fields, separated by spaces. Most fields have a value that came before, so what a field gave
 * is remembered, and so are short words. A term may stand in a row twice: FTS5 keeps it once.
 */
import type { Blinding } from './blind.ts';
import { eachValueOf, ownedText } from './record-values.ts';
import { type TermSink, termsOfValue } from './terms.ts';

/** Fields and values that are remembered: all are forgotten at once, and soon learnt again. */
const rememberedMax = 32_768;
/** Places for remembered words: a power of two. */
const wordPlaces = 1 << 15;
const jsonLengthMax = 1_024;
/** Longer words are nearly always the only ones of their kind; and up to here a slice is a copy, which does not keep the record in memory. */
const wordLengthMax = 12;
/** A field whose values did not come again in so many trials is not remembered any more. */
const trials = 1_024;

/** As the pipeline writes times; longer than a value term may be, so that they have words and no value term. */
const canonicalTime = /^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"$/;

interface RememberedRow {
  readonly json: string;
  readonly row: string;
}

const noRow: RememberedRow = { json: '', row: '' };

interface RememberedField {
  readonly pointer: string;
  readonly rows: Map<string, RememberedRow>;
  hits: number;
  misses: number;
  /** The one found last: looked at before anything is looked up. */
  last: RememberedRow;
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
  /** By a hash of the word: the word that was there last, and its blinded form. A few words lose their places to others, and are blinded again. */
  readonly #words = Array.from<string>({ length: wordPlaces }).fill('');
  readonly #blindedWords = Array.from<string>({ length: wordPlaces }).fill('');
  /** What the row is made of: terms, and several terms in one. */
  readonly #parts: string[] = [];

  constructor(blinding: Blinding) {
    this.#blinding = blinding;
  }

  /** Begins another row. */
  begin(): void {
    this.#parts.length = 0;
    this.#previous = this.#start;
  }

  /** The terms since {@link TermRow.begin}; empty when there are none. */
  text(): string {
    // Joined: a string made by adding is a tree, which would be put together while it is being read.
    return this.#parts.join(' ');
  }

  /** Adds the terms of a field, given as `record-values.ts` reads it. */
  field(pointer: string, json: string): void {
    const field = this.#fieldOf(pointer);
    // Of a time only the date is a word, so all times of a day give the same.
    const known = canonicalTime.test(json) ? json.slice(0, 11) : json;
    if (known === field.last.json) this.#put(field.last.row);
    else if (json.length > jsonLengthMax || field.misses > trials + 8 * field.hits) this.#gather(pointer, json);
    else this.#put(this.#rowOf(field, json, known));
  }

  #put(row: string): void {
    if (row !== '') this.#parts.push(row);
  }

  #rowOf(field: RememberedField, json: string, known: string): string {
    let found = field.rows.get(known);
    if (found !== undefined) field.hits++;
    else {
      field.misses++;
      const before = this.#parts.length;
      this.#gather(field.pointer, json);
      found = { json: ownedText(known), row: [...new Set(this.#parts.splice(before))].join(' ') };
      field.rows.set(found.json, found);
      this.#remembered++;
    }
    field.last = found;
    return found.row;
  }

  #gather(pointer: string, json: string): void {
    eachValueOf(pointer, json, (path, text, hasWords) => termsOfValue(path.name, text, hasWords, this));
  }

  word(text: string, start: number, end: number): void {
    if (end - start > wordLengthMax) {
      this.#parts.push(this.#blinding.word(text.slice(start, end)));
      return;
    }
    let place = end - start;
    for (let at = start; at < end; at++) place = (Math.imul(place, 31) + text.charCodeAt(at)) & (wordPlaces - 1);
    if (!isPart(text, start, end, this.#words[place] as string)) {
      const word = text.slice(start, end);
      this.#words[place] = word;
      this.#blindedWords[place] = this.#blinding.word(word);
    }
    this.#parts.push(this.#blindedWords[place] as string);
  }

  value(name: string, text: string): void {
    this.#parts.push(this.#blinding.value(name, text));
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
      field.last = noRow;
      field.next = undefined;
    }
    this.#fields.clear();
    this.#start.next = undefined;
    this.#previous = this.#start;
    this.#remembered = 0;
  }
}

function createField(pointer: string): RememberedField {
  return { pointer, rows: new Map(), hits: 0, misses: 0, last: noRow, next: undefined };
}

function isPart(text: string, start: number, end: number, word: string): boolean {
  if (word.length !== end - start) return false;
  for (let i = 0; i < word.length; i++) if (word.charCodeAt(i) !== text.charCodeAt(start + i)) return false;
  return true;
}
