/** Buckets that are rewritten without what is removed from them, while others append. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import { sha256 } from '../../src/core/sha256.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { type BucketKeys, generationOf } from '../../src/ledger/chunk.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { RecordReader } from '../../src/ledger/reader.ts';
import { EditFinder } from '../../src/ledger/rewrite.ts';
import { openRecord } from '../../src/log/open-record.ts';
import { packedBytesMax, packRecord } from '../../src/log/packed-record.ts';
import { dataDirPaths } from '../../src/storage/data-dir.ts';
import { openSqliteRecordSource } from '../../src/storage/sqlite/record-source.ts';
import { FaultLine, faultyRecords } from '../crash/faulty-stores.ts';
import { numbered } from './batches.ts';
import { Installation } from './installation.ts';

let place: Installation;
/** Generations of which there is a key. */
let generations: Set<number>;

const keys: BucketKeys = {
  async bucketKey(log, bucket, generation = 1) {
    if (!generations.has(generation)) throw new VeiltrailError('bucket_key_missing', 'no such key');
    return sha256(utf8(`${log} ${bucket} ${generation}`));
  },
};

beforeEach(() => {
  place = new Installation();
  generations = new Set([1, 2]);
});
afterEach(() => place.remove());

const open = (options: Parameters<Installation['openWith']>[1] = {}): Promise<Ledger> => place.openWith(['main'], { bucketKeys: keys, ...options });
const append = (ledger: Ledger, from: number, count: number) => place.append(ledger, { log: 'main', events: numbered(from, count) });
const edits = { removed: [1, 2, 5, 7], redactions: [{ leafIndex: 3, pointers: ['/body'], hidePointers: false, tombstone: 99 }] };
const rewriting = { log: 'main', bucket: 0, generation: 2, edits };

async function chunks(): Promise<{ firstLeaf: number; generation: number; sealed: Uint8Array }[]> {
  const source = openSqliteRecordSource(dataDirPaths(place.dataDir).records);
  const all = [];
  for (let chunk = await source.chunkFrom('main', 0); chunk; chunk = await source.chunkFrom('main', chunk.firstLeaf + chunk.count))
    all.push({ firstLeaf: chunk.firstLeaf, generation: generationOf(chunk.sealed, 0), sealed: chunk.sealed });
  await source.close();
  return all;
}

async function leaves(): Promise<(number | string)[]> {
  const source = openSqliteRecordSource(dataDirPaths(place.dataDir).records);
  const found = [];
  for await (const { leafIndex, packed } of new RecordReader(source, keys).records('main', 0, 1_000))
    found.push(openRecord(packed).redacted ? `${leafIndex} redacted` : leafIndex);
  await source.close();
  return found;
}

describe('rewriting', () => {
  test('takes away what is removed, and leaves the rest under the new key', async () => {
    const ledger = await open();
    for (let from = 0; from < 12; from += 4) await append(ledger, from, 4);
    const before = await chunks();
    await ledger.rewrite(rewriting);
    await append(ledger, 12, 2);
    await ledger.close();
    generations = new Set([2]);
    expect(await leaves()).toEqual([0, 2, '3 redacted', 4, 7, 8, 9, 10, 11, 12, 13]);
    const after = await chunks();
    expect(after.map(({ generation }) => generation)).toEqual([2, 2, 2, 2]);
    // What nothing is removed from keeps its body.
    expect(Buffer.compare((after[2] as (typeof after)[0]).sealed.subarray(65), (before[2] as (typeof before)[0]).sealed.subarray(61))).toBe(0);
    // A ledger that opens anew goes on under the newest key.
    const again = await open();
    await append(again, 14, 1);
    await again.close();
    expect((await chunks()).at(-1)).toMatchObject({ generation: 2 });
  });

  test('leaves nobody behind who appends meanwhile', async () => {
    const ledger = await open();
    for (let from = 0; from < 300; from++) await append(ledger, from, 1);
    const rewritten = ledger.rewrite(rewriting);
    for (let from = 300; from < 320; from++) await append(ledger, from, 1);
    await rewritten;
    await ledger.close();
    generations = new Set([2]);
    expect(await leaves()).toHaveLength(320 - 3);
  });

  test('is gone on with after a failure, wherever that came', async () => {
    const ledger = await open();
    for (let from = 0; from < 300; from++) await append(ledger, from, 1);
    await ledger.close();
    for (const kind of ['refuse', 'crash'] as const) {
      for (let after = 0; after < 2; after++) {
        const line = new FaultLine();
        const records = faultyRecords(place.openRecords(), line);
        const failing = await open({ records, onFatal: () => undefined });
        line.arm({ after, persisted: after === 1, kind });
        await failing.rewrite(rewriting).catch(() => undefined);
        await failing.close().catch(() => undefined);
      }
    }
    const again = await open();
    await again.rewrite(rewriting);
    await again.rewrite(rewriting);
    await again.close();
    generations = new Set([2]);
    expect(await leaves()).toHaveLength(300 - 3);
    expect(new Set((await chunks()).map(({ generation }) => generation))).toEqual(new Set([2]));
  });

  test('forgets the ids of what is touched, and of nothing else', async () => {
    const ledger = await open();
    await append(ledger, 0, 8);
    await ledger.forgetIds('main', edits);
    const again = await append(ledger, 0, 8);
    expect(again.appended.map(({ leafIndex }) => leafIndex)).toEqual([0, 8, 2, 9, 4, 10, 11, 7]);
    await ledger.scrub();
    await ledger.close();
  });

  test('needs the new key', async () => {
    const ledger = await open();
    await append(ledger, 0, 4);
    generations = new Set([1]);
    await expect(ledger.rewrite(rewriting)).rejects.toMatchObject({ code: 'bucket_key_missing' });
    await ledger.close();
    expect((await chunks()).map(({ generation }) => generation)).toEqual([1]);
  });

  test('a chunk that is damaged stays as it is', async () => {
    const ledger = await open();
    await append(ledger, 0, 4);
    await append(ledger, 4, 4);
    await ledger.close();
    const first = (await chunks())[0] as { sealed: Uint8Array };
    const store = place.openRecords();
    const damaged = first.sealed.slice();
    damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
    await store.rewriteChunks('main', [{ firstLeaf: 0, sealed: damaged }]);
    await store.close();
    const again = await open();
    await again.rewrite(rewriting);
    await again.close();
    expect((await chunks()).map(({ generation }) => generation)).toEqual([1, 2]);
  });
});

test('edits are found by their leaves', () => {
  const finder = new EditFinder({ removed: [2, 4, 8, 9], redactions: [{ leafIndex: 6, pointers: ['/a'], hidePointers: true, tombstone: 1 }] });
  const touched = Array.from({ length: 12 }, (_, leaf) => finder.touches(leaf, leaf + 1));
  expect(touched.flatMap((one, leaf) => (one ? leaf : []))).toEqual([2, 3, 6, 8]);
  expect([finder.touches(0, 2), finder.touches(4, 6), finder.touches(4, 7), finder.touches(9, 100), finder.touches(0, 100)]).toEqual([
    false,
    false,
    true,
    false,
    true,
  ]);
  expect(new EditFinder({ removed: [], redactions: [] }).touches(0, 100)).toBe(false);
  expect(finder.edit(0, new Uint8Array(0))).toHaveLength(0);
  // A value that is not there any more, and one that never was.
  const fields = [{ pointer: '/a', value: '1' }];
  const out = new Uint8Array(packedBytesMax(fields));
  const packed = out.subarray(0, packRecord(out, 0, new Uint8Array(32), fields));
  const once = finder.edit(6, packed);
  expect(openRecord(once).redacted).toEqual([{ tombstone: 1 }]);
  expect(finder.edit(6, once)).toBe(once);
  expect(finder.edit(7, packed)).toBe(packed);
});
