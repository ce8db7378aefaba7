/** Many packed records at once have the commitments that each has alone, and are refused as each is. */
import * as fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { concatBytes, toHex } from '../../src/core/bytes.ts';
import type { VeiltrailError } from '../../src/core/errors.ts';
import { commitPackedMany } from '../../src/log/commit-many.ts';
import { commitPacked } from '../../src/log/packed-commitment.ts';
import { packedBytesMax, packRecord } from '../../src/log/packed-record.ts';
import { type Field, sortFields } from '../../src/log/record.ts';

function pack(fields: readonly Field[], by: number): Uint8Array {
  const out = new Uint8Array(packedBytesMax(fields));
  return out.slice(
    0,
    packRecord(
      out,
      0,
      Uint8Array.from({ length: 32 }, (_, i) => i * by),
      fields,
    ),
  );
}

const fieldsOf = (count: number, length: number): Field[] =>
  sortFields(Array.from({ length: count }, (_, i) => ({ pointer: `/${i}${'p'.repeat(length % 90)}`, value: `"${'v'.repeat(length)}"` })));

interface Outcome {
  commitments: string[];
  refused: [number, string, string][];
}

function many(origin: string, packed: readonly Uint8Array[], from = 0, end = packed.length, commit = commitPackedMany): Outcome {
  const offsets = new Uint32Array(packed.length + 1);
  packed.forEach(({ length }, i) => (offsets[i + 1] = (offsets[i] as number) + length));
  const out = new Uint8Array(32 * (end - from));
  const refused: [number, string, string][] = [];
  commit(origin, concatBytes(...packed), offsets, from, end, out, (record, { code, message }) => refused.push([record, code, message]));
  return { commitments: Array.from({ length: end - from }, (_, i) => toHex(out.subarray(32 * i, 32 * i + 32))), refused };
}

function oneByOne(origin: string, packed: readonly Uint8Array[], from = 0, end = packed.length): Outcome {
  const outcome: Outcome = { commitments: [], refused: [] };
  for (let i = from; i < end; i++) {
    try {
      outcome.commitments.push(toHex(commitPacked(origin, packed[i] as Uint8Array)));
    } catch (error) {
      outcome.commitments.push('00'.repeat(32));
      outcome.refused.push([i, (error as VeiltrailError).code, (error as VeiltrailError).message]);
    }
  }
  return outcome;
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

test('any records, from any of them to any other', () => {
  const text = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ minLength: 50, maxLength: 400, unit: fc.constantFrom('x', 'é', '😀') }));
  const fields = fc.uniqueArray(fc.record({ pointer: text, value: text }), { minLength: 1, maxLength: 12, selector: ({ pointer }) => pointer });
  const records = fc.array(fields, { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 255 }), records, fc.nat(), fc.nat(), (origin, some, a, b) => {
      const packed = some.map((one, i) => pack(sortFields(one), i + 1));
      const from = a % packed.length;
      const end = from + 1 + (b % (packed.length - from));
      expect(many(origin, packed, from, end)).toEqual(oneByOne(origin, packed, from, end));
    }),
    { numRuns: 150 },
  );
});

test('every number of fields and every length, more of them than fit together, and none', () => {
  const counts = [...Array.from({ length: 70 }, (_, i) => i + 1), 509, 510, 511, 512, 513, 600];
  const byCount = counts.map((count) => pack(fieldsOf(count, 5), count));
  expect(many('o', byCount)).toEqual(oneByOne('o', byCount));
  const byLength = Array.from({ length: 1_200 }, (_, length) => pack(fieldsOf(3, length), length));
  expect(many('o', byLength)).toEqual(oneByOne('o', byLength));
  const large = [10, 32_000, 32_700, 32_719, 32_720, 32_721, 33_000, 70_000, 5].map((length) => pack(fieldsOf(1, length), length));
  expect(many('o', large)).toEqual(oneByOne('o', large));
  expect(many('o', large, 3, 3)).toEqual({ commitments: [], refused: [] });
});

describe('a record that is none', () => {
  const good = Array.from({ length: 60 }, (_, i) => pack(fieldsOf(1 + (i % 25), i), i));
  const damages: Record<string, (record: Uint8Array) => Uint8Array> = {
    'of another form': (record) => Uint8Array.from(record, (byte, i) => (i === 0 ? 2 : byte)),
    empty: () => new Uint8Array(0),
    'shorter than a header': (record) => record.slice(0, 36),
    'without fields': (record) => Uint8Array.from(record, (byte, i) => (i >= 33 && i < 37 ? 0 : byte)),
    'with a field more than it has': (record) => Uint8Array.from(record, (byte, i) => (i === 36 ? byte + 1 : byte)),
    'with more fields than anything has': (record) => Uint8Array.from(record, (byte, i) => (i === 33 ? 0xff : byte)),
    'with a field less than it has': (record) => Uint8Array.from(record, (byte, i) => (i === 36 ? byte - 1 : byte)),
    'cut short': (record) => record.slice(0, -1),
    'with a byte more': (record) => concatBytes(record, Uint8Array.of(0)),
    'with a pointer as long as can be': (record) => Uint8Array.from(record, (byte, i) => (i === 37 || i === 38 ? 0xff : byte)),
    'out of order': (record) => Uint8Array.from(record, (byte, i) => (i === 39 ? 0xff : byte)),
  };

  test.each(Object.entries(damages))('%s is named, and those around it are as they were', (_, damage) => {
    for (const at of [0, 24, 47, 48, 59]) {
      const records = good.with(at, damage(good[24] as Uint8Array));
      const outcome = many('a.example/log', records);
      expect(outcome).toEqual(oneByOne('a.example/log', records));
      expect(outcome.refused.map(([record, code]) => [record, code === 'bad_record' || code === 'commitment_fields'])).toEqual([[at, true]]);
    }
  });
});

test('an origin that is none is an error, not a bad record', () => {
  for (const origin of ['', 'x'.repeat(256)]) expect(() => many(origin, [pack(fieldsOf(2, 2), 1)])).toThrow(/origin/);
});

test('without WebAssembly it gives the same, one by one', async () => {
  vi.stubGlobal('WebAssembly', undefined);
  vi.resetModules();
  const { commitPackedMany: alone } = await import('../../src/log/commit-many.ts');
  const records = Array.from({ length: 9 }, (_, i) => pack(fieldsOf(1 + i, 5 * i), i)).with(4, new Uint8Array(3));
  const outcome = many('o', records, 0, 9, alone);
  expect(outcome).toEqual(oneByOne('o', records));
  expect(outcome.refused.length).toBe(1);
  expect(() => many('', records, 0, 9, alone)).toThrow(/origin/);
});
