/** What takes two persons, on a real server: keys that see or decide, policies that protect less; who approves, with which keys, and what is on record. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ApproverKey } from '../../src/access/approver-key.ts';
import { isGrant } from '../../src/app/permit-grant.ts';
import type { RequestBook } from '../../src/app/request-book.ts';
import type { Ask, Permit, RequestInfo } from '../../src/app/requests.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { systemRandom } from '../../src/core/random.ts';
import { defaultPolicyYaml } from '../../src/privacy/default-policy.ts';
import { type OpenTrail, openTrail, systemLog } from '../../src/server/compose.ts';
import { readDataConfig } from '../../src/server/data-config.ts';
import { openPolicy, recordPolicy } from '../../src/server/policy-in-force.ts';
import { createPolicyGate, openRequests, policyDetail } from '../../src/server/requests.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';
import { parsePolicy } from '../../src/privacy/policy-file.ts';
import { openKeyring } from '../../src/vault/keyring.ts';
import { createTextSealer } from '../../src/vault/sealed-text.ts';
import { verifyApproval } from '../../src/verify/approval.ts';
import { cardOf, decisionOf, newApprover } from '../app/second-person.ts';
import { createAuthenticator, origin as pageOrigin } from '../verify/software-authenticator.ts';
import { type Answer, runServer, type RunningServer } from './running-server.ts';

const timeout = 300_000;

async function recordsOf(trail: Pick<OpenTrail, 'search'>, q: string): Promise<JsonObject[]> {
  return (await trail.search(systemLog, { q, limit: 1_000 })).events.map(({ record }) => record);
}

describe('over HTTP', () => {
  let server: RunningServer;
  const approver = newApprover();
  const browser = createAuthenticator('webauthn-es256');
  const post = (path: string, role: 'admin' | 'approver' | 'investigator', body: object): Promise<Answer> =>
    server.send('POST', path, { key: server.key[role], body: JSON.stringify(body) });
  const decide = (id: string, decision: 'approve' | 'deny', approval: JsonObject): Promise<Answer> =>
    post(`/api/v1/requests/${id}/${decision}`, 'approver', { approval });

  /** Has the server make the request, and returns it as the approver reads it. */
  async function asked(path: string, body: object): Promise<RequestInfo> {
    const refused = await post(path, 'admin', { ...body, purpose: 'new colleague', reference: 'HR-7' });
    expect([refused.status, refused.json['code']]).toEqual([403, 'approval_needed']);
    const shown = await server.send('GET', `/api/v1/requests/${refused.json['request'] as string}`, { key: server.key.approver });
    return shown.json as unknown as RequestInfo;
  }

  async function refusals(request: string): Promise<string[]> {
    const records = await recordsOf(server.trail, `id:${request} outcome:denied`);
    return records.map(({ action, reason }) => `${action as string} ${reason as string}`).toReversed();
  }

  beforeAll(async () => {
    server = await runServer({}, undefined, { publicUrl: pageOrigin });
    const first = await post('/api/v1/approvers', 'admin', {
      card: cardOf(approver, new Date().toISOString()),
      owner: 'bob@example.com',
      name: 'Bob',
    });
    expect([first.status, first.json['owner']]).toEqual([201, expect.stringMatching(/^person:[a-z2-7]{16}$/)]);
  }, timeout);
  afterAll(() => server.close());

  it('keys that see, remove, decide or hand out are grants; a writer’s is none', () => {
    expect(
      ['writer', 'reader', 'auditor', 'investigator', 'officer', 'approver', 'operator', 'admin'].filter((role) => isGrant(role as 'admin')),
    ).toEqual(['reader', 'auditor', 'investigator', 'officer', 'approver', 'operator', 'admin']);
  });

  it(
    'a key that sees is made once a second person has approved exactly that, and its event bears the signature',
    async () => {
      const wanted = { role: 'reader', logs: ['default'], owner: 'carol@example.com', name: 'Carol Doe' };
      expect((await post('/api/v1/keys', 'admin', wanted)).json['code']).toBe('approval_needed');
      const request = await asked('/api/v1/keys', wanted);
      expect(request).toMatchObject({
        action: 'key.create',
        detail: { role: 'reader', logs: ['default'] },
        purpose: 'new colleague',
        state: 'pending',
      });
      expect(JSON.stringify(request.detail)).not.toMatch(/carol/i);
      const { id } = request;
      const make = (more: object = {}): Promise<Answer> => post('/api/v1/keys', 'admin', { ...wanted, request: id, ...more });
      expect((await make()).json['code']).toBe('request_pending');
      const approval = decisionOf(approver, request, 'approve', Date.now());
      expect((await decide(id, 'deny', approval)).json['code']).toBe('approval_mismatch');
      expect((await decide(id, 'approve', { ...approval, signature: decisionOf(newApprover(), request, 'approve', 0).signature })).json['code']).toBe(
        'approval_signature',
      );
      expect((await decide(id, 'approve', approval)).json['state']).toBe('approved');
      expect((await make({ role: 'admin' })).json['code']).toBe('request_mismatch');
      expect((await make({ logs: undefined })).json['code']).toBe('request_mismatch');
      expect((await make({ owner: 'dave@example.com' })).json['code']).toBe('request_mismatch');
      const made = await make();
      expect([made.status, made.json['role']]).toEqual([201, 'reader']);
      expect((await make()).json['code']).toBe('request_used');
      expect(await refusals(id)).toEqual([
        'key.create request_pending',
        'request.deny approval_mismatch',
        'request.approve approval_signature',
        'key.create request_mismatch',
        'key.create request_mismatch',
        'key.create request_mismatch',
        'key.create request_used',
      ]);
      for (const q of [`action:request.use id:${id}`, `action:key.create id:key:${made.json['id'] as string}`]) {
        const [event] = await recordsOf(server.trail, `${q} outcome:success`);
        const { approvals } = (event as { metadata: { approvals: JsonObject[] } }).metadata;
        const trust = { approvers: new Set([approver.id]), request: id, digest: request.digest, decision: 'approve' as const };
        expect(verifyApproval(approvals[0], trust).approval.approver).toBe(approver.id);
      }
    },
    timeout,
  );

  it(
    'a key is not rotated into somebody else’s hands by one alone',
    async () => {
      const { id } = server.keys.create({ role: 'reader' }).info;
      const refused = await server.send('POST', `/api/v1/keys/${id}/rotate`, { key: server.key.admin });
      expect(refused.json['code']).toBe('approval_needed');
      const request = (await post('/api/v1/requests', 'admin', { action: 'key.create', detail: { rotates: id }, purpose: 'lost' }))
        .json as unknown as RequestInfo;
      await decide(request.id, 'approve', decisionOf(approver, request, 'approve', Date.now()));
      const why = JSON.stringify({ purpose: 'lost laptop', reference: 'T-9' });
      const asked = await server.send('POST', `/api/v1/keys/${id}/rotate`, { key: server.key.admin, body: why });
      expect(server.trail.requests.show(asked.json['request'] as string)).toMatchObject({
        detail: { rotates: id },
        purpose: 'lost laptop',
        reference: 'T-9',
      });
      const made = await server.send('POST', `/api/v1/keys/${id}/rotate?request=${request.id}`, { key: server.key.admin });
      expect([made.status, made.json['rotates']]).toEqual([201, id]);
      expect((await post('/api/v1/keys', 'admin', { role: 'writer' })).status).toBe(201);
    },
    timeout,
  );

  it(
    'a field is not said to be harmless by one alone',
    async () => {
      await server.trail.append({ log: 'default', principal: 'test', body: Buffer.from('{"message":"m"}'), format: 'json' });
      const classify = (as: string, more: object = {}): Promise<Answer> => post('/api/v1/fields/classify', 'admin', { path: 'message', as, ...more });
      expect((await classify('redact')).status).toBe(200);
      const refused = await classify('keep', { why: 'a counter, says the team' });
      expect(refused.json['code']).toBe('approval_needed');
      const { json } = await server.send('GET', `/api/v1/requests/${refused.json['request'] as string}`, { key: server.key.approver });
      const request = json as unknown as RequestInfo;
      expect(request).toMatchObject({
        action: 'policy.change',
        detail: { classify: 'message', log: '', as: 'keep' },
        purpose: 'a counter, says the team',
      });
      await decide(request.id, 'approve', decisionOf(approver, request, 'approve', Date.now()));
      expect((await classify('scan', { request: request.id })).json['code']).toBe('request_mismatch');
      expect((await classify('keep', { request: request.id })).json['classification']).toMatchObject({ as: 'keep', request: request.id });
    },
    timeout,
  );

  it('is asked for by those who may do it', async () => {
    const ask = (action: string): Promise<Answer> => post('/api/v1/requests', 'investigator', { action, detail: {}, purpose: 'p' });
    expect((await ask('key.create')).json['code']).toBe('forbidden');
    const [refused] = await recordsOf(server.trail, 'action:request.ask outcome:denied reason:forbidden');
    expect(refused?.['metadata']).toEqual({ requested: 'key.create' });
    expect((await ask('token.reveal')).status).toBe(201);
    expect((await ask('everything')).json['code']).toBe('request_syntax');
    const list = await server.send('GET', '/api/v1/requests?state=pending', { key: server.key.auditor });
    expect((list.json['requests'] as RequestInfo[]).map(({ action }) => action)).toContain('token.reveal');
    expect((await server.send('GET', '/api/v1/requests?state=none', { key: server.key.auditor })).json['code']).toBe('invalid_parameter');
  });

  it(
    'is approved in a browser, by an authenticator that counts up',
    async () => {
      // A page of somebody else's could show one thing and have another signed.
      const elsewhere = browser.card(new Date().toISOString(), { origin: 'https://phishing.audit.example.com' });
      const refused = await post('/api/v1/approvers', 'admin', { card: elsewhere, owner: 'erin@example.com' });
      expect([refused.status, refused.json['code']]).toEqual([403, 'approver_origin']);
      const enrolment = { card: browser.card(new Date().toISOString()), owner: 'erin@example.com' };
      const enrol = await asked('/api/v1/approvers', enrolment);
      await decide(enrol.id, 'approve', decisionOf(approver, enrol, 'approve', Date.now()));
      expect((await post('/api/v1/approvers', 'admin', { ...enrolment, request: enrol.id })).json).toMatchObject({
        id: browser.id,
        kind: 'webauthn-es256',
      });
      const said = ({ id, digest }: RequestInfo): { request: string; digest: string; decision: 'approve'; time: string } => ({
        request: id,
        digest,
        decision: 'approve',
        time: new Date().toISOString(),
      });
      const request = await asked('/api/v1/keys', { role: 'auditor' });
      const { id } = request;
      // Of another page, of a copy that counts from one again; then as it should be.
      expect((await decide(id, 'approve', browser.approve(said(request), { origin: 'https://audit.example.com' }))).json['code']).toBe(
        'approval_signature',
      );
      expect((await decide(id, 'approve', browser.approve(said(request), { counter: 1 }))).json['code']).toBe('approval_signature');
      expect((await decide(id, 'approve', browser.approve(said(request), { counter: 9 }))).json['state']).toBe('approved');
      expect((await post('/api/v1/keys', 'admin', { role: 'auditor', request: id })).status).toBe(201);
      const second = await asked('/api/v1/keys', { role: 'officer' });
      expect((await decide(second.id, 'approve', browser.approve(said(second), { counter: 9 }))).json['code']).toBe('approval_signature');
      expect((await decide(second.id, 'deny', decisionOf(approver, second, 'deny', Date.now()))).json['state']).toBe('denied');
      expect((await post('/api/v1/keys', 'admin', { role: 'officer', request: second.id })).json['code']).toBe('request_denied');
      expect(await refusals(second.id)).toEqual(['request.approve approval_signature', 'key.create request_denied']);
      // The one who is removed approves no more.
      const gone = await asked(`/api/v1/approvers/${browser.id}/remove`, {});
      await decide(gone.id, 'approve', decisionOf(approver, gone, 'approve', Date.now()));
      expect((await post(`/api/v1/approvers/${browser.id}/remove`, 'admin', { request: gone.id })).json['removedAt']).toBeDefined();
      const third = await asked('/api/v1/keys', { role: 'officer' });
      expect((await decide(third.id, 'approve', browser.approve(said(third)))).json['code']).toBe('approver_removed');
      const { json } = await server.send('GET', '/api/v1/approvers', { key: server.key.auditor });
      expect([json['mode'], (json['approvers'] as JsonObject[]).map((one) => one['removedAt'] !== undefined)]).toEqual(['auto', [false, true]]);
    },
    timeout,
  );

  it('keeps what people wrote out of `_system`, but for its pseudonyms', async () => {
    const request = await post('/api/v1/requests', 'admin', {
      action: 'policy.change',
      detail: {},
      purpose: 'Jane Doe <jane@example.com> asked',
      reference: 'jane@example.com',
    });
    const [event] = await recordsOf(server.trail, `action:request.ask id:${request.json['id'] as string}`);
    expect(JSON.stringify(event)).not.toMatch(/jane/i);
    expect(event?.['purpose']).toContain('tok_');
  });
});

describe('on a data directory', () => {
  function directory(): string {
    const dir = mkdtempSync(join(tmpdir(), 'veiltrail-two-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    return join(dir, 'data');
  }

  async function withTrail<T>(dataDir: string, use: (trail: OpenTrail) => Promise<T>, policyFile?: string): Promise<T> {
    const trail = await openTrail({ dataDir, workers: 1, ...(policyFile === undefined ? {} : { policyFile }) });
    try {
      return await use(trail);
    } finally {
      await trail.close();
    }
  }

  /** The book, as the server has it before it opens the rest. */
  function withBook<T>(dataDir: string, use: (book: RequestBook) => T): T {
    const opened = openRequests(dataDir, openKeyring(join(dataDir, 'keys'), { create: false }), readDataConfig(dataDir));
    try {
      return use(opened.book);
    } finally {
      opened.close();
    }
  }

  async function enrolled(trail: OpenTrail): Promise<ApproverKey> {
    const approver = newApprover();
    await trail.createLog('default');
    await trail.append({ log: 'default', principal: 'test', body: Buffer.from('{"message":"m"}'), format: 'json' });
    await trail.requests.enrol({ principal: 'local:alice', card: cardOf(approver, new Date().toISOString()), approverOwner: 'bob' });
    return approver;
  }

  function approved(book: RequestBook, approver: ApproverKey, ask: Pick<Ask, 'action' | 'detail'>): RequestInfo {
    const info = book.ask({ ...ask, principal: 'local:alice', purpose: 'p' });
    return book.decide({ id: info.id, decision: 'approve', principal: 'local:bob', approval: decisionOf(approver, info, 'approve', Date.now()) });
  }

  const problemsOf = async (dataDir: string): Promise<string[]> =>
    (await verifyStoredLog(dataDir, { log: 'default', others: true })).problems.map(({ code }) => code);

  const weakerText = defaultPolicyYaml.replace('version: 1', 'version: 2').replace('  email: tokenize', '  email: keep');
  const weakerDetail = policyDetail(weakerText, parsePolicy(weakerText));

  it(
    'a policy that protects less, or may, comes into force when it was approved; until then the one on record stays',
    async () => {
      const dataDir = directory();
      const approver = await withTrail(dataDir, enrolled);
      const weaker = join(dataDir, '../weaker.yaml');
      writeFileSync(weaker, weakerText);
      /** What a start makes of it. */
      const label = (policyFile?: string): [string, string[]] =>
        withBook(dataDir, (book) => {
          const gate = createPolicyGate(book, 'auto');
          const policy = openPolicy(dataDir, policyFile, gate);
          recordPolicy(dataDir, policy);
          gate.done();
          return [policy.label.split('#')[0] as string, policy.warnings.map(({ message }) => message)];
        });

      expect(label(weaker)).toEqual(['default@1', [expect.stringContaining('veiltrail request ask policy.change')]]);
      expect(readFileSync(join(dataDir, 'policy.yaml'), 'utf8')).toBe(defaultPolicyYaml);
      // Edited in place, or with what was on record taken away: the same.
      writeFileSync(join(dataDir, 'policy.yaml'), weakerText);
      expect(label()[0]).toBe('default@1');
      expect(readFileSync(join(dataDir, 'policy.asked.yaml'), 'utf8')).toBe(weakerText);
      rmSync(join(dataDir, 'policy.recorded.yaml'));
      expect(label(weaker)[0]).toBe('default@1');
      // Of a change that nobody can weigh, too; of one that protects more, not.
      const stronger = join(dataDir, '../stronger.yaml');
      writeFileSync(stronger, defaultPolicyYaml.replace('version: 1', 'version: 3').replace('  phone: tokenize', '  phone: redact'));
      expect(label(stronger)).toEqual(['default@3', []]);
      const other = join(dataDir, '../other.yaml');
      writeFileSync(other, readFileSync(stronger, 'utf8').replace('  email: tokenize', '  email: hash'));
      expect(label(other)[0]).toBe('default@3');

      const request = withBook(dataDir, (book) => approved(book, approver, { action: 'policy.change', detail: weakerDetail }));
      await withTrail(
        dataDir,
        async (trail) => {
          expect([(await trail.figures()).policy, trail.policyWarnings]).toEqual([expect.stringContaining('default@2#'), []]);
          const [event] = await recordsOf(trail, 'action:policy.change outcome:success');
          expect(event?.['metadata']).toMatchObject({ request: request.id, approvals: [{ approver: approver.id }], after: { version: 2 } });
          const refused = await recordsOf(trail, 'action:policy.change outcome:denied');
          expect(refused.map(({ reason }) => reason)).toEqual(Array.from({ length: 4 }, () => 'approval_needed'));
        },
        weaker,
      );
      expect(label()[0]).toBe('default@2');
      // Once: back and forth takes another approval.
      expect(label(stronger)[0]).toBe('default@3');
      expect(label(weaker)[0]).toBe('default@3');
    },
    timeout,
  );

  it(
    'an approved policy comes into force although a crash came between, and its request is used once',
    async () => {
      const dataDir = directory();
      const approver = await withTrail(dataDir, enrolled);
      writeFileSync(join(dataDir, '../weaker.yaml'), weakerText);
      // As a process leaves it that used the request, and died before it wrote the policy.
      const { id, digest } = withBook(dataDir, (book) => {
        const info = approved(book, approver, { action: 'policy.change', detail: weakerDetail });
        expect(createPolicyGate(book, 'auto').permit(weakerText, parsePolicy(weakerText))).toMatchObject({ request: info.id });
        expect(book.show(info.id).state).toBe('used');
        return info;
      });
      await withTrail(
        dataDir,
        async (trail) => {
          expect((await trail.figures()).policy).toContain('default@2');
          expect(await recordsOf(trail, `action:request.use id:${id}`)).toHaveLength(1);
          const [event] = await recordsOf(trail, 'action:policy.change outcome:success');
          expect(event?.['metadata']).toMatchObject({ request: id, approvals: [{ digest }] });
        },
        join(dataDir, '../weaker.yaml'),
      );
      expect(await problemsOf(dataDir)).toEqual([]);
    },
    timeout,
  );

  it(
    'a book that was put back to an older one, or an approver written into it, is found by verify, and approves nothing',
    async () => {
      const dataDir = directory();
      const book = join(dataDir, 'requests.db');
      const detail = { token: 'tok_AAAAAAAAAAAAAAAAAAAAAAAAAAA' };
      const permitOf = ({ id }: RequestInfo): Permit => ({ action: 'token.reveal', detail, principal: 'local:alice', request: id });
      const approver = await withTrail(dataDir, enrolled);
      const request = withBook(dataDir, (opened) => approved(opened, approver, { action: 'token.reveal', detail }));
      copyFileSync(book, `${dataDir}.old`);
      await withTrail(dataDir, (trail) => trail.requests.permit(permitOf(request)));
      const well = await verifyStoredLog(dataDir, { log: 'default', others: true });
      expect([well.ok, well.notices, well.steps.at(-1)?.detail]).toEqual([true, [], '1 approvers, 1 requests used, each signed and once']);
      copyFileSync(book, `${dataDir}.new`);

      copyFileSync(`${dataDir}.old`, book);
      await withTrail(dataDir, async (trail) => {
        expect(trail.requests.show(request.id).state).toBe('approved');
        await expect(trail.requests.permit(permitOf(request))).rejects.toMatchObject({ code: 'request_used' });
      });
      // Sealed anew by an orderly stop, it is found all the same.
      expect(await problemsOf(dataDir)).toEqual(['request_rolled_back']);

      // With all keys of the directory at hand.
      const sealer = createTextSealer(openKeyring(join(dataDir, 'keys'), { create: false }).secrets('seal'), 'requests', systemRandom);
      const edit = (change: (database: DatabaseSync) => void): void => {
        copyFileSync(`${dataDir}.new`, book);
        const database = new DatabaseSync(book);
        change(database);
        database.close();
      };
      const mine = newApprover();
      const sealed = sealer.seal(
        JSON.stringify({ card: cardOf(mine), owner: 'person:x', enrolledAt: '2026-01-01T00:00:00.000Z', enrolledBy: 'x', counter: 0 }),
      );
      edit((database) => database.prepare('INSERT INTO approvers (id, sealed) VALUES (?, ?)').run(mine.id, sealed));
      expect(await problemsOf(dataDir)).toContain('approver_unapproved');
      // In the first one's place: the log tells of another.
      edit((database) => {
        database.exec('DELETE FROM approvers');
        database.prepare('INSERT INTO approvers (id, sealed) VALUES (?, ?)').run(mine.id, sealed);
      });
      const found = ['approver_unrecorded', 'approver_missing', 'approval_signature', 'request_damaged'];
      expect(await problemsOf(dataDir)).toEqual(expect.arrayContaining(found));
      // Marked as removed, so that nobody is asked any more.
      edit((database) => {
        const row = database.prepare('SELECT id, sealed FROM approvers').get() as { id: string; sealed: Uint8Array };
        const removed = { ...(JSON.parse(sealer.open(row.sealed)) as object), removedAt: new Date().toISOString() };
        database.prepare('UPDATE approvers SET sealed = ? WHERE id = ?').run(sealer.seal(JSON.stringify(removed)), row.id);
      });
      expect(await problemsOf(dataDir)).toContain('approver_unrecorded');
      edit((database) => database.exec("UPDATE requests SET state = 'approved'"));
      expect(await problemsOf(dataDir)).toContain('request_damaged');
      rmSync(book);
      expect(await problemsOf(dataDir)).toEqual(expect.arrayContaining(['approver_missing', 'request_rolled_back']));
    },
    timeout,
  );

  it(
    'that one person is enough is no more said by config.json than the log tells of it, and verify says so',
    async () => {
      const dataDir = directory();
      await withTrail(dataDir, enrolled);
      const file = join(dataDir, 'config.json');
      const config = JSON.parse(readFileSync(file, 'utf8')) as JsonObject;
      writeFileSync(file, JSON.stringify({ ...config, approvals: 'single' }), { mode: 0o600 });
      await withTrail(dataDir, async (trail) => {
        expect(trail.requests.needsTwo()).toBe(false);
        const [event] = await recordsOf(trail, 'action:approvals.change');
        expect(event).toMatchObject({ severity: 5, metadata: { before: 'auto', after: 'single' } });
      });
      const { ok, notices } = await verifyStoredLog(dataDir, { log: 'default', others: true });
      expect([ok, notices]).toEqual([true, [expect.stringMatching(/^single-person installation: no second person is needed for token.reveal, /)]]);
      for (const bad of [{ approvals: 'never' }, { requestDays: 0 }, { approvalHours: 1.5 }, { more: 1 }]) {
        writeFileSync(file, JSON.stringify({ ...config, ...bad }));
        await expect(openTrail({ dataDir, workers: 1 })).rejects.toMatchObject({ code: 'config_damaged' });
      }
    },
    timeout,
  );
});
