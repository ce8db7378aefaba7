/** Requests that arrive together share a batch, and yet each has an answer of its own. Ledger, pipeline and vault are the real ones. */
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppendEvents, type AppendParts, type AppendRequest } from '../../src/app/append-events.ts';
import type { Clock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { createIdempotency } from '../../src/pipeline/idempotency.ts';
import { packOwnBatch } from '../../src/pipeline/own-batch.ts';
import type { PackedBatch } from '../../src/pipeline/packed-batch.ts';
import { WorkerPool } from '../../src/pipeline/pool.ts';
import { Installation } from '../ledger/installation.ts';

/** The ledger, whose clock is the system's, forgets ids that were received days ago within a second. */
const nowMs = Date.now();
let at: Installation;
let ledger: Ledger;
let pool: WorkerPool;
/** What reached the ledger. */
let batches: PackedBatch[];
beforeEach(async () => {
  at = new Installation();
  ledger = await at.openWith(['main', 'other']);
  batches = [];
  const startWorker = (): Worker => new Worker(new URL('../pipeline/dying-worker.ts', import.meta.url), { workerData: { runs: 'dying' } });
  pool = new WorkerPool({ workers: 2, startWorker });
});
afterEach(async () => {
  await pool.close();
  await ledger.close();
  at.remove();
});

function open(more: Partial<AppendParts> = {}): AppendEvents {
  const append: AppendParts['append'] = (batch) => {
    batches.push(batch);
    return ledger.append(batch);
  };
  const logs = ledger.logs();
  const originOfLog = (log: string): string | undefined => logs.find((one) => one.log === log)?.origin;
  return new AppendEvents({ pipeline: pool, append, originOf: originOfLog, lastReceivedAtMs: 0, clock: { now: () => nowMs }, ...more });
}

const eventOf = (id: string, action = 'x'): string => JSON.stringify({ id, action, time: '2026-01-02T03:04:05Z', actor: { type: 'user', id: 'u' } });

function requestOf(body: string, more: Partial<AppendRequest> = {}): AppendRequest {
  return { log: 'main', principal: 'k1', body: Buffer.from(body), format: 'auto', ...more };
}

test('single posts that arrive together are few batches, and each is told its own leaf', async () => {
  const events = open();
  const answers = await Promise.all(Array.from({ length: 600 }, (_, i) => events.append(requestOf(eventOf(`e-${i}`), { principal: `k${i % 3}` }))));
  expect(answers.map(({ receipts }) => receipts)).toEqual(Array.from({ length: 600 }, (_, i) => [{ id: `e-${i}`, leafIndex: i, duplicate: false }]));
  expect(batches.length).toBeLessThan(5);
  expect(ledger.logs().find(({ log }) => log === 'main')?.published.treeSize).toBe(600);
});

test('what is refused is refused alone', async () => {
  const events = open();
  await events.append(requestOf(eventOf('old')));
  const results = await Promise.allSettled([
    events.append(requestOf(eventOf('a'))),
    events.append(requestOf('{"a":', { format: 'json' })),
    events.append(requestOf(`${eventOf('b')}\n${eventOf('old', 'another')}`, { format: 'ndjson' })),
    events.append(requestOf(eventOf('old'))),
    events.append(requestOf(eventOf('b'), { log: 'none' })),
    events.append(requestOf(eventOf('b'))),
  ]);
  const outcomes = results.map((result) => (result.status === 'fulfilled' ? result.value.receipts[0] : (result.reason as { code?: string }).code));
  expect(outcomes).toEqual([
    { id: 'a', leafIndex: 1, duplicate: false },
    'json_syntax',
    'id_conflict',
    { id: 'old', leafIndex: 0, duplicate: true },
    'log_unknown',
    { id: 'b', leafIndex: 2, duplicate: false },
  ]);
});

test('a group of which nothing is left does not reach the ledger', async () => {
  await expect(open().append(requestOf('{', { format: 'json' }))).rejects.toMatchObject({ code: 'json_syntax' });
  expect(batches).toEqual([]);
});

test('an id that comes again with another content is flagged where it is to be appended', async () => {
  const events = open();
  await events.append(requestOf(eventOf('a')));
  const append = (action: string) => events.append(requestOf(eventOf('a', action), { onConflict: 'append' }));
  expect((await append('y')).receipts).toEqual([{ id: 'a', leafIndex: 1, duplicate: false, conflict: true }]);
  expect((await append('y')).receipts).toEqual([{ id: 'a', leafIndex: 1, duplicate: true }]);
});

test('logs, and requests with different rules for conflicts, do not share a batch, and arrival decides', async () => {
  const events = open();
  const modes = ['refuse', 'refuse', 'append', 'refuse'] as const;
  await Promise.all(
    modes.flatMap((onConflict, i) => ['main', 'other'].map((log) => events.append(requestOf(eventOf(`${log}-${i}`), { log, onConflict })))),
  );
  for (const log of ['main', 'other']) {
    const ours = batches.filter((batch) => batch.log === log);
    expect(ours.map(({ count, onConflict }) => `${count} ${onConflict}`)).toEqual(['2 refuse', '1 append', '1 refuse']);
  }
});

test('time of receipt never goes backwards, whatever the clock does and the workers take', async () => {
  const times = [5_000, 4_000, 6_000, 3_000];
  const clock: Clock = { now: () => times.shift() ?? 1_000 };
  const events = open({ clock, lastReceivedAtMs: 4_500 });
  // The first is large, and would be overtaken.
  const large = Array.from({ length: 4_000 }, (_, i) => eventOf(`l-${i}`)).join('\n');
  await Promise.all([events.append(requestOf(large)), ...['a', 'b', 'c'].map((id) => events.append(requestOf(eventOf(id))))]);
  expect(batches.map(({ receivedAtMs }) => receivedAtMs)).toEqual([5_000, 6_000]);
  expect(ledger.logs().find(({ log }) => log === 'main')?.published.treeSize).toBe(4_003);
});

test('what the ledger cannot take is every request’s of that batch, but for those that were refused before', async () => {
  const trouble = Object.assign(new Error('no room'), { code: 'disk_full' });
  const events = open({ append: () => Promise.reject(trouble) });
  const results = await Promise.allSettled([eventOf('a'), '{', eventOf('b')].map((body) => events.append(requestOf(body, { format: 'json' }))));
  expect(results.map((result) => (result as PromiseRejectedResult).reason.code)).toEqual(['disk_full', 'json_syntax', 'disk_full']);
  await events.settled();
});

test('a pool that is closed rejects what it is given', async () => {
  const events = open();
  await pool.close();
  await expect(events.append(requestOf(eventOf('a')))).rejects.toThrow('a pipeline worker died');
});

test('bytes that wait are bounded; one request alone is always taken', async () => {
  const events = open({ bytesMax: 150 });
  const first = events.append(requestOf(eventOf('a'.repeat(200))));
  await expect(events.append(requestOf(eventOf('b')))).rejects.toMatchObject({ code: 'queue_full' });
  await first;
  await expect(events.append(requestOf(eventOf('c')))).resolves.toBeDefined();
  await events.settled();
});

describe('records of our own', () => {
  const ownBatch = (receivedAtMs: number): PackedBatch => {
    const origin = ledger.logs().find(({ log }) => log === 'main')?.origin as string;
    const records = [{ id: `own-${batches.length}`, record: { action: 'own' } }];
    return packOwnBatch({ log: 'main', origin, receivedAtMs, records }, createIdempotency(new Uint8Array(32)), systemRandom);
  };
  const appendOwn = (events: AppendEvents): Promise<number> =>
    events.appendOwn('main', async (ms) => {
      const batch = ownBatch(ms);
      batches.push(batch);
      return (await ledger.append(batch)).leafIndexes[0] as number;
    });

  test('come in their turn, and are never received before what comes behind them', async () => {
    const times = [1_000, 2_000, 3_000];
    const events = open({ clock: { now: () => times.shift() ?? 9_000 } });
    const first = events.append(requestOf(eventOf('a')));
    // It waits still: what is received later does not get past it with a later time.
    const own = appendOwn(events);
    await Promise.all([first, own, events.append(requestOf(eventOf('b')))]);
    const received = batches.map(({ receivedAtMs }) => receivedAtMs);
    expect(received).toEqual(received.toSorted((a, b) => a - b));
    expect(ledger.logs().find(({ log }) => log === 'main')?.published.treeSize).toBe(3);
    expect(await appendOwn(events)).toBe(3);
  });

  test('wait while somebody wants it quiet, and are waited for', async () => {
    const events = open();
    const order: string[] = [];
    let goOn = (): void => undefined;
    const quiet = events.whileQuiet(async () => {
      await new Promise<void>((resolve) => (goOn = resolve));
      order.push('quiet');
    });
    const own = appendOwn(events).then(() => order.push('own'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(batches).toEqual([]);
    goOn();
    await Promise.all([quiet, own]);
    expect(order).toEqual(['quiet', 'own']);
    const underWay = appendOwn(events);
    await events.whileQuiet(async () => void order.push('after'));
    expect(ledger.logs().find(({ log }) => log === 'main')?.published.treeSize).toBe(2);
    await underWay;
    await events.settled();
  });

  test('that cannot be made hold up nobody', async () => {
    const events = open();
    const refusal = (): Promise<never> => {
      throw new Error('no');
    };
    await expect(events.appendOwn('main', refusal)).rejects.toThrow('no');
    expect((await events.append(requestOf(eventOf('a')))).receipts).toHaveLength(1);
    await events.settled();
  });
});
