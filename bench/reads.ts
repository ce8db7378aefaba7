/**
 * What it costs a read to be on record: the same requests against two servers on one trail, by turns, one of which records nobody. CPU of the
 * whole process (all threads; the load is a process of its own), medians, and of each pair of rounds the quotient. A round is about a second
 * of one core, and is told when it ends: as a busy server tells once a second, however long the rounds take on a machine that is shared.
 * `node bench/reads.ts [ROUNDS [REQUESTS]]`
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openAuthenticator } from '../src/access/authenticate.ts';
import { openKeys } from '../src/access/manage-keys.ts';
import { type AccessLog, createAccessLog } from '../src/app/access-recorder.ts';
import type { Trail } from '../src/app/trail.ts';
import type { JsonObject } from '../src/core/json.ts';
import { systemClock } from '../src/core/clock.ts';
import { systemRandom } from '../src/core/random.ts';
import { openTrail } from '../src/server/compose.ts';
import { createHttpServer } from '../src/server/http.ts';
import { listen } from '../src/server/listen.ts';
import { createEvents } from './events.ts';

interface Load {
  port: number;
  key: string;
  paths: string[];
  requests: number;
}

const [rounds = 15, requests = 6_000] = process.argv.slice(2).map(Number);
const leaves = 20_000;
const connections = 16;
const entry = { principal: 'aaaaaaaaaaaa', role: 'reader', outcome: 'success', log: 'default' } as const;

if (process.send) serveLoad();
else await main();

async function main(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'veiltrail-bench-reads-'));
  const trail = await openTrail({ dataDir, workers: 1 });
  await trail.createLog('default');
  const next = createEvents(7);
  for (let at = 0; at < leaves; at += 1_000) {
    const body = Array.from({ length: 1_000 }, () => JSON.stringify(next())).join('\n');
    await trail.append({ log: 'default', principal: 'bench', body: Buffer.from(body), format: 'ndjson' });
  }
  const { key } = openKeys(dataDir, { clock: systemClock, random: systemRandom }).create({ role: 'reader' });
  const access = createAccessLog({
    append: async (events) => {
      for (const { action, metadata } of events) await trail.access.write({ ...entry, action: action as string, metadata: metadata as JsonObject });
    },
    clock: systemClock,
    digestQuery: () => '',
    systemLog: '_system',
    gatherMs: 3_600_000,
  });
  const silent: AccessLog = {
    ...trail.access,
    figures: trail.access.figures,
    note() {},
    read() {},
    stranger() {},
    write: async () => {},
    flush: async () => {},
  };
  const recording = await start({ ...trail, access }, dataDir);
  const forgetting = await start({ ...trail, access: silent }, dataDir);
  const load = fork(fileURLToPath(import.meta.url), [], { stdio: 'inherit' });
  const run = async (port: number, paths: string[], count: number): Promise<number> => {
    const before = process.cpuUsage();
    await new Promise((done) => {
      load.once('message', done);
      load.send({ port, key, paths, requests: count } satisfies Load);
    });
    await access.flush();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / count;
  };
  const base = '/api/v1/logs/default/events';
  const scattered = Array.from({ length: 500 }, (_, i) => (i * 7_919) % leaves);
  const neighbours = Array.from({ length: 500 }, (_, i) => i);
  const kinds: [string, string[], number][] = [
    ['one record, its chunk open already', neighbours.map((leaf) => `${base}/${leaf}`), requests],
    ['one receipt', scattered.map((leaf) => `${base}/${leaf}/proof`), requests / 2],
    ['a search of 20', scattered.map((leaf) => `${base}?limit=20&cursor=${leaf + 20}`), Math.ceil(requests / 12)],
  ];
  for (const [name, paths, count] of kinds) {
    for (const port of [recording, forgetting]) await run(port, paths, count);
    const pairs: [number, number][] = [];
    for (let round = 0; round < rounds; round++) {
      const first = round % 2 === 0;
      const a = await run(first ? recording : forgetting, paths, count);
      const b = await run(first ? forgetting : recording, paths, count);
      pairs.push(first ? [a, b] : [b, a]);
    }
    const more = median(pairs.map(([one, other]) => one / other - 1));
    const [least, leastMore] = [leastOf(pairs, 1), leastOf(pairs, 0) / leastOf(pairs, 1) - 1];
    process.stdout.write(
      `${name}: ${median(pairs.map(([, other]) => other)).toFixed(1)} µs of CPU, recorded ${percent(more)} more; ` +
        `in the least disturbed rounds ${least.toFixed(1)} µs, ${percent(leastMore)} more\n`,
    );
  }
  const { recorded, unrecorded } = access.figures;
  process.stdout.write(`${recorded} reads on record in ${await systemSize(trail)} events, ${unrecorded} not\n`);
  load.kill();
  await trail.close();
  rmSync(dataDir, { recursive: true });
  process.exit(0);
}

async function start(trail: Trail, dataDir: string): Promise<number> {
  const keys = openKeys(dataDir, { clock: systemClock, random: systemRandom });
  const app = await createHttpServer({ trail, keys, authenticator: openAuthenticator(dataDir, systemClock), version: '0' });
  return Number(new URL(await listen(app, { host: '127.0.0.1', port: 0 })).port);
}

async function systemSize(trail: Trail): Promise<number> {
  return trail.logs().includes('_system') ? (await trail.search('_system', { limit: 1 })).treeSize : 0;
}

function leastOf(pairs: readonly [number, number][], which: 0 | 1): number {
  return Math.min(...pairs.map((pair) => pair[which]));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

/** The other process: so many requests over a few connections, then a word. */
function serveLoad(): void {
  process.on('disconnect', () => process.exit());
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  process.on('message', ({ port, key, paths, requests: count }: Load) => {
    let started = 0;
    let ended = 0;
    const next = (): void => {
      if (started === count) return;
      const path = paths[started++ % paths.length] as string;
      get({ agent, port, host: '127.0.0.1', path, headers: { authorization: `Bearer ${key}` } }, (answer) => {
        if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode}`);
        answer.resume().on('end', () => {
          if (++ended === count) process.send?.('done');
          else next();
        });
      });
    };
    for (let i = 0; i < connections; i++) next();
  });
}
