/** A ledger whose storage or vault is in trouble: what stops it, what does not, and what it does by itself afterwards. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import { Ledger, type LedgerOptions } from '../../src/ledger/ledger.ts';
import { FaultLine, faultyRecords, faultyTiles } from '../crash/faulty-stores.ts';
import { numbered, packBatch } from './batches.ts';
import { Installation, originOf, testBucketKeys, testSigner } from './installation.ts';
import { ManualTimers } from './manual-timers.ts';

let at: Installation;
let line: FaultLine;
let timers: ManualTimers;
let fatal: Error[];
beforeEach(() => {
  at = new Installation();
  line = new FaultLine();
  timers = new ManualTimers();
  fatal = [];
});
afterEach(() => at.remove());

async function open(more: Partial<LedgerOptions> = {}): Promise<Ledger> {
  const records = faultyRecords(at.openRecords(), line);
  const tiles = faultyTiles(at.openTiles(), line);
  return at.openWith(['main'], { records, tiles, timers, onFatal: (error) => void fatal.push(error), ...more });
}

function append(ledger: Ledger, from: number, count = 1): ReturnType<Installation['append']> {
  return at.append(ledger, { log: 'main', events: numbered(from, count) });
}

async function fireTimers(): Promise<void> {
  timers.fire();
  await line.quiet();
}

describe('the vault', () => {
  test('that refuses a key refuses the tick; the next one may work', async () => {
    let locked = true;
    const bucketKey = async (log: string, bucket: number): Promise<Uint8Array> => {
      if (locked) throw new VeiltrailError('vault_locked', 'the vault is locked');
      return testBucketKeys.bucketKey(log, bucket);
    };
    const ledger = await open({ bucketKeys: { bucketKey } });
    await expect(append(ledger, 0)).rejects.toMatchObject({ code: 'vault_locked' });
    locked = false;
    expect((await append(ledger, 0)).appended).toEqual([{ leafIndex: 0, duplicate: false }]);
    expect(fatal).toEqual([]);
    await ledger.close();
    expect(await at.check('main')).toBe(1);
  });

  test('that does what nobody foresaw stops the ledger', async () => {
    const ledger = await open({ bucketKeys: { bucketKey: () => Promise.reject(new TypeError('no such thing')) } });
    const waiting = [append(ledger, 0), append(ledger, 1)].map((one) => expect(one).rejects.toThrow('no such thing'));
    await Promise.all(waiting);
    expect(fatal).toHaveLength(1);
    await expect(append(ledger, 2)).rejects.toThrow('no such thing');
    await ledger.close();
  });
});

describe('a log that is added', () => {
  test('when it cannot be published is taken up by the next try', async () => {
    const ledger = await open();
    line.arm({ after: 1, persisted: false, kind: 'refuse' });
    await expect(ledger.createLog('late', originOf('late'))).rejects.toMatchObject({ code: 'disk_full' });
    await expect(at.append(ledger, { log: 'late', events: numbered(0, 1) })).rejects.toMatchObject({ code: 'log_not_found' });
    // What was published under the first origin is not written over.
    await expect(ledger.createLog('late', 'test.example/another')).rejects.toMatchObject({ code: 'checkpoint_damaged' });
    await ledger.createLog('late', originOf('late'));
    await at.append(ledger, { log: 'late', events: numbered(0, 1) });
    await ledger.close();
    expect(await at.check('late')).toBe(1);
  });

  test('while the device fails stops the ledger', async () => {
    const ledger = await open();
    line.arm({ after: 0, persisted: false, kind: 'fail' });
    await expect(ledger.createLog('late', originOf('late'))).rejects.toMatchObject({ code: 'storage_failed' });
    expect(fatal).toMatchObject([{ code: 'storage_failed' }]);
  });
});

describe('what could not be published', () => {
  /** Commits, and cannot write the first tile. */
  async function unpublished(ledger: Ledger, refusals: number): Promise<void> {
    line.arm({ after: 1, persisted: false, kind: 'refuse', refusals });
    await expect(append(ledger, 0)).rejects.toMatchObject({
      code: 'not_published',
      message: expect.stringContaining('the disk is full'),
      detail: { cause: 'disk_full' },
    });
  }

  test('is published by a timer, which goes on until it can', async () => {
    const ledger = await open();
    // Each time, housekeeping takes one refusal too.
    await unpublished(ledger, 5);
    for (const expected of [0, 0, 1]) {
      expect(ledger.logs()[0]?.published.treeSize).toBe(0);
      expect(timers.waiting).toContain(1_000);
      await fireTimers();
      expect(ledger.logs()[0]?.published.treeSize).toBe(expected);
    }
    expect(await at.check('main')).toBe(1);
    await ledger.close();
  });

  test('is published by the next batch; until it is, nothing more is stored', async () => {
    const ledger = await open();
    await unpublished(ledger, 2);
    await expect(append(ledger, 1)).rejects.toMatchObject({ code: 'disk_full' });
    expect((await append(ledger, 0)).appended).toEqual([{ leafIndex: 0, duplicate: true }]);
    expect((await append(ledger, 1)).appended).toEqual([{ leafIndex: 1, duplicate: false }]);
    await ledger.close();
    expect(await at.check('main')).toBe(2);
  });

  test('goes before batches that come while it is', async () => {
    const ledger = await open();
    await unpublished(ledger, 1);
    timers.fire();
    expect((await append(ledger, 1)).treeSize).toBe(2);
    await ledger.close();
  });

  test('stops the ledger when the device fails meanwhile', async () => {
    const ledger = await open();
    await unpublished(ledger, 1);
    line.arm({ after: 0, persisted: false, kind: 'fail' });
    await fireTimers();
    expect(fatal).toMatchObject([{ code: 'storage_failed' }]);
    await ledger.close();
    await (await at.open()).close();
    expect(await at.check('main')).toBe(1);
  });

  test('at the end is published by the next start, which finds the directory not closed', async () => {
    const ledger = await open();
    await unpublished(ledger, 9);
    await ledger.close();
    const records = at.openRecords();
    expect(await records.isClean()).toBe(false);
    const next = await at.open({ records });
    expect(next.logs()[0]?.published.treeSize).toBe(1);
    await next.close();
    expect(await at.check('main')).toBe(1);
  });

  test('at the end stops the ledger when the device fails', async () => {
    const ledger = await open();
    await unpublished(ledger, 1);
    line.arm({ after: 0, persisted: false, kind: 'fail' });
    await ledger.close();
    expect(fatal).toMatchObject([{ code: 'storage_failed' }]);
  });
});

describe('housekeeping', () => {
  test('that is refused is tried again', async () => {
    const ledger = await open();
    await append(ledger, 0, 300);
    line.arm({ after: 0, persisted: false, kind: 'refuse' });
    await fireTimers();
    expect(timers.waiting).toEqual([1_000]);
    await fireTimers();
    expect(line.writes.some((write) => write === 'drop staged')).toBe(true);
    await ledger.close();
    expect(await at.check('main')).toBe(300);
  });

  test('that fails to bring tiles to disk stops the ledger', async () => {
    const ledger = await open();
    await append(ledger, 0, 300);
    line.arm({ after: 0, persisted: false, kind: 'fail' });
    await fireTimers();
    expect(fatal).toMatchObject([{ code: 'storage_failed' }]);
    await expect(append(ledger, 300)).rejects.toMatchObject({ code: 'storage_failed' });
    await ledger.close();
  });

  test('is waited for when too much is staged', async () => {
    const ledger = await open({ bounds: { unsyncedLeavesMax: 299 } });
    const tilesSynced = (): number => line.writes.filter((write) => write.startsWith('sync ') && write !== 'sync checkpoint').length;
    await append(ledger, 0, 300);
    await append(ledger, 300);
    expect(tilesSynced()).toBe(1);
    await append(ledger, 301);
    expect(tilesSynced()).toBe(1);
    await ledger.close();
  });

  test('of a ledger without logs has nothing to do', async () => {
    const ledger = await at.open({ timers });
    await fireTimers();
    await ledger.close();
  });
});

describe('gathering', () => {
  /** So many batches in one tick that the next one gathers. */
  async function busy(ledger: Ledger): Promise<void> {
    await Promise.all(Array.from({ length: 10 }, (_, i) => append(ledger, i)));
  }

  test('ends when enough has come in', async () => {
    const ledger = await open({ bounds: { tickBytesMax: 10_000 } });
    await busy(ledger);
    const first = append(ledger, 10);
    await line.quiet();
    expect(timers.waiting.filter((ms) => ms < 100)).toHaveLength(1);
    await Promise.all([first, append(ledger, 11, 100)]);
    await ledger.close();
  });

  test('ends when the ledger is closed', async () => {
    const ledger = await open();
    await busy(ledger);
    const waiting = append(ledger, 10);
    await line.quiet();
    await ledger.close();
    expect((await waiting).treeSize).toBe(11);
  });

  test('ends when the ledger dies', async () => {
    const ledger = await open();
    await append(ledger, 100, 300);
    await busy(ledger);
    const waiting = append(ledger, 10).catch((error: unknown) => error);
    await line.quiet();
    line.arm({ after: 0, persisted: false, kind: 'fail' });
    await fireTimers();
    expect(await waiting).toMatchObject({ code: 'storage_failed' });
    expect(fatal).toHaveLength(1);
    await ledger.close();
  });
});

test('everything but stores and keys has a default', async () => {
  const ledger = await Ledger.open({
    records: at.openRecords(),
    tiles: at.openTiles(),
    bucketKeys: testBucketKeys,
    signers: async (log) => [testSigner(log)],
  });
  await ledger.createLog('main', originOf('main'));
  // A busy one, so that the real timers gather.
  const answers = Array.from({ length: 20 }, (_, i) => ledger.append(packBatch({ log: 'main', origin: originOf('main'), events: numbered(i, 1) })));
  await Promise.all(answers);
  await ledger.append(packBatch({ log: 'main', origin: originOf('main'), events: numbered(20, 1) }));
  await ledger.close();
  expect(await at.check('main')).toBe(21);
});

test('a ledger that dies without anybody to tell just stops', async () => {
  const ledger = await Ledger.open({
    records: faultyRecords(at.openRecords(), line),
    tiles: at.openTiles(),
    bucketKeys: testBucketKeys,
    signers: async (log) => [testSigner(log)],
  });
  line.arm({ after: 0, persisted: false, kind: 'fail' });
  await expect(ledger.createLog('main', originOf('main'))).rejects.toMatchObject({ code: 'storage_failed' });
  await ledger.close();
});
