/** Arweave: a transaction signed by a wallet of our own, and a gateway of which a proof asks for nothing but blocks. */
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { AnchorCheck, AnchorTarget } from '../../src/anchor/anchor.ts';
import { createArweaveTarget } from '../../src/anchor/arweave-anchor.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { anchored as checkpoint } from '../verify/quoted-evidence.ts';

const anchored = { log: 'log', origin: 'example.com/log', treeSize: 1, checkpoint };
const [older, newer] = ['a'.repeat(64), 'b'.repeat(64)];
const times: Record<string, number> = { [older]: 1_700_000_000, [newer]: 1_700_000_120 };
const asked: string[] = [];
let server: Server;
let target: AnchorTarget;
let proof: JsonObject;

/** What a gateway says of the one transaction that it keeps. */
function answerTo(path: string): { status?: number; body: string } {
  const block = /^\/block\/hash\/([^/]+)$/.exec(path)?.[1];
  if (block !== undefined) return times[block] === undefined ? { status: 404, body: '' } : { body: JSON.stringify({ timestamp: times[block] }) };
  if (path === '/tx_anchor') return { body: 'c'.repeat(64) };
  if (path.startsWith('/price/')) return { body: '1000' };
  if (path === '/info') return { body: JSON.stringify({ current: older }) };
  if (path === '/tx') return { body: 'OK' };
  if (path.endsWith('/status')) return { body: JSON.stringify({ block_height: 9, block_indep_hash: newer, number_of_confirmations: 1 }) };
  // Its data is asked for in chunks first.
  if (path.endsWith('/offset')) return { status: 404, body: '' };
  // Whatever else a path may lead to says a time as well.
  return { body: path === `/${proof['id'] as string}` ? checkpoint : JSON.stringify({ timestamp: 1_000_000_000 }) };
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    request.resume().on('end', () => {
      const { status = 200, body } = answerTo(path);
      response.writeHead(status, { 'content-type': body.startsWith('{') && path !== '/' ? 'application/json' : 'text/plain' }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // The library tells the console that there were no chunks.
  for (const method of ['error', 'warn'] as const) vi.spyOn(console, method).mockImplementation(() => undefined);
  const wallet = JSON.stringify(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }));
  const gateway = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  target = createArweaveTarget({ name: 'ar', everyMs: 1, gateway, wallet });
  proof = await target.put(anchored);
});
afterAll(async () => {
  vi.restoreAllMocks();
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
});

function check(change: JsonObject = {}, text = checkpoint): Promise<AnchorCheck> {
  const anchor = { ...anchored, checkpoint: text, kind: 'arweave', target: 'ar', madeAt: '2026-01-01T00:00:00.000Z' } as const;
  return target.check({ ...anchor, proof: { ...proof, ...change } });
}

test('it is bounded by the block that was newest when it was given away, and by the one that has it', async () => {
  expect(proof).toMatchObject({ block: older });
  expect(await check()).toMatchObject({ ok: true, notBefore: '2023-11-14T22:13:20.000Z', provedAt: '2023-11-14T22:15:20.000Z' });
  expect(await check({}, checkpoint.replace('example', 'exemple'))).toMatchObject({ ok: false });
  expect(await check({ id: 'd'.repeat(43) })).toMatchObject({ ok: false });
});

test('what is no block’s name is not asked for, and bounds nothing', async () => {
  for (const block of ['..', '.', '', 'a/b', 'x'.repeat(42), 'x'.repeat(65), `${'x'.repeat(43)}?`, 7, null]) {
    asked.length = 0;
    const said = await check({ block });
    expect(said, String(block)).toMatchObject({ ok: true });
    expect(said, String(block)).not.toHaveProperty('notBefore');
    expect(asked.filter((path) => !path.includes(proof['id'] as string))).toEqual([`/block/hash/${newer}`]);
  }
});
