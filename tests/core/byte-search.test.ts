import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteSearch } from '../../src/core/byte-search.ts';

async function* pieces(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < data.length; i += size) yield data.subarray(i, i + size);
}

it('finds what a plain search finds, however the data is cut', async () => {
  // Few different bytes, so that needles begin alike, overlap and nearly match.
  const bytes = (min: number, max: number): fc.Arbitrary<Uint8Array> =>
    fc.array(fc.constantFrom(0, 1, 255), { minLength: min, maxLength: max }).map((list) => Uint8Array.from(list));
  await fc.assert(
    fc.asyncProperty(bytes(0, 300), fc.array(bytes(4, 9), { maxLength: 20 }), fc.integer({ min: 1, max: 40 }), async (data, needles, size) => {
      const search = new ByteSearch();
      needles.forEach((needle, i) => search.add(needle, String(i)));
      const expected = needles.flatMap((needle, i) => (Buffer.from(data).includes(Buffer.from(needle)) ? [String(i)] : []));
      expect([...(await search.find(pieces(data, size)))].toSorted()).toEqual(expected.toSorted());
    }),
    { numRuns: 500 },
  );
});

it('finds many needles in much data', async () => {
  const search = new ByteSearch();
  for (let i = 0; i < 20_000; i++) search.add(Buffer.from(`<${i}> needle of many`), String(i));
  const data = Buffer.alloc(8_000_000, 'needles, <7> needles of few, ');
  Buffer.from('<19999> needle of many').copy(data, data.length - 22);
  Buffer.from('<0> needle of many').copy(data, 0);
  expect(await search.find(pieces(data, 65_536))).toEqual(new Set(['0', '19999']));
});

it('refuses needles that it cannot look up', () => {
  expect(() => new ByteSearch().add(new Uint8Array(3), 'short')).toThrow(RangeError);
});
