import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes, toHex, utf8 } from '../../src/core/bytes.ts';
import { packedBytesMax, packRecord, unpackRecord } from '../../src/log/packed-record.ts';
import { type Field, sortFields } from '../../src/log/record.ts';
import { refusalOf } from './refusal.ts';

const seed = Uint8Array.from({ length: 32 }, (_, i) => i);

function pack(fields: readonly Field[]): Uint8Array {
  const out = new Uint8Array(packedBytesMax(fields));
  return out.slice(0, packRecord(out, 0, seed, fields));
}

test('golden', () => {
  const bytes = pack([
    { pointer: '/a', value: '1' },
    { pointer: '/é', value: '"x"' },
  ]);
  expect(toHex(bytes)).toBe(`01${toHex(seed)}0000000200022f61000000013100032fc3a900000003227822`);
});

test('any fields come back, also from the middle of a buffer', () => {
  const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.string({ minLength: 40, maxLength: 70 }));
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.record({ pointer: text, value: text }), { selector: ({ pointer }) => pointer, maxLength: 10 }),
      fc.nat(20),
      (fields, at) => {
        sortFields(fields);
        const out = new Uint8Array(at + packedBytesMax(fields)).fill(0xee);
        const end = packRecord(out, at, seed, fields);
        expect(out.subarray(0, at).every((byte) => byte === 0xee)).toBe(true);
        expect(unpackRecord(out.subarray(at, end))).toEqual({ seed, fields });
      },
    ),
  );
});

test('refuses what it would not write', () => {
  const fields = [
    { pointer: '/a', value: '1' },
    { pointer: '/b', value: '2' },
  ];
  const bytes = pack(fields);
  for (let end = 0; end < bytes.length; end++) expect(refusalOf(() => unpackRecord(bytes.subarray(0, end)))).toBe('bad_record');
  expect(refusalOf(() => unpackRecord(concatBytes(bytes, Uint8Array.of(0))))).toBe('bad_record');
  expect(refusalOf(() => unpackRecord(bytes.with(0, 2)))).toBe('bad_record');
  expect(refusalOf(() => unpackRecord(bytes.with(36, 3)))).toBe('bad_record');
  expect(refusalOf(() => unpackRecord(bytes.with(36, 1)))).toBe('bad_record');
  expect(refusalOf(() => unpackRecord(bytes.with(33, 0xff)))).toBe('bad_record');
  expect(refusalOf(() => unpackRecord(pack(fields.toReversed())))).toBe('bad_record');
  expect(refusalOf(() => unpackRecord(pack([fields[0] as Field, fields[0] as Field])))).toBe('bad_record');
  expect(refusalOf(() => unpackRecord(bytes.with(bytes.length - 1, 0xff)))).toBe('invalid_utf8');
  expect(refusalOf(() => pack([{ pointer: 'x'.repeat(65_536), value: '1' }]))).toBe('pointer_too_long');
  expect(unpackRecord(pack([{ pointer: 'x'.repeat(65_535), value: utf8('y').toString() }])).fields).toHaveLength(1);
});
