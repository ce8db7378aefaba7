/** A server that is asked to stop does so within seconds, whoever hangs at either end of it. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { run, serve, temporaryDirectory } from './product.ts';

test('receivers that hang and refuse, clients that keep connections and searches open: it ends, and the directory is sealed', async () => {
  const dir = temporaryDirectory();
  const data = join(dir, 'data');
  let held = 0;
  // Takes everything and never says a word.
  const hanging = createServer((socket) => {
    held++;
    socket.on('error', () => undefined).resume();
  });
  await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void hanging.close());
  const hangingPort = (hanging.address() as AddressInfo).port;
  const server = await serve(data, [], { settles: true });
  const admin = ['--url', server.url, '--key', server.key('admin'), '--purpose', 'a test', '--from', 'start'];
  const settings = {
    http: ['--http', `http://127.0.0.1:${String(hangingPort)}/`, '--private', '--wait', '0'],
    syslog: ['--syslog', `127.0.0.1:${String(hangingPort)}`, '--private', '--wait', '0'],
    refusing: ['--http', 'http://127.0.0.1:1/', '--private', '--wait', '0'],
  };
  for (const [name, to] of Object.entries(settings)) {
    const set = await run(['forwarder', 'set', name, ...to, ...admin]);
    expect(set.code, set.err).toBe(0);
  }
  const headers = { authorization: `Bearer ${server.key('writer')}`, 'content-type': 'application/x-ndjson' };
  const body = '{"message":"m"}\n'.repeat(500);
  expect((await fetch(`${server.url}/api/v1/logs/default/events`, { method: 'POST', headers, body })).status).toBe(201);
  await expect.poll(() => held).toBeGreaterThanOrEqual(2);
  const port = Number(new URL(server.url).port);
  const idle = Array.from({ length: 300 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  onTestFinished(() => idle.forEach((socket) => socket.destroy()));
  await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  for (const [i, socket] of idle.entries())
    if (i % 2 === 0) socket.write(`GET /api/v1/logs/default/search?q=m HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.key('reader')}\r\n\r\n`);

  const started = performance.now();
  await server.stop();
  // A lane gives what is under way a second; the rest is a loaded machine. HTTP's own bound, of 15 s, is not needed here.
  expect(performance.now() - started).toBeLessThan(15_000);
  expect(existsSync(join(data, 'seal.json'))).toBe(true);
  expect(JSON.parse(readFileSync(join(data, 'seal.json'), 'utf8'))).toHaveProperty('body.files.0');
});
