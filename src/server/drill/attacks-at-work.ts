/** Attacks of a drill on the program while it works: they have no effect, or it tells of them itself. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createApproverKey } from '../../access/approver-key.ts';
import { defaultAlertSettings } from '../../alerts/rules-file.ts';
import { systemClock } from '../../core/clock.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { systemRandom } from '../../core/random.ts';
import { statementBytes } from '../../verify/approval.ts';
import { enrolmentBytes } from '../../verify/enrolment.ts';
import { type OpenTrail, openTrail } from '../compose.ts';
import { systemLog } from '../data-files.ts';
import type { Attack } from './attack.ts';
import { type Stage, unseal } from './stage.ts';

export const attacksAtWork: readonly Attack[] = [
  {
    class: 'forged approval',
    name: 'an approval signed by somebody who is no approver',
    by: 'administrator with all keys',
    claim: 'prevented',
    act: forgeApproval,
  },
  {
    class: 'clock set back',
    name: 'events appended with the clock a month back',
    by: 'administrator',
    claim: 'prevented',
    act: appendInThePast,
  },
  {
    class: 'forged by a sender',
    name: 'an event that says when it was received, by whom, and that nothing in it is personal',
    by: 'sender',
    claim: 'prevented',
    act: sendOwnReceipt,
  },
  {
    class: 'alert state',
    name: 'the state of the alerts deleted while the server is stopped',
    by: 'administrator',
    claim: 'prevented',
    act: deleteAlerts,
  },
];

async function appendInThePast({ dir, log }: Stage): Promise<string | undefined> {
  const now = Date.now;
  const monthMs = 30 * 86_400_000;
  const trail = await openTrail({ dataDir: dir });
  try {
    const before = Date.parse((await trail.search(log, { limit: 1 })).events[0]?.record['receivedAt'] as string);
    Date.now = () => now() - monthMs;
    const { treeSize } = await trail.append({ log, principal: 'drill', body: Buffer.from('{"action":"drill.past"}'), format: 'json' });
    const { record } = (await trail.readEvent(log, treeSize - 1)) ?? {};
    const after = Date.parse(record?.['receivedAt'] as string);
    return after >= before ? 'receivedAt does not go backwards' : undefined;
  } finally {
    Date.now = now;
    await trail.close();
  }
}

/** A request, and an approval that is well signed, under a key that nobody enrolled. */
async function forgeApproval({ dir }: Stage): Promise<string | undefined> {
  const trail = await openTrail({ dataDir: dir });
  try {
    const approver = createApproverKey(systemRandom).key;
    const time = new Date(systemClock.now()).toISOString();
    const card = {
      id: approver.id,
      kind: approver.kind,
      publicKey: approver.publicKey,
      time,
      signature: approver.sign(enrolmentBytes({ id: approver.id, time })),
    };
    await trail.requests.enrol({ principal: 'adminaaaaaaa', card, approverOwner: 'drill', name: 'drill' });
    const ask = { action: 'token.reveal', detail: { token: 'tok_AAAAAAAAAAAAAAAAAAAAAAAAAAA' }, purpose: 'drill', reference: 'drill' } as const;
    const { id, digest } = await trail.requests.ask({ ...ask, principal: 'askeraaaaaaa' });
    const forger = createApproverKey(systemRandom).key;
    const statement = { request: id, digest, decision: 'approve' as const, approver: forger.id, time };
    const approval = { ...statement, kind: forger.kind, publicKey: forger.publicKey, signature: forger.sign(statementBytes(statement)) };
    await trail.requests.decide({ id, decision: 'approve', principal: 'approveraaaa', approval });
    return undefined;
  } catch (error) {
    if (error instanceof VeiltrailError && error.code.startsWith('approv')) return `refused: ${error.code}`;
    throw error;
  } finally {
    await trail.close();
  }
}

async function sendOwnReceipt({ dir, log }: Stage): Promise<string | undefined> {
  const trail = await openTrail({ dataDir: dir });
  try {
    const forged = { action: 'drill.sent', receivedAt: '2001-01-01T00:00:00.000Z', receivedFrom: 'drill-forger', privacy: { policy: 'none' } };
    const { treeSize } = await trail.append({ log, principal: 'drill', body: Buffer.from(JSON.stringify(forged)), format: 'json' });
    const { record } = (await trail.readEvent(log, treeSize - 1)) ?? {};
    const isOurs = record?.['receivedAt'] !== forged.receivedAt && record?.['receivedFrom'] !== forged.receivedFrom;
    return isOurs && JSON.stringify(record?.['privacy']) !== JSON.stringify(forged.privacy)
      ? 'the server says that, whatever a sender says'
      : undefined;
  } finally {
    await trail.close();
  }
}

/** On a directory whose alerts a server looked after, as one does. */
async function deleteAlerts({ dir }: Stage): Promise<string | undefined> {
  await withAlerts(dir, () => Promise.resolve());
  unseal(dir);
  for (const file of ['alerts.db', 'alerts.db-wal', 'alerts.db-shm']) rmSync(join(dir, file), { force: true });
  const startedMs = Date.now();
  return withAlerts(dir, async (trail) => {
    const [told] = (await trail.search(systemLog, { q: 'action:alert.follow', limit: 1 })).events;
    return told && Date.parse(told.record['receivedAt'] as string) >= startedMs ? 'told in _system: alert.follow' : undefined;
  });
}

async function withAlerts<T>(dir: string, look: (trail: OpenTrail) => Promise<T>): Promise<T> {
  const trail = await openTrail({ dataDir: dir });
  try {
    await trail.startAlerts(defaultAlertSettings, () => undefined);
    await trail.alertsIdle();
    return await look(trail);
  } finally {
    await trail.close();
  }
}
