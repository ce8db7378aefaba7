/** `verify URL`: what a server that is away, or says that it is, changes about what is found. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { VerifyOptions, VerifyReport } from '../../src/app/verify-log.ts';
import { openTrail } from '../../src/server/compose.ts';
import { openUrlTileSource } from '../../src/server/url-tiles.ts';
import { verifyLogFrom } from '../../src/server/verify.ts';

type Answer = (response: ServerResponse) => void;

const dir = mkdtempSync(join(tmpdir(), 'veiltrail-verify-url-'));
/** What is answered for some files, instead of them. */
const instead = new Map<string, Answer>();
let published = '';
let vkey = '';
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
  const lines = Array.from({ length: 300 }, (_, i) => JSON.stringify({ id: `e-${i}`, action: 'user.login' }));
  await trail.append({ log: 'default', principal: 'local', body: new TextEncoder().encode(lines.join('\n')), format: 'ndjson' });
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

test('a server chooses neither what counts as away nor the words for it; the file is named', async () => {
  instead.set('tile/0/000', refuse(403, '{"code":"unreachable","title":"nope"}'));
  const { ok, problems } = await verify();
  expect(ok).toBe(false);
  expect(problems[0]).toMatchObject({ code: 'unexpected_answer', where: 'tile/0/000' });
  expect(JSON.stringify(problems)).not.toContain('nope');
  instead.set('tile/0/000', hangUp);
  await expect(verify()).rejects.toMatchObject({ code: 'unreachable', message: expect.stringMatching(/^tile\/0\/000: the server at /) as string });
  instead.set('tile/0/000', refuse(503, '{"code":"disk_full","title":"nope"}'));
  await expect(verify()).rejects.toMatchObject({ code: 'unreachable', message: 'tile/0/000: the server is away, it answers HTTP 503' });
});
