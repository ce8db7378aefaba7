/** What operators and auditors do with alerts over HTTP, and who may not: the table of rights is walked by tests/server/rights.test.ts. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createAlertClient } from '../../src/sdk/alerts.ts';
import { defaultAlertSettings } from '../../src/alerts/rules-file.ts';
import { alertLine, isLoud } from '../../src/server/alerting.ts';
import type { Alert } from '../../src/alerts/alert.ts';
import type { AlertInfo } from '../../src/alerts/alert.ts';
import { runServer, type RunningServer } from '../server/running-server.ts';

let server: RunningServer;
const raised: Alert[] = [];

beforeAll(async () => {
  server = await runServer();
  await server.trail.startAlerts(defaultAlertSettings, (alert) => raised.push(alert));
});

afterAll(() => server.close());

/** After everything that is to be told of: keys that the tests make beside the server, too, which it notices in its own time. */
async function settled(): Promise<void> {
  await server.trail.keyChanges.tell();
  await server.trail.alertsIdle();
}

async function alerts(path = ''): Promise<AlertInfo[]> {
  await settled();
  const { status, json } = await server.send('GET', `/api/v1/alerts${path}`, { key: server.key.auditor });
  expect(status).toBe(200);
  return json['alerts'] as AlertInfo[];
}

const acknowledge = (id: string, key: string, body: object = { purpose: 'looked at' }): ReturnType<RunningServer['send']> =>
  server.send('POST', `/api/v1/alerts/${id}/acknowledge`, { key, body: JSON.stringify(body) });

const idOf = (key: string): string => key.split('_')[2] as string;

test('alerts are listed, filtered, paged and dealt with; why stands there as the policy leaves it', async () => {
  const known = new Set((await alerts()).map(({ id }) => id));
  for (let i = 0; i < 3; i++) await server.trail.access.write({ action: 'hold.lift', principal: 'someofficerx', outcome: 'success', severity: 4 });
  await server.trail.access.write({ action: 'backup.make', principal: idOf(server.key.operator), outcome: 'success', severity: 3 });
  const all = (await alerts()).filter(({ id }) => !known.has(id));
  expect(all.map(({ rule }) => rule)).toEqual(['backup-made', 'hold-lifted', 'hold-lifted', 'hold-lifted']);
  expect((await alerts('?severity=high&limit=2')).map(({ id }) => id)).toEqual([all[1]?.id, all[2]?.id]);
  expect((await alerts(`?severity=high&limit=1&before=${all[2]?.id}`)).map(({ id }) => id)).toEqual([all[3]?.id]);
  expect(await alerts(`?id=${all[0]?.id}`)).toEqual([all[0]]);
  for (const wrong of ['?limit=0', '?limit=1001', '?state=x', '?id=x', '?more=1'])
    expect((await server.send('GET', `/api/v1/alerts${wrong}`, { key: server.key.auditor })).json['code']).toBe('invalid_parameter');
  const [, lifted] = all;
  const done = await acknowledge(lifted?.id as string, server.key.operator, { purpose: 'asked jane.roe@example.com, all well', reference: 'T-7' });
  expect(done.json).toMatchObject({ state: 'acknowledged', acknowledged: { by: `key:${idOf(server.key.operator)}` } });
  const [shown] = await alerts(`?id=${lifted?.id}`);
  expect(shown?.acknowledged).toMatchObject({ reference: 'T-7', leaf: expect.any(Number) });
  expect(shown?.acknowledged?.purpose).toMatch(/^asked .*, all well$/);
  expect(JSON.stringify(shown)).not.toContain('example.com');
  expect((await alerts('?state=open')).map(({ id }) => id)).not.toContain(lifted?.id);
  expect((await acknowledge(lifted?.id as string, server.key.auditor)).json['code']).toBe('alert_acknowledged');
  expect((await acknowledge(all[2]?.id as string, server.key.auditor, {})).json['code']).toBe('alert_request');
  expect((await acknowledge(all[2]?.id as string, server.key.auditor, { purpose: ' ' })).json['code']).toBe('purpose_needed');
  expect((await server.trail.search('_system', { q: `action:alert.acknowledge id:${lifted?.id}` })).events).toHaveLength(1);
});

test('who made it happen does not acknowledge it, with no key of theirs, and the refusal is on record', async () => {
  const one = server.keys.create({ role: 'operator', owner: 'person:aaaaaaaaaaaaaaaa' });
  const other = server.keys.create({ role: 'auditor', owner: 'person:aaaaaaaaaaaaaaaa' });
  await server.trail.access.write({ action: 'backup.restored', principal: idOf(one.key), outcome: 'success', severity: 4 });
  const [alert] = (await alerts()).filter(({ rule }) => rule === 'backup-restored');
  // Keys that are made beside the server are noticed within a second.
  const isKnown = async (): Promise<void> => expect((await server.send('GET', '/api/v1/alerts', { key: other.key })).status).toBe(200);
  await vi.waitFor(isKnown, { timeout: 120_000, interval: 50 });
  for (const key of [one.key, other.key]) {
    const { status, json } = await acknowledge(alert?.id as string, key);
    expect([status, json['code']]).toEqual([403, 'alert_own']);
  }
  const { events } = await server.trail.search('_system', { q: 'action:alert.acknowledge outcome:denied reason:alert_own' });
  expect(events).toHaveLength(2);
  // Whoever has the disk may say to be anybody who has.
  await server.trail.access.write({ action: 'backup.restored', principal: 'local', outcome: 'success', severity: 4 });
  const [local] = (await alerts()).filter(({ rule }) => rule === 'backup-restored');
  await expect(server.trail.alerts.acknowledge(local?.id as string, { principal: 'local:alice', purpose: 'p' })).rejects.toMatchObject({
    code: 'alert_own',
  });
  expect((await acknowledge(local?.id as string, server.key.operator)).status).toBe(200);
});

test('a login and a key of one person are one person; where nobody is known to be another, the record says so', async () => {
  const person = 'person:bbbbbbbbbbbbbbbb';
  const asker = { principal: 'bbbbbbbbbbbb', owner: person, role: 'auditor', purpose: 'fine' };
  const did = async (principal: string): Promise<string> => {
    await server.trail.access.write({ action: 'backup.restored', principal, outcome: 'success', severity: 4 });
    return (await alerts()).find(({ rule }) => rule === 'backup-restored')?.id as string;
  };
  server.trail.recognised('oidc:abcdefghijklmnop', 'person:cccccccccccccccc');
  server.trail.recognised('oidc:abcdefghijklmnop', person); // its claims have changed, and change again
  server.trail.recognised('oidc:abcdefghijklmnop', 'person:dddddddddddddddd');
  server.trail.recognised('oidc:ponmlkjihgfedcba', 'person:eeeeeeeeeeeeeeee');
  const own = await did('oidc:abcdefghijklmnop');
  await expect(server.trail.alerts.acknowledge(own, asker)).rejects.toMatchObject({ code: 'alert_own' });
  const [others, strangers] = [await did('oidc:ponmlkjihgfedcba'), await did('oidc:aaaaaaaaaaaaaaaa')];
  for (const id of [others, strangers]) expect((await server.trail.alerts.acknowledge(id, asker)).state).toBe('acknowledged');
  const metadataOf = async (id: string): Promise<unknown> =>
    (await server.trail.search('_system', { q: `action:alert.acknowledge id:${id}` })).events[0]?.record['metadata'];
  expect(await metadataOf(others)).not.toHaveProperty('personsUnknown');
  expect(await metadataOf(strangers)).toMatchObject({ personsUnknown: true });
});

test('the client, the rules, the metrics and the console say the same', async () => {
  const client = createAlertClient({ url: server.url, key: server.key.operator });
  const { rules, disabled } = await client.rules();
  expect(rules.map(({ name }) => name)).toContain('reveal');
  expect(disabled).toEqual([]);
  await settled();
  await server.trail.access.write({ action: 'secret.destroy', principal: 'someadminkey', outcome: 'success', severity: 4 });
  await settled();
  const [newest] = await client.list({ state: 'open', limit: 1 });
  expect(newest).toMatchObject({ rule: 'key-destroyed', log: '_system' });
  expect(await client.show(newest?.['id'] as string)).toEqual(newest);
  expect(await client.acknowledge(newest?.['id'] as string, { purpose: 'planned' })).toMatchObject({ state: 'acknowledged' });
  await expect(client.show(`al_${'0'.repeat(32)}`)).rejects.toMatchObject({ code: 'alert_unknown' });
  const { text } = await server.send('GET', '/metrics', { key: server.key.operator });
  const open = (await alerts('?state=open&severity=high')).length;
  expect(text).toContain(`veiltrail_alerts_open{severity="high"} ${open}`);
  expect(text).toContain(`veiltrail_alerts_raised_total{severity="high"} ${raised.filter(({ severity }) => severity === 'high').length}`);
  expect(text).toContain('veiltrail_alerts_behind_leaves{log="_system"} ');
  expect(text).toMatch(/veiltrail_system_events_total\{action="alert\.raise",outcome="success",severity="4"\} \d/);
  const loud = raised.filter(isLoud);
  expect(loud.length).toBeGreaterThan(0);
  expect(loud.length).toBeLessThan(raised.length);
  expect(alertLine(loud.at(-1) as Alert)).toBe(
    `high: key-destroyed: a record of log _system; see "veiltrail alert show ${newest?.['id'] as string}"`,
  );
});
