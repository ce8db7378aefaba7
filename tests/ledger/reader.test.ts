import { afterEach, beforeEach, expect, test } from 'vitest';
import { RecordReader } from '../../src/ledger/reader.ts';
import { unpackRecord } from '../../src/log/packed-record.ts';
import type { RecordStore } from '../../src/storage/record-store.ts';
import { fieldsOf, numbered, testNowMs } from './batches.ts';
import { Installation, testBucketKeys } from './installation.ts';

let at: Installation;
let records: RecordStore;
let opened: number;
beforeEach(async () => {
  at = new Installation();
  const ledger = await at.openWith(['main', 'other']);
  for (const [from, count] of [[0, 3], [3, 1], [4, 6]] as const) await at.append(ledger, { log: 'main', events: numbered(from, count) }); // prettier-ignore
  await at.append(ledger, { log: 'other', events: numbered(100, 1) });
  await ledger.close();
  records = at.openRecords();
  opened = 0;
});
afterEach(async () => {
  await records.close();
  at.remove();
});

function reader(cacheBytesMax?: number): RecordReader {
  const counting = {
    bucketKey(log: string, bucket: number) {
      opened++;
      return testBucketKeys.bucketKey(log, bucket);
    },
  };
  return cacheBytesMax === undefined ? new RecordReader(records, counting) : new RecordReader(records, counting, { cacheBytesMax });
}

async function leaves(from: number, to: number): Promise<number[]> {
  const read: number[] = [];
  for await (const { leafIndex } of reader().records('main', from, to)) read.push(leafIndex);
  return read;
}

test('one record, as it was sent', async () => {
  const { packed, ...rest } = await reader().record('main', 5);
  expect(rest).toEqual({ leafIndex: 5, receivedAtMs: testNowMs });
  expect(unpackRecord(packed).fields).toEqual(fieldsOf({ id: 'event-5', body: 'body-5' }));
  expect((await reader().fields('other', 0)).fields).toEqual(fieldsOf({ id: 'event-100', body: 'body-100' }));
});

test('a leaf or a log that is not there', async () => {
  await expect(reader().record('main', 10)).rejects.toMatchObject({ code: 'record_not_found', detail: { leafIndex: 10 } });
  await expect(reader().record('none', 0)).rejects.toMatchObject({ code: 'log_not_found' });
});

test.each([
  [0, 10, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  [2, 5, [2, 3, 4]],
  [9, 99, [9]],
  [10, 99, []],
  [4, 4, []],
])('records from %i to %i', async (from, to, expected) => {
  expect(await leaves(from, to)).toEqual(expected);
});

test('a range goes on behind chunks that are gone', async () => {
  const { DatabaseSync } = await import('node:sqlite');
  const { dataDirPaths } = await import('../../src/storage/data-dir.ts');
  const database = new DatabaseSync(dataDirPaths(at.dataDir).records);
  database.exec('DELETE FROM chunks WHERE first_leaf = 3 AND log = 1');
  database.close();
  expect(await leaves(0, 10)).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9]);
  expect(await leaves(3, 4)).toEqual([]);
  await expect(reader().record('main', 3)).rejects.toMatchObject({ code: 'record_not_found' });
});

test('neighbours open their chunk once, while it is kept', async () => {
  const kept = reader();
  for (const leaf of [4, 5, 6, 4, 9, 0, 5]) await kept.record('main', leaf);
  expect(opened).toBe(2);
  await Promise.all([kept.record('main', 3), kept.record('main', 3)]);
  expect(opened).toBe(4);
});

test('what is kept is bounded, and the least recently used goes first', async () => {
  let room = 0;
  for (const leaf of [0, 4]) {
    const { records, offsets } = (await reader().openChunkFrom('main', leaf))?.content ?? { records: [], offsets: [] };
    room += records.length + 4 * offsets.length;
  }
  opened = 0;
  const kept = reader(room);
  for (const leaf of [0, 3, 0, 4, 0]) await kept.record('main', leaf);
  expect(opened).toBe(3);
  await kept.record('main', 3);
  expect(opened).toBe(4);
  const none = reader(0);
  opened = 0;
  for (const leaf of [0, 1]) await none.record('main', leaf);
  expect(opened).toBe(2);
});

test('a chunk that was changed does not open', async () => {
  const { DatabaseSync } = await import('node:sqlite');
  const { dataDirPaths } = await import('../../src/storage/data-dir.ts');
  const database = new DatabaseSync(dataDirPaths(at.dataDir).records);
  database.exec('UPDATE chunks SET received_at_ms = received_at_ms + 1 WHERE first_leaf = 0 AND log = 1');
  database.close();
  await expect(reader().record('main', 0)).rejects.toMatchObject({ code: 'chunk_damaged', detail: { firstLeaf: 0 } });
  expect((await reader().record('main', 3)).leafIndex).toBe(3);
  await expect(reader().openChunkFrom('main', 1)).rejects.toMatchObject({ code: 'chunk_damaged', detail: { firstLeaf: 0, count: 3 } });
  await expect(leaves(2, 5)).rejects.toMatchObject({ code: 'chunk_damaged' });
});
