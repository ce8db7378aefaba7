/** Lanes on real records, without a thread: what is damaged, what fails to be read, what nobody asked for. */
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { VeiltrailError } from '../../src/core/errors.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { hasCursors, listCursors, makeCursors, openCursor, readCursor } from '../../src/forward/cursor-file.ts';
import { type ForwarderRun, Forwarding } from '../../src/forward/forwarding.ts';
import type { LaneFigures } from '../../src/forward/lane.ts';
import { parseForwarderSetting } from '../../src/forward/setting.ts';
import { RecordReader } from '../../src/ledger/reader.ts';
import { openSqliteRecordSource } from '../../src/storage/sqlite/record-source.ts';
import { bucketKeys, pack, TestRecords } from '../search/records.ts';
import { leafOf, linesOf, receiveHttp, until } from './receivers.ts';

test('what is damaged is counted and passed over; what cannot be read now is read again; what does not match moves the cursor', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'forward-lanes-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const records = new TestRecords(join(dir, 'records.db'));
  for (const log of ['a', 'b']) await records.createLog(log);
  await records.append('a', [pack({ n: 0 }), pack({ n: 1 })]);
  await records.append('a', [pack({ n: 2 }), pack({ n: 3 }), pack({ n: 4 })]);
  const sizeA = await records.append('a', [Uint8Array.of(9, 9), pack({ n: 6, severity: 5 })]);
  const sizeB = await records.append('b', [pack({ action: 'x' }), pack({ action: 'y' })]);
  records.tamper('UPDATE chunks SET sealed = zeroblob(length(sealed)) WHERE first_leaf = ?', 2);
  const source = openSqliteRecordSource(records.path);
  const reader = new RecordReader(source, bucketKeys);
  let isRefusing = true;
  const cursorsPath = join(dir, 'forwarders');
  const forwarding = new Forwarding({
    reader: {
      async openFrom(log, leafIndex) {
        if (isRefusing && log === 'a') throw new VeiltrailError('storage_failed', 'the disk failed');
        return reader.openFrom(log, leafIndex);
      },
    },
    cursorsPath,
    secrets: {},
    filesPath: dir,
    clock: systemClock,
    onRefused: () => expect.unreachable(),
    backOff: { waitMs: 5, waitMsMax: 10 },
  });
  const run = (id: string, query: string, treeSizes: Record<string, number>): ForwarderRun => ({
    id,
    setting: parseForwarderSetting({ name: id, logs: Object.keys(treeSizes), query, destination: { kind: 'file', file: `${id}.ndjson` } }),
    logs: Object.entries(treeSizes).map(([log, treeSize]) => ({ log, origin: `test.example/${log}`, treeSize, start: 0 })),
  });
  const lane = (id: string, log: string): LaneFigures | undefined => forwarding.figures()[id]?.find((one) => one.log === log);
  makeCursors(cursorsPath, 'all');
  makeCursors(cursorsPath, 'none');
  forwarding.run(run('all', '', { a: sizeA, b: sizeB }));
  forwarding.run(run('none', 'action:nothing', { b: sizeB }));
  forwarding.run(run('none', '', { b: sizeB })); // it runs already
  await until(() => (lane('all', 'a')?.failures ?? 0) > 1);
  expect(lane('all', 'a')).toMatchObject({ next: 0, behind: 7, sent: 0, failing: 'storage_failed' });
  expect(lane('all', 'a')?.lagSeconds).toBeGreaterThan(0);
  await until(() => lane('all', 'b')?.behind === 0);
  isRefusing = false;
  await until(() => lane('all', 'a')?.behind === 0);
  expect(lane('all', 'a')).toMatchObject({ next: 7, sent: 3, unreadable: 4, lagSeconds: 0 });
  expect(lane('all', 'a')).not.toHaveProperty('failing');
  // Both logs, in one file, whole lines.
  const leaves = (log: string): number[] =>
    linesOf(readFileSync(join(dir, 'all.ndjson'), 'utf8'))
      .filter((item: JsonObject) => item['log'] === log)
      .map(leafOf);
  expect([leaves('a'), leaves('b')]).toEqual([
    [0, 1, 6],
    [0, 1],
  ]);
  await until(() => lane('none', 'b')?.behind === 0);
  expect(readCursor(cursorsPath, 'none', 'b')).toBeUndefined();
  await forwarding.drop('none');
  expect(readCursor(cursorsPath, 'none', 'b')).toBe(2);
  expect(Object.keys(forwarding.figures())).toEqual(['all']);
  await forwarding.close();
  expect(readCursor(cursorsPath, 'all', 'a')).toBe(7);
  await source.close();
  await records.close();
});

test('an erasure ends what a forwarder that is being dropped still sends', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'forward-lanes-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const records = new TestRecords(join(dir, 'records.db'));
  await records.createLog('a');
  const treeSize = await records.append('a', [pack({ n: 0 })]);
  const source = openSqliteRecordSource(records.path);
  const receiver = await receiveHttp();
  receiver.answer = { status: 200, afterMs: 60_000 };
  const cursorsPath = join(dir, 'forwarders');
  const forwarding = new Forwarding({
    reader: new RecordReader(source, bucketKeys),
    cursorsPath,
    secrets: {},
    clock: systemClock,
    onRefused: () => expect.unreachable(),
  });
  makeCursors(cursorsPath, 'one');
  const destination = { kind: 'http', url: receiver.url, private: true, waitMs: 0 };
  const setting = parseForwarderSetting({ name: 'one', logs: ['a'], destination });
  forwarding.run({ id: 'one', setting, logs: [{ log: 'a', origin: 'test.example/a', treeSize, start: 0 }] });
  await receiver.had(1);
  // By itself it would have a second to end, which never is over here.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const dropped = forwarding.drop('one').then(() => 'ended');
  await forwarding.forget('a');
  expect(await Promise.race([dropped, sleep(60_000, 'under way', { ref: false })])).toBe('ended');
  vi.useRealTimers();
  await forwarding.close();
  await source.close();
  await records.close();
});

test('cursors that were copied count for nothing, and go when somebody begins anew there', () => {
  const dir = mkdtempSync(join(tmpdir(), 'forward-lanes-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const [own, copy, moved] = ['own', 'copy', 'moved'].map((name) => join(dir, name)) as [string, string, string];
  for (const id of ['a', 'b']) makeCursors(own, id);
  openCursor(own, 'a', 'default', 0).move(7);
  cpSync(own, copy, { recursive: true, preserveTimestamps: true });
  renameSync(own, moved);
  expect([hasCursors(moved, 'a'), hasCursors(copy, 'a'), hasCursors(copy, 'b')]).toEqual([true, false, false]);
  makeCursors(moved, 'a');
  expect(readCursor(moved, 'a', 'default')).toBe(7);
  makeCursors(copy, 'a');
  expect([listCursors(copy), hasCursors(copy, 'a'), readCursor(copy, 'a', 'default')]).toEqual([['a'], true, undefined]);
});
