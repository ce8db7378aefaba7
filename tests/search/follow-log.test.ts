import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RecordReader } from '../../src/ledger/reader.ts';
import { openRecord, recordOfFields } from '../../src/log/open-record.ts';
import { redactRecord } from '../../src/log/redacted-record.ts';
import { type FollowedBatch, LogFollower, type FollowOptions } from '../../src/search/follow-log.ts';
import { createPredicate } from '../../src/search/match.ts';
import { parseQuery } from '../../src/search/query.ts';
import { openSqliteRecordSource } from '../../src/storage/sqlite/record-source.ts';
import { bucketKeys, pack, TestRecords } from './records.ts';

let dir: string;
const open: (() => Promise<void> | void)[] = [];
let files = 0;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'follow-'));
});
afterAll(async () => {
  for (const close of open.toReversed()) await close();
  rmSync(dir, { recursive: true });
});

async function newRecords(): Promise<{ records: TestRecords; reader: RecordReader }> {
  const records = new TestRecords(join(dir, `records-${files++}.db`));
  open.push(() => records.close());
  await records.createLog('a');
  const source = openSqliteRecordSource(records.path);
  open.push(() => source.close());
  return { records, reader: new RecordReader(source, bucketKeys) };
}

const event = (n: number): Uint8Array => pack({ action: n % 3 === 0 ? 'login' : 'read', n });
const events = (from: number, to: number): Uint8Array[] => Array.from({ length: to - from }, (_, i) => event(from + i));
const numbers = (batch: FollowedBatch): unknown[] => batch.records.map(({ packed }) => recordOfFields(openRecord(packed))['n']);

function follow(reader: RecordReader, treeSize: number, options: Partial<FollowOptions> = {}): LogFollower {
  return new LogFollower({ source: reader, log: 'a', from: 0, treeSize, ...options });
}

test('gives every record once, in order, in bounded batches, from any leaf on', async () => {
  const { records, reader } = await newRecords();
  await records.append('a', events(0, 700));
  const treeSize = await records.append('a', events(700, 1000));
  for (const [from, bounds] of [
    [0, { recordsMax: 64 }],
    [123, { leavesMax: 100 }],
    [699, { bytesMax: 1000 }],
  ] as const) {
    const follower = follow(reader, treeSize, { from, ...bounds });
    const seen: unknown[] = [];
    let at = from as number;
    while (follower.behind > 0) {
      const batch = (await follower.next()) as FollowedBatch;
      expect(batch.from).toBe(at);
      expect(batch.to).toBe(follower.position);
      if ('recordsMax' in bounds) expect(batch.records.length).toBeLessThanOrEqual(64);
      if ('leavesMax' in bounds) expect(batch.to - batch.from).toBeLessThanOrEqual(100);
      if ('bytesMax' in bounds) expect(batch.records.slice(0, -1).reduce((sum, { packed }) => sum + packed.length, 0)).toBeLessThan(1000);
      seen.push(...numbers(batch));
      at = batch.to;
    }
    expect(seen).toEqual(Array.from({ length: 1000 - from }, (_, i) => from + i));
  }
});

test('waits for what is published, and ends when it is closed', async () => {
  const { records, reader } = await newRecords();
  const follower = follow(reader, 0, { holds: createPredicate(parseQuery('action:login')) });
  const first = follower.next();
  follower.published(await records.append('a', events(0, 10)));
  const batch = (await first) as FollowedBatch;
  expect([batch.from, batch.to, numbers(batch)]).toEqual([0, 10, [0, 3, 6, 9]]);
  // What is committed and not published is not given.
  await records.append('a', events(10, 12));
  const second = follower.next();
  follower.published(11);
  expect(((await second) as FollowedBatch).to).toBe(11);
  const last = follower.next();
  follower.close();
  expect(await last).toBeUndefined();
  expect(await follower.next()).toBeUndefined();
});

test('names what was removed and what does not open, and gives the rest', async () => {
  const { records, reader } = await newRecords();
  const redacted = redactRecord(event(1), { pointers: new Set(['/action']), hidePointers: false, tombstone: 40 }) as Uint8Array;
  await records.append('a', [event(0), redacted, new Uint8Array(0), new Uint8Array(0), event(4)]);
  await records.append('a', events(9, 12), { firstLeaf: 9 });
  const treeSize = await records.append('a', [Uint8Array.of(9, 9, 9), event(13)]);
  records.tamper('UPDATE chunks SET sealed = zeroblob(length(sealed)) WHERE first_leaf = ?', 9);
  const follower = follow(reader, treeSize, { holds: createPredicate(parseQuery('-action:nothing')) });
  const batch = (await follower.next()) as FollowedBatch;
  expect(batch.records.map(({ leafIndex }) => leafIndex)).toEqual([0, 1, 4, 13]);
  expect(recordOfFields(openRecord((batch.records[1] as FollowedBatch['records'][0]).packed))).toEqual({ action: '[REDACTED leaf 40]', n: 1 });
  expect(batch.removed).toEqual([
    { from: 2, to: 4 },
    { from: 5, to: 9 },
  ]);
  expect(batch.unreadable).toEqual([{ from: 9, to: 13 }]);
  expect(batch.to).toBe(14);
});

test('a batch that was read before a rewriting is stale, one that is being read is read again', async () => {
  const { records, reader } = await newRecords();
  const treeSize = await records.append('a', events(0, 5));
  let opened = 0;
  const source = {
    openFrom: async (log: string, leaf: number): ReturnType<RecordReader['openFrom']> => {
      const chunk = await reader.openFrom(log, leaf);
      if (opened++ === 0) follower.forget();
      return chunk;
    },
  };
  const follower: LogFollower = new LogFollower({ source, log: 'a', from: 0, treeSize });
  const batch = (await follower.next()) as FollowedBatch;
  expect(opened).toBe(2);
  expect(follower.isStale(batch)).toBe(false);
  follower.forget();
  expect(follower.isStale(batch)).toBe(true);
  follower.goTo(batch.from);
  const again = (await follower.next()) as FollowedBatch;
  expect(opened).toBe(3);
  expect(numbers(again)).toEqual([0, 1, 2, 3, 4]);
  expect(follower.isStale(again)).toBe(false);
});
