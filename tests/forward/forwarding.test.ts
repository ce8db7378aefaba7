/** Forwarders of a trail as it is: its own thread, real receivers. */
import { createHmac } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import { openTrail, type OpenTrail } from '../../src/server/compose.ts';
import type { ForwardConfig } from '../../src/server/forward-config.ts';
import { append, asked, directory, event, told } from '../protection/protected-trail.ts';
import { linesOf, receiveHttp, receiveSyslog, until } from './receivers.ts';

async function open(dataDir: string, config: ForwardConfig = { secrets: {} }): Promise<OpenTrail> {
  const trail = await openTrail({ dataDir, workers: 1, origin: 'audit.example' });
  let isOpen = true;
  const { close } = trail;
  trail.close = async () => {
    if (isOpen) await close();
    isOpen = false;
  };
  onTestFinished(() => trail.close());
  await trail.createLog('default');
  await trail.startForwarding(config);
  return trail;
}

const http = (url: string, more: JsonObject = {}): JsonObject => ({ kind: 'http', url, private: true, waitMs: 0, ...more });

test('posts what matches, signed and with its secret, and what comes later; a receiver can tell it by origin and leaf', async () => {
  const dataDir = directory();
  const receiver = await receiveHttp();
  const secretFile = join(dirname(dataDir), 'token');
  writeFileSync(secretFile, 's3cret\n', { mode: 0o600 });
  process.env['TEST_FORWARD_HMAC'] = 'sign-with-this';
  const trail = await open(dataDir, { secrets: { token: { file: secretFile }, hmac: { env: 'TEST_FORWARD_HMAC' } } });
  await append(trail, [event('jane'), { ...event('omar'), action: 'file.write' }]);
  const destination = http(receiver.url, { secret: 'token', signingSecret: 'hmac', gzip: true });
  await trail.forwarders.set({ name: 'siem', query: 'action:file.read', from: 'start', destination }, asked);
  await receiver.had(1);
  const [{ headers, body, items } = { headers: {}, body: Buffer.alloc(0), items: [] as JsonObject[] }] = receiver.received;
  expect(items.map(({ origin, log, leafIndex }) => [origin, log, leafIndex])).toEqual([['audit.example/default', 'default', 0]]);
  expect(items[0]?.['record']).toEqual((await trail.readEvent('default', 0))?.record);
  expect(JSON.stringify(items)).not.toContain('jane');
  expect(headers['authorization']).toBe('Bearer s3cret');
  expect(headers['content-type']).toBe('application/x-ndjson');
  const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['veiltrail-signature'])) ?? [];
  expect(v1).toBe(createHmac('sha256', 'sign-with-this').update(`${t}.`).update(body).digest('hex'));
  await append(trail, [event('omar')]);
  await receiver.had(2);
  expect(receiver.leaves()).toEqual([0, 2]);
  await until(async () => (await trail.forwarders.list())[0]?.progress?.[0]?.next === 3);
  const [info] = await trail.forwarders.list();
  expect(info).toMatchObject({
    state: 'running',
    setBy: 'local:test',
    progress: [{ log: 'default', sent: 2, behind: 0, lagSeconds: 0, failures: 0 }],
  });
  expect(JSON.stringify(info)).not.toContain('s3cret');
  const [set] = await told(trail, 'forwarder.set');
  expect(set).toMatchObject({
    category: 'config_change',
    outcome: 'success',
    targets: [{ type: 'forwarder', id: 'siem' }],
    metadata: { everything: false, permitted: 'single-person' },
  });
  expect(readFileSync(join(dataDir, 'forwarders.sealed'), 'utf8')).not.toContain('siem');
});
