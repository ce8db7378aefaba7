import { expect, test } from 'vitest';
import { createBlinding } from '../../src/search/blind.ts';
import { eachValueOf } from '../../src/search/record-values.ts';
import { TermRow } from '../../src/search/term-row.ts';
import { termsOfValue, valueTermMax } from '../../src/search/terms.ts';

const blinding = createBlinding(new Uint8Array(32), new Uint8Array(32));

/** The terms of fields, with nothing remembered. */
function termsOf(fields: readonly (readonly [string, string])[]): string[] {
  const terms = new Set<string>();
  const sink = {
    word: (text: string, start: number, end: number) => terms.add(blinding.word(text.slice(start, end))),
    value: (name: string, text: string) => terms.add(blinding.value(name, text)),
  };
  for (const [pointer, json] of fields) eachValueOf(pointer, json, (path, text, hasWords) => termsOfValue(path.name, text, hasWords, sink));
  return [...terms].toSorted();
}

test('a row has the terms of its fields, whatever came before', () => {
  const row = new TermRow(blinding);
  for (let i = 0; i < 60_000; i++) {
    // Values that come again, that do not, many names, long values, words that come again under others.
    const fields = [
      ['/action', `"${['login', 'logout', 'customer.update'][i % 3]}"`],
      ['/id', `"event-${i}"`],
      [`/metadata/n${i % 45_000}`, '"x"'],
      ['/message', `"user u${i % 40_000} did it ${i % 7} times"`],
      ...(i % 100 === 0 ? [['/roles', `["a${i}","b"]`] as const, ['/text', `"${'long word '.repeat(150)}${i}"`] as const] : []),
      ...(i % 2 === 0 ? [['/z', 'true'] as const] : []),
    ] as const;
    row.begin();
    for (const [pointer, json] of fields) row.field(pointer, json);
    if (i % 97 === 0 || i > 59_000) expect([...new Set(row.text().trim().split(' '))].toSorted()).toEqual(termsOf(fields));
    else expect(row.text().length).toBeGreaterThan(50);
  }
});

test('a row without terms is empty', () => {
  const row = new TermRow(blinding);
  row.begin();
  row.field('/a', '[]');
  expect(row.text()).toBe('');
});

test('terms are the value where it is short or has no words, and its words', () => {
  const list = (text: string, hasWords = true): string[] => {
    const terms: string[] = [];
    termsOfValue('id', text, hasWords, {
      word: (from, start, end) => terms.push(from.slice(start, end)),
      value: (name, value) => terms.push(`${name}=${value}`),
    });
    return terms;
  };
  expect(list('c-12')).toEqual(['c', '12', 'id=c-12']);
  expect(list('c-1234')).toEqual(['c', '1234', 'id=c-1234']);
  expect(list('c-12345')).toEqual(['c', '12345']);
  expect(list('customer.update')).toEqual(['customer', 'update', 'id=customer.update']);
  expect(list('203.0.113.0/24')).toEqual(['203.0.113.0', '24']);
  expect(list('x'.repeat(valueTermMax))).toEqual(['x'.repeat(valueTermMax), `id=${'x'.repeat(valueTermMax)}`]);
  expect(list('x'.repeat(valueTermMax + 1))).toEqual(['x'.repeat(valueTermMax + 1)]);
  expect(list('x'.repeat(100))).toEqual(['x'.repeat(64)]);
  expect(list('')).toEqual(['id=']);
  expect(list('*'.repeat(100))).toEqual([`id=${'*'.repeat(64)}`]);
  expect(list('true', false)).toEqual(['id=true']);
});
