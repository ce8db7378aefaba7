/** Revealing tokens over HTTP: with a purpose and a reference, by policy with a second person, within limits; all of it on record, no value anywhere. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import { defaultPolicyYaml } from '../../src/privacy/default-policy.ts';
import { verifyRevealed } from '../../src/verify/token-opening.ts';
import { type Answer, runServer, type RunningServer } from './running-server.ts';

const why = { purpose: 'fraud inquiry', reference: 'CASE-17' };
const vault = `
vault:
  reveal: {secondPerson: kinds, kinds: [phone], perMinute: 1, burst: 9, perHour: 6}
  search: {perHour: 5}
`;

let server: RunningServer;
let dir: string;
const alerts: string[] = [];
const tokens: Record<string, string> = {};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'veiltrail-reveal-'));
  const policyFile = join(dir, 'policy.yaml');
  writeFileSync(policyFile, defaultPolicyYaml + vault);
  server = await runServer({}, undefined, { policyFile, onAlert: (line) => alerts.push(line) });
  const people = Array.from({ length: 12 }, (_, i) => `person${i}@example.org`);
  const events = [...people, 'Jane@Example.com'].map((email) => ({ action: 'login', actor: { type: 'user', id: 'u-1', email } }));
  const body = JSON.stringify([...events, { action: 'call', actor: { type: 'user', id: 'u-2' }, metadata: { phone: '+49 30 901820' } }]);
  await server.trail.append({ log: 'default', principal: 'test', body: Buffer.from(body), format: 'json' });
  const { events: stored } = await server.trail.search('default', {});
  for (const { record } of stored.toReversed()) {
    const email = (record['actor'] as JsonObject)['email'] as string | undefined;
    if (email !== undefined) tokens[email] = email;
    else tokens['phone'] = (record['metadata'] as JsonObject)['phone'] as string;
  }
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

const emailTokens = (): string[] => Object.keys(tokens).filter((name) => name !== 'phone');
const jane = (): string => emailTokens().at(-1) as string;

function reveal(body: object, key = server.key.investigator): Promise<Answer> {
  return server.send('POST', '/api/v1/tokens/reveal', { key, body: JSON.stringify(body) });
}

/** Another investigator, whose look-ups are counted apart. */
async function investigator(): Promise<{ key: string; id: string }> {
  const { json } = await server.send('POST', '/api/v1/keys', { key: server.key.admin, body: '{"role":"investigator"}' });
  return json as { key: string; id: string };
}

/** Events of `_system`, newest first. */
async function told(q: string): Promise<JsonObject[]> {
  return (await server.trail.search('_system', { q, limit: 100 })).events.map(({ record }) => record);
}

describe('a reveal', () => {
  it('answers value and opening, which anybody can check, and is on record before', async () => {
    const { status, json, text } = await reveal({ token: jane(), ...why });
    expect(status).toBe(200);
    expect(json).toMatchObject({ token: jane(), kind: 'email', value: 'Jane@Example.com', opening: { canonical: 'jane@example.com' } });
    expect(verifyRevealed(text)).toHaveLength(1);
    const [event] = await told('action:token.reveal outcome:success');
    expect(event).toMatchObject({
      category: 'detokenise',
      outcome: 'success',
      actor: { type: 'user', roles: ['investigator'] },
      targets: [{ type: 'token', id: jane() }],
      purpose: why.purpose,
      metadata: { kinds: ['email'], reference: 'CASE-17' },
    });
    expect(JSON.stringify(event).toLowerCase()).not.toContain('jane@');
    expect(alerts.join()).toContain('revealed 1 token (email)');
    expect(alerts.join().toLowerCase()).not.toContain('jane@');
  });

  it('takes a token in the shape that records may have', async () => {
    const { json } = await reveal({ token: `${jane()}@token.invalid`, ...why });
    expect(json['token']).toBe(jane());
  });

  it.each([
    [{ purpose: 'x' }, 'reference_needed', 400],
    [{ reference: 'CASE-17' }, 'purpose_needed', 400],
    [{ purpose: '  ', reference: 'CASE-17' }, 'purpose_needed', 400],
    [{ purpose: 'p'.repeat(501), reference: 'CASE-17' }, 'purpose_needed', 400],
    [{ purpose: 'a\nb', reference: 'CASE-17' }, 'purpose_needed', 400],
    [{ purpose: 'x', reference: 'r'.repeat(201) }, 'reference_needed', 400],
  ])('without good reasons is refused, on record: %j', async (reasons, code, status) => {
    const before = (await told(`action:token.reveal outcome:denied reason:${code}`)).length;
    const answer = await reveal({ token: jane(), ...reasons });
    expect([answer.status, answer.json['code']]).toEqual([status, code]);
    expect(answer.text).not.toContain('example.com');
    expect(await told(`action:token.reveal outcome:denied reason:${code}`)).toHaveLength(before + 1);
  });

  it('of what is no token is refused, and what was sent is nowhere', async () => {
    const typed = 'victor.telltale@example.net';
    const { status, json, text } = await reveal({ token: typed, ...why });
    expect([status, json['code']]).toEqual([400, 'token_syntax']);
    expect(text).not.toContain('telltale');
    expect((await told('action:token.reveal reason:token_syntax'))[0]).toMatchObject({ outcome: 'denied', targets: [] });
    for (const name of readdirSync(server.dataDir, { recursive: true, encoding: 'utf8' })) {
      if (/\.(?:db|db-wal|sealed|json)$/.test(name)) expect(readFileSync(join(server.dataDir, name)).includes('telltale'), name).toBe(false);
    }
  });

  it.each([
    [{}, 'reveal_request'],
    [{ token: 'a', tokens: ['b'] }, 'reveal_request'],
    [{ tokens: [] }, 'reveal_request'],
    [{ token: 'a', more: 1 }, 'reveal_request'],
  ])('is described as it should be: %j', async (body, code) => {
    expect((await reveal(body)).json['code']).toBe(code);
  });

  it('of a token that stands for nothing is refused, on record', async () => {
    const { status, json } = await reveal({ token: `tok_${'A'.repeat(27)}`, ...why });
    expect([status, json['code']]).toEqual([404, 'token_unknown']);
    expect((await told('action:token.reveal reason:token_unknown'))[0]).toMatchObject({ outcome: 'denied' });
  });

  it('says that one person alone may decide here, where a second one would be asked', async () => {
    const { key } = await investigator();
    const { status } = await reveal({ token: tokens['phone'], ...why }, key);
    expect(status).toBe(200);
    expect((await told('action:token.reveal outcome:success'))[0]).toMatchObject({ metadata: { kinds: ['phone'], permitted: 'single-person' } });
  });
});

describe('many reveals', () => {
  it('at once come in the order asked for, what is gone named', async () => {
    const { key } = await investigator();
    const asked = [...emailTokens().slice(0, 3), `tok_${'B'.repeat(26)}A`, emailTokens()[0] as string];
    const { status, json, text } = await reveal({ tokens: asked, ...why }, key);
    expect(status).toBe(200);
    expect((json['tokens'] as { value: string }[]).map(({ value }) => value)).toEqual([
      'person0@example.org',
      'person1@example.org',
      'person2@example.org',
    ]);
    expect(json['missing']).toEqual([asked[3]]);
    expect(verifyRevealed(text)).toHaveLength(3);
    expect((await told('action:token.reveal outcome:success'))[0]).toMatchObject({ metadata: { count: 4, permitted: 'single-person' } });
  });

  it('that are too fast are put off', async () => {
    const { key } = await investigator();
    for (let i = 0; i < 9; i++) expect((await reveal({ token: jane(), ...why }, key)).status).toBe(200);
    const { status, json, headers } = await reveal({ token: jane(), ...why }, key);
    expect([status, json['code']]).toEqual([429, 'look_up_rate']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(30);
  });

  it('of many tokens are a sweep: stopped before the one too many, reported, until somebody lifts it', async () => {
    const { key, id } = await investigator();
    const sweep = await reveal({ tokens: emailTokens().slice(0, 7), ...why }, key);
    expect([sweep.status, sweep.json['code']]).toEqual([403, 'look_up_stopped']);
    expect(sweep.text).not.toContain('person');
    const again = await reveal({ token: jane(), ...why }, key);
    expect([again.status, again.json['code']]).toEqual([403, 'look_up_stopped']);
    expect((await told('action:token.sweep'))[0]).toMatchObject({
      category: 'alert',
      severity: 5,
      metadata: { use: 'reveal', count: 7, window: 'hour' },
    });
    expect(alerts.join()).toContain(`a sweep by ${id} was stopped`);
    const { json: stops } = await server.send('GET', '/api/v1/stops', { key: server.key.approver });
    expect(stops['stops']).toMatchObject([{ principal: id, use: 'reveal', count: 7 }]);
    const metrics = await server.send('GET', '/metrics', { key: server.key.operator });
    expect(metrics.text).toMatch(/^veiltrail_sweeps_total 1$/m);
    expect(metrics.text).toMatch(/^veiltrail_stopped_principals 1$/m);
    const lifted = await server.send('DELETE', `/api/v1/stops/${id}`, { key: server.key.admin });
    expect(lifted.status).toBe(200);
    expect((await told('action:token.resume'))[0]).toMatchObject({ outcome: 'success' });
    expect((await reveal({ token: jane(), ...why }, key)).status).toBe(200);
  });
});

describe('a search by a real value', () => {
  const search = (body: object, key = server.key.investigator): Promise<Answer> =>
    server.send('POST', '/api/v1/logs/default/search', { key, body: JSON.stringify(body) });
  const found = ({ json }: Answer): number => (json['events'] as unknown[]).length;

  it('finds what the value was replaced by, however it is spelled, and keeps it nowhere', async () => {
    const answer = await search({ q: 'email:"JANE@example.com" action:login', ...why });
    expect(found(answer)).toBe(1);
    expect(answer.json['lookedUp']).toEqual([{ kind: 'email', pseudonyms: [jane()] }]);
    expect(found(await search({ q: 'email:nobody@example.com' }))).toBe(0);
    expect(found(await search({ q: 'login -email:jane@example.com', limit: 100 }))).toBe(12);
    const events = await told('action:token.search outcome:success');
    expect(events).toHaveLength(3);
    expect(events[2]).toMatchObject({
      category: 'detokenise',
      purpose: why.purpose,
      targets: [{ type: 'log', id: 'default' }],
      metadata: {
        hits: 1,
        reference: 'CASE-17',
        terms: [{ kind: 'email', digest: expect.stringMatching(/^[A-Za-z0-9_-]{16}$/) as string, tokens: 1 }],
      },
    });
    for (const name of readdirSync(server.dataDir, { recursive: true, encoding: 'utf8' })) {
      if (/\.(?:db|db-wal|sealed|json)$/.test(name))
        expect(readFileSync(join(server.dataDir, name)).toString('latin1').toLowerCase(), name).not.toContain('jane@');
    }
  });

  it('finds nothing special for whoever lacks the right, nor in a URL; and says so where it may be asked', async () => {
    const answer = await search({ q: 'email:"jane@example.com" OR phone:"+4930901820"' }, server.key.reader);
    expect(found(answer)).toBe(0);
    expect(answer.json['notSought']).toEqual({ kinds: ['email', 'phone'], right: 'token.search', roles: ['investigator'] });
    expect((await search({ q: `email:${jane()} OR action:x` }, server.key.reader)).json).not.toHaveProperty('notSought');
    const q = encodeURIComponent('email:"jane@example.com"');
    for (const key of [server.key.reader, server.key.investigator])
      expect(found(await server.send('GET', `/api/v1/logs/default/events?q=${q}`, { key }))).toBe(0);
    expect(found(await search({ q: 'action:login', limit: 5 }, server.key.reader))).toBe(5);
  });

  it('goes on page by page as one look-up', async () => {
    const { key } = await investigator();
    let cursor: string | undefined;
    let pages = 0;
    let events = 0;
    do {
      const answer: Answer = await search({ q: 'login -email:jane@example.com', limit: 1, ...(cursor === undefined ? {} : { cursor }) }, key);
      expect(answer.status).toBe(200);
      cursor = answer.json['nextCursor'] as string | undefined;
      events += found(answer);
      pages++;
    } while (cursor !== undefined && pages < 60);
    expect(events).toBe(12);
  });

  it('is refused as a sweep', async () => {
    const { key } = await investigator();
    const terms = Array.from({ length: 6 }, (_, i) => `email:person${i}@example.org`);
    const { status, json } = await search({ q: terms.join(' OR ') }, key);
    expect([status, json['code']]).toEqual([403, 'look_up_stopped']);
    expect(found(await search({ q: 'action:login', limit: 3 }, key))).toBe(3);
  });

  it.each([
    [{ q: 1 }, 'search_request'],
    [{ q: 'a', limit: 0 }, 'search_request'],
    [{ q: '(' }, 'query_syntax'],
    [{ q: 'a', since: 'yesterday' }, 'invalid_parameter'],
    [{ q: 'email:jane@example.com', purpose: '\n' }, 'purpose_needed'],
  ])('is described as it should be: %j', async (body, code) => {
    expect((await search(body)).json['code']).toBe(code);
  });

  it('tells what stands for a value', async () => {
    const { json } = await server.send('POST', '/api/v1/tokens/find', {
      key: server.key.investigator,
      body: JSON.stringify({ kind: 'email', value: 'jane@example.com', ...why }),
    });
    expect(json).toMatchObject({ kind: 'email', tokens: [{ token: jane(), scope: 'installation' }], hashes: [expect.stringMatching(/^hash_v1_/)] });
    expect((await told('action:token.find'))[0]).toMatchObject({ outcome: 'success', metadata: { terms: [{ kind: 'email', tokens: 1 }] } });
    const unknown = await server.send('POST', '/api/v1/tokens/find', { key: server.key.investigator, body: '{"kind":"emial","value":"x"}' });
    expect(unknown.json['code']).toBe('find_request');
  });
});
