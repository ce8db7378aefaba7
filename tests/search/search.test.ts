import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import { eventTimeMs } from '../../src/search/event-time.ts';
import { Indexer } from '../../src/search/indexer.ts';
import { partitionLeaves } from '../../src/search/index-format.ts';
import { IndexStore } from '../../src/search/index-store.ts';
import type { IndexedPart, SearchIndex } from '../../src/search/index-view.ts';
import { createPredicate } from '../../src/search/match.ts';
import { parseQuery } from '../../src/search/query.ts';
import { cacheChunks, type SearchSource } from '../../src/search/search-source.ts';
import { createSearcher, type Hit, type Searcher, searchBounds, type SearchQuery } from '../../src/search/search.ts';
import { unpackRecord } from '../../src/log/packed-record.ts';
import { pack, TestRecords } from './records.ts';

const indexKey = new Uint8Array(32).fill(9);
let dir: string;
const open: (() => Promise<void> | void)[] = [];

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'search-'));
});
afterAll(async () => {
  for (const close of open.toReversed()) await close();
  rmSync(dir, { recursive: true });
});

let files = 0;
async function newRecords(log = 'a'): Promise<TestRecords> {
  const records = new TestRecords(join(dir, `records-${files++}.db`));
  open.push(() => records.close());
  await records.createLog(log);
  return records;
}

/** An index of everything that is there. */
async function newIndex(source: SearchSource): Promise<IndexStore> {
  const store = IndexStore.open(join(dir, `index-${files++}.db`), indexKey);
  const indexer = new Indexer({ store, source, onError: (error) => expect.unreachable(error.message) });
  open.push(() => indexer.close());
  await indexer.start();
  await indexer.idle();
  return store;
}

/** Every page of a search. */
async function all(searcher: Searcher, query: Omit<SearchQuery, 'cursor'>): Promise<Hit[]> {
  const hits: Hit[] = [];
  let cursor: string | undefined;
  do {
    const page = await searcher.search({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    expect(page.hits.length).toBeLessThanOrEqual(query.limit ?? 100);
    hits.push(...page.hits);
    expect(page.nextCursor === undefined || Number(page.nextCursor) < Number(cursor ?? Infinity)).toBe(true);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return hits;
}

const vocabulary = [
  'login',
  'Logout',
  'user',
  'c-1',
  'c-12',
  'c 1',
  'us-east-1',
  '203.0.113.0/24',
  '203.0.114.0/24',
  'ada@example.org',
  'été',
  '登录失败',
  '失败',
  'tok_aaaaaaaaaaaaaaaaaaaaaaaaaaa',
  '0190a6b2-7c3e-7d4f-8a1b-2c3d4e5f6a7b',
  'true',
  '12',
  'a.b',
  '',
  '***',
  'x'.repeat(70),
  `${'x'.repeat(70)}y`,
  'a longer text than a value term may have',
  '2026-01-01T00:00:05.000Z',
];
const name = fc.constantFrom('action', 'id', 'actor', 'message', 'a.b', 'Id', 'time2', '7');
const scalar = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...vocabulary) },
  fc.constantFrom(12, 1.5, true, false, null),
  fc.tuple(fc.constantFrom(...vocabulary), fc.constantFrom(...vocabulary)).map((pair) => pair.join(' ')),
);
const value = fc.letrec((tie) => ({
  value: fc.oneof({ weight: 4, arbitrary: scalar }, fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(name, tie('value'), { maxKeys: 3 })),
})).value;
const record = fc.record(
  {
    time: fc.integer({ min: 0, max: 20_000 }).map((ms) => new Date(Date.UTC(2026, 0, 1) + ms).toISOString()),
    action: scalar,
    actor: fc.dictionary(name, value, { maxKeys: 3 }),
    targets: fc.array(fc.dictionary(name, value, { maxKeys: 2 }), { maxLength: 3 }),
    message: scalar,
    privacy: fc.constantFrom({ applied: [{ pointer: '/a', kind: 'login', transform: 'hash' }], policy: 'user' }),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<JsonObject>;

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
const leaf = fc.oneof(
  fc.constantFrom(...vocabulary.filter((text) => /[\p{L}\p{N}]/u.test(text))).map(quoted),
  fc
    .tuple(
      fc.constantFrom('action', 'id', 'actor.id', 'targets.id', 'a.b', 'b', 'message', 'kind', 'policy', 'time', 'time2'),
      fc.constantFrom(...vocabulary, '12', '1.5', 'null', 'false', 'hash'),
    )
    .map(([path, text]) => `${path}:${quoted(text)}`),
);
const query: fc.Arbitrary<string> = fc.letrec<{ query: string }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    fc.tuple(tie('query'), tie('query')).map(([a, b]) => `(${a} ${b})`),
    fc.tuple(tie('query'), tie('query')).map(([a, b]) => `(${a} OR ${b})`),
    tie('query').map((inner) => `-(${inner})`),
  ),
})).query;

describe('over two partitions, a gap and chunks of many sizes', () => {
  const packed: Uint8Array[] = [];
  const firstLeaf = partitionLeaves - 700;
  let records: TestRecords;
  let store: IndexStore;
  let behind: IndexStore;

  beforeAll(async () => {
    records = await newRecords();
    const events = fc.sample(record, { numRuns: 1_500, seed: 1 });
    packed.push(...events.map(pack));
    let at = 0;
    for (let size = 1; at < packed.length; size = (size * 3) % 211) {
      await records.append('a', packed.slice(at, at + size), { firstLeaf: firstLeaf + at });
      at += size;
    }
    store = await newIndex(records.source());
    // One that is behind, in both partitions.
    behind = IndexStore.open(join(dir, 'behind.db'), indexKey);
    open.push(() => behind.close());
    const range = (from: number, to: number): void =>
      behind.add(
        'a',
        'test.example/a',
        { from, to },
        packed.slice(from - firstLeaf, to - firstLeaf).map((one, i) => ({ leafIndex: from + i, receivedAtMs: 0, packed: one })),
      );
    range(firstLeaf, firstLeaf + 300);
    range(partitionLeaves, partitionLeaves + 300);
  });

  /** What a search should find: no more than the predicate on every record. */
  function expected(text: string, since: number, until: number): number[] {
    const holds = createPredicate(parseQuery(text));
    const leaves: number[] = [];
    packed.forEach((one, i) => {
      const ms = eventTimeMs(one, 1_760_000_000_000);
      if (holds(one) && ms >= since && ms < until) leaves.push(firstLeaf + i);
    });
    return leaves.toReversed();
  }

  test('an index, none, and one that is behind find the same', async () => {
    const source = cacheChunks(records.source());
    const searchers = [
      createSearcher(source, store),
      createSearcher(source),
      createSearcher(source, behind),
      createSearcher(source, store, { recordsMax: 200, openedBytesMax: 100_000, hitBytesMax: 20_000 }),
    ];
    const moment = fc.option(
      fc.integer({ min: -1_000, max: 21_000 }).map((ms) => Date.UTC(2026, 0, 1) + ms),
      { nil: undefined },
    );
    let found = 0;
    await fc.assert(
      fc.asyncProperty(query, moment, moment, fc.integer({ min: 50, max: 1_000 }), async (text, since, until, limit) => {
        const leaves = expected(text, since ?? -Infinity, until ?? Infinity);
        found += leaves.length;
        const request: SearchQuery = { log: 'a', query: text, limit };
        if (since !== undefined) request.since = new Date(since).toISOString();
        if (until !== undefined) request.until = new Date(until).toISOString();
        for (const searcher of searchers) expect((await all(searcher, request)).map(({ leafIndex }) => leafIndex)).toEqual(leaves);
      }),
      { numRuns: 40 },
    );
    expect(found).toBeGreaterThan(1_000);
  });

  test('every value is found by the index, as it stands and by its words', async () => {
    const searcher = createSearcher(records.source(), store);
    for (const text of vocabulary) {
      for (const asked of [`message:${quoted(text)}`, ...(/[\p{L}\p{N}]/u.test(text) ? [quoted(text)] : [])]) {
        const leaves = expected(asked, -Infinity, Infinity);
        expect(leaves.length).toBeGreaterThan(0);
        expect((await all(searcher, { log: 'a', query: asked, limit: 1_000 })).map(({ leafIndex }) => leafIndex)).toEqual(leaves);
      }
    }
  });

  test('a hit has the fields of its record; an answer says how far the index is', async () => {
    const page = await createSearcher(records.source(), store).search({ log: 'a', query: '', limit: 1 });
    const last = packed.length - 1;
    expect(page).toEqual({
      hits: [{ leafIndex: firstLeaf + last, fields: unpackRecord(packed[last] as Uint8Array).fields }],
      indexedTo: firstLeaf + packed.length,
      treeSize: firstLeaf + packed.length,
      nextCursor: String(firstLeaf + last),
    });
    expect((await createSearcher(records.source(), behind).search({ log: 'a', query: '' })).indexedTo).toBe(firstLeaf + 300);
    expect((await createSearcher(records.source()).search({ log: 'a', query: '' })).indexedTo).toBe(0);
  });

  test('a selective query reads few records', async () => {
    let opened = 0;
    const source = records.source();
    const counting: SearchSource = { ...source, chunkFrom: (log, leaf) => (opened++, source.chunkFrom(log, leaf)) };
    await createSearcher(counting, store).search({ log: 'a', query: 'nobodyhasthis' });
    expect(opened).toBe(0);
    await createSearcher(counting, store).search({ log: 'a', query: 'login', since: '2027-01-01T00:00:00Z', until: '2027-01-02T00:00:00Z' });
    expect(opened).toBe(0);
  });
});

test('what was sent has to be right', async () => {
  const records = await newRecords();
  const searcher = createSearcher(records.source());
  const refusal = async (request: Partial<SearchQuery>): Promise<string> =>
    searcher.search({ log: 'a', query: '', ...request }).then(
      () => 'accepted',
      (error: { code: string }) => error.code,
    );
  expect(await refusal({})).toBe('accepted');
  expect(await refusal({ query: '(' })).toBe('query_syntax');
  expect(await refusal({ log: 'nowhere' })).toBe('log_not_found');
  for (const since of ['', 'yesterday', '2026-01-01']) expect(await refusal({ since })).toBe('time_invalid');
  expect(await refusal({ until: '2026-13-01T00:00:00Z' })).toBe('time_invalid');
  for (const limit of [0, -1, 1.5, 1_001, Number.NaN]) expect(await refusal({ limit })).toBe('limit_invalid');
  for (const limit of [1, 1_000]) expect(await refusal({ limit })).toBe('accepted');
  for (const cursor of ['', '0', '01', '-1', 'x', '1'.repeat(16)]) expect(await refusal({ cursor })).toBe('cursor_invalid');
  expect(await refusal({ cursor: '999999' })).toBe('accepted');
});

test('an empty log has nothing', async () => {
  const records = await newRecords();
  const store = await newIndex(records.source());
  expect(await createSearcher(records.source(), store).search({ log: 'a', query: 'x' })).toEqual({ hits: [], indexedTo: 0, treeSize: 0 });
});

test('logs are apart', async () => {
  const records = await newRecords();
  await records.createLog('b');
  await records.append('a', [pack({ action: 'one' }), pack({ action: 'two' })]);
  await records.append('b', [pack({ action: 'two' })]);
  const store = await newIndex(records.source());
  expect(store.logs().map(({ log }) => log)).toEqual(['a', 'b']);
  const searcher = createSearcher(cacheChunks(records.source()), store);
  expect((await all(searcher, { log: 'a', query: 'two' })).map(({ leafIndex }) => leafIndex)).toEqual([1]);
  expect((await all(searcher, { log: 'b', query: 'two' })).map(({ leafIndex }) => leafIndex)).toEqual([0]);
  expect(await all(searcher, { log: 'b', query: 'one' })).toEqual([]);
});

test('work and memory of a call are bounded, and the cursor goes on', async () => {
  const records = await newRecords();
  for (let chunk = 0; chunk < 10; chunk++) {
    await records.append(
      'a',
      Array.from({ length: 100 }, (_, i) => pack({ n: chunk * 100 + i, text: 'x'.repeat(1_000) })),
    );
  }
  for (const [bounds, pages] of [
    [{ recordsMax: 250 }, 4],
    [{ openedBytesMax: 250_000 }, 4],
  ] as const) {
    const searcher = createSearcher(records.source(), undefined, { ...searchBounds, ...bounds });
    let cursor: string | undefined;
    let count = 0;
    do {
      const page = await searcher.search({ log: 'a', query: 'nothing', ...(cursor === undefined ? {} : { cursor }) });
      expect(page.hits).toEqual([]);
      cursor = page.nextCursor;
      count++;
    } while (cursor !== undefined);
    expect(count).toBe(pages);
  }
  const searcher = createSearcher(records.source(), undefined, { ...searchBounds, hitBytesMax: 10_000 });
  expect((await searcher.search({ log: 'a', query: '' })).hits.length).toBe(10);
});

test('damaged records are named, and hide nothing else', async () => {
  const records = await newRecords();
  for (let chunk = 0; chunk < 5; chunk++)
    await records.append('a', [pack({ action: 'login', n: 2 * chunk }), pack({ action: 'login', n: 2 * chunk + 1 })]);
  records.tamper('UPDATE chunks SET sealed = ? WHERE first_leaf = ?', new Uint8Array([1, 2, 3]), 4);
  records.tamper('UPDATE chunks SET sealed = ? WHERE first_leaf = ?', new Uint8Array([9]), 6);
  const store = await newIndex(records.source());
  expect(store.indexedTo('a')).toBe(4);
  for (const searcher of [createSearcher(records.source(), store), createSearcher(cacheChunks(records.source()))]) {
    const { hits, unreadable, nextCursor } = await searcher.search({ log: 'a', query: 'login' });
    expect(hits.map(({ leafIndex }) => leafIndex)).toEqual([9, 8, 3, 2, 1, 0]);
    expect(unreadable).toEqual([
      { from: 6, to: 8 },
      { from: 4, to: 6 },
    ]);
    expect(nextCursor).toBeUndefined();
  }
});

test('a record that is none is passed over, and others with it found', async () => {
  const records = await newRecords();
  await records.append('a', [pack({ action: 'login' }), new Uint8Array([7, 7]), pack({ action: 'login' })]);
  const store = await newIndex(records.source());
  for (const searcher of [createSearcher(records.source(), store), createSearcher(records.source())]) {
    expect((await all(searcher, { log: 'a', query: 'login' })).map(({ leafIndex }) => leafIndex)).toEqual([2, 0]);
    expect((await all(searcher, { log: 'a', query: '' })).map(({ leafIndex }) => leafIndex)).toEqual([2, 0]);
  }
});

test('an index that fails in the middle costs nothing but time', async () => {
  const records = await newRecords();
  await records.append(
    'a',
    Array.from({ length: 300 }, (_, i) => pack({ action: i % 3 === 0 ? 'login' : 'logout', n: i })),
  );
  const store = await newIndex(records.source());
  const failing = (method: 'candidates' | 'times', after: number): SearchIndex => {
    let calls = 0;
    return {
      parts: (log, query) =>
        new Map(
          [...store.parts(log, query)].map(([number, part]): [number, IndexedPart] => {
            const fail = (): never => {
              throw new Error('malformed');
            };
            return [
              number,
              {
                ...part,
                candidates: (...args) => (method === 'candidates' && ++calls > after ? fail() : part.candidates(...args)),
                times: () => (method === 'times' ? fail() : part.times()),
              },
            ];
          }),
        ),
      distrust: (log, partition, error) => distrusted.push([log, partition, (error as Error).message]),
    };
  };
  const distrusted: [string, number, string][] = [];
  const expected = Array.from({ length: 100 }, (_, i) => 297 - 3 * i);
  for (const [index, since] of [
    [failing('candidates', 0), undefined],
    [failing('candidates', 1), undefined],
    [failing('times', 0), '2000-01-01T00:00:00Z'],
  ] as const) {
    const hits = await all(createSearcher(records.source(), index), {
      log: 'a',
      query: 'login',
      limit: 1_000,
      ...(since === undefined ? {} : { since }),
    });
    expect(hits.map(({ leafIndex }) => leafIndex)).toEqual(expected);
  }
  expect(distrusted).toEqual([
    ['a', 0, 'malformed'],
    ['a', 0, 'malformed'],
    ['a', 0, 'malformed'],
  ]);
});

test('a walk passes over what is gone', async () => {
  const records = await newRecords();
  for (let i = 0; i < 5; i++) await records.append('a', [pack({ n: i, action: 'login' })]);
  await records.append('a', [pack({ action: 'login' })], { firstLeaf: 100 });
  await records.append('a', [pack({ action: 'login' })], { firstLeaf: 100_000 });
  for (const cursor of [undefined, '100001', '100000', '99000', '101']) {
    const page = await createSearcher(records.source()).search({ log: 'a', query: 'login', ...(cursor === undefined ? {} : { cursor }) });
    expect(page.hits.map(({ leafIndex }) => leafIndex)).toEqual([100_000, 100, 4, 3, 2, 1, 0].filter((leaf) => leaf < Number(cursor ?? Infinity)));
  }
});

test('the chunks used last are kept open, in bounds', async () => {
  const records = await newRecords();
  for (let i = 0; i < 100; i++) await records.append('a', [pack({ n: i, text: 'x'.repeat(i === 50 ? 1_000_000 : 10) })]);
  let opened = 0;
  const source = records.source();
  const cached = cacheChunks({ ...source, chunkFrom: (log, leaf) => (opened++, source.chunkFrom(log, leaf)) });
  const open = async (leaf: number): Promise<number> => {
    const before = opened;
    expect((await cached.chunkFrom('a', leaf))?.firstLeaf).toBe(leaf);
    return opened - before;
  };
  for (let leaf = 0; leaf < 64; leaf++) expect(await open(leaf)).toBe(1);
  for (let leaf = 0; leaf < 64; leaf++) expect(await open(leaf)).toBe(0);
  expect(await open(64)).toBe(1);
  expect(await open(1)).toBe(0);
  expect(await open(0)).toBe(1);
  const both = await Promise.all([cached.chunkFrom('a', 80), cached.chunkFrom('a', 80)]);
  expect(both.map((chunk) => chunk?.firstLeaf)).toEqual([80, 80]);
  expect(await cached.chunkFrom('a', 100)).toBeUndefined();
  expect((await cached.logs()).map(({ log }) => log)).toEqual(['a']);
});

test('what fails for other reasons is not taken for nothing', async () => {
  const records = await newRecords();
  await records.append('a', [pack({ action: 'login' })]);
  const source: SearchSource = { ...records.source(), chunkFrom: () => Promise.reject(new Error('the vault is gone')) };
  await expect(createSearcher(source).search({ log: 'a', query: 'login' })).rejects.toThrow('the vault is gone');
});
