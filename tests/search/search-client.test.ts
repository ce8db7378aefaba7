import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { SearchClient, startSearchThread } from '../../src/search/search-client.ts';
import type { SearchPage } from '../../src/search/search.ts';
import { type SearchThreadSettings, serveIndexing, serveSearching } from '../../src/search/search-thread.ts';
import { Caller, serveCalls } from '../../src/thread/port-call.ts';
import { bucketKeys, pack, TestRecords } from './records.ts';

let dir: string;
let records: TestRecords;
let client: SearchClient | undefined;
const errors: Error[] = [];
let vaultPorts: MessagePort[] = [];
const workers: Worker[] = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'search-client-'));
  records = new TestRecords(join(dir, 'records.db'));
  await records.createLog('a');
});
afterEach(async () => {
  await client?.close();
  client = undefined;
  for (const port of vaultPorts) port.close();
  vaultPorts = [];
  errors.length = 0;
  workers.length = 0;
  await records.close();
  rmSync(dir, { recursive: true });
});

function open(): SearchClient {
  const openVaultPort = (): MessagePort => {
    const { port1, port2 } = new MessageChannel();
    serveCalls(port1, { bucketKey: ({ log, bucket }: { log: string; bucket: number }) => bucketKeys.bucketKey(log, bucket) });
    vaultPorts.push(port1);
    return port2;
  };
  const indexKey = new Uint8Array(32).fill(6);
  client = new SearchClient({
    recordsPath: records.path,
    segmentsPath: join(dir, 'segments'),
    indexPath: join(dir, 'index.db'),
    indexKey,
    openVaultPort,
    onError: (error) => errors.push(error),
    startThread: (settings: SearchThreadSettings): Worker => {
      const worker = startSearchThread(settings);
      workers.push(worker);
      return worker;
    },
  });
  return client;
}

const events = (count: number, action: string): Uint8Array[] => Array.from({ length: count }, (_, i) => pack({ action, id: `${action}-${i}` }));
const found = async (search: SearchClient, query: string): Promise<number[]> =>
  (await search.search({ log: 'a', query })).hits.map(({ leafIndex }) => leafIndex);

test('one thread indexes and one answers', async () => {
  await records.append('a', events(100, 'login'));
  const search = open();
  await search.idle();
  expect(await search.state('a')).toEqual({ indexedTo: 100, treeSize: 100 });
  expect(await found(search, 'login-42')).toEqual([42]);
  await records.append('a', events(100, 'logout'));
  expect(await found(search, 'logout-7')).toEqual([107]);
  search.published('a', 200);
  await expect.poll(() => search.state('a')).toEqual({ indexedTo: 200, treeSize: 200 });
  const page = await search.search({ log: 'a', query: 'logout-7' });
  expect(page.hits.map(({ leafIndex, fields }) => [leafIndex, fields.length])).toEqual([[107, 2]]);
  expect(page.indexedTo).toBe(200);
  await expect(search.search({ log: 'a', query: '(' })).rejects.toMatchObject({ code: 'query_syntax', detail: { offset: 1 } });
  expect(errors).toEqual([]);
});

test('closed and opened, the index is there; damaged meanwhile, it is made anew', async () => {
  await records.append('a', events(100, 'login'));
  await open().idle();
  await client?.close();
  const database = new DatabaseSync(join(dir, 'index.db'));
  database.exec('UPDATE times SET min_ms = 0');
  database.close();
  const search = open();
  expect(await found(search, 'login-42')).toEqual([42]);
  await search.idle();
  expect(await search.state('a')).toEqual({ indexedTo: 100, treeSize: 100 });
  expect(await found(search, 'login-42')).toEqual([42]);
});

test('a full partition found damaged by the one thread is made anew by the other', async () => {
  await records.append('a', events(50, 'login'), { firstLeaf: 262_144 - 20 });
  await open().idle();
  await client?.close();
  const database = new DatabaseSync(join(dir, 'index.db'));
  database.exec('UPDATE times SET max_ms = 0 WHERE partition = (SELECT id FROM partitions WHERE number = 0)');
  database.close();
  const search = open();
  await search.idle();
  expect(await found(search, 'login-3')).toEqual([262_144 - 17]);
  const madeAnew = (): number => {
    const reading = new DatabaseSync(join(dir, 'index.db'), { readOnly: true });
    const ids = reading.prepare('SELECT id FROM partitions WHERE number = 0 AND seal IS NOT NULL AND id > 2').all();
    reading.close();
    return ids.length;
  };
  await expect.poll(madeAnew).toBe(1);
  expect(await found(search, 'login-3')).toEqual([262_144 - 17]);
  expect(errors).toEqual([]);
});

test('a thread that dies is started again, and what waited is told', async () => {
  await records.append('a', events(10, 'login'));
  const search = open();
  await search.idle();
  expect(workers.length).toBe(1);
  // The thread that answers is started by the first question.
  expect(await found(search, 'login-2')).toEqual([2]);
  expect(workers.length).toBe(2);
  const dying = workers.splice(0);
  // They are started again when this says that a second is over.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const waiting = found(search, 'login-1').then(
    () => 'answered',
    (error: { code: string }) => error.code,
  );
  await Promise.all(dying.map((worker) => worker.terminate()));
  expect(['answered', 'search_stopped']).toContain(await waiting);
  await expect(found(search, 'login-1')).rejects.toMatchObject({ code: 'search_stopped' });
  search.published('a', 10);
  await expect.poll(() => errors.length).toBe(3);
  vi.advanceTimersByTime(1_000);
  vi.useRealTimers();
  expect(await found(search, 'login-1')).toEqual([1]);
  await search.idle();
  expect(await search.state('a')).toEqual({ indexedTo: 10, treeSize: 10 });
  expect(errors.map((error) => (error as { code?: string }).code)).toEqual(['search_stopped', 'search_stopped', 'search_stopped']);
});

test('threads that cannot start say so', async () => {
  const search = new SearchClient({
    recordsPath: join(dir, 'nowhere.db'),
    segmentsPath: join(dir, 'segments'),
    indexPath: join(dir, 'index.db'),
    indexKey: new Uint8Array(32),
    openVaultPort: () => new MessageChannel().port1,
    onError: (error) => errors.push(error),
  });
  await expect(search.search({ log: 'a', query: '' })).rejects.toMatchObject({ code: 'search_stopped' });
  await expect.poll(() => errors.length).toBeGreaterThanOrEqual(2);
  await search.close();
});

test('what is forgotten is indexed again', async () => {
  await records.append('a', events(100, 'login'));
  const search = open();
  await search.idle();
  expect(await found(search, 'login-42')).toEqual([42]);
  await search.forget('a', { from: 0, to: 1 });
  await search.idle();
  expect(await search.state('a')).toEqual({ indexedTo: 100, treeSize: 100 });
  expect(await found(search, 'login-42')).toEqual([42]);
});

test('both threads do the same without a thread around them', async () => {
  await records.append('a', events(100, 'login'));
  const call = (serve: typeof serveIndexing, runs: SearchThreadSettings['runs']): Caller => {
    const vault = new MessageChannel();
    serveCalls(vault.port1, { bucketKey: ({ log, bucket }: { log: string; bucket: number }) => bucketKeys.bucketKey(log, bucket) });
    const { port1, port2 } = new MessageChannel();
    vaultPorts.push(vault.port1, port1, port2);
    serve(port1, {
      runs,
      recordsPath: records.path,
      segmentsPath: join(dir, 'segments'),
      indexPath: join(dir, 'index.db'),
      indexKey: new Uint8Array(32),
      vaultPort: vault.port2,
    });
    return new Caller(port2);
  };
  const index = call(serveIndexing, 'search-index');
  await index.call('idle', undefined);
  const query = call(serveSearching, 'search-query');
  const page = await query.call<SearchPage>('search', { log: 'a', query: 'login-42' });
  expect(page.hits.map(({ leafIndex }) => leafIndex)).toEqual([42]);
  await records.append('a', events(1, 'logout'));
  await index.call('published', { log: 'a', treeSize: 101 });
  await index.call('idle', undefined);
  expect(await index.call('state', { log: 'a' })).toEqual({ indexedTo: 101, treeSize: 101 });
  await index.call('forget', { log: 'a', range: { from: 0, to: 1 } });
  await index.call('distrust', { log: 'a', partition: 0 });
  await index.call('idle', undefined);
  expect(await index.call('state', { log: 'a' })).toEqual({ indexedTo: 101, treeSize: 101 });
  await query.call('close', undefined);
  await index.call('close', undefined);
});
