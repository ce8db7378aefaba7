/** Requests that need two: who may approve what, when and how often; every step and every refusal is on record. */
import { copyFileSync, readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApproverKey } from '../../src/access/approver-key.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { type Approval, verifyApproval } from '../../src/verify/approval.ts';
import type { Permit, RequestInfo } from '../../src/app/requests.ts';
import { anAsk, approve, askedOf, cardOf, dayMs, decisionOf, hourMs, newApprover, openDesk, targetOf, type TestDesk } from './second-person.ts';

let test: TestDesk;
beforeEach(() => {
  test = openDesk();
});
afterEach(() => test.close());

const { purpose: _purpose, reference: _reference, ...what } = anAsk;
const use = (request?: string, more: Partial<Permit> = {}): Promise<Approval[]> =>
  test.desk.permit({ ...what, ...(request === undefined ? {} : { request }), ...more });

/** Refused with that code, on record as denied, and nothing else happened. */
async function refused(doing: Promise<unknown>, code: string, action: string, request?: string): Promise<void> {
  const before = test.events.length;
  await expect(doing).rejects.toMatchObject({ code });
  const told = test.events.slice(before).filter(({ outcome }) => outcome === 'denied');
  expect(told).toEqual([expect.objectContaining({ action, outcome: 'denied', reason: code })]);
  if (request !== undefined) expect(targetOf(told[0] as JsonObject)).toBe(request);
}

function told(action: string): JsonObject[] {
  return test.events.filter((event) => event['action'] === action && event['outcome'] === 'success');
}

describe('a single person', () => {
  it('may act as long as there is no approver', async () => {
    expect(test.desk.needsTwo()).toBe(false);
    expect(await use()).toEqual([]);
    await askedOf(test);
    expect(test.desk.needsTwo()).toBe(true);
    await refused(use(), 'approval_needed', 'token.reveal');
  });

  it('may act where the installation says so, and nowhere else', async () => {
    await askedOf(test);
    test = test.reopen({ mode: 'single' });
    expect(await use()).toEqual([]);
    test = test.reopen({ mode: 'required' });
    await refused(use(), 'approval_needed', 'token.reveal');
  });

  it('may not act where two are required and nobody was enrolled', async () => {
    test = test.reopen({ mode: 'required' });
    const refusal = use(undefined, { ask: { purpose: 'p' } });
    await expect(refusal).rejects.toMatchObject({ code: 'approval_needed', message: expect.stringContaining('no approver yet') });
    expect(test.desk.list()).toEqual([]);
  });

  it('changes the rule on record only', async () => {
    for (const mode of ['auto', 'single', 'single', 'auto'] as const) {
      test = test.reopen({ mode });
      await test.desk.start();
      await test.desk.close();
    }
    expect(told('approvals.change').map(({ metadata, severity }) => [metadata, severity])).toEqual([
      [{ before: 'auto', after: 'single' }, 5],
      [{ before: 'single', after: 'auto' }, 4],
    ]);
  });
});

describe('a request', () => {
  it('is made where none was named, and named in the refusal', async () => {
    await askedOf(test);
    const error: unknown = await use(undefined, { ask: { purpose: 'why', reference: 'R-1' } }).catch((cause: unknown) => cause);
    const { request } = (error as { detail: { request: string } }).detail;
    expect((error as Error).message).toContain(`veiltrail request approve ${request}`);
    expect(test.desk.show(request)).toMatchObject({
      action: what.action,
      detail: what.detail,
      by: what.principal,
      owner: 'person:asker',
      purpose: 'why',
      reference: 'R-1',
      state: 'pending',
    });
  });

  it('is approved by a second person, used once, and verifiable from its event for ever', async () => {
    const { approver, asked } = await askedOf(test);
    await refused(use(asked.id), 'request_pending', 'token.reveal', asked.id);
    expect(await approve(test, approver, asked)).toMatchObject({ state: 'approved', usableUntil: '2026-11-23T12:00:00.000Z' });
    const approvals = await use(asked.id, { purpose: anAsk.purpose, reference: 'CASE-7' });
    expect(approvals).toHaveLength(1);
    await refused(use(asked.id), 'request_used', 'token.reveal', asked.id);
    expect(test.desk.show(asked.id)).toMatchObject({ state: 'used', usedBy: anAsk.principal, usedAt: '2026-11-22T12:00:00.000Z' });
    const [event, ...more] = told('request.use');
    expect(more).toEqual([]);
    const { approvals: kept, digest } = (event as { metadata: { approvals: JsonObject[]; digest: string } }).metadata;
    expect(kept).toEqual(approvals);
    const trust = { approvers: new Set([approver.id]), request: asked.id, digest, decision: 'approve' as const };
    expect(verifyApproval(kept[0], trust).approval.approver).toBe(approver.id);
    expect(test.events.map(({ action }) => action as string).filter((action) => action.startsWith('request.'))).toEqual([
      'request.ask',
      'request.approve',
      'request.use',
    ]);
  });

  it('is not decided by who asked: not by their key, not by another key of theirs, not with an approver key of theirs', async () => {
    const { approver, asked } = await askedOf(test);
    const decide = (by: { principal: string; owner?: string }, key: ApproverKey, request: RequestInfo): Promise<RequestInfo> =>
      test.desk.decide({ id: request.id, decision: 'approve', ...by, approval: decisionOf(key, request, 'approve', test.clock.now()) });
    await refused(decide({ principal: anAsk.principal }, approver, asked), 'request_own', 'request.approve', asked.id);
    await refused(decide({ principal: 'otheraaaaaaa', owner: 'person:asker' }, approver, asked), 'request_own', 'request.approve', asked.id);
    const own = await test.desk.ask({ ...anAsk, principal: 'secondaaaaaa', owner: 'person:second' });
    await refused(decide({ principal: 'otheraaaaaaa' }, approver, own), 'request_own', 'request.approve', own.id);
  });

  it('is for who asked, for what was asked, and why', async () => {
    const { approver, asked } = await askedOf(test);
    await approve(test, approver, asked);
    const attempts: Partial<Permit>[] = [
      { detail: { token: 'tok_BAAAAAAAAAAAAAAAAAAAAAAAAAA' } },
      { detail: { ...anAsk.detail, more: 1 } },
      { action: 'token.reveal-bulk' },
      { principal: 'otheraaaaaaa', owner: 'person:other' },
      { purpose: 'curiosity' },
      { reference: 'CASE-8' },
    ];
    for (const more of attempts) await refused(use(asked.id, more), 'request_mismatch', more.action ?? 'token.reveal', asked.id);
    // Another key of the same person is the same person.
    expect(await use(asked.id, { principal: 'otheraaaaaaa' })).toHaveLength(1);
  });

  it('expires: undecided after a week, approved after a day from its signature', async () => {
    const { approver, asked } = await askedOf(test);
    const second = await test.desk.ask(anAsk);
    const third = await test.desk.ask(anAsk);
    await approve(test, approver, second);
    test.clock.nowMs += hourMs;
    // Signed an hour ago, and handed in now: the day runs from the signature.
    const signed = decisionOf(approver, third, 'approve', test.clock.nowMs - hourMs);
    await test.desk.decide({ id: third.id, decision: 'approve', principal: 'approveraaaa', approval: signed });
    test.clock.nowMs += 23 * hourMs - 1;
    expect(await use(second.id)).toHaveLength(1);
    test.clock.nowMs += 1;
    expect(test.desk.show(third.id).state).toBe('expired');
    await refused(use(third.id), 'request_expired', 'token.reveal', third.id);
    test.clock.nowMs += 6 * dayMs - 1;
    expect(test.desk.show(asked.id).state).toBe('pending');
    test.clock.nowMs += 1;
    await refused(approve(test, approver, asked), 'request_expired', 'request.approve', asked.id);
    // For good, whatever the clock says then.
    test.clock.nowMs -= 3 * dayMs;
    await refused(approve(test, approver, asked), 'request_expired', 'request.approve', asked.id);
    expect(told('request.expire').map(targetOf)).toEqual([third.id, asked.id]);
  });

  it('is swept when it has expired and nobody asks', async () => {
    const { asked } = await askedOf(test);
    test.clock.nowMs += 8 * dayMs;
    expect(test.desk.list({ state: 'expired' }).map(({ id }) => id)).toEqual([asked.id]);
    expect(test.desk.list({ state: 'pending' })).toEqual([]);
    await test.desk.start();
    await test.desk.close();
    expect(told('request.expire').map(targetOf)).toEqual([asked.id]);
  });

  it('is denied for good, before it was approved and after', async () => {
    const { approver, asked } = await askedOf(test);
    const deny = (request: RequestInfo): Promise<RequestInfo> =>
      test.desk.decide({
        id: request.id,
        decision: 'deny',
        principal: 'approveraaaa',
        approval: decisionOf(approver, request, 'deny', test.clock.now()),
      });
    expect((await deny(asked)).state).toBe('denied');
    await refused(approve(test, approver, asked), 'request_denied', 'request.approve', asked.id);
    await refused(deny(asked), 'request_denied', 'request.deny', asked.id);
    await refused(use(asked.id), 'request_denied', 'token.reveal', asked.id);
    const second = await test.desk.ask(anAsk);
    await approve(test, approver, second);
    await refused(approve(test, approver, second), 'request_decided', 'request.approve', second.id);
    expect((await deny(second)).decisions.map(({ decision }) => decision)).toEqual(['approve', 'deny']);
    await refused(use(second.id), 'request_denied', 'token.reveal', second.id);
    expect(told('request.deny')).toHaveLength(2);
  });

  it('wants a signature of an approver over exactly this', async () => {
    const { approver, asked } = await askedOf(test);
    const other = await test.desk.ask({ ...anAsk, detail: { token: 'tok_CAAAAAAAAAAAAAAAAAAAAAAAAAA' } });
    const good = decisionOf(approver, asked, 'approve', test.clock.now());
    const stranger = newApprover();
    const attempts: [JsonObject, string][] = [
      [{ ...good, signature: decisionOf(stranger, asked, 'approve', test.clock.now()).signature }, 'approval_signature'],
      [{ ...good, signature: decisionOf(approver, asked, 'deny', test.clock.now()).signature }, 'approval_signature'],
      [{ ...good, time: '2026-11-22T12:00:01.000Z' }, 'approval_signature'],
      [{ ...good, publicKey: stranger.publicKey }, 'approval_signature'],
      [decisionOf(stranger, asked, 'approve', test.clock.now()), 'approver_unknown'],
      [decisionOf(approver, other, 'approve', test.clock.now()), 'approval_mismatch'],
      [decisionOf(approver, asked, 'deny', test.clock.now()), 'approval_mismatch'],
      [{ ...good, digest: other.digest }, 'approval_mismatch'],
      [decisionOf(approver, asked, 'approve', test.clock.now() + 6 * 60_000), 'approval_time'],
      [decisionOf(approver, asked, 'approve', test.clock.now() - 6 * 60_000), 'approval_time'],
      [{ ...good, signature: '' }, 'approval_syntax'],
      [{ ...good, more: 1 }, 'approval_syntax'],
      [{}, 'approval_syntax'],
    ];
    for (const [approval, code] of attempts)
      await refused(test.desk.decide({ id: asked.id, decision: 'approve', principal: 'approveraaaa', approval }), code, 'request.approve', asked.id);
    await refused(
      test.desk.decide({ id: `r_${'a'.repeat(26)}`, decision: 'approve', principal: 'approveraaaa', approval: good }),
      'request_unknown',
      'request.approve',
      `r_${'a'.repeat(26)}`,
    );
    expect((await test.desk.decide({ id: asked.id, decision: 'approve', principal: 'approveraaaa', approval: good })).state).toBe('approved');
  });

  it.each([
    [{ purpose: '' }, 'request_syntax'],
    [{ purpose: ' \n' }, 'request_syntax'],
    [{ purpose: 'x'.repeat(501) }, 'request_syntax'],
    [{ purpose: 'a\u0000b' }, 'request_syntax'],
    [{ reference: '' }, 'request_syntax'],
    [{ reference: 'x'.repeat(201) }, 'request_syntax'],
    [{ action: 'everything' as 'token.reveal' }, 'request_syntax'],
    [{ detail: { long: 'x'.repeat(100_000) } }, 'request_syntax'],
    [{ detail: [] as unknown as JsonObject }, 'request_syntax'],
  ])('is not made of %o', async (more, code) => {
    await refused(test.desk.ask({ ...anAsk, ...more }), code, 'request.ask');
  });

  it('keeps what people wrote sealed, and out of the file', async () => {
    const { asked } = await askedOf(test, { purpose: 'because of Jane Doe', reference: 'order 4711-jane' });
    test.shut();
    const bytes = readFileSync(test.path).toString('latin1');
    expect(bytes).toContain(asked.id);
    for (const text of ['Jane', '4711', 'tok_AAAA', 'askeraaaaaaa', 'person:', 'second person']) expect(bytes).not.toContain(text);
    test = test.reopen();
    expect(test.desk.show(asked.id)).toMatchObject({ purpose: 'because of Jane Doe', reference: 'order 4711-jane' });
  });
});

describe('used once', () => {
  it('however many try at the same moment', async () => {
    const { approver, asked } = await askedOf(test);
    await approve(test, approver, asked);
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => use(asked.id)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const codes = outcomes.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : []));
    expect(new Set(codes)).toEqual(new Set(['request_used']));
    expect(told('request.use')).toHaveLength(1);
    expect(test.events.filter(({ outcome }) => outcome === 'denied')).toHaveLength(19);
  });

  it('also when a crash comes between marking it and the event, which the next start tells once', async () => {
    const { approver, asked } = await askedOf(test);
    await approve(test, approver, asked);
    const failing = test.reopen({ tell: () => Promise.reject(new Error('the process is gone')) });
    await expect(failing.desk.permit({ ...what, request: asked.id })).rejects.toThrow('the process is gone');
    test = failing.reopen();
    expect(told('request.use')).toEqual([]);
    await refused(use(asked.id), 'request_used', 'token.reveal', asked.id);
    expect(told('request.use').map(targetOf)).toEqual([asked.id]);
  });

  it('also when it was told and the crash came before that was written down', async () => {
    const { approver, asked } = await askedOf(test);
    await approve(test, approver, asked);
    const { events } = test;
    const half = test.reopen({
      tell: async (event) => {
        events.push(event);
        throw new Error('the process is gone');
      },
    });
    await expect(half.desk.permit({ ...what, request: asked.id })).rejects.toThrow('the process is gone');
    test = half.reopen();
    await test.desk.start();
    await test.desk.close();
    expect(told('request.use').map(targetOf)).toEqual([asked.id]);
    expect(test.book.untold()).toEqual([]);
  });

  it('also when somebody puts an older copy of the file back: the log has it', async () => {
    const { approver, asked } = await askedOf(test);
    await approve(test, approver, asked);
    const path = `${test.path}.old`;
    test.shut();
    copyFileSync(test.path, path);
    test = test.reopen();
    await use(asked.id);
    test.shut();
    copyFileSync(path, test.path);
    test = test.reopen();
    expect(test.desk.show(asked.id).state).toBe('approved');
    await refused(use(asked.id), 'request_used', 'token.reveal', asked.id);
  });
});

describe('a file that somebody edited', () => {
  /** Without the keyring. */
  function edit(sql: string, ...values: (string | Uint8Array)[]): void {
    test.shut();
    const database = new DatabaseSync(test.path);
    database.prepare(sql).run(...values);
    database.close();
    test = test.reopen();
  }

  /** With the keyring: opened, changed, and sealed as we do. */
  function forge(id: string, change: (stored: Record<string, unknown>) => void, state?: string): void {
    const row = test.store.request(id);
    const stored = JSON.parse(test.sealer.open(row?.sealed as Uint8Array)) as Record<string, unknown>;
    change(stored);
    const sealed = test.sealer.seal(JSON.stringify(stored));
    edit('UPDATE requests SET sealed = ?, state = ? WHERE id = ?', sealed, state ?? (stored['state'] as string), id);
  }

  it('approves nothing by its state', async () => {
    const { asked } = await askedOf(test);
    edit("UPDATE requests SET state = 'approved' WHERE id = ?", asked.id);
    await refused(use(asked.id), 'request_damaged', 'token.reveal', asked.id);
    expect(() => test.desk.show(asked.id)).toThrow(expect.objectContaining({ code: 'request_damaged' }));
  });

  it('approves nothing, whichever bit of a sealed row is another one', async () => {
    const { approver, asked } = await askedOf(test);
    await approve(test, approver, asked);
    const { sealed } = test.store.request(asked.id) as { sealed: Uint8Array };
    for (let at = 0; at < sealed.length; at += Math.ceil(sealed.length / 24)) {
      const other = Uint8Array.from(sealed);
      other[at] = (other[at] as number) ^ 1;
      edit('UPDATE requests SET sealed = ? WHERE id = ?', other, asked.id);
      await refused(use(asked.id), 'request_damaged', 'token.reveal', asked.id);
    }
    edit('UPDATE requests SET sealed = ? WHERE id = ?', sealed, asked.id);
    expect(await use(asked.id)).toHaveLength(1);
  });

  it('approves nothing with all keys of the keyring at hand, for want of the signature', async () => {
    const { approver, asked } = await askedOf(test);
    const second = await test.desk.ask({ ...anAsk, detail: { token: 'tok_DAAAAAAAAAAAAAAAAAAAAAAAAAA' } });
    const denied = await test.desk.ask(anAsk);
    await approve(test, approver, second);
    await test.desk.decide({
      id: denied.id,
      decision: 'deny',
      principal: 'approveraaaa',
      approval: decisionOf(approver, denied, 'deny', test.clock.now()),
    });
    const attempts: [string, (stored: Record<string, unknown>) => void][] = [
      // no signature at all; that of another request; a denial; one of a stranger; garbage
      [asked.id, (stored) => Object.assign(stored, { state: 'approved', usableUntil: '2030-01-01T00:00:00.000Z' })],
      [asked.id, (stored) => Object.assign(stored, { state: 'approved', decisions: test.desk.show(second.id).decisions })],
      [denied.id, (stored) => Object.assign(stored, { state: 'approved' })],
      [
        asked.id,
        (stored) => Object.assign(stored, { state: 'approved', decisions: [decisionOf(newApprover(), asked, 'approve', test.clock.now())] }),
      ],
      [asked.id, (stored) => Object.assign(stored, { state: 'approved', decisions: [null] })],
      [asked.id, (stored) => Object.assign(stored, { state: 'approved', decisions: 'yes' })],
      // an approved one, bent to another action, another asker, another time
      [second.id, ({ facts }) => Object.assign(facts as object, { detail: anAsk.detail })],
      [second.id, ({ facts }) => Object.assign(facts as object, { by: 'otheraaaaaaa' })],
      [second.id, ({ facts }) => Object.assign(facts as object, { expiresAt: '2030-01-01T00:00:00.000Z' })],
      [second.id, ({ facts }) => Object.assign(facts as object, { purpose: 'something else' })],
      [second.id, (stored) => delete stored['facts']],
    ];
    for (const [id, change] of attempts) {
      const before = test.store.request(id);
      forge(id, change);
      await refused(use(id), 'request_damaged', 'token.reveal', id);
      edit('UPDATE requests SET sealed = ?, state = ? WHERE id = ?', before?.sealed as Uint8Array, before?.state as string, id);
    }
  });

  it('does not make an approval last longer', async () => {
    const { approver, asked } = await askedOf(test);
    await approve(test, approver, asked);
    forge(asked.id, (stored) => Object.assign(stored, { usableUntil: '2030-01-01T00:00:00.000Z' }));
    test.clock.nowMs += 24 * hourMs;
    await refused(use(asked.id), 'request_expired', 'token.reveal', asked.id);
  });

  it('makes no approver of a key that none approved, nor by changing one that is', async () => {
    const { approver, asked } = await askedOf(test);
    const mine = newApprover();
    const sealed = (card: ReturnType<typeof cardOf>, more: object = {}): Uint8Array =>
      test.sealer.seal(JSON.stringify({ card, owner: 'person:x', enrolledAt: '2026-11-22T11:00:00.000Z', enrolledBy: 'x', counter: 0, ...more }));
    edit('INSERT INTO approvers (id, sealed) VALUES (?, ?)', mine.id, sealed(cardOf(mine)));
    expect(test.desk.approvers().map(({ id }) => id)).toEqual([approver.id]);
    await refused(approve(test, mine, asked), 'approver_unknown', 'request.approve', asked.id);
    // With an enrolment that was approved, but for another key.
    const detail = { approver: 'a_other' };
    const enrolment = { id: asked.id, digest: asked.digest, detail, approvals: [decisionOf(approver, asked, 'approve', test.clock.now())] };
    edit('UPDATE approvers SET sealed = ? WHERE id = ?', sealed(cardOf(mine), { enrolment }), mine.id);
    await refused(approve(test, mine, asked), 'approver_unknown', 'request.approve', asked.id);
    edit('DELETE FROM approvers WHERE id = ?', mine.id);
    edit('UPDATE approvers SET sealed = ? WHERE id = ?', sealed(cardOf(mine)), approver.id);
    await refused(approve(test, mine, asked), 'request_damaged', 'request.approve', asked.id);
  });
});

describe('approvers', () => {
  const enrol = (key: ApproverKey, more: { request?: string; ask?: { purpose: string } } = {}): ReturnType<TestDesk['desk']['enrol']> =>
    test.desk.enrol({ principal: 'adminaaaaaaa', card: cardOf(key), approverOwner: 'Third', ...more });

  /** Asks, has it approved, and returns the request. */
  async function approved(doing: (ask: { purpose: string }) => Promise<unknown>, approver: ApproverKey): Promise<string> {
    const error: unknown = await doing({ purpose: 'p' }).catch((cause: unknown) => cause);
    const { request } = (error as { detail: { request: string } }).detail;
    await approve(test, approver, test.desk.show(request));
    return request;
  }

  it('are enrolled by an admin for the first, and with the approval of one who is there from then on, in any mode', async () => {
    const { approver } = await askedOf(test);
    for (const mode of ['auto', 'required', 'single'] as const) {
      test = test.reopen({ mode });
      const next = newApprover();
      await refused(enrol(next), 'approval_needed', 'approver.enrol');
      const request = await approved((ask) => enrol(next, { ask }), approver);
      await refused(enrol(newApprover(), { request }), 'request_mismatch', 'approver.enrol', request);
      expect(await enrol(next, { request })).toMatchObject({ id: next.id, owner: 'person:third', enrolledBy: 'adminaaaaaaa', request });
      await refused(enrol(next, { request }), 'approver_exists', 'approver.enrol');
    }
    expect(test.desk.approvers()).toHaveLength(4);
    expect(told('approver.enrol').map(({ metadata }) => Array.isArray((metadata as JsonObject)['approvals']))).toEqual([false, true, true, true]);
  });

  it('are enrolled with a key that they have', async () => {
    const [mine, other] = [newApprover(), newApprover()];
    const card = cardOf(mine);
    const enrolled = (bad: JsonObject): Promise<unknown> => test.desk.enrol({ principal: 'a', card: bad, approverOwner: 'x' });
    await refused(enrolled({ ...card, signature: cardOf(other).signature }), 'approval_signature', 'approver.enrol');
    await refused(enrolled({ ...card, time: '2026-11-22T11:00:01.000Z' }), 'approval_signature', 'approver.enrol');
    for (const bad of [
      { ...card, id: other.id },
      { ...card, publicKey: 'AAAA' },
      { ...card, more: 1 },
      { ...card, kind: 'rsa' },
      { ...card, kind: 'webauthn-eddsa' },
    ])
      await refused(enrolled(bad), 'approver_card', 'approver.enrol');
    // A point of small order: one signature of it fits many messages.
    await refused(enrolled({ ...card, publicKey: `${'A'.repeat(43)}=` }), 'approver_card', 'approver.enrol');
  });

  it('that were removed approve nothing more, and what they approved cannot be used any more', async () => {
    const { approver, asked } = await askedOf(test);
    const next = newApprover();
    await enrol(next, { request: await approved((ask) => enrol(next, { ask }), approver) });
    await approve(test, next, asked);
    const second = await test.desk.ask(anAsk);
    const remove = (id: string, more: { request?: string; ask?: { purpose: string } } = {}): Promise<unknown> =>
      test.desk.remove({ principal: 'adminaaaaaaa', approver: id, ...more });
    await refused(remove(next.id), 'approval_needed', 'approver.remove');
    const request = await approved((ask) => remove(next.id, { ask }), approver);
    await remove(next.id, { request });
    expect(test.desk.approvers().map(({ removedAt }) => removedAt !== undefined)).toEqual([false, true]);
    await refused(use(asked.id), 'approver_removed', 'token.reveal', asked.id);
    await refused(approve(test, next, second), 'approver_removed', 'request.approve', second.id);
    await refused(remove(next.id), 'approver_unknown', 'approver.remove');
    await refused(enrol(next), 'approver_exists', 'approver.enrol');
    // Whom the removed one had approved stays.
    await refused(remove(approver.id), 'approver_last', 'approver.remove');
    expect(told('approver.remove')).toHaveLength(1);
  });

  it('that are the last can go where a single person may act; then there is a first one again', async () => {
    const { approver } = await askedOf(test);
    test = test.reopen({ mode: 'single' });
    await test.desk.remove({ principal: 'adminaaaaaaa', approver: approver.id });
    test.clock.nowMs += 1;
    test = test.reopen();
    const next = newApprover();
    await enrol(next);
    expect(test.desk.needsTwo()).toBe(true);
    expect(test.desk.approvers().map(({ id, removedAt }) => [id, removedAt !== undefined])).toEqual([
      [approver.id, true],
      [next.id, false],
    ]);
  });
});
