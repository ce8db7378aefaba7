/** Forwarders as people run them: set on the command line, killed between sending and remembering it, tried before they are set. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import { receiveHttp, until } from '../forward/receivers.ts';
import { run, serve, temporaryDirectory } from './product.ts';

const event = (n: number): string => `${JSON.stringify({ action: 'login', actor: { type: 'user', id: `u-${n}`, email: 'jane@example.com' } })}\n`;

test('kill -9 between sending and remembering: it is sent again, nothing is missing', async () => {
  const dir = temporaryDirectory();
  const data = join(dir, 'data');
  const receiver = await receiveHttp();
  writeFileSync(join(dir, 'token'), 'the-secret-of-the-receiver\n', { mode: 0o600 });
  const config = join(dir, 'config.yaml');
  writeFileSync(config, `forwarding:\n  secrets:\n    token: {file: ${JSON.stringify(join(dir, 'token'))}}\n`);
  let server = await serve(data, ['--config', config]);
  const add = async (body: string): Promise<void> => {
    const headers = { authorization: `Bearer ${server.key('writer')}`, 'content-type': 'application/x-ndjson' };
    expect((await fetch(`${server.url}/api/v1/logs/default/events`, { method: 'POST', headers, body })).status).toBe(201);
  };
  const at = ['--url', server.url, '--key', server.key('admin')];
  const to = ['--http', receiver.url, '--private', '--secret', 'token', '--wait', '0'];

  await add(event(0));
  // Whoever sets it need not be able to read; whoever tries it must.
  const refused = await run(['forwarder', 'set', 'siem', ...to, '--dry-run', ...at]);
  expect([refused.code, refused.out]).toEqual([3, '']);
  const tried = await run([
    'forwarder',
    'set',
    'siem',
    ...to,
    '--dry-run',
    '--format',
    'cloudevents',
    '--url',
    server.url,
    '--key',
    server.key('reader'),
  ]);
  expect(JSON.parse(tried.out)).toMatchObject({ specversion: '1.0', id: '0', data: { log: 'default', leafIndex: 0, record: { action: 'login' } } });
  const set = await run(['forwarder', 'set', 'siem', ...to, '--from', 'start', '--purpose', 'the SIEM', '--json', ...at]);
  expect([set.code, JSON.parse(set.out)]).toMatchObject([0, { state: 'running', setting: { name: 'siem', destination: { secret: 'token' } } }]);
  await receiver.had(1);
  expect(receiver.received[0]?.headers['authorization']).toBe('Bearer the-secret-of-the-receiver');

  // The receiver has the batch, and the server dies before it hears so.
  receiver.answer = { status: 200, afterMs: 60_000 };
  await add(event(1) + event(2));
  await receiver.had(2);
  await server.kill();
  const sent = receiver.leaves();
  receiver.answer = { status: 200 };
  server = await serve(data, ['--config', config]);
  await receiver.had(3);
  await add(event(3));
  await until(() => receiver.leaves().includes(3));
  expect(new Set(receiver.leaves())).toEqual(new Set([0, 1, 2, 3]));
  expect(receiver.leaves().slice(sent.length)[0]).toBe(1);
  expect(receiver.leaves().filter((leaf) => leaf === 0)).toEqual([0]);

  const listed = (): ReturnType<typeof run> => run(['forwarder', 'list', '--json', '--url', server.url, '--key', server.key('admin')]);
  // The receiver has it before the server knows that it has.
  await expect.poll(async () => (JSON.parse((await listed()).out) as { progress: { behind: number }[] }).progress[0]?.behind).toBe(0);
  const list = await listed();
  expect(JSON.parse(list.out)).toMatchObject({ state: 'running', progress: [{ log: 'default', behind: 0, failures: 0 }] });
  await server.stop();
  const said = server.said() + list.out + list.err;
  for (const secret of ['the-secret', 'jane']) expect(said).not.toContain(secret);
  // Without a server: nothing is delivered, and the directory stays sealed.
  const heard = receiver.received.length;
  expect((await run(['forwarder', 'list', '--data', data])).out).toContain('siem');
  expect((await run(['forwarder', 'remove', 'siem', '--data', data])).code).toBe(0);
  const told = await run(['search', 'action:forwarder.remove', '--log', '_system', '--json', '--data', data]);
  expect((JSON.parse(told.out) as { record: JsonObject }).record).toMatchObject({ outcome: 'success', targets: [{ type: 'forwarder', id: 'siem' }] });
  expect((await run(['verify', data])).code).toBe(0);
  expect(receiver.received).toHaveLength(heard);
  expect(readFileSync(join(data, 'forwarders.sealed'), 'utf8')).not.toContain('siem');
});
