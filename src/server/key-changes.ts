/**
 * Changes of the keys, on record in `_system`. `access.recorded.json` has the rows that the log last told of: where `access.json` differs from
 * it, somebody made, ended or altered a key, by a route, by a command, or with an editor. What a route did is told before it answers, by who
 * asked for it; all else within a second of being noticed, or at the next start, by whoever has the disk (`local`).
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readAccessFile, readRows, formatRows, type KeyRow } from '../access/access-file.ts';
import type { Principal } from '../access/roles.ts';
import type { AccessEntry } from '../app/access-event.ts';
import { type Reasons, whoAndWhy } from '../app/look-up-report.ts';
import { isGrant } from '../app/permit-grant.ts';
import type { KeyChanges } from '../app/trail.ts';
import type { JsonObject } from '../core/json.ts';
import { replaceKeyFile } from '../vault/key-file.ts';

const recordedFileName = 'access.recorded.json';

export interface KeyChangesParts {
  dataDir: string;
  /** Durable when it resolves. */
  tell(entries: AccessEntry[]): Promise<void>;
}

/** @param isNew nothing was ever stored: the first keys are no news */
export async function openKeyChanges(parts: KeyChangesParts, isNew: boolean): Promise<KeyChanges> {
  const { dataDir } = parts;
  if (isNew && readRecorded(dataDir) === undefined) record(dataDir, readAccessFile(dataDir));
  let last: Promise<void> = Promise.resolve();
  // Who asked for what is not told yet. It is put here as the change is made, so that whoever comes first to tell of it knows.
  const askedBy = new Map<string, AskedChange>();
  const tell = async (): Promise<void> => {
    const recorded = readRecorded(dataDir);
    const rows = readAccessFile(dataDir);
    const asked = new Map(askedBy);
    for (const { id, rotates } of rows) {
      const by = asked.get(id);
      if (by && rotates !== undefined) asked.set(rotates, by);
    }
    const entries = changesBetween(recorded ?? [], rows).map((change) => entryOf(change, asked.get(change.id)));
    if (!recorded || entries.length > 0) {
      await parts.tell(entries);
      // A crash before this line tells the same changes again.
      record(dataDir, rows);
    }
    for (const id of asked.keys()) askedBy.delete(id);
  };
  const changes: KeyChanges = {
    tell(by, id, { permission, ...why } = {}) {
      if (by && id !== undefined) askedBy.set(id, { by, permission, why });
      const telling = last.catch(() => undefined).then(tell);
      last = telling;
      return telling;
    },
  };
  await changes.tell();
  return changes;
}

interface AskedChange {
  by: Principal;
  /** What is said of a second person. */
  permission: JsonObject | undefined;
  why: Reasons;
}

interface Change {
  id: string;
  before: KeyRow | undefined;
  after: KeyRow | undefined;
}

function changesBetween(before: readonly KeyRow[], after: readonly KeyRow[]): Change[] {
  const old = new Map(before.map((row) => [row.id, row]));
  const now = new Set(after.map(({ id }) => id));
  const changed = after.flatMap((row) => {
    const was = old.get(row.id);
    return was && JSON.stringify(was) === JSON.stringify(row) ? [] : [{ id: row.id, before: was, after: row }];
  });
  return [...changed, ...before.filter(({ id }) => !now.has(id)).map((row) => ({ id: row.id, before: row, after: undefined }))];
}

function entryOf({ id, before, after }: Change, asked: AskedChange | undefined): AccessEntry {
  const row = (after ?? before) as KeyRow;
  // Whoever has the disk can give themselves any key: that nobody approved it is on record.
  const isUnapproved = !asked && after !== undefined && after.revokedAt === undefined && isGrant(after.role);
  return {
    action: actionOf(before, after),
    ...(asked ? whoAndWhy({ principal: asked.by.id, role: asked.by.role, ...asked.why }) : { principal: 'local' }),
    outcome: 'success',
    category: 'privilege',
    severity: isUnapproved ? 4 : after && after.revokedAt === undefined ? 3 : 2,
    target: { type: 'key', id: `key:${id}` },
    metadata: { ...factsOf(row), ...(isUnapproved ? { approvals: 'none' } : asked?.permission) },
  };
}

function actionOf(before: KeyRow | undefined, after: KeyRow | undefined): string {
  if (!before) return after?.rotates === undefined ? 'key.create' : 'key.rotate';
  if (!after) return 'key.remove';
  return before.revokedAt === undefined && after.revokedAt !== undefined && before.digest === after.digest ? 'key.revoke' : 'key.change';
}

/** What a key is good for; not what people called it. */
function factsOf({ role, logs, expiresAt, revokedAt, addresses, hides, owner, rotates }: KeyRow): JsonObject {
  return {
    keyRole: role,
    ...(logs ? { logs } : {}),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(revokedAt === undefined ? {} : { revokedAt }),
    ...(addresses ? { networks: addresses } : {}),
    ...(hides ? { hides } : {}),
    ...(owner === undefined ? {} : { person: owner }),
    ...(rotates === undefined ? {} : { rotates: `key:${rotates}` }),
  };
}

/** What is damaged is not on record. */
function readRecorded(dataDir: string): KeyRow[] | undefined {
  const path = join(dataDir, recordedFileName);
  if (!existsSync(path)) return undefined;
  try {
    return readRows(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function record(dataDir: string, rows: readonly KeyRow[]): void {
  replaceKeyFile(dataDir, recordedFileName, formatRows(rows));
}
