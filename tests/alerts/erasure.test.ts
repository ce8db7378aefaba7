/** Alerts about somebody who is erased go with them: from the lists, and from the bytes of the disk, whoever has all keys. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { makeBackup } from '../../src/server/backup/make-backup.ts';
import { filesOf } from '../removal/trail.ts';
import { alertsOf, append, directory, login, rule, watching } from './alerting-trail.ts';

const asked = { principal: 'local:test', role: 'officer', purpose: 'a test', reference: 'T-1' } as const;
const byActor = rule({ name: 'failed-logins', q: 'action:login outcome:failure', count: 3, withinMs: 3_600_000, by: '/actor/id', quietMs: 60_000 });
const each = rule({ name: 'login', q: 'action:login', severity: 'low' });

/** Rows of alerts as they are sealed, by id. */
function sealedRows(dataDir: string): Map<string, Buffer> {
  const database = new DatabaseSync(join(dataDir, 'alerts.db'), { readOnly: true });
  const rows = database.prepare('SELECT id, sealed FROM alerts').all();
  database.close();
  return new Map(rows.map((row) => [row['id'] as string, Buffer.from(row['sealed'] as Uint8Array)]));
}

function holding(dataDir: string, piece: Buffer): string[] {
  return [...filesOf(dataDir)].filter(({ bytes }) => bytes.includes(piece)).map(({ path }) => path.slice(dataDir.length));
}

test('an erased subject is in no alert any more, and what it was sealed as is on no page', async () => {
  const dataDir = directory();
  let trail = await watching(dataDir, [byActor, each]);
  const [jane, omar] = [login('jane.roe@example.com'), login('omar.haddad@example.com')];
  await append(trail, [jane, omar, jane, jane, omar, omar, jane]);
  const before = await alertsOf(trail, 'failed-logins');
  expect(before.map(({ leaves }) => leaves)).toEqual([
    [0, 2, 3, 6],
    [1, 4, 5],
  ]);
  // A token says nothing by itself.
  const [ofJane, ofOmar] = before as [(typeof before)[number], (typeof before)[number]];
  expect(ofJane.group).toMatch(/tok_[\w-]{27}/);
  const token = /tok_[\w-]{27}/.exec(ofJane.group ?? '')?.[0] as string;
  const sealed = sealedRows(dataDir);
  const pieces = [...sealed.values()].map((bytes) => bytes.subarray(20, 60));
  expect(pieces.every((piece) => holding(dataDir, piece).length > 0)).toBe(true);
  const single = await alertsOf(trail, 'login');
  await trail.dataProtection.eraseSubject({ tokens: [token], mode: 'erase' }, asked);
  const after = trail.alerts.list();
  expect(after.map(({ rule: of, leaves }) => [of, leaves]).filter(([of]) => of === 'failed-logins')).toEqual([['failed-logins', [1, 4, 5]]]);
  expect(
    after
      .filter(({ rule: of }) => of === 'login')
      .flatMap(({ leaves }) => leaves)
      .toSorted((a, b) => a - b),
  ).toEqual([1, 4, 5]);
  expect(after.some(({ id }) => id === ofOmar.id)).toBe(true);
  const gone = [ofJane.id, ...single.filter(({ leaves }) => [0, 2, 3, 6].includes(leaves[0] as number)).map(({ id }) => id)];
  expect(gone).toHaveLength(5);
  for (const id of gone) {
    const piece = (sealed.get(id) as Buffer).subarray(20, 60);
    expect({ id, holding: holding(dataDir, piece) }).toEqual({ id, holding: [] });
  }
  // Nor does what still counts in memory bring her back.
  await append(trail, [omar]);
  await trail.alertsIdle();
  await trail.close();
  trail = await watching(dataDir, [byActor, each]);
  await trail.alertsIdle();
  expect(trail.alerts.list().some(({ id }) => gone.includes(id))).toBe(false);
  await trail.close();
  expect(readFileSync(join(dataDir, 'alerts.db')).includes(token)).toBe(false);
  // A backup would bring back what is erased after it was made.
  const backup = directory();
  await makeBackup(dataDir, backup, Date.now());
  expect(readdirSync(backup)).toContain('requests.db');
  expect(readdirSync(backup).filter((name) => name.startsWith('alerts'))).toEqual([]);
});

test('an alert that is about others, too, stays with what is left of it', async () => {
  const trail = await watching(directory(), [rule({ name: 'rush', q: 'action:login', count: 3, withinMs: 60_000, quietMs: 60_000 })]);
  await append(trail, [login('jane.roe@example.com'), login('omar.haddad@example.com'), login('ann.lee@example.com')]);
  expect(await alertsOf(trail, 'rush')).toMatchObject([{ leaves: [0, 1, 2], count: 3 }]);
  await trail.remove({ operation: 'expire', records: [{ log: 'default', ranges: [[0, 2]] }], reason: 'retention', by: 'system' });
  expect(await alertsOf(trail, 'rush')).toMatchObject([{ leaves: [2], count: 3 }]);
  await trail.close();
});
