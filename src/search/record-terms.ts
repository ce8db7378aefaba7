/**
 * The blinded terms of records, gathered for a run. Most fields have a value that came before, so what a value gave is remembered under its
 * bytes, and so are words: of most fields no text is made. A term may be gathered twice for a leaf: a run keeps it once.
 *
 * A term has a place; terms are blinded many at a time, and are there when the run is written.
 */
import { BlindingQueue } from './blind.ts';
import { copyBytes, hashBytes, holdsBytes } from './byte-words.ts';
import { EventTime, isCanonicalTime } from './event-time.ts';
import { Postings } from './postings.ts';
import { eachFieldAt, eachValueAt, latin1Of, textOf, type ValuePath } from './record-values.ts';
import type { RunWriter } from './run-format.ts';
import { type TermSink, termsOfValue } from './terms.ts';
import { hashOfCommonWord, WordPlaces } from './word-places.ts';

/** Places of terms that are remembered, and of those of this run only: of these a single record may bring more. */
const rememberedMax = 1 << 17;
const passingMax = 1 << 17;
/** A run ends behind the record that brings it here: some ten thousand records. */
const postingsMax = 1 << 19;
/** Where values are remembered, a power of two, and room for their bytes. When there is no room left all are forgotten, and soon learnt again. */
const valuePlaces = 1 << 16;
/** Of a value: the number of its field (0: there is none), its length, where its bytes are, where the places of its terms are, and how many. */
const valueFacts = 8;
const bytesMax = 1 << 21;
const rowsMax = 1 << 18;
const valueLengthMax = 1_024;
/** A value that is remembered has fewer terms than this: two for every four bytes at the most. */
const valueTermsMax = 1_024;
const fieldsMax = 4_096;
/** Entries for remembered words. */
const rememberedWords = 1 << 14;
/** A field whose values did not come again in so many trials is not remembered any more. */
const trials = 1_024;
/** Of a time only the date is a word, so all times of a day give the same. */
const dateLength = '"2026-03-14'.length;

interface KnownField {
  readonly pointer: string;
  /** Its bytes, four in a number. */
  readonly bytes: Int32Array;
  readonly length: number;
  /** Its own for ever, from 1 on. */
  readonly number: number;
  hits: number;
  misses: number;
  /** Where the value found last is remembered: looked at before anything is looked up. */
  last: number;
  /** The field that came behind this one the last time. */
  next: KnownField | undefined;
}

export class RecordTerms implements TermSink {
  readonly #postings = new Postings();
  readonly #queue: BlindingQueue;
  /** By place. */
  #terms = new Uint32Array(rememberedMax + passingMax);
  #remembered = 0;
  #passing = rememberedMax;

  readonly #fields = new Map<string, KnownField>();
  #fieldCount = 0;
  /** Stands before the first field of a record. */
  readonly #start: KnownField = createField('', new Int32Array(), 0, 0);
  /** Remembered values by place, {@link valueFacts} numbers each. */
  readonly #values = new Uint32Array(valuePlaces * valueFacts);
  /** Their bytes, four in a number. */
  readonly #bytes = new Int32Array(bytesMax / 4);
  #bytesUsed = 0;
  readonly #rows = new Uint32Array(rowsMax);
  #rowsUsed = 0;
  readonly #words = new WordPlaces(rememberedWords);

  // The record that is read.
  readonly #time = new EventTime();
  #leaf = 0;
  /** All of the memory that it lies in. */
  #record: DataView = new DataView(new ArrayBuffer(0));
  /** The value that is read will be remembered. */
  #learning = false;

  constructor(indexKey: Uint8Array, salt: Uint8Array) {
    this.#queue = new BlindingQueue(indexKey, salt, this.#terms);
  }

  /** Begins another run: forgets what was gathered and not written. */
  begin(): void {
    this.#queue.flush();
    this.#postings.clear();
    this.#passing = rememberedMax;
    if (!this.#mayLearn(valueLengthMax)) this.#forget();
  }

  /** The run is to be written before another record is added. */
  get isFull(): boolean {
    return this.#postings.count >= postingsMax || this.#passing >= rememberedMax + passingMax || !this.#mayLearn(valueLengthMax);
  }

  /** Writes what was gathered. */
  write(to: RunWriter): void {
    this.#queue.flush();
    this.#postings.write(this.#terms, to);
  }

  /**
   * Gathers the terms of a record; what is no record has none.
   * @returns when its event happened, in milliseconds
   */
  add(packed: Uint8Array, leaf: number, receivedAtMs: number): number {
    const { count } = this.#postings;
    this.#leaf = leaf;
    if (this.#record.buffer !== packed.buffer) this.#record = new DataView(packed.buffer);
    this.#time.begin(receivedAtMs);
    let previous = this.#start;
    try {
      eachFieldAt(packed, (pointerAt, pointerEnd, jsonAt, end) => {
        this.#time.take(packed, pointerAt, pointerEnd, jsonAt, end);
        previous = this.#fieldBehind(previous, packed, pointerAt, pointerEnd);
        this.#addField(previous, packed, jsonAt, end);
      });
    } catch {
      this.#postings.count = count;
    }
    return this.#time.ms;
  }

  #addField(field: KnownField, packed: Uint8Array, jsonAt: number, end: number): void {
    const length = isCanonicalTime(packed, jsonAt, end) ? dateLength : end - jsonAt;
    if (this.#isValue(field.last, field, packed, jsonAt, length)) return this.#put(field.last);
    if (length > valueLengthMax || !this.#mayLearn(length) || field.misses > trials + 8 * field.hits) return this.#gather(field, packed, jsonAt, end);
    const place = hashBytes(field.number, this.#record, packed.byteOffset + jsonAt, length) & (valuePlaces - 1);
    if (this.#isValue(place, field, packed, jsonAt, length)) {
      field.hits++;
      field.last = place;
      this.#put(place);
    } else {
      field.misses++;
      this.#learn(field, place, packed, jsonAt, length, end);
    }
  }

  #isValue(place: number, { number }: KnownField, packed: Uint8Array, at: number, length: number): boolean {
    const values = this.#values;
    const value = place * valueFacts;
    if (values[value] !== number || values[value + 1] !== length) return false;
    return holdsBytes(this.#bytes, values[value + 2] as number, this.#record, packed.byteOffset + at, length);
  }

  #put(place: number): void {
    const postings = this.#postings;
    const rows = this.#rows;
    const leaf = this.#leaf;
    const from = this.#values[place * valueFacts + 3] as number;
    const to = from + (this.#values[place * valueFacts + 4] as number);
    for (let i = from; i < to; i++) postings.push(rows[i] as number, leaf);
  }

  /** Gathers the terms of a value and remembers them, in place of what was there. */
  #learn(field: KnownField, place: number, packed: Uint8Array, at: number, length: number, end: number): void {
    const postings = this.#postings;
    const from = postings.count;
    this.#learning = true;
    try {
      this.#gather(field, packed, at, end);
    } finally {
      this.#learning = false;
    }
    this.#values.set([field.number, length, this.#bytesUsed, this.#rowsUsed, postings.count - from], place * valueFacts);
    this.#bytesUsed = copyBytes(this.#bytes, this.#bytesUsed, this.#record, packed.byteOffset + at, length);
    for (let i = from; i < postings.count; i++) this.#rows[this.#rowsUsed++] = postings.place(i);
    field.last = place;
  }

  #mayLearn(length: number): boolean {
    return (
      this.#remembered + valueTermsMax <= rememberedMax &&
      this.#rowsUsed + valueTermsMax <= rowsMax &&
      4 * (this.#bytesUsed + 1) + length <= bytesMax &&
      this.#fields.size <= fieldsMax
    );
  }

  #gather(field: KnownField, packed: Uint8Array, jsonAt: number, end: number): void {
    eachValueAt(field.pointer, packed, jsonAt, end, this.#takeValue);
  }

  readonly #takeValue = (path: ValuePath, text: string, hasWords: boolean): void => termsOfValue(path.name, text, hasWords, this);

  word(text: string, start: number, end: number): void {
    const hash = hashOfCommonWord(text, start, end);
    let place = hash < 0 ? -1 : this.#words.find(hash, text, start, end);
    if (place < 0) {
      place = this.#newPlace(hash >= 0);
      this.#queue.word(text, start, end, place);
      if (hash >= 0 && place < rememberedMax) this.#words.note(hash, text.slice(start, end), place);
    }
    this.#postings.push(place, this.#leaf);
  }

  value(name: string, text: string): void {
    const target = this.#newPlace(false);
    this.#queue.value(name, text, target);
    this.#postings.push(target, this.#leaf);
  }

  /** A place for a term. */
  #newPlace(keep: boolean): number {
    // While a value is learnt there is room: see `#mayLearn`.
    if ((keep || this.#learning) && this.#remembered < rememberedMax) return this.#remembered++;
    if (this.#passing === this.#terms.length) this.#grow();
    return this.#passing++;
  }

  /** Records come in few shapes: the field is nearly always the one that followed the same field the last time. */
  #fieldBehind(previous: KnownField, packed: Uint8Array, at: number, end: number): KnownField {
    const expected = previous.next;
    const length = end - at;
    if (expected?.length === length && holdsBytes(expected.bytes, 0, this.#record, packed.byteOffset + at, length)) return expected;
    const name = latin1Of(packed, at, end);
    let field = this.#fields.get(name);
    if (field === undefined) {
      const bytes = new Int32Array(Math.ceil(length / 4));
      copyBytes(bytes, 0, this.#record, packed.byteOffset + at, length);
      field = createField(textOf(packed, at, end), bytes, length, ++this.#fieldCount);
      this.#fields.set(name, field);
    }
    previous.next = field;
    return field;
  }

  #grow(): void {
    const terms = new Uint32Array(2 * this.#terms.length);
    terms.set(this.#terms);
    this.#terms = terms;
    this.#queue.terms = terms;
  }

  #forget(): void {
    this.#remembered = 0;
    this.#bytesUsed = 0;
    this.#rowsUsed = 0;
    this.#values.fill(0);
    this.#words.clear();
    for (const field of this.#fields.values()) {
      field.hits = 0;
      field.misses = 0;
      field.next = undefined;
    }
    this.#start.next = undefined;
    this.#fields.clear();
  }
}

function createField(pointer: string, bytes: Int32Array, length: number, number: number): KnownField {
  return { pointer, bytes, length, number, hits: 0, misses: 0, last: 0, next: undefined };
}
