/** An engine on a disk that refuses, a log that refuses, and a book that is full or damaged: nothing is lost, nothing is told twice. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import { AlertBook } from '../../src/alerts/alert-book.ts';
import { AlertEngine, type AlertEngineParts } from '../../src/alerts/alert-engine.ts';
import { leafReceivedAt } from '../../src/alerts/leaf-received-at.ts';
import type { AlertRule } from '../../src/alerts/rule.ts';
import type { Finding } from '../../src/alerts/rule-watch.ts';
import { concatBytes } from '../../src/core/bytes.ts';
import { VeiltrailError } from '../../src/core/errors.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { systemRandom } from '../../src/core/random.ts';
import { packedBytesMax, packRecord } from '../../src/log/packed-record.ts';
import { flattenRecord } from '../../src/log/record.ts';
import type { FollowSource } from '../../src/search/follow-log.ts';
import type { AlertStore } from '../../src/storage/alert-store.ts';
import { openSqliteAlertStore } from '../../src/storage/sqlite/alert-store.ts';
import { createTextSealer } from '../../src/vault/sealed-text.ts';
import { directory, rule, watching } from './alerting-trail.ts';

const each = rule({ name: 'each', q: 'action:x', logs: ['a'] });
const secrets = [{ version: 1, key: new Uint8Array(32).fill(7) }];

/** Records of one log in memory, one chunk each. */
class Records {
  readonly all: { ms: number; packed: Uint8Array }[] = [];

  add(ms: number, record: JsonObject): void {
    const fields = flattenRecord(record);
    const out = new Uint8Array(packedBytesMax(fields));
    this.all.push({ ms, packed: out.slice(0, packRecord(out, 0, new Uint8Array(32), fields)) });
  }

  get source(): FollowSource {
    return {
      openFrom: async (log, leafIndex) => {
        const found = log === 'a' ? this.all[leafIndex] : undefined;
        if (!found) return undefined;
        const content = { offsets: Uint32Array.of(0, found.packed.length), records: concatBytes(found.packed) };
        return { firstLeaf: leafIndex, count: 1, receivedAtMs: found.ms, content };
      },
    };
  }
}

function storeIn(): { path: string; open: () => AlertStore } {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-alert-store-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'alerts.db');
  return { path, open: () => openSqliteAlertStore(path) };
}

const bookOn = (store: AlertStore, max?: number): AlertBook => new AlertBook(store, createTextSealer(secrets, 'alerts', systemRandom), max);

interface Running {
  engine: AlertEngine;
  records: Records;
  told: string[];
  errors: string[];
}

function engineOn(
  book: AlertBook,
  rules: readonly AlertRule[],
  records: Records,
  tell?: (id: string, told: string[]) => Promise<number>,
  more: Partial<AlertEngineParts> = {},
): Running {
  const told: string[] = [];
  const errors: string[] = [];
  const engine = new AlertEngine({
    book,
    rules,
    source: records.source,
    systemLog: '_system',
    logs: () => [{ log: 'a', treeSize: records.all.length }],
    tell: async ({ id, action }) => {
      if (action !== 'alert.raise') return 0;
      if (tell) return tell(id, told);
      told.push(id);
      return told.length - 1;
    },
    clock: { now: () => 0 },
    onError: (error) => errors.push((error as VeiltrailError).code),
    retryMs: 5,
    ...more,
  });
  return { engine, records, told, errors };
}

function grow({ engine, records }: Running, count: number): void {
  for (let i = 0; i < count; i++) records.add(1_000 * records.all.length, { action: 'x' });
  engine.published('a', records.all.length);
}

test('a disk that refuses for a while, before or after it wrote: each alert once', async () => {
  const { open } = storeIn();
  const store = open();
  const commit = store.commit.bind(store);
  const refusals: ('before' | 'after')[] = [];
  store.commit = (change) => {
    const how = change.put ? refusals.shift() : undefined;
    if (how === 'before') throw new VeiltrailError('disk_full', 'the disk is full');
    commit(change);
    if (how === 'after') throw new VeiltrailError('disk_full', 'the disk is full');
  };
  const book = bookOn(store);
  const running = engineOn(book, [each], new Records());
  await running.engine.start();
  refusals.push('before', 'before', 'after', 'before', 'after');
  grow(running, 3);
  await running.engine.idle();
  expect(refusals).toEqual([]);
  expect(running.errors).toEqual(['disk_full', 'disk_full', 'disk_full', 'disk_full', 'disk_full']);
  expect(book.list().map(({ leaves }) => leaves)).toEqual([[2], [1], [0]]);
  expect(running.told).toHaveLength(3);
  expect(new Set(running.told)).toEqual(new Set(book.list().map(({ id }) => id)));
  await running.engine.close();
  book.close();
});

test('a log that takes nothing for a while is told under the same id until it does', async () => {
  const { open } = storeIn();
  const book = bookOn(open());
  const asked: string[] = [];
  const running = engineOn(book, [each], new Records(), async (id) => {
    asked.push(id);
    if (asked.length < 4) throw new VeiltrailError('history_forked', 'stopped');
    return 17;
  });
  await running.engine.start();
  grow(running, 1);
  await running.engine.idle();
  const [alert] = book.list();
  expect(new Set(asked)).toEqual(new Set([alert?.id]));
  expect(alert?.toldLeaf).toBe(17);
  await running.engine.close();
  book.close();
});

test('closed while the disk refuses, the next start finds the same', async () => {
  const { open } = storeIn();
  const store = open();
  const commit = store.commit.bind(store);
  let isFull = false;
  store.commit = (change) => {
    if (isFull) throw new VeiltrailError('disk_full', 'the disk is full');
    commit(change);
  };
  const counted = { ...each, count: 2, withinMs: 60_000, quietMs: 60_000 };
  const running = engineOn(bookOn(store), [counted], new Records());
  await running.engine.start();
  isFull = true;
  grow(running, 3);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await running.engine.close();
  expect(running.told).toEqual([]);
  store.close();
  const book = bookOn(open());
  const again = engineOn(book, [counted], running.records);
  await again.engine.start();
  await again.engine.idle();
  expect(book.list().map(({ leaves, count }) => [leaves, count])).toEqual([[[0, 1, 2], 3]]);
  expect(again.told).toHaveLength(1);
  await again.engine.close();
  book.close();
});

test('what cannot be read for a moment at the start is read again, and ends nothing', async () => {
  const { open } = storeIn();
  const store = open();
  const counted = { ...each, count: 2, withinMs: 60_000 };
  const running = engineOn(bookOn(store), [counted], new Records());
  await running.engine.start();
  grow(running, 1);
  await running.engine.idle();
  await running.engine.close();
  store.close();
  const asked: string[] = [];
  const fatal: Error[] = [];
  const source: FollowSource = {
    async openFrom(log, leafIndex) {
      asked.push(log);
      if (asked.length <= 2) throw new VeiltrailError('storage_busy', 'busy for a moment');
      return running.records.source.openFrom(log, leafIndex);
    },
  };
  const more = { source, onFatal: (error: Error) => fatal.push(error) };
  const book = bookOn(open());
  const again = engineOn(book, [counted], running.records, undefined, more);
  await again.engine.start();
  grow(again, 1);
  await again.engine.idle();
  // The record of before was read again, and counts.
  expect(book.list().map(({ leaves }) => leaves)).toEqual([[0, 1]]);
  await again.engine.close();
  book.close();
  // A book that is new looks where in its own log yesterday begins.
  const lost = bookOn(storeIn().open());
  asked.length = 0;
  const logs = (): { log: string; treeSize: number }[] => [{ log: '_system', treeSize: 5 }];
  const third = engineOn(lost, [counted], running.records, undefined, { ...more, logs });
  await third.engine.start();
  expect(asked.slice(0, 3)).toEqual(['_system', '_system', '_system']);
  expect(lost.fact('begun')).toBe('5');
  await third.engine.close();
  lost.close();
  expect(fatal).toEqual([]);
});

test('a log that cannot be noted down ends the process in order, and throws nothing at whoever tells of it', async () => {
  const store = storeIn().open();
  const damaged = new VeiltrailError('storage_failed', 'the storage failed');
  const commit = store.commit.bind(store);
  store.commit = (change) => {
    if (change.cursors?.some(({ log }) => log === 'a')) throw damaged;
    commit(change);
  };
  const book = bookOn(store);
  const fatal: Error[] = [];
  const { engine } = engineOn(book, [each], new Records(), undefined, { logs: () => [], onFatal: (error) => fatal.push(error) });
  await engine.start();
  engine.published('a', 1);
  expect(fatal).toEqual([damaged]);
  await engine.close();
  book.close();
});

const whoever = { ...each, by: '/who', quietMs: 3_600_000 };

test('an alert that is erased keeps nobody quiet: what comes of its group is raised', async () => {
  const { open } = storeIn();
  const book = bookOn(open());
  const running = engineOn(
    book,
    [
      { ...each, quietMs: 3_600_000 },
      { ...whoever, name: 'whoever' },
    ],
    new Records(),
  );
  const found = (): unknown[] =>
    book
      .list()
      .map(({ rule: of, leaves, count }) => [of, leaves, count])
      .toSorted((one, other) => String(one).localeCompare(String(other)));
  const come = async (): Promise<void> => {
    running.records.add(running.records.all.length, { action: 'x', who: 'w' });
    running.engine.published('a', running.records.all.length);
    await running.engine.idle();
  };
  const nothing = (): boolean => false;
  await running.engine.start();
  await come();
  await come();
  expect(found()).toEqual([
    ['each', [0, 1], 2],
    ['whoever', [0, 1], 2],
  ]);
  // Which of the records the group was read from is not known: it goes, and with it what was quiet.
  running.engine.forget({ log: 'a', isRemoved: nothing, isRedacted: (leaf) => leaf === 0, tokens: [] });
  await come();
  expect(found()).toEqual([
    ['each', [0, 1, 2], 3],
    ['whoever', [0, 1], 2],
    ['whoever', [2], 1],
  ]);
  running.engine.forget({ log: 'a', isRemoved: (leaf) => leaf < 3, isRedacted: nothing, tokens: [] });
  expect(found()).toEqual([]);
  await come();
  expect(found()).toEqual([
    ['each', [3], 1],
    ['whoever', [3], 1],
  ]);
  await running.engine.close();
  book.close();
});

test('a rule that has raised too many raises again when those are erased', async () => {
  const book = bookOn(storeIn().open());
  const running = engineOn(book, [each], new Records());
  await running.engine.start();
  for (let i = 0; i < 120; i++) running.records.add(0, { action: 'x' });
  running.engine.published('a', 120);
  await running.engine.idle();
  expect(book.list()).toHaveLength(100);
  running.engine.forget({ log: 'a', isRemoved: () => true, isRedacted: () => false, tokens: [] });
  running.records.add(0, { action: 'x' });
  running.engine.published('a', 121);
  await running.engine.idle();
  expect(book.list().map(({ leaves }) => leaves)).toEqual([[120]]);
  await running.engine.close();
  book.close();
});

test('what is erased while an alert waits for the disk is not in it when the disk takes it', async () => {
  const token = `tok_${'a'.repeat(27)}`;
  const store = storeIn().open();
  const commit = store.commit.bind(store);
  let isFull = true;
  store.commit = (change) => {
    if (isFull && change.put) throw new VeiltrailError('disk_full', 'the disk is full');
    commit(change);
  };
  const book = bookOn(store);
  const running = engineOn(
    book,
    [
      { ...whoever, count: 3, withinMs: 60_000 },
      { ...each, name: 'single' },
    ],
    new Records(),
  );
  await running.engine.start();
  for (let i = 0; i < 3; i++) running.records.add(i, { action: 'x', who: token });
  running.engine.published('a', 3);
  await expect.poll(() => running.errors.length, { interval: 5 }).toBeGreaterThan(0);
  running.engine.forget({ log: 'a', isRemoved: (leaf) => leaf === 0, isRedacted: () => false, tokens: [] });
  running.engine.forget({ log: 'other', isRemoved: () => true, isRedacted: () => true, tokens: [token] });
  isFull = false;
  await running.engine.idle();
  const found = book.list().map(({ rule: of, leaves, group }) => [of, leaves, group]);
  expect(found.toSorted((one, other) => String(one).localeCompare(String(other)))).toEqual([
    ['each', [1, 2], ''],
    ['single', [1], ''],
    ['single', [2], ''],
  ]);
  await running.engine.close();
  book.close();
});

test('a full book lets those go first that somebody has dealt with, and none that nobody was told of', () => {
  const { open } = storeIn();
  const book = bookOn(open(), 3);
  const find = (leafIndex: number): Finding => ({
    rule: each,
    log: 'a',
    group: '',
    leafIndex,
    receivedAtMs: leafIndex,
    actors: [],
    raises: { leaves: [leafIndex], sinceMs: leafIndex },
  });
  const idOf = (leaf: number): string => book.idOf('each', 'a', leaf);
  const leaves = (): number[] => book.list().flatMap((alert: Alert) => alert.leaves);
  const raise = (leaf: number): void => book.take([find(leaf)], { log: 'a', next: leaf + 1, rulesFrom: 0 });
  for (const leaf of [0, 1, 2]) raise(leaf);
  for (const leaf of [0, 1, 2]) book.told(idOf(leaf), leaf);
  book.acknowledge(idOf(1), { by: 'key:x', atMs: 5 });
  raise(3);
  expect(leaves()).toEqual([3, 2, 0]);
  raise(4);
  expect(leaves()).toEqual([4, 3, 2]);
  book.told(idOf(3), 3);
  raise(5);
  raise(6);
  expect(leaves()).toEqual([6, 5, 4]);
  raise(7);
  expect(leaves()).toEqual([7, 6, 5, 4]);
  expect(bookReopened(book, open).list()).toHaveLength(4);
});

function bookReopened(book: AlertBook, open: () => AlertStore): AlertBook {
  book.close();
  const again = bookOn(open(), 3);
  onTestFinished(() => again.close());
  return again;
}

test('where a time begins in a log is found by halving', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(5), { maxLength: 40 }), fc.nat(120), async (steps, ms) => {
      const records = new Records();
      let at = 0;
      for (const step of steps) records.add((at += step), { action: 'x' });
      const wanted = records.all.findIndex((one) => one.ms >= ms);
      expect(await leafReceivedAt(records.source, 'a', records.all.length, ms)).toBe(wanted < 0 ? records.all.length : wanted);
    }),
  );
});

test('a file of alerts that is damaged is begun anew, and that is on record', async () => {
  const dataDir = directory();
  let trail = await watching(dataDir);
  await trail.access.write({ action: 'hold.lift', principal: 'someofficerx', outcome: 'success', severity: 4 });
  await trail.alertsIdle();
  const [before] = trail.alerts.list();
  await trail.close();
  writeFileSync(join(dataDir, 'alerts.db'), 'no database');
  trail = await watching(dataDir);
  await trail.alertsIdle();
  expect(trail.alerts.list().map(({ id }) => id)).toEqual([before?.id]);
  expect((await trail.search('_system', { q: 'action:alert.raise' })).events).toHaveLength(1);
  expect((await trail.search('_system', { q: 'action:alert.follow severity:4' })).events).toHaveLength(1);
  await trail.close();
});
