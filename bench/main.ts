/**
 * npm run bench [-- --seconds 10]: the whole product under load, beside what the machine can do at all. One run, a server of its own on a fresh
 * data directory, the load generator on the same cores. These machines are noisy: compare figures of one run, quote medians of several.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { hash } from 'node:crypto';
import { createClient } from '../src/sdk/client.ts';
import { measureStages } from './stages.ts';

const seconds = Number(optionOf('--seconds') ?? 10);
/** What `npm start` runs: the compiled server (`npm run bench` compiles first). */
const main = new URL('../dist/cli/main.js', import.meta.url).pathname;
const load = new URL('./load.ts', import.meta.url).pathname;

interface LoadResult {
  requests: number;
  events: number;
  bytes: number;
  seconds: number;
  errors: number;
  p50Ms: number;
  p99Ms: number;
}

const dir = mkdtempSync(join(tmpdir(), 'veiltrail-bench-'));
try {
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.version}, ${seconds} s a part\n`);
  measureFloors(dir);
  await measureStages(seconds);
  const data = join(dir, 'data');
  await measureServer(data);
  measureVerify(data);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

function optionOf(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

function report(what: string, figure: string): void {
  console.log(`${what.padEnd(46)} ${figure}`);
}

function medianOf(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

/** What no program on this machine can beat. */
function measureFloors(where: string): void {
  console.log('floors');
  const file = openSync(join(where, 'fsync'), 'w');
  const block = Buffer.alloc(4096, 1);
  const syncs = Array.from({ length: 200 }, () => {
    const start = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    return performance.now() - start;
  });
  closeSync(file);
  report('  write 4 kB + fdatasync, median', `${medianOf(syncs).toFixed(2)} ms`);
  const large = Buffer.alloc(64 * 1_048_576, 1);
  const start = performance.now();
  createHash('sha256').update(large).digest();
  report('  SHA-256 of a stream', `${((large.length / (performance.now() - start)) * 1e-3).toFixed(0)} MB/s`);
  const short = Buffer.alloc(50, 1);
  const count = 500_000;
  const begin = performance.now();
  for (let i = 0; i < count; i++) hash('sha256', short, 'hex');
  report('  SHA-256 of 50 bytes, one call', `${(((performance.now() - begin) * 1000) / count).toFixed(2)} µs\n`);
}

async function measureServer(data: string): Promise<void> {
  const server = spawn(process.execPath, [main, 'serve', '--data', data, '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    const url = await urlOf(server);
    const client = createClient({ url, key: readFileSync(join(data, 'keys/reader.key'), 'utf8').trim() });
    console.log('server, load generator beside it');
    await runLoad(url, data, 4, 1000, 2, 1); // warm: code is compiled while it runs
    await waitForIndex(client);

    const cpuBefore = cpuSecondsOf(server);
    const batches = await runLoad(url, data, 4, 1000, seconds, 2);
    const cpu = cpuSecondsOf(server) - cpuBefore;
    report(
      '  batches of 1,000',
      `${perSecond(batches)} events/s, ${(batches.bytes / batches.seconds / 1e6).toFixed(1)} MB/s, p50 ${batches.p50Ms} ms, p99 ${batches.p99Ms} ms, ${batches.errors} errors`,
    );
    report('  CPU of the server, all threads', `${((cpu * 1e6) / batches.events).toFixed(1)} µs an event`);
    const behind = await waitForIndex(client);
    report('  index caught up after the load', `${behind.toFixed(2)} s`);

    const one = await runLoad(url, data, 1, 1, Math.min(seconds, 5), 3);
    report('  single posts, 1 writer', `${perSecond(one)} /s, p50 ${one.p50Ms} ms, p99 ${one.p99Ms} ms`);
    const thousand = await runLoad(url, data, 1000, 1, seconds, 4);
    report(
      '  single posts, 1,000 writers',
      `${perSecond(thousand)} /s, p50 ${thousand.p50Ms} ms, p99 ${thousand.p99Ms} ms, ${thousand.errors} errors`,
    );
    report('  peak memory of the server', `${Math.round(peakKbOf(server) / 1024)} MB\n`);
    await waitForIndex(client);
  } finally {
    await stop(server);
  }
}

function measureVerify(data: string): void {
  console.log('verify, a stopped data directory, every byte');
  const start = performance.now();
  const out = execFileSync('/usr/bin/env', [process.execPath, main, 'verify', data, '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const elapsed = (performance.now() - start) / 1000;
  const { ok, treeSize } = JSON.parse(out) as { ok: boolean; treeSize: number };
  report(
    '  leaves',
    `${Math.round(treeSize / elapsed)} /s (${treeSize} in ${elapsed.toFixed(2)} s, start-up included; ${ok ? 'all well' : 'NOT WELL'})`,
  );
}

function runLoad(url: string, data: string, connections: number, perRequest: number, forSeconds: number, seed: number): Promise<LoadResult> {
  const key = join(data, 'keys/writer.key');
  const child = spawn(process.execPath, [load, new URL(url).port, key, String(connections), String(perRequest), String(forSeconds), String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    let out = '';
    child.stdout?.on('data', (data: Buffer) => (out += data.toString()));
    child.on('exit', (code) => (code === 0 ? resolve(JSON.parse(out) as LoadResult) : reject(new Error(`the load generator ended with ${code}`))));
  });
}

function perSecond({ events, seconds: elapsed }: LoadResult): string {
  return String(Math.round(events / elapsed));
}

/** Seconds until search answers from the index alone. */
async function waitForIndex(client: ReturnType<typeof createClient>): Promise<number> {
  const start = performance.now();
  for (;;) {
    const { indexedTo, treeSize } = await client.search({ q: 'nothing-is-called-this', limit: 1 });
    if (indexedTo >= treeSize) return (performance.now() - start) / 1000;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function urlOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    server.stderr?.on('data', (data: Buffer) => {
      said += data.toString();
      const url = /http:\/\/\S+?:\d+/.exec(said)?.[0];
      if (url) resolve(url);
    });
    server.on('exit', () => reject(new Error(`the server did not start: ${said}`)));
  });
}

/** User and system time of a process and its threads (Linux). */
function cpuSecondsOf(server: ChildProcess): number {
  const fields = readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function peakKbOf(server: ChildProcess): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]);
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  server.kill('SIGTERM');
  await new Promise((resolve) => server.on('exit', resolve));
}
