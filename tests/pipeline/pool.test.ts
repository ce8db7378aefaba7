import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { WorkerPool } from '../../src/pipeline/pool.ts';
import { createRequest, recordsOf } from './context.ts';

let pool: WorkerPool | undefined;
afterEach(() => pool?.close());

/** Every death is a thread that starts again. */
const timeout = 120_000;

let started = 0;
function createPool(queueBytesMax?: number): WorkerPool {
  pool = new WorkerPool({
    workers: 2,
    startWorker: () => {
      started++;
      return new Worker(new URL('./dying-worker.ts', import.meta.url), { workerData: { runs: 'dying' } });
    },
    ...(queueBytesMax === undefined ? {} : { queueBytesMax }),
  });
  return pool;
}

const good = (id: number): string => JSON.stringify({ id: `e-${id}`, action: 'x', actor: { type: 'user', id: 'u' } });
const killer = JSON.stringify({ id: 'killer', action: 'kill.worker', actor: { type: 'user', id: 'u' } });

test('requests are processed, many at once', async () => {
  const workers = createPool();
  const results = await Promise.all(Array.from({ length: 200 }, (_, i) => workers.submit(createRequest(good(i)))));
  expect(results.map(({ ids }) => ids[0])).toEqual(Array.from({ length: 200 }, (_, i) => `e-${i}`));
});

test('what a request refuses reaches its sender and nobody else', async () => {
  const workers = createPool();
  const [bad, fine] = await Promise.allSettled([workers.submit(createRequest('{', { format: 'json' })), workers.submit(createRequest(good(1)))]);
  expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'json_syntax' } });
  expect(fine.status).toBe('fulfilled');
});

test(
  'an event that kills its worker becomes a stub; its batch and other requests go on',
  async () => {
    const workers = createPool();
    const lines = Array.from({ length: 20 }, (_, i) => (i === 13 ? killer : good(i)));
    const others = Array.from({ length: 10 }, (_, i) => workers.submit(createRequest(good(100 + i))));
    const { batch, stubs } = await workers.submit(createRequest(lines.join('\n'), { format: 'ndjson' }));
    expect([...stubs]).toEqual([[13, 'processing_failed']]);
    expect(recordsOf(batch)[13]).toMatchObject({ action: 'ingest.stub', reason: 'processing_failed' });
    expect(recordsOf(batch)[12]).toMatchObject({ id: 'e-12' });
    expect((await Promise.all(others)).every(({ stubs }) => stubs.size === 0)).toBe(true);
  },
  timeout,
);

test(
  'a body of nothing but killers ends in stubs, after a bounded number of deaths',
  async () => {
    const workers = createPool();
    started = 0;
    const { stubs } = await workers.submit(createRequest(`${killer}\n`.repeat(50), { format: 'ndjson' }));
    expect(stubs.size).toBe(50);
    expect(started).toBeLessThan(80);
  },
  timeout,
);

test('a full queue refuses, and takes again when it has room', async () => {
  const workers = createPool(70);
  const first = workers.submit(createRequest(good(1)));
  await expect(workers.submit(createRequest(good(2)))).rejects.toMatchObject({ code: 'queue_full' });
  await first;
  await expect(workers.submit(createRequest(good(3)))).resolves.toBeDefined();
});
