/** A server verifies what it stores: what it has read is a metric, what it finds is told everywhere, and nothing of it harms what it is for. */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openKeys } from '../../src/access/manage-keys.ts';
import { roles } from '../../src/access/roles.ts';
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import { removalFileName, sealedPaths } from '../../src/server/data-files.ts';
import { readConfig } from '../../src/server/config.ts';
import { runSelfVerification, type SelfVerifyResult } from '../../src/server/self-verify-pass.ts';
import { readSelfVerifyState, type VerifiedLog, verifiedFileName, writeSelfVerifyState } from '../../src/server/self-verify-state.ts';
import { type SelfVerifyParts, startSelfVerification } from '../../src/server/self-verify.ts';
import { type RunningServer, startServer } from '../../src/server/start.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';

const dir = mkdtempSync(join(tmpdir(), 'veiltrail-self-verify-'));
const dataDir = join(dir, 'data');
const alerts: string[] = [];
/** All the time, and everything each time. */
const quick = { hours: 1e-5, share: 100, times: { firstMs: 20, newMs: 50, againMs: 20, lookMs: 20 } };
const never = { hours: 0 };
let server: RunningServer;
let key: Record<string, string>;

beforeAll(async () => {
  await start(quick);
  const keys = openKeys(dataDir, { clock: systemClock, random: systemRandom });
  key = Object.fromEntries(roles.map((role) => [role, keys.create({ role }).key]));
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

async function start(verification: typeof quick | typeof never): Promise<void> {
  server = await startServer({
    dataDir,
    listen: { host: '127.0.0.1', port: 0 },
    logs: ['default'],
    workers: 1,
    canaryHours: 0,
    retentionHours: 0,
    verification,
    onAlert: (line) => alerts.push(line),
  });
}

async function send(method: string, path: string, body?: string): Promise<{ status: number; text: string }> {
  const response = await fetch(server.url + path, {
    method,
    headers: {
      authorization: `Bearer ${key[body === undefined ? (path === '/metrics' ? 'operator' : 'auditor') : 'writer']}`,
      ...(body === undefined ? {} : { 'content-type': 'application/x-ndjson' }),
    },
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, text: await response.text() };
}

async function metric(name: string): Promise<number | undefined> {
  const { text } = await send('GET', '/metrics');
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

function damage(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(file, bytes);
}

const soon = { timeout: 120_000, interval: 50 };

test('what was read, and when; what is damaged meanwhile, and that it is well again', async () => {
  const startedS = Date.now() / 1_000;
  const lines = Array.from({ length: 300 }, (_, i) => JSON.stringify({ id: `e-${i}`, action: 'user.login', message: `to a${i}@example.com` }));
  expect((await send('POST', '/api/v1/logs/default/events', lines.join('\n'))).status).toBe(201);
  await expect.poll(() => metric('veiltrail_verified_leaves{log="default"}'), soon).toBe(300);
  await expect.poll(() => metric('veiltrail_verified_files_timestamp_seconds'), soon).toBeGreaterThan(startedS - 5);
  expect(await metric('veiltrail_verified_timestamp_seconds{log="default"}')).toBeGreaterThan(startedS - 5);
  await expect.poll(() => metric('veiltrail_verification_problems'), soon).toBe(0);
  expect(JSON.parse((await send('GET', '/readyz')).text)).toEqual({ ready: true, reasons: [], stopped: [] });

  const tile = join(dataDir, 'logs/default/tile/0/000');
  damage(tile, 32 * 7 + 3);
  await expect.poll(() => metric('veiltrail_verification_problems'), soon).toBeGreaterThan(0);
  expect(await metric('veiltrail_verification_failures_total')).toBeGreaterThan(0);
  const ready = await send('GET', '/readyz');
  expect(ready.status).toBe(200);
  expect(JSON.parse(ready.text)).toMatchObject({ ready: true, reasons: [expect.stringContaining('log default, leaf 7')] });
  expect(alerts.join('\n')).toMatch(/verification: log default, leaf 7: /);
  await expect
    .poll(async () => (await send('GET', '/api/v1/logs/_system/events?q=action:verification.failed')).text, soon)
    .toMatch(/"code":"[a-z_]+","leafIndex":7,"log":"default","where":/);
  // It is told, and nothing is refused.
  expect((await send('POST', '/api/v1/logs/default/events', '{"id":"more","action":"x"}')).status).toBe(201);

  damage(tile, 32 * 7 + 3);
  await expect.poll(() => metric('veiltrail_verification_problems'), soon).toBe(0);
  expect(alerts).toContain('what is stored verifies again');
  expect(JSON.parse((await send('GET', '/readyz')).text)).toEqual({ ready: true, reasons: [], stopped: [] });
});

test('a pass goes on after a restart, and only where the log grew from what it saw', async () => {
  await server.close();
  await start(never);
  const before = readSelfVerifyState(dataDir);
  expect(before).toMatchObject({ fullAt: expect.any(String) as string, logs: { default: { verifiedTo: 301 } } });
  const since = before.logs['default']?.since as string;
  // It is of this disk: neither the seal nor a backup takes it along.
  expect(sealedPaths(dataDir)).toContain('records.db');
  expect(sealedPaths(dataDir)).not.toContain(verifiedFileName);
  expect((await send('POST', '/api/v1/logs/default/events', '{"id":"new","action":"x"}')).status).toBe(201);

  // New leaves do not make the old ones younger.
  expect(await runSelfVerification({ dataDir, kind: 'new', share: 100 })).toMatchObject({ leaves: expect.any(Number) as number, problemCount: 0 });
  expect(readSelfVerifyState(dataDir).logs['default']).toMatchObject({ verifiedTo: 302, since });

  // A pass that was ended in the middle: what it had read is not read again, and it says how old the oldest is.
  const startedAt = '2025-01-01T00:00:00.000Z';
  writeSelfVerifyState(dataDir, {
    ...readSelfVerifyState(dataDir),
    pass: { startedAt, logs: { default: { verifiedTo: 256 }, _system: { verifiedTo: 0 } } },
  });
  const states: unknown[] = [];
  const rest = await runSelfVerification({ dataDir, kind: 'full', share: 100 }, (state) => states.push(structuredClone(state)));
  expect(rest.problemCount).toBe(0);
  expect(states.length).toBeGreaterThan(1);
  expect(readSelfVerifyState(dataDir)).toMatchObject({ fullAt: startedAt, logs: { default: { since: startedAt, verifiedTo: 302 } } });
  expect(readSelfVerifyState(dataDir).pass).toBeUndefined();

  // Of a checkpoint that the log did not grow from nothing is believed: here, one of another key.
  const other = readSelfVerifyState(dataDir);
  const bent = { ...other, logs: { default: { checkpoint: other.logs['_system']?.checkpoint as string, verifiedTo: 302, since } } };
  writeSelfVerifyState(dataDir, bent);
  expect(await runSelfVerification({ dataDir, kind: 'new', share: 100 })).toMatchObject({ problemCount: 0 });

  for (const text of [
    '',
    '[]',
    '{"format":"veiltrail.self-verification/1"}',
    '{"format":"veiltrail.self-verification/1","logs":{"a":{"checkpoint":1}}}',
  ]) {
    writeFileSync(join(dataDir, verifiedFileName), text);
    expect(readSelfVerifyState(dataDir)).toEqual({ logs: {} });
  }
});

test('a log that grows while it is read is as well as before', async () => {
  const more = async (from: number, count: number): Promise<void> => {
    const lines = Array.from({ length: count }, (_, i) => JSON.stringify({ id: `m-${from + i}`, action: 'x' }));
    expect((await send('POST', '/api/v1/logs/default/events', lines.join('\n'))).status).toBe(201);
  };
  await more(0, 1_400);
  const partial = join(dataDir, 'logs/default/tile/entries/006.p', String((302 + 1_400) % 256));
  expect(existsSync(partial)).toBe(true);
  let grown = false;
  const report = await verifyStoredLog(dataDir, {
    log: 'default',
    // After the first range: the last tile, partial when it began, is full when it is read.
    async pace() {
      if (grown) return;
      grown = true;
      await more(1_400, 300);
      await expect.poll(() => existsSync(partial), soon).toBe(false);
    },
  });
  expect(report.problems).toEqual([]);
  expect(report).toMatchObject({ ok: true, treeSize: 302 + 1_400 });
});

test('it waits while the server is busy, says once that it cannot run, and can be switched off', async () => {
  const alerted: string[] = [];
  const record = vi.fn<SelfVerifyParts['record']>().mockResolvedValue();
  const listeners = process.listenerCount('exit');
  let isBusy = true;
  const parts = { dataDir, isBusy: () => isBusy, record, alert: (line: string) => alerted.push(line) };
  const { times } = quick;
  const waiting = startSelfVerification(parts, { share: 100, times });
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(waiting.figures().problems).toBeUndefined();
  isBusy = false;
  await expect.poll(() => waiting.figures().problems, soon).toBe(0);
  await waiting.stop();
  expect(process.listenerCount('exit')).toBe(listeners);

  const off = startSelfVerification(parts, never);
  const lost = startSelfVerification({ ...parts, dataDir: join(dir, 'none') }, { share: 100, times });
  await expect.poll(() => alerted, soon).toEqual([expect.stringContaining('could not verify what it stores (data_dir_missing)')]);
  expect(off.figures()).toEqual({ logs: expect.any(Array) as unknown[], filesMs: expect.any(Number) as number, problems: undefined, failures: 0 });
  await lost.stop();
  await off.stop();
  expect(alerted).toHaveLength(1);
  expect(record).not.toHaveBeenCalled();
});

test('it gives way to a removal, however late it is', async () => {
  const children: ChildProcess[] = [];
  const journal = join(dataDir, removalFileName);
  writeFileSync(journal, '');
  const waiting = startSelfVerification(
    {
      dataDir,
      isBusy: () => false,
      record: () => Promise.resolve(),
      alert: () => undefined,
      fork(file, args, options) {
        const child = fork(file, args, options);
        children.push(child);
        return child;
      },
    },
    // So slow that it is under way for hours.
    { ...quick, share: 0.0001 },
  );
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(children).toEqual([]);
  rmSync(journal);
  await expect.poll(() => children.length, soon).toBe(1);
  writeFileSync(journal, '');
  await expect.poll(() => children[0]?.signalCode, soon).toBe('SIGKILL');
  expect(children).toHaveLength(1);
  await waiting.stop();
  rmSync(journal);
});

test('its process ends with the server, whether or not it listens', async () => {
  const deaf = join(dir, 'deaf.mjs');
  writeFileSync(deaf, `process.send({ state: { logs: {} } }); setTimeout(() => console.log('left behind'), 60_000);`);
  const exiting = join(dir, 'exiting.mjs');
  writeFileSync(
    exiting,
    `import { fork } from 'node:child_process';
    import { startSelfVerification } from '${new URL('../../src/server/self-verify.ts', import.meta.url).href}';
    startSelfVerification({
      dataDir: '${dir}', isBusy: () => false, record: async () => {}, alert: () => {},
      fork() {
        const child = fork('${deaf}', [], { stdio: ['ignore', 'inherit', 'ignore', 'ipc'] });
        child.once('message', () => { console.log('exits'); process.exit(); });
        return child;
      },
    }, { times: { firstMs: 1 } });
    setTimeout(() => {}, 120_000);`,
  );
  // Comes back when nobody holds standard output any more.
  const { stdout } = await promisify(execFile)(process.execPath, [exiting]);
  expect(stdout).toBe('exits\n');
});

test('what could not be read is not in order', async () => {
  await runSelfVerification({ dataDir, kind: 'full', share: 100 });
  const { fullAt } = readSelfVerifyState(dataDir);
  // Of a file that somebody holds, which the databases tell after five seconds each.
  const held: typeof verifyStoredLog = async (of, options) => {
    const report = await verifyStoredLog(of, options);
    if (!options.requests) return report;
    const problems = Array.from({ length: 20 }, () => ({ code: 'storage_busy', where: 'vault.db', message: 'the storage is busy' }));
    return { ...report, ok: false, problems, problemCount: 25 };
  };
  const pass = await runSelfVerification({ dataDir, kind: 'anew', share: 100 }, () => undefined, held);
  expect(pass).toMatchObject({ problems: [], problemCount: 0, isWhole: false });
  expect(readSelfVerifyState(dataDir).fullAt).toBe(fullAt);
  await expect(runSelfVerification({ dataDir, kind: 'full', share: 100 })).resolves.toMatchObject({ problemCount: 0, isWhole: true });
  expect(readSelfVerifyState(dataDir).fullAt).not.toBe(fullAt);

  // Something was wrong, and is still when nothing can be read: no word of its being well again.
  const said: string[] = [];
  const { state } = pass;
  const problem = { code: 'tile_wrong', where: 'tile/0/000', message: 'the tile is wrong', leafIndex: 7, log: 'default' };
  const results: Omit<SelfVerifyResult, 'state'>[] = [
    ...[1, 2].map(() => ({ leaves: 1, problems: [problem], problemCount: 1, isWhole: true })),
    ...[1, 2].map(() => ({ leaves: 0, problems: [], problemCount: 0, isWhole: false })),
    { leaves: 1, problems: [], problemCount: 0, isWhole: true },
  ];
  const running = startSelfVerification(
    {
      dataDir,
      isBusy: () => false,
      record: async ({ action }) => void said.push(action),
      alert: () => undefined,
      fork() {
        const child = new EventEmitter() as ChildProcess;
        child.kill = () => true;
        const result = results.shift();
        said.push(result ? `${result.problemCount} ${result.isWhole}` : 'more');
        setImmediate(() => {
          child.emit('message', { result: { ...result, state } });
          child.emit('close');
        });
        return child;
      },
    },
    { ...quick, hours: 24, times: { ...quick.times, newMs: 20 } },
  );
  await expect.poll(() => said, soon).toContain('verification.passed');
  await running.stop();
  expect(said.slice(0, 7)).toEqual(['1 true', '1 true', 'verification.failed', '0 false', '0 false', '0 true', 'verification.passed']);
});

test('a clock that was wrong, or a size that cannot be, ends no passes', async () => {
  await runSelfVerification({ dataDir, kind: 'anew', share: 100 });
  const well = readSelfVerifyState(dataDir);
  const log = well.logs['default'] as VerifiedLog;
  const soonText = new Date(Date.now() + 60_000).toISOString();
  for (const time of [soonText, '9999-12-31T23:59:59Z', '2016-12-31T23:59:60Z']) {
    for (const bent of [
      { ...well, fullAt: time },
      { ...well, files: time },
      { ...well, pass: { startedAt: time, logs: { default: { verifiedTo: 1, done: true as const } } } },
      { ...well, logs: { ...well.logs, default: { ...log, since: time } } },
    ]) {
      writeSelfVerifyState(dataDir, bent);
      // Nothing is known but from where logs have to have grown.
      const { logs, ...rest } = readSelfVerifyState(dataDir);
      expect(rest).toEqual({});
      expect(logs['default']).toMatchObject({ checkpoint: log.checkpoint, verifiedTo: 0 });
      expect(Date.parse(logs['default']?.since as string)).toBeLessThanOrEqual(Date.now());
    }
  }

  // Neither new leaves nor old ones are passed over.
  const beyond = { ...well, logs: { ...well.logs, default: { ...log, verifiedTo: 2 ** 40 } } };
  for (const kind of ['new', 'full', 'anew'] as const) {
    const pass = kind === 'full' ? { pass: { startedAt: log.since, logs: { default: { verifiedTo: 2 ** 40 } } } } : {};
    writeSelfVerifyState(dataDir, { ...beyond, ...pass });
    const from: number[] = [];
    const verify: typeof verifyStoredLog = (of, options) => {
      if (options.log === 'default') from.push(options.resume?.verifiedTo ?? 0);
      return verifyStoredLog(of, options);
    };
    expect(await runSelfVerification({ dataDir, kind, share: 100 }, () => undefined, verify)).toMatchObject({ problemCount: 0 });
    expect(from[0]).toBe(kind === 'anew' ? 0 : log.verifiedTo);
    expect(readSelfVerifyState(dataDir).logs['default']?.verifiedTo).toBe(log.verifiedTo);
  }

  // Put right while the server runs: what it holds in memory is from a time to come.
  writeSelfVerifyState(dataDir, { ...well, fullAt: new Date().toISOString() });
  const kinds: (string | undefined)[] = [];
  const running = startSelfVerification(
    {
      dataDir,
      isBusy: () => false,
      record: () => Promise.resolve(),
      alert: () => undefined,
      fork(_, args) {
        kinds.push(args[1]);
        throw new Error('not now');
      },
    },
    { times: quick.times },
  );
  await expect.poll(() => kinds, soon).toContain('new');
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.parse('2001-01-01T00:00:00Z'));
  try {
    await vi.waitFor(() => expect(kinds).toContain('full'), soon);
  } finally {
    clock.mockRestore();
    await running.stop();
  }
});

test('a process that the system refuses is tried again, and harms nobody', async () => {
  const alerted: string[] = [];
  let tried = 0;
  const refused = startSelfVerification(
    {
      dataDir,
      isBusy: () => false,
      record: () => Promise.resolve(),
      alert: (line) => alerted.push(line),
      fork: () => {
        tried++;
        throw Object.assign(new Error('spawn ENOMEM'), { code: 'ENOMEM' });
      },
    },
    { times: quick.times },
  );
  await expect.poll(() => tried, soon).toBeGreaterThan(2);
  await refused.stop();
  expect(alerted).toEqual([expect.stringContaining('could not verify what it stores (ENOMEM)')]);

  // Whatever else goes wrong: the next look comes.
  let looks = 0;
  const broken = startSelfVerification(
    {
      dataDir,
      isBusy: () => {
        looks++;
        throw new Error('no answer');
      },
      record: () => Promise.resolve(),
      alert: () => undefined,
    },
    { times: quick.times },
  );
  await expect.poll(() => looks, soon).toBeGreaterThan(2);
  await broken.stop();
});

test('its settings are in the configuration file', () => {
  const file = join(dir, 'config.yaml');
  writeFileSync(file, 'verifyHours: 12\nverifyShare: 2.5\n');
  expect(readConfig(file)).toEqual({ verifyHours: 12, verifyShare: 2.5 });
  for (const wrong of ['verifyHours: -1', 'verifyShare: 0', 'verifyShare: 101', 'verifyShare: x']) {
    writeFileSync(file, `${wrong}\n`);
    expect(() => readConfig(file)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  }
});
