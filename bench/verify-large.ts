/**
 * How long a large log takes to verify, and in how much memory: events through the command, as people ingest them, then `verify` of the data directory.
 *
 *     node scripts/build.ts && node bench/verify-large.ts [EVENTS 1000000] [DIRECTORY that is kept]
 *
 * Time is CPU time of the whole process, all threads (the wall says more about neighbours than about us); memory its peak, `VmHWM`. Linux only.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [count = '1000000', kept] = process.argv.slice(2);
const events = Number(count);
const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const dir = kept ?? mkdtempSync(join(tmpdir(), 'veiltrail-verify-large-'));
const data = join(dir, 'data');
const ticksPerSecond = 100;

if (!existsSync(data)) await ingest();
const { cpuSeconds, wallSeconds, peakMb, out } = await verify();
const { ok, treeSize, records } = JSON.parse(out) as { ok: boolean; treeSize: number; records: { verified: number } };
console.log(`${treeSize} leaves, ${records.verified} records: ${ok ? 'all well' : 'SOMETHING IS WRONG'}`);
console.log(
  `${cpuSeconds.toFixed(1)} s of CPU (${((1e6 * cpuSeconds) / treeSize).toFixed(1)} µs a leaf), ${wallSeconds.toFixed(1)} s by the clock on ${availableParallelism()} cores, ${peakMb} MB at the peak`,
);
if (kept === undefined) rmSync(dir, { recursive: true, force: true });
process.exitCode = ok ? 0 : 1;

function eventLine(i: number): string {
  return JSON.stringify({
    id: `evt-${i}`,
    time: new Date(1_767_225_600_000 + i * 137).toISOString(),
    action: ['user.login', 'object.read', 'object.update', 'invoice.export', 'role.change'][i % 5],
    outcome: i % 17 === 0 ? 'failure' : 'success',
    actor: { type: 'user', id: `u-${(i * 7919) % 20_011}`, email: `person${(i * 31) % 5_003}@example-corp.com` },
    targets: [{ type: 'doc', id: `d-${(i * 104_729) % 900_001}` }],
    context: { ip: `203.0.${i % 113}.${i % 251}`, userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', requestId: `req-${i * 7}` },
    message: `request ${i} handled by node ${i % 12} in ${i % 977} ms`,
  });
}

async function ingest(): Promise<void> {
  const child = spawn(process.execPath, [main, 'ingest', '--data', data, '--format', 'ndjson', '-'], { stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  for (let i = 0; i < events;) {
    let lines = '';
    for (const end = Math.min(events, i + 1_000); i < end; i++) lines += `${eventLine(i)}\n`;
    if (!child.stdin.write(lines)) await new Promise((resolve) => child.stdin.once('drain', resolve));
  }
  child.stdin.end();
  if ((await ended) !== 0) throw new Error('ingest failed');
}

async function verify(): Promise<{ cpuSeconds: number; wallSeconds: number; peakMb: number; out: string }> {
  const started = performance.now();
  const child = spawn(process.execPath, [main, 'verify', data, '--log', 'default', '--json'], { stdio: ['ignore', 'pipe', 'ignore'] });
  let out = '';
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
  const ended = new Promise((resolve) => child.on('close', resolve));
  let [ticks, peakKb] = [0, 0];
  const look = (): void => {
    try {
      const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      ticks = Math.max(ticks, Number(fields[11]) + Number(fields[12]));
      peakKb = Math.max(peakKb, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0));
    } catch {
      // It has ended.
    }
  };
  const timer = setInterval(look, 20);
  await ended;
  clearInterval(timer);
  return { cpuSeconds: ticks / ticksPerSecond, wallSeconds: (performance.now() - started) / 1_000, peakMb: Math.round((peakKb * 1_024) / 1e6), out };
}
