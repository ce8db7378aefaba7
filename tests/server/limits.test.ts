/** How much one client can make the server hold, and for how long. */
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createAdmissionDesk } from '../../src/server/admission.ts';
import { isLoopback, listen, parseListen } from '../../src/server/listen.ts';
import type { HttpLimits } from '../../src/server/limits.ts';
import { parsePublicUrl } from '../../src/server/public-url.ts';
import { runServer, sendRaw, type RunningServer } from './running-server.ts';

/** What is not the limit that a test is about does not come to its help. */
const patient = { headersTimeoutMs: 300_000, requestTimeoutMs: 600_000, keepAliveTimeoutMs: 600_000, drainMs: 600_000 };
const forMs = 600_000;

const events = '/api/v1/logs/default/events';
let server: RunningServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function start(
  limits: Partial<HttpLimits>,
  ...more: Parameters<typeof runServer> extends [unknown?, ...infer Rest] ? Rest : never
): Promise<RunningServer> {
  server = await runServer(limits, ...more);
  return server;
}

describe('bodies', () => {
  it('are counted as they come, whatever length was announced', async () => {
    const { port, key } = await start({ bodyBytesMax: 1_000 });
    const head = `POST ${events} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key.writer}\r\n`;
    const chunk = `${(400).toString(16)}\r\n${'x'.repeat(400)}\r\n`;
    const answer = await sendRaw(port, [`${head}transfer-encoding: chunked\r\n\r\n`, chunk, chunk, chunk, chunk], { pauseMs: 20 });
    expect(answer).toContain('"code":"body_too_large"');
    expect(answer).toContain('connection: close');
    expect(await sendRaw(port, [`${head}content-length: 1001\r\n\r\n`])).toContain('"code":"body_too_large"');
  });

  it('of one key are bounded together, and of all keys; both are given back', async () => {
    const { send, key } = await start({ heldBytesPerKeyMax: 2_000, heldBytesMax: 3_000, bodyBytesMax: 10_000 });
    const post = async (bearer: string, bytes: number): Promise<[number, unknown, string | null]> => {
      const { status, json, headers } = await send('POST', events, {
        key: bearer,
        body: JSON.stringify({ message: 'x'.repeat(bytes) }),
        headers: { 'content-type': 'application/json' },
      });
      return [status, json['code'], headers.get('retry-after')];
    };
    expect(await post(key.writer, 2_500)).toEqual([429, 'too_many_requests', '1']);
    expect(await post(key.writer, 1_500)).toEqual([201, undefined, null]);
    for (let i = 0; i < 5; i++) expect((await post(key.writer, 1_500))[0]).toBe(201);
  });

  it('count again as unpacked', async () => {
    const { gzipSync } = await import('node:zlib');
    const { send, key } = await start({ heldBytesMax: 5_000 });
    const body = new Uint8Array(gzipSync(JSON.stringify({ message: 'x'.repeat(6_000) })));
    const { status, json } = await send('POST', events, {
      key: key.writer,
      body,
      headers: { 'content-encoding': 'gzip', 'content-type': 'application/json' },
    });
    expect([status, json['code']]).toEqual([503, 'queue_full']);
  });
});

describe('requests', () => {
  it('of one key under way are bounded, those of another are not touched', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((open) => (release = open));
    let waiting = 0;
    const { send, key, keys, app } = await start({ requestsPerKeyMax: 2 }, (trail) => ({
      ...trail,
      append: async (request) => {
        waiting++;
        await gate;
        return trail.append(request);
      },
    }));
    const other = keys.create({ role: 'writer' }).key;
    await new Promise((done) => setTimeout(done, 1_100));
    const post = (bearer: string): Promise<number> => send('POST', events, { key: bearer, body: '{"message":"m"}' }).then(({ status }) => status);
    const held = [post(key.writer), post(key.writer)];
    await expect.poll(() => waiting).toBe(2);
    expect((await send('POST', events, { key: key.writer, body: '{}' })).json['code']).toBe('too_many_requests');
    const others = post(other);
    await expect.poll(() => waiting).toBe(3);
    // A server that stops answers those under way first.
    const closing = app.close();
    release();
    expect(await Promise.all([...held, others])).toEqual([201, 201, 201]);
    await closing;
  });
});

describe('a server that stops', () => {
  it('answers what is under way, refuses what comes behind it, and waits for nobody', async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((done) => (open = done));
    let isUnderWay = false;
    const { port, key, app } = await start(patient, (trail) => ({
      ...trail,
      append(request) {
        isUnderWay = true;
        return gate.then(() => trail.append(request));
      },
    }));
    const head = `POST ${events} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key.writer}\r\ncontent-length: 15\r\n\r\n{"message":"m"}`;
    let requests = 0;
    app.server.on('request', () => requests++);
    const isStopping = async (): Promise<void> => {
      await expect.poll(() => app.server.listening).toBe(false);
    };
    const answer = sendRaw(port, [head, isStopping, head], { forMs });
    await expect.poll(() => isUnderWay).toBe(true);
    const closing = app.close();
    await expect.poll(() => requests).toBe(2);
    open();
    const text = await answer;
    await closing;
    expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['201', '503']);
    expect(text).toContain('"code":"stopping"');
    expect(text).toContain('retry-after: 5');
  });
});

describe('a stop', () => {
  it('closes connections that never asked for anything, however long what is under way may take', async () => {
    const { port, app } = await start(patient);
    const silent = [sendRaw(port, [], { forMs }), sendRaw(port, ['GET / HT'], { forMs })];
    await expect.poll(() => new Promise((resolve) => app.server.getConnections((_error, count) => resolve(count)))).toBe(2);
    await app.close();
    await Promise.all(silent);
  });

  it('does not wait for who sends half a request, and is not kept by idle connections', async () => {
    const { port, key, app, trail } = await start({ ...patient, drainMs: 300 });
    const head = `POST ${events} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key.writer}\r\n`;
    const halves = [[`${head}content-length: 900\r\n\r\n`, 'half a body'], [head], ['P'], []].map((parts) => sendRaw(port, parts, { forMs }));
    await expect.poll(() => new Promise((resolve) => app.server.getConnections((_error, count) => resolve(count)))).toBe(4);
    await app.close();
    await Promise.all(halves);
    expect(trail.logs()).toContain('default');
  });
});

describe('a client that goes away', () => {
  it('in its body, or before its answer, holds nothing any more', async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((done) => (open = done));
    let waiting = 0;
    const { port, key, ...running } = await start({ requestsPerKeyMax: 2, heldBytesPerKeyMax: 1_000 }, (trail) => ({
      ...trail,
      append: async (request) => {
        if (waiting++ === 0) await gate;
        return trail.append(request);
      },
    }));
    const head = `POST ${events} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key.writer}\r\ncontent-length: 900\r\n\r\n`;
    let requests = 0;
    running.app.server.on('request', () => requests++);
    const isWaiting = async (): Promise<void> => {
      await expect.poll(() => waiting).toBe(1);
    };
    await sendRaw(port, [head, `{"message":"${'x'.repeat(886)}"}`, isWaiting], { leaves: true });
    const isBegun = async (): Promise<void> => {
      await expect.poll(() => requests).toBe(before + 1);
    };
    let before = requests;
    for (let i = 0; i < 3; i++, before++) await sendRaw(port, [head, 'x'.repeat(899), isBegun], { leaves: true });
    const post = (): Promise<number> =>
      running.send('POST', events, { key: key.writer, body: JSON.stringify({ message: 'y'.repeat(880) }) }).then(({ status }) => status);
    await expect.poll(post).toBe(201);
    open();
    expect(running.mistakes).toEqual([]);
  });
});

describe('time', () => {
  it('for headers and for bodies is bounded, however slowly they drip', async () => {
    const { port, key, send } = await start({ headersTimeoutMs: 400, requestTimeoutMs: 800, timeoutsCheckedEveryMs: 100 });
    // For as long as anybody looks.
    const drips = Array.from({ length: 1_000 });
    const [slowHead, slowBody] = await Promise.all([
      sendRaw(port, ['GET /healthz HTTP/1.1\r\n', ...drips.map((_, i) => `x-${i}: 1\r\n`)], { pauseMs: 50, forMs: 50_000 }),
      sendRaw(
        port,
        [`POST ${events} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key.writer}\r\ncontent-length: 1000\r\n\r\n`, ...drips.map(() => ' ')],
        { pauseMs: 50, forMs: 50_000 },
      ),
    ]);
    expect(slowHead).toContain('"code":"request_timeout"');
    expect(slowBody).toContain('408');
    expect((await send('GET', '/healthz')).status).toBe(200);
  });
});

describe('connections', () => {
  it('are bounded', async () => {
    const { port } = await start({ connectionsMax: 3 });
    const sockets = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    // Each stays until all have been answered, or closed: one that went would make room.
    const answers = await Promise.all(
      sockets.map(
        (socket) =>
          new Promise<string>((resolve) => {
            socket.on('data', (bytes) => resolve(bytes.toString())).on('close', () => resolve(''));
            socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
          }),
      ),
    );
    for (const socket of sockets) socket.destroy();
    expect(answers.filter((answer) => answer.startsWith('HTTP/1.1 200')).length).toBe(3);
    expect(answers.filter((answer) => answer === '').length).toBe(5);
  });
});

describe('createAdmissionDesk', () => {
  it('holds nothing of what it refuses, and gives back once', () => {
    const desk = createAdmissionDesk({ heldBytesMax: 100, heldBytesPerKeyMax: 60, requestsPerKeyMax: 2 });
    const a = desk.admit('a');
    const b = desk.admit('b');
    a.hold(60);
    expect(() => a.hold(1)).toThrow(expect.objectContaining({ code: 'too_many_requests' }));
    expect(() => b.hold(41)).toThrow(expect.objectContaining({ code: 'queue_full' }));
    b.hold(40);
    expect(desk.held()).toBe(100);
    a.release();
    a.release();
    expect(desk.held()).toBe(40);
    desk.admit('b');
    expect(() => desk.admit('b')).toThrow(expect.objectContaining({ code: 'too_many_requests' }));
    b.release();
    expect(desk.held()).toBe(0);
  });
});

describe('listening', () => {
  it.each([
    ['127.0.0.1:7420', { host: '127.0.0.1', port: 7420 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
  ])('reads %s', (text, address) => expect(parseListen(text)).toEqual(address));

  it.each([
    '7420',
    ':7420',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.1:07',
    '::1:80',
    '[127.0.0.1]:80',
    '[x]:1',
    'a b:1',
    'http://x:1',
  ])('refuses %s', (text) => expect(() => parseListen(text)).toThrow(expect.objectContaining({ code: 'listen_syntax' })));

  it.each([
    ['https://audit.example.com', 'https://audit.example.com'],
    ['https://audit.example.com:443/', 'https://audit.example.com'],
    ['https://Audit.Example.com:8443', 'https://audit.example.com:8443'],
    ['http://localhost:7420', 'http://localhost:7420'],
  ])('knows the public URL %s', (text, origin) => expect(parsePublicUrl(text)).toBe(origin));

  it.each([
    'audit.example.com',
    'http://audit.example.com',
    'https://127.0.0.1',
    'https://[::1]',
    'https://x/approve',
    'https://x/?q',
    'https://x/#f',
    'https://u@x',
    'https://u:p@x',
    'ftp://x',
    'https://a_b.example',
    '',
  ])('refuses the public URL %s', (text) => expect(() => parsePublicUrl(text)).toThrow(expect.objectContaining({ code: 'public_url' })));

  it('knows which addresses only this machine reaches', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) expect(isLoopback(host)).toBe(true);
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org', '127.example.org']) expect(isLoopback(host)).toBe(false);
  });

  it('says why it cannot', async () => {
    const { port } = await start({});
    const second = await runServer();
    try {
      await second.app.close();
      const { createHttpServer } = await import('../../src/server/http.ts');
      const { openAuthenticator } = await import('../../src/access/authenticate.ts');
      const { systemClock } = await import('../../src/core/clock.ts');
      const make = (): ReturnType<typeof createHttpServer> =>
        createHttpServer({ trail: second.trail, keys: second.keys, authenticator: openAuthenticator(second.dataDir, systemClock), version: '0' });
      await expect(listen(await make(), { host: '127.0.0.1', port })).rejects.toMatchObject({
        code: 'listen_failed',
        message: expect.stringContaining('something else') as string,
      });
      await expect(listen(await make(), { host: '192.0.2.1', port: 0 })).rejects.toMatchObject({ code: 'listen_failed' });
    } finally {
      await second.close();
    }
  });
});
