import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FaultLine, faultyRecords } from '../crash/faulty-stores.ts';
import { Installation, originOf, testSigner } from './installation.ts';
import { numbered, packBatch } from './batches.ts';
import { ManualTimers } from './manual-timers.ts';
import { openCheckpoint } from '../../src/log/checkpoint.ts';
import { createNoteVerifier } from '../../src/log/note-key.ts';
import { placing } from '../../src/pipeline/packed-batch.ts';

let at: Installation;
beforeEach(() => {
  at = new Installation();
});
afterEach(() => at.remove());

describe('appending', () => {
  test('gives leaves in order, and a signed checkpoint that covers them', async () => {
    const ledger = await at.openWith(['main']);
    const first = await at.append(ledger, { log: 'main', events: numbered(0, 3) });
    const second = await at.append(ledger, { log: 'main', events: numbered(3, 2) });
    expect(first.appended.map(({ leafIndex }) => leafIndex)).toEqual([0, 1, 2]);
    expect(second.appended.map(({ leafIndex }) => leafIndex)).toEqual([3, 4]);
    const trust = { origin: originOf('main'), log: [createNoteVerifier(testSigner('main').vkey)] };
    expect(openCheckpoint(second.checkpoint, trust).treeSize).toBe(5);
    expect(second.treeSize).toBe(5);
    await ledger.close();
    expect(await at.check('main')).toBe(5);
  });

  test('batches that arrive together share a tick, in the order of arrival, and logs share it too', async () => {
    const published: string[] = [];
    const ledger = await at.openWith(['a', 'b'], { onPublished: ({ log, published: { treeSize } }) => published.push(`${log} ${treeSize}`) });
    published.length = 0;
    const answers = await Promise.all([
      at.append(ledger, { log: 'a', events: numbered(0, 2) }),
      at.append(ledger, { log: 'b', events: numbered(0, 1) }),
      at.append(ledger, { log: 'a', events: numbered(2, 2) }),
    ]);
    expect(answers.map(({ appended }) => appended.map(({ leafIndex }) => leafIndex))).toEqual([[0, 1], [0], [2, 3]]);
    expect(answers.map(({ treeSize }) => treeSize)).toEqual([4, 1, 4]);
    expect(published).toEqual(['a 4', 'b 1']);
    await ledger.close();
    expect(await at.check('a')).toBe(4);
    expect(await at.check('b')).toBe(1);
  });

  test('an empty batch is answered with the checkpoint', async () => {
    const ledger = await at.openWith(['main']);
    await at.append(ledger, { log: 'main', events: numbered(0, 1) });
    expect(await at.append(ledger, { log: 'main', events: [] })).toMatchObject({ appended: [], treeSize: 1 });
    await ledger.close();
  });

  test.each([
    ['a log that is not there', () => packBatch({ log: 'other', origin: 'o', events: [] }), 'log_not_found'],
    ['parts that do not fit', () => ({ ...packBatch({ log: 'main', origin: 'o', events: numbered(0, 2) }), count: 3 }), 'bad_batch'],
    [
      'commitments that do not fit',
      () => ({ ...packBatch({ log: 'main', origin: 'o', events: numbered(0, 2) }), commitments: new Uint8Array(63) }),
      'bad_batch',
    ],
    ['offsets that go back', () => ({ ...packBatch({ log: 'main', origin: 'o', events: numbered(0, 2) }), recordOffsets: Uint32Array.of(9, 5, 0), records: new Uint8Array(0) }), 'bad_batch'], // prettier-ignore
    ['a time that is none', () => packBatch({ log: 'main', origin: 'o', events: [], receivedAtMs: -1 }), 'bad_batch'],
  ])('%s is refused', async (_, batch, code) => {
    const ledger = await at.openWith(['main']);
    await expect(ledger.append(batch())).rejects.toMatchObject({ code });
    await ledger.close();
  });

  test('the time of receipt never goes backwards, not even across a restart', async () => {
    let ledger = await at.openWith(['main']);
    await at.append(ledger, { log: 'main', events: numbered(0, 1), receivedAtMs: 5_000 });
    await at.append(ledger, { log: 'main', events: numbered(1, 1), receivedAtMs: 4_000 });
    await ledger.close();
    ledger = await at.open();
    await at.append(ledger, { log: 'main', events: numbered(2, 1), receivedAtMs: 3_000 });
    await at.append(ledger, { log: 'main', events: numbered(3, 1), receivedAtMs: 6_000 });
    await ledger.close();
    const records = at.openRecords();
    const times: (number | undefined)[] = [];
    for (let leaf = 0; leaf < 4; leaf++) times.push((await records.chunkFrom('main', leaf))?.receivedAtMs);
    expect(times).toEqual([5_000, 5_000, 5_000, 6_000]);
    await records.close();
  });

  test('a closed ledger refuses, and closing twice is closing once', async () => {
    const ledger = await at.openWith(['main']);
    const waiting = at.append(ledger, { log: 'main', events: numbered(0, 1) });
    await Promise.all([ledger.close(), ledger.close()]);
    expect((await waiting).treeSize).toBe(1);
    await expect(at.append(ledger, { log: 'main', events: numbered(1, 1) })).rejects.toMatchObject({ code: 'ledger_closed' });
  });
});

describe('logs', () => {
  test('a new log has a checkpoint of its empty tree', async () => {
    const ledger = await at.openWith(['main']);
    expect(ledger.logs()).toMatchObject([{ log: 'main', origin: originOf('main'), published: { treeSize: 0 } }]);
    await ledger.close();
    expect(await at.check('main')).toBe(0);
  });

  test.each([['Main'], [''], ['a/b'], ['..'], ['a.b'], ['-a'], ['x'.repeat(65)]])('%j is not a name', async (name) => {
    const ledger = await at.open();
    await expect(ledger.createLog(name, 'test.example/x')).rejects.toMatchObject({ code: 'bad_log_name' });
    await ledger.close();
  });

  test.each([[''], ['a b'], ['a+b'], ['é'.repeat(128)]])('%j is not an origin', async (origin) => {
    const ledger = await at.open();
    await expect(ledger.createLog('main', origin)).rejects.toMatchObject({ code: 'bad_origin' });
    await ledger.close();
  });

  test('a name or an origin is given once', async () => {
    const ledger = await at.openWith(['main']);
    await expect(ledger.createLog('main', 'test.example/other')).rejects.toMatchObject({ code: 'log_exists' });
    await expect(ledger.createLog('other', originOf('main'))).rejects.toMatchObject({ code: 'log_exists' });
    await ledger.close();
  });
});

describe('repetitions', () => {
  test('are answered with their old leaves, and appended no more: in the store, across a restart, in the tick, in the batch', async () => {
    let ledger = await at.openWith(['main']);
    await at.append(ledger, { log: 'main', events: numbered(0, 3) });
    await ledger.close();
    ledger = await at.open();
    const [again, mixed, inBatch] = await Promise.all([
      at.append(ledger, { log: 'main', events: numbered(0, 3) }),
      at.append(ledger, { log: 'main', events: numbered(2, 3) }),
      at.append(ledger, { log: 'main', events: [...numbered(4, 2), ...numbered(5, 1)] }),
    ]);
    expect(again.appended).toEqual([0, 1, 2].map((leafIndex) => ({ leafIndex, duplicate: true })));
    expect(mixed.appended).toEqual([{ leafIndex: 2, duplicate: true }, { leafIndex: 3, duplicate: false }, { leafIndex: 4, duplicate: false }]); // prettier-ignore
    expect(inBatch.appended).toEqual([{ leafIndex: 4, duplicate: true }, { leafIndex: 5, duplicate: false }, { leafIndex: 5, duplicate: true }]); // prettier-ignore
    await ledger.close();
    expect(await at.check('main')).toBe(6);
  });

  test('ids of one log say nothing about another', async () => {
    const ledger = await at.openWith(['a', 'b']);
    await at.append(ledger, { log: 'a', events: numbered(0, 2) });
    expect((await at.append(ledger, { log: 'b', events: numbered(0, 2) })).appended.every(({ duplicate }) => !duplicate)).toBe(true);
    await ledger.close();
  });

  test('another body under a known id refuses that batch, whole, and no other', async () => {
    const ledger = await at.openWith(['main']);
    await at.append(ledger, { log: 'main', events: numbered(0, 1) });
    const results = await Promise.allSettled([
      at.append(ledger, { log: 'main', events: [...numbered(1, 1), { id: 'event-0', body: 'another' }] }),
      at.append(ledger, { log: 'main', events: numbered(1, 2) }),
      at.append(ledger, { log: 'main', events: [...numbered(3, 1), { id: 'event-2', body: 'another' }] }),
      at.append(ledger, { log: 'main', events: [{ id: 'twice', body: 'one' }, { id: 'twice', body: 'two' }] }), // prettier-ignore
      at.append(ledger, { log: 'main', events: [{ id: 'twice', body: 'two' }] }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'rejected', 'fulfilled']);
    for (const i of [0, 2, 3]) expect((results[i] as PromiseRejectedResult).reason).toMatchObject({ code: 'id_conflict' });
    await ledger.close();
    expect(await at.check('main')).toBe(4);
  });

  test('requests that share a batch are refused one by one', async () => {
    const ledger = await at.openWith(['main']);
    const events = [...numbered(0, 2), { id: 'event-0', body: 'another' }, ...numbered(2, 1), ...numbered(2, 2), ...numbered(3, 1)];
    // Requests of 2, 2, 0, 2 and 1 events: the second has a conflict with the first, and what it brought is new to the fourth.
    const batch = { ...packBatch({ log: 'main', origin: originOf('main'), events }), requestEnds: Uint32Array.of(2, 4, 4, 6, 7) };
    const { leafIndexes, placings, treeSize } = await ledger.append(batch);
    const { appended, duplicate, refused } = placing;
    expect([...placings]).toEqual([appended, appended, refused, refused, appended, appended, duplicate]);
    expect([...leafIndexes]).toEqual([0, 1, 0, 0, 2, 3, 3]);
    expect(treeSize).toBe(4);
    await ledger.close();
    expect(await at.check('main')).toBe(4);
  });

  test.each([[[1]], [[3]], [[2, 1, 2]], [[]]])('ends of requests that do not fit are refused: %j', async (ends) => {
    const ledger = await at.openWith(['main']);
    const batch = { ...packBatch({ log: 'main', origin: originOf('main'), events: numbered(0, 2) }), requestEnds: Uint32Array.from(ends) };
    await expect(ledger.append(batch)).rejects.toMatchObject({ code: 'bad_batch' });
    await ledger.close();
  });

  test('where a protocol knows no conflict, another body is appended and flagged, and a repetition of either is one', async () => {
    const ledger = await at.openWith(['main']);
    const one = { id: 'same', body: 'one' };
    const two = { id: 'same', body: 'two' };
    const three = { id: 'same', body: 'three' };
    const append = (...events: (typeof one)[]) => at.append(ledger, { log: 'main', events, onConflict: 'append' });
    expect((await append(one)).appended).toEqual([{ leafIndex: 0, duplicate: false }]);
    expect((await append(two)).appended).toEqual([{ leafIndex: 1, duplicate: false, conflict: true }]);
    expect((await append(two, one, three, three)).appended).toEqual([
      { leafIndex: 1, duplicate: true },
      { leafIndex: 0, duplicate: true },
      { leafIndex: 2, duplicate: false, conflict: true },
      { leafIndex: 2, duplicate: true },
    ]);
    const fresh = { id: 'fresh', body: 'one' };
    const other = { id: 'fresh', body: 'two' };
    const { appended } = await append(fresh, other, other, fresh);
    expect(appended.map(({ leafIndex }) => leafIndex)).toEqual([3, 4, 4, 3]);
    expect(appended.map(({ conflict }) => conflict)).toEqual([undefined, true, undefined, undefined]);
    await ledger.close();
    expect(await at.check('main')).toBe(5);
  });

  test('an id is forgotten three days after it was received', async () => {
    const day = 24 * 3_600_000;
    let now = 10 * day;
    const timers = new ManualTimers();
    const line = new FaultLine();
    const ledger = await at.openWith(['main'], { clock: { now: () => now }, timers, records: faultyRecords(at.openRecords(), line) });
    /** What timers start is done. */
    const fire = async (): Promise<void> => {
      const prunes = (): number => line.writes.filter((write) => write === 'prune').length;
      const before = prunes();
      timers.fire();
      await expect.poll(prunes).toBeGreaterThan(before);
      await line.quiet();
    };
    const append = (from: number, count: number) =>
      at.append(ledger, { log: 'main', events: numbered(from, count).map((event) => ({ ...event, atMs: 7 * day })), receivedAtMs: now });
    await append(0, 2);
    now += 2 * day;
    await append(2, 1);
    await fire();
    expect((await append(0, 1)).appended[0]?.duplicate).toBe(true);
    now += 2 * day;
    await fire();
    expect((await append(0, 3)).appended.map(({ duplicate }) => duplicate)).toEqual([false, false, true]);
    await ledger.close();
  });
});

describe('the queue', () => {
  test('is bounded in bytes, and takes one batch however large', async () => {
    const ledger = await at.openWith(['main'], { bounds: { queueBytesMax: 2_000 } });
    const large = at.append(ledger, { log: 'main', events: numbered(0, 50) });
    await expect(at.append(ledger, { log: 'main', events: numbered(50, 1) })).rejects.toMatchObject({ code: 'queue_full' });
    expect((await large).treeSize).toBe(50);
    expect((await at.append(ledger, { log: 'main', events: numbered(50, 1) })).treeSize).toBe(51);
    await ledger.close();
  });

  test('a tick takes so many bytes, and at least one batch', async () => {
    const ledger = await at.openWith(['main'], { bounds: { tickBytesMax: 1 } });
    const answers = await Promise.all([0, 1, 2].map((i) => at.append(ledger, { log: 'main', events: numbered(10 * i, 10) })));
    expect(answers.map(({ treeSize }) => treeSize)).toEqual([10, 20, 30]);
    await ledger.close();
  });

  test('a busy one gathers before the next tick, an idle one does not', async () => {
    let now = 0;
    const waits: number[] = [];
    const timers = {
      after(ms: number, run: () => void) {
        if (ms < 1_000) {
          waits.push(ms);
          now += ms;
          setImmediate(run);
        }
        return () => undefined;
      },
    };
    const ledger = await at.openWith(['main'], { clock: { now: () => now }, timers });
    for (let i = 0; i < 4; i++) await at.append(ledger, { log: 'main', events: numbered(i, 1) });
    expect(waits).toEqual([]);
    await Promise.all(Array.from({ length: 80 }, (_, i) => at.append(ledger, { log: 'main', events: numbered(100 + i, 1) })));
    await at.append(ledger, { log: 'main', events: numbered(200, 1) });
    expect(waits).toEqual([30]);
    now += 60_000;
    await at.append(ledger, { log: 'main', events: numbered(201, 1) });
    expect(waits).toEqual([30]);
    await Promise.all(Array.from({ length: 80 }, (_, i) => at.append(ledger, { log: 'main', events: numbered(300 + i, 1) })));
    now += 60_000;
    await at.append(ledger, { log: 'main', events: numbered(400, 1) });
    expect(waits).toEqual([30]);
    await ledger.close();
  });
});

describe.each([255, 256, 257, 65_535, 65_536, 65_537])('around %i leaves', (size) => {
  test('restarts continue the same tree', async () => {
    let ledger = await at.openWith(['main']);
    for (let from = 0; from < size - 1; from += 8_000)
      await at.append(ledger, { log: 'main', events: numbered(from, Math.min(8_000, size - 1 - from)) });
    await ledger.close();
    for (const from of [size - 1, size, size + 1]) {
      ledger = await at.open();
      expect((await at.append(ledger, { log: 'main', events: numbered(from, 1) })).appended).toEqual([{ leafIndex: from, duplicate: false }]);
      await ledger.close();
    }
    expect(await at.check('main')).toBe(size + 2);
  });
});
