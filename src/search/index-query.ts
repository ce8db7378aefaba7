/** A query as the index can answer it: an FTS5 expression over blinded terms that is true wherever the query is, and often elsewhere. */
import type { Blinding } from './blind.ts';
import type { Query } from './query.ts';
import { termsOfValue, wordTermMax } from './terms.ts';

/**
 * The expression, or `undefined` where the index cannot narrow the query down: what a record has not, its terms do not say.
 * Quoted, so that no term is taken for an operator.
 */
export function indexQuery(query: Query, blinding: Blinding): string | undefined {
  switch (query.type) {
    case 'all': {
      const parts = query.of.map((part) => indexQuery(part, blinding)).filter((part) => part !== undefined);
      return parts.length === 0 ? undefined : `(${parts.join(' AND ')})`;
    }
    case 'any': {
      const parts = query.of.map((part) => indexQuery(part, blinding));
      return parts.includes(undefined) ? undefined : `(${parts.join(' OR ')})`;
    }
    case 'not':
      return undefined;
    case 'text':
      return allOf(new Set(query.words.map((word) => blinding.word(word.slice(0, wordTermMax)))));
    default: {
      const words = new Set<string>();
      let value: string | undefined;
      termsOfValue(query.name, query.text, true, {
        word: (text, start, end) => words.add(blinding.word(text.slice(start, end))),
        value: (name, text) => (value = blinding.value(name, text)),
      });
      if (value !== undefined) return `"${value}"`;
      // A long value is found by its words, or by itself where it stands in a field that has none.
      return `(${allOf(words)} OR "${blinding.value(query.name, query.text.slice(0, wordTermMax))}")`;
    }
  }
}

function allOf(terms: ReadonlySet<string>): string {
  return `(${[...terms].map((term) => `"${term}"`).join(' AND ')})`;
}
