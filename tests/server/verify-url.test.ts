/** `verify URL`: what a server that is away, or says that it is, changes about what is found. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { watch } from '../../src/cli/verify-watch.ts';
import type { VerifyOptions, VerifyReport } from '../../src/app/verify-log.ts';
import { type NoteSigner, signCheckpoint } from '../../src/log/index.ts';
import { openTrail } from '../../src/server/compose.ts';
import { openUrlTileSource } from '../../src/server/url-tiles.ts';
import { verifyLogFrom } from '../../src/server/verify.ts';
import { openKeyring } from '../../src/vault/keyring.ts';

type Answer = (response: ServerResponse) => void;

const dir = mkdtempSync(join(tmpdir(), 'veiltrail-verify-url-'));
/** What is answered for some files, instead of them. */
const instead = new Map<string, Answer>();
let published = '';
let vkey = '';
/** Of 100 leaves. */
let keptCheckpoint = '';
const files = createServer((request, response) => {
  const path = (request.url ?? '').replace(/^\/logs\/default\//, '');
  const other = [...instead].find(([file]) => path.startsWith(file))?.[1];
  if (other) return other(response);
  const file = join(published, path);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return void response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>404</h1>');
  response.end(readFileSync(file));
});
const url = (): string => `http://127.0.0.1:${(files.address() as AddressInfo).port}`;

beforeAll(async () => {
  const dataDir = join(dir, 'data');
  const trail = await openTrail({ dataDir, workers: 1 });
  await trail.createLog('default');
  const append = async (from: number, to: number): Promise<void> => {
    const lines = Array.from({ length: to - from }, (_, i) => JSON.stringify({ id: `e-${from + i}`, action: 'user.login' }));
    await trail.append({ log: 'default', principal: 'local', body: new TextEncoder().encode(lines.join('\n')), format: 'ndjson' });
  };
  await append(0, 100);
  keptCheckpoint = (await trail.checkpoint('default')) as string;
  await append(100, 300);
  vkey = trail.vkeyOf('default');
  await trail.close();
  published = join(dataDir, 'logs/default');
  await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
});
afterEach(() => instead.clear());
afterAll(async () => {
  files.closeAllConnections();
  await new Promise((resolve) => files.close(resolve));
  rmSync(dir, { recursive: true, force: true });
});

const hangUp: Answer = (response) => void response.destroy();
const refuse =
  (status: number, body: string): Answer =>
  (response) =>
    void response.writeHead(status, { 'retry-after': '0' }).end(body);

function verify(options: Partial<VerifyOptions> = {}): Promise<VerifyReport> {
  return verifyLogFrom(openUrlTileSource(url(), { retriesMax: 1, waitMs: 1 }), { log: 'default', vkey, ...options });
}

test('all is well where all is answered, and a file that is not there is absent, whoever says so', async () => {
  expect(await verify()).toMatchObject({ ok: true, treeSize: 300 });
  instead.set('checkpoint', refuse(404, '<h1>404</h1>'));
  expect(await verify()).toMatchObject({ ok: false, problems: [{ code: 'checkpoint_missing' }] });
});

test.each([429, 502, 503, 504])('a proxy that answers %i in the stead of a server says nothing about the log', async (status) => {
  instead.set('checkpoint', refuse(status, '<h1>Away</h1>'));
  await expect(verify()).rejects.toMatchObject({ code: 'unreachable', message: `checkpoint: the server is away, it answers HTTP ${status}` });
});

test('a redirect is named: of the checkpoint a wrong URL, of a tile no answer of a log', async () => {
  const redirect: Answer = (response) => void response.writeHead(301, { location: 'https://audit.example/' }).end();
  instead.set('tile/0/000', redirect);
  expect((await verify()).problems[0]).toMatchObject({ code: 'redirected', where: 'tile/0/000' });
  instead.set('checkpoint', redirect);
  const elsewhere = expect.stringMatching(/^checkpoint: the server at \S+ redirects to https:\/\/audit\.example,/) as string;
  await expect(verify()).rejects.toMatchObject({ code: 'redirected', message: elsewhere });
});

test('a server chooses neither what counts as away nor the words for it; the file is named', async () => {
  instead.set('tile/0/000', refuse(403, '{"code":"unreachable","title":"nope"}'));
  const { ok, problems } = await verify();
  expect(ok).toBe(false);
  expect(problems[0]).toMatchObject({ code: 'unexpected_answer', where: 'tile/0/000' });
  expect(JSON.stringify(problems)).not.toContain('nope');
  instead.set('tile/0/000', hangUp);
  await expect(verify()).rejects.toMatchObject({ code: 'unreachable', message: expect.stringMatching(/^tile\/0\/000: the server at /) as string });
  instead.set('tile/0/000', refuse(503, '{"code":"disk_full","title":"nope"}'));
  await expect(verify()).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringMatching(/^tile\/0\/000: the server is away, it answers HTTP 503;/) as string,
  });
});

/** A watch in this process, which leaves it as it was. @returns what the alarm was told, and the metrics */
async function watched(name: string, options: Partial<VerifyOptions> = {}): Promise<{ alarm: Alarm; metrics: string }> {
  const [program, alarmed, metrics] = ['sh', 'json', 'prom'].map((type) => join(dir, `${name}.${type}`)) as [string, string, string];
  writeFileSync(program, `#!/bin/sh\ncat > '${alarmed}'\n`, { mode: 0o755 });
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const listeners = signals.map((signal) => process.listeners(signal));
  const said = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const target = (of: VerifyOptions): Promise<VerifyReport> => verify(of);
  try {
    const often = { everySeconds: 0.001, fullEveryHours: 24, json: true };
    await watch({ where: url(), isDataDir: false, verify: { vkey, ...options }, target, metrics, alert: program, ...often });
    expect(process.exitCode).toBe(1);
  } finally {
    said.mockRestore();
    process.exitCode = undefined;
    signals.forEach((signal, i) => {
      process.removeAllListeners(signal);
      for (const one of listeners[i] ?? []) process.on(signal, one);
    });
  }
  return { alarm: JSON.parse(readFileSync(alarmed, 'utf8')) as Alarm, metrics: readFileSync(metrics, 'utf8') };
}

interface Alarm {
  ok: boolean;
  problems: { code: string; message: string }[];
}

test('a watch is not muted by a server that shows its checkpoint and hangs up on one tile', async () => {
  let passes = 0;
  instead.set('tile/0/000', hangUp);
  instead.set('checkpoint', (response) => {
    passes++;
    response.end(readFileSync(join(published, 'checkpoint')));
  });
  const { alarm, metrics } = await watched('withheld');
  expect(alarm).toMatchObject({ ok: false, problems: [{ code: 'tiles_withheld', message: expect.stringContaining('tile/0/000: ') as string }] });
  expect(metrics).toMatch(/^veiltrail_watch_ok\{log="default"\} 0$/m);
  expect(passes).toBe(3);
});

test('a fork that is shown, and whose tiles are withheld, is told of, kept, and found once the log is there again', async () => {
  const signer = openKeyring(join(dir, 'data/keys'), { create: false }).signer('default') as NoteSigner;
  const fork = signCheckpoint({ origin: signer.name, treeSize: 290, root: new Uint8Array(32).fill(7), extensions: [] }, [signer]);
  instead.set('checkpoint', refuse(200, fork));
  instead.set('tile/', hangUp);
  await expect(verify({ keptCheckpoint })).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining(`of size 290 and root ${'07'.repeat(32)}, and nothing says what that grew from`) as string,
    detail: { checkpoint: fork, treeSize: 290, compared: false },
  });
  // It is shown once, and then never again.
  let looks = 0;
  instead.set('checkpoint', (response) => {
    if (++looks > 1) instead.clear();
    response.end(looks > 1 ? readFileSync(join(published, 'checkpoint')) : fork);
  });
  const { alarm } = await watched('forked', { keptCheckpoint });
  expect(alarm).toMatchObject({ ok: false, problems: [{ code: 'history_forked' }] });
});
