/** A query as the index can answer it: an expression over blinded terms that is true wherever the query is, and often elsewhere. */
import type { Blinding } from './blind.ts';
import type { Query } from './query.ts';
import { findList, type List, type ReadBlock, readList, type Run } from './run-format.ts';
import { termsOfValue, wordTermMax } from './terms.ts';

export type IndexQuery =
  | { readonly type: 'all'; readonly of: readonly IndexQuery[] }
  | { readonly type: 'any'; readonly of: readonly IndexQuery[] }
  | { readonly type: 'term'; readonly term: number };

/** The expression, or `undefined` where the index cannot narrow the query down: what a record has not, its terms do not say. */
export function indexQuery(query: Query, blinding: Blinding): IndexQuery | undefined {
  switch (query.type) {
    case 'all': {
      const of = query.of.map((part) => indexQuery(part, blinding)).filter((part) => part !== undefined);
      return of.length === 0 ? undefined : { type: 'all', of };
    }
    case 'any': {
      const of = query.of.map((part) => indexQuery(part, blinding));
      return of.every((part) => part !== undefined) ? { type: 'any', of } : undefined;
    }
    case 'not':
      return undefined;
    case 'text':
      return allOf(new Set(query.words.map((word) => blinding.word(word.slice(0, wordTermMax)))));
    default: {
      const words = new Set<number>();
      let value: number | undefined;
      termsOfValue(query.name, query.text, true, {
        word: (text, start, end) => words.add(blinding.word(text.slice(start, end))),
        value: (name, text) => (value = blinding.value(name, text)),
      });
      if (value !== undefined) return { type: 'term', term: value };
      // A long value is found by its words, or by itself where it stands in a field that has none.
      return { type: 'any', of: [allOf(words), { type: 'term', term: blinding.value(query.name, query.text.slice(0, wordTermMax)) }] };
    }
  }
}

function allOf(terms: ReadonlySet<number>): IndexQuery {
  return { type: 'all', of: [...terms].map((term) => ({ type: 'term', term })) };
}

/**
 * The leaves of a run for which an expression is true, counted from the run's first, in ascending order.
 * @throws VeiltrailError `storage_damaged`
 */
export function leavesOf(query: IndexQuery, run: Run, readBlock: ReadBlock): Uint32Array {
  switch (query.type) {
    case 'term': {
      const list = findList(run, query.term, readBlock);
      return list ? leavesOfList(list, run) : nowhere;
    }
    case 'any':
      return query.of.map((part) => leavesOf(part, run, readBlock)).reduce(unite, nowhere);
    default:
      return leavesOfAll(query.of, run, readBlock);
  }
}

const nowhere = new Uint32Array();

function leavesOfAll(of: readonly IndexQuery[], run: Run, readBlock: ReadBlock): Uint32Array {
  const lists: List[] = [];
  const others: IndexQuery[] = [];
  for (const part of of) {
    if (part.type !== 'term') {
      others.push(part);
      continue;
    }
    const list = findList(run, part.term, readBlock);
    if (!list) return nowhere;
    lists.push(list);
  }
  // A rare term first: where it is nowhere, nothing else is read.
  lists.sort((a, b) => a.end - a.at - (b.end - b.at));
  let found: Uint32Array | undefined;
  const narrow = (leaves: Uint32Array): void => void (found = found ? intersect(found, leaves) : leaves);
  for (const list of lists) if (found?.length !== 0) narrow(leavesOfList(list, run));
  for (const other of others) if (found?.length !== 0) narrow(leavesOf(other, run, readBlock));
  return found ?? nowhere;
}

function leavesOfList(list: List, { firstLeaf, endLeaf }: Run): Uint32Array {
  const room = new Uint32Array(endLeaf - firstLeaf);
  return room.subarray(0, readList(list, room));
}

function intersect(a: Uint32Array, b: Uint32Array): Uint32Array {
  const both = new Uint32Array(Math.min(a.length, b.length));
  let count = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [x, y] = [a[i] as number, b[j] as number];
    if (x === y) both[count++] = x;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return both.subarray(0, count);
}

function unite(a: Uint32Array, b: Uint32Array): Uint32Array {
  if (a.length === 0) return b;
  const either = new Uint32Array(a.length + b.length);
  let count = 0;
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const [x, y] = [a[i] ?? Infinity, b[j] ?? Infinity];
    either[count++] = Math.min(x, y);
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return either.subarray(0, count);
}
