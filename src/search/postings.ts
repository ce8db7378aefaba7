/**
 * Which leaves have which terms, gathered leaf by leaf for a run and given back term by term. Most of what a record has, others have too, so
 * a term is first known by a place of its own (see record-terms.ts): gathering needs no sorting, and what is sorted at the end are places.
 */
import type { RunWriter } from './run-format.ts';

/** Pairs there is room for at first; a single record may bring more. */
const roomMin = 1 << 19;
const radixBits = 11;
const radix = 1 << radixBits;
/** Lists up to this length are sorted here: a call costs more. */
const insertionMax = 32;

export class Postings {
  #places = new Uint32Array(roomMin);
  /** The leaf of each, counted from the run's first. */
  #leaves = new Uint32Array(roomMin);
  #sorted = new Uint32Array(roomMin);
  /** By place: how many pairs, then where they are. Zero between two calls. */
  #ends = new Uint32Array();
  count = 0;

  push(place: number, leaf: number): void {
    if (this.count === this.#places.length) this.#grow();
    this.#places[this.count] = place;
    this.#leaves[this.count++] = leaf;
  }

  /** The place that was pushed as number `i`. */
  place(i: number): number {
    return this.#places[i] as number;
  }

  clear(): void {
    this.count = 0;
    if (this.#places.length === roomMin) return;
    this.#places = new Uint32Array(roomMin);
    this.#leaves = new Uint32Array(roomMin);
    this.#sorted = new Uint32Array(roomMin);
  }

  /**
   * Gives every pair to a writer, in its order. Two places may have the same term.
   * @param terms by place
   */
  write(terms: Uint32Array, writer: RunWriter): void {
    if (this.#ends.length < terms.length) this.#ends = new Uint32Array(terms.length);
    const ends = this.#ends;
    const used = this.#count(ends);
    const order = sortByTerm(used, terms);
    let end = 0;
    for (let i = 0; i < order.length; i++) {
      const place = order[i] as number;
      const start = end;
      end += ends[place] as number;
      ends[place] = start;
    }
    this.#distribute(ends);
    const sorted = this.#sorted;
    for (let i = 0, start = 0; i < order.length;) {
      const place = order[i++] as number;
      const term = terms[place] as number;
      let listEnd = ends[place] as number;
      const before = listEnd;
      for (; i < order.length && terms[order[i] as number] === term; i++) listEnd = ends[order[i] as number] as number;
      if (listEnd > before) sortPart(sorted, start, listEnd);
      for (; start < listEnd; start++) writer.add(term, sorted[start] as number);
    }
    for (let i = 0; i < order.length; i++) ends[order[i] as number] = 0;
  }

  /** Counts the pairs of each place; returns the places that have any. */
  #count(counts: Uint32Array): Uint32Array {
    const places = this.#places;
    const used = this.#sorted;
    let usedCount = 0;
    for (let i = 0; i < this.count; i++) {
      const place = places[i] as number;
      const before = counts[place] as number;
      if (before === 0) used[usedCount++] = place;
      counts[place] = before + 1;
    }
    return used.slice(0, usedCount);
  }

  /** Puts the leaves of each place together, in their order. @param starts where those of a place begin; where they end, when it returns */
  #distribute(starts: Uint32Array): void {
    const places = this.#places;
    const leaves = this.#leaves;
    const sorted = this.#sorted;
    for (let i = 0; i < this.count; i++) {
      const place = places[i] as number;
      const to = starts[place] as number;
      sorted[to] = leaves[i] as number;
      starts[place] = to + 1;
    }
  }

  #grow(): void {
    const larger = (array: Uint32Array): Uint32Array<ArrayBuffer> => {
      const to = new Uint32Array(2 * array.length);
      to.set(array);
      return to;
    };
    this.#places = larger(this.#places);
    this.#leaves = larger(this.#leaves);
    this.#sorted = new Uint32Array(this.#places.length);
  }
}

/** The places in ascending order of their terms. A radix sort: its time is linear. */
function sortByTerm(places: Uint32Array, terms: Uint32Array): Uint32Array {
  let from = places;
  let to: Uint32Array = new Uint32Array(places.length);
  for (let shift = 0; shift < 32; shift += radixBits) {
    const starts = new Uint32Array(radix + 1);
    const digitOf = (place: number): number => ((terms[place] as number) >>> shift) & (radix - 1);
    for (let i = 0; i < from.length; i++) {
      const next = digitOf(from[i] as number) + 1;
      starts[next] = (starts[next] as number) + 1;
    }
    for (let digit = 0; digit < radix; digit++) starts[digit + 1] = (starts[digit] as number) + (starts[digit + 1] as number);
    for (let i = 0; i < from.length; i++) {
      const place = from[i] as number;
      const digit = digitOf(place);
      const at = starts[digit] as number;
      to[at] = place;
      starts[digit] = at + 1;
    }
    [from, to] = [to, from];
  }
  return from;
}

function sortPart(array: Uint32Array, start: number, end: number): void {
  if (end - start > insertionMax) {
    array.subarray(start, end).sort();
    return;
  }
  for (let i = start + 1; i < end; i++) {
    const value = array[i] as number;
    let at = i;
    for (; at > start && (array[at - 1] as number) > value; at--) array[at] = array[at - 1] as number;
    array[at] = value;
  }
}
