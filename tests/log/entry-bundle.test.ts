import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes, fromHex, toHex } from '../../src/core/bytes.ts';
import { formatEntryBundle, parseEntryBundle } from '../../src/log/entry-bundle.ts';
import { refusalOf } from './refusal.ts';

test('golden', () => {
  const bundle = formatEntryBundle([Uint8Array.of(1, 2, 3), new Uint8Array(0), new Uint8Array(256).fill(7)]);
  expect(toHex(bundle)).toBe(`000301020300000100${'07'.repeat(256)}`);
});

test('any entries come back', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 600 }), { minLength: 1, maxLength: 256 }), (entries) => {
      expect(parseEntryBundle(formatEntryBundle(entries), entries.length)).toEqual(entries);
    }),
    { numRuns: 40 },
  );
  const longest = new Uint8Array(65_535).fill(9);
  expect(parseEntryBundle(formatEntryBundle([longest]), 1)).toEqual([longest]);
});

test('whatever is taken is written the same', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0, 1, 2, 3), { maxLength: 12 }), fc.integer({ min: 1, max: 6 }), (bytes, width) => {
      const bundle = Uint8Array.from(bytes);
      if (refusalOf(() => parseEntryBundle(bundle, width)) === 'accepted') expect(formatEntryBundle(parseEntryBundle(bundle, width))).toEqual(bundle);
    }),
    { numRuns: 2000 },
  );
});

test('refuses', () => {
  const bundle = fromHex('00010a00010b');
  expect(parseEntryBundle(bundle, 2)).toHaveLength(2);
  expect(refusalOf(() => parseEntryBundle(bundle, 1))).toBe('bundle_bytes');
  expect(refusalOf(() => parseEntryBundle(bundle, 3))).toBe('bundle_bytes');
  expect(refusalOf(() => parseEntryBundle(bundle.subarray(0, -1), 2))).toBe('bundle_bytes');
  expect(refusalOf(() => parseEntryBundle(concatBytes(bundle, Uint8Array.of(0)), 2))).toBe('bundle_bytes');
  expect(refusalOf(() => parseEntryBundle(new Uint8Array(0), 1))).toBe('bundle_bytes');
  for (const width of [0, 257, -1, 1.5, NaN]) expect(refusalOf(() => parseEntryBundle(bundle, width))).toBe('bundle_width');
  expect(refusalOf(() => formatEntryBundle([]))).toBe('bundle_width');
  expect(refusalOf(() => formatEntryBundle(Array.from({ length: 257 }, () => new Uint8Array(0))))).toBe('bundle_width');
  expect(refusalOf(() => formatEntryBundle([new Uint8Array(65_536)]))).toBe('bundle_entry');
});
