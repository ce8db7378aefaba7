/** A data directory with events of some people in it, for the tests of this folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { AskedBy } from '../../src/app/asked-operation.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { openTrail, type OpenTrail } from '../../src/server/compose.ts';

export const asked: AskedBy = { principal: 'local:test', role: 'officer', purpose: 'a test', reference: 'T-1' };

/** A directory that goes away with the test. */
export function directory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-protection-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'data');
}

export async function withTrail<T>(dataDir: string, use: (trail: OpenTrail) => Promise<T>): Promise<T> {
  const trail = await openTrail({ dataDir, workers: 1 });
  try {
    return await use(trail);
  } finally {
    await trail.close();
  }
}

/** Appends events; their leaves. */
export async function append(trail: OpenTrail, events: readonly JsonObject[], log = 'default'): Promise<number[]> {
  await trail.createLog(log);
  const { receipts } = await trail.append({ log, principal: 'test', body: Buffer.from(JSON.stringify(events)), format: 'json' });
  return receipts.map(({ leafIndex }) => leafIndex);
}

export function event(who: 'jane' | 'omar', more: JsonObject = {}): JsonObject {
  const people = {
    jane: { id: 'u-17', email: 'jane.roe@example.com', name: 'Jane Roe' },
    omar: { id: 'u-178', email: 'omar.haddad@example.com', name: 'Omar Haddad' },
  };
  return { action: 'file.read', outcome: 'success', category: 'file_access', actor: { type: 'user', ...people[who] }, ...more };
}

/** The token at a path of a record. */
export async function tokenAt(trail: OpenTrail, leafIndex: number, member: 'email' | 'name', log = 'default'): Promise<string> {
  const record = (await trail.readEvent(log, leafIndex))?.record as { actor: Record<string, string> } | undefined;
  const token = /tok_[A-Za-z0-9_-]{27}/.exec(record?.actor[member] ?? '')?.[0];
  if (token === undefined) throw new Error('there is no token');
  return token;
}

/** Events of `_system` of an action, newest first. */
export async function told(trail: OpenTrail, action: string): Promise<JsonObject[]> {
  return (await trail.search('_system', { q: `action:${action}` })).events.map(({ record }) => record);
}
