/** A server that is started or stopped while a directory is verified is no damage, and hides none. */
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { VerifyReport } from '../../src/app/verify-log.ts';
import { openTrail } from '../../src/server/compose.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';
import { serve, temporaryDirectory } from '../e2e/product.ts';

const leaves = 250;

/** A stopped directory whose log ends six leaves before its first tile is full. */
async function stopped(): Promise<string> {
  const dataDir = join(temporaryDirectory(), 'data');
  const trail = await openTrail({ dataDir, workers: 1 });
  await trail.createLog('default');
  const body = Buffer.from('{"message":"m"}\n'.repeat(leaves));
  await trail.append({ log: 'default', principal: 'test', body, format: 'ndjson' });
  await trail.close();
  return dataDir;
}

/** Verifies, and has something done in the middle of the first attempt: entries were read, files are being listed. */
async function verifyWhile(dataDir: string, meanwhile: () => Promise<void>): Promise<VerifyReport> {
  let done: Promise<void> | undefined;
  return verifyStoredLog(dataDir, { log: 'default', others: true, pace: () => (done ??= meanwhile()) });
}

async function send(url: string, key: string, events: number): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' };
  const answer = await fetch(`${url}/api/v1/logs/default/events`, { method: 'POST', headers, body: '{"message":"m"}\n'.repeat(events) });
  expect(answer.status, await answer.clone().text()).toBeLessThan(300);
}

test.each([
  ['one event, in a tile of another width', 1],
  ['as many as fill the tile', 12],
])('a server is started and takes %s', async (_, events) => {
  const dataDir = await stopped();
  const report = await verifyWhile(dataDir, async () => {
    const served = await serve(dataDir);
    await send(served.url, served.key('writer'), events);
  });
  expect(report.problems).toEqual([]);
  expect([report.ok, report.treeSize]).toEqual([true, leaves + events]);
});

test('a server is started, takes an event and is gone again before anybody looks; damage is found nevertheless', async () => {
  const dataDir = await stopped();
  const runs = async (): Promise<void> => {
    const served = await serve(dataDir);
    await send(served.url, served.key('writer'), 1);
    await served.stop();
  };
  const report = await verifyWhile(dataDir, runs);
  expect(report.problems).toEqual([]);
  expect([report.ok, report.treeSize]).toEqual([true, leaves + 1]);

  const tile = join(dataDir, `logs/default/tile/entries/000.p/${leaves + 1}`);
  const bytes = readFileSync(tile);
  bytes[40] = (bytes[40] as number) ^ 1;
  writeFileSync(tile, bytes);
  // Whoever writes to the records all the time does not get rid of what is found.
  let attempts = 0;
  const wrong = await verifyStoredLog(dataDir, {
    log: 'default',
    onCheckpoint() {
      attempts++;
      const { atime } = statSync(join(dataDir, 'records.db'));
      utimesSync(join(dataDir, 'records.db'), atime, new Date(attempts * 1_000));
    },
  });
  expect(attempts).toBe(3);
  expect([wrong.ok, wrong.firstBadLeaf]).toEqual([false, 0]);
  expect(wrong.notices).toEqual([expect.stringContaining('each of the 3 times')]);
});
