/** A query as a predicate on a record: what decides. The index only proposes. */
import { wholePointer } from '../log/record.ts';
import type { HiddenTest } from './hidden.ts';
import type { Query } from './query.ts';
import { eachValue } from './record-values.ts';
import { standsIn, wordsOf } from './words.ts';

/** Whether a query is true of a packed record. */
export type Predicate = (packed: Uint8Array) => boolean;

type Leaf = Extract<Query, { type: 'text' | 'value' }>;

/**
 * The predicate of a query. It throws `bad_record` for what is no record.
 * Its cost is linear in the record's size for each text and value of the query, which are few.
 * @param isHidden values that are as if they were not there; what a record says of the kinds of its values is not there either then
 */
export function createPredicate(query: Query, isHidden?: HiddenTest): Predicate {
  const leaves: Leaf[] = [];
  const judge = compile(query, leaves);
  if (leaves.length === 0) return () => judge([]);
  return (packed) => {
    const found: boolean[] = leaves.map(() => false);
    eachValue(packed, (path, text, hasWords) => {
      if (isHidden && (path.pointer === wholePointer || isHidden(path.dotted))) return;
      for (let i = 0; i < leaves.length; i++) found[i] ||= isTrueOf(leaves[i] as Leaf, path.dotted, text, hasWords);
    });
    return judge(found);
  };
}

/** Which of some queries are true of a packed record, in their order. */
export type Matcher = (packed: Uint8Array) => boolean[];

/**
 * Many queries at once: a record is read once, and a value is compared with those only that ask for a field of its name.
 * The function throws `bad_record` for what is no record.
 */
export function createMatcher(queries: readonly Query[]): Matcher {
  const leaves: Leaf[] = [];
  const judges = queries.map((query) => compile(query, leaves));
  const texts: number[] = [];
  const byName = new Map<string, number[]>();
  for (const [i, leaf] of leaves.entries()) {
    if (leaf.type === 'text') texts.push(i);
    else byName.set(leaf.name, [...(byName.get(leaf.name) ?? []), i]);
  }
  return (packed) => {
    const found: boolean[] = leaves.map(() => false);
    eachValue(packed, (path, text, hasWords) => {
      for (const i of byName.get(path.name) ?? []) found[i] ||= isTrueOf(leaves[i] as Leaf, path.dotted, text, hasWords);
      for (const i of texts) found[i] ||= isTrueOf(leaves[i] as Leaf, path.dotted, text, hasWords);
    });
    return judges.map((judge) => judge(found));
  };
}

/** The query over its leaves' outcomes; leaves are appended to `leaves` in the order of their positions. */
function compile(query: Query, leaves: Leaf[]): (found: readonly boolean[]) => boolean {
  switch (query.type) {
    case 'all': {
      const parts = query.of.map((part) => compile(part, leaves));
      return (found) => parts.every((part) => part(found));
    }
    case 'any': {
      const parts = query.of.map((part) => compile(part, leaves));
      return (found) => parts.some((part) => part(found));
    }
    case 'not': {
      const part = compile(query.of, leaves);
      return (found) => !part(found);
    }
    default: {
      const position = leaves.push(query) - 1;
      return (found) => found[position] as boolean;
    }
  }
}

function isTrueOf(leaf: Leaf, dotted: string, text: string, hasWords: boolean): boolean {
  if (leaf.type === 'value') return leaf.text === text && endsWithPath(dotted, leaf.path);
  if (!hasWords || !standsIn(text, leaf.text)) return false;
  const words = wordsOf(text);
  return leaf.words.every((word) => words.has(word));
}

function endsWithPath(dotted: string, path: string): boolean {
  return dotted.endsWith(path) && (dotted.length === path.length || dotted[dotted.length - path.length - 1] === '.');
}
