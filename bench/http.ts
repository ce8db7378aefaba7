/**
 * What HTTP alone costs: key, limits, parsing, answer; behind it an application that answers at once. `node bench/http.ts [SECONDS [CONNECTIONS]]`
 * The load generator (bench/load.ts) is a process of its own, on the same cores.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openAuthenticator } from '../src/access/authenticate.ts';
import { createFirstKeys } from '../src/access/first-keys.ts';
import { openKeys } from '../src/access/manage-keys.ts';
import { createAccessLog } from '../src/app/access-recorder.ts';
import type { Trail } from '../src/app/trail.ts';
import { systemClock } from '../src/core/clock.ts';
import { systemRandom } from '../src/core/random.ts';
import { createHttpServer } from '../src/server/http.ts';
import { listen } from '../src/server/listen.ts';

const [seconds = '4', connections = '64'] = process.argv.slice(2);
const dataDir = mkdtempSync(join(tmpdir(), 'veiltrail-bench-http-'));
const parts = { clock: systemClock, random: systemRandom };
const writer = createFirstKeys(dataDir, parts).find(({ role }) => role === 'writer');

const answer = {
  receipts: [{ id: '3f0f7c0e-8f0c-4f5e-9f53-0d6e3f3b8a11', leafIndex: 1_234_567, duplicate: false }],
  treeSize: 1_234_568,
  checkpoint: 'x'.repeat(220),
};
const nothing = (): Promise<undefined> => Promise.resolve(undefined);
const trail: Trail = {
  access: createAccessLog({ append: nothing, clock: systemClock, systemLog: '_system', digestQuery: () => '' }),
  keyChanges: { tell: nothing },
  requests: {} as Trail['requests'], // nobody asks
  lookUps: {} as Trail['lookUps'],
  rotation: {} as Trail['rotation'],
  alerts: {} as Trail['alerts'],
  dataProtection: {} as Trail['dataProtection'],
  forwarders: {} as Trail['forwarders'],
  append: () => Promise.resolve(answer),
  search: () => Promise.resolve({ events: [], indexedTo: 0, treeSize: 0 }),
  readEvent: nothing,
  proveEvent: nothing,
  discloseEvent: nothing,
  fields: () => Promise.resolve([]),
  classifyField: () => Promise.reject(new Error('not asked for')),
  exportEvidence: () => Promise.reject(new Error('not asked for')),
  checkpoint: nothing,
  witnessedCheckpoint: nothing,
  acknowledgeFork: () => Promise.reject(new Error('not asked for')),
  tile: nothing,
  createLog: nothing,
  close: nothing,
  logs: () => ['default'],
  vkeyOf: () => '',
  ready: () => ({ ready: true, reasons: [], stopped: [] }),
  figures: () => Promise.reject(new Error('not asked for')),
  runCanary: () => Promise.reject(new Error('not asked for')),
  remove: () => Promise.reject(new Error('not asked for')),
};
const app = await createHttpServer({ trail, keys: openKeys(dataDir, parts), authenticator: openAuthenticator(dataDir, systemClock), version: '0' });
const { port } = new URL(await listen(app, { host: '127.0.0.1', port: 0 }));

const load = spawn(
  process.execPath,
  [fileURLToPath(new URL('./load.ts', import.meta.url)), port, writer?.path ?? '', connections, '1', seconds, '1'],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
let printed = '';
load.stdout.on('data', (data: Buffer) => (printed += data.toString()));
const before = process.cpuUsage();
await new Promise((done) => load.on('exit', done));
const cpu = process.cpuUsage(before);
const result = JSON.parse(printed) as { requests: number; seconds: number; p50Ms: number; p99Ms: number; errors: number };
process.stdout.write(
  `${Math.round(result.requests / result.seconds)} requests/s at ${connections} connections, p50 ${result.p50Ms} ms, p99 ${result.p99Ms} ms, ` +
    `${((cpu.user + cpu.system) / result.requests).toFixed(1)} µs of CPU a request, ${result.errors} errors\n`,
);
await app.close();
rmSync(dataDir, { recursive: true });
