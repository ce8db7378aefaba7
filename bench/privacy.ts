/**
 * What privacy costs: `node bench/privacy.ts [FILE…]`.
 *
 * Text files: MB/s of `scanText` line by line. NDJSON files: µs of CPU per event of `plan` and `apply` (tokens from a cache, as in a busy
 * worker). Always: a typical 500-byte event with 15 fields, whose personal values are new in every event. One thread, best of nine rounds.
 */
import { readFileSync } from 'node:fs';
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
    const before = process.cpuUsage();
    work(prepared);
    const { user, system } = process.cpuUsage(before);
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

function applyAll(engine: PrivacyEngine, events: readonly JsonObject[]): void {
  for (const event of events) engine.apply(engine.plan(event), token);
}

const engine = createPrivacyEngine(parsePolicy(defaultPolicyYaml), { pseudonymKey: { version: 1, key: new Uint8Array(32) } });

{
  const count = 10_000;
  const bytes = JSON.stringify(typicalEvent(12_345)).length;
  let next = 0;
  const seconds = cpuSeconds(
    // Through JSON, as events come: strings put together here would be laid out differently in memory.
    () => Array.from({ length: count }, () => JSON.parse(JSON.stringify(typicalEvent(next++))) as JsonObject),
    (events) => applyAll(engine, events),
  );
  console.log(`typical event, ${bytes} bytes: ${((seconds * 1e6) / count).toFixed(1)} µs CPU to plan and apply`);
}

for (const path of process.argv.slice(2)) {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  const bytes = lines.reduce((sum, line) => sum + line.length, 0);
  if (path.endsWith('json')) {
    // As a server sees events: freshly parsed each time; parsing is not counted.
    const seconds = cpuSeconds(
      () => lines.map((line) => JSON.parse(line) as JsonObject),
      (events) => applyAll(engine, events),
    );
    console.log(
      `${path}: ${((seconds * 1e6) / lines.length).toFixed(1)} µs CPU an event of ${Math.round(bytes / lines.length)} bytes, ${(bytes / seconds / 1e6).toFixed(1)} MB/s`,
    );
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
