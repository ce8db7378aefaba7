/** What an S3 service's answer is worth: headers that the one of `bucket.test.ts` gives only now and then. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AnchorCheck } from '../../src/anchor/anchor.ts';
import { createBucketTarget } from '../../src/anchor/bucket-anchor.ts';
import { keyOfCheckpoint } from '../../src/anchor/bucket-log.ts';
import { systemClock } from '../../src/core/clock.ts';
import { anchored as checkpoint } from '../verify/quoted-evidence.ts';

const key = keyOfCheckpoint('prod', 'log', 1);
const whole = '"d41d8cd98f00b204e9800998ecf8427e"';
const time = '2025-01-01T00:00:00.000Z';
const asked: (string | undefined)[] = [];
let etag: string | undefined;
let server: Server;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(200, {
      'last-modified': new Date(time).toUTCString(),
      'x-amz-object-lock-mode': 'COMPLIANCE',
      'x-amz-object-lock-retain-until-date': '2999-01-01T00:00:00Z',
      ...(etag === undefined ? {} : { etag }),
    });
    response.end(JSON.stringify({ checkpoint }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

function check(proof: { key?: string; versionId?: string }, size = 1): Promise<AnchorCheck> {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const place = { name: 's3', endpoint, region: 'us-east-1', bucket: 'audit', accessKeyId: 'a', secretAccessKey: 'b', prefix: 'prod' };
  const target = createBucketTarget(
    { ...place, everyMs: 1, mode: 'COMPLIANCE', retainDays: 1, legalHold: false, segments: false },
    { clock: systemClock, tiles: { read: () => Promise.resolve(undefined) }, newest: () => Promise.resolve(undefined) },
  );
  const anchored = { log: 'log', origin: 'example.com/log', treeSize: size, checkpoint, madeAt: time };
  return target.check({ ...anchored, kind: 's3', target: 's3', proof: { key, versionId: 'v1', ...proof } });
}

test('it was there by its time only where it came whole, and not before it only where nobody could know the name of the version', async () => {
  etag = whole;
  const detail = `in bucket audit since ${time}, COMPLIANCE until 2999-01-01T00:00:00Z`;
  expect(await check({})).toEqual({ ok: true, detail, provedAt: time, notBefore: time });
  expect(await check({ versionId: 'null' })).toEqual({ ok: true, detail, provedAt: time });
  for (const parts of ['"d41d8cd98f00b204e9800998ecf8427e-1"', 'd41d8cd98f00b204e9800998ecf8427e-10000', undefined]) {
    etag = parts;
    const said = await check({});
    expect(said, parts).toEqual({ ok: true, detail: expect.stringContaining('in parts'), notBefore: time });
  }
});

test('only what stands where this target keeps a checkpoint of this size is asked for; else nothing is known, which is no success', async () => {
  etag = whole;
  asked.length = 0;
  expect(await check({})).toMatchObject({ ok: true });
  expect(asked).toEqual([`/audit/${key}?versionId=v1`]);
  for (const proof of [{ key: 'any/key' }, { key: keyOfCheckpoint('other', 'log', 1) }, { key: keyOfCheckpoint('prod', 'other', 1) }])
    await expect(check(proof)).rejects.toMatchObject({ code: 'anchor_failed', message: expect.stringContaining('not where this target keeps it') });
  await expect(check({}, 2)).rejects.toMatchObject({ code: 'anchor_failed' });
  expect(asked).toHaveLength(1);
});
