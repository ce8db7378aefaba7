/** Every route × every role × no key, a wrong one, an expired, a revoked one, and one for another log: no route answers without a right to it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApprovePage } from '../../scripts/build-approve-page.ts';
import { openAuthenticator } from '../../src/access/authenticate.ts';
import { openKeys } from '../../src/access/manage-keys.ts';
import { roles, rolesWith, type Role } from '../../src/access/roles.ts';
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import { createHttpServer } from '../../src/server/http.ts';
import { routeTable } from '../../src/server/route-table.ts';
import { runServer, type RunningServer } from './running-server.ts';

interface Route {
  method: string;
  path: string;
  /** The path in the API's description, with its parameters. */
  pattern: string;
  allowed: readonly Role[] | 'everybody';
  /** What a key for this log alone, or for another one, may do here. */
  scope: 'log' | 'list' | 'installation' | 'none';
  status: number;
  /** Of a problem, where the request is not one that could be done. */
  code?: string;
  body?: string;
}

const someRequest = `r_${'a'.repeat(26)}`;
const someApprover = `a_${'a'.repeat(26)}`;
const whoReadsRequests: readonly Role[] = ['auditor', 'investigator', 'officer', 'approver', 'admin'];
const whoReadsHolds: readonly Role[] = ['auditor', 'officer', 'approver', 'admin'];
const leaf = '/api/v1/logs/{log}/events/{leaf}';
const routes: readonly Route[] = [
  {
    method: 'POST',
    path: '/api/v1/logs/default/events',
    pattern: '/api/v1/logs/{log}/events',
    allowed: ['writer'],
    scope: 'log',
    status: 201,
    body: '{"message":"m"}',
  },
  {
    method: 'GET',
    path: '/api/v1/logs/default/events',
    pattern: '/api/v1/logs/{log}/events',
    allowed: ['reader', 'investigator'],
    scope: 'log',
    status: 200,
  },
  { method: 'GET', path: '/api/v1/logs/default/events/0', pattern: leaf, allowed: ['reader', 'investigator'], scope: 'log', status: 200 },
  {
    method: 'GET',
    path: '/api/v1/logs/default/events/0/proof',
    pattern: `${leaf}/proof`,
    allowed: ['reader', 'auditor', 'investigator', 'officer'],
    scope: 'log',
    status: 200,
  },
  {
    method: 'POST',
    path: '/api/v1/logs/default/evidence',
    pattern: '/api/v1/logs/{log}/evidence',
    allowed: ['reader', 'auditor', 'investigator'],
    scope: 'log',
    status: 200,
    body: '{"audience":"a","purpose":"p","range":{"from":0,"to":1}}',
  },
  {
    method: 'POST',
    path: '/api/v1/logs/default/export',
    pattern: '/api/v1/logs/{log}/export',
    allowed: ['investigator'],
    scope: 'installation',
    status: 200,
    body: '{"purpose":"p","reference":"r","limit":1}',
  },
  {
    method: 'GET',
    path: '/api/v1/logs',
    pattern: '/api/v1/logs',
    allowed: ['reader', 'auditor', 'investigator', 'officer', 'approver', 'admin'],
    scope: 'list',
    status: 200,
  },
  { method: 'PUT', path: '/api/v1/logs/default', pattern: '/api/v1/logs/{log}', allowed: ['admin'], scope: 'installation', status: 200 },
  { method: 'GET', path: '/api/v1/keys', pattern: '/api/v1/keys', allowed: ['admin'], scope: 'installation', status: 200 },
  {
    method: 'POST',
    path: '/api/v1/keys',
    pattern: '/api/v1/keys',
    allowed: ['admin'],
    scope: 'installation',
    status: 201,
    body: '{"role":"reader"}',
  },
  {
    method: 'POST',
    path: '/api/v1/keys/{new}/rotate',
    pattern: '/api/v1/keys/{id}/rotate',
    allowed: ['admin'],
    scope: 'installation',
    status: 201,
  },
  { method: 'DELETE', path: '/api/v1/keys/', pattern: '/api/v1/keys/{id}', allowed: ['admin'], scope: 'installation', status: 200 },
  {
    method: 'POST',
    path: '/api/v1/forks/default/acknowledge',
    pattern: '/api/v1/forks/{log}/acknowledge',
    allowed: ['admin'],
    scope: 'installation',
    status: 404,
    code: 'fork_unknown',
  },
  {
    method: 'GET',
    path: '/logs/default/checkpoint.witnessed',
    pattern: '/logs/{log}/checkpoint.witnessed',
    allowed: 'everybody',
    scope: 'none',
    status: 404,
    code: 'not_found',
  },
  { method: 'GET', path: '/logs/default/checkpoint', pattern: '/logs/{log}/checkpoint', allowed: 'everybody', scope: 'none', status: 200 },
  { method: 'GET', path: '/logs/default/tile/0/000.p/1', pattern: '/logs/{log}/tile/{path}', allowed: 'everybody', scope: 'none', status: 200 },
  {
    method: 'POST',
    path: '/api/v1/canary?encodings=1',
    pattern: '/api/v1/canary',
    allowed: ['auditor', 'operator', 'admin'],
    scope: 'installation',
    status: 200,
  },
  { method: 'GET', path: '/api/v1/fields', pattern: '/api/v1/fields', allowed: ['auditor', 'officer', 'admin'], scope: 'installation', status: 200 },
  {
    method: 'POST',
    path: '/api/v1/fields/classify',
    pattern: '/api/v1/fields/classify',
    allowed: ['admin'],
    scope: 'installation',
    status: 200,
    body: '{"path":"message","as":"scan"}',
  },
  { method: 'GET', path: '/api/v1/alerts', pattern: '/api/v1/alerts', allowed: ['auditor', 'operator'], scope: 'installation', status: 200 },
  {
    method: 'GET',
    path: '/api/v1/alerts/rules',
    pattern: '/api/v1/alerts/rules',
    allowed: ['auditor', 'operator'],
    scope: 'installation',
    status: 200,
  },
  {
    method: 'POST',
    path: `/api/v1/alerts/al_${'0'.repeat(32)}/acknowledge`,
    pattern: '/api/v1/alerts/{id}/acknowledge',
    allowed: ['auditor', 'operator'],
    scope: 'installation',
    status: 404,
    code: 'alert_unknown',
    body: '{"purpose":"p"}',
  },
  {
    method: 'GET',
    path: '/api/v1/forwarders',
    pattern: '/api/v1/forwarders',
    allowed: ['auditor', 'operator', 'admin'],
    scope: 'installation',
    status: 200,
  },
  {
    method: 'PUT',
    path: '/api/v1/forwarders/siem',
    pattern: '/api/v1/forwarders/{name}',
    allowed: ['admin'],
    scope: 'installation',
    status: 200,
    body: '{"destination":{"kind":"file","file":"out.ndjson"},"query":"action:nothing","purpose":"p"}',
  },
  {
    method: 'POST',
    path: '/api/v1/forwarders/none/resume',
    pattern: '/api/v1/forwarders/{name}/resume',
    allowed: ['admin'],
    scope: 'installation',
    status: 404,
    code: 'forwarder_unknown',
  },
  {
    method: 'DELETE',
    path: '/api/v1/forwarders/none',
    pattern: '/api/v1/forwarders/{name}',
    allowed: ['admin'],
    scope: 'installation',
    status: 404,
    code: 'forwarder_unknown',
  },
  {
    method: 'POST',
    path: '/api/v1/requests',
    pattern: '/api/v1/requests',
    allowed: ['investigator', 'officer', 'admin'],
    scope: 'installation',
    status: 400,
    code: 'request_syntax',
    body: '{}',
  },
  { method: 'GET', path: '/api/v1/requests', pattern: '/api/v1/requests', allowed: whoReadsRequests, scope: 'installation', status: 200 },
  {
    method: 'GET',
    path: `/api/v1/requests/${someRequest}`,
    pattern: '/api/v1/requests/{id}',
    allowed: whoReadsRequests,
    scope: 'installation',
    status: 404,
    code: 'request_unknown',
  },
  {
    method: 'POST',
    path: `/api/v1/requests/${someRequest}/approve`,
    pattern: '/api/v1/requests/{id}/approve',
    allowed: ['approver'],
    scope: 'installation',
    status: 400,
    code: 'approval_syntax',
    body: '{}',
  },
  {
    method: 'POST',
    path: `/api/v1/requests/${someRequest}/deny`,
    pattern: '/api/v1/requests/{id}/deny',
    allowed: ['approver'],
    scope: 'installation',
    status: 400,
    code: 'approval_syntax',
    body: '{}',
  },
  { method: 'GET', path: '/api/v1/approvers', pattern: '/api/v1/approvers', allowed: whoReadsRequests, scope: 'installation', status: 200 },
  {
    method: 'POST',
    path: '/api/v1/approvers',
    pattern: '/api/v1/approvers',
    allowed: ['admin'],
    scope: 'installation',
    status: 400,
    code: 'approver_card',
    body: '{}',
  },
  {
    method: 'POST',
    path: `/api/v1/approvers/${someApprover}/remove`,
    pattern: '/api/v1/approvers/{id}/remove',
    allowed: ['admin'],
    scope: 'installation',
    status: 404,
    code: 'approver_unknown',
    body: '{}',
  },
  {
    method: 'POST',
    path: '/api/v1/logs/default/search',
    pattern: '/api/v1/logs/{log}/search',
    allowed: ['reader', 'investigator'],
    scope: 'log',
    status: 200,
    body: '{"q":"first"}',
  },
  {
    method: 'POST',
    path: '/api/v1/tokens/reveal',
    pattern: '/api/v1/tokens/reveal',
    allowed: ['investigator'],
    scope: 'installation',
    status: 400,
    code: 'reveal_request',
    body: '{}',
  },
  {
    method: 'POST',
    path: '/api/v1/tokens/find',
    pattern: '/api/v1/tokens/find',
    allowed: ['investigator'],
    scope: 'installation',
    status: 200,
    body: '{"kind":"email","value":"jane@example.com"}',
  },
  { method: 'GET', path: '/api/v1/stops', pattern: '/api/v1/stops', allowed: ['approver', 'admin'], scope: 'installation', status: 200 },
  {
    method: 'DELETE',
    path: '/api/v1/stops/nobody',
    pattern: '/api/v1/stops/{principal}',
    allowed: ['approver', 'admin'],
    scope: 'installation',
    status: 404,
    code: 'stop_unknown',
  },
  { method: 'GET', path: '/api/v1/secrets', pattern: '/api/v1/secrets', allowed: ['admin'], scope: 'installation', status: 200 },
  {
    method: 'POST',
    path: '/api/v1/secrets/rotate',
    pattern: '/api/v1/secrets/rotate',
    allowed: ['admin'],
    scope: 'installation',
    status: 400,
    code: 'key_rotation',
    body: '{}',
  },
  {
    method: 'POST',
    path: '/api/v1/secrets/destroy',
    pattern: '/api/v1/secrets/destroy',
    allowed: ['admin'],
    scope: 'installation',
    status: 400,
    code: 'key_rotation',
    body: '{}',
  },
  { method: 'GET', path: '/api/v1/holds', pattern: '/api/v1/holds', allowed: whoReadsHolds, scope: 'installation', status: 200 },
  {
    method: 'POST',
    path: '/api/v1/holds',
    pattern: '/api/v1/holds',
    allowed: ['officer'],
    scope: 'installation',
    status: 400,
    code: 'hold_request',
    body: '{"name":"a"}',
  },
  {
    method: 'POST',
    path: '/api/v1/holds/none/lift',
    pattern: '/api/v1/holds/{name}/lift',
    allowed: ['officer'],
    scope: 'installation',
    status: 404,
    code: 'hold_unknown',
    body: '{"purpose":"over"}',
  },
  { method: 'GET', path: '/api/v1/retention', pattern: '/api/v1/retention', allowed: whoReadsHolds, scope: 'installation', status: 200 },
  { method: 'GET', path: '/api/v1/retention/due', pattern: '/api/v1/retention/due', allowed: whoReadsHolds, scope: 'installation', status: 200 },
  {
    method: 'PUT',
    path: '/api/v1/retention',
    pattern: '/api/v1/retention',
    allowed: ['officer'],
    scope: 'installation',
    status: 400,
    code: 'retention_invalid',
    body: '{"table":"rules: 1","purpose":"a test"}',
  },
  { method: 'POST', path: '/api/v1/retention/run', pattern: '/api/v1/retention/run', allowed: ['officer'], scope: 'installation', status: 200 },
  {
    method: 'POST',
    path: '/api/v1/subjects/erase',
    pattern: '/api/v1/subjects/erase',
    allowed: ['officer'],
    scope: 'installation',
    status: 404,
    code: 'subject_unknown',
    body: '{"ids":["nobody-17"],"mode":"erase"}',
  },
  {
    method: 'POST',
    path: '/api/v1/subjects/report',
    pattern: '/api/v1/subjects/report',
    allowed: ['officer'],
    scope: 'installation',
    status: 404,
    code: 'subject_unknown',
    body: '{"ids":["nobody-17"],"purpose":"a test"}',
  },
  {
    method: 'GET',
    path: `/api/v1/removals/rem_${'a'.repeat(26)}/certificate`,
    pattern: '/api/v1/removals/{id}/certificate',
    allowed: ['officer'],
    scope: 'installation',
    status: 404,
    code: 'removal_unknown',
  },
  {
    method: 'POST',
    path: '/api/v1/values/redact',
    pattern: '/api/v1/values/redact',
    allowed: ['officer'],
    scope: 'installation',
    status: 404,
    code: 'redact_nothing',
    body: '{"places":[{"leafIndex":0,"pointers":["/nothing"]}]}',
  },
  { method: 'GET', path: '/metrics', pattern: '/metrics', allowed: ['operator'], scope: 'installation', status: 200 },
  {
    method: 'POST',
    path: '/api/v1/backups',
    pattern: '/api/v1/backups',
    allowed: ['operator'],
    scope: 'installation',
    status: 201,
    body: '{"parts":["state"]}',
  },
  { method: 'GET', path: '/healthz', pattern: '/healthz', allowed: 'everybody', scope: 'none', status: 200 },
  { method: 'GET', path: '/readyz', pattern: '/readyz', allowed: 'everybody', scope: 'none', status: 200 },
  { method: 'GET', path: '/approve', pattern: '/approve', allowed: 'everybody', scope: 'none', status: 200 },
  { method: 'GET', path: '/approve/script.js', pattern: '/approve/script.js', allowed: 'everybody', scope: 'none', status: 200 },
  { method: 'GET', path: '/approve/style.css', pattern: '/approve/style.css', allowed: 'everybody', scope: 'none', status: 200 },
];

let server: RunningServer;
let bad: Record<'expired' | 'revoked', Record<Role, string>>;
let forLog: Record<'default' | 'other', Record<Role, string>>;
let spare: string;

beforeAll(async () => {
  const page = await buildApprovePage();
  server = await runServer({}, undefined, {}, { approvePage: () => page });
  await server.trail.createLog('other');
  await server.trail.append({ log: 'default', principal: 'test', body: Buffer.from('{"message":"first"}'), format: 'json' });
  const past = openKeys(server.dataDir, { clock: { now: () => Date.parse('2020-01-01T00:00:00Z') }, random: systemRandom });
  const forRoles = (make: (role: Role) => string): Record<Role, string> =>
    Object.fromEntries(roles.map((role) => [role, make(role)])) as Record<Role, string>;
  bad = {
    expired: forRoles((role) => past.create({ role, expiresAt: '2020-01-02T00:00:00Z' }).key),
    revoked: forRoles((role) => {
      const { key, info } = server.keys.create({ role });
      server.keys.revoke(info.id);
      return key;
    }),
  };
  forLog = {
    default: forRoles((role) => server.keys.create({ role, logs: ['default'] }).key),
    other: forRoles((role) => server.keys.create({ role, logs: ['other'] }).key),
  };
  spare = server.keys.create({ role: 'reader' }).info.id;
  // A running server looks at the file again within a second.
  await new Promise((done) => setTimeout(done, 1_100));
});
afterAll(() => server.close());

async function attempt(route: Route, key: string | undefined, method = route.method): Promise<[number, unknown]> {
  // Only who may end a key needs one that is not ended yet.
  const newKey = (): string => (key === server.key.admin ? server.keys.create({ role: 'reader' }).info.id : spare);
  const path = (route.path.endsWith('/') ? route.path + spare : route.path).replace('{new}', newKey);
  const { status, json } = await server.send(method, path, { key, ...(route.body === undefined ? {} : { body: route.body }) });
  return [status, json['code']];
}

describe.each(routes)('$method $pattern', (route) => {
  const { allowed, status, scope, code } = route;

  it('answers those who have the right, and nobody else', async () => {
    for (const role of roles) {
      const expected = allowed === 'everybody' || allowed.includes(role) ? [status, code] : [403, 'forbidden'];
      expect(await attempt(route, server.key[role]), role).toEqual(expected);
    }
  });

  it('wants a key that is one', async () => {
    const [id, other] = [server.key.writer.slice(0, 22), server.key.writer.slice(22)];
    const notKeys = [
      undefined,
      '',
      'x',
      `${id}${other.slice(0, -1)}`,
      `${id}${other.slice(0, -1)}${other.endsWith('A') ? 'B' : 'A'}`,
      server.key.writer.replace('writer', 'admin'),
    ];
    for (const key of notKeys) expect(await attempt(route, key), key).toEqual(allowed === 'everybody' ? [status, code] : [401, 'unauthenticated']);
  });

  it('is closed to keys that are over', async () => {
    for (const role of roles) {
      expect(await attempt(route, bad.expired[role])).toEqual(allowed === 'everybody' ? [status, code] : [401, 'key_expired']);
      expect(await attempt(route, bad.revoked[role])).toEqual(allowed === 'everybody' ? [status, code] : [401, 'key_revoked']);
    }
  });

  it('keeps a key to its logs', async () => {
    for (const role of roles) {
      const may = allowed === 'everybody' || allowed.includes(role);
      const here = may && scope !== 'installation' ? [status, code] : [403, 'forbidden'];
      const elsewhere = may && (scope === 'none' || scope === 'list') ? [status, code] : [403, 'forbidden'];
      expect(await attempt(route, forLog.default[role]), role).toEqual(here);
      expect(await attempt(route, forLog.other[role]), role).toEqual(elsewhere);
    }
  });
});

describe.each(routes.filter(({ method }) => method === 'GET'))('HEAD $pattern', (route) => {
  it('answers whom GET answers', async () => {
    for (const key of [undefined, server.key.writer, server.key.reader, server.key.admin, forLog.other.reader]) {
      const [status] = await attempt(route, key);
      expect(await attempt(route, key, 'HEAD')).toEqual([status, undefined]);
    }
  });
});

describe('the table above', () => {
  it('says of every route what the server itself goes by', () => {
    const ours = routes.map(({ method, pattern, allowed }) => `${method} ${pattern}: ${[allowed].flat().toSorted().join(', ')}`);
    const theirs = routeTable.map(
      ({ method, path, right }) => `${method} ${path}: ${right === undefined ? 'everybody' : rolesWith(right).toSorted().join(', ')}`,
    );
    expect(theirs.toSorted()).toEqual([...ours, 'GET /openapi.json: everybody'].toSorted());
  });

  it('has nothing that changes or deletes an entry of a log', () => {
    for (const { method, path } of routeTable) {
      const isBelowALog = /^(?:\/api\/v1)?\/logs\/\{log\}\//.test(path);
      const reads = ['events', 'search', 'evidence', 'export'].map((what) => `POST /api/v1/logs/{log}/${what}`);
      if (isBelowALog && !reads.includes(`${method} ${path}`)) expect(`${method} ${path}`).toMatch(/^GET /);
      if (path.endsWith('/logs/{log}')) expect(`${method} ${path}`).toBe('PUT /api/v1/logs/{log}');
    }
  });

  it('keeps a server from starting with a route that the table does not have', async () => {
    const app = await createHttpServer({ ...server, authenticator: openAuthenticator(server.dataDir, systemClock), version: '0' });
    expect(() => app.get('/api/v1/passwords', () => 'all')).toThrow('GET /api/v1/passwords is missing from src/server/route-table.ts');
    expect(() => app.delete('/api/v1/logs/:log/events/:leaf', () => 'gone')).toThrow('is missing from src/server/route-table.ts');
    await app.close();
  });

  it('has every route that the server has', async () => {
    const { json } = await server.send('GET', '/openapi.json');
    const described = Object.entries(json['paths'] as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.toSorted()).toEqual(routes.map(({ method, pattern }) => `${method} ${pattern}`).toSorted());
    expect(
      server.app
        .printRoutes({ commonPrefix: false })
        .match(/\((?!OPTIONS)[A-Z, ]+\)/g)
        ?.join()
        .match(/(?:GET|POST|PUT|DELETE|PATCH)/g)?.length,
    ).toBe(routes.length + 1); // and openapi.json
  });

  it('says in the description which routes want a key', async () => {
    const { json } = await server.send('GET', '/openapi.json');
    const paths = json['paths'] as Record<string, Record<string, { security: unknown[] }>>;
    for (const { method, pattern, allowed } of routes)
      expect(paths[pattern]?.[method.toLowerCase()]?.security.length, pattern).toBe(allowed === 'everybody' ? 0 : 1);
  });

  it('shows a reader of one log that log alone', async () => {
    const { json } = await server.send('GET', '/api/v1/logs', { key: forLog.other.reader });
    expect((json['logs'] as { log: string }[]).map(({ log }) => log)).toEqual(['other']);
  });

  it('does not tell a key for other logs whether a log exists', async () => {
    const there = await server.send('GET', '/api/v1/logs/default/events/0', { key: forLog.other.reader });
    const not = await server.send('GET', '/api/v1/logs/nowhere/events/0', { key: forLog.other.reader });
    expect(there.text).toBe(not.text);
    expect(there.status).toBe(403);
  });
});

describe('keys', () => {
  it('count at once when they are made or revoked by a route', async () => {
    const made = await server.send('POST', '/api/v1/keys', {
      key: server.key.admin,
      body: '{"role":"reader","name":"Ada","logs":["default"],"expiresAt":"2999-01-01T00:00:00Z"}',
    });
    const { key, id, ...rest } = made.json as { key: string; id: string };
    expect(rest).toEqual({
      prefix: key.slice(0, -43),
      role: 'reader',
      name: 'Ada',
      logs: ['default'],
      expiresAt: '2999-01-01T00:00:00.000Z',
      createdAt: expect.any(String) as string,
    });
    expect((await server.send('GET', '/api/v1/logs/default/events/0', { key })).status).toBe(200);
    const revoked = await server.send('DELETE', `/api/v1/keys/${id}`, { key: server.key.admin });
    expect(revoked.json).toMatchObject({ id, revokedAt: expect.any(String) as string });
    expect((await server.send('GET', '/api/v1/logs/default/events/0', { key })).json['code']).toBe('key_revoked');
    expect((await server.send('DELETE', `/api/v1/keys/${id}`, { key: server.key.admin })).json).toEqual(revoked.json);
    const list = await server.send('GET', '/api/v1/keys', { key: server.key.admin });
    expect(list.json['keys']).toContainEqual({ ...revoked.json, lastUsedAt: expect.any(String) as string });
    expect(list.text).not.toContain(key.slice(-43));
    expect(list.text).not.toContain('digest');
  });

  it.each([
    ['', 400, 'json_syntax'],
    ['{', 400, 'json_syntax'],
    ['{"role":"reader","role":"admin"}', 400, 'json_duplicate_name'],
    ['{"role":"king"}', 400, 'key_request'],
    ['[]', 400, 'key_request'],
    ['{"role":"reader","more":1}', 400, 'key_request'],
    ['{"role":"reader","logs":[]}', 400, 'key_request'],
    ['{"role":"reader","logs":["../x"]}', 400, 'key_request'],
    ['{"role":"reader","expiresAt":"yesterday"}', 400, 'key_request'],
    ['{"role":"reader","expiresAt":"2020-01-01T00:00:00Z"}', 400, 'key_request'],
    ['{"role":"reader","name":""}', 400, 'key_request'],
    [`{"role":"reader","name":"${'n'.repeat(101)}"}`, 400, 'key_request'],
    ['{"role":"reader","name":"a\\u0000b"}', 400, 'key_request'],
  ])('are not made from %s', async (body, status, code) => {
    const { json, status: got } = await server.send('POST', '/api/v1/keys', { key: server.key.admin, body });
    expect([got, json['code']]).toEqual([status, code]);
  });

  it('are not made from nothing', async () => {
    expect((await server.send('POST', '/api/v1/keys', { key: server.key.admin })).json['code']).toBe('json_syntax');
  });

  it('that are unknown cannot be revoked', async () => {
    expect((await server.send('DELETE', '/api/v1/keys/aaaaaaaaaaaa', { key: server.key.admin })).json['code']).toBe('key_unknown');
    const noKey = (await server.send('DELETE', '/api/v1/keys/x', { key: server.key.admin })).json;
    expect([noKey['code'], noKey['detail']]).toEqual(['invalid_parameter', expect.stringContaining('as `key list` shows it')]);
  });

  it('are refused in a URL, however they are written, and whoever asks', async () => {
    const { writer } = server.key;
    for (const path of [
      `/healthz?key=${writer}`,
      `/logs/default/checkpoint?${writer}`,
      `/${writer}`,
      `/api/v1/logs/${encodeURIComponent(writer).replace('vt_', '%76t%5F')}/events`,
    ]) {
      const { status, json, text } = await server.send('GET', path, { key: server.key.reader });
      expect([status, json['code']]).toEqual([400, 'key_in_url']);
      expect(text).not.toContain(writer.slice(-43));
    }
  });
});

describe('the record of all this', () => {
  it('has what each route says of itself, whoever asked, and every refusal', async () => {
    expect((await server.send('PUT', '/api/v1/logs/new-one', { key: server.key.admin })).status).toBe(201);
    await server.trail.access.flush();
    const told = new Map<string, Set<string>>();
    for (let cursor: string | undefined, more = true; more;) {
      const page = await server.trail.search('_system', { limit: 1_000, ...(cursor === undefined ? {} : { cursor }) });
      for (const { record } of page.events) {
        const { action, outcome } = record as { action: string; outcome: string };
        told.set(action, (told.get(action) ?? new Set()).add(outcome));
      }
      cursor = page.nextCursor;
      more = cursor !== undefined;
    }
    for (const { method, path, right, recorded, action } of routeTable) {
      if (right === undefined || path === '/metrics') continue;
      const name = action ?? `${method} ${path}`;
      expect(told.get(name), `${name} was denied`).toContain('denied');
      const { status = 0 } = routes.find((route) => route.method === method && route.pattern === path) ?? {};
      if (recorded === 'gathered') expect([...(told.get(name) ?? [])], `${name} was answered`).toContain(status < 400 ? 'success' : 'failure');
      if (recorded === 'written' && status < 300) expect(told.get(name), `${name} was done`).toContain('success');
    }
  });
});
