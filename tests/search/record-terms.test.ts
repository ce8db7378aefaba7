import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import { createBlinding } from '../../src/search/blind.ts';
import { eventTimeMs } from '../../src/search/event-time.ts';
import { eachValue } from '../../src/search/record-values.ts';
import { RecordTerms } from '../../src/search/record-terms.ts';
import { RunWriter } from '../../src/search/run-format.ts';
import { termsOfValue, valueTermMax } from '../../src/search/terms.ts';
import { pack } from './records.ts';

const [indexKey, salt] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
const blinding = createBlinding(indexKey, salt);

/** The terms of a record, with nothing remembered. */
function termsOf(packed: Uint8Array): number[] {
  const terms = new Set<number>();
  const sink = {
    word: (text: string, start: number, end: number) => terms.add(blinding.word(text.slice(start, end))),
    value: (name: string, text: string) => terms.add(blinding.value(name, text)),
  };
  eachValue(packed, (path, text, hasWords) => termsOfValue(path.name, text, hasWords, sink));
  return [...terms].toSorted((a, b) => a - b);
}

/** What a run is written of: the terms of each leaf. They come in ascending order of terms and leaves. */
function written(terms: RecordTerms, leaves: number): number[][] {
  const byLeaf = Array.from({ length: leaves }, (): number[] => []);
  let [lastTerm, lastLeaf] = [-1, -1];
  const writer = new RunWriter(() => undefined);
  writer.add = (term: number, leaf: number): void => {
    if (term < lastTerm || (term === lastTerm && leaf < lastLeaf)) throw new Error('out of order');
    if (byLeaf[leaf]?.at(-1) !== term) byLeaf[leaf]?.push(term);
    [lastTerm, lastLeaf] = [term, leaf];
  };
  terms.write(writer);
  return byLeaf;
}

/** Values that come again, that do not, many names, long values, words that come again under others, shapes that change. */
function variedRecord(i: number): JsonObject {
  return {
    action: ['login', 'logout', 'customer.update'][i % 3] as string,
    id: `event-${i}`,
    time: new Date(1_760_000_000_000 + i * 3_600_000).toISOString(),
    actor: { id: `tok_${String(i % 300).padStart(27, 'x')}`, name: ['Ærø', 'Zoë', 'Łukasz', 'Ada'][i % 4] as string },
    metadata: { [`n${i % 5_000}`]: 'x', count: i % 11, big: i },
    message: `user u${i % 40_000} did it ${i % 7} times for tok_${String(i % 300).padStart(27, 'x')}`,
    ...(i % 100 === 0 ? { roles: [`a${i}`, 'b', 1, true], text: `${'long word '.repeat(150)}${i}`, note: 'a "quoted" \\ one' } : {}),
    ...(i % 2 === 0 ? { z: true } : {}),
  };
}

test('a leaf has the terms of its record, whatever came before', () => {
  const terms = new RecordTerms(indexKey, salt);
  let runs = 0;
  for (let from = 0; from < 20_000;) {
    terms.begin();
    const packed: Uint8Array[] = [];
    while (!terms.isFull && packed.length < 4_000) {
      const record = pack(variedRecord(from + packed.length));
      expect(terms.add(record, packed.length, 7)).toBe(eventTimeMs(record, 7));
      packed.push(record);
    }
    const byLeaf = written(terms, packed.length);
    packed.forEach((record, leaf) => {
      if (leaf % 23 === 0 || from > 18_000) expect(byLeaf[leaf]).toEqual(termsOf(record));
    });
    from += packed.length;
    runs++;
  }
  // More names of fields than are remembered end a run early.
  expect(runs).toBeGreaterThan(5);
});

test('what is no record has no terms, and the others have theirs', () => {
  const terms = new RecordTerms(indexKey, salt);
  const good = pack({ action: 'login', id: 'e-1' });
  const cut = pack({ action: 'login', id: 'e-2', message: 'some words' });
  terms.begin();
  terms.add(good, 0, 0);
  expect(terms.add(cut.subarray(0, cut.length - 3), 1, 5)).toBe(5);
  terms.add(new Uint8Array(3), 2, 0);
  terms.add(good, 3, 0);
  expect(written(terms, 4)).toEqual([termsOf(good), [], [], termsOf(good)]);
});

test('what was gathered and not written is forgotten, what was learnt is not lost', () => {
  const terms = new RecordTerms(indexKey, salt);
  terms.begin();
  terms.add(pack(variedRecord(5)), 0, 0);
  terms.begin();
  terms.add(pack(variedRecord(8)), 0, 0);
  expect(written(terms, 1)).toEqual([termsOf(pack(variedRecord(8)))]);
  terms.begin();
  expect(written(terms, 1)).toEqual([[]]);
});

test('one record may have more terms than a run has room for', () => {
  const terms = new RecordTerms(indexKey, salt);
  const words = (seed: number): Uint8Array => pack({ message: Array.from({ length: 250_000 }, (_, i) => (i * 31 + seed).toString(36)).join(' ') });
  const [one, other] = [words(1), words(2)];
  terms.begin();
  terms.add(one, 0, 0);
  expect(terms.isFull).toBe(true);
  terms.add(other, 1, 0);
  const large = pack({ message: 'same word again '.repeat(200_000) });
  terms.add(large, 2, 0);
  expect(written(terms, 3)).toEqual([one, other, large].map(termsOf));
  terms.begin();
  expect(terms.isFull).toBe(false);
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
