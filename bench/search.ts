/**
 * Search: CPU microseconds per event to index, by stage, and times of queries. `node bench/search.ts [EVENTS]` [300,000 events of some 500
 * bytes and 17 fields, in one log, chunks as the ledger seals them]. Queries are asked of the index alone and of everything.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { JsonObject } from '../src/core/json.ts';
import { recordOf } from '../src/ledger/reader.ts';
import { IndexStore } from '../src/search/index-store.ts';
import { Indexer } from '../src/search/indexer.ts';
import { RecordTerms } from '../src/search/record-terms.ts';
import { eachFieldAt, eachValue } from '../src/search/record-values.ts';
import { RunWriter } from '../src/search/run-format.ts';
import { SearchClient } from '../src/search/search-client.ts';
import { cacheChunks } from '../src/search/search-source.ts';
import { createSearcher, type SearchQuery } from '../src/search/search.ts';
import { termsOfValue } from '../src/search/terms.ts';
import { serveCalls } from '../src/thread/port-call.ts';
import { bucketKeys, pack, TestRecords } from '../tests/search/records.ts';

const events = Number(process.argv[2] ?? 300_000);
const chunkEvents = 1_000;
const startMs = Date.UTC(2026, 0, 1);
const pick = <T>(of: readonly T[], i: number): T => of[i % of.length] as T;
const hex = (i: number, length: number): string => (BigInt(i + 1) * 0x9e3779b97f4a7c15n).toString(16).padStart(40, '0').slice(-length);

/** An anonymised event as the pipeline stores it. */
function record(i: number): JsonObject {
  const uuid = hex(i, 32).replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
  const time = new Date(startMs + i * 50).toISOString();
  const user = (i * 7919) % 5_000;
  return {
    id: uuid,
    time,
    source: pick(['billing-api', 'gateway', 'admin-console'], i),
    action: pick(['customer.update', 'customer.read', 'login', 'invoice.create', 'report.export'], i * 31 + (i >> 3)),
    category: pick(['sensitive_record', 'authentication', 'other'], i * 17),
    outcome: i % 50 === 0 ? 'failure' : 'success',
    actor: { type: 'user', id: `tok_${hex(user, 27)}`, email: `tok_${hex(user + 9_999, 27)}` },
    targets: [{ type: 'customer', id: `c-${(i * 13) % 60_000}` }],
    context: { ip: `203.0.${i % 113}.0/24`, userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0)', requestId: `r-${hex(i + 77, 12)}` },
    message: `changed the phone number of customer c-${(i * 13) % 60_000}`,
    receivedAt: time,
    receivedFrom: 'key_3fa9',
    privacy: {
      policy: 'default@1 9c56cc51b374c3ba',
      applied: [
        { pointer: '/actor/email', kind: 'email_address', transform: 'tokenize' },
        { pointer: '/actor/id', kind: 'user_name', transform: 'tokenize' },
        { pointer: '/context/ip', kind: 'ip_address', transform: 'generalize' },
      ],
    },
  };
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function report(name: string, figure: number, unit: string): void {
  process.stdout.write(`${name.padEnd(44)} ${figure.toFixed(2).padStart(10)} ${unit}\n`);
}

/** CPU of the steps, each alone, over the same records. */
function measureStages(): void {
  const packed = Array.from({ length: 20_000 }, (_, i) => pack(record(i)));
  report('record', packed.reduce((sum, one) => sum + one.length, 0) / packed.length, 'bytes');
  const measure = (name: string, run: (one: Uint8Array) => void): void => {
    for (const one of packed) run(one);
    const start = cpuUs();
    for (let round = 0; round < 5; round++) for (const one of packed) run(one);
    report(name, (cpuUs() - start) / packed.length / 5, 'µs/event');
  };
  measure('find fields', (one) => eachFieldAt(one, () => undefined));
  measure('read values', (one) => eachValue(one, () => undefined));
  let pairs = 0;
  const sink = { word: () => pairs++, value: () => pairs++ };
  measure('read values, terms', (one) => eachValue(one, (path, text, hasWords) => termsOfValue(path.name, text, hasWords, sink)));
  report('terms with repetitions', pairs / packed.length / 6, 'an event');
  const terms = new RecordTerms(new Uint8Array(32), new Uint8Array(32));
  const runEvents = 4_000;
  let leaf = 0;
  measure('gather blinded terms', (one) => {
    if (leaf === runEvents) {
      terms.begin();
      leaf = 0;
    }
    terms.add(one, leaf++, 0);
  });
  let blocks = 0;
  const rounds = 20;
  const start = cpuUs();
  for (let round = 0; round < rounds; round++) {
    const writer = new RunWriter((block) => (blocks += block.length));
    terms.write(writer);
    writer.end();
  }
  report(`write a run of ${runEvents} events`, (cpuUs() - start) / rounds / runEvents, 'µs/event');
  report('', blocks / rounds / runEvents, 'bytes/event');
}

async function measureSearches(dir: string): Promise<void> {
  const records = new TestRecords(join(dir, 'records.db'));
  await records.createLog('bench');
  for (let at = 0; at < events; at += chunkEvents) {
    await records.append(
      'bench',
      Array.from({ length: Math.min(chunkEvents, events - at) }, (_, i) => pack(record(at + i))),
      { receivedAtMs: startMs + at * 50 },
    );
  }
  const source = records.source();
  const openStart = cpuUs();
  let opened = 0;
  for (let leaf = 0; leaf < Math.min(events, 100_000);) {
    const chunk = await source.chunkFrom('bench', leaf);
    if (!chunk?.content) break;
    for (; leaf < chunk.firstLeaf + chunk.count; leaf++) opened += recordOf(chunk, leaf).packed.length > 0 ? 1 : 0;
  }
  report('open chunks', (cpuUs() - openStart) / opened, 'µs/event');

  const store = IndexStore.open(join(dir, 'index.db'), new Uint8Array(32).fill(7));
  const indexer = new Indexer({ store, source, onError: (error) => process.stderr.write(`${error.stack}\n`) });
  const startedAt = performance.now();
  const start = cpuUs();
  await indexer.start();
  await indexer.idle();
  const indexUs = (cpuUs() - start) / events;
  report('index, all of it', indexUs, 'µs/event');
  report('', (events / (performance.now() - startedAt)) * 1000, 'events/s');
  report('index.db', statSync(join(dir, 'index.db')).size / events, 'bytes/event');

  const searcher = createSearcher(cacheChunks(source), store);
  const scanner = createSearcher(source);
  const sample = { rare: `tok_${hex(4_242, 27)}`, unique: hex(1_234, 32).replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5') };
  const queries: [string, Partial<SearchQuery>][] = [
    ['one event by id', { query: `id:${sample.unique}` }],
    ['one user of 5,000', { query: `actor.id:${sample.rare}` }],
    ['a common value (outcome:success)', { query: 'outcome:success' }],
    ['two values, one common', { query: 'outcome:failure action:login' }],
    ['a word and an exclusion', { query: 'phone -action:login' }],
    ['nothing has it', { query: 'id:nowhere' }],
    ['everything', { query: '' }],
    [
      'one user, one hour of time',
      { query: `actor.id:${sample.rare}`, since: new Date(startMs).toISOString(), until: new Date(startMs + 3_600_000).toISOString() },
    ],
  ];
  for (const [name, query] of queries) {
    const ms: number[] = [];
    let hits = 0;
    for (let i = 0; i < 30; i++) {
      const at = performance.now();
      hits = (await searcher.search({ log: 'bench', query: '', ...query })).hits.length;
      ms.push(performance.now() - at);
    }
    ms.sort((a, b) => a - b);
    report(`${name}: p50 (${hits} hits)`, ms[15] as number, 'ms');
    report(`${' '.repeat(name.length)}  max`, ms.at(-1) as number, 'ms');
  }
  const scanStart = performance.now();
  let cursor: string | undefined;
  let pages = 0;
  do {
    cursor = (await scanner.search({ log: 'bench', query: 'id:nowhere', ...(cursor === undefined ? {} : { cursor }) })).nextCursor;
    pages++;
  } while (cursor !== undefined);
  report(`without an index, ${pages} pages`, ((performance.now() - scanStart) * 1000) / events, 'µs/event');
  const closeStart = performance.now();
  await indexer.close();
  report('close, sealing the open partition', performance.now() - closeStart, 'ms');
  const openAt = performance.now();
  IndexStore.open(join(dir, 'index.db'), new Uint8Array(32).fill(7)).close();
  report('open, looking at its seal, and close again', performance.now() - openAt, 'ms');
  await records.close();
}

/** How far the index falls behind a log that grows by 20,000 events a second, with the threads that a server has. */
async function measureLag(dir: string): Promise<void> {
  const records = new TestRecords(join(dir, 'growing.db'));
  await records.createLog('bench');
  const seconds = 8;
  const chunks = Array.from({ length: 20 * seconds }, (_, i) => Array.from({ length: chunkEvents }, (_, k) => pack(record(i * chunkEvents + k))));
  const openVaultPort = (): MessagePort => {
    const { port1, port2 } = new MessageChannel();
    serveCalls(port1, { bucketKey: ({ log, bucket }: { log: string; bucket: number }) => bucketKeys.bucketKey(log, bucket) });
    port1.unref();
    return port2;
  };
  const search = new SearchClient({
    recordsPath: records.path,
    segmentsPath: `${records.path}-segments`,
    indexPath: join(dir, 'growing-index.db'),
    indexKey: new Uint8Array(32),
    openVaultPort,
    onError: (error) => process.stderr.write(`${error.stack}\n`),
  });
  await search.idle();
  let treeSize = 0;
  let behindMax = 0;
  let looks = 0;
  const look = async (): Promise<void> => {
    const { indexedTo } = await search.state('bench');
    behindMax = Math.max(behindMax, treeSize - indexedTo);
    looks++;
  };
  const start = performance.now();
  const looking: Promise<void>[] = [];
  for (const [i, chunk] of chunks.entries()) {
    await setTimeout(Math.max(0, start + (i * 1000) / 20 - performance.now()));
    treeSize = await records.append('bench', chunk);
    search.published('bench', treeSize);
    looking.push(look());
  }
  await Promise.all(looking);
  const grownMs = performance.now() - start;
  await search.idle();
  report('appended', (chunks.length * chunkEvents * 1000) / grownMs, 'events/s');
  report(`furthest behind, of ${looks} looks`, behindMax, 'events');
  report('behind at the end', performance.now() - start - grownMs, 'ms');
  await search.close();
  await records.close();
}

measureStages();
const dir = mkdtempSync(join(tmpdir(), 'veiltrail-bench-search-'));
try {
  await measureLag(dir);
  await measureSearches(dir);
} finally {
  rmSync(dir, { recursive: true });
}
