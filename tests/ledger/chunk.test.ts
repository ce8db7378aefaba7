import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../src/core/bytes.ts';
import { systemRandom } from '../../src/core/random.ts';
import {
  bucketOf,
  type ChunkContent,
  type ChunkPlace,
  discardContent,
  generationOf,
  openChunk,
  rewrapChunk,
  sealChunk,
} from '../../src/ledger/chunk.ts';

const place: ChunkPlace = { origin: 'test.example/main', firstLeaf: 70_000, count: 3, receivedAtMs: 1_700_000_000_123 };
const content: ChunkContent = { offsets: Uint32Array.of(0, 2, 2, 5), records: Uint8Array.of(1, 2, 3, 4, 5) };
const bucketKey = new Uint8Array(32).fill(5);
const damaged = expect.objectContaining({ code: 'chunk_damaged', detail: expect.objectContaining({ count: 3 }) });

describe('a chunk', () => {
  test('opens where it was sealed, with its key', () => {
    const opened = openChunk(place, sealChunk(place, content, bucketKey, systemRandom), bucketKey);
    expect(opened.offsets).toEqual(content.offsets);
    expect([...opened.records]).toEqual([...content.records]);
  });

  test.each([
    ['a small one', 5, false],
    ['one that hardly compresses', 300_000, true],
    ['one that compresses much better than most', 20_000_000, true],
  ])('%s opens, and gives its memory back where it is its own', (_, bytes, isOwn) => {
    const records = new Uint8Array(bytes);
    if (bytes === 300_000) records.set(systemRandom.bytes(bytes));
    const large = { ...place, count: 1 };
    const opened = openChunk(large, sealChunk(large, { offsets: Uint32Array.of(0, bytes), records }, bucketKey, systemRandom), bucketKey);
    expect(Buffer.compare(opened.records, records)).toBe(0);
    discardContent(opened);
    expect(opened.records.length).toBe(isOwn ? 0 : bytes);
    // What others hold is not touched.
    expect(Buffer.from('abc').toString()).toBe('abc');
  });

  test('is sealed differently every time', () => {
    const seal = (): string => toHex(sealChunk(place, content, bucketKey, systemRandom));
    expect(seal()).not.toBe(seal());
  });

  test.each([
    ['origin', { origin: 'test.example/other' }],
    ['first leaf', { firstLeaf: 70_001 }],
    ['time', { receivedAtMs: 1_700_000_000_124 }],
  ] as const)('does not open under another %s', (_, other) => {
    const sealed = sealChunk(place, content, bucketKey, systemRandom);
    expect(() => openChunk({ ...place, ...other }, sealed, bucketKey)).toThrow(damaged);
  });

  test('does not open with another count, or under another key', () => {
    const sealed = sealChunk(place, content, bucketKey, systemRandom);
    expect(() => openChunk({ ...place, count: 2 }, sealed, bucketKey)).toThrow(expect.objectContaining({ code: 'chunk_damaged' }));
    expect(() => openChunk(place, sealed, new Uint8Array(32))).toThrow(damaged);
  });

  test('does not open with any byte changed, or any end cut off', () => {
    const sealed = sealChunk(place, content, bucketKey, systemRandom);
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.map((byte, at) => (at === i ? byte ^ 1 : byte));
      expect(() => openChunk(place, changed, bucketKey)).toThrow(expect.objectContaining({ code: i === 0 ? 'chunk_version' : 'chunk_damaged' }));
      expect(() => openChunk(place, sealed.subarray(0, i), bucketKey)).toThrow(
        expect.objectContaining({ code: i === 0 ? 'chunk_version' : 'chunk_damaged' }),
      );
    }
  });

  test.each([
    ['do not begin at 0', Uint32Array.of(1, 2, 2, 5)],
    ['go backwards', Uint32Array.of(0, 3, 2, 5)],
    ['end before the records', Uint32Array.of(0, 2, 2, 4)],
  ])('whose offsets %s does not open', (_, offsets) => {
    expect(() => openChunk(place, sealChunk(place, { ...content, offsets }, bucketKey, systemRandom), bucketKey)).toThrow(damaged);
  });

  test('shares its bucket key with those that begin in the same 65,536 leaves', () => {
    expect([0, 65_535, 65_536, 131_071, 131_072].map(bucketOf)).toEqual([0, 0, 1, 1, 2]);
  });
});

describe('a chunk of a later generation', () => {
  const next = new Uint8Array(32).fill(6);

  test('opens with its own key only, and says which that is', () => {
    const sealed = sealChunk(place, content, next, systemRandom, 7);
    expect(generationOf(sealed, 0)).toBe(7);
    expect(generationOf(sealChunk(place, content, bucketKey, systemRandom), 0)).toBe(1);
    expect([...openChunk(place, sealed, next).records]).toEqual([...content.records]);
    expect(() => openChunk(place, sealed, bucketKey)).toThrow(damaged);
  });

  test('does not open with any byte changed', () => {
    const sealed = sealChunk(place, content, next, systemRandom, 2);
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.map((byte, at) => (at === i ? byte ^ 4 : byte));
      expect(() => openChunk(place, changed, next)).toThrow(expect.objectContaining({ code: i === 0 ? 'chunk_version' : 'chunk_damaged' }));
    }
    for (const generation of [0, 1]) {
      const changed = sealed.with(4, generation);
      expect(() => generationOf(changed, 0)).toThrow(expect.objectContaining({ code: 'chunk_version' }));
    }
  });

  test('may be an earlier one whose data key was wrapped anew: its body stays', () => {
    const sealed = sealChunk(place, content, bucketKey, systemRandom);
    const second = rewrapChunk(place, sealed, bucketKey, next, 2, systemRandom);
    const third = rewrapChunk(place, second, next, bucketKey, 3, systemRandom);
    for (const [chunk, key] of [
      [second, next],
      [third, bucketKey],
    ] as const) {
      expect([...openChunk(place, chunk, key).records]).toEqual([...content.records]);
      expect(toHex(chunk.subarray(65))).toBe(toHex(sealed.subarray(61)));
    }
    expect(() => openChunk(place, second, bucketKey)).toThrow(damaged);
    expect(() => rewrapChunk(place, sealed, next, bucketKey, 2, systemRandom)).toThrow(damaged);
    expect(() => rewrapChunk({ ...place, firstLeaf: 0 }, sealed, bucketKey, next, 2, systemRandom)).toThrow(damaged);
  });

  test('golden vector', () => {
    const vector = JSON.parse(readFileSync(new URL('../vectors/chunk-generation.json', import.meta.url), 'utf8')) as {
      place: ChunkPlace;
      generation: number;
      bucketKey: string;
      offsets: number[];
      records: string;
      sealed: string;
    };
    const sealed = fromHex(vector.sealed);
    expect(generationOf(sealed, vector.place.firstLeaf)).toBe(vector.generation);
    const opened = openChunk(vector.place, sealed, fromHex(vector.bucketKey));
    expect([...opened.offsets]).toEqual(vector.offsets);
    expect(toHex(opened.records)).toBe(vector.records);
  });
});

describe('the golden vector', () => {
  const vector = JSON.parse(readFileSync(new URL('../vectors/chunk.json', import.meta.url), 'utf8')) as {
    place: ChunkPlace;
    bucketKey: string;
    dataKey: string;
    nonces: [string, string];
    offsets: number[];
    records: string;
    sealed: string;
  };

  test('opens', () => {
    const opened = openChunk(vector.place, fromHex(vector.sealed), fromHex(vector.bucketKey));
    expect([...opened.offsets]).toEqual(vector.offsets);
    expect(toHex(opened.records)).toBe(vector.records);
  });

  test('is what sealing gives, up to what zstd may choose', () => {
    const drawn = [vector.dataKey, ...vector.nonces].map(fromHex);
    const random = { bytes: () => drawn.shift() as Uint8Array };
    const sealed = sealChunk(
      vector.place,
      { offsets: Uint32Array.from(vector.offsets), records: fromHex(vector.records) },
      fromHex(vector.bucketKey),
      random,
    );
    // Version, wrapped key and the nonce of the content.
    expect(toHex(sealed).slice(0, 2 * (1 + 60 + 12))).toBe(vector.sealed.slice(0, 2 * (1 + 60 + 12)));
    expect(openChunk(vector.place, sealed, fromHex(vector.bucketKey)).offsets).toHaveLength(vector.place.count + 1);
  });
});
