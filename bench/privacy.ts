/**
 * What privacy costs: `node bench/privacy.ts [FILE…]`.
 *
 * Text files: MB/s of `scanText` line by line. NDJSON files: µs of CPU per event of `plan` and `apply` (tokens from a cache, as in a busy
 * worker), and the bytes of garbage that makes. Always: the events of bench/events.ts, and a typical 500-byte event with 15 fields whose
 * personal values are new in every event. One thread, best of nine rounds.
 */
import { readFileSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import { createEvents } from './events.ts';
import type { JsonObject } from '../src/core/json.ts';
import { createPrivacyEngine, type PrivacyEngine, type TokenNeed } from '../src/privacy/engine.ts';
import { defaultPolicyYaml, parsePolicy } from '../src/privacy/policy.ts';

const rounds = 9;

/**
 * Seconds of CPU that `work` takes after `prepare`, which does not count: the best of several rounds after one to warm up. Other
 * processes on the machine can only make a round dearer, never cheaper.
 */
function cpuSeconds<T>(prepare: () => T, work: (prepared: T) => void): number {
  work(prepare());
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rounds; i++) {
    const prepared = prepare();
    const before = process.threadCpuUsage();
    work(prepared);
    const { user, system } = process.threadCpuUsage(before);
    best = Math.min(best, (user + system) / 1e6);
  }
  return best;
}

function token({ kind, canonical }: TokenNeed): string {
  let hash = 0;
  for (let i = 0; i < canonical.length; i++) hash = (Math.imul(hash, 31) + canonical.charCodeAt(i)) | 0;
  return `tok_${kind.slice(0, 7)}${(hash >>> 0).toString(36)}`.padEnd(31, 'x').slice(0, 31);
}

/** 500 bytes, 15 fields; who, whom and from where differ in each. */
function typicalEvent(n: number): JsonObject {
  return {
    id: `01hq6jkj5ve68cat71jm2${n.toString(36).padStart(5, '0')}`,
    time: `2026-03-0${1 + (n % 9)}T10:${10 + (n % 50)}:42.${100 + (n % 900)}Z`,
    source: 'crm-backend',
    action: 'customer.update',
    category: 'sensitive_record',
    outcome: 'success',
    severity: 2,
    actor: { type: 'user', id: `usr_${n}`, name: `Jane${n} Doe${n % 97}`, email: `jane.doe${n}@example.com` },
    targets: [{ type: 'customer', id: `cust-${n * 7}`, fields: ['phone', 'address'] }],
    context: {
      ip: `8.${n % 250}.${(n * 3) % 250}.${(n * 7) % 250}`,
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0.0.0',
      requestId: `req-${(n * 2654435761) % 4294967296}`,
    },
    message: `Jane${n} Doe${n % 97} changed the address of customer cust-${n * 7}`,
  };
}

/** As the pipeline has it: plans of a slice are alive together. */
const sliceEvents = 64;

function applyAll(engine: PrivacyEngine, events: readonly JsonObject[]): void {
  for (let from = 0; from < events.length; from += sliceEvents) {
    const plans = events.slice(from, from + sliceEvents).map((event) => engine.plan(event));
    for (const plan of plans) engine.apply(plan, token);
  }
}

/** Bytes put on the heap for an event: the median of slices, so that those in which the collector ran do not count. */
function bytesPerEvent(engine: PrivacyEngine, lines: readonly string[]): number {
  const sizes: number[] = [];
  for (let from = 0; from + sliceEvents <= Math.min(lines.length, 100 * sliceEvents); from += sliceEvents) {
    const events = lines.slice(from, from + sliceEvents).map((line) => JSON.parse(line) as JsonObject);
    const before = getHeapStatistics().used_heap_size;
    applyAll(engine, events);
    sizes.push((getHeapStatistics().used_heap_size - before) / sliceEvents);
  }
  return Math.round(sizes.toSorted((a, b) => a - b)[sizes.length >> 1] ?? 0);
}

/** Through JSON, as events come: freshly parsed each time; parsing is not counted. */
function measureEvents(what: string, lines: () => readonly string[]): void {
  let count = 0;
  let bytes = 0;
  const seconds = cpuSeconds(
    () => {
      const texts = lines();
      count = texts.length;
      bytes = texts.reduce((sum, text) => sum + text.length, 0);
      return texts.map((text) => JSON.parse(text) as JsonObject);
    },
    (events) => applyAll(engine, events),
  );
  console.log(
    `${what}: ${((seconds * 1e6) / count).toFixed(1)} µs CPU and ${bytesPerEvent(engine, lines())} bytes of garbage an event of ${Math.round(bytes / count)} bytes, ${(bytes / seconds / 1e6).toFixed(1)} MB/s`,
  );
}

const engine = createPrivacyEngine(parsePolicy(defaultPolicyYaml), { pseudonymKey: { version: 1, key: new Uint8Array(32) } });

{
  const next = createEvents(42);
  measureEvents('bench/events.ts', () => Array.from({ length: 5000 }, () => JSON.stringify(next())));
  let count = 0;
  measureEvents('typical event', () => Array.from({ length: 5000 }, () => JSON.stringify(typicalEvent(count++))));
}

for (const path of process.argv.slice(2)) {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  const bytes = lines.reduce((sum, line) => sum + line.length, 0);
  if (path.endsWith('json')) {
    measureEvents(path, () => lines);
  } else {
    let found = 0;
    const scanAll = (texts: readonly string[]): void => {
      found = 0;
      for (const text of texts) found += engine.scanText(text).length;
    };
    const seconds = cpuSeconds(() => lines, scanAll);
    const joined = Array.from({ length: Math.ceil(lines.length / 100) }, (_, i) => lines.slice(100 * i, 100 * i + 100).join('\n'));
    const secondsJoined = cpuSeconds(() => joined, scanAll);
    console.log(
      `${path}: ${(bytes / seconds / 1e6).toFixed(1)} MB/s line by line, ${(bytes / secondsJoined / 1e6).toFixed(1)} MB/s in blocks of 100 lines; ${found} findings in ${lines.length} lines`,
    );
  }
}
