/** What takes two: erasing, redacting, lifting a hold, shortening a retention. Over HTTP, as an officer and an approver do it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApproverKey, type ApproverKey } from '../../src/access/approver-key.ts';
import { systemRandom } from '../../src/core/random.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { verifyCertificate } from '../../src/verify/index.ts';
import { cardOf, decisionOf } from '../app/second-person.ts';
import { type Answer, runServer, type RunningServer } from '../server/running-server.ts';
import { append, event, told, tokenAt } from './protected-trail.ts';

let server: RunningServer;
let approver: ApproverKey;
let leaves: number[];
beforeAll(async () => {
  server = await runServer();
  leaves = await append(server.trail, [event('jane'), event('omar', { message: 'the word is xyzzy-4711' }), event('omar')]);
  approver = createApproverKey(systemRandom).key;
  await server.trail.requests.enrol({
    principal: 'adminaaaaaaa',
    card: cardOf(approver, new Date().toISOString()),
    approverOwner: 'Second',
    name: 'the second person',
  });
});
afterAll(() => server.close());

const send = (method: string, path: string, body?: object): Promise<Answer> =>
  server.send(method, path, { key: server.key.officer, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

/** Sends what needs two, has the request that is made approved, and sends it again. */
async function withApproval(method: string, path: string, body: object): Promise<{ first: Answer; request: string; second: Answer; third: Answer }> {
  const first = await send(method, path, body);
  expect([first.status, first.json['code']], path).toEqual([403, 'approval_needed']);
  const request = /r_[a-z2-7]{26}/.exec(first.text)?.[0] as string;
  const pending = await send(method, path, { ...body, request });
  expect([pending.status, pending.json['code']]).toEqual([409, 'request_pending']);
  const asked = server.trail.requests.show(request);
  await server.trail.requests.decide({
    id: request,
    decision: 'approve',
    principal: 'approveraaaa',
    approval: decisionOf(approver, asked, 'approve', Date.now()) as unknown as JsonObject,
  });
  const second = await send(method, path, { ...body, request });
  return { first, request, second, third: await send(method, path, { ...body, request }) };
}

test('erasing takes two; the detail has no id of the person, and the certificate names the request', async () => {
  const email = await tokenAt(server.trail, leaves[0] as number, 'email');
  const why = { purpose: 'request of 3 May', reference: 'T-204' };
  const plan = await send('POST', '/api/v1/subjects/erase', { ids: ['u-17'], mode: 'erase' });
  expect(plan.json).toMatchObject({ plan: { needsTwo: true, records: 1 } });
  // What is asked for by another mode is another request.
  const { request, second, third } = await withApproval('POST', '/api/v1/subjects/erase', { ids: ['u-17'], mode: 'erase', dryRun: false, ...why });
  expect(second.status, second.text).toBe(200);
  const { certificate, removal } = second.json as unknown as {
    certificate: string;
    removal: { records: number; tombstones: { log: string; leafIndex: number }[] };
  };
  expect(removal.records).toBe(1);
  const { body } = verifyCertificate(certificate, [server.trail.vkeyOf('_system'), server.trail.vkeyOf('default')]);
  expect(body).toMatchObject({ permitted: 'two-persons', request: { id: request }, reference: 'T-204' });
  expect(JSON.stringify(server.trail.requests.show(request))).not.toContain('u-17');
  expect(third.status).toBe(404); // there is nothing left to erase
  const [tombstone] = removal.tombstones.filter(({ log }) => log === 'default');
  const record = (await server.trail.readEvent('default', tombstone?.leafIndex as number))?.record;
  expect(record?.['tombstone']).toMatchObject({ request: { id: request, approvals: [{ approver: approver.id }] } });
  expect(JSON.stringify(record)).not.toContain(email);
});

test('an approved request is for exactly that', async () => {
  const why = { purpose: 'p', reference: 'r' };
  const first = await send('POST', '/api/v1/values/redact', { places: [{ leafIndex: leaves[1], pointers: ['/message'] }], dryRun: false, ...why });
  const request = /r_[a-z2-7]{26}/.exec(first.text)?.[0] as string;
  const asked = server.trail.requests.show(request);
  await server.trail.requests.decide({
    id: request,
    decision: 'approve',
    principal: 'approveraaaa',
    approval: decisionOf(approver, asked, 'approve', Date.now()) as unknown as JsonObject,
  });
  const other = await send('POST', '/api/v1/values/redact', {
    places: [{ leafIndex: leaves[2], pointers: ['/action'] }],
    dryRun: false,
    request,
    ...why,
  });
  expect([other.status, other.json['code']]).toEqual([403, 'request_mismatch']);
  expect((await server.trail.readEvent('default', leaves[2] as number))?.record['action']).toBe('file.read');
  const more = await append(server.trail, [event('omar')]);
  expect(more).toHaveLength(1);
  // With a search, `below` keeps what is approved from growing: see the plan's own.
  const { json } = await send('POST', '/api/v1/values/redact', { query: { q: 'xyzzy', pointers: ['/message'] } });
  const { below } = (json as { plan: { below: number } }).plan;
  const { second } = await withApproval('POST', '/api/v1/values/redact', {
    query: { q: 'xyzzy', pointers: ['/message'] },
    below,
    dryRun: false,
    ...why,
  });
  expect(second.json, second.text).toMatchObject({ removal: { fields: 1 } });
});

test('lifting a hold and shortening a retention take two, setting and lengthening one', async () => {
  expect((await send('POST', '/api/v1/holds', { name: 'case-3', why: 'order 3', log: 'default' })).status).toBe(201);
  const held = await send('POST', '/api/v1/subjects/erase', { ids: ['u-178'], mode: 'erase', dryRun: false, purpose: 'p' });
  expect([held.status, held.json['code'], held.json['hold']]).toEqual([409, 'held', 'case-3']);
  const { second: lifted, third } = await withApproval('POST', '/api/v1/holds/case-3/lift', { purpose: 'over' });
  expect(lifted.json).toMatchObject({ name: 'case-3', liftedAt: expect.any(String) as string });
  expect([third.status, third.json['code']]).toEqual([409, 'hold_lifted']);
  const [refusal, done] = await told(server.trail, 'hold.lift');
  expect(done).toMatchObject({ outcome: 'success', metadata: { permitted: 'two-persons', request: expect.stringMatching(/^r_/) as string } });
  const { request } = (done as { metadata: { request: string } }).metadata;
  expect(refusal).toMatchObject({ outcome: 'denied', reason: 'hold_lifted', purpose: 'over', metadata: { request } });
  expect((await send('POST', '/api/v1/holds/nobody-knows/lift', { purpose: 'over' })).json['code']).toBe('hold_unknown');
  const [unknown] = await told(server.trail, 'hold.lift');
  expect(unknown).toMatchObject({ outcome: 'denied', reason: 'hold_unknown', targets: [] });

  const table = (keep: string): string => `version: 1\nrules: [{name: all, keep: ${keep}, basis: b}]\n`;
  const { second: shorter } = await withApproval('PUT', '/api/v1/retention', { table: table('1 year'), purpose: 'p' });
  expect(shorter.json).toMatchObject({ info: { rules: [{ keep: '1 year' }] } });
  expect((await send('PUT', '/api/v1/retention', { table: table('2 years'), purpose: 'p' })).status).toBe(200);
  expect((await send('GET', '/api/v1/retention')).json).toMatchObject({ rules: [{ keep: '2 years' }] });
  const [mode, holds] = [await send('GET', '/api/v1/retention/due'), await send('GET', '/api/v1/holds')];
  expect(mode.json).toMatchObject({ dryRun: true });
  expect(holds.json).toMatchObject({ holds: [{ name: 'case-3' }] });
});

test('setting a forwarder takes two, removing one does not; what was approved is all of it', async () => {
  const { admin } = server.key;
  const put = (body: object): Promise<Answer> => server.send('PUT', '/api/v1/forwarders/siem', { key: admin, body: JSON.stringify(body) });
  const setting = { logs: ['default'], query: 'action:nothing', destination: { kind: 'http', url: 'https://siem.example.com/in' }, purpose: 'p' };
  const first = await put(setting);
  expect([first.status, first.json['code']]).toEqual([403, 'approval_needed']);
  const request = /r_[a-z2-7]{26}/.exec(first.text)?.[0] as string;
  const asked = server.trail.requests.show(request);
  // Whoever decides sees all of it, with what was left out.
  expect(asked).toMatchObject({
    action: 'forwarder.set',
    detail: { name: 'siem', query: 'action:nothing', destination: { gzip: false, private: false } },
  });
  const approval = decisionOf(approver, asked, 'approve', Date.now()) as unknown as JsonObject;
  await server.trail.requests.decide({ id: request, decision: 'approve', principal: 'approveraaaa', approval });
  const elsewhere = await put({ ...setting, destination: { kind: 'http', url: 'https://siem.example.org/in' }, request });
  const more = await put({ ...setting, query: '', request });
  for (const other of [elsewhere, more]) expect([other.status, other.json['code']]).toEqual([403, 'request_mismatch']);
  expect((await server.send('GET', '/api/v1/forwarders', { key: admin })).json).toEqual({ forwarders: [] });
  const set = await put({ ...setting, request });
  expect([set.status, set.json]).toMatchObject([200, { state: 'running', setting: { name: 'siem' } }]);
  expect((await told(server.trail, 'forwarder.set'))[0]).toMatchObject({
    metadata: { permitted: 'two-persons', request, digest: asked.digest, settingDigest: asked.digest, host: 'siem.example.com' },
  });
  expect((await put({ ...setting, request })).json['code']).toBe('request_used');
  expect((await put({ ...setting, purpose: undefined })).json['code']).toBe('purpose_needed');
  expect((await put({ ...setting, destination: { kind: 'http', url: 'http://169.254.169.254/' } })).json['code']).toBe('forwarder_invalid');
  expect((await server.send('DELETE', '/api/v1/forwarders/siem', { key: admin })).json).toEqual({ removed: 'siem' });
  expect((await server.send('GET', '/api/v1/forwarders', { key: admin })).json).toEqual({ forwarders: [] });
});

test('a report is a page or facts, for officers, with a purpose', async () => {
  const body = { ids: ['u-178'], purpose: 'request of 3 May', reference: 'T-204' };
  const facts = await send('POST', '/api/v1/subjects/report', body);
  expect(facts.json).toMatchObject({ madeBy: expect.any(String) as string, records: expect.any(Array) as unknown[] });
  const page = await send('POST', '/api/v1/subjects/report', { ...body, format: 'html' });
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.text).toContain('What is held about a person');
  expect((await send('POST', '/api/v1/subjects/report', { ids: ['u-178'] })).json['code']).toBe('subject_request');
  expect((await send('POST', '/api/v1/subjects/erase', { ids: ['u-178'], mode: 'erase', dryRun: false })).json['code']).toBe('purpose_needed');
  // Two values at once are many: a second person is asked before they are shown.
  const reveal = await send('POST', '/api/v1/subjects/report', { ...body, reveal: true });
  expect([reveal.status, reveal.json['code']]).toEqual([403, 'approval_needed']);
});
