/** Destinations, against real receivers: what counts as delivered, what is for now, what is for good. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { DeliveryError, type Destination, type OutgoingBatch } from '../../src/forward/destination.ts';
import { createFileDestination } from '../../src/forward/file-destination.ts';
import { guardedLookup, type MeantAddresses } from '../../src/forward/guarded-lookup.ts';
import { createHttpDestination } from '../../src/forward/http-destination.ts';
import { createSecrets, type SecretPlaces } from '../../src/forward/secrets.ts';
import { type FileSetting, type HttpSetting, parseForwarderSetting, type SyslogSetting } from '../../src/forward/setting.ts';
import { createSyslogDestination } from '../../src/forward/syslog-destination.ts';
import { linesOf, receiveHttp, receiveSyslog } from './receivers.ts';
import { hasOpenssl } from '../anchor/time-stamp-authority.ts';

const batch: OutgoingBatch = {
  log: 'default',
  origin: 'audit.example/default',
  items: [
    { leafIndex: 3, receivedAtMs: Date.UTC(2026, 0, 31), severity: 4, json: '{"leafIndex":3,"record":{"message":"früh, 早い 🦊"}}' },
    { leafIndex: 5, receivedAtMs: Date.UTC(2026, 1, 1), json: '{"leafIndex":5,"record":{}}' },
  ],
};
const never = new AbortController().signal;
const settingOf = (destination: JsonObject): unknown =>
  parseForwarderSetting({ name: 'a', destination: { private: true, ...destination } }).destination;

function directory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'forward-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function httpTo(url: string, more: JsonObject = {}, places: SecretPlaces = {}): Destination {
  const destination = createHttpDestination(settingOf({ kind: 'http', url, ...more }) as HttpSetting, 'ndjson', {
    secrets: createSecrets(places),
    clock: systemClock,
  });
  onTestFinished(() => destination.close());
  return destination;
}

async function failure(sending: Promise<void>): Promise<DeliveryError> {
  const error: unknown = await sending.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DeliveryError);
  return error as DeliveryError;
}

test('http: what an answer means', async () => {
  const receiver = await receiveHttp();
  const destination = httpTo(receiver.url);
  await destination.send(batch, never);
  expect(receiver.received[0]?.items).toEqual(batch.items.map(({ json }) => JSON.parse(json) as JsonObject));
  expect(receiver.received[0]?.headers['idempotency-key']).toBe('audit.example/default/3-5');
  for (const [status, isFinal] of [
    [408, false],
    [425, false],
    [429, false],
    [500, false],
    [503, false],
    [400, true],
    [401, true],
    [404, true],
    [413, true],
    [301, true],
    [307, true],
  ] as const) {
    receiver.answer = { status, headers: { location: receiver.url } };
    const error = await failure(destination.send(batch, never));
    expect([error.reason, error.isFinal, error.retryAfterMs]).toEqual([`http_${status}`, isFinal, 0]);
    expect(error.message).not.toContain('receiver');
  }
  // One request each: no redirect was followed.
  expect(receiver.received).toHaveLength(12);
  receiver.answer = { status: 429, headers: { 'retry-after': '7' } };
  expect((await failure(destination.send(batch, never))).retryAfterMs).toBe(7_000);
  receiver.answer = { status: 503, headers: { 'retry-after': new Date(Date.now() + 60_000).toUTCString() } };
  const { retryAfterMs } = await failure(destination.send(batch, never));
  expect(retryAfterMs).toBeGreaterThan(55_000);
  expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  receiver.answer = { status: 503, headers: { 'retry-after': '999999999' } };
  expect((await failure(destination.send(batch, never))).retryAfterMs).toBe(3_600_000);
});

test('http: a receiver that is slow, away, cut off, or not where it was said to be', async () => {
  const receiver = await receiveHttp();
  receiver.answer = { status: 200, afterMs: 5_000 };
  expect(await failure(httpTo(receiver.url, { timeoutMs: 100 }).send(batch, never))).toMatchObject({ reason: 'timeout', isFinal: false });
  const asked = new AbortController();
  const sending = failure(httpTo(receiver.url).send(batch, asked.signal));
  await receiver.had(2);
  asked.abort();
  await sending;
  expect(await failure(httpTo('http://127.0.0.1:1/').send(batch, never))).toMatchObject({ reason: 'econnrefused', isFinal: false });
  // A name that means this machine, where that was not said: found when it is connected to.
  const port = new URL(receiver.url).port;
  const misled = settingOf({ kind: 'http', url: `https://localhost:${port}/`, private: false }) as HttpSetting;
  const guarded = createHttpDestination(misled, 'ndjson', { secrets: createSecrets({}), clock: systemClock });
  expect(await failure(guarded.send(batch, never))).toMatchObject({ reason: 'private_address', isFinal: true });
  const syslog = createSyslogDestination(settingOf({ kind: 'syslog', host: 'localhost', port: Number(port), private: false }) as SyslogSetting);
  expect(await failure(syslog.send(batch, never))).toMatchObject({ reason: 'private_address', isFinal: true });
  expect(receiver.received).toHaveLength(2);
});

test('without TLS nothing outside the network is connected to, whatever a setting of before says or a name stands for', async () => {
  // A setting of a version that took it.
  const plain = { ...(settingOf({ kind: 'http', url: 'http://127.0.0.1/' }) as HttpSetting), url: 'http://8.8.8.8/' };
  const refused = { reason: 'public_address', isFinal: true };
  expect(await failure(createHttpDestination(plain, 'ndjson', { secrets: createSecrets({}), clock: systemClock }).send(batch, never))).toMatchObject(
    refused,
  );
  const tcp = { ...(settingOf({ kind: 'syslog', host: '127.0.0.1', tls: false }) as SyslogSetting), host: '2001:4860:4860::8888' };
  expect(await failure(createSyslogDestination(tcp).send(batch, never))).toMatchObject(refused);
  const looked = (meant: MeantAddresses): Promise<unknown> =>
    new Promise((resolve) => guardedLookup(meant)('8.8.8.8', { all: true }, (error, addresses) => resolve(error ?? addresses)));
  expect(await looked('private')).toMatchObject(refused);
  expect(await looked('any')).toMatchObject([{ address: '8.8.8.8' }]);
});

test('http: a kept connection that the receiver has closed meanwhile is no failure', async () => {
  const receiver = await receiveHttp();
  const destination = httpTo(receiver.url);
  await destination.send(batch, never);
  // The socket is reset without a word, at the moment at which it is used again.
  receiver.answer = { status: 0 };
  await destination.send(batch, never);
  expect([receiver.resets, receiver.received.length]).toEqual([1, 2]);
});

test('http: secrets are read for each request, from private files and variables alone', async () => {
  const receiver = await receiveHttp();
  const file = join(directory(), 'secret');
  writeFileSync(file, 'first\n', { mode: 0o600 });
  const destination = httpTo(receiver.url, { secret: 'token', header: 'X-Api-Key' }, { token: { file } });
  await destination.send(batch, never);
  writeFileSync(file, 'second');
  await destination.send(batch, never);
  expect(receiver.received.map(({ headers }) => [headers['x-api-key'], headers['authorization']])).toEqual([
    ['first', undefined],
    ['second', undefined],
  ]);
  if (process.platform !== 'win32') {
    chmodSync(file, 0o640);
    expect(await failure(destination.send(batch, never))).toMatchObject({ reason: 'secret_open', isFinal: false });
    chmodSync(file, 0o600);
  }
  writeFileSync(file, 'a\r\nX-More: b');
  expect((await failure(destination.send(batch, never))).reason).toBe('secret_syntax');
  rmSync(file);
  expect((await failure(destination.send(batch, never))).reason).toBe('secret_unreadable');
  expect((await failure(httpTo(receiver.url, { secret: 'other' }).send(batch, never))).reason).toBe('secret_unknown');
  expect(receiver.received).toHaveLength(2);
});

test('syslog: messages of RFC 5424, counted in octets; a connection that breaks has delivered nothing', async () => {
  const receiver = await receiveSyslog();
  const to = (more: JsonObject = {}): Destination =>
    createSyslogDestination(settingOf({ kind: 'syslog', host: '127.0.0.1', port: receiver.port, tls: false, ...more }) as SyslogSetting);
  await to().send(batch, never);
  expect(receiver.messages).toEqual([
    '<107>1 2026-01-31T00:00:00.000Z audit.example veiltrail - default - {"leafIndex":3,"record":{"message":"fr\\u00fch, \\u65e9\\u3044 \\ud83e\\udd8a"}}',
    '<110>1 2026-02-01T00:00:00.000Z audit.example veiltrail - default - {"leafIndex":5,"record":{}}',
  ]);
  await to({ facility: 16 }).send(batch, never);
  expect(receiver.messages[2]).toMatch(/^<131>1 /);
  receiver.cut = true;
  const { reason, isFinal } = await failure(to().send(batch, never));
  expect([['closed_early', 'econnreset', 'epipe'].includes(reason), isFinal]).toEqual([true, false]);
  expect(await failure(to({ port: 1 }).send(batch, never))).toMatchObject({ reason: 'econnrefused', isFinal: false });
});

test.skipIf(!hasOpenssl())('syslog over TLS: whom the setting trusts, and nobody else', async () => {
  const dir = directory();
  const make = (name: string): { key: string; cert: string } => {
    const [keyFile, certFile] = [join(dir, `${name}.key`), join(dir, `${name}.pem`)];
    const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', '/CN=logs'];
    execFileSync('openssl', [...args, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' });
    return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
  };
  const [mine, other] = [make('mine'), make('other')];
  const receiver = await receiveSyslog((onSocket) => createTlsServer({ ...mine, allowHalfOpen: true }, onSocket));
  const to = (ca?: string): Destination =>
    createSyslogDestination(
      settingOf({ kind: 'syslog', host: '127.0.0.1', port: receiver.port, ...(ca === undefined ? {} : { ca }) }) as SyslogSetting,
    );
  await to(mine.cert).send(batch, never);
  expect(receiver.messages).toHaveLength(2);
  expect(await failure(to(other.cert).send(batch, never))).toMatchObject({ isFinal: false });
  expect((await failure(to().send(batch, never))).reason).toMatch(/self_signed|unable_to/);
  expect(receiver.messages).toHaveLength(2);
});

test('a file: lines are added, one that a crash cut short is left alone, a link is not followed', async () => {
  const dir = directory();
  const to = (directoryOf: string | undefined, file = 'out.ndjson'): Destination =>
    createFileDestination({ kind: 'file', file } satisfies FileSetting, directoryOf, new Map());
  await to(dir).send(batch, never);
  await to(dir).send(batch, never);
  const path = join(dir, 'out.ndjson');
  expect(linesOf(readFileSync(path, 'utf8')).map(({ leafIndex }) => leafIndex)).toEqual([3, 5, 3, 5]);
  appendFileSync(path, '{"cut');
  await to(dir).send(batch, never);
  expect(readFileSync(path, 'utf8')).toMatch(/\n\{"cut\n\{"leafIndex":3.*\n.*\n$/);
  symlinkSync(path, join(dir, 'link'));
  expect((await failure(to(dir, 'link').send(batch, never))).reason).toBe('eloop');
  expect((await failure(to(undefined).send(batch, never))).reason).toBe('no_directory');
  expect((await failure(to(join(dir, 'none')).send(batch, never))).reason).toBe('enoent');
});
