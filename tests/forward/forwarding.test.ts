/** Forwarders of a trail as it is: its own thread, real receivers. */
import { createHmac } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultAlertSettings } from '../../src/alerts/rules-file.ts';
import type { ForwarderInfo } from '../../src/app/forwarders.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { LaneFigures } from '../../src/forward/lane.ts';
import { openTrail, type OpenTrail } from '../../src/server/compose.ts';
import type { ForwardConfig } from '../../src/server/forward-config.ts';
import { append, asked, event, tokenAt, told } from '../protection/protected-trail.ts';
import { leafOf, linesOf, receiveHttp, receiveSyslog, until } from './receivers.ts';

async function open(dataDir: string, settings: ForwardConfig): Promise<{ trail: OpenTrail; close: () => Promise<void> }> {
  const opened = await openTrail({ dataDir, workers: 1, origin: 'audit.example' });
  let closed: Promise<void> | undefined;
  await opened.createLog('default');
  await opened.startForwarding(settings);
  return { trail: opened, close: () => (closed ??= opened.close()) };
}

/** For all tests; each has a log of its own. */
let trail: OpenTrail;
let close: () => Promise<void>;
let temporary: string;
let config: ForwardConfig & { directory: string };
beforeAll(async () => {
  temporary = mkdtempSync(join(tmpdir(), 'veiltrail-forward-'));
  const file = join(temporary, 'token');
  writeFileSync(file, 's3cret\n', { mode: 0o600 });
  process.env['TEST_FORWARD_HMAC'] = 'sign-with-this';
  config = { secrets: { token: { file }, hmac: { env: 'TEST_FORWARD_HMAC' } }, directory: temporary };
  ({ trail, close } = await open(join(temporary, 'data'), config));
});
afterAll(async () => {
  await close();
  rmSync(temporary, { recursive: true });
});

async function newLog(log: string): Promise<(events: readonly JsonObject[]) => Promise<number[]>> {
  await trail.createLog(log);
  return (events) => append(trail, events, log);
}

/** What is said of a forwarder. */
async function infoOf(name: string): Promise<ForwarderInfo | undefined> {
  return (await trail.forwarders.list()).find(({ setting }) => setting.name === name);
}

const laneOf = async (name: string): Promise<LaneFigures | undefined> => (await infoOf(name))?.progress?.[0];

const http = (url: string, more: JsonObject = {}): JsonObject => ({ kind: 'http', url, private: true, waitMs: 0, ...more });

test('posts what matches, signed and with its secret, and what comes later; a receiver can tell it by origin and leaf', async () => {
  const receiver = await receiveHttp();
  const add = await newLog('posts');
  await add([event('jane'), { ...event('omar'), action: 'file.write' }]);
  const destination = http(receiver.url, { secret: 'token', signingSecret: 'hmac', gzip: true });
  await trail.forwarders.set({ name: 'siem', logs: ['posts'], query: 'action:file.read', from: 'start', destination }, asked);
  await receiver.had(1);
  const [{ headers, body, items } = { headers: {}, body: Buffer.alloc(0), items: [] as JsonObject[] }] = receiver.received;
  expect(items.map(({ origin, log, leafIndex }) => [origin, log, leafIndex])).toEqual([['audit.example/posts', 'posts', 0]]);
  expect(items[0]?.['record']).toEqual((await trail.readEvent('posts', 0))?.record);
  expect(JSON.stringify(items)).not.toContain('jane');
  expect(headers['authorization']).toBe('Bearer s3cret');
  expect(headers['content-type']).toBe('application/x-ndjson');
  const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['veiltrail-signature'])) ?? [];
  expect(v1).toBe(createHmac('sha256', 'sign-with-this').update(`${t}.`).update(body).digest('hex'));
  await add([event('omar')]);
  await receiver.had(2);
  expect(receiver.leaves()).toEqual([0, 2]);
  await until(async () => (await laneOf('siem'))?.next === 3);
  const info = await infoOf('siem');
  expect(info).toMatchObject({ state: 'running', setBy: 'local:test', progress: [{ log: 'posts', sent: 2, behind: 0, lagSeconds: 0, failures: 0 }] });
  expect(JSON.stringify(info)).not.toContain('s3cret');
  const [set] = await told(trail, 'forwarder.set');
  expect(set).toMatchObject({
    category: 'config_change',
    outcome: 'success',
    targets: [{ type: 'forwarder', id: 'siem' }],
    metadata: { everything: false, permitted: 'single-person' },
  });
  expect(readFileSync(join(temporary, 'data', 'forwarders.sealed'), 'utf8')).not.toContain('siem');
});

test('a receiver that is away gets everything when it is back, in order; one that refuses for good stops it, until it is resumed', async () => {
  const receiver = await receiveHttp();
  const add = await newLog('away');
  receiver.answer = { status: 503 };
  await trail.forwarders.set({ name: 'away', logs: ['away'], destination: http(receiver.url, { batchRecords: 2 }) }, asked);
  await add([event('jane'), event('omar'), event('jane'), event('omar'), event('jane')]);
  await receiver.had(1);
  await until(async () => (await laneOf('away'))?.failing === 'http_503');
  expect(await laneOf('away')).toMatchObject({ next: 0, behind: 5, sent: 0, failing: 'http_503' });
  receiver.received.length = 0;
  receiver.answer = { status: 200 };
  await receiver.had(3);
  expect(receiver.leaves()).toEqual([0, 1, 2, 3, 4]);
  await until(async () => (await laneOf('away'))?.behind === 0);

  receiver.answer = { status: 410 };
  await add([event('jane')]);
  await until(async () => (await infoOf('away'))?.state === 'stopped');
  expect(await infoOf('away')).toMatchObject({ state: 'stopped', reason: 'http_410' });
  await until(async () => (await told(trail, 'forwarder.stop')).length === 1);
  expect((await told(trail, 'forwarder.stop'))[0]).toMatchObject({ outcome: 'failure', severity: 4, reason: 'http_410', actor: { type: 'system' } });
  await add([event('omar')]);
  receiver.received.length = 0;
  receiver.answer = { status: 200 };
  await trail.forwarders.resume('away', asked);
  await until(() => receiver.leaves().length === 2);
  expect(receiver.leaves()).toEqual([5, 6]);
  expect((await told(trail, 'forwarder.resume'))[0]).toMatchObject({
    outcome: 'success',
    actor: { id: 'local:test' },
    metadata: { reason: 'http_410' },
  });
  await expect(trail.forwarders.resume('away', asked)).rejects.toMatchObject({ code: 'forwarder_running' });

  // Another setting of the same name goes on where it was.
  const second = await receiveHttp();
  await add([event('omar')]);
  await until(() => receiver.leaves().includes(7));
  await until(async () => (await laneOf('away'))?.next === 8);
  await trail.forwarders.set({ name: 'away', logs: ['away'], destination: http(second.url) }, asked);
  await add([event('omar')]);
  await second.had(1);
  expect(second.leaves()).toEqual([8]);

  await trail.forwarders.remove('away', asked);
  await add([event('jane')]);
  expect(await infoOf('away')).toBeUndefined();
  expect((await told(trail, 'forwarder.remove'))[0]).toMatchObject({ outcome: 'success', targets: [{ type: 'forwarder', id: 'away' }] });
  await expect(trail.forwarders.remove('away', asked)).rejects.toMatchObject({ code: 'forwarder_unknown' });
  expect([receiver.leaves(), second.leaves()]).toEqual([[5, 6, 7], [8]]);
});

test('what was erased while the receiver was away is not sent; what was redacted, without the value', async () => {
  const receiver = await receiveHttp();
  const add = await newLog('erased');
  receiver.answer = { status: 503, headers: { 'retry-after': '3600' } };
  await trail.forwarders.set({ name: 'erased', logs: ['erased'], destination: http(receiver.url) }, asked);
  await add([event('jane'), event('omar'), event('omar', { message: 'the word is xyzzy-4711' })]);
  await receiver.had(1);
  expect(receiver.leaves()).toEqual([0, 1, 2]); // it was sent then, and refused
  receiver.received.length = 0;
  receiver.answer = { status: 503 };
  // A batch that waits is dropped at once, however long it would have waited.
  await trail.dataProtection.eraseSubject({ mode: 'erase', ids: ['u-17'], logs: ['erased'] }, asked);
  await receiver.had(1);
  await trail.dataProtection.redactValues({ log: 'erased', places: [{ leafIndex: 2, pointers: ['/message'] }] }, asked);
  await until(() => receiver.received.some(({ items }) => JSON.stringify(items).includes('[REDACTED leaf')));
  receiver.received.length = 0;
  receiver.answer = { status: 200 };
  await until(() => receiver.leaves().includes(2));
  expect(receiver.leaves().slice(0, 2)).toEqual([1, 2]);
  const text = JSON.stringify(receiver.received.map(({ items }) => items));
  expect(text).not.toContain('xyzzy-4711');
  expect(text).not.toContain('"u-17"');
  expect(text).toMatch(/\[REDACTED leaf \d+\]/);
});

test('a receiver that never answers keeps nobody waiting: neither whoever appends, nor the other forwarders', async () => {
  const [receiver, other] = [await receiveHttp(), await receiveHttp()];
  const add = await newLog('slow');
  receiver.answer = { status: 200, afterMs: 600_000 };
  await trail.forwarders.set({ name: 'slow', logs: ['slow'], destination: http(receiver.url, { timeoutMs: 120_000 }) }, asked);
  await trail.forwarders.set({ name: 'fast', logs: ['slow'], destination: http(other.url) }, asked);
  await add([event('jane')]);
  await receiver.had(1);
  for (let i = 0; i < 10; i++) await add(Array.from({ length: 100 }, () => event('omar')));
  await until(() => other.leaves().length === 1001);
  expect(await laneOf('slow')).toMatchObject({ next: 0, behind: 1001, sent: 0 });
  expect((await laneOf('slow'))?.lagSeconds).toBeGreaterThan(0);
  expect(receiver.received).toHaveLength(1);
  await trail.forwarders.remove('slow', asked);
});

test('alerts go out by syslog as they are raised', async () => {
  const receiver = await receiveSyslog();
  const destination = { kind: 'syslog', host: '127.0.0.1', port: receiver.port, tls: false, private: true, waitMs: 0 };
  await trail.forwarders.set({ name: 'alerts', logs: ['_system'], query: 'action:alert.raise', destination }, asked);
  await trail.startAlerts(defaultAlertSettings);
  const add = await newLog('alerting');
  const [leaf = -1] = await add([event('jane')]);
  await trail.lookUps.reveal({ ...asked, tokens: [await tokenAt(trail, leaf, 'email', 'alerting')] });
  await until(() => receiver.messages.some((message) => message.includes('reveal')));
  const message = receiver.messages.find((one) => one.includes('reveal')) as string;
  expect(message).toMatch(
    /^<10\d>1 \S+ audit\.example veiltrail - _system - \{"origin":"audit\.example\/_system","log":"_system","leafIndex":\d+,"record":\{.*"alert\.raise"/,
  );
  expect(message).not.toContain('jane');
});

test('a setting for a log that is not there is refused', async () => {
  const destination = http('http://127.0.0.1:1/');
  await expect(trail.forwarders.set({ name: 'a', logs: ['none'], destination }, asked)).rejects.toMatchObject({ code: 'log_unknown' });
  expect(await infoOf('a')).toBeUndefined();
});

test('goes on where it was after a stop; a copy of the directory delivers nothing by itself', async () => {
  const [dataDir, copy] = [join(temporary, 'data'), join(temporary, 'copy')];
  const receiver = await receiveHttp();
  for (const { setting } of await trail.forwarders.list()) await trail.forwarders.remove(setting.name, asked);
  await trail.forwarders.set({ name: 'siem', logs: ['default', '_system'], query: '-action:nothing', destination: http(receiver.url) }, asked);
  await trail.forwarders.set({ name: 'file', format: 'cloudevents', destination: { kind: 'file', file: 'out.ndjson' } }, asked);
  await append(trail, [event('jane'), event('omar')]);
  const out = join(config.directory, 'out.ndjson');
  const lines = (): JsonObject[] => linesOf(readFileSync(out, 'utf8'));
  await until(async () => (await trail.forwarders.list()).every(({ progress = [] }) => progress.every(({ behind }) => behind === 0)));
  await until(() => lines().length === 2);
  expect(lines()[1]).toMatchObject({
    specversion: '1.0',
    id: '1',
    source: 'audit.example/default',
    type: 'veiltrail.record',
    data: { leafIndex: 1 },
  });
  expect(statSync(out).mode & 0o777).toBe(0o600);
  await close();
  const before = receiver.received.length;

  cpSync(dataDir, copy, { recursive: true });

  ({ trail, close } = await open(dataDir, config));
  await append(trail, [event('jane')]);
  await until(() => lines().length === 3);
  await until(() => receiver.received.slice(before).some(({ items }) => items.some(({ log }) => log === 'default')));
  expect(lines().map(({ id }) => id)).toEqual(['0', '1', '2']);
  const ids = receiver.received.flatMap(({ items }) => items.map((item) => `${item['log'] as string} ${leafOf(item)}`));
  expect(ids.filter((id) => id.startsWith('default'))).toEqual(['default 0', 'default 1', 'default 2']);
  await close();

  const heard = receiver.received.length;
  ({ trail, close } = await open(copy, config));
  await append(trail, [event('omar')]);
  expect(await trail.forwarders.list()).toMatchObject([
    { setting: { name: 'file' }, state: 'stopped', reason: 'cursors_missing' },
    { setting: { name: 'siem' }, state: 'stopped', reason: 'cursors_missing' },
  ]);
  expect([receiver.received.length, lines().length]).toEqual([heard, 3]);
});
