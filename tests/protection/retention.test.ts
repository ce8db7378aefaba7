/** Retention: what is due under the table in force, what a hold keeps back, the table's changes, and the daily run, which is a dry one first. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { RetentionReport } from '../../src/app/retention.ts';
import type { OpenTrail } from '../../src/server/compose.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';
import { append, asked, directory, event, told, withTrail } from './protected-trail.ts';

const timeout = 300_000;
const table = `version: 1
rules:
  - {name: logins, category: authentication, keep: 90 days, basis: art. 5}
  - {name: books, log: payments, keep: 10 years, basis: HGB § 257}
  - {name: rest, keep: 2 years, basis: purpose is over}
`;

/** The clock of this thread, by which events are received. */
function setNow(time: string): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse(time) });
}
afterEach(() => void vi.useRealTimers());

const login = (message: string): ReturnType<typeof event> => event('jane', { category: 'authentication', message });

/** Logins and others of January and of June 2024. */
async function fill(trail: OpenTrail): Promise<void> {
  setNow('2024-01-15T12:00:00Z');
  await append(trail, [login('first'), event('omar'), login('second')]);
  await append(trail, [login('paid'), event('omar')], 'payments');
  setNow('2024-06-15T12:00:00Z');
  await append(trail, [login('third'), event('jane')]);
}

const due = ({ due: rules }: RetentionReport): [string, string, number][] =>
  rules.filter(({ records }) => records > 0).map(({ rule, log, records }) => [rule, log, records]);

async function messages(trail: OpenTrail, log = 'default'): Promise<unknown[]> {
  return (await trail.search(log, {})).events.map(({ record }) => record['message'] ?? record['action']);
}

test(
  'records go when they are due by when they were received, and their entries stay',
  async () => {
    const dataDir = directory();
    await withTrail(dataDir, async (trail) => {
      await fill(trail);
      const { dataProtection } = trail;
      setNow('2024-07-01T00:00:00Z');
      expect((await dataProtection.dueRecords()).due).toEqual([]); // nobody has said how long
      const { changes, info } = await dataProtection.applyRetention(table, asked);
      expect(changes.some(({ log, category, effect }) => log === '*' && category === 'authentication' && effect === 'shorter')).toBe(true);
      expect(info).toMatchObject({
        appliedBy: 'local:test',
        changedByHand: false,
        rules: [{ name: 'logins', keep: '90 days', end: 'expire' }, {}, {}],
      });
      expect(readFileSync(join(dataDir, 'retention.yaml'), 'utf8')).toBe(table);
      expect((await told(trail, 'retention.change'))[0]).toMatchObject({ purpose: 'a test', severity: 4, metadata: { permitted: 'single-person' } });

      const report = await dataProtection.dueRecords();
      expect(due(report)).toEqual([
        ['logins', 'default', 2],
        ['logins', 'payments', 1],
      ]);
      const logins = report.due.find(({ rule, log }) => rule === 'logins' && log === 'default');
      expect(logins).toMatchObject({
        from: '2024-01-15T12:00:00.000Z',
        to: '2024-01-15T12:00:00.000Z',
        nextAt: '2024-09-13T12:00:00.000Z',
        basis: 'art. 5',
      });
      expect(report.due.find(({ rule, log }) => rule === 'rest' && log === 'default')?.nextAt).toBe('2026-01-15T12:00:00.000Z');
      expect(await messages(trail)).toHaveLength(5); // a dry run

      const done = await dataProtection.runRetention('local:test');
      expect(done).toMatchObject({ dryRun: false, expired: 3 });
      expect(await messages(trail)).toEqual(expect.not.arrayContaining(['first', 'second']));
      expect(await messages(trail)).toContain('third');
      expect(await messages(trail, 'payments')).not.toContain('paid');
      expect(await trail.proveEvent('default', 0)).toContain('c2sp.org/tlog-proof');
      expect(due(await dataProtection.dueRecords())).toEqual([]);
      expect((await dataProtection.runRetention('local:test')).expired).toBe(0);
      expect((await told(trail, 'retention.run'))[1]).toMatchObject({ metadata: { expired: 3 } });

      // Later the others, but for the books; tombstones never.
      setNow('2027-01-01T00:00:00Z');
      expect(due(await dataProtection.runRetention('local:test'))).toEqual([
        ['logins', 'default', 1],
        ['rest', 'default', 2],
      ]);
      setNow('2039-01-01T00:00:00Z');
      await dataProtection.runRetention('local:test');
      expect(await messages(trail, 'payments')).not.toContain('file.read');
      expect(await messages(trail)).toEqual(expect.arrayContaining(['removal.expire']));
    });
    vi.useRealTimers();
    const verified = await verifyStoredLog(dataDir, { log: 'default', others: true });
    expect(verified.problems).toEqual([]);
    expect(verified.records.erased).toBe(5);
  },
  timeout,
);

test(
  'what a hold covers stays, and goes once it is lifted; a table changed by hand lets nothing go',
  async () => {
    const dataDir = directory();
    await withTrail(dataDir, async (trail) => {
      await fill(trail);
      const { dataProtection } = trail;
      setNow('2024-07-01T00:00:00Z');
      await dataProtection.applyRetention(table, asked);
      await dataProtection.setHold({ name: 'case-1', why: 'w', query: 'message:second' }, 'officer-1');
      const report = await dataProtection.runRetention('local:test');
      expect(report.expired).toBe(2);
      expect(report.due.find(({ held }) => held.length > 0)).toMatchObject({
        rule: 'logins',
        log: 'default',
        held: [{ hold: 'case-1', records: 1 }],
      });
      expect(await messages(trail)).toContain('second');
      expect((await dataProtection.runRetention('local:test')).expired).toBe(0);
      await dataProtection.liftHold('case-1', asked);

      writeFileSync(join(dataDir, 'retention.yaml'), table.replace('2 years', '1 day'));
      expect(dataProtection.retention()).toMatchObject({ changedByHand: true, rules: [{}, {}, { keep: '2 years' }] });
      expect((await dataProtection.runRetention('local:test')).expired).toBe(1);
      expect(await messages(trail)).not.toContain('second');

      await expect(dataProtection.applyRetention('rules: 1', asked)).rejects.toThrow(expect.objectContaining({ code: 'retention_invalid' }));
    });
    vi.useRealTimers();
    // In force after a restart is what was applied.
    await withTrail(dataDir, async (trail) =>
      expect(trail.dataProtection.retention()).toMatchObject({ changedByHand: true, rules: [{}, {}, { keep: '2 years' }] }),
    );
  },
  timeout,
);

test(
  'the daily run tells what would go before it lets anything go',
  async () => {
    await withTrail(directory(), async (trail) => {
      await fill(trail);
      const { dataProtection } = trail;
      setNow('2024-07-01T00:00:00Z');
      expect(await dataProtection.runScheduledRetention()).toBeUndefined();
      await dataProtection.applyRetention(table, asked);
      expect(await dataProtection.runScheduledRetention()).toMatchObject({ dryRun: true, expired: 0 });
      expect((await told(trail, 'retention.due'))[0]).toMatchObject({ metadata: { records: 3, goFrom: '2024-07-02T00:00:00.000Z' } });
      setNow('2024-07-01T23:00:00Z');
      expect(await dataProtection.runScheduledRetention()).toMatchObject({ dryRun: true });
      expect(await told(trail, 'retention.due')).toHaveLength(1);
      setNow('2024-07-02T00:00:01Z');
      expect(await dataProtection.runScheduledRetention()).toMatchObject({ dryRun: false, expired: 3 });
      // Another table: told first again.
      await dataProtection.applyRetention(table.replace('90 days', '10 days'), asked);
      expect(await dataProtection.runScheduledRetention()).toMatchObject({ dryRun: true });
      expect(await messages(trail)).toContain('third');
    });
  },
  timeout,
);
