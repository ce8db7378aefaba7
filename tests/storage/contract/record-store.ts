/** What every record store promises; run against each driver. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { concatBytes } from '../../../src/core/bytes.ts';
import { idConflicts, idIsNew, type LogAppend, type LogState, type RecordSource, type RecordStore } from '../../../src/storage/record-store.ts';

/** A place for one store, which stays when the store is closed. */
export interface RecordStorePlace {
  open(): RecordStore;
  openSource(): RecordSource;
  remove(): void;
}

const day = 24 * 3_600_000;

function stateOf(log: string): LogState {
  return {
    log,
    origin: `test.example/${log}`,
    createdAtMs: 7,
    treeSize: 0,
    root: bytes(32, 1),
    frontier: bytes(8, 0),
    lastReceivedAtMs: 0,
    durableSize: 0,
  };
}

function bytes(length: number, fill: number): Uint8Array {
  return new Uint8Array(length).fill(fill);
}

/** An idempotency row: its key and body are told apart by one byte each. */
function row(key: number, body: number): Uint8Array {
  return concatBytes(bytes(24, key), bytes(8, body));
}

function appendOf(log: string, treeSizeBefore: number, count: number, more: Partial<LogAppend> = {}): LogAppend {
  return {
    log,
    treeSizeBefore,
    treeSize: treeSizeBefore + count,
    root: bytes(32, treeSizeBefore + count),
    frontier: bytes(40, treeSizeBefore + count),
    receivedAtMs: 1_000,
    chunk: bytes(count * 10, treeSizeBefore + 1),
    commitments: bytes(32 * count, treeSizeBefore + 1),
    idempotency: new Uint8Array(0),
    idempotencyLeaves: new Float64Array(0),
    ...more,
  };
}

function ids(...rows: [Uint8Array, number][]): Pick<LogAppend, 'idempotency' | 'idempotencyLeaves'> {
  return { idempotency: concatBytes(...rows.map(([id]) => id)), idempotencyLeaves: Float64Array.from(rows, ([, leaf]) => leaf) };
}

export function describeRecordStore(driver: string, makePlace: () => RecordStorePlace): void {
  describe(`record store: ${driver}`, () => {
    let place: RecordStorePlace;
    let store: RecordStore;
    beforeEach(async () => {
      place = makePlace();
      store = place.open();
      await store.createLog(stateOf('a'));
    });
    afterEach(async () => {
      await store.close();
      place.remove();
    });
    const reopen = async (): Promise<void> => {
      await store.close();
      store = place.open();
    };

    test('a log is there as it was made, by name', async () => {
      await store.createLog(stateOf('0'));
      await reopen();
      expect(await store.logs()).toEqual([stateOf('0'), stateOf('a')]);
    });

    test('a name and an origin are given once', async () => {
      await expect(store.createLog(stateOf('a'))).rejects.toMatchObject({ code: 'log_exists' });
      await expect(store.createLog({ ...stateOf('b'), origin: 'test.example/a' })).rejects.toMatchObject({ code: 'log_exists' });
      expect(await store.logs()).toHaveLength(1);
    });

    test('an unknown log is refused', async () => {
      for (const call of [store.chunkFrom('x', 0), store.staged('x'), store.findRepetitions('x', row(1, 1)), store.commit([appendOf('x', 0, 1)])]) {
        await expect(call).rejects.toMatchObject({ code: 'log_not_found' });
      }
    });

    test('a tick is there as a whole', async () => {
      await store.createLog(stateOf('b'));
      await store.commit([appendOf('a', 0, 3, ids([row(1, 1), 0], [row(2, 1), 2])), appendOf('b', 0, 1, { receivedAtMs: 5 })]);
      await reopen();
      const [a, b] = await store.logs();
      expect(a).toEqual({ ...stateOf('a'), treeSize: 3, root: bytes(32, 3), frontier: bytes(40, 3), lastReceivedAtMs: 1_000 });
      expect(b).toMatchObject({ treeSize: 1, lastReceivedAtMs: 5 });
      expect(await store.chunkFrom('a', 1)).toEqual({ firstLeaf: 0, count: 3, receivedAtMs: 1_000, sealed: bytes(30, 1) });
      expect(await store.staged('a')).toEqual([{ firstLeaf: 0, commitments: bytes(96, 1) }]);
      expect([...(await store.findRepetitions('a', concatBytes(row(2, 1), row(1, 1), row(3, 1))))]).toEqual([2, 0, idIsNew]);
    });

    test('a tick that does not fit one tree changes none', async () => {
      await store.createLog(stateOf('b'));
      await store.commit([appendOf('b', 0, 1)]);
      await expect(store.commit([appendOf('a', 0, 1, ids([row(1, 1), 0])), appendOf('b', 0, 1)])).rejects.toMatchObject({ code: 'tree_moved' });
      await reopen();
      expect((await store.logs()).map(({ treeSize }) => treeSize)).toEqual([0, 1]);
      expect(await store.chunkFrom('a', 0)).toBeUndefined();
      expect(await store.staged('a')).toEqual([]);
      expect([...(await store.findRepetitions('a', row(1, 1)))]).toEqual([idIsNew]);
      await store.commit([appendOf('a', 0, 1), appendOf('b', 1, 1)]);
    });

    test('the time of receipt does not go backwards', async () => {
      await store.commit([appendOf('a', 0, 1)]);
      await store.commit([appendOf('a', 1, 1, { receivedAtMs: 10 })]);
      expect(await store.logs()).toMatchObject([{ lastReceivedAtMs: 1_000 }]);
    });

    test('chunks are found by any of their leaves, else the next one is', async () => {
      await store.commit([appendOf('a', 0, 2)]);
      await store.commit([appendOf('a', 2, 3)]);
      const firsts: (number | undefined)[] = [];
      for (let leaf = 0; leaf <= 5; leaf++) firsts.push((await store.chunkFrom('a', leaf))?.firstLeaf);
      expect(firsts).toEqual([0, 0, 2, 2, 2, undefined]);
    });

    test('ids: same body, other body, several bodies', async () => {
      await store.commit([appendOf('a', 0, 3, ids([row(1, 1), 0], [row(2, 1), 1], [row(2, 9), 2]))]);
      const asked = [row(1, 1), row(1, 2), row(2, 1), row(2, 9), row(2, 5), row(3, 1)];
      expect([...(await store.findRepetitions('a', concatBytes(...asked)))]).toEqual([0, idConflicts, 1, 2, idConflicts, idIsNew]);
      await store.createLog(stateOf('b'));
      expect([...(await store.findRepetitions('b', row(1, 1)))]).toEqual([idIsNew]);
      expect(await store.findRepetitions('a', new Uint8Array(0))).toHaveLength(0);
    });

    test('what is durable in tiles is staged no more; what reaches beyond stays', async () => {
      await store.commit([appendOf('a', 0, 200)]);
      await store.commit([appendOf('a', 200, 100)]);
      await store.commit([appendOf('a', 300, 1)]);
      await store.markDurable('a', 256);
      await store.markDurable('a', 0);
      await reopen();
      expect((await store.staged('a')).map(({ firstLeaf }) => firstLeaf)).toEqual([200, 300]);
      expect(await store.logs()).toMatchObject([{ durableSize: 256, treeSize: 301 }]);
      await store.markDurable('a', 512);
      expect(await store.staged('a')).toEqual([]);
    });

    test('ids are forgotten by the time of receipt, whatever the sender said, a bounded number at a time', async () => {
      // Keys are in the order of the sender's times; receipt was in the opposite order.
      await store.commit([appendOf('a', 0, 2, { receivedAtMs: day, ...ids([row(8, 1), 0], [row(9, 1), 1]) })]);
      await store.commit([appendOf('a', 2, 3, { receivedAtMs: 2 * day, ...ids([row(1, 1), 2], [row(2, 1), 3], [row(3, 1), 4]) })]);
      const known = async (): Promise<number[]> => [...(await store.findRepetitions('a', concatBytes(...[8, 9, 1, 2, 3].map((key) => row(key, 1)))))];
      expect(await store.pruneIdempotency('a', day, 10)).toBe(0);
      const steps: number[] = [];
      for (let i = 0; i < 3; i++) steps.push(await store.pruneIdempotency('a', 2 * day, 2));
      expect(steps).toEqual([0, 1, 1]);
      expect(await known()).toEqual([idIsNew, idIsNew, 2, 3, 4]);
      await reopen();
      expect(await store.pruneIdempotency('a', 3 * day, 10)).toBe(3);
      expect(await known()).toEqual(Array(5).fill(idIsNew));
    });

    describe('compaction', () => {
      const bucket = 65_536;
      const segment = {
        log: 'a',
        bucket: 0,
        class: 'default',
        generation: 1,
        records: 9,
        bytes: 90,
        firstReceivedAtMs: 1_000,
        lastReceivedAtMs: 2_000,
      };
      const holders = async (leaves: readonly number[]): Promise<unknown[]> => {
        const found = [];
        for (const leaf of leaves) {
          const holder = await store.recordsFrom('a', leaf);
          found.push(holder?.in === 'chunk' ? holder.firstLeaf : holder && `bucket ${holder.bucket}`);
        }
        return found;
      };
      const compaction = (more: object = {}) => ({
        log: 'a',
        bucket: 0,
        segments: [segment],
        lastReceivedAtMs: 2_000,
        chunkChanges: store.chunkChanges(),
        ...more,
      });
      const remainder = { firstLeaf: bucket, count: 10, receivedAtMs: 1_000, sealed: bytes(30, 7) };
      beforeEach(async () => {
        await store.commit([appendOf('a', 0, 60_000, { chunk: bytes(600, 1) })]);
        await store.commit([appendOf('a', 60_000, bucket + 10 - 60_000, { chunk: bytes(700, 2) })]);
        await store.commit([appendOf('a', bucket + 10, 10, { chunk: bytes(800, 3) })]);
      });

      test('registers segments: records are found there, and the rest of the last chunk in a chunk of its own', async () => {
        expect(await holders([0, 60_000, bucket, bucket + 10, bucket + 20])).toEqual([0, 60_000, 60_000, bucket + 10, undefined]);
        const other = { ...segment, class: 'logins' };
        await store.compact(compaction({ segments: [other, segment], remainder }));
        await reopen();
        expect(await holders([0, 65_535, bucket, bucket + 9, bucket + 10])).toEqual(['bucket 0', 'bucket 0', bucket, bucket, bucket + 10]);
        expect(await store.recordsFrom('a', 5)).toEqual({ in: 'segments', bucket: 0, segments: [segment, other] });
        expect(await store.compactedBuckets('a', 0)).toEqual([{ bucket: 0, segments: [segment, other] }]);
        expect(await store.compactedBuckets('a', 1)).toEqual([]);
        const source = place.openSource();
        expect(await source.recordsFrom('a', bucket)).toEqual({ in: 'chunk', ...remainder });
        await source.close();
        await expect(store.compact(compaction())).rejects.toMatchObject({ code: 'storage_failed' });
      });

      test('goes on from a bucket to the next holder, whichever it is', async () => {
        await store.compact(compaction({ bucket: 1, segments: [] }));
        expect(await holders([0, bucket, 3 * bucket])).toEqual([0, 'bucket 1', undefined]);
        await store.compact(compaction({ bucket: 5, segments: [] }));
        expect(await holders([3 * bucket, 6 * bucket])).toEqual(['bucket 5', undefined]);
      });

      test('deletes what is left over in steps, and nothing else', async () => {
        expect(await store.dropLeftOver('a', 1)).toBe(false);
        await store.compact(compaction({ remainder }));
        expect(await store.dropLeftOver('a', 1)).toBe(true);
        expect(await store.chunkFrom('a', 0)).toMatchObject({ firstLeaf: 60_000 });
        await reopen();
        expect(await store.dropLeftOver('a', 1_000)).toBe(false);
        expect(await store.chunkFrom('a', 0)).toMatchObject({ firstLeaf: bucket });
        expect(await holders([0, bucket, bucket + 10])).toEqual(['bucket 0', bucket, bucket + 10]);
        await store.createLog(stateOf('b'));
        expect(await store.dropLeftOver('b', 1)).toBe(false);
      });

      test('is refused when chunks were changed while they were read', async () => {
        await expect(store.compact(compaction({ chunkChanges: store.chunkChanges() + 1 }))).rejects.toMatchObject({ code: 'chunks_changed' });
        expect(await store.compactedBuckets('a', 0)).toEqual([]);
      });

      test('segments are replaced all or none', async () => {
        const other = { ...segment, class: 'logins' };
        await store.compact(compaction({ segments: [segment, other], remainder }));
        const next = { ...segment, generation: 2, records: 8 };
        await expect(store.replaceSegments([{ old: segment, next }, { old: { ...other, generation: 3 } }])).rejects.toMatchObject({ code: 'segment_moved' }); // prettier-ignore
        expect((await store.compactedBuckets('a', 0))[0]?.segments).toEqual([segment, other]);
        await store.replaceSegments([{ old: segment, next }, { old: other }]);
        await reopen();
        expect((await store.compactedBuckets('a', 0))[0]?.segments).toEqual([next]);
        await store.replaceSegments([{ old: next }]);
        expect(await store.recordsFrom('a', 0)).toEqual({ in: 'segments', bucket: 0, segments: [] });
      });

      test('ids of a compacted bucket are forgotten when its last record is old enough', async () => {
        await store.commit([appendOf('a', bucket + 20, 2, { receivedAtMs: day, ...ids([row(1, 1), 3], [row(2, 1), bucket + 20]) })]);
        await store.compact(compaction({ remainder, lastReceivedAtMs: 1_000 }));
        while (await store.dropLeftOver('a', 1_000));
        expect(await store.pruneIdempotency('a', 1_000, 10)).toBe(0);
        expect(await store.pruneIdempotency('a', 1_001, 10)).toBe(1);
        expect([...(await store.findRepetitions('a', concatBytes(row(1, 1), row(2, 1))))]).toEqual([idIsNew, bucket + 20]);
        expect(await store.pruneIdempotency('a', day + 1, 10)).toBe(1);
      });
    });

    test('the closing flag is kept', async () => {
      expect(await store.isClean()).toBe(false);
      await store.setClean(true);
      await reopen();
      expect(await store.isClean()).toBe(true);
      await store.setClean(false);
      expect(await store.isClean()).toBe(false);
    });

    test('a source reads beside the one who writes, and after', async () => {
      await store.commit([appendOf('a', 0, 2)]);
      const source = place.openSource();
      expect(await source.logs()).toMatchObject([{ log: 'a', treeSize: 2 }]);
      await store.commit([appendOf('a', 2, 1)]);
      await store.tidy();
      expect(await source.chunkFrom('a', 2)).toMatchObject({ firstLeaf: 2, count: 1 });
      expect(await source.staged('a')).toHaveLength(2);
      expect(await source.isClean()).toBe(false);
      await source.close();
      await store.close();
      const later = place.openSource();
      expect(await later.logs()).toMatchObject([{ log: 'a', treeSize: 3 }]);
      await later.close();
      store = place.open();
    });
  });
}
