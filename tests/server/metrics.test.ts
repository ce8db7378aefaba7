/** `/metrics`: what happened is counted once, under names that nobody outside can make up. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { metricsPage } from '../../scripts/generate-metrics-page.ts';
import { runServer, sendRaw, type RunningServer } from './running-server.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await runServer();
});
afterAll(() => server.close());

/** Value by series, as it is written. */
async function scrape(): Promise<Map<string, number>> {
  const { status, headers, text } = await server.send('GET', '/metrics', { key: server.key.operator });
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe(Registry.PROMETHEUS_CONTENT_TYPE);
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const at = line.lastIndexOf(' ');
    series.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return series;
}

const path = '/api/v1/logs/default/events';

test('counts events, repetitions, stubs, requests and refusals', async () => {
  const { key } = server;
  const before = await scrape();
  const event = (id: string, message: string): string => `{"id":"${id}","action":"x","actor":{"type":"user","id":"u"},"message":"${message}"}`;
  const append = (body: string): Promise<number> =>
    server.send('POST', path, { key: key.writer, body, headers: { 'content-type': 'application/x-ndjson' } }).then(({ status }) => status);
  expect(await append(`${event('a', 'one')}\n${event('b', 'two')}\n${event('c', '\\ud800')}\n`)).toBe(201);
  expect(await append(event('a', 'one'))).toBe(201);
  expect(await append(event('a', 'other'))).toBe(409);
  expect(await append('')).toBe(400);
  expect((await server.send('GET', path, { key: key.writer })).status).toBe(403);
  expect((await server.send('GET', '/jane@example.com', {})).status).toBe(404);
  const after = await scrape();
  const grown = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  expect(grown('veiltrail_events_accepted_total')).toBe(3);
  expect(grown('veiltrail_events_duplicate_total')).toBe(1);
  expect(grown('veiltrail_events_stub_total{reason="json_lone_surrogate"}')).toBe(1);
  const requests = (method: string, route: string, status: string): number =>
    grown(`veiltrail_http_requests_total{method="${method}",route="${route}",status="${status}"}`);
  expect(requests('POST', '/api/v1/logs/:log/events', '2xx')).toBe(2);
  expect(requests('POST', '/api/v1/logs/:log/events', '4xx')).toBe(2);
  expect(requests('GET', '/api/v1/logs/:log/events', '4xx')).toBe(1);
  expect(requests('', '', '4xx')).toBe(1);
  for (const code of ['id_conflict', 'batch_empty', 'forbidden', 'not_found'])
    expect(grown(`veiltrail_requests_refused_total{code="${code}"}`)).toBe(1);
  expect(after.get('veiltrail_log_tree_size{log="default"}')).toBe(3);
  const checkpointAt = after.get('veiltrail_log_checkpoint_timestamp_seconds{log="default"}') as number;
  expect(Math.abs(Date.now() / 1_000 - checkpointAt)).toBeLessThan(60);
  // What the server itself has to tell may be on its way.
  await expect.poll(async () => (await scrape()).get('veiltrail_waiting_bytes')).toBe(0);
  expect([...after.keys()]).toContainEqual(expect.stringMatching(/^veiltrail_policy_info\{policy="default@1#[0-9a-f]+"\}$/));
  expect(after.get('process_resident_memory_bytes')).toBeGreaterThan(1e7);
  expect(after.get('process_cpu_seconds_total')).toBeGreaterThan(before.get('process_cpu_seconds_total') as number);
  expect([...after.keys()].join('\n')).not.toContain('jane');
});

test('counts what an alerting tool selects: reveals, refusals, approvals that were refused, guessing; each is an event with a severity', async () => {
  const { key, send } = server;
  const post = (to: string, by: string, body: object): Promise<unknown> => send('POST', to, { key: by, body: JSON.stringify(body) });
  const body = '{"action":"x","actor":{"type":"user","email":"jane@example.com"}}';
  const { leafIndex } = ((await send('POST', path, { key: key.writer, body })).json as { receipts: { leafIndex: number }[] }).receipts[0] as {
    leafIndex: number;
  };
  const token = /tok_[\w-]{27}/.exec((await send('GET', `${path}/${leafIndex}`, { key: key.reader })).text)?.[0];
  await post('/api/v1/tokens/reveal', key.investigator, { token });
  await post('/api/v1/tokens/reveal', key.investigator, { token, purpose: 'a case', reference: 'C-1' });
  const someone = 'a'.repeat(26);
  const approval = { request: `r_${someone}`, digest: '0'.repeat(64), decision: 'approve', approver: `a_${someone}`, time: '2026-01-01T00:00:00.000Z', kind: 'ed25519', publicKey: `${'A'.repeat(43)}=`, signature: `${'A'.repeat(86)}==` }; // prettier-ignore
  await post(`/api/v1/requests/r_${someone}/approve`, key.approver, { approval });
  await post('/api/v1/backups', key.operator, { parts: ['state'] });
  for (let i = 0; i < 25; i++) await send('GET', path, { key: 'vt_reader_guessed' });
  await server.trail.access.flush();
  const counts = await scrape();
  const told = (action: string, outcome: string, severity: number): number | undefined =>
    counts.get(`veiltrail_system_events_total{action="${action}",outcome="${outcome}",severity="${severity}"}`);
  expect(told('token.reveal', 'success', 4)).toBe(1);
  expect(told('token.reveal', 'denied', 3)).toBe(1);
  expect(told('request.approve', 'denied', 4)).toBe(1);
  expect(told('backup.make', 'success', 3)).toBe(1);
  expect(told('auth.fail', 'failure', 4)).toBeGreaterThanOrEqual(25);
  const found = await server.trail.search('_system', { q: 'action:auth.fail severity:4', limit: 5 });
  expect(found.events).not.toEqual([]);
});

test('the page about metrics is what scripts/generate-metrics-page.ts writes', () => {
  expect(readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8')).toBe(metricsPage());
});

test('says how far the index is behind', async () => {
  await server.trail.append({ log: 'default', principal: 'test', body: Buffer.from('{"message":"m"}'), format: 'json' });
  const behind = async (): Promise<number | undefined> => (await scrape()).get('veiltrail_index_behind_leaves{log="default"}');
  expect(await behind()).toBeLessThanOrEqual((await scrape()).get('veiltrail_log_tree_size{log="default"}') as number);
  await expect.poll(behind).toBe(0);
});

test('a client that goes away before its answer is no status', async () => {
  const request = `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.key.writer}\r\ncontent-length: 100\r\n\r\n{`;
  const seen = once(server.app.server, 'request');
  await sendRaw(server.port, [request, () => seen], { leaves: true });
  const name = 'veiltrail_http_requests_total{method="POST",route="/api/v1/logs/:log/events",status="none"}';
  await expect.poll(async () => (await scrape()).get(name)).toBe(1);
});
