import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createClient, VeiltrailError, type Client } from '../../src/sdk/index.ts';
import { retryDefaults, waitBeforeRetry } from '../../src/sdk/retry.ts';
import { runServer, type RunningServer } from '../server/running-server.ts';

let server: RunningServer;
let writer: Client;
let reader: Client;
beforeAll(async () => {
  server = await runServer();
  writer = createClient({ url: server.url, key: server.key.writer });
  reader = createClient({ url: `${server.url}/`, key: server.key.reader });
});
afterAll(() => server.close());

const event = (message: string): object => ({ action: 'a', actor: { type: 'user', id: 'u-1' }, message });

describe('a client of a server', () => {
  it('appends, reads, proves, and fetches the log', async () => {
    const { receipts, treeSize, checkpoint } = await writer.append([event('one'), event('two')], { proof: true });
    expect(receipts.map(({ leafIndex }) => leafIndex)).toEqual([treeSize - 2, treeSize - 1]);
    expect(
      receipts.every(
        ({ id, proof }) =>
          /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id) && proof?.startsWith('c2sp.org/tlog-proof@v1\n'),
      ),
    ).toBe(true);
    const leaf = receipts[1]?.leafIndex as number;
    expect(await reader.read(leaf)).toMatchObject({ leafIndex: leaf, record: { message: 'two' } });
    expect(await reader.prove(leaf)).toContain(`index ${leaf}\n`);
    const open = createClient({ url: server.url });
    expect(await open.checkpoint()).toBe(checkpoint);
    expect((await open.fetchTile(`tile/0/000.p/${treeSize}`))?.length).toBe(32 * treeSize);
  });

  it('searches, page by page', async () => {
    await writer.append(Array.from({ length: 5 }, (_, i) => event(`zebra ${i}`)));
    const first = await reader.search({ q: 'zebra', limit: 2 });
    expect(first.events.map(({ record }) => record['message'])).toEqual(['zebra 4', 'zebra 3']);
    const second = await reader.search({ q: 'zebra', limit: 2, cursor: first.nextCursor as string });
    expect(second.events.map(({ record }) => record['message'])).toEqual(['zebra 2', 'zebra 1']);
    expect((await reader.search({ q: 'zebra', since: '2999-01-01T00:00:00Z' })).events).toEqual([]);
    expect((await reader.search({ q: 'zebra', until: '2999-01-01T00:00:00Z', limit: 1 })).events.length).toBe(1);
  });

  it('finds nothing where there is nothing', async () => {
    expect(await reader.read(1e9)).toBeUndefined();
    expect(await reader.prove(1e9)).toBeUndefined();
    expect(await reader.checkpoint({ log: 'nowhere' })).toBeUndefined();
    expect(await reader.fetchTile('tile/0/999')).toBeUndefined();
  });

  it('splits what is too much for one request, and keeps the order', async () => {
    const { receipts } = await writer.append(Array.from({ length: 2_500 }, (_, i) => event(`n${i}`)));
    const first = receipts[0]?.leafIndex as number;
    expect(receipts.map(({ leafIndex }) => leafIndex)).toEqual(Array.from({ length: 2_500 }, (_, i) => first + i));
    const large = await writer.append(Array.from({ length: 6 }, (_, i) => event(`${i}${'x'.repeat(900_000)}`)));
    expect(large.receipts.length).toBe(6);
  });

  it('appends an event with an id once', async () => {
    const own = { id: 'sdk-1', time: '2026-11-22T06:07:08Z', ...event('x') };
    const [first] = (await writer.append([own])).receipts;
    expect((await writer.append([own])).receipts).toEqual([{ ...first, duplicate: true }]);
    await expect(writer.append([{ ...own, message: 'y' }])).rejects.toMatchObject({ code: 'id_conflict', detail: { status: 409 } });
  });

  it('appends a body as it is', async () => {
    const { receipts } = await writer.appendBody('same\nsame', {
      contentType: 'text/plain',
      format: 'text',
      dedupe: 'content',
      conflict: 'append',
      repeats: new Map([[1, 1]]),
    });
    expect(receipts.map(({ duplicate }) => duplicate)).toEqual([false, false]);
    expect((await writer.appendBody('{x}\n{"message":"m"}', { contentType: 'application/x-ndjson' })).receipts.map(({ stub }) => stub)).toEqual([
      'json_syntax',
      undefined,
    ]);
  });

  it.each([
    ['unauthenticated', () => createClient({ url: server.url, key: 'wrong' }).append([event('x')])],
    ['unauthenticated', () => createClient({ url: server.url }).read(0)],
    ['forbidden', () => reader.append([event('x')])],
    ['log_unknown', () => writer.append([event('x')], { log: 'nowhere' })],
    ['query_syntax', () => reader.search({ q: '"never closed' })],
    ['batch_empty', () => writer.append([])],
    ['leaf_invalid', async () => reader.read(-1)],
    ['leaf_invalid', async () => reader.prove(1.5)],
    ['tile_path', async () => reader.fetchTile('tile/../../x')],
    ['not_found', () => createClient({ url: `${server.url}/elsewhere`, key: server.key.writer }).append([event('x')])],
  ])('says %s', async (code, use) => {
    await expect(use()).rejects.toMatchObject({ name: 'VeiltrailError', code });
  });

  it.each(['', 'x', 'ftp://x', 'http://u:p@x', 'http://x?y', 'http://x#y'])('has no server at %j', (url) => {
    expect(() => createClient({ url })).toThrow(expect.objectContaining({ code: 'invalid_url' }));
  });
});

describe('a client of a server that has trouble', () => {
  let troubled = createServer();
  let asked: IncomingMessage[] = [];
  afterEach(() => {
    troubled.closeAllConnections();
    troubled.close();
    asked = [];
  });
  const answers = async (...handlers: ((response: ServerResponse) => void)[]): Promise<string> => {
    troubled = createServer((request, response) => {
      asked.push(request);
      request.resume().on('end', () => (handlers[Math.min(asked.length, handlers.length) - 1] as (response: ServerResponse) => void)(response));
    });
    await new Promise<void>((done) => troubled.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(troubled.address() as AddressInfo).port}`;
  };
  const problem = (status: number, code: string, retryAfter?: string) => (response: ServerResponse) =>
    void response
      .writeHead(status, { 'content-type': 'application/problem+json', ...(retryAfter ? { 'retry-after': retryAfter } : {}) })
      .end(JSON.stringify({ code, title: 't', detail: 'd' }));
  const done = (response: ServerResponse): void =>
    void response.writeHead(201).end('{"receipts":[{"id":"x","leafIndex":0,"duplicate":false}],"treeSize":1,"checkpoint":"c"}');
  const reset = (response: ServerResponse): void => void response.destroy();
  const retry = { waitMs: 5, retriesMax: 3 };

  it('comes again after 429 and 503, when the server says so', async () => {
    const url = await answers(problem(429, 'too_many_requests', '1'), problem(503, 'queue_full'), done);
    const started = performance.now();
    expect((await createClient({ url, key: 'k', retry }).append([event('x')])).treeSize).toBe(1);
    expect(performance.now() - started).toBeGreaterThan(990);
    expect(asked.map(({ url: path, headers }) => [path, headers.authorization])).toEqual(
      Array.from({ length: 3 }, () => ['/api/v1/logs/default/events', 'Bearer k']),
    );
  });

  it('sends an event again whose answer was lost, under the same id', async () => {
    const url = await answers(reset, reset, done);
    const bodies: string[] = [];
    troubled.prependListener('request', (request: IncomingMessage) => request.on('data', (data: Buffer) => bodies.push(data.toString())));
    await createClient({ url, retry }).append([event('x')]);
    expect(new Set(bodies).size).toBe(1);
    expect(bodies.length).toBe(3);
    expect(JSON.parse(bodies[0] as string)).toHaveProperty('id');
  });

  it('does not send a body again that might be appended twice', async () => {
    const url = await answers(reset, done);
    await expect(createClient({ url, retry }).appendBody('{}')).rejects.toMatchObject({ code: 'unreachable' });
    expect(asked.length).toBe(1);
    expect((await createClient({ url, retry }).appendBody('{}', { dedupe: 'content' })).treeSize).toBe(1);
  });

  it.each(['not_published', 'storage_failed'])('does so neither when the server says %s: it may be stored', async (code) => {
    const url = await answers(problem(503, code, '0'), done);
    await expect(createClient({ url, retry }).appendBody('{}')).rejects.toMatchObject({ code, detail: { status: 503 } });
    expect(asked.length).toBe(1);
    expect((await createClient({ url, retry }).append([event('x')])).treeSize).toBe(1);
  });

  it('takes an answer that was cut off for none', async () => {
    const cut = (response: ServerResponse): void => {
      response.writeHead(201, { 'content-length': '100' }).write('{"receipts":');
      setTimeout(() => response.destroy(), 20);
    };
    const url = await answers(cut, done, cut);
    expect((await createClient({ url, retry }).append([event('x')])).treeSize).toBe(1);
    await expect(createClient({ url, retry }).appendBody('{}')).rejects.toMatchObject({ code: 'unreachable' });
    expect(asked.length).toBe(3);
  });

  it('gives up in the end, with the code of the last answer', async () => {
    const url = await answers(problem(503, 'disk_full'));
    await expect(createClient({ url, retry }).read(0)).rejects.toMatchObject({ code: 'disk_full', message: 'd', detail: { status: 503 } });
    expect(asked.length).toBe(4);
  });

  it('takes every other refusal as final', async () => {
    const url = await answers(problem(500, 'internal'));
    await expect(createClient({ url, retry }).read(0)).rejects.toMatchObject({ code: 'internal' });
    expect(asked.length).toBe(1);
  });

  it('knows an answer that is not from veiltrail', async () => {
    const url = await answers((response) => void response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>'));
    await expect(createClient({ url, retry }).read(0)).rejects.toMatchObject({ code: 'unexpected_answer', detail: { status: 502 } });
    const odd = createClient({ url: await answers((response) => void response.writeHead(400).end('{"code":"<script>"}')), retry });
    await expect(odd.read(0)).rejects.toMatchObject({ code: 'unexpected_answer' });
    const bare = createClient({ url: await answers((response) => void response.writeHead(400).end('{"code":"bare"}')), retry });
    await expect(bare.read(0)).rejects.toMatchObject({ code: 'bare', message: 'bare' });
  });

  it('does not follow a redirect with its key', async () => {
    const url = await answers((response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/logs?secret=s' }).end());
    await expect(createClient({ url, key: 'k', retry }).read(0)).rejects.toMatchObject({
      code: 'redirected',
      message: `the server at ${new URL(url).origin} redirects to http://127.0.0.1:1, where nothing is sent: give the URL that it leads to`,
    });
    // Not again: it would be the same.
    expect(asked.length).toBe(1);
    const odd = await answers((response) => void response.writeHead(301, { location: 'http://' }).end());
    await expect(createClient({ url: odd, retry }).read(0)).rejects.toMatchObject({ code: 'redirected' });
  });

  it('waits for an answer only so long', async () => {
    const url = await answers(() => undefined);
    let tries = 0;
    // Those that arrive in 50 ms are not counted: on a busy machine none may.
    const counting: typeof fetch = (...request) => (tries++, fetch(...request));
    const client = createClient({ url, fetch: counting, timeoutMs: 50, retry: { retriesMax: 1, waitMs: 1 } });
    await expect(client.read(0)).rejects.toMatchObject({ code: 'unreachable' });
    expect(tries).toBe(2);
  });

  it('stops when it is told to, in a request and between two', async () => {
    const url = await answers(() => undefined);
    await expect(createClient({ url }).read(0, { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ name: 'TimeoutError' });
    const busy = await answers(problem(503, 'queue_full', '30'));
    const started = performance.now();
    await expect(createClient({ url: busy }).read(0, { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({ name: 'TimeoutError' });
    // It was told to wait for 30 s.
    expect(performance.now() - started).toBeLessThan(29_000);
    await expect(
      createClient({ url: busy }).append([event('x')], { signal: AbortSignal.abort(new VeiltrailError('stopped', 's')) }),
    ).rejects.toMatchObject({ code: 'stopped' });
    await expect(createClient({ url: busy }).search({ signal: AbortSignal.abort(new VeiltrailError('stopped', 's')) })).rejects.toMatchObject({
      code: 'stopped',
    });
  });

  it('is told when nobody is there', async () => {
    await expect(createClient({ url: 'http://127.0.0.1:9', retry: { retriesMax: 1, waitMs: 1 } }).checkpoint()).rejects.toMatchObject({
      code: 'unreachable',
    });
  });

  it('uses the fetch it is given', async () => {
    const calls: string[] = [];
    const client = createClient({
      url: 'https://example.org/audit',
      fetch: async (input) => {
        calls.push(input instanceof Request ? input.url : input.toString());
        return new Response('text');
      },
    });
    expect(await client.checkpoint({ log: 'a b' })).toBe('text');
    expect(calls).toEqual(['https://example.org/audit/logs/a%20b/checkpoint']);
  });
});

describe('waitBeforeRetry', () => {
  it('doubles, stays below the limit, and ends', () => {
    const waits = (chance: number): (number | undefined)[] =>
      [1, 2, 3, 4, 7].map((tried) => waitBeforeRetry(tried, null, { ...retryDefaults, waitMsMax: 1_500 }, chance));
    expect(waits(0)).toEqual([125, 250, 500, 750, undefined]);
    expect(waits(1)).toEqual([250, 500, 1_000, 1_500, undefined]);
  });

  it('believes Retry-After where it is a number of seconds', () => {
    expect(waitBeforeRetry(1, '2', retryDefaults, 0)).toBe(2_000);
    expect(waitBeforeRetry(1, '9999', retryDefaults, 1)).toBe(30_250);
    expect(waitBeforeRetry(1, 'Wed, 21 Oct 2015 07:28:00 GMT', retryDefaults, 1)).toBe(250);
  });
});
