/** `export --raw`, at the receiving end: a file is there as a whole and for its owner alone, or not at all, whatever a server sends or does not. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { exportRaw } from '../../src/cli/export-raw.ts';

let dir: string;
let server: Server;
let answer: (to: ServerResponse) => void;
let url: string;

const lines = [
  '{"format":"veiltrail.raw-export/v1","export":"x_1","log":"default","complete":false}',
  '{"leafIndex":0,"event":{"action":"a\u2028"}}',
];
const body = `${lines.join('\n')}\n`;
const last = (sha256 = createHash('sha256').update(body).digest('hex')): string =>
  `${JSON.stringify({ end: true, events: 1, removed: 0, values: 2, sha256 })}\n`;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'veiltrail-cli-raw-'));
  server = createServer((_request, to) => answer(to)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // What is said to people is looked at where the whole command runs.
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterAll(() => {
  vi.restoreAllMocks();
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true, force: true });
});

const run = (out = join(dir, 'export.ndjson')): Promise<void> =>
  exportRaw({ query: '', log: 'default', purpose: 'p', reference: 'r', url, key: 'vt_key', out });

test('what is whole gets its name, for its owner alone, byte by byte as it came', async () => {
  const text = body + last();
  answer = (to) => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += 7) to.write(bytes.subarray(at, at + 7));
    to.end();
  };
  const out = join(dir, 'whole.ndjson');
  await run(out);
  expect(readFileSync(out, 'utf8')).toBe(text);
  expect(statSync(out).mode & 0o777).toBe(0o600);
  expect(readdirSync(dir)).toEqual(['whole.ndjson']);
  writeFileSync(out, 'mine');
  await expect(run(out)).rejects.toMatchObject({ code: 'output_unwritable' });
  expect(readFileSync(out, 'utf8')).toBe('mine');
  rmSync(out);
});

test.each<[string, (to: ServerResponse) => void]>([
  ['cut off', (to) => void to.write(body, () => to.destroy())],
  ['without its last line', (to) => void to.end(body)],
  ['with half of its last line', (to) => void to.end(body + last().slice(0, -1))],
  ['with a last line of another file', (to) => void to.end(body + last('0'.repeat(64)))],
  ['with more behind its end', (to) => void to.end(`${body}${last()}{}`)],
  ['empty', (to) => void to.end()],
])('a file %s leaves nothing', async (_what, send) => {
  answer = send;
  await expect(run()).rejects.toMatchObject({ code: expect.stringMatching(/^(?:export_cut_short|unexpected_answer)$/) as string });
  expect(readdirSync(dir)).toEqual([]);
});

test('a refusal leaves nothing', async () => {
  answer = (to) =>
    void to.writeHead(403, { 'content-type': 'application/problem+json' }).end('{"code":"approval_needed","detail":"this needs a second person"}');
  await expect(run()).rejects.toMatchObject({ code: 'approval_needed' });
  expect(readdirSync(dir)).toEqual([]);
});

test('who cancels keeps nothing, and the server is told at once', async () => {
  const gone = new Promise<void>((resolve) => {
    answer = (to) => {
      to.once('close', resolve);
      to.write(body, () => process.emit('SIGINT'));
    };
  });
  await expect(run()).rejects.toMatchObject({ code: 'export_cut_short', message: expect.stringContaining('cancelled') as string });
  await gone;
  expect(readdirSync(dir)).toEqual([]);
});

test('where nothing can be written, nothing is asked for', async () => {
  answer = () => expect.unreachable();
  await expect(run(join(dir, 'not', 'there'))).rejects.toMatchObject({ code: 'output_unwritable' });
});
