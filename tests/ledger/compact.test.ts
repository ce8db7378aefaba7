import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from 'vitest';
import { toHex } from '../../src/core/bytes.ts';
import { VeiltrailError } from '../../src/core/errors.ts';
import { oneClass } from '../../src/ledger/compact.ts';
import { FaultLine } from '../crash/faulty-stores.ts';
import { compactedLog, CompactingLog, packedOf, receivedAtMsOf, storedLeaves, storedLines } from './compacting.ts';

let log: CompactingLog | undefined;
afterEach(async () => {
  await log?.close();
  log?.remove();
  log = undefined;
});

async function compacted(): Promise<CompactingLog> {
  log = await CompactingLog.make();
  log.compactor.start();
  await log.compactor.idle();
  return log;
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise((resolve) => setImmediate(resolve));
}

function tamper(at: CompactingLog, sql: string): void {
  const database = new DatabaseSync(join(at.dir, 'records.db'));
  database.exec(sql);
  database.close();
}

describe('compaction', () => {
  test('a bucket that is not full stays in chunks', async () => {
    log = await CompactingLog.make();
    log.treeSize = 65_535;
    log.compactor.start();
    await log.compactor.idle();
    expect(await log.store.recordsFrom(compactedLog, 0)).toMatchObject({ in: 'chunk' });
    log.treeSize = 65_536;
    log.compactor.start();
    await log.compactor.idle();
    expect(await log.store.recordsFrom(compactedLog, 0)).toMatchObject({ in: 'segments' });
  });

  test('says what a segment holds, and when that was received', async () => {
    const { store } = await compacted();
    expect(await store.compactedBuckets(compactedLog, 0)).toEqual([
      {
        bucket: 0,
        segments: [
          {
            log: compactedLog,
            bucket: 0,
            class: 'default',
            generation: 1,
            records: 16,
            bytes: expect.any(Number),
            firstReceivedAtMs: receivedAtMsOf(0),
            lastReceivedAtMs: receivedAtMsOf(65_535),
          },
        ],
      },
    ]);
  });

  test('puts each record into the segment of its class', async () => {
    log = await CompactingLog.make();
    const logins = new Set(storedLeaves().filter((leaf) => leaf % 3 === 0).map((leaf) => toHex(packedOf(leaf)))); // prettier-ignore
    log.classes = { classOf: (of, packed) => (of === compactedLog && logins.has(toHex(packed)) ? 'logins' : 'kept') };
    log.compactor.start();
    await log.compactor.idle();
    const [bucket] = await log.store.compactedBuckets(compactedLog, 0);
    const inBucket = storedLeaves().filter((leaf) => leaf < 65_536);
    expect(bucket?.segments.map(({ class: of, records }) => [of, records])).toEqual([
      ['kept', inBucket.filter((leaf) => leaf % 3 !== 0).length],
      ['logins', inBucket.filter((leaf) => leaf % 3 === 0).length],
    ]);
    expect(await log.readAll()).toEqual(storedLines());
    expect(log.files()).toEqual(['a/kept/00000000.1', 'a/logins/00000000.1']);
    expect(log.errors).toEqual([]);
  });

  test('a bucket of which nothing was removed is read once, and ends as it does when it is read twice', async () => {
    const chunks = [0, 16_384, 32_768, 49_152].map((from) => ({
      from,
      end: from === 49_152 ? 65_540 : from + 16_384,
      receivedAtMs: 1_700_000_000_000 + from,
      records: Array.from({ length: from === 49_152 ? 16_388 : 16_384 }, (_, i) => Uint8Array.of(1, from >>> 14, i >>> 8, i)),
    }));
    const compactions: unknown[] = [];
    for (const classes of [oneClass, { classOf: () => 'default' }]) {
      log = await CompactingLog.makeOf(chunks);
      log.classes = classes;
      const chunkFrom = log.store.chunkFrom.bind(log.store);
      let reads = 0;
      log.store.chunkFrom = (...args) => {
        reads++;
        return chunkFrom(...args);
      };
      log.compactor.start();
      await log.compactor.idle();
      expect(log.errors).toEqual([]);
      expect(await chunkFrom(compactedLog, 0)).toMatchObject({ firstLeaf: 65_536, count: 4, receivedAtMs: 1_700_000_049_152 });
      const reader = log.reader();
      const records: string[] = [];
      for (const leaf of [0, 16_383, 16_384, 40_000, 65_535, 65_536, 65_539]) {
        const { receivedAtMs, packed } = await reader.record(compactedLog, leaf);
        records.push(`${leaf} ${receivedAtMs} ${toHex(packed)}`);
      }
      const [bucket] = await log.store.compactedBuckets(compactedLog, 0);
      expect(bucket?.segments).toMatchObject([{ class: 'default', records: 65_536 }]);
      compactions.push({ bucket: bucket?.segments.map((segment) => ({ ...segment, bytes: 0 })), records });
      expect(reads).toBe(classes === oneClass ? 4 : 8);
      await log.close();
      log.remove();
      log = undefined;
    }
    expect(compactions[0]).toEqual(compactions[1]);
  });

  test('a chunk at which the one pass ends, because a record was removed, is given back', async () => {
    const records = Array.from({ length: 20_000 }, (_, i) => new Uint8Array(64).fill(i & 255));
    const chunks = [0, 32_768].map((from) => ({ from, end: from + 32_768, receivedAtMs: 1_700_000_000_000 + from, records }));
    log = await CompactingLog.makeOf(chunks);
    const reader = log.reader();
    const opened: Uint8Array[] = [];
    const openChunk = reader.openChunk.bind(reader);
    reader.openChunk = async (...args) => {
      const chunk = await openChunk(...args);
      opened.push(chunk.content.records);
      return chunk;
    };
    log.reader = () => reader;
    log.compactor.start();
    await log.compactor.idle();
    expect(log.errors).toEqual([]);
    expect(opened.length).toBeGreaterThan(4);
    expect(opened.map(({ byteLength }) => byteLength)).toEqual(opened.map(() => 0));
  });

  test('a chunk that is missing leaves leaves without a record, and the rest is compacted', async () => {
    log = await CompactingLog.makeOf(
      [0, 30_000, 60_000].map((from) => ({
        from,
        end: from === 60_000 ? 65_536 : from + 30_000,
        receivedAtMs: 1_700_000_000_000,
        records: Array.from({ length: from === 60_000 ? 5_536 : 30_000 }, () => Uint8Array.of(1)),
      })),
    );
    tamper(log, 'DELETE FROM chunks WHERE first_leaf = 30000');
    log.compactor.start();
    await log.compactor.idle();
    expect(log.errors).toEqual([]);
    expect((await log.store.compactedBuckets(compactedLog, 0))[0]?.segments).toMatchObject([{ records: 35_536 }]);
    expect(log.files()).toEqual(['a/default/00000000.1']);
    await expect(log.reader().record(compactedLog, 29_999)).resolves.toMatchObject({ leafIndex: 29_999 });
    await expect(log.reader().record(compactedLog, 30_000)).rejects.toMatchObject({ code: 'record_not_found' });
  });

  test('the rest of a chunk that reaches over is a chunk of the next bucket, under its key', async () => {
    const { store } = await compacted();
    expect(await store.chunkFrom(compactedLog, 0)).toMatchObject({ firstLeaf: 65_536, count: 10, receivedAtMs: receivedAtMsOf(65_536) });
    expect((await (log as CompactingLog).reader().record(compactedLog, 65_545)).packed).toEqual(Buffer.from(packedOf(65_545)));
  });

  test('leaves nothing of chunks: neither rows, nor the key they were under, nor bytes in the database', async () => {
    log = await CompactingLog.make();
    const { sealed } = (await log.store.chunkFrom(compactedLog, 0)) ?? { sealed: new Uint8Array(0) };
    log.compactor.start();
    await log.compactor.idle();
    await log.store.tidy();
    expect(await log.vault.bucketKeyNames()).toEqual([{ log: compactedLog, bucket: 1 }]);
    await log.close();
    expect(readFileSync(join(log.dir, 'records.db')).indexOf(sealed.subarray(80, 120))).toBe(-1);
    expect(existsSync(join(log.dir, 'records.db-wal'))).toBe(false);
    log = CompactingLog.open(log.dir);
  });

  test('begins again when chunks were changed meanwhile, and leaves nothing of what it made before', async () => {
    const line = new FaultLine();
    let changes = 0;
    log = await CompactingLog.make(line);
    const before = log.store.chunkChanges.bind(log.store);
    log.store.chunkChanges = () => before() + (changes++ < 2 ? 1 : 0);
    log.compactor.start();
    await log.compactor.idle();
    expect(line.writes.filter((write) => write === 'register segments')).toHaveLength(3);
    expect(log.errors).toEqual([]);
    expect(await log.readAll()).toEqual(storedLines());
    expect(log.files()).toHaveLength(1);
    expect(await log.vault.segmentKeyNames()).toHaveLength(1);
  });

  test('gives up when they are changed all the time', async () => {
    log = await CompactingLog.make();
    const before = log.store.chunkChanges.bind(log.store);
    log.store.chunkChanges = () => before() + 1;
    log.compactor.start();
    await log.compactor.idle();
    expect(log.errors).toMatchObject([{ code: 'chunks_changed' }]);
    expect(log.files()).toEqual([]);
    expect(await log.readAll()).toEqual(storedLines());
  });

  test('leaves a bucket alone of which a chunk is damaged, and the next one that it reaches into', async () => {
    log = await CompactingLog.make();
    tamper(log, 'UPDATE chunks SET received_at_ms = received_at_ms + 1 WHERE first_leaf = 0');
    log.treeSize = 2 * 65_536;
    log.compactor.start();
    await log.compactor.idle();
    expect(log.errors).toMatchObject([{ code: 'chunk_damaged' }, { code: 'bucket_not_ready' }]);
    expect(log.files()).toEqual([]);
    expect(await log.store.compactedBuckets(compactedLog, 0)).toEqual([]);
    expect((await log.reader().record(compactedLog, 65_530)).leafIndex).toBe(65_530);
  });

  test('what cannot be seen to at the start is told, and nothing is compacted before', async () => {
    log = await CompactingLog.make();
    const { vault } = log;
    vault.bucketKeyNames = () => Promise.reject(new VeiltrailError('storage_busy', 'a test'));
    log.compactor.start();
    await log.compactor.idle();
    expect(log.errors).toMatchObject([{ code: 'storage_busy' }]);
    expect(await log.store.compactedBuckets(compactedLog, 0)).toEqual([]);
  });
});

test('an older database put back is not gone on with: segments that it does not know stay, with their keys', async () => {
  log = await CompactingLog.make();
  const path = join(log.dir, 'records.db');
  await log.close();
  const before = readFileSync(path);
  log = CompactingLog.open(log.dir);
  log.compactor.start();
  await log.compactor.idle();
  await log.close();
  const after = readFileSync(path);
  writeFileSync(path, before);
  log = CompactingLog.open(log.dir, new FaultLine(), { timers: { after: () => () => undefined } });
  log.compactor.start();
  await log.compactor.idle();
  expect(log.errors).toMatchObject([{ code: 'records_behind' }]);
  await expect(log.compactor.pause()).rejects.toMatchObject({ code: 'records_behind' });
  expect([log.files().length, (await log.vault.segmentKeyNames()).length]).toEqual([1, 1]);
  await log.close();
  writeFileSync(path, after);
  log = CompactingLog.open(log.dir);
  log.compactor.start();
  await log.compactor.idle();
  expect(await log.readAll()).toEqual(storedLines());
  // The same with a generation that is registered no more.
  await log.close();
  const first = readFileSync(path);
  log = CompactingLog.open(log.dir);
  const resume = await log.compactor.pause();
  await log.compactor.rewrite(compactedLog, { removed: [2, 3], redactions: [] });
  resume();
  await log.close();
  writeFileSync(path, first);
  log = CompactingLog.open(log.dir, new FaultLine(), { timers: { after: () => () => undefined } });
  log.compactor.start();
  await log.compactor.idle();
  expect(log.errors).toMatchObject([{ code: 'records_behind' }]);
  expect(log.files()).toEqual(['a/default/00000000.2']);
});

describe('pausing', () => {
  test('ends what is under way, and nothing begins until it is over', async () => {
    let begun = 0;
    let stopped = 0;
    log = await CompactingLog.make(new FaultLine(), {
      compactBucket: (_, signal) =>
        new Promise((_resolve, reject) => {
          begun++;
          signal.addEventListener('abort', () => {
            stopped++;
            reject(signal.reason as Error);
          });
        }),
    });
    log.compactor.start();
    await until(() => begun > 0);
    const resume = await log.compactor.pause();
    const again = await log.compactor.pause();
    log.compactor.start();
    await log.compactor.idle();
    expect([begun, stopped]).toEqual([1, 1]);
    resume();
    resume();
    await log.compactor.idle();
    expect(begun).toBe(1);
    again();
    await until(() => begun > 1);
    await log.compactor.close();
    expect([begun, stopped]).toEqual([2, 2]);
    log.compactor.start();
    expect(begun).toBe(2);
    expect(log.errors).toEqual([]);
  });

  test('finds every record in one place: what is left over goes first', async () => {
    let waits = 0;
    log = await CompactingLog.make(new FaultLine(), {
      // Nobody is woken by the clock: only pausing goes on.
      timers: { after: () => (waits++, () => undefined) },
    });
    log.compactor.start();
    await until(() => waits > 0);
    expect((await log.store.chunkFrom(compactedLog, 0))?.firstLeaf).toBeLessThan(65_536);
    const resume = await log.compactor.pause();
    expect((await log.store.chunkFrom(compactedLog, 0))?.firstLeaf).toBe(65_536);
    expect(await log.vault.bucketKeyNames()).toEqual([{ log: compactedLog, bucket: 1 }]);
    expect(await log.readAll()).toEqual(storedLines());
    resume();
    await log.compactor.idle();
    expect(log.errors).toEqual([]);
  });

  test('that fails pauses nothing', async () => {
    log = await CompactingLog.make(new FaultLine({ after: 0, persisted: false, kind: 'refuse' }));
    await expect(log.compactor.pause()).rejects.toMatchObject({ code: 'disk_full' });
    log.compactor.start();
    await log.compactor.idle();
    expect(log.files()).toHaveLength(1);
  });
});

test('a reader goes on when a bucket is compacted between two reads, with the same records', async () => {
  log = await CompactingLog.make();
  const reader = log.reader();
  const stale = await log.store.recordsFrom(compactedLog, 0);
  log.compactor.start();
  await log.compactor.idle();
  // What it had looked up before is gone, and so is its key.
  const recordsFrom = log.store.recordsFrom.bind(log.store);
  let first = true;
  log.store.recordsFrom = async (of, leaf) => {
    if (!first) return recordsFrom(of, leaf);
    first = false;
    return stale;
  };
  expect(toHex((await reader.record(compactedLog, 5)).packed)).toBe(toHex(packedOf(5)));
  expect(readdirSync(join(log.dir, 'segments'))).toEqual([compactedLog]);
  // What it keeps it forgets when it is told to.
  await log.segments.remove({ log: compactedLog, class: 'default', bucket: 0, generation: 1 });
  expect((await reader.record(compactedLog, 6)).leafIndex).toBe(6);
  reader.forget('other');
  expect((await reader.record(compactedLog, 6)).leafIndex).toBe(6);
  reader.forget(compactedLog);
  await expect(reader.record(compactedLog, 6)).rejects.toMatchObject({ code: 'segment_missing' });
});
