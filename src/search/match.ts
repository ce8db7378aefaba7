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
