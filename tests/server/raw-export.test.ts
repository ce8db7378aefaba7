/** Exports with values over HTTP: two persons, exactly what was approved, on record before the first byte and at the end, and a file that anybody can check. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApproverKey } from '../../src/access/approver-key.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { createTrust } from '../../src/log/trust.ts';
import { defaultPolicyYaml } from '../../src/privacy/default-policy.ts';
import { createTokenClient } from '../../src/sdk/tokens.ts';
import { RawExportVerifier, type VerifiedRawExport } from '../../src/verify/raw-export.ts';
import { cardOf, decisionOf, newApprover } from '../app/second-person.ts';
import { type Answer, runServer, type RunningServer } from './running-server.ts';

const why = { purpose: 'court order', reference: 'Az-12-26' };
const path = '/api/v1/logs/default/export';
const people = ['jane.roe@example.com', 'omar.haddad@example.com', 'li.wei@example.com', 'ana.silva@example.com'];

let server: RunningServer;
let dir: string;
let approver: ApproverKey;
let alerts: string[];
/** Of another investigator. */
let another: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'veiltrail-raw-'));
  const policyFile = join(dir, 'policy.yaml');
  writeFileSync(policyFile, `${defaultPolicyYaml}\nvault: {reveal: {burst: 200, perHour: 5}, search: {burst: 200}}\n`);
  alerts = [];
  server = await runServer({}, undefined, { policyFile, onAlert: (line) => alerts.push(line) });
  await append(people.map((email, i) => ({ id: `e-${i}`, action: 'login', actor: { type: 'user', id: `u-${i}`, email } })));
  await append([
    {
      id: 'rich',
      action: 'ticket',
      actor: { type: 'user', id: 'u-0', email: people[0] as string },
      message: `Mail to bob@example.org (card 4111111111111111), cc ${people[1] as string}\u2028new line`,
      metadata: { 'of bob@example.org': 1, nested: '{"mail":"quote\\"d@example.net","to":"bob@example.org"}', list: ['bob@example.org', 'x'] },
    },
  ]);
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

async function append(events: readonly object[]): Promise<void> {
  await server.trail.append({ log: 'default', principal: 'test', body: Buffer.from(JSON.stringify(events)), format: 'json' });
}

function ask(body: object, key = server.key.investigator): Promise<Answer> {
  return server.send('POST', path, { key, body: JSON.stringify({ ...why, ...body }) });
}

async function told(q: string): Promise<JsonObject[]> {
  return (await server.trail.search('_system', { q, limit: 100 })).events.map(({ record }) => record);
}

function verify(text: string): VerifiedRawExport {
  const verifier = new RawExportVerifier(createTrust([server.trail.vkeyOf('default')]));
  for (const line of text.split('\n').slice(0, -1)) verifier.add(line);
  return verifier.end();
}

function linesOf(text: string): JsonObject[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as JsonObject);
}

/** Asks, and has it approved. */
async function approved(body: object, key = server.key.investigator): Promise<string> {
  const { json, text } = await ask(body, key);
  const id = json['request'] as string;
  expect(id, text).toMatch(/^r_/);
  const approval = decisionOf(approver, server.trail.requests.show(id), 'approve', Date.now());
  const answer = await server.send('POST', `/api/v1/requests/${id}/approve`, { key: server.key.approver, body: JSON.stringify({ approval }) });
  expect(answer.status, answer.text).toBe(200);
  return id;
}

describe('where one person may act alone', () => {
  it('a few are exported, and the record says that nobody else agreed', async () => {
    const { status, text, headers } = await ask({ query: 'actor.id:u-1' });
    expect([status, headers.get('content-type')]).toEqual([200, 'application/x-ndjson; charset=utf-8']);
    expect(verify(text)).toMatchObject({ events: 1, values: 1, removed: 0 });
    expect((await told('action:export.raw outcome:success'))[0]).toMatchObject({ metadata: { permitted: 'single-person', events: 1, values: 1 } });
  });

  it('many are a sweep: nothing is shown, and whoever asked is stopped', async () => {
    const { json } = await server.send('POST', '/api/v1/keys', { key: server.key.admin, body: '{"role":"investigator"}' });
    const { key, id } = json as { key: string; id: string };
    const { status, json: problem, text } = await ask({}, key);
    expect([status, problem['code']]).toEqual([403, 'look_up_stopped']);
    expect(text).not.toContain('example.com');
    expect((await ask({ query: 'actor.id:u-1' }, key)).json['code']).toBe('look_up_stopped');
    expect((await told('action:token.sweep'))[0]).toMatchObject({ actor: { id: `key:${id}` }, severity: 5 });
    await server.send('DELETE', `/api/v1/stops/${id}`, { key: server.key.admin });
  });

  it.each([
    [{ purpose: '' }, 'purpose_needed'],
    [{ reference: ' ' }, 'reference_needed'],
    [{ limit: 0 }, 'export_request'],
    [{ limit: 100_001 }, 'export_request'],
    [{ audience: '\n' }, 'export_request'],
    [{ query: 'nothing-that-was-ever-said' }, 'export_empty'],
    [{ query: '(' }, 'query_syntax'],
  ])('what cannot be asked for is refused, on record: %j', async (body, code) => {
    const before = (await told(`action:export.raw outcome:denied reason:${code}`)).length;
    expect((await ask(body)).json['code']).toBe(code);
    expect(await told(`action:export.raw outcome:denied reason:${code}`)).toHaveLength(before + 1);
  });

  it('a log that there is not is refused, and its name is on no record', async () => {
    const { json } = await server.send('POST', '/api/v1/logs/jane-roe-secret/export', { key: server.key.investigator, body: JSON.stringify(why) });
    expect(json['code']).toBe('log_unknown');
    expect(await told('jane-roe-secret')).toEqual([]);
    const system = await server.send('POST', '/api/v1/logs/_system/export', { key: server.key.investigator, body: JSON.stringify(why) });
    expect([system.status, system.json['code']]).toEqual([403, 'forbidden']);
  });

  it('nobody but an investigator exports', async () => {
    expect((await ask({}, server.key.reader)).status).toBe(403);
    expect((await ask({}, server.key.admin)).status).toBe(403);
  });
});

describe('where two are needed', () => {
  beforeAll(async () => {
    const { json } = await server.send('POST', '/api/v1/keys', { key: server.key.admin, body: '{"role":"investigator"}' });
    another = json['key'] as string;
    approver = newApprover();
    const card = cardOf(approver, new Date().toISOString());
    await server.trail.requests.enrol({ principal: 'adminaaaaaaa', card, approverOwner: 'Second', name: 'the second person' });
  });

  it('one alone gets nothing, and the request says what is asked in words that name nobody', async () => {
    const { status, json, text } = await ask({ query: `email:"${people[0] as string}" login`, audience: 'Example Court' });
    expect([status, json['code']]).toEqual([403, 'approval_needed']);
    expect(text).not.toContain('jane');
    const { action, detail } = server.trail.requests.show(json['request'] as string);
    expect(action).toBe('export.raw');
    expect(detail).toEqual({
      log: 'default',
      query: 'email:"[email]" login',
      lookedUp: [{ kind: 'email', tokens: [expect.stringMatching(/^tok_/) as string] }],
      audience: 'Example Court',
      below: 5,
      events: 1,
      values: 1,
      kinds: ['email'],
    });
  });

  it.each([
    ['email:"jane\\.roe@example.com" OR login', '[…]'],
    ['login OR "4111 1111 1111 1111"', 'login OR "[REDACTED]"'],
  ])('what names somebody in another way is told by a digest: %s', async (query, shown) => {
    const { json } = await ask({ query });
    const { detail } = server.trail.requests.show(json['request'] as string);
    expect(detail).toMatchObject({ query: shown, queryDigest: expect.stringMatching(/^[\w-]{16}$/) as string });
    expect(JSON.stringify(detail)).not.toMatch(/roe@|1111/);
  });

  it('what was approved comes once, with its values and what proves them, and is on record before and after', async () => {
    const request = await approved({ audience: 'Example Court' });
    const { status, text } = await ask({ audience: 'Example Court', request });
    expect(status).toBe(200);
    const { events, values, head } = verify(text);
    expect([events, values]).toEqual([5, 11]);
    expect(head).toMatchObject({ ...why, audience: 'Example Court', request, complete: true, by: expect.stringMatching(/^[a-z0-9]{12}$/) as string });
    const lines = linesOf(text);
    expect(lines.slice(1, -1).map(({ leafIndex }) => leafIndex)).toEqual([0, 1, 2, 3, 4]);
    expect(lines[5]?.['event']).toMatchObject({
      actor: { email: people[0] },
      message: `Mail to bob@example.org (card [REDACTED]), cc ${people[1] as string}\u2028new line`,
      metadata: { 'of bob@example.org': 1, list: ['bob@example.org', 'x'] },
    });
    const nested = ((lines[5] as JsonObject)['event'] as { metadata: { nested: string } }).metadata.nested;
    expect(JSON.parse(nested)).toMatchObject({ to: 'bob@example.org' });
    const [record] = await told('action:export.raw outcome:success');
    expect(record).toMatchObject({
      category: 'data_export',
      severity: 4,
      purpose: why.purpose,
      targets: [{ type: 'log', id: 'default' }],
      metadata: {
        reference: why.reference,
        events: 5,
        values: 11,
        leaves: [0, 5],
        kinds: ['email'],
        permitted: 'two-persons',
        request,
        leavesDigest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      },
    });
    const [end] = await told('action:export.end outcome:success');
    expect(end).toMatchObject({ metadata: { export: head['export'], events: 5, values: 11, removed: 0, bytes: Buffer.byteLength(text) } });
    expect(JSON.stringify(await told('export.raw OR action:export.end'))).not.toMatch(/roe|haddad|bob@/);
    expect(alerts.join()).toContain('exports 5 events of the log default with 11 values (email)');
    const again = await ask({ audience: 'Example Court', request });
    expect([again.status, again.json['code']]).toEqual([409, 'request_used']);
  });

  it('is bound to query, time, limit, audience, reasons and person, and to what there was when it was asked for', async () => {
    const request = await approved({ query: 'login' });
    const others: [object, string?][] = [
      [{ query: 'login OR ticket' }],
      [{ query: 'login', limit: 2 }],
      [{ query: 'login', audience: 'somebody else' }],
      [{ query: 'login', since: '2020-01-01T00:00:00Z' }],
      [{ query: 'login', purpose: 'curiosity' }],
      [{ query: 'login' }, another],
    ];
    for (const [body, key] of others) expect((await ask({ ...body, request }, key)).json['code'], JSON.stringify(body)).toBe('request_mismatch');
    await append([{ id: 'later', action: 'login', actor: { type: 'user', id: 'u-9', email: 'late@example.com' } }]);
    const { text } = await ask({ query: 'login', request });
    expect(verify(text).events).toBe(4);
    expect(text).not.toContain('late@');
  });

  it('the newest come where there is a limit, and the file says that others were left out', async () => {
    const request = await approved({ query: 'login', limit: 2 });
    const { text } = await ask({ query: 'login', limit: 2, request });
    expect(linesOf(text)[0]).toMatchObject({ complete: false, events: 2, limit: 2 });
    expect(
      linesOf(text)
        .slice(1, -1)
        .map(({ leafIndex }) => leafIndex),
    ).toEqual([3, 5]);
  });

  it("a sender's own text opens nobody's token", async () => {
    const token = /tok_[\w-]{27}/.exec(JSON.stringify((await server.trail.readEvent('default', 1))?.record))?.[0] as string;
    await append([{ id: 'trap', action: 'trap', message: `see ${token}`, metadata: { mail: 'own@example.com', other: token } }]);
    const request = await approved({ query: 'trap' });
    const { text } = await ask({ query: 'trap', request });
    expect(text).not.toContain(people[1]);
    expect(text).toContain('own@example.com');
    expect(linesOf(text)[1]).toMatchObject({
      event: { message: `see ${token}` },
      kept: [
        { pointer: '/message', token, because: 'not put here by the policy' },
        { pointer: expect.stringMatching(/\/other$/) as string, token, because: 'not put here by the policy' },
      ],
    });
    verify(text);
  });

  it('nor where the policy put one of its kind, too, in a text or in a name of a member', async () => {
    const token = /tok_[\w-]{27}/.exec(JSON.stringify((await server.trail.readEvent('default', 1))?.record))?.[0] as string;
    await append([
      {
        id: 'bait',
        action: 'bait',
        message: `mail to own@example.com about ${token} done`,
        metadata: { [token]: { mail: 'own@example.com' }, 'own@example.com': token, two: 'own@example.com, bob@example.org and own@example.com' },
      },
    ]);
    const request = await approved({ query: 'bait' });
    const { text } = await ask({ query: 'bait', request });
    expect(text).not.toContain(people[1]);
    expect(linesOf(text)[1]).toMatchObject({
      event: { metadata: { metadata: { [token]: { mail: 'own@example.com' }, two: 'own@example.com, bob@example.org and own@example.com' } } },
    });
    verify(text);
  });

  it('what was erased, redacted or removed since it was approved does not come back', async () => {
    const gone = ['gone-1@example.com', 'gone-2@example.com', 'gone-3@example.com'];
    await append(gone.map((email, i) => ({ id: `g-${i}`, action: 'gone', actor: { type: 'user', id: `g-${i}`, email } })));
    const request = await approved({ query: 'gone' });
    const leaves = (await server.trail.search('default', { q: 'action:gone' })).events.toReversed();
    const [first = 0, second = 0, third = 0] = leaves.map(({ leafIndex }) => leafIndex);
    const { email: token } = (leaves[0]?.record as { actor: { email: string } } | undefined)?.actor ?? { email: '' };
    await server.trail.remove({ operation: 'unlink', tokens: [token], bearing: 'nothing', logs: ['default'], reason: 'test', by: 'test' });
    await server.trail.remove({
      operation: 'redact',
      fields: [{ log: 'default', leafIndex: second, pointers: ['/actor/email'] }],
      reason: 'test',
      by: 'test',
    });
    await server.trail.remove({ operation: 'expire', records: [{ log: 'default', ranges: [[third, third + 1]] }], reason: 'test', by: 'test' });
    const { text } = await ask({ query: 'gone', request });
    for (const email of gone) expect(text).not.toContain(email);
    expect(verify(text)).toMatchObject({ events: 2, values: 0 });
    expect(linesOf(text).slice(1, 3)).toMatchObject([
      { leafIndex: first, event: { actor: { email: token } }, kept: [{ pointer: '/actor/email', because: 'erased' }] },
      {
        leafIndex: second,
        event: { actor: { email: expect.stringMatching(/^\[REDACTED leaf \d+\]$/) as string } },
        redacted: [{ pointer: '/actor/email' }],
      },
    ]);
  });

  it('with a limit, what has gone makes no room for what nobody approved', async () => {
    const mails = ['room-1@example.com', 'room-2@example.com', 'room-3@example.com'];
    await append(mails.map((email, i) => ({ id: `r-${i}`, action: 'room', actor: { type: 'user', id: `r-${i}`, email } })));
    const request = await approved({ query: 'room', limit: 2 });
    const newest = (await server.trail.search('default', { q: 'action:room', limit: 1 })).events[0]?.leafIndex as number;
    await server.trail.remove({ operation: 'expire', records: [{ log: 'default', ranges: [[newest, newest + 1]] }], reason: 'test', by: 'test' });
    const { text } = await ask({ query: 'room', limit: 2, request });
    expect(verify(text)).toMatchObject({ events: 1, values: 1 });
    expect(text).toContain(mails[1]);
    expect(text).not.toContain(mails[0]);
    expect(linesOf(text)[0]).toMatchObject({ complete: false });
  });

  it('what a key does not get to see is not in it', async () => {
    const { json } = await server.send('POST', '/api/v1/keys', {
      key: server.key.admin,
      body: JSON.stringify({ role: 'investigator', hides: ['message', 'metadata'], request: await approvedKey() }),
    });
    const key = json['key'] as string;
    const request = await approved({ query: 'ticket' }, key);
    const { text } = await ask({ query: 'ticket', request }, key);
    expect(text).not.toContain('bob@');
    expect(text).not.toContain('Mail to');
    expect(linesOf(text)[1]).toMatchObject({ event: { actor: { email: people[0] } }, hidden: ['message', 'metadata'] });
    expect(verify(text)).toMatchObject({ events: 1, values: 1 });
  });

  it('a report to the person says that it was exported', async () => {
    const asked = { principal: 'local:test', purpose: 'access request', reference: 'DSR-1' };
    const { touched } = await server.trail.dataProtection.reportSubject({ ids: ['u-2'], field: 'actor.id' }, asked);
    expect(touched.find(({ action }) => action === 'export.raw')).toMatchObject({ purpose: why.purpose, reference: why.reference, records: 1 });
  });

  it('a file that was changed or cut short is found out', async () => {
    const request = await approved({ query: 'ticket OR u-1' });
    const { text } = await ask({ query: 'ticket OR u-1', request });
    verify(text);
    const lines = text.split('\n').slice(0, -1);
    const change = (at: number, from: string | RegExp, to: string): string =>
      lines.map((line, i) => (i === at ? line.replace(from, to) : line)).join('\n') + '\n';
    const event = lines.findIndex((line) => line.includes('"event":{"action":"ticket"'));
    const codes = [
      change(event, '"value":"bob@example.org"', '"value":"eve@example.org"'),
      change(event, 'Mail to bob', 'Mail to eve'),
      change(event, /"canonical":"[^"]*"/, '"canonical":"eve@example.org"'),
      change(event, '"value":"ticket"', '"value":"other"'),
      change(event, /"leafIndex":\d+/, '"leafIndex":7'),
      change(lines.length - 1, /"events":\d+/, '"events":9'),
      change(0, '"purpose":"court order"', '"purpose":"another one"'),
      `${lines.slice(0, -1).join('\n')}\n`,
      `${[...lines.slice(0, 1), ...lines.slice(2)].join('\n')}\n`,
      `${text}{}\n`,
    ].map((changed) => {
      try {
        verify(changed);
        return 'nothing';
      } catch (error) {
        return (error as { code: string }).code;
      }
    });
    expect(codes).not.toContain('nothing');
    expect(codes).toEqual([
      'raw_export_mismatch',
      'raw_export_mismatch',
      'opening_mismatch',
      'proof_mismatch',
      'raw_export_mismatch',
      'raw_export_syntax',
      'raw_export_syntax',
      'raw_export_syntax',
      'raw_export_syntax',
      'raw_export_syntax',
    ]);
  });
});

describe('a large export', () => {
  it('waits for whoever reads, breaks off when they go, and says so', async () => {
    const words = 'x'.repeat(2_000);
    for (let from = 0; from < 2_000; from += 1_000)
      await append(
        Array.from({ length: 1_000 }, (_, i) => ({
          id: `l-${from + i}`,
          action: 'large',
          source: words,
          actor: { type: 'user', id: `u-${i}`, email: `p${i}@example.com` },
        })),
      );
    const body = JSON.stringify({ ...why, query: 'large', request: await approved({ query: 'large' }) });
    const before = (await told('action:export.end')).length;
    await new Promise<void>((resolve, reject) => {
      const sent = httpRequest(
        `${server.url}${path}`,
        { method: 'POST', headers: { authorization: `Bearer ${server.key.investigator}` } },
        (answer) => {
          expect(answer.statusCode).toBe(200);
          answer.once('data', () => {
            answer.destroy();
            resolve();
          });
        },
      );
      sent.once('error', reject);
      sent.end(body);
    });
    let ends: JsonObject[] = [];
    await expect.poll(async () => (ends = await told('action:export.end')).length, { interval: 20 }).toBe(before + 1);
    const { metadata } = ends[0] as { metadata: { events: number } };
    expect(ends[0]).toMatchObject({ outcome: 'failure', reason: 'broken_off', severity: 4 });
    // Some hundred KiB are on their way in sockets; most of it was never made.
    expect(metadata.events).toBeLessThan(1_500);
  });

  it('whose reader goes before it begins breaks off, too, and keeps nobody else waiting', async () => {
    const before = (await told('action:export.end')).length;
    // As many as may be under way at once, and one more.
    for (let i = 0; i < 3; i++) {
      const body = JSON.stringify({ ...why, query: 'large', request: await approved({ query: 'large' }) });
      const sent = httpRequest(`${server.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${server.key.investigator}` } });
      sent.once('error', () => undefined);
      await new Promise<void>((resolve) => sent.end(body, resolve));
      await expect.poll(() => server.trail.requests.show((JSON.parse(body) as { request: string }).request).state).toBe('used');
      sent.destroy();
      await expect.poll(async () => (await told('action:export.end')).length).toBe(before + i + 1);
    }
    expect((await told('action:export.end'))[0]).toMatchObject({ outcome: 'failure', reason: 'broken_off' });
    expect(server.mistakes).toEqual([]);
  });

  it('breaks off when what it has opened is erased, and goes on when something else is', async () => {
    const asked = { principal: 'local:test', query: 'action:large', ...why };
    const { text, brokenOff } = await server.trail.lookUps.exportRaw({ ...asked, log: 'default', request: await approvedLarge() });
    expect(await text.next()).toMatchObject({ done: false });
    const tokenOfLarge = async (id: string): Promise<string> => {
      const found = await server.trail.search('default', { q: `action:large actor.id:${id}`, limit: 1 });
      return (found.events[0] as unknown as { record: { actor: { email: string } } }).record.actor.email;
    };
    const erase = async (id: string): Promise<void> => {
      await server.trail.remove({
        operation: 'unlink',
        tokens: [await tokenOfLarge(id)],
        bearing: 'nothing',
        logs: ['default'],
        reason: 'test',
        by: 'test',
      });
    };
    // Nothing of this one has been opened yet.
    await erase('u-500');
    expect(brokenOff.aborted).toBe(false);
    let rest = '';
    for (let i = 0; i < 2; i++) rest += ((await text.next()).value as string | undefined) ?? '';
    expect(rest).not.toBe('');
    // Opened, and the line of it not handed out yet, perhaps.
    await erase('u-40');
    expect(brokenOff.aborted).toBe(true);
    expect(await text.next()).toEqual({ done: true, value: undefined });
    expect((await told('action:export.end'))[0]).toMatchObject({ outcome: 'failure', reason: 'erased_meanwhile' });
  });

  it('breaks off when the key that asked is revoked, and not even what was read goes out', async () => {
    const { key, info } = server.keys.create({ role: 'investigator' });
    // The server looks at the file of keys every now and then.
    await expect.poll(async () => (await server.send('GET', '/api/v1/logs/default/events?limit=1', { key })).status).not.toBe(401);
    const before = (await told('action:export.end')).length;
    const body = JSON.stringify({ ...why, query: 'large', request: await approved({ query: 'large' }, key) });
    const how = await new Promise<string>((resolve, reject) => {
      const sent = httpRequest(`${server.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${key}` } }, (answer) => {
        let received = '';
        answer.setEncoding('utf8').once('data', (first: string) => {
          received = first;
          answer.pause();
          void server.send('DELETE', `/api/v1/keys/${info.id}`, { key: server.key.admin, body: '{"purpose":"left us"}' }).then(() => {
            answer.on('data', (more: string) => (received += more));
            answer.resume();
          });
        });
        answer.once('close', () => resolve(received.includes('"end":true') ? 'whole' : answer.complete ? 'complete' : 'broken off'));
        answer.once('error', () => undefined);
      });
      sent.once('error', reject);
      sent.end(body);
    });
    expect(how).toBe('broken off');
    await expect.poll(async () => (await told('action:export.end')).length, { interval: 20 }).toBe(before + 1);
    expect((await told('action:export.end'))[0]).toMatchObject({ outcome: 'failure', reason: 'key_revoked', severity: 4 });
    expect((await told('action:key.revoke'))[0]).toMatchObject({ purpose: 'left us' });
    expect(server.mistakes).toEqual([]);
  });

  it('does not begin once nobody waits for it: no value and no success is on record', async () => {
    const stopping = new AbortController();
    const before = (await told('action:export.raw outcome:success')).length;
    const beginning = server.trail.lookUps.exportRaw({
      principal: 'local:test',
      query: 'action:large',
      ...why,
      log: 'default',
      signal: stopping.signal,
    });
    stopping.abort();
    await expect(beginning).rejects.toMatchObject({ code: 'stopping' });
    expect(await told('action:export.raw outcome:success')).toHaveLength(before);
  });

  it('comes through the client piece by piece', async () => {
    const client = createTokenClient({ url: server.url, key: server.key.investigator });
    const request = await approved({ query: 'large', limit: 100 });
    let text = '';
    const decoder = new TextDecoder();
    for await (const piece of await client.exportRaw({ query: 'large', limit: 100, ...why, request }))
      text += decoder.decode(piece, { stream: true });
    expect(verify(text)).toMatchObject({ events: 100, values: 100 });
    await expect(client.exportRaw({ ...why, query: 'no such thing' })).rejects.toMatchObject({ code: 'export_empty' });
  });
});

/** A request of somebody at the machine for all large ones, approved. */
async function approvedLarge(): Promise<string> {
  const asked = { principal: 'local:test', query: 'action:large', ...why, log: 'default' };
  const refused = (await server.trail.lookUps.exportRaw(asked).catch((error: unknown) => error)) as { detail: { request: string } };
  const id = refused.detail.request;
  const approval = decisionOf(approver, server.trail.requests.show(id), 'approve', Date.now());
  await server.send('POST', `/api/v1/requests/${id}/approve`, { key: server.key.approver, body: JSON.stringify({ approval }) });
  return id;
}

/** A request for another investigator's key, approved: with an approver there, such a key takes two. */
async function approvedKey(): Promise<string> {
  const body = { role: 'investigator', hides: ['message', 'metadata'], purpose: 'a colleague' };
  const { json } = await server.send('POST', '/api/v1/keys', { key: server.key.admin, body: JSON.stringify(body) });
  const id = json['request'] as string;
  const approval = decisionOf(approver, server.trail.requests.show(id), 'approve', Date.now());
  await server.send('POST', `/api/v1/requests/${id}/approve`, { key: server.key.approver, body: JSON.stringify({ approval }) });
  return id;
}
