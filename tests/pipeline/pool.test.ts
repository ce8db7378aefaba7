import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { rolldown } from 'rolldown';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { requestEndsOf } from '../../src/pipeline/packed-batch.ts';
import { WorkerPool } from '../../src/pipeline/pool.ts';
import type { BatchRequest } from '../../src/pipeline/process-batch.ts';
import { defaultPolicyYaml } from '../../src/privacy/default-policy.ts';
import { parsePolicy } from '../../src/privacy/policy-file.ts';
import { createRequest, recordsOf } from './context.ts';

let pool: WorkerPool | undefined;
afterEach(() => pool?.close());

/** Every death is a thread that starts again. */
const timeout = 300_000;

/** The worker in one file: a hundred of them start here, and from the sources each would load two hundred. */
const bundled = join(mkdtempSync(join(tmpdir(), 'veiltrail-worker-')), 'worker.mjs');
beforeAll(async () => {
  const made = await rolldown({ input: fileURLToPath(new URL('./dying-worker.ts', import.meta.url)), platform: 'node', logLevel: 'silent' });
  await made.write({ file: bundled, format: 'esm', codeSplitting: false });
  await made.close();
  return () => rmSync(join(bundled, '..'), { recursive: true, force: true });
});

const policy = parsePolicy(defaultPolicyYaml);
let started = 0;
let exitCodes: number[] = [];
function createPool(): WorkerPool {
  exitCodes = [];
  pool = new WorkerPool({
    workers: 2,
    startWorker: () => {
      started++;
      const worker = new Worker(bundled, { workerData: { runs: 'dying', policy } });
      return worker.on('exit', (code) => exitCodes.push(code));
    },
  });
  return pool;
}

const good = (id: number): string => JSON.stringify({ id: `e-${id}`, action: 'x', actor: { type: 'user', id: 'u' } });
const killer = JSON.stringify({ id: 'killer', action: 'kill.worker', actor: { type: 'user', id: 'u' } });

/** Ids, and reasons of stubs and refusals, of requests one by one. */
async function process(workers: WorkerPool, requests: BatchRequest[]): Promise<{ ids: string[]; stubs: string[]; refused?: string }[]> {
  return (await workers.process(requests)).flatMap(({ batch, ids, stubs, refused }) =>
    Array.from(requestEndsOf(batch), (end, i) => {
      const from = requestEndsOf(batch)[i - 1] ?? 0;
      const refusal = refused.get(i);
      const reasons = ids.slice(from, end).flatMap((_, at) => stubs.get(from + at) ?? []);
      return { ids: ids.slice(from, end), stubs: reasons, ...(refusal ? { refused: refusal.code } : {}) };
    }),
  );
}

test('the requests of a group are processed together, in their order, many groups at once', async () => {
  const workers = createPool();
  const groups = Array.from({ length: 20 }, (_, n) => Array.from({ length: 10 }, (_, i) => createRequest(good(10 * n + i))));
  const results = await Promise.all(groups.map((group) => process(workers, group)));
  expect(results.flat().map(({ ids }) => ids)).toEqual(Array.from({ length: 200 }, (_, i) => [`e-${i}`]));
});

test('there is room until every worker has a message and one behind it, and who waits for room is told', async () => {
  const workers = createPool();
  let told = 0;
  workers.onRoom(() => told++);
  const sent = Array.from({ length: 4 }, (_, i) => {
    expect(workers.hasRoom).toBe(true);
    return workers.process([createRequest(good(i))]);
  });
  expect(workers.hasRoom).toBe(false);
  await Promise.all(sent);
  expect(workers.hasRoom).toBe(true);
  expect(told).toBe(4);
});

test('what a request is refused for is told of it and of no other', async () => {
  const [first, bad, fine] = await process(createPool(), [
    createRequest(good(1)),
    createRequest('{', { format: 'json' }),
    createRequest(`${good(2)}\n${good(3)}`, { format: 'ndjson' }),
  ]);
  expect(first).toEqual({ ids: ['e-1'], stubs: [] });
  expect(bad).toEqual({ ids: [], stubs: [], refused: 'json_syntax' });
  expect(fine).toEqual({ ids: ['e-2', 'e-3'], stubs: [] });
});

test('a mistake of ours in one request is not the others’', async () => {
  const broken = createRequest(good(2), { receivedAtMs: Number.NaN });
  const results = await process(createPool(), [createRequest(good(1)), broken, createRequest(good(3))]);
  expect(results.map(({ refused }) => refused)).toEqual([undefined, 'internal', undefined]);
});

test(
  'an event that kills its worker becomes a stub; its request and the others of its group go on',
  async () => {
    const workers = createPool();
    const lines = Array.from({ length: 20 }, (_, i) => (i === 13 ? killer : good(i)));
    const others = [0, 1, 2, 3, 4].map((i) => createRequest(good(100 + i)));
    const group = [...others.slice(0, 2), createRequest(lines.join('\n'), { format: 'ndjson' }), ...others.slice(2)];
    const outcomes = await workers.process(group);
    const records = outcomes.flatMap(({ batch }) => recordsOf(batch));
    expect(records[2 + 13]).toMatchObject({ action: 'ingest.stub', reason: 'processing_failed' });
    expect(records.filter(({ action }) => action === 'ingest.stub').length).toBe(1);
    const ids = records.map(({ id }) => id);
    expect(ids.toSpliced(2 + 13, 1)).toEqual(['e-100', 'e-101', ...Array.from({ length: 20 }, (_, i) => `e-${i}`).toSpliced(13, 1), 'e-102', 'e-103', 'e-104']); // prettier-ignore
  },
  timeout,
);

test(
  'a body of nothing but killers ends in stubs, after a bounded number of deaths',
  async () => {
    const workers = createPool();
    started = 0;
    const [killed] = await process(workers, [createRequest(`${killer}\n`.repeat(50), { format: 'ndjson' })]);
    expect(killed?.stubs.length).toBe(50);
    expect(started).toBeLessThan(80);
  },
  timeout,
);

test('workers that cannot start are not started all the time, and what they were given is refused', { timeout }, async () => {
  let starts = 0;
  pool = new WorkerPool({
    workers: 1,
    startWorker: () => {
      starts++;
      return new Worker('process.exit(9)', { eval: true });
    },
  });
  const [refused] = await process(pool, [createRequest(good(1))]);
  expect(refused).toEqual({ ids: [], stubs: [], refused: 'processing_failed' });
  const before = starts;
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(starts - before).toBeLessThan(2);
});

test('workers end by themselves, and not before they have done what they have', async () => {
  const workers = createPool();
  const last = process(workers, [createRequest(good(1))]);
  await workers.close();
  // A thread that is terminated ends with 1.
  expect(exitCodes).toEqual([0, 0]);
  expect(await last).toEqual([{ ids: ['e-1'], stubs: [] }]);
});
