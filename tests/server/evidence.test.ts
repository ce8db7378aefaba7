/** Evidence over HTTP: who may, what it takes, and that it is on record. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AnchorStore } from '../../src/anchor/anchor-store.ts';
import { createClient } from '../../src/sdk/index.ts';
import { verifyEvidence } from '../../src/verify/index.ts';
import { runServer, type RunningServer } from './running-server.ts';

let server: RunningServer;
const path = '/api/v1/logs/default/evidence';
const asked = { audience: 'Example Court', purpose: 'who logged in', query: 'action:user.login' };

beforeAll(async () => {
  server = await runServer();
  const client = createClient({ url: server.url, key: server.key.writer });
  await client.append(
    Array.from({ length: 8 }, (_, i) => ({
      action: i % 2 === 0 ? 'user.login' : 'object.read',
      actor: { type: 'user', id: `u-${i}` },
      context: { requestId: `r-${i}` },
    })),
  );
});
afterAll(() => server.close());

const post = (key: string | undefined, body: unknown): ReturnType<RunningServer['send']> =>
  server.send('POST', path, { key, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

describe('POST …/evidence', () => {
  it('gives readers, auditors and investigators a file that verifies', async () => {
    for (const role of ['reader', 'auditor', 'investigator'] as const) {
      const answer = await post(server.key[role], asked);
      expect(answer.status).toBe(200);
      const report = verifyEvidence(answer.text, { vkeys: [server.trail.vkeyOf('default')], audience: 'Example Court' });
      expect(report.problems).toEqual([]);
      expect(report.events.filter(({ fields }) => fields).map(({ leafIndex }) => leafIndex)).toEqual([0, 2, 4, 6]);
    }
  });

  it('gives it to nobody else', async () => {
    for (const role of ['writer', 'officer', 'approver', 'operator', 'admin'] as const)
      expect((await post(server.key[role], asked)).status).toBe(403);
    expect((await post(undefined, asked)).status).toBe(401);
  });

  it('is on record before the answer, with audience, purpose and what was shown', async () => {
    const text = await createClient({ url: server.url, key: server.key.auditor }).exportEvidence({ ...asked, purpose: 'for the record' });
    const { events } = await server.trail.search('_system', { q: 'action:evidence.export' });
    expect(events[0]?.record).toMatchObject({
      action: 'evidence.export',
      outcome: 'success',
      purpose: 'for the record',
      metadata: { shown: 4, leaves: 7, reference: 'Example Court', ranges: [0, 1, 2, 3, 4, 5, 6, 7] },
    });
    expect(verifyEvidence(text).export?.purpose).toBe('for the record');
  });

  it('keeps back what somebody does not get to see', async () => {
    const made = await server.send('POST', '/api/v1/keys', { key: server.key.admin, body: JSON.stringify({ role: 'reader', hides: ['context'] }) });
    const key = made.json['key'] as string;
    const { text } = await post(key, { ...asked, query: '', range: { from: 0, to: 3 } });
    const report = verifyEvidence(text);
    expect(report.problems).toEqual([]);
    const [event] = report.events;
    expect(event?.fields?.find(({ pointer }) => pointer === '/context/requestId')).toEqual({ pointer: '/context/requestId' });
    expect(event?.fields?.find(({ pointer }) => pointer === '/privacy/applied')).toEqual({ pointer: '/privacy/applied' });
    expect(text).not.toContain('"r-0"');
  });

  it('accounts for a range, for chosen fields, for single events, with the policy', async () => {
    const range = verifyEvidence(
      (await post(server.key.reader, { ...asked, query: '', range: { from: 1, to: 4 }, fields: ['/action', '/actor'] })).text,
    );
    expect(range.problems).toEqual([]);
    expect(range.events.map(({ leafIndex }) => leafIndex)).toEqual([1, 2, 3]);
    const shown = range.events[0]?.fields?.filter((field) => 'value' in field).map(({ pointer }) => pointer);
    expect(shown).toEqual(['/action', '/actor/id', '/actor/type']);
    expect(range.events[0]?.fields?.length).toBeGreaterThan(3);
    const sparse = verifyEvidence((await post(server.key.reader, { ...asked, sparse: true, policyText: true })).text);
    expect(sparse.problems).toEqual([]);
    expect(sparse.ranges).toEqual([0, 2, 4, 6].map((leaf) => ({ start: leaf, end: leaf + 1 })));
    expect(sparse.policy?.text).toContain('version');
    const since = await post(server.key.reader, { ...asked, since: '2000-01-01T00:00:00Z', until: '2000-01-02T00:00:00Z' });
    expect(since.json['code']).toBe('evidence_empty');
  });

  it('brings what third parties keep, and the proof that the log grew from it', async () => {
    const checkpoint = (await server.trail.checkpoint('default')) as string;
    const [origin = '', size = ''] = checkpoint.split('\n');
    const anchor = {
      kind: 'file',
      target: 'elsewhere',
      log: 'default',
      origin,
      treeSize: Number(size),
      checkpoint,
      madeAt: '2026-11-22T12:00:00.000Z',
    } as const;
    await new AnchorStore(server.dataDir).add({ ...anchor, proof: { path: '/mnt/elsewhere/checkpoint' } });
    await createClient({ url: server.url, key: server.key.writer }).append([{ action: 'user.login' }]);
    const report = verifyEvidence((await post(server.key.reader, { ...asked, earlier: checkpoint })).text, { checkpoint });
    expect(report.problems).toEqual([]);
    expect(report.anchors.map(({ kind, status }) => [kind, status])).toEqual([
      ['consistency', 'proved'],
      ['consistency', 'proved'],
      ['anchor', 'unknown'],
    ]);
    expect(report.proved.join('\n')).toContain(`The log is the one of the checkpoint of size ${size} that you keep`);
  });

  it.each([
    [{ purpose: 'x' }, 'evidence_request', 400],
    [{ ...asked, audience: ' ' }, 'evidence_request', 400],
    [{ ...asked, more: 1 }, 'evidence_request', 400],
    [{ ...asked, since: 'monday' }, 'evidence_request', 400],
    [{ ...asked, range: { from: 5, to: 2 } }, 'evidence_request', 400],
    [{ ...asked, range: { from: 0, to: 99 } }, 'evidence_request', 400],
    [{ ...asked, earlier: 'not a checkpoint' }, 'evidence_request', 400],
    [{ ...asked, query: 'action:nothing' }, 'evidence_empty', 404],
    [{ ...asked, query: '(' }, 'query_syntax', 400],
  ])('refuses %j', async (body, code, status) => {
    const answer = await post(server.key.reader, body);
    expect([answer.json['code'], answer.status]).toEqual([code, status]);
  });
});
