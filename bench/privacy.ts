/**
 * What privacy costs: `node bench/privacy.ts [FILE…]`.
 *
 * Text files: MB/s of `scanText` line by line. NDJSON files: µs of CPU per event of `plan` and `apply` (tokens from a cache, as in a busy
 * worker). Always: a typical 500-byte event with 15 fields, whose personal values are new in every event. One thread; medians.
 */
import { readFileSync } from 'node:fs';
import type { JsonObject } from '../src/core/json.ts';
import { createPrivacyEngine, type PrivacyEngine, type TokenNeed } from '../src/privacy/engine.ts';
import { defaultPolicyYaml, parsePolicy } from '../src/privacy/policy.ts';

const rounds = 7;

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number;
}

/** Seconds of CPU that `work` takes, the median of several rounds after one to warm up. */
function cpuSeconds(work: () => void): number {
  work();
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1e6);
  }
  return median(times);
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
  const count = 20_000;
  const bytes = JSON.stringify(typicalEvent(12_345)).length;
  let next = 0;
  let making = 0;
  const seconds = cpuSeconds(() => {
    const before = process.cpuUsage();
    // Through JSON, as events come: strings put together here would be laid out differently in memory.
    const events = Array.from({ length: count }, () => JSON.parse(JSON.stringify(typicalEvent(next++))) as JsonObject);
    const { user, system } = process.cpuUsage(before);
    making = (user + system) / 1e6;
    applyAll(engine, events);
  });
  console.log(`typical event, ${bytes} bytes: ${(((seconds - making) * 1e6) / count).toFixed(1)} µs CPU to plan and apply`);
}

for (const path of process.argv.slice(2)) {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  if (path.endsWith('json')) {
    // As a server sees events: freshly parsed each time; parsing is not counted.
    let parsing = 0;
    const seconds = cpuSeconds(() => {
      const before = process.cpuUsage();
      const events = lines.map((line) => JSON.parse(line) as JsonObject);
      const { user, system } = process.cpuUsage(before);
      parsing = (user + system) / 1e6;
      applyAll(engine, events);
    });
    const bytes = lines.reduce((sum, line) => sum + line.length, 0);
    const spent = seconds - parsing;
    console.log(
      `${path}: ${((spent * 1e6) / lines.length).toFixed(1)} µs CPU an event of ${Math.round(bytes / lines.length)} bytes, ${(bytes / spent / 1e6).toFixed(1)} MB/s`,
    );
  } else {
    const bytes = lines.reduce((sum, line) => sum + line.length, 0);
    let found = 0;
    const seconds = cpuSeconds(() => {
      found = 0;
      for (const line of lines) found += engine.scanText(line).length;
    });
    console.log(`${path}: ${(bytes / seconds / 1e6).toFixed(1)} MB/s, ${found} findings in ${lines.length} lines`);
  }
}
