/** Reveals that take two: nobody alone, not by another's request, not twice, not for another reason; each refusal is in `_system`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApproverKey } from '../../src/access/approver-key.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { defaultPolicyYaml } from '../../src/privacy/default-policy.ts';
import { cardOf, decisionOf, newApprover } from '../app/second-person.ts';
import { type Answer, runServer, type RunningServer } from './running-server.ts';

let server: RunningServer;
let dir: string;
let approver: ApproverKey;
let tokens: string[];
/** Of another investigator. */
let another: string;
const why = { purpose: 'fraud inquiry', reference: 'CASE-17' };

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'veiltrail-two-'));
  const policyFile = join(dir, 'policy.yaml');
  writeFileSync(policyFile, `${defaultPolicyYaml}\nvault: {reveal: {secondPerson: kinds, kinds: [phone], burst: 100}}\n`);
  server = await runServer({}, undefined, { policyFile });
  const events = ['+49 30 901820', '+49 30 901821'].map((phone) => ({ action: 'call', actor: { type: 'user', id: 'u-2' }, metadata: { phone } }));
  const mail = { action: 'mail', actor: { type: 'user', id: 'u-2', email: 'jane@example.com' } };
  await server.trail.append({ log: 'default', principal: 'test', body: Buffer.from(JSON.stringify([mail, ...events])), format: 'json' });
  const found = (await server.trail.search('default', {})).events.map(({ record }) => record).toReversed();
  tokens = found.map((record) => JSON.stringify(record).match(/tok_[\w-]{27}/)?.[0] as string);
  const { json } = await server.send('POST', '/api/v1/keys', { key: server.key.admin, body: '{"role":"investigator"}' });
  another = json['key'] as string;
  approver = newApprover();
  const now = new Date().toISOString();
  await server.trail.requests.enrol({ principal: 'adminaaaaaaa', card: cardOf(approver, now), approverOwner: 'Second', name: 'the second person' });
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

function reveal(body: object, key = server.key.investigator): Promise<Answer> {
  return server.send('POST', '/api/v1/tokens/reveal', { key, body: JSON.stringify(body) });
}

async function denials(reason: string): Promise<JsonObject[]> {
  const { events } = await server.trail.search('_system', { q: `action:token.reveal outcome:denied reason:${reason}`, limit: 100 });
  return events.map(({ record }) => record);
}

/** Asks, and has it approved. */
async function approved(body: object): Promise<string> {
  const { json } = await reveal(body);
  const id = json['request'] as string;
  const asked = server.trail.requests.show(id);
  const approval = decisionOf(approver, asked, 'approve', Date.now());
  const answer = await server.send('POST', `/api/v1/requests/${id}/approve`, { key: server.key.approver, body: JSON.stringify({ approval }) });
  expect(answer.status, answer.text).toBe(200);
  return id;
}

it('a kind that takes two is refused to one, and the refusal names the request that was made', async () => {
  const { status, json, text } = await reveal({ token: tokens[1], ...why });
  expect([status, json['code']]).toEqual([403, 'approval_needed']);
  expect(json['request']).toMatch(/^r_/);
  expect(text).not.toContain('901820');
  expect(await denials('approval_needed')).toMatchObject([{ severity: 4, metadata: { digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string } }]);
  const asked = server.trail.requests.show(json['request'] as string);
  expect(asked).toMatchObject({ action: 'token.reveal', detail: { token: tokens[1] }, state: 'pending', ...why });
  const early = await reveal({ token: tokens[1], ...why, request: json['request'] });
  expect(early.json['code']).toBe('request_pending');
});

it('other kinds are not', async () => {
  expect((await reveal({ token: tokens[0], ...why })).status).toBe(200);
});

it('what was approved is revealed once, by who asked, for the reason that was given', async () => {
  const request = await approved({ token: tokens[1], ...why });
  const refused: [object, string, string?][] = [
    [{ token: tokens[2], ...why, request }, 'request_mismatch'],
    [{ token: tokens[1], ...why, purpose: 'curiosity', request }, 'request_mismatch'],
    [{ token: tokens[1], ...why, reference: 'CASE-18', request }, 'request_mismatch'],
  ];
  for (const [body, code] of refused) expect((await reveal(body)).json['code'], JSON.stringify(body)).toBe(code);
  expect((await reveal({ token: tokens[1], ...why, request }, another)).json['code']).toBe('request_mismatch');
  const done = await reveal({ token: tokens[1], ...why, request });
  expect([done.status, done.json['value']]).toEqual([200, '+49 30 901820']);
  const { events } = await server.trail.search('_system', { q: 'action:token.reveal outcome:success', limit: 1 });
  expect(events[0]?.record).toMatchObject({ metadata: { permitted: 'two-persons', request, digest: server.trail.requests.show(request).digest } });
  const again = await reveal({ token: tokens[1], ...why, request });
  expect([again.status, again.json['code']]).toEqual([409, 'request_used']);
  for (const [code, count] of [
    ['request_mismatch', 4],
    ['request_used', 1],
  ] as const)
    expect(await denials(code), code).toHaveLength(count);
});

it('many at once take two, whatever their kinds', async () => {
  const body = { tokens: [tokens[2], tokens[0]], ...why };
  expect((await reveal(body)).json['code']).toBe('approval_needed');
  const request = await approved(body);
  expect(server.trail.requests.show(request)).toMatchObject({
    action: 'token.reveal-bulk',
    detail: { tokens: [tokens[0] as string, tokens[2] as string].sort((a, b) => (a < b ? -1 : 1)) },
  });
  expect((await reveal({ ...body, tokens: tokens.slice(0, 3), request })).json['code']).toBe('request_mismatch');
  const { status, json } = await reveal({ ...body, request });
  expect(status).toBe(200);
  expect((json['tokens'] as JsonObject[]).map(({ value }) => value)).toEqual(['+49 30 901821', 'jane@example.com']);
});

it('a request that does not exist opens nothing', async () => {
  const { json } = await reveal({ token: tokens[1], ...why, request: `r_${'a'.repeat(26)}` });
  expect(json['code']).toBe('request_unknown');
  expect((await reveal({ token: tokens[1], ...why, request: '../x' })).json['code']).toBe('request_unknown');
});
