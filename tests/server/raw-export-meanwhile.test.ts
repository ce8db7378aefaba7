/** What happens at the desk and to who asked while a raw export is being read: it goes on only while it would still be permitted. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RawExport } from '../../src/app/raw-export-request.ts';
import type { RequestInfo } from '../../src/app/requests.ts';
import type { ApproverKey } from '../../src/access/approver-key.ts';
import { defaultPolicyYaml } from '../../src/privacy/default-policy.ts';
import { openTrail, type OpenTrail } from '../../src/server/compose.ts';
import { cardOf, decisionOf, newApprover } from '../app/second-person.ts';

const why = { purpose: 'court order', reference: 'Az-12-26' };
let dir: string;
let trail: OpenTrail;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'veiltrail-raw-meanwhile-'));
  const policyFile = join(dir, 'policy.yaml');
  writeFileSync(policyFile, `${defaultPolicyYaml}\nvault: {reveal: {burst: 200, perHour: 5}}\n`);
  trail = await openTrail({ dataDir: join(dir, 'data'), workers: 1, policyFile });
  await trail.createLog('default');
  const events = Array.from({ length: 400 }, (_, i) => ({
    id: `e-${i}`,
    action: 'large',
    source: 'x'.repeat(1_000),
    actor: { type: 'user', id: `u-${i % 3}` },
  }));
  const people = Array.from({ length: 6 }, (_, i) => ({ id: `p-${i}`, action: 'many', message: `mail p${i}@example.com` }));
  await trail.append({ log: 'default', principal: 'test', body: Buffer.from(JSON.stringify([...events, ...people])), format: 'json' });
});
afterAll(async () => {
  await trail.close();
  rmSync(dir, { recursive: true, force: true });
});

async function begun(principal: string, request?: string): Promise<RawExport> {
  const made = await trail.lookUps.exportRaw({
    ...why,
    principal,
    log: 'default',
    query: 'action:large',
    ...(request === undefined ? {} : { request }),
  });
  expect((await made.text.next()).done).toBe(false);
  return made;
}

async function endOf({ text, brokenOff }: RawExport): Promise<string> {
  try {
    for (;;) if ((await text.next()).done) return 'whole';
  } catch (error) {
    expect(brokenOff.aborted).toBe(true);
    return (error as { code: string }).code;
  }
}

async function reasonOnRecord(): Promise<unknown> {
  return (await trail.search('_system', { q: 'action:export.end', limit: 1 })).events[0]?.record['reason'];
}

async function enrolled(name: string, by?: ApproverKey): Promise<ApproverKey> {
  const approver = newApprover();
  const enrolment = { principal: 'adminaaaaaaa', card: cardOf(approver, new Date().toISOString()), approverOwner: name, name };
  if (!by) await trail.requests.enrol(enrolment);
  else {
    const request = await approved(by, await named(trail.requests.enrol({ ...enrolment, ask: { purpose: 'another one' } })));
    await trail.requests.enrol({ ...enrolment, request });
  }
  return approver;
}

async function named(refused: Promise<unknown>): Promise<RequestInfo> {
  const error = await refused.then(
    () => undefined,
    (cause: { detail: { request: string } }) => cause,
  );
  return trail.requests.show(error?.detail.request ?? 'none');
}

async function approved(approver: ApproverKey, info: RequestInfo): Promise<string> {
  const approval = decisionOf(approver, info, 'approve', Date.now());
  await trail.requests.decide({ id: info.id, decision: 'approve', principal: 'approverrrrr', approval });
  return info.id;
}

test('a sweep of who asked, a second person who is needed by now, and an approver who was removed end it', async () => {
  // Nothing happens.
  expect(await endOf(await begun('quiet'))).toBe('whole');

  const swept = await begun('sweeper');
  await expect(trail.lookUps.exportRaw({ ...why, principal: 'sweeper', log: 'default', query: 'action:many' })).rejects.toThrow(
    expect.objectContaining({ code: 'look_up_stopped' }) as Error,
  );
  expect(await endOf(swept)).toBe('look_up_stopped');
  expect(await reasonOnRecord()).toBe('look_up_stopped');

  const alone = await begun('alone');
  const first = await enrolled('First');
  expect(await endOf(alone)).toBe('approval_needed');
  expect(await reasonOnRecord()).toBe('approval_needed');

  const second = await enrolled('Second', first);
  const ask = async (principal: string, approver: ApproverKey): Promise<string> =>
    approved(approver, await named(trail.lookUps.exportRaw({ ...why, principal, log: 'default', query: 'action:large' })));
  const [byFirst, bySecond] = [await begun('one', await ask('one', first)), await begun('two', await ask('two', second))];
  const removal = { principal: 'adminaaaaaaa', approver: second.id };
  const request = await approved(first, await named(trail.requests.remove({ ...removal, ask: { purpose: 'left us' } })));
  await trail.requests.remove({ ...removal, request });
  expect(await endOf(bySecond)).toBe('approver_removed');
  expect(await reasonOnRecord()).toBe('approver_removed');
  expect(await endOf(byFirst)).toBe('whole');
});
