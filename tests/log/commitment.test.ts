import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../src/core/bytes.ts';
import { commitFieldDigests, commitFields, deriveSalts, fieldDigest, valueDigest } from '../../src/log/commitment.ts';
import { formatEntry, hashEntries, parseEntry } from '../../src/log/entry.ts';
import type { Field } from '../../src/log/record.ts';
import { leafHash } from '../../src/log/tree.ts';
import vectors from '../vectors/commitment.json' with { type: 'json' };
import { refusalOf } from './refusal.ts';

describe.each(vectors.cases)('golden: $name', ({ origin, seed, fields, commitment, entry, leafHash: hash }) => {
  test('in one go', () => {
    expect(toHex(commitFields(origin, fields, fromHex(seed)))).toBe(commitment);
  });

  test('piece by piece', () => {
    const salts = deriveSalts(fromHex(seed), fields.length);
    const digests = fields.map((field, i) => {
      const salt = salts.subarray(16 * i, 16 * (i + 1));
      expect(toHex(salt)).toBe(field.salt);
      const ofValue = valueDigest(salt, field.value);
      expect(toHex(ofValue)).toBe(field.valueDigest);
      const ofField = fieldDigest(field.pointer, ofValue);
      expect(toHex(ofField)).toBe(field.fieldDigest);
      return ofField;
    });
    expect(toHex(commitFieldDigests(origin, digests))).toBe(commitment);
  });

  test('as an entry and a leaf', () => {
    expect(toHex(formatEntry(fromHex(commitment)))).toBe(entry);
    expect(toHex(parseEntry(fromHex(entry)))).toBe(commitment);
    expect(toHex(leafHash(fromHex(entry)))).toBe(hash);
    expect(toHex(hashEntries(fromHex(commitment + commitment)))).toBe(hash + hash);
  });
});

/** The blueprint's formula once more, with nothing shared: what the fast one is held against on any input. */
function slowly(origin: string, fields: readonly Field[], seed: Uint8Array): string {
  const sha256 = (...parts: (string | Uint8Array)[]): Buffer =>
    createHash('sha256')
      .update(Buffer.concat(parts.map((part) => Buffer.from(part as string))))
      .digest();
  const uint16 = (n: number): Buffer => Buffer.from([n >> 8, n & 255]);
  const salts = createHash('shake256', { outputLength: 16 * fields.length })
    .update(seed)
    .digest();
  const digests = fields.map(({ pointer, value }, i) => {
    const ofValue = sha256(Buffer.from([0x12]), salts.subarray(16 * i, 16 * i + 16), value);
    return sha256(Buffer.from([0x10]), uint16(Buffer.byteLength(pointer)), pointer, ofValue);
  });
  const count = Buffer.alloc(4);
  count.writeUInt32BE(fields.length);
  return sha256(Buffer.from([0x11]), uint16(Buffer.byteLength(origin)), origin, count, ...digests).toString('hex');
}

test('equals the formula on any fields', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.string({ minLength: 1000, maxLength: 1100, unit: fc.constantFrom('x', 'é', '😀') }),
  );
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 255 }),
      fc.array(fc.record({ pointer: text, value: text }), { minLength: 1, maxLength: 12 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (origin, fields, seed) => {
        expect(toHex(commitFields(origin, fields, seed))).toBe(slowly(origin, fields, seed));
      },
    ),
  );
});

test('equals the formula around every size at which it changes its way', () => {
  const seed = new Uint8Array(32).fill(3);
  for (const length of [0, 1, 15, 16, 17, 1023, 1024, 1025, 65_534, 65_535]) {
    for (const unit of ['x', 'é'] as const) {
      const pointer = unit === 'x' ? unit.repeat(length) : unit.repeat(Math.floor(length / 2));
      const fields = [
        { pointer, value: unit.repeat(length) },
        { pointer: 'z', value: '1' },
      ];
      expect(toHex(commitFields('o', fields, seed))).toBe(slowly('o', fields, seed));
    }
  }
  const many = Array.from({ length: 10_000 }, (_, i) => ({ pointer: `/${i}`, value: `${i}` }));
  expect(toHex(commitFields('o', many, seed))).toBe(slowly('o', many, seed));
  expect(toHex(commitFields('o', many.slice(0, 3), seed))).toBe(slowly('o', many.slice(0, 3), seed));
});

test('one log after the other, from the same buffers', () => {
  const seed = new Uint8Array(32);
  const fields = [{ pointer: '/a', value: '1' }];
  for (const origin of ['a', 'b', 'a', 'ü'.repeat(127), 'a', 'x'.repeat(255), 'xy']) {
    expect(toHex(commitFields(origin, fields, seed))).toBe(slowly(origin, fields, seed));
  }
});

test('what comes out is the caller’s own', () => {
  const seed = new Uint8Array(32);
  const first = commitFields('a', [{ pointer: '/a', value: '1' }], seed);
  const kept = toHex(first);
  const salts = deriveSalts(seed, 2);
  const keptSalts = toHex(salts);
  commitFields('a', [{ pointer: '/b', value: '2' }], seed.fill(1));
  expect(toHex(first)).toBe(kept);
  expect(toHex(salts)).toBe(keptSalts);
});

test('every part counts: origin, order, number, pointer, value, seed', () => {
  const seed = new Uint8Array(32);
  const a = { pointer: '/a', value: '1' };
  const b = { pointer: '/b', value: '2' };
  const all = [
    commitFields('o', [a, b], seed),
    commitFields('p', [a, b], seed),
    commitFields('o', [b, a], seed),
    commitFields('o', [a], seed),
    commitFields('o', [a, { ...b, pointer: '/c' }], seed),
    commitFields('o', [a, { ...b, value: '3' }], seed),
    commitFields('o', [a, b], seed.with(31, 1)),
    // The border between pointer and value cannot be moved.
    commitFields('o', [{ pointer: '/a1', value: '' }, b], seed),
  ];
  expect(new Set(all.map(toHex)).size).toBe(all.length);
});

describe('refusals', () => {
  const fields = [{ pointer: '/a', value: '1' }];
  const seed = new Uint8Array(32);

  test('of lengths', () => {
    expect(refusalOf(() => commitFields('', fields, seed))).toBe('commitment_origin');
    expect(refusalOf(() => commitFields('x'.repeat(256), fields, seed))).toBe('commitment_origin');
    expect(refusalOf(() => commitFields('é'.repeat(128), fields, seed))).toBe('commitment_origin');
    expect(refusalOf(() => commitFields('o', [], seed))).toBe('commitment_fields');
    expect(refusalOf(() => commitFieldDigests('o', []))).toBe('commitment_fields');
    expect(refusalOf(() => commitFields('o', fields, seed.subarray(1)))).toBe('commitment_seed');
    expect(refusalOf(() => deriveSalts(new Uint8Array(33), 1))).toBe('commitment_seed');
    expect(refusalOf(() => valueDigest(new Uint8Array(15), '1'))).toBe('commitment_salt');
    expect(refusalOf(() => fieldDigest('/a', new Uint8Array(31)))).toBe('commitment_digest');
    expect(refusalOf(() => commitFieldDigests('o', [new Uint8Array(33)]))).toBe('commitment_digest');
    expect(refusalOf(() => commitFields('o', [{ pointer: 'x'.repeat(65_536), value: '1' }], seed))).toBe('pointer_too_long');
    expect(refusalOf(() => fieldDigest('é'.repeat(32_768), new Uint8Array(32)))).toBe('pointer_too_long');
  });

  test('of entries', () => {
    const entry = formatEntry(new Uint8Array(32));
    expect(entry.length).toBe(33);
    expect(refusalOf(() => formatEntry(new Uint8Array(31)))).toBe('entry_commitment');
    expect(refusalOf(() => parseEntry(entry.subarray(1)))).toBe('entry_length');
    expect(refusalOf(() => parseEntry(new Uint8Array(34)))).toBe('entry_length');
    expect(refusalOf(() => parseEntry(entry.with(0, 2)))).toBe('entry_version');
    expect(refusalOf(() => hashEntries(new Uint8Array(33)))).toBe('entry_commitment');
    expect(hashEntries(new Uint8Array(0))).toEqual(new Uint8Array(0));
  });
});
