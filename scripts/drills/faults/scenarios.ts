/** What a server is asked, by scenario; and what it said that it had done, besides keeping events. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCosigner } from '../../../src/log/index.ts';
import type { OpenTrail } from '../../../src/server/compose.ts';
import { carry, carryConfig } from './carry.ts';
import type { Acknowledged, Answered, FaultedServer } from './faulted-server.ts';
import { eventAt } from './seeds.ts';

/**
 * `append`: events, and nothing else. `change`: somebody is erased, secrets are rotated. `govern`: a log, keys, holds, retention, redaction, a field, a
 * look-up; with a witness that does not answer, and an anchor. `carry`: forwarders, alerts, an anchor (carry.ts).
 */
export const scenarios = ['append', 'change', 'govern', 'carry'] as const;
export type Scenario = (typeof scenarios)[number];

/** Told of every answer; false when there is nobody to talk to any more. */
type Told = (answer: Answered) => boolean;

type By = Parameters<FaultedServer['ask']>[3];

/** How the server is started on a directory. @param home takes what it writes outside of that */
export function argumentsOf(scenario: Scenario, home: string, dataDir: string): string[] {
  if (scenario === 'carry') {
    writeFileSync(join(home, 'config.yaml'), carryConfig(dataDir));
    return ['--config', join(home, 'config.yaml')];
  }
  if (scenario !== 'govern') return [];
  const [config, witnesses, anchors] = ['config.yaml', 'witnesses.policy', 'anchors'].map((name) => join(home, name)) as [string, string, string];
  mkdirSync(anchors, { recursive: true });
  writeFileSync(config, `anchors:\n  - {kind: file, name: elsewhere, dir: ${JSON.stringify(anchors)}, every: 1h}\n`);
  const { vkey } = createCosigner('witness.example', new Uint8Array(32).fill(6));
  // Nobody listens there.
  writeFileSync(witnesses, `witness w ${vkey} http://127.0.0.1:9/\nquorum w\n`);
  return ['--config', config, '--witness-policy', witnesses];
}

/** Asks all of it; false when there is nobody to talk to any more. */
export async function play(scenario: Scenario, server: FaultedServer, acknowledged: Acknowledged, told: Told): Promise<boolean> {
  const batches = scenario === 'append' ? [['a'], ['b'], ['c', 'd', 'e']] : [['a', 'b']];
  for (const batch of batches) if (!told(await server.append(batch.map((id) => eventAt(id))))) return false;
  if (scenario === 'change') return change(server, acknowledged, told);
  if (scenario === 'govern') return govern(server, acknowledged, told);
  if (scenario === 'carry') return carry(server, acknowledged, told);
  return true;
}

async function change(server: FaultedServer, acknowledged: Acknowledged, told: Told): Promise<boolean> {
  const made = await server.ask('POST', '/api/v1/keys', { role: 'officer', purpose: 'a drill' }, 'admin');
  if (!told(made)) return false;
  const officer = bodyOf(made) as { key: string } | undefined;
  if (officer) {
    acknowledged.erasing.add('a');
    const subject = { values: [{ kind: 'email', value: 'a@people.example.net' }] };
    const erase = { ...subject, mode: 'erase', dryRun: false, purpose: 'a drill', reference: 'T-1' };
    const erased = await server.ask('POST', '/api/v1/subjects/erase', erase, officer);
    if (!told(erased)) return false;
    if (bodyOf(erased)) acknowledged.erased.add('a');
  }
  for (const purpose of ['root', 'lookup']) if (!told(await server.ask('POST', '/api/v1/secrets/rotate', { purpose }, 'admin'))) return false;
  return true;
}

async function govern(server: FaultedServer, acknowledged: Acknowledged, told: Told): Promise<boolean> {
  let isThere = true;
  /** What came back, where it was done; then the fact is one. */
  const ask = async (method: 'POST' | 'PUT' | 'DELETE', path: string, body: unknown, by: By, fact?: string): Promise<unknown> => {
    if (!isThere) return undefined;
    const answer = await server.ask(method, path, body, by);
    isThere = told(answer);
    const done = bodyOf(answer);
    if (done !== undefined && fact !== undefined) acknowledged.facts.add(fact);
    return done;
  };
  const why = { purpose: 'a drill', reference: 'T-2' };
  await ask('PUT', '/api/v1/logs/other', undefined, 'admin', 'log other');
  const reader = (await ask('POST', '/api/v1/keys', { role: 'reader' }, 'admin')) as { id: string } | undefined;
  const officer = (await ask('POST', '/api/v1/keys', { role: 'officer' }, 'admin')) as { key: string } | undefined;
  const investigator = (await ask('POST', '/api/v1/keys', { role: 'investigator' }, 'admin')) as { key: string } | undefined;
  if (reader) await ask('DELETE', `/api/v1/keys/${reader.id}`, undefined, 'admin', `revoked ${reader.id}`);
  if (officer) {
    const hold = (name: string, log: string): Promise<unknown> =>
      ask('POST', '/api/v1/holds', { name, why: 'order 1', log }, officer, `hold ${name}`);
    if (await hold('case-1', 'default')) await ask('POST', '/api/v1/holds/case-1/lift', why, officer, 'lifted case-1');
    if (acknowledged.facts.has('log other')) await hold('case-2', 'other');
    await ask('PUT', '/api/v1/retention', { table: 'version: 1\nrules: [{name: all, keep: 2 years, basis: b}]\n', ...why }, officer, 'retention');
    await ask('POST', '/api/v1/retention/run', undefined, officer);
    const leafIndex = acknowledged.leaves.get('b');
    const places = [{ leafIndex, pointers: ['/action'] }];
    if (leafIndex !== undefined) {
      acknowledged.redacting.add('b');
      await ask('POST', '/api/v1/values/redact', { places, dryRun: false, ...why }, officer, `redacted ${leafIndex}`);
    }
  }
  await ask('POST', '/api/v1/fields/classify', { path: 'action', as: 'scan' }, 'admin');
  if (investigator) await ask('POST', '/api/v1/tokens/find', { kind: 'email', value: 'a@people.example.net', ...why }, investigator);
  return isThere;
}

/** Whether what was said to be done is done. */
export async function isFact(fact: string, trail: OpenTrail, isRevoked: (key: string) => boolean): Promise<boolean> {
  const [what, of = ''] = fact.split(' ');
  const { dataProtection } = trail;
  const hold = dataProtection.holds().find(({ name }) => name === of);
  switch (what) {
    case 'log':
      return trail.logs().includes(of);
    case 'revoked':
      return isRevoked(of);
    case 'hold':
      return hold !== undefined;
    case 'lifted':
      return hold?.liftedAt !== undefined;
    case 'retention':
      return JSON.stringify(dataProtection.retention()).includes('2 years');
    case 'redacted':
      return !JSON.stringify((await trail.readEvent('default', Number(of)))?.record).includes('order.update');
    case 'forwarder':
    case 'removed':
    case 'acknowledged':
      return true; // carry.ts
    default:
      throw new Error(`${fact}: nobody knows how to look that up`);
  }
}

function bodyOf(answer: Answered): unknown {
  return answer === 'gone' || answer.status >= 300 ? undefined : answer.body;
}
