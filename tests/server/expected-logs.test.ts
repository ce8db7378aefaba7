/** A log that somebody took away is missed, by whatever still knows of it: its key, what was verified before. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, expect, test } from 'vitest';
import { VerifyState } from '../../src/cli/verify-state.ts';
import { verifyOnwards } from '../../src/cli/verify-watch.ts';
import { openTrail } from '../../src/server/compose.ts';
import { runSelfVerification } from '../../src/server/self-verify-pass.ts';
import { listExpectedLogs } from '../../src/server/stored-logs.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';
import { temporaryDirectory } from '../e2e/product.ts';

let dir: string;
let data: string;
let resume: string;
beforeEach(async () => {
  dir = temporaryDirectory();
  data = join(dir, 'data');
  resume = join(dir, 'state.json');
  const trail = await openTrail({ dataDir: data, workers: 1 });
  await trail.createLog('default');
  await trail.createLog('other');
  await trail.close();
});

const onwards = async (): Promise<string[][]> =>
  (await verifyOnwards({ where: data, isDataDir: true, verify: {}, resume })).map(({ problems }) => problems.map(({ code }) => code));
const byItself = async (): Promise<(string | undefined)[][]> =>
  (await runSelfVerification({ dataDir: data, kind: 'new', share: 100 })).problems.map(({ log, code }) => [log, code]);

test('a log that is gone from the records, then from the keyring, is a finding of every look', async () => {
  expect(await listExpectedLogs(data, [])).toEqual(['default', 'other']);
  expect(await onwards()).toEqual([[], []]);
  expect(VerifyState.open(resume).logs().toSorted()).toEqual(['default', 'other']);
  expect(await byItself()).toEqual([]);
  const { ok, notChecked, steps } = await verifyStoredLog(data, { log: 'default', pace: () => Promise.resolve() });
  expect([ok, steps.map(({ detail }) => detail), notChecked]).toEqual([
    true,
    expect.arrayContaining(['SQLite finds each table of its files in order']),
    expect.arrayContaining([expect.stringContaining('in no table, or in two')]),
  ]);

  const records = new DatabaseSync(join(data, 'records.db'));
  records.exec("PRAGMA foreign_keys=OFF; DELETE FROM logs WHERE name = 'default'");
  records.close();
  rmSync(join(data, 'logs/default'), { recursive: true });
  expect((await onwards())[0]).toEqual(['log_unknown']);
  expect(await byItself()).toEqual([['default', 'log_unknown']]);
  expect(await listExpectedLogs(data, [])).toEqual(['default', 'other']);

  // The keys go, too: those who verified it before know of it, each time again.
  for (const file of ['default.signing-key', 'default.vkey']) renameSync(join(data, 'keys', file), join(dir, file));
  expect(await listExpectedLogs(data, [])).toEqual(['other']);
  for (let i = 0; i < 2; i++) {
    expect((await onwards())[0]).toEqual(['log_unknown']);
    expect(await byItself()).toContainEqual(['default', 'log_unknown']);
  }
  // What cannot be read takes no log with it.
  writeFileSync(join(data, 'records.db'), readFileSync(join(data, 'policy.yaml')));
  rmSync(join(data, 'keys/keyring'));
  expect(await listExpectedLogs(data, ['other'])).toEqual(['other']);
  expect(await listExpectedLogs(data, [])).toEqual(['default']);
  expect((await onwards()).every((codes) => codes.length > 0)).toBe(true);
});
