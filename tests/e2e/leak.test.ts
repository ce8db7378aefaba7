/**
 * Promise 4, first part: planted values are in no byte on the disk, in no answer and in nothing that is printed. On raw bytes: every file of
 * the data directory is searched for every value, plain, in hex, in base64 at any alignment, and in UTF-16.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run, serve, temporaryDirectory } from './product.ts';

const planted = {
  email: ['maria.lindqvist@fjordbank.no', 'o.okafor+audit@lagos-trading.com.ng', 'hk_tan@straits.sg'],
  ip: ['81.2.69.142', '203.119.8.77', '2a02:2e0:3fe:1001:302::1'],
  ssn: ['219-09-9998', '457-55-5462'],
};
const values = Object.values(planted).flat();

/** The same people in every shape that services send them in. */
function events(): object[] {
  const [email, plus, third] = planted.email as [string, string, string];
  const [ip, other, six] = planted.ip as [string, string, string];
  const [ssn, secondSsn] = planted.ssn as [string, string];
  return [
    {
      id: 'l1',
      action: 'login',
      actor: { type: 'user', id: email, email, name: 'Maria Lindqvist' },
      context: { ip },
      message: `${email} logged in from ${ip}`,
    },
    {
      id: 'l2',
      action: 'kyc.update',
      actor: { type: 'user', id: 'u2' },
      changes: [{ field: 'ssn', before: ssn, after: secondSsn }],
      metadata: { note: `SSN ${ssn} replaced` },
    },
    {
      id: 'l3',
      action: 'query',
      actor: { type: 'service', id: 's' },
      metadata: { url: `https://app.test/u?mail=${encodeURIComponent(plus)}&ip=${other}`, nested: { deep: [{ [third]: { seen: six } }] } },
    },
    {
      id: 'l4',
      action: 'raw',
      actor: { type: 'user', id: 'u4' },
      metadata: { payload: JSON.stringify({ email: plus, ip: six, ssn: secondSsn }), blob: Buffer.from(`user=${third};ip=${ip}`).toString('base64') },
    },
    {
      eventVersion: '1.08',
      eventID: 'l5',
      eventTime: '2026-01-02T03:04:05Z',
      eventSource: 'sts.amazonaws.com',
      eventName: 'AssumeRole',
      sourceIPAddress: other,
      userIdentity: { type: 'AssumedRole', arn: `arn:aws:sts::123456789012:assumed-role/ops/${email}`, principalId: `AROAEXAMPLE:${email}` },
    },
    {
      published: '2026-01-02T03:04:05Z',
      eventType: 'user.session.start',
      actor: { alternateId: plus, displayName: 'Obinna Okafor' },
      client: { ipAddress: six },
      debugContext: `from=${other}; user=${plus}`,
    },
  ];
}

/** How a value may stand in a file. */
function traces(value: string): Buffer[] {
  const bytes = Buffer.from(value);
  const found = [
    bytes,
    Buffer.from(bytes.toString('hex')),
    Buffer.from(bytes.toString('hex').toUpperCase()),
    Buffer.from(value, 'utf16le'),
    Buffer.from(value, 'utf16le').swap16(),
  ];
  for (const shift of [0, 1, 2]) {
    // What base64 makes of the bytes in the middle, whatever stands before and behind.
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    found.push(Buffer.from(text.slice(shift === 0 ? 0 : shift + 1, -1)));
  }
  return found;
}

function leaksIn(bytes: Buffer): string[] {
  return values.filter((value) => traces(value).some((trace) => bytes.includes(trace)));
}

function leaksBelow(dir: string): string[] {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.flatMap((entry) => leaksIn(readFileSync(join(entry.parentPath, entry.name))).map((value) => `${value} in ${entry.name}`));
}

test('the search for traces finds what it should', () => {
  for (const value of values) {
    for (const padding of ['', 'x', 'xy', 'xyz']) {
      expect(leaksIn(Buffer.from(`..${Buffer.from(`${padding}${value}zz`).toString('base64')}..`))).toContain(value);
    }
    expect(leaksIn(Buffer.from(value, 'utf16le'))).toContain(value);
    expect(leaksIn(Buffer.from(Buffer.from(`a${value}`).toString('hex')))).toContain(value);
  }
});

test('no planted value is in any byte on the disk, in any answer, or in anything printed', async () => {
  const data = join(temporaryDirectory(), 'data');
  const server = await serve(data);
  const answers: string[] = [];
  const call = async (path: string, role: 'writer' | 'reader', init: RequestInit = {}): Promise<void> => {
    const response = await fetch(`${server.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${server.key(role)}`, ...(init.headers as Record<string, string> | undefined) },
    });
    answers.push(JSON.stringify([...response.headers]) + (await response.text()));
  };
  await call('/api/v1/logs/default/events', 'writer', {
    method: 'POST',
    body: JSON.stringify(events()),
    headers: { 'content-type': 'application/json' },
  });
  // Refusals repeat nothing of what was sent, either.
  for (const body of [
    `{"email":"${planted.email[0]}", nonsense`,
    `{"${planted.email[0]}":1,"${planted.email[0]}":2}`,
    `[{"ssn":"${planted.ssn[0]}"}, "${planted.ip[0]}"]`,
  ]) {
    await call('/api/v1/logs/default/events', 'writer', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  }
  await call(`/api/v1/logs/${planted.email[0]}/events`, 'writer', { method: 'POST', body: '{}' });
  await call(`/api/v1/logs/default/events?q=${encodeURIComponent(`"${planted.email[0]}`)}`, 'reader');
  await call(`/api/v1/logs/default/events?nonsense=${planted.ip[0]}`, 'reader');
  for (let leaf = 0; leaf < events().length; leaf++) {
    await call(`/api/v1/logs/default/events/${leaf}`, 'reader');
    await call(`/api/v1/logs/default/events/${leaf}/proof`, 'reader');
  }
  await call('/api/v1/logs/default/events?limit=100', 'reader');
  expect(answers.join('\n')).toContain('user.session.start');
  expect(leaksBelow(data)).toEqual([]); // while it runs: write-ahead logs and all
  await server.stop();
  expect(leaksBelow(data)).toEqual([]);
  expect(leaksIn(Buffer.from(answers.join('\n')))).toEqual([]);
  expect(leaksIn(Buffer.from(server.said()))).toEqual([]);
});

test('the same by the command line, and events of one user are found by the pseudonym shown', async () => {
  const data = join(temporaryDirectory(), 'data');
  const lines = events()
    .map((event) => JSON.stringify(event))
    .join('\n');
  const ingested = await run(['ingest', '-', '--data', data, '--json'], { input: lines });
  expect(JSON.parse(ingested.out)).toMatchObject({ accepted: 6, duplicates: 0, rejected: 0, treeSize: 6 });
  const again = await run(['ingest', '-', '--data', data, '--json'], { input: lines });
  expect(JSON.parse(again.out)).toMatchObject({ accepted: 0, duplicates: 6 });
  const shown = await run(['show', '0', '--data', data, '--json']);
  const { record } = JSON.parse(shown.out) as { record: { actor: { email: string } } };
  const found = await run(['search', record.actor.email, '--data', data, '--json']);
  const leaves = found.out
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { leafIndex: number }).leafIndex);
  expect(leaves).toContain(0);
  expect(leaves).toContain(4); // the CloudTrail record of the same address
  const scanned = await run(['verify', data, '--json']);
  expect(scanned.code).toBe(0);
  expect(leaksBelow(data)).toEqual([]);
  expect(leaksIn(Buffer.from([ingested, again, shown, found, scanned].map(({ out, err }) => out + err).join('\n')))).toEqual([]);
});
