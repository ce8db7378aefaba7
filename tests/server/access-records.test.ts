/** Who read which leaf, who was refused, who changed a key: in `_system`, by a real server, and never with a value. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAccessLog } from '../../src/app/access-recorder.ts';
import { rangesHold } from '../../src/app/leaf-ranges.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { type KeyRequest, openKeys } from '../../src/access/manage-keys.ts';
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import { routeTable } from '../../src/server/route-table.ts';
import { runServer, type RunningServer } from './running-server.ts';

interface SystemRecord extends JsonObject {
  action: string;
  outcome: string;
  actor: { id: string; type: string; roles?: string[] };
  targets: { type: string; id: string }[];
  metadata: JsonObject;
}

let server: RunningServer;
/** A key of its own for each test, so that what is told of one is not of another. */
const requests = {
  reading: { role: 'reader' },
  searching: { role: 'reader' },
  writer: { role: 'writer' },
  other: { role: 'reader', logs: ['other'] },
  ended: { role: 'reader', expiresAt: '2999-01-01T00:00:00Z' },
  auditing: { role: 'auditor' },
  operating: { role: 'operator' },
  all: { role: 'reader' },
  some: { role: 'reader', hides: ['context', 'metadata.team', 'ACTOR.email'] },
  here: { role: 'reader', addresses: ['10.0.0.0/8', '127.0.0.1'] },
  elsewhere: { role: 'reader', addresses: ['10.0.0.0/8', '2001:db8::/32'] },
} as const satisfies Record<string, KeyRequest>;
let keysFor: Record<keyof typeof requests, { key: string; id: string }>;
const events = Array.from({ length: 30 }, (_, i) => ({
  action: 'login',
  message: `number ${i}`,
  actor: { id: `usr_${i}`, email: `person${i}@example.com` },
  context: { requestId: `req-${i}`, userAgent: 'secretbrowser' },
  team: i % 2 === 0 ? 'payroll' : 'sales',
}));

beforeAll(async () => {
  server = await runServer();
  keysFor = Object.fromEntries(Object.entries(requests).map(([name, request]) => [name, newKey(request)])) as typeof keysFor;
  await new Promise((done) => setTimeout(done, 1_100)); // a running server looks at the file again within a second
  await server.trail.append({ log: 'default', principal: 'test', body: Buffer.from(JSON.stringify(events)), format: 'json' });
});
afterAll(() => server.close());

async function systemRecords(): Promise<SystemRecord[]> {
  if (!server.trail.logs().includes('_system')) return [];
  return (await server.trail.search('_system', { limit: 1_000 })).events.map(({ record }) => record as SystemRecord);
}

/** The records that fit, which are as many. */
async function told(fits: (record: SystemRecord) => boolean, count = 1): Promise<SystemRecord[]> {
  await server.trail.access.flush();
  const found = (await systemRecords()).filter(fits);
  expect(found).toHaveLength(count);
  return found;
}

const idOf = (key: string): string => key.split('_')[2] as string;
const newKey = (request: KeyRequest): { key: string; id: string } => {
  const { key, info } = server.keys.create(request);
  return { key, id: `key:${info.id}` };
};

test('who read which leaf can be answered: by reading, by searching, by proof', async () => {
  const { key, id } = keysFor.reading;
  for (const leaf of [3, 4, 5, 17]) expect((await server.send('GET', `/api/v1/logs/default/events/${leaf}`, { key })).status).toBe(200);
  const search = await server.send('GET', '/api/v1/logs/default/events?q=number&limit=5', { key });
  expect((search.json['events'] as unknown[]).length).toBe(5);
  expect((await server.send('GET', '/api/v1/logs/default/events/9/proof', { key })).status).toBe(200);
  expect((await server.send('GET', '/api/v1/logs/default/events/999', { key })).status).toBe(404);

  const of = (action: string) => (record: SystemRecord) => record.actor.id === id && record.action === action;
  await told((record) => record.actor.id === id && record.outcome === 'failure' && record['reason'] === 'not_found');
  const read = (await systemRecords()).filter((record) => of('event.read')(record) && record.outcome === 'success');
  const readLeaf = (leaf: number): boolean =>
    read.some(({ metadata, targets }) => targets[0]?.id === 'default' && rangesHold(metadata['leaves'], leaf));
  for (let leaf = 0; leaf < 30; leaf++) expect(readLeaf(leaf), String(leaf)).toBe([3, 4, 5, 17].includes(leaf));
  const [searched] = await told(of('event.search'));
  expect(searched?.metadata).toMatchObject({ leaves: [25, 30], queries: [expect.stringMatching(/^[A-Za-z0-9_-]{16}$/)], network: '127.0.0.0/24' });
  expect(searched?.actor).toEqual({ type: 'user', id, roles: ['reader'] });
  expect((await told(of('event.prove')))[0]?.metadata).toMatchObject({ leaves: [9, 10] });
});

test('equal queries have equal digests, others others, and no query is stored', async () => {
  const { key, id } = keysFor.searching;
  for (const q of ['quux-needle', 'quux-needle', 'other-needle']) await server.send('GET', `/api/v1/logs/default/events?q=${q}`, { key });
  await server.trail.access.flush();
  // One event, or two where the second in which they are gathered came to its end between them.
  const mine = (await systemRecords()).filter((record) => record.actor.id === id);
  expect(mine.reduce((sum, { metadata }) => sum + ((metadata['count'] as number | undefined) ?? 1), 0)).toBe(3);
  expect(new Set(mine.flatMap(({ metadata }) => metadata['queries'] as string[])).size).toBe(2);
  expect(JSON.stringify(await systemRecords())).not.toContain('needle');
});

test('every refusal of a key is an event, with the right that was missing; of a log that does not exist no name is kept', async () => {
  const { writer, other, ended } = keysFor;
  for (let i = 0; i < 3; i++) await server.send('GET', '/api/v1/logs/default/events/1', { key: writer.key });
  await server.send('GET', '/api/v1/logs/jane-doe-1970/events/1', { key: other.key });
  server.keys.revoke(ended.id.slice(4));
  await new Promise((done) => setTimeout(done, 1_100));
  await server.send('GET', '/api/v1/logs/default/events/1', { key: ended.key });
  const denials = await told((record) => record.actor.id === writer.id && record.outcome === 'denied', 3);
  expect(denials[0]).toMatchObject({
    action: 'event.read',
    category: 'authorization_denied',
    reason: 'forbidden',
    severity: 3,
    targets: [{ type: 'log', id: 'default' }],
    metadata: { right: 'events.read', network: '127.0.0.0/24' },
  });
  expect((await told((record) => record.actor.id === other.id))[0]?.targets).toEqual([]);
  expect((await told((record) => record.actor.id === ended.id))[0]).toMatchObject({ reason: 'key_revoked', outcome: 'denied' });
  expect(JSON.stringify(await systemRecords())).not.toContain('jane-doe');
});

test('reading _system is on record once a session, and does not feed on itself', async () => {
  const { key, id } = keysFor.auditing;
  for (let i = 0; i < 5; i++) {
    await server.send('GET', '/api/v1/logs/_system/events', { key });
    await server.send('GET', '/api/v1/logs/_system/events/0', { key });
  }
  await server.trail.access.flush();
  await server.send('GET', '/api/v1/logs/_system/events', { key });
  const mine = await told((record) => record.actor.id === id);
  expect(mine[0]).toMatchObject({ action: 'system.read', targets: [{ id: '_system' }] });
});

test('changes of keys by a route are on record before the answer, by who asked; those beside the server soon after, by whoever has the disk', async () => {
  const admin = `key:${idOf(server.key.admin)}`;
  const made = await server.send('POST', '/api/v1/keys', {
    key: server.key.admin,
    body: '{"role":"investigator","logs":["default"],"hides":["context"],"addresses":["203.0.113.0/24"],"owner":"Jane Doe","name":"Jane"}',
  });
  const { id, owner } = made.json as { id: string; owner: string };
  const about = (action: string, key: string) => (record: SystemRecord) => record.action === action && record.targets[0]?.id === `key:${key}`;
  const create = (await systemRecords()).find(about('key.create', id));
  expect(create).toMatchObject({
    actor: { id: admin, roles: ['admin'] },
    category: 'privilege',
    metadata: { keyRole: 'investigator', logs: ['default'], hides: ['context'], person: owner },
  });
  const why = { purpose: 'lost laptop', reference: 'T-9' };
  const rotated = await server.send('POST', `/api/v1/keys/${id}/rotate`, { key: server.key.admin, body: JSON.stringify(why) });
  const next = (rotated.json as { id: string }).id;
  expect(rotated.json).toMatchObject({ rotates: id, hides: ['context'], owner, role: 'investigator' });
  const after = await systemRecords();
  expect(after.find(about('key.rotate', next))).toMatchObject({
    actor: { id: admin },
    purpose: why.purpose,
    metadata: { rotates: `key:${id}`, reference: why.reference },
  });
  const secret = { purpose: 'seal', why: 'once a year', reference: 'T-10' };
  expect((await server.send('POST', '/api/v1/secrets/rotate', { key: server.key.admin, body: JSON.stringify(secret) })).status).toBe(201);
  const bad = await server.send('POST', '/api/v1/secrets/rotate', { key: server.key.admin, body: '{"purpose":"seal","why":" "}' });
  expect(bad.json['code']).toBe('purpose_needed');
  const turned = await server.trail.search('_system', { q: 'action:secret.rotate' });
  expect(turned.events.map(({ record }) => record)).toMatchObject([{ purpose: secret.why, metadata: { reference: secret.reference } }]);
  const wrong = await server.send('POST', `/api/v1/keys/${next}/rotate`, { key: server.key.admin, body: '{"why":1}' });
  expect(wrong.json['code']).toBe('key_request');
  expect(after.find(about('key.change', id))).toMatchObject({ actor: { id: admin }, metadata: { expiresAt: expect.any(String) as string } });
  expect((await server.send('DELETE', `/api/v1/keys/${next}`, { key: server.key.admin, body: '{"why":1}' })).json['code']).toBe('key_request');
  await server.send('DELETE', `/api/v1/keys/${next}`, { key: server.key.admin, body: JSON.stringify(why) });
  expect((await systemRecords()).find(about('key.revoke', next))).toMatchObject({
    actor: { id: admin },
    purpose: why.purpose,
    metadata: { reference: why.reference },
  });

  const beside = openKeys(server.dataDir, { clock: systemClock, random: systemRandom }).create({ role: 'admin' }).info.id;
  await new Promise((done) => setTimeout(done, 1_100));
  await server.send('GET', '/api/v1/logs', { key: server.key.reader });
  expect((await told(about('key.create', beside)))[0]).toMatchObject({ actor: { id: 'local:disk' }, metadata: { keyRole: 'admin' } });

  // With an editor: another secret behind the same id.
  const path = join(server.dataDir, 'access.json');
  const file = JSON.parse(readFileSync(path, 'utf8')) as { keys: { id: string; digest: string }[] };
  for (const row of file.keys) if (row.id === beside) row.digest = 'f'.repeat(64);
  writeFileSync(path, JSON.stringify(file));
  await new Promise((done) => setTimeout(done, 1_100));
  await server.send('GET', '/api/v1/logs', { key: server.key.reader });
  await told(about('key.change', beside));
  expect(JSON.stringify(await systemRecords())).not.toMatch(/Jane|ffffffff/);
});

test('no key, and one that is not known, are told apart in words; which one is wrong is not', async () => {
  const { key } = newKey({ role: 'reader' });
  const words = async (bearer?: string): Promise<unknown> =>
    (await server.send('GET', '/api/v1/logs', bearer === undefined ? {} : { key: bearer })).json['detail'];
  expect(await words()).toBe('this needs an API key: Authorization: Bearer KEY');
  const unknown = 'this is not a key that this server knows';
  for (const one of ['nonsense', `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`, key.replace(/_[a-z0-9]+_/, '_aaaaaaaaaaaa_')])
    expect(await words(one)).toBe(unknown);
});

test('strangers are counted a minute, and told when the server ends at the latest', async () => {
  const own = await runServer();
  const key = `vt_reader_aaaaaaaaaaaa_${'x'.repeat(43)}`;
  for (let i = 0; i < 4; i++) await own.send('GET', '/api/v1/logs', { key });
  await own.send('GET', '/api/v1/logs');
  await own.send('GET', `/healthz?key=${key}`);
  await own.app.close();
  await own.trail.access.close();
  const records = (await own.trail.search('_system', {})).events.map(({ record }) => record as SystemRecord);
  const failures = records
    .filter(({ action }) => action === 'auth.fail')
    .map((record) => [record['reason'], record.actor.id, record.metadata['count'] ?? 1].map((one) => JSON.stringify(one)).join(' '));
  expect(failures.toSorted()).toEqual(['"key_in_url" "stranger" 1', '"unauthenticated" "stranger" 5']);
  await own.close();
});

test('health, metrics, tiles, checkpoints and the description are on nobody’s record', async () => {
  const { key, id } = keysFor.operating;
  for (const path of routeTable.filter(({ recorded }) => recorded === 'nothing').map((rule) => rule.path)) {
    const { status } = await server.send('GET', path.replace('{log}', 'default').replace('{path}', '0/000.p/30'), { key });
    expect([200, 404], path).toContain(status);
  }
  await server.trail.access.flush();
  expect((await systemRecords()).filter(({ actor }) => actor.id === id)).toEqual([]);
});

test('hidden members are not read, and nothing is found by them', async () => {
  const { all, some } = keysFor;
  const read = async (key: string): Promise<JsonObject> => (await server.send('GET', '/api/v1/logs/default/events/2', { key })).json as JsonObject;
  const whole = await read(all.key);
  const part = await read(some.key);
  expect(whole['record']).toMatchObject({
    context: { requestId: 'req-2' },
    metadata: { team: 'payroll' },
    actor: { email: expect.any(String) as string },
  });
  expect(part['hidden']).toEqual(['context', 'metadata.team', 'ACTOR.email']);
  const record = part['record'] as { actor: JsonObject; privacy: { applied: { pointer: string }[] } };
  expect(record).not.toHaveProperty('context');
  expect(record).toMatchObject({ action: 'login', message: 'number 2', metadata: {} });
  expect(Object.keys(record.actor)).toEqual(['id']);
  expect(JSON.stringify(part)).not.toMatch(/req-2|secretbrowser|payroll|tok_|actor\/email/);
  const find = async (q: string, key: string): Promise<number> => {
    const { json } = await server.send('GET', `/api/v1/logs/default/events?q=${encodeURIComponent(q)}&limit=100`, { key });
    expect(json).not.toHaveProperty('nextCursor');
    return (json['events'] as unknown[]).length;
  };
  const token = ((whole['record'] as JsonObject)['actor'] as { email: string }).email;
  for (const [q, count] of [
    ['secretbrowser', 30],
    ['team:payroll', 15],
    ['metadata.team:payroll', 15],
    ['requestId:req-7', 1],
    [token, 1],
    ['privacy.applied.kind:email', 30],
  ] as const) {
    expect(await find(q, all.key), q).toBe(count);
    expect(await find(q, some.key), q).toBe(0);
    // What is not there is not found by its absence either.
    expect(await find(`number -${q}`, some.key), `-${q}`).toBe(30);
  }
  expect(await find('action:login', some.key)).toBe(30);
});

test('a key counts from its networks only', async () => {
  const { here, elsewhere } = keysFor;
  expect((await server.send('GET', '/api/v1/logs', { key: here.key })).status).toBe(200);
  const headers = { 'x-forwarded-for': '10.1.2.3' };
  const { status, json } = await server.send('GET', '/api/v1/logs', { key: elsewhere.key, headers });
  expect([status, json['code']]).toEqual([403, 'key_address']);
  expect((await told((record) => record.actor.id === elsewhere.id))[0]).toMatchObject({ reason: 'key_address', outcome: 'denied' });
});

test('a key that cannot be put on record is not left behind', async () => {
  const broken = await runServer({}, (trail) => ({ ...trail, keyChanges: { tell: () => Promise.reject(new Error('disk full')) } }));
  const { status } = await broken.send('POST', '/api/v1/keys', { key: broken.key.admin, body: '{"role":"reader","name":"lost"}' });
  expect(status).toBe(500);
  expect(broken.keys.list().find(({ name }) => name === 'lost')).toMatchObject({ revokedAt: expect.any(String) as string });
  await broken.close();
});

test('what cannot be put on record is not read: no byte of it is in the answer', async () => {
  const disk = { full: true };
  const broken = await runServer({}, (trail) => {
    const access = createAccessLog({
      append: () => (disk.full ? Promise.reject(new Error('disk full')) : Promise.resolve()),
      clock: systemClock,
      digestQuery: () => '',
      systemLog: '_system',
      gatherMs: 600_000,
      entriesMax: 1,
    });
    return { ...trail, access };
  });
  try {
    await broken.trail.append({ log: 'default', principal: 'test', body: Buffer.from('{"message":"unseen"}'), format: 'json' });
    const get = (path: string): ReturnType<RunningServer['send']> => broken.send('GET', path, { key: broken.key.reader });
    expect((await get('/api/v1/logs/default/events/0')).status).toBe(200);
    expect((await get('/api/v1/logs/default/events/0')).status).toBe(200); // the same again takes no more room
    for (const path of ['/api/v1/logs/default/events', '/api/v1/logs/default/events/0/proof', '/api/v1/logs']) {
      const { status, json, text, headers } = await get(path);
      expect([status, json['code'], headers.get('retry-after')], path).toEqual([503, 'access_unrecorded', '5']);
      expect(text).not.toMatch(/unseen|default/);
    }
    expect((await broken.send('GET', '/api/v1/keys', { key: broken.key.reader })).json['code']).toBe('forbidden');
    expect((await broken.send('POST', '/api/v1/logs/default/events', { key: broken.key.writer, body: '{}' })).status).toBe(201);
    expect((await broken.send('GET', '/healthz')).status).toBe(200);
    disk.full = false;
    await broken.trail.access.flush();
    expect((await get('/api/v1/logs/default/events')).status).toBe(200);
    expect(broken.trail.access.figures.unrecorded).toBe(4);
  } finally {
    await broken.close();
  }
});

test('what is forwarded from a log of this server is not taken by it', async () => {
  const origin = server.trail.vkeyOf('default').split('+')[0] as string;
  const append = (forwarded: string): ReturnType<typeof server.send> =>
    server.send('POST', '/api/v1/logs/default/events', {
      key: server.key.writer,
      body: '{"action":"x"}',
      headers: { 'veiltrail-forwarded': forwarded },
    });
  expect((await append(origin)).json['code']).toBe('forward_circle');
  expect((await append('elsewhere.example/default')).status).toBe(201);
});
