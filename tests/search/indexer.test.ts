import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import { Indexer } from '../../src/search/indexer.ts';
import { partitionLeaves } from '../../src/search/index-format.ts';
import { IndexStore } from '../../src/search/index-store.ts';
import type { SearchSource } from '../../src/search/search-source.ts';
import { createSearcher } from '../../src/search/search.ts';
import { pack, TestRecords } from './records.ts';

const indexKey = new Uint8Array(32).fill(5);
let dir: string;
let records: TestRecords;
const indexers: Indexer[] = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'indexer-'));
  records = new TestRecords(join(dir, 'records.db'));
  await records.createLog('a');
});
afterEach(async () => {
  for (const indexer of indexers.splice(0)) await indexer.close();
  await records.close();
  rmSync(dir, { recursive: true });
});

const events = (from: number, count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => pack({ action: 'login', id: `e-${from + i}` }));

function indexerOf(store: IndexStore, source: SearchSource = records.source(), errors: Error[] = []): Indexer {
  const indexer = new Indexer({ store, source, restMs: 0, onError: (error) => errors.push(error) });
  indexers.push(indexer);
  return indexer;
}

const openStore = (): IndexStore => IndexStore.open(join(dir, 'index.db'), indexKey);

async function find(store: IndexStore, query: string): Promise<number[]> {
  return (await createSearcher(records.source(), store).search({ log: 'a', query })).hits.map(({ leafIndex }) => leafIndex);
}

test('it indexes what is there, and what is published then', async () => {
  await records.append('a', events(0, 100));
  const store = openStore();
  const indexer = indexerOf(store);
  await indexer.start();
  await indexer.idle();
  expect(indexer.state('a')).toEqual({ indexedTo: 100, treeSize: 100 });
  await records.append('a', events(100, 50));
  expect(indexer.state('a')).toEqual({ indexedTo: 100, treeSize: 100 });
  await indexer.published('a', 150);
  await indexer.idle();
  expect(indexer.state('a')).toEqual({ indexedTo: 150, treeSize: 150 });
  await indexer.published('a', 120);
  await indexer.idle();
  expect(indexer.state('a')).toEqual({ indexedTo: 150, treeSize: 150 });
  expect(await find(store, 'e-123')).toEqual([123]);
});

test('leaves that are not published are not indexed', async () => {
  await records.append('a', events(0, 100));
  const store = openStore();
  const indexer = indexerOf(store);
  await indexer.published('a', 60);
  await indexer.idle();
  expect(indexer.state('a')).toEqual({ indexedTo: 60, treeSize: 60 });
});

test('logs are followed when they appear, strangers are not', async () => {
  const indexer = indexerOf(openStore());
  await indexer.start();
  await records.createLog('b');
  await records.append('b', events(0, 5));
  await Promise.all([indexer.published('b', 5), indexer.published('b', 5), indexer.published('nowhere', 5)]);
  await indexer.idle();
  expect(indexer.state('b')).toEqual({ indexedTo: 5, treeSize: 5 });
  expect(indexer.state('nowhere')).toEqual({ indexedTo: 0, treeSize: 0 });
});

test('the newest partition comes first, large slices are cut', async () => {
  await records.append('a', events(0, 30), { firstLeaf: partitionLeaves - 20 });
  const store = openStore();
  const ranges: [number, number][] = [];
  const recording = new Proxy(store, {
    get: (target, property) => {
      if (property === 'add') return (...args: Parameters<IndexStore['add']>) => (ranges.push([args[2].from, args[2].to]), target.add(...args));
      const value = Reflect.get(target, property) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const indexer = indexerOf(recording);
  await indexer.start();
  await indexer.idle();
  expect(ranges).toEqual([
    [partitionLeaves, partitionLeaves + 10],
    [0, partitionLeaves],
  ]);
});

test('a partition without records is indexed by that', async () => {
  await records.append('a', events(0, 5), { firstLeaf: partitionLeaves });
  const store = openStore();
  const indexer = indexerOf(store);
  await indexer.start();
  await indexer.idle();
  expect(store.indexedTo('a')).toBe(partitionLeaves + 5);
  expect(await find(store, 'login')).toEqual([4, 3, 2, 1, 0].map((i) => partitionLeaves + i));
});

test('what is published while it rests is indexed together, at once when it closes', async () => {
  // Time passes when this says so.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  try {
    const store = openStore();
    const adding = vi.spyOn(store, 'add');
    const indexer = new Indexer({ store, source: records.source(), restMs: 1_000 });
    for (let i = 0; i < 10; i++) await indexer.published('a', await records.append('a', events(i, 1)));
    const idle = indexer.idle();
    await expect.poll(() => vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(1_000);
    await idle;
    expect(store.indexedTo('a')).toBe(10);
    expect(adding.mock.calls.length).toBeLessThanOrEqual(3);
    await indexer.published('a', await records.append('a', events(10, 1)));
    await indexer.close();
  } finally {
    vi.useRealTimers();
  }
});

test('closed in the middle, it goes on from there', async () => {
  for (let i = 0; i < 6; i++) await records.append('a', events(4_000 * i, 4_000));
  const first = new Indexer({ store: openStore(), source: records.source() });
  await first.start();
  await first.close();
  const store = openStore();
  const { indexedTo } = { indexedTo: store.indexedTo('a') };
  expect(indexedTo).toBeGreaterThan(0);
  expect(indexedTo).toBeLessThan(24_000);
  const indexer = indexerOf(store);
  await indexer.start();
  await indexer.idle();
  expect(store.indexedTo('a')).toBe(24_000);
  const part = store.parts('a', { type: 'value', path: 'action', name: 'action', text: 'login' }).get(0);
  const leaves = part?.candidates(0, 24_000, 100_000);
  expect(leaves?.length).toBe(24_000);
  expect(new Set(leaves).size).toBe(24_000);
});

test('an index beside other records is made anew', async () => {
  await records.append('a', events(0, 100));
  let store = openStore();
  const first = new Indexer({ store, source: records.source() });
  await first.start();
  await first.idle();
  await first.close();
  const others = new TestRecords(join(dir, 'others.db'));
  await others.createLog('a');
  await others.append('a', events(1_000, 100));
  store = openStore();
  expect(store.indexedTo('a')).toBe(100);
  const indexer = indexerOf(store, others.source());
  await indexer.start();
  await indexer.idle();
  const hits = (await createSearcher(others.source(), store).search({ log: 'a', query: 'e-1042' })).hits;
  expect(hits.map(({ leafIndex }) => leafIndex)).toEqual([42]);
  await others.close();
});

test('an index beside an older copy of the records is made anew', async () => {
  await records.append('a', events(0, 100));
  let store = openStore();
  store.add(
    'a',
    'test.example/a',
    { from: 0, to: 120 },
    events(0, 120).map((packed, leafIndex) => ({ leafIndex, receivedAtMs: 0, packed })),
  );
  store.close();
  store = openStore();
  const indexer = indexerOf(store);
  await indexer.start();
  await indexer.idle();
  expect(store.indexedTo('a')).toBe(100);
});

test('an index of leaves without records is kept; of another origin, not', async () => {
  let store = openStore();
  store.add('a', 'test.example/a', { from: 0, to: 10 }, []);
  store.close();
  await records.append('a', events(0, 1), { firstLeaf: 12 });
  store = openStore();
  const id = store.partitions('a')[0]?.id;
  await indexerOf(store).start();
  await indexers[0]?.idle();
  expect(store.partitions('a')[0]?.id).toBe(id);
  expect(store.indexedTo('a')).toBe(13);
  await indexers.pop()?.close();
  store = IndexStore.open(join(dir, 'second.db'), indexKey);
  store.add('a', 'elsewhere/a', { from: 0, to: 10 }, []);
  const indexer = indexerOf(store);
  await indexer.start();
  await indexer.idle();
  expect(store.partitions('a').map(({ id, origin }) => [id, origin])).toEqual([[2, 'test.example/a']]);
});

test('what is forgotten is indexed again under another salt', async () => {
  await records.append('a', events(0, 100));
  const store = openStore();
  const indexer = indexerOf(store);
  await indexer.start();
  await indexer.idle();
  const [before] = store.partitions('a');
  indexer.forget('a', { from: 50, to: 51 });
  expect(store.indexedTo('a')).toBe(0);
  await indexer.idle();
  const [after] = store.partitions('a');
  expect(after?.indexedTo).toBe(100);
  expect(after?.salt).not.toEqual(before?.salt);
  expect(await find(store, 'e-50')).toEqual([50]);
  indexer.distrust('a', 0);
  await indexer.idle();
  expect(store.partitions('a').map(({ id, indexedTo }) => [id, indexedTo])).toEqual([[3, 100]]);
});

test('what cannot be read now is tried again', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    await records.append('a', events(0, 10));
    const errors: Error[] = [];
    let failing = true;
    const source = records.source();
    const store = openStore();
    const indexer = indexerOf(
      store,
      { ...source, chunkFrom: (log, leaf) => (failing ? Promise.reject(new VeiltrailError('storage_busy', 'busy')) : source.chunkFrom(log, leaf)) },
      errors,
    );
    await indexer.start();
    await indexer.idle();
    expect(errors.map((error) => (error as VeiltrailError).code)).toEqual(['storage_busy']);
    await indexer.published('a', 10);
    await indexer.idle();
    expect(errors.length).toBe(1);
    failing = false;
    vi.advanceTimersByTime(10_000);
    await indexer.idle();
    expect(store.indexedTo('a')).toBe(10);
  } finally {
    vi.useRealTimers();
  }
});

test('an index that is damaged while it is written is begun anew', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    await records.append('a', events(0, 10));
    const errors: Error[] = [];
    const store = openStore();
    const indexer = indexerOf(store, records.source(), errors);
    await indexer.start();
    await indexer.idle();
    const { DatabaseSync } = await import('node:sqlite');
    const other = new DatabaseSync(join(dir, 'index.db'));
    other.exec('DROP TABLE times');
    other.close();
    await records.append('a', events(10, 10));
    await indexer.published('a', 20);
    await indexer.idle();
    expect(errors.length).toBe(1);
    expect(store.indexedTo('a')).toBe(0);
    expect(await find(store, 'e-15')).toEqual([15]);
    vi.advanceTimersByTime(10_000);
    await indexer.idle();
    expect(store.indexedTo('a')).toBe(20);
    expect(await find(store, 'e-15')).toEqual([15]);
  } finally {
    vi.useRealTimers();
  }
});

test('a chunk that does not open stops its partition, and no other', async () => {
  await records.append('a', events(0, 10), { firstLeaf: partitionLeaves - 30 });
  await records.append('a', events(10, 10));
  await records.append('a', events(20, 20));
  records.tamper('UPDATE chunks SET sealed = ? WHERE first_leaf = ?', new Uint8Array([1]), partitionLeaves - 20);
  const store = openStore();
  const indexer = indexerOf(store);
  await indexer.start();
  await indexer.idle();
  expect(store.partitions('a').map(({ indexedTo }) => indexedTo)).toEqual([partitionLeaves - 20, partitionLeaves + 10]);
  const page = await createSearcher(records.source(), store).search({ log: 'a', query: 'login' });
  expect(page.hits.length).toBe(30);
  expect(page.unreadable).toEqual([{ from: partitionLeaves - 20, to: partitionLeaves - 10 }]);
});
