/** What may be sent, and what becomes of what may not. Nothing of it is ever repeated. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { chmodSync, renameSync, writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import { badInputs, parseBadInputTable } from '../ingest/bad-inputs.ts';
import { runServer, sendRaw, type Answer, type RunningServer } from './running-server.ts';

const events = '/api/v1/logs/default/events';
const canary = 'CANARY7f3a9';
const json = { 'content-type': 'application/json' };
const lines = { 'content-type': 'application/x-ndjson' };

let server: RunningServer;
beforeAll(async () => {
  server = await runServer();
});
afterAll(() => server.close());
afterEach(() => expect(server.mistakes).toEqual([]));

const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = json, query = ''): Promise<Answer> =>
  server.send('POST', events + query, { key: server.key.writer, body, headers });
const get = (path: string): Promise<Answer> => server.send('GET', path, { key: server.key.reader });
const receiptsOf = (answer: Answer): { id: string; leafIndex: number; duplicate: boolean; stub?: string; proof?: string }[] =>
  answer.json['receipts'] as never;

describe('appending', () => {
  it('takes an object, an array and lines, and answers with a receipt for each', async () => {
    const one = await post('{"message":"one"}');
    expect(one.status).toBe(201);
    expect(one.json).toEqual({
      receipts: [{ id: expect.any(String) as string, leafIndex: expect.any(Number) as number, duplicate: false }],
      treeSize: expect.any(Number) as number,
      checkpoint: expect.stringContaining('\n— ') as string,
    });
    const first = receiptsOf(one)[0]?.leafIndex as number;
    expect(receiptsOf(await post('[{"message":"a"},{"message":"b"}]')).map(({ leafIndex }) => leafIndex)).toEqual([first + 1, first + 2]);
    expect(receiptsOf(await post('{"message":"a"}\r\n\r\n{"message":"b"}', lines)).length).toBe(2);
    expect((await get(`${events}/${first}`)).json).toMatchObject({ leafIndex: first, record: { message: 'one' } });
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('takes %s', async (encoding, compress) => {
    const { status, ...answer } = await post(new Uint8Array(compress('{"message":"packed"}')), { ...json, 'content-encoding': encoding });
    expect(status).toBe(201);
    const [receipt] = receiptsOf({ status, ...answer });
    expect((await get(`${events}/${receipt?.leafIndex}`)).json).toMatchObject({ record: { message: 'packed' } });
  });

  it('gives proofs where they are asked for', async () => {
    const [receipt] = receiptsOf(await post('{"message":"proven"}', json, '?proof=1'));
    expect(receipt?.proof).toMatch(/^c2sp\.org\/tlog-proof@v1\n/);
    const proof = await get(`${events}/${receipt?.leafIndex}/proof`);
    expect(proof.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(proof.text).toMatch(new RegExp(`^c2sp\\.org/tlog-proof@v1\n(?:extra .*\n)?index ${receipt?.leafIndex}\n`));
  });

  it('makes a duplicate of what comes again, and refuses another event under the same id unless told otherwise', async () => {
    const event = (message: string): string =>
      JSON.stringify({ id: 'same', time: '2026-11-22T06:07:08Z', action: 'a', actor: { type: 'user', id: 'u' }, message });
    const [first] = receiptsOf(await post(event('x')));
    expect(receiptsOf(await post(event('x')))).toEqual([{ ...first, duplicate: true }]);
    const conflict = await post(`[${event('y')},{"message":"beside"}]`);
    expect([conflict.status, conflict.json['code']]).toEqual([409, 'id_conflict']);
    const [other] = receiptsOf(await post(event('y'), json, '?conflict=append'));
    expect(other?.leafIndex).toBe((first?.leafIndex as number) + 1);
  });

  it('tells events without ids apart by content where that is asked for', async () => {
    const body = '{"message":"same content"}\n{"message":"same content"}';
    const first = receiptsOf(await post(body, lines, '?dedupe=content&repeats=1:1'));
    expect(first.map(({ duplicate }) => duplicate)).toEqual([false, false]);
    const again = receiptsOf(await post(body, lines, '?dedupe=content&repeats=1:1'));
    expect(again.map(({ leafIndex, duplicate }) => [leafIndex, duplicate])).toEqual(first.map(({ leafIndex }) => [leafIndex, true]));
    expect(receiptsOf(await post(body, lines)).map(({ duplicate }) => duplicate)).toEqual([false, false]);
  });

  it('reads the body as the format that is named', async () => {
    const [receipt] = receiptsOf(await post('{"message":"a text"}', json, '?format=text'));
    expect((await get(`${events}/${receipt?.leafIndex}`)).json).toMatchObject({ record: { message: '{"message":"a text"}' } });
  });

  it('stores nothing of a batch that is refused', async () => {
    const before = (await server.send('GET', '/logs/default/checkpoint')).text;
    expect((await post('[{"message":"fine"},{"message":]')).status).toBe(400);
    expect((await server.send('GET', '/logs/default/checkpoint')).text).toBe(before);
  });
});

describe('docs/reference/bad-input.md', () => {
  const document = readFileSync(new URL('../../docs/reference/bad-input.md', import.meta.url), 'utf8');
  for (const { input, body: outcome } of parseBadInputTable(document)) {
    it(`${input}: ${outcome}`, async () => {
      const answer = await post(new Uint8Array(badInputs[input] as Uint8Array));
      if (!outcome.startsWith('400')) expect(answer.status).toBe(201);
      if (outcome.startsWith('400')) expect(`${answer.status} ${String(answer.json['code'])}`).toBe(outcome);
      else if (outcome.startsWith('stub')) expect(`stub ${receiptsOf(answer)[0]?.stub}`).toBe(outcome);
      else expect(receiptsOf(answer)[0]).not.toHaveProperty('stub');
      const note = /note (\w+)/.exec(outcome)?.[1];
      if (note === undefined) return;
      const { json: stored } = await get(`${events}/${receiptsOf(answer)[0]?.leafIndex}`);
      expect((stored['record'] as { ingestNotes: string[] }).ingestNotes.join()).toContain(note);
    });
  }

  const refused: [string | Uint8Array<ArrayBuffer>, Record<string, string>, number, string][] = [
    ['', {}, 400, 'batch_empty'],
    ['', json, 400, 'json_syntax'],
    ['[]', json, 400, 'batch_empty'],
    ['\n\n', lines, 400, 'batch_empty'],
    [`[${'{},'.repeat(10_000)}{}]`, json, 413, 'batch_too_large'],
    [new Uint8Array(16_777_217), json, 413, 'body_too_large'],
    [new Uint8Array(gzipSync(Buffer.alloc(16_777_217, '['))), { ...json, 'content-encoding': 'gzip' }, 413, 'body_too_large'],
    [new Uint8Array(zstdCompressSync(Buffer.alloc(1 << 28))), { ...json, 'content-encoding': 'zstd' }, 413, 'body_too_large'],
    [canary, { ...json, 'content-encoding': 'gzip' }, 400, 'bad_encoding'],
    [canary, { ...json, 'content-encoding': 'zstd' }, 400, 'bad_encoding'],
    [canary, { ...json, 'content-encoding': 'br' }, 415, 'unsupported_encoding'],
    [canary, { ...json, 'content-encoding': canary }, 415, 'unsupported_encoding'],
  ];
  // By number: a title with a body of 16 MiB in it is one of 140 MB.
  it.each(refused.map((row, i) => [`${i}: ${row[2]} ${row[3]}`, ...row] as const))(
    'refuses request %s',
    async (_title, body, headers, status, code) => {
      const answer = await post(body, headers);
      expect([answer.status, answer.json['code']]).toEqual([status, code]);
      expect(answer.text).not.toContain(canary);
    },
  );
});

describe('parameters', () => {
  it.each([
    ['?x=1'],
    [`?${canary}=1`],
    ['?proof=0'],
    ['?proof='],
    ['?proof=1&proof=1'],
    ['?format=kubernetes'],
    [`?format=${canary}`],
    ['?dedupe=name'],
    ['?repeats=1'],
    ['?repeats=01:1'],
    ['?repeats=1:0'],
    ['?repeats=1e1:1'],
    ['?__proto__=1'],
    ['?constructor=1'],
  ])('appending refuses %s', async (query) => {
    const { status, json: problem, text } = await post('{}', json, query);
    expect([status, problem['code']]).toEqual([400, 'invalid_parameter']);
    expect(text).not.toContain(canary);
  });

  it.each([
    ...['0', '1001', '01', '1e2', '+1', '-1', '1.0', ' 1', '１', 'x', '', '9'.repeat(30)].map((limit) => `limit=${encodeURIComponent(limit)}`),
    'limit=1&limit=2',
    ...['yesterday', '2026-11-22', '2026-11-22T06:07:08', '99999-01-01T00:00:00Z', '1'].map((time) => `since=${time}`),
    'until=never',
    `q=${'x'.repeat(2_001)}`,
    `cursor=${'x'.repeat(513)}`,
    'unknown=1',
  ])('searching refuses %.40s', async (query) => {
    const { status, json: problem } = await get(`${events}?${query}`);
    expect([status, problem['code']]).toEqual([400, 'invalid_parameter']);
  });

  it.each(['01', '1e3', '-1', '+1', '1.0', '0x1', '%201', '1%20', '１', 'x', canary, '12345678901234567', '1'.repeat(200)])(
    'no leaf is called %.40s',
    async (leafText) => {
      for (const path of [`${events}/${leafText}`, `${events}/${leafText}/proof`]) {
        const { status, json: problem, text } = await get(path);
        expect([status, problem['code']]).toEqual([400, 'invalid_parameter']);
        expect(problem['parameter']).toBe('leaf');
        expect(text).not.toContain(canary);
      }
    },
  );

  it('finds no leaf that is not there yet', async () => {
    for (const leafText of ['999999', '9007199254740991', '9007199254740993', '9999999999999999']) {
      expect((await get(`${events}/${leafText}`)).json['code']).toBe('not_found');
      expect((await get(`${events}/${leafText}/proof`)).json['code']).toBe('not_found');
    }
    expect((await get(`${events}/0?x=1`)).json['code']).toBe('invalid_parameter');
  });

  it.each(['..', '%2e%2e', '.hidden', 'a.b', 'Default', '-x', 'a%2Fb', 'a%00b', 'a%20b', 'ä', `${canary}%2f..`, 'x'.repeat(65), '%ff'])(
    'no log is called %s',
    async (log) => {
      for (const [method, path, key] of [
        ['POST', `/api/v1/logs/${log}/events`, server.key.writer],
        ['GET', `/api/v1/logs/${log}/events/0`, server.key.reader],
        ['PUT', `/api/v1/logs/${log}`, server.key.admin],
        ['GET', `/logs/${log}/checkpoint`, undefined],
        ['GET', `/logs/${log}/tile/0/000`, undefined],
      ] as const) {
        const { status, json: problem, text } = await server.send(method, path, { key, ...(method === 'POST' ? { body: '{}' } : {}) });
        expect([400, 404]).toContain(status);
        expect(['invalid_parameter', 'not_found', 'malformed_request']).toContain(problem['code']);
        expect(text).not.toContain(canary);
      }
    },
  );

  it('knows which logs there are, and makes one once', async () => {
    const at = '/api/v1/logs/made-here_1';
    const { key } = server;
    expect((await server.send('POST', `${at}/events`, { key: key.writer, body: '{}', headers: json })).json['code']).toBe('log_unknown');
    const made = await server.send('PUT', at, { key: key.admin });
    expect([made.status, made.json]).toEqual([201, { log: 'made-here_1', vkey: expect.stringMatching(/\/made-here_1\+[0-9a-f]{8}\+/) as string }]);
    expect((await server.send('PUT', at, { key: key.admin })).status).toBe(200);
    expect((await server.send('PUT', '/api/v1/logs/_system', { key: key.admin })).json['code']).toBe('log_name');
    expect((await server.send('POST', `${at}/events`, { key: key.writer, body: '{"message":"m"}', headers: json })).status).toBe(201);
    expect((await get('/api/v1/logs/nowhere/events/0')).json['code']).toBe('log_unknown');
    expect((await get('/api/v1/logs')).json['logs']).toContainEqual(made.json);
  });
});

describe('the log itself', () => {
  it('is static bytes for everybody, with the headers that caches and browsers need', async () => {
    await post('{"message":"at least one"}');
    const checkpoint = await server.send('GET', '/logs/default/checkpoint');
    expect(Object.fromEntries(checkpoint.headers)).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'access-control-allow-origin': '*',
    });
    const size = Number(checkpoint.text.split('\n')[1]);
    const width = size % 256;
    for (const path of [`tile/0/000.p/${width}`, `tile/entries/000.p/${width}`]) {
      for (const method of ['GET', 'HEAD']) {
        const { status, headers, text } = await server.send(method, `/logs/default/${path}`);
        expect(status).toBe(200);
        expect(Object.fromEntries(headers)).toMatchObject({
          'content-type': 'application/octet-stream',
          'cache-control': 'public, max-age=604800, immutable',
          'access-control-allow-origin': '*',
          'content-length': String(path.includes('entries') ? 35 * width : 32 * width),
        });
        if (method === 'HEAD') expect(text).toBe('');
      }
    }
  });

  it.each([
    'tile/0/999',
    'tile/0/000',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/0',
    'tile/00/000',
    'tile/64/000',
    'tile/0/x000/000',
    'tile/',
    'tile/entries/999',
    'tile/0/000/',
    'checkpoint/',
  ])('has no %s, and says so without headers for caches', async (path) => {
    const { status, headers, json: problem } = await server.send('GET', `/logs/default/${path}`);
    expect([status, problem['code']]).toEqual([404, 'not_found']);
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('cannot be climbed out of', async () => {
    for (const path of [
      'tile/../checkpoint',
      'tile/%2e%2e/checkpoint',
      'tile/..%2fcheckpoint',
      'tile/../../../access.json',
      'tile/%2e%2e%2f%2e%2e%2faccess.json',
      '../../access.json',
      'tile//etc/passwd',
      'tile/0/000%00',
    ]) {
      const answer = await sendRaw(server.port, [`GET /logs/default/${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`]);
      expect(answer.slice(9, 12), path).toBe('404');
    }
  });

  it('does not tell strangers which logs there are', async () => {
    const missing = await server.send('GET', '/logs/nowhere/tile/0/000');
    expect(missing.text).toBe((await server.send('GET', '/logs/default/tile/0/999')).text);
    expect((await server.send('GET', '/logs/nowhere/checkpoint')).text).toBe(missing.text);
  });
});

describe('every answer', () => {
  it('bears the headers that keep browsers from making more of it', async () => {
    for (const { headers } of [await get(`${events}/0`), await get('/nowhere'), await server.send('GET', '/healthz'), await post('x')]) {
      expect(Object.fromEntries(headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'cache-control': 'no-store',
      });
      expect(headers.get('server')).toBeNull();
      expect(headers.get('x-powered-by')).toBeNull();
    }
  });

  it('says how to show a key where one is wanted', async () => {
    const { headers, json: problem } = await server.send('GET', `${events}/0`);
    expect(headers.get('www-authenticate')).toBe('Bearer realm="veiltrail"');
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(problem).toMatchObject({ status: 401, type: 'urn:veiltrail:problem:unauthenticated' });
  });

  it('repeats nothing of what was sent', async () => {
    const attempts = [
      await post(`{"${canary}":${canary}}`),
      await post(`[{"${canary}":1}`),
      await post(`${canary}\n{"x":"${canary}`, lines),
      await server.send('POST', `${events}?${canary}=${canary}`, { key: server.key.writer, body: canary, headers: { 'x-canary': canary } }),
      await get(`${events}?limit=${canary}`),
      await get(`${events}?since=${canary}`),
      await get(`/${canary}`),
      await get(`/api/v1/logs/${canary}/events/0`),
      await server.send('PUT', `/api/v1/logs/-${canary}`, { key: server.key.admin }),
      await server.send('POST', '/api/v1/keys', { key: server.key.admin, body: `{"role":"${canary}"}` }),
      await server.send('DELETE', `/api/v1/keys/${canary}`, { key: server.key.admin }),
      await server.send('GET', '/api/v1/keys', { key: canary }),
      await server.send('PATCH', `/${canary}`, { body: canary }),
    ];
    for (const { text, headers } of attempts) {
      expect(text + JSON.stringify([...headers])).not.toContain(canary);
    }
  });

  it('is a problem where the method is not one', async () => {
    for (const method of ['PATCH', 'PUT', 'DELETE', 'OPTIONS']) {
      expect((await server.send(method, events, { key: server.key.writer })).json['code']).toBe('not_found');
    }
  });
});

describe('bytes that are no request', () => {
  const head = (more: string): string => `POST ${events} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.key.writer}\r\n${more}\r\n`;

  it.each([
    ['nonsense', () => [`${canary}\r\n\r\n`], '400', 'malformed_request'],
    ['two lengths', () => [head('content-length: 2\r\ncontent-length: 3\r\n'), '{}'], '400', 'malformed_request'],
    ['a length and chunks', () => [head('content-length: 2\r\ntransfer-encoding: chunked\r\n'), '0\r\n\r\n'], '400', 'malformed_request'],
    ['a length that is none', () => [head('content-length: 1e1\r\n')], '400', 'malformed_request'],
    ['a negative length', () => [head('content-length: -1\r\n')], '400', 'malformed_request'],
    ['headers without end', () => [head(`x-canary: ${canary.repeat(2_000)}\r\n`)], '431', 'headers_too_large'],
    ['a bare line feed', () => [`GET /healthz HTTP/1.1\nhost: x\n${canary}: 1\n\n`], '400', 'malformed_request'],
    ['a name with a space', () => [`GET /healthz HTTP/1.1\r\nhost : x\r\n\r\n`], '400', 'malformed_request'],
    ['no host', () => ['GET /healthz HTTP/1.1\r\n\r\n'], '400', undefined],
    [
      'a media type that is none',
      () => [head(`content-type: ;${canary};;\r\ncontent-length: 2\r\nconnection: close\r\n`), '{}'],
      '400',
      'malformed_request',
    ],
    ['a chunk that lies', () => [head('transfer-encoding: chunked\r\n'), `zz\r\n${canary}\r\n`], '400', 'malformed_request'],
  ] as const)('%s: %s', async (_name, parts, status, code) => {
    const answer = await sendRaw(server.port, parts());
    expect(answer.slice(9, 12)).toBe(status);
    if (code !== undefined) expect(answer).toContain(`"code":"${code}"`);
    expect(answer).not.toContain(canary);
  });

  it('a body that does not end costs its sender the connection, and nothing else', async () => {
    const answer = await sendRaw(server.port, [head('content-length: 100\r\n'), '{"a":'], { forMs: 300 });
    expect(answer).toBe('');
    expect((await post('{"message":"still here"}')).status).toBe(201);
  });

  it('a body that is refused is not taken for the next request', async () => {
    const smuggled = `POST /api/v1/keys HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.key.admin}\r\ncontent-length: 16\r\n\r\n{"role":"admin"}`;
    const before = server.keys.list().length;
    const answer = await sendRaw(server.port, [
      `POST ${events} HTTP/1.1\r\nhost: x\r\ncontent-length: ${smuggled.length + 20_000_000}\r\n\r\n`,
      smuggled,
    ]);
    expect(answer.match(/HTTP\/1\.1 /g)?.length).toBe(1);
    expect(answer).toContain('connection: close');
    expect(server.keys.list().length).toBe(before);
  });

  it('requests one behind the other are each answered', async () => {
    const one = `GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n`;
    const answer = await sendRaw(server.port, [one.repeat(50), `GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`]);
    expect(answer.match(/HTTP\/1\.1 200/g)?.length).toBe(51);
  });
});

describe('a list of keys that is broken', () => {
  it('lets nobody in, and everybody again when it is whole', async () => {
    const path = join(server.dataDir, 'access.json');
    const whole = readFileSync(path, 'utf8');
    const wait = (): Promise<void> => new Promise((done) => setTimeout(done, 1_100));
    const refused = async (): Promise<unknown[]> => {
      const { status, json: problem, headers } = await get(`${events}/0`);
      return [status, problem['code'], headers.get('retry-after')];
    };
    for (const broken of ['', '{"version":1,"keys":[]', whole.replace('"version": 1', '"version": 2'), whole.replace('"role"', '"rule"')]) {
      writeFileSync(path, broken);
      await wait();
      expect(await refused()).toEqual([503, 'access_unavailable', '30']);
    }
    renameSync(path, `${path}.away`);
    await wait();
    expect(await refused()).toEqual([503, 'access_unavailable', '30']);
    renameSync(`${path}.away`, path);
    writeFileSync(path, whole);
    chmodSync(path, 0o644);
    await wait();
    expect(await refused()).toEqual([503, 'access_unavailable', '30']);
    chmodSync(path, 0o600);
    await wait();
    expect((await get(`${events}/0`)).status).toBe(200);
    expect((await server.send('GET', '/logs/default/checkpoint')).status).toBe(200);
  });
});

describe('failures within', () => {
  it('are told by code, with the time to come again, and ours are reported by place and not by content', async () => {
    let failure: Error | undefined;
    const failing = await runServer({}, (trail) => ({
      ...trail,
      append: (request) => (failure ? Promise.reject(failure) : trail.append(request)),
      checkpoint: (log) => (failure ? Promise.reject(new VeiltrailError('storage_busy', canary)) : trail.checkpoint(log)),
      ready: () => (failure ? { ready: false, reasons: ['broken'], stopped: [] } : trail.ready()),
    }));
    try {
      const attempt = async (error: Error): Promise<Answer> => {
        failure = error;
        return failing.send('POST', events, { key: failing.key.writer, body: '{}', headers: json });
      };
      for (const [code, retryAfter] of [
        ['disk_full', '30'],
        ['storage_readonly', '30'],
        ['queue_full', '1'],
        ['processing_failed', '5'],
        ['ledger_closed', '5'],
      ] as const) {
        const { status, headers, text } = await attempt(new VeiltrailError(code, canary));
        expect([status, headers.get('retry-after')]).toEqual([503, retryAfter]);
        expect(text).not.toContain(canary);
      }
      expect((await failing.send('GET', '/readyz')).json).toEqual({ ready: false, reasons: ['broken'], stopped: [] });
      expect((await failing.send('GET', '/readyz')).status).toBe(503);
      expect(failing.mistakes).toEqual([]);
      expect((await failing.send('GET', '/logs/default/checkpoint')).status).toBe(503);
      expect((await failing.send('GET', '/logs/default/checkpoint')).headers.get('access-control-allow-origin')).toBeNull();
      for (const error of [new TypeError(`${canary}\n    at ${canary}`), new VeiltrailError('tree_moved', canary, { canary })]) {
        const { status, text } = await attempt(error);
        expect([status, text]).toEqual([500, '{"type":"urn:veiltrail:problem:internal","title":"A mistake of ours","status":500,"code":"internal"}']);
      }
      expect(failing.mistakes.map(({ code, route }) => [code, route])).toEqual([
        ['TypeError', 'POST /api/v1/logs/:log/events'],
        ['tree_moved', 'POST /api/v1/logs/:log/events'],
      ]);
      expect(JSON.stringify(failing.mistakes)).not.toContain(canary);
    } finally {
      await failing.close();
    }
  });
});
