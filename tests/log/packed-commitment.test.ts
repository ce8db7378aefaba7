import * as fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { concatBytes, toHex } from '../../src/core/bytes.ts';
import { commitFields } from '../../src/log/commitment.ts';
import { commitPacked } from '../../src/log/packed-commitment.ts';
import { packedBytesMax, packRecord, unpackRecord } from '../../src/log/packed-record.ts';
import { type Field, sortFields } from '../../src/log/record.ts';
import vectors from '../vectors/commitment.json' with { type: 'json' };
import { refusalOf } from './refusal.ts';

const seed = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);

function pack(fields: readonly Field[], by = seed): Uint8Array {
  const out = new Uint8Array(packedBytesMax(fields));
  return out.slice(0, packRecord(out, 0, by, fields));
}

function expectSame(origin: string, fields: readonly Field[], by = seed): void {
  expect(toHex(commitPacked(origin, pack(fields, by)))).toBe(toHex(commitFields(origin, fields, by)));
}

// Files share a process: modules that were loaded without WebAssembly would be those of the next file, too.
afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

test.each(vectors.cases)('golden: $name', ({ origin, seed: by, fields, commitment }) => {
  const packed = pack(fields, Uint8Array.from(Buffer.from(by, 'hex')));
  expect(toHex(commitPacked(origin, packed))).toBe(commitment);
  // Also from the middle of a buffer, as records come out of a chunk.
  const buffer = concatBytes(new Uint8Array(5), packed, new Uint8Array(7).fill(9));
  expect(toHex(commitPacked(origin, buffer.subarray(5, 5 + packed.length)))).toBe(commitment);
});

test('any record, whatever log it is of, has the commitment of its fields', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.string({ minLength: 50, maxLength: 400, unit: fc.constantFrom('x', 'é', '😀') }),
  );
  const fields = fc.uniqueArray(fc.record({ pointer: text, value: text }), { minLength: 1, maxLength: 20, selector: ({ pointer }) => pointer });
  const origin = fc.oneof(fc.constant('localhost/log'), fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 255 }));
  fc.assert(
    fc.property(origin, fields, fc.uint8Array({ minLength: 32, maxLength: 32 }), (name, some, by) => expectSame(name, sortFields(some), by)),
    { numRuns: 200 },
  );
});

test('every number of fields, and every length of value and pointer', () => {
  const fieldsOf = (count: number, length: number): Field[] =>
    sortFields(Array.from({ length: count }, (_, i) => ({ pointer: `/${i}${'p'.repeat(length)}`, value: `"${'v'.repeat(length)}"` })));
  for (let count = 1; count <= 40; count++) expectSame('o', fieldsOf(count, 5));
  for (const count of [509, 510, 511, 512, 513, 600]) expectSame('o', fieldsOf(count, 2));
  for (let length = 0; length <= 150; length++) expectSame('o', fieldsOf(5, length));
});

test('records around the size at which it changes its way, and one long value among short ones', () => {
  for (const length of [30_000, 32_700, 32_719, 32_720, 32_721, 32_722, 40_000, 1_000_000]) {
    expectSame('o', [{ pointer: '/a', value: 'x'.repeat(length) }]);
    expectSame('o', [
      { pointer: '/a', value: '1' },
      { pointer: '/b', value: 'x'.repeat(length) },
      { pointer: '/c', value: '3' },
    ]);
    if (length < 65_535) expectSame('o', [{ pointer: 'p'.repeat(length), value: '1' }]);
  }
  expectSame('o', [{ pointer: '/a', value: '1' }]);
});

describe('refuses what unpackRecord refuses', () => {
  const fields = [
    { pointer: '/a', value: '1' },
    { pointer: '/b', value: '2' },
  ];
  const packed = pack(fields);

  test('whatever byte is changed or cut', () => {
    const compare = (bytes: Uint8Array): void => {
      const expected = refusalOf(() => {
        const { fields: read, seed: by } = unpackRecord(bytes);
        commitFields('o', read, by);
      });
      const code = refusalOf(() => commitPacked('o', bytes));
      // Text that is no UTF-8 has no commitment made here, so it differs from any in a log.
      if (expected !== 'invalid_utf8') expect(code).toBe(expected);
      else expect(code === 'accepted' || code === 'bad_record').toBe(true);
    };
    for (let i = 0; i < packed.length; i++) {
      for (const byte of [0, 1, 2, 3, 47, 255]) compare(packed.with(i, byte));
      compare(packed.subarray(0, i));
    }
    compare(concatBytes(packed, Uint8Array.of(0)));
    compare(pack(fields.toReversed()));
    compare(pack([fields[0] as Field, fields[0] as Field]));
    compare(pack([]));
  });

  test('and origins that no log has; then it goes on as before', () => {
    for (const origin of ['', 'x'.repeat(256)]) expect(refusalOf(() => commitPacked(origin, packed))).toBe('commitment_origin');
    expectSame('o', fields);
    expect(refusalOf(() => commitPacked('', packed))).toBe('commitment_origin');
  });
});

test('without WebAssembly it gives the same', async () => {
  vi.stubGlobal('WebAssembly', undefined);
  vi.resetModules();
  const alone = await import('../../src/log/packed-commitment.ts');
  expect(alone.commitPacked).not.toBe(commitPacked);
  const fields = [{ pointer: '/a', value: '1' }];
  expect(toHex(alone.commitPacked('o', pack(fields)))).toBe(toHex(commitFields('o', fields, seed)));
});
