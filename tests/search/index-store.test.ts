import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createBlinding } from '../../src/search/blind.ts';
import type { IndexableRecord } from '../../src/search/growing-partition.ts';
import { partitionLeaves } from '../../src/search/index-format.ts';
import { IndexReader } from '../../src/search/index-reader.ts';
import { IndexStore } from '../../src/search/index-store.ts';
import type { SearchIndex } from '../../src/search/index-view.ts';
import { parseQuery } from '../../src/search/query.ts';
import { eachValue } from '../../src/search/record-values.ts';
import { termsOfValue } from '../../src/search/terms.ts';
import { refusalOf } from '../log/refusal.ts';
import { pack } from './records.ts';

const indexKey = new Uint8Array(32).fill(3);
let dir: string;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'index-'));
  path = join(dir, 'index.db');
});
afterEach(() => rmSync(dir, { recursive: true }));

function recordsOf(from: number, to: number): IndexableRecord[] {
  return Array.from({ length: to - from }, (_, i) => ({
    leafIndex: from + i,
    receivedAtMs: 1_000 * (from + i),
    packed: pack({
      action: (from + i) % 2 === 0 ? 'even' : 'odd',
      id: `event-${from + i}`,
      message: `Something Secret happened to nr ${from + i}`,
    }),
  }));
}

function add(store: IndexStore, from: number, to: number, log = 'a'): void {
  store.add(log, `origin/${log}`, { from, to }, recordsOf(from, to));
}

/** Every byte of the index. */
const seen = (): string => ['', '-wal'].map((suffix) => (existsSync(path + suffix) ? readFileSync(path + suffix).toString('latin1') : '')).join('');

/** What a block of the first 400 records begins with, as its directory has it: the smallest of their terms. */
function firstTermIn(salt: Uint8Array): string {
  const blinding = createBlinding(indexKey, salt);
  const terms = new Set<number>();
  for (const { packed } of recordsOf(0, 400)) {
    eachValue(packed, ({ name }, text, hasWords) =>
      termsOfValue(name, text, hasWords, {
        word: (of, start, end) => terms.add(blinding.word(of.slice(start, end))),
        value: (of, value) => terms.add(blinding.value(of, value)),
      }),
    );
  }
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(Math.min(...terms));
  return bytes.toString('latin1');
}

/** The leaves that the index proposes, by partition; `undefined` where it shows no part. */
function candidates(index: SearchIndex, text: string, log = 'a', partition = 0): number[] | undefined {
  const part = index.parts(log, parseQuery(text)).get(partition);
  return part?.candidates(0, Number.MAX_SAFE_INTEGER, 100_000);
}

test('what was added is found, newest first, also after closing and opening', () => {
  let store = IndexStore.open(path, indexKey);
  expect(store.indexedTo('a')).toBe(0);
  expect(store.missing('a', 1_000)).toEqual({ from: 0, to: 1_000 });
  add(store, 0, 600);
  add(store, 600, 1_000);
  const check = (): void => {
    expect(store.indexedTo('a')).toBe(1_000);
    expect(store.missing('a', 1_000)).toBeUndefined();
    expect(store.missing('a', 1_001)).toEqual({ from: 1_000, to: 1_001 });
    expect(candidates(store, 'id:event-77')).toEqual([77]);
    expect(candidates(store, 'even')?.length).toBe(500);
    expect(candidates(store, 'even')?.[0]).toBe(998);
    expect(candidates(store, 'even odd')).toEqual([]);
    expect(candidates(store, '(even OR odd) secret')?.length).toBe(1_000);
  };
  check();
  store.close();
  store = IndexStore.open(path, indexKey);
  check();
  add(store, 1_000, 1_001);
  expect(store.indexedTo('a')).toBe(1_001);
  expect(candidates(store, 'nr')?.length).toBe(1_001);
  store.close();
});

test('the index narrows nothing down where terms cannot tell', () => {
  const store = IndexStore.open(path, indexKey);
  add(store, 0, 10);
  const narrows = (text: string): boolean | undefined => store.parts('a', parseQuery(text)).get(0)?.narrows;
  expect(['even', 'id:x', 'even -odd', 'even OR odd'].map(narrows)).toEqual([true, true, true, true]);
  expect(['', '-even', 'even OR -odd', '-even -odd'].map(narrows)).toEqual([false, false, false, false]);
  store.close();
});

test('blocks tell the time of their events', () => {
  const store = IndexStore.open(path, indexKey);
  add(store, 0, 300);
  add(store, 300, 600);
  const times = store.parts('a', parseQuery('')).get(0)?.times();
  expect([...(times?.minMs.subarray(0, 4) ?? [])]).toEqual([0, 256_000, 512_000, Number.NaN]);
  expect([...(times?.maxMs.subarray(0, 4) ?? [])]).toEqual([255_000, 511_000, 599_000, Number.NaN]);
  store.close();
});

test('no word, value or name of a field is in the bytes of the index', () => {
  const store = IndexStore.open(path, indexKey);
  add(store, 0, 400);
  const { salt } = store.partitions('a')[0] as { salt: Uint8Array };
  const firstTerm = firstTermIn(salt);
  const open = seen();
  store.close();
  for (const bytes of [open, seen()]) {
    for (const word of ['even', 'something', 'secret', 'Secret', 'happened', 'event-', 'message', 'action']) expect(bytes).not.toContain(word);
    // And it would be seen: the first term of the first block, blinded, is there.
    expect(bytes).toContain(firstTerm);
    expect(bytes).toContain('origin/a');
  }
});

test('partitions have keys of their own', () => {
  const store = IndexStore.open(path, indexKey);
  add(store, partitionLeaves - 2, partitionLeaves);
  add(store, partitionLeaves, partitionLeaves + 2);
  const [first, second] = store.partitions('a');
  expect(first?.salt).not.toEqual(second?.salt);
  expect(first?.seal).not.toBeNull();
  expect(second?.seal).toBeNull();
  expect(candidates(store, 'even', 'a', 0)).toEqual([partitionLeaves - 2]);
  expect(candidates(store, 'even', 'a', 1)).toEqual([partitionLeaves]);
  expect(store.missing('a', partitionLeaves + 2)).toBeUndefined();
  expect(store.missing('a', partitionLeaves + 3)).toEqual({ from: partitionLeaves + 2, to: partitionLeaves + 3 });
  store.forget('a', { from: 5, to: 6 });
  expect(store.partitions('a').map(({ number }) => number)).toEqual([1]);
  expect(store.missing('a', partitionLeaves + 3)).toEqual({ from: partitionLeaves + 2, to: partitionLeaves + 3 });
  expect(store.missing('a', partitionLeaves + 3, new Set([1]))).toEqual({ from: 0, to: partitionLeaves });
  expect(store.indexedTo('a')).toBe(0);
  store.close();
});

test('behind a crash, what grew is made anew and what was full is kept', () => {
  let store = IndexStore.open(path, indexKey);
  add(store, partitionLeaves - 10, partitionLeaves);
  add(store, partitionLeaves, partitionLeaves + 10);
  store.abandon();
  store = IndexStore.open(path, indexKey);
  expect(store.partitions('a').map(({ number }) => number)).toEqual([0]);
  expect(candidates(store, 'even', 'a', 0)?.length).toBe(5);
  expect(store.missing('a', partitionLeaves + 10)).toEqual({ from: partitionLeaves, to: partitionLeaves + 10 });
  add(store, partitionLeaves, partitionLeaves + 10);
  expect(candidates(store, 'even', 'a', 1)?.length).toBe(5);
  store.close();
});

test('a transaction that fails leaves nothing, and can be repeated', () => {
  const store = IndexStore.open(path, indexKey);
  function* failing(): Generator<IndexableRecord> {
    yield* recordsOf(0, 5);
    throw new Error('the source failed');
  }
  for (const before of [0, 20]) {
    if (before > 0) add(store, 0, before);
    expect(() => store.add('a', 'origin/a', { from: before, to: before + 10 }, failing())).toThrow(/the source failed|storage failed/);
    expect(store.missing('a', 30)).toEqual({ from: before, to: 30 });
    expect(candidates(store, 'happened')?.length ?? 0).toBe(before);
  }
  add(store, 20, 30);
  expect(candidates(store, 'happened')?.length).toBe(30);
  store.close();
});

test('forgetting leaves neither terms nor the salt behind', () => {
  const store = IndexStore.open(path, indexKey);
  add(store, 0, 400);
  add(store, 0, 10, 'b');
  const { salt } = store.partitions('a')[0] as { salt: Uint8Array };
  const term = firstTermIn(salt);
  expect(seen()).toContain(term);
  store.forget('a', { from: 3, to: 4 });
  expect(statSync(`${path}-wal`).size).toBe(0);
  const bytes = readFileSync(path).toString('latin1');
  expect(bytes).not.toContain(Buffer.from(salt).toString('latin1'));
  expect(bytes).not.toContain(term);
  expect(candidates(store, 'secret')).toBeUndefined();
  expect(candidates(store, 'secret', 'b')?.length).toBe(10);
  expect(store.missing('a', 400)).toEqual({ from: 0, to: 400 });
  const reading = new DatabaseSync(path, { readOnly: true });
  reading.exec('BEGIN; SELECT * FROM partitions');
  expect(refusalOf(() => store.forget('b', { from: 0, to: 1 }))).toBe('storage_busy');
  expect(candidates(store, 'secret', 'b')).toBeUndefined();
  reading.close();
  expect(refusalOf(() => store.forget('b', { from: 0, to: 1 }))).toBe('accepted');
  store.close();
});

test.each([
  ['no database', (at: string) => writeFileSync(at, 'x'.repeat(10_000))],
  ['an empty file', (at: string) => writeFileSync(at, '')],
  ['somebody else\u2019s database', (at: string) => rewrite(at, 'PRAGMA application_id=7')],
  ['a newer version', (at: string) => rewrite(at, 'PRAGMA user_version=99')],
  ['a table that is gone', (at: string) => rewrite(at, 'DROP TABLE times')],
  ['terms that are gone', (at: string) => rewrite(at, 'DROP TABLE run_blocks')],
  ['another salt', (at: string) => rewrite(at, 'UPDATE partitions SET salt = zeroblob(32)')],
  ['a cursor moved on', (at: string) => rewrite(at, 'UPDATE partitions SET indexed_to = indexed_to + 1')],
  ['a time moved', (at: string) => rewrite(at, 'UPDATE times SET max_ms = 0 WHERE block = 1')],
  ['a run gone', (at: string) => rewrite(at, 'DELETE FROM runs')],
  ['a directory changed', (at: string) => rewrite(at, 'UPDATE runs SET directory = zeroblob(length(directory))')],
  ['a row of terms gone', (at: string) => rewrite(at, 'DELETE FROM run_blocks WHERE id = (SELECT max(id) FROM run_blocks)')],
  ['no seal', (at: string) => rewrite(at, 'UPDATE partitions SET seal = NULL')],
])('%s is replaced, for a reader ignored', (_, damage) => {
  const store = IndexStore.open(path, indexKey);
  add(store, 0, 1_000);
  store.close();
  damage(path);
  const reader = new IndexReader({ path, indexKey, isLive: () => false });
  expect(candidates(reader, 'even')).toBeUndefined();
  reader.close();
  const again = IndexStore.open(path, indexKey);
  expect(again.missing('a', 1_000)).toEqual({ from: 0, to: 1_000 });
  add(again, 0, 1_000);
  expect(candidates(again, 'even')?.length).toBe(500);
  again.close();
});

function rewrite(at: string, sql: string): void {
  const database = new DatabaseSync(at, { defensive: false } as object);
  database.exec(sql);
  database.close();
}

test('the key of another installation finds nothing wrong, and begins anew', () => {
  const store = IndexStore.open(path, indexKey);
  add(store, 0, 100);
  store.close();
  const other = IndexStore.open(path, new Uint8Array(32));
  expect(other.missing('a', 100)).toEqual({ from: 0, to: 100 });
  other.close();
});

test('wherever a byte is flipped, the index answers rightly or is made anew', () => {
  const store = IndexStore.open(path, indexKey);
  add(store, partitionLeaves - 1_500, partitionLeaves);
  add(store, partitionLeaves, partitionLeaves + 300);
  store.close();
  const good = join(dir, 'good.db');
  copyFileSync(path, good);
  const { size } = statSync(good);
  const queries = ['even', 'id:event-262100', 'secret happened', `id:event-${partitionLeaves + 7}`, '"nr 262143"'];
  const expected = (text: string, partition: number): number[] => {
    const holding = IndexStore.open(join(dir, 'other.db'), indexKey);
    if (holding.indexedTo('a') === 0) {
      add(holding, partitionLeaves - 1_500, partitionLeaves);
      add(holding, partitionLeaves, partitionLeaves + 300);
    }
    const leaves = candidates(holding, text, 'a', partition) as number[];
    holding.close();
    return leaves;
  };
  const right = queries.map((text) => [expected(text, 0), expected(text, 1)]);
  let intact = 0;
  let remade = 0;
  // The header and the schema closely, the rest in steps that meet every kind of page at many offsets.
  for (let at = 0; at < size; at += at < 200 ? 7 : 2_003) {
    copyFileSync(good, path);
    const bit = 1 << (at % 8);
    const file = openSync(path, 'r+');
    writeSync(file, new Uint8Array([(readFileSync(good)[at] as number) ^ bit]), 0, 1, at);
    closeSync(file);
    for (const open of [
      (): SearchIndex & { close(): void } => new IndexReader({ path, indexKey, isLive: () => false }),
      () => IndexStore.open(path, indexKey),
    ]) {
      const index = open();
      queries.forEach((text, i) => {
        for (const partition of [0, 1]) {
          let found: number[] | undefined;
          try {
            found = candidates(index, text, 'a', partition);
          } catch (error) {
            index.distrust('a', partition, error);
          }
          if (found === undefined) remade++;
          else {
            expect({ at, text, found }).toEqual({ at, text, found: right[i]?.[partition] });
            intact++;
          }
        }
      });
      index.close();
    }
  }
  expect(intact).toBeGreaterThan(100);
  expect(remade).toBeGreaterThan(100);
});

test('a reader follows a writer, sees what it grows only while it lives, and a file that was replaced', () => {
  let live = true;
  const reader = new IndexReader({ path, indexKey, isLive: () => live });
  expect(candidates(reader, 'even')).toBeUndefined();
  let store = IndexStore.open(path, indexKey);
  add(store, 0, 10);
  expect(candidates(reader, 'even')?.length).toBe(5);
  add(store, 10, 20);
  expect(candidates(reader, 'even')?.length).toBe(10);
  live = false;
  expect(candidates(reader, 'even')).toBeUndefined();
  store.close();
  expect(candidates(reader, 'even')?.length).toBe(10);
  live = true;
  store = IndexStore.open(path, indexKey);
  add(store, 20, 30);
  expect(candidates(reader, 'even')?.length).toBe(15);
  store.reset();
  add(store, 0, 4);
  expect(candidates(reader, 'even')?.length).toBe(2);
  store.close();
  reader.close();
});

test('what a reader reads of a file at rest counts only while it rests', () => {
  let store = IndexStore.open(path, indexKey);
  add(store, 0, 10);
  store.close();
  const damages: string[] = [];
  const reader = new IndexReader({ path, indexKey, isLive: () => true, onDamage: (log) => damages.push(log) });
  const part = reader.parts('a', parseQuery('even')).get(0);
  expect(part?.candidates(0, 10, 100).length).toBe(5);
  expect(part?.times().minMs[0]).toBe(0);
  store = IndexStore.open(path, indexKey);
  add(store, 10, 20);
  expect(() => part?.candidates(0, 10, 100)).toThrow('replaced');
  expect(() => part?.times()).toThrow('replaced');
  reader.distrust('a', 0);
  expect(candidates(reader, 'even')?.length).toBe(10);
  expect(damages).toEqual([]);
  store.close();
  reader.close();
});

test('a reader reports damage once, and does not ask that partition again', () => {
  const store = IndexStore.open(path, indexKey);
  add(store, 0, 1_000);
  store.close();
  const damages: [string, number][] = [];
  const reader = new IndexReader({ path, indexKey, isLive: () => true, onDamage: (log, partition) => damages.push([log, partition]) });
  expect(candidates(reader, 'even')?.length).toBe(500);
  reader.distrust('a', 0);
  expect(candidates(reader, 'even')).toBeUndefined();
  reader.distrust('a', 5);
  reader.distrust('b', 0);
  expect(damages).toEqual([
    ['a', 0],
    ['a', 5],
    ['b', 0],
  ]);
  reader.close();
  rewrite(path, 'UPDATE times SET max_ms = 0');
  const second = new IndexReader({ path, indexKey, isLive: () => true, onDamage: (log, partition) => damages.push([log, partition]) });
  expect(candidates(second, 'even')).toBeUndefined();
  expect(candidates(second, 'even')).toBeUndefined();
  expect(damages.length).toBe(4);
  second.close();
});

test('the write-ahead log is written back while it grows, and cut when it cannot be', () => {
  const store = IndexStore.open(path, indexKey, { walBytesMax: 50_000 });
  const walBytes = (): number => statSync(`${path}-wal`).size;
  for (let leaf = 0; leaf < 1_000; leaf += 100) add(store, leaf, leaf + 100);
  expect(statSync(path).size).toBeGreaterThan(50_000);
  expect(walBytes()).toBeLessThan(200_000);
  // Somebody who reads keeps it from being used again.
  const reading = new DatabaseSync(path, { readOnly: true });
  reading.exec('BEGIN; SELECT * FROM partitions');
  for (let leaf = 1_000; leaf < 2_000; leaf += 100) add(store, leaf, leaf + 100);
  expect(walBytes()).toBeGreaterThan(200_000);
  reading.close();
  add(store, 2_000, 2_100);
  expect(walBytes()).toBe(0);
  expect(candidates(store, 'even')?.length).toBe(1_050);
  store.close();
});

test('many small additions become few runs, which hold what was added, and nothing is left of the small ones', () => {
  const store = IndexStore.open(path, indexKey);
  const reader = new IndexReader({ path, indexKey, isLive: () => true });
  const count = (table: string): number => {
    const database = new DatabaseSync(path, { readOnly: true });
    const { n } = database.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number };
    database.close();
    return n;
  };
  const [early] = [(add(store, 0, 1), reader.parts('a', parseQuery('even')).get(0))];
  for (let leaf = 1; leaf < 400; leaf++) add(store, leaf, leaf + 1);
  expect(count('runs')).toBeLessThan(25);
  expect(count('run_blocks')).toBeLessThan(40);
  const even = Array.from({ length: 200 }, (_, i) => 398 - 2 * i);
  for (const index of [store, reader]) {
    expect(candidates(index, 'even')).toEqual(even);
    expect(candidates(index, 'id:event-7')).toEqual([7]);
    expect(candidates(index, '(id:event-7 OR id:event-300 OR id:event-8) even')).toEqual([300, 8]);
  }
  // What was asked for before goes on where it was.
  expect(early?.candidates(0, 1, 10)).toEqual([0]);
  const part = reader.parts('a', parseQuery('even')).get(0);
  expect(part?.candidates(100, 300, 3)).toEqual([298, 296, 294]);
  expect(part?.candidates(100, 294, 1_000)).toEqual(even.filter((leaf) => leaf < 294 && leaf >= 100));
  expect(part?.candidates(0, 0, 10)).toEqual([]);
  store.forget('a', { from: 0, to: 1 });
  expect([count('runs'), count('run_blocks'), count('times')]).toEqual([0, 0, 0]);
  expect(() => part?.candidates(0, 100, 10)).toThrow('gone');
  reader.close();
  store.close();
});

test.each([
  ['the newest run', 'DELETE FROM runs WHERE first_leaf = (SELECT max(first_leaf) FROM runs)'],
  ['a run in between', 'DELETE FROM runs WHERE first_leaf = 100'],
  ['the oldest run', 'DELETE FROM runs WHERE first_leaf = 0'],
  ['a block', 'DELETE FROM run_blocks WHERE id = (SELECT min(id) FROM run_blocks)'],
])('%s that is missing while the index grows is noticed', (_, sql) => {
  const store = IndexStore.open(path, indexKey);
  for (const leaf of [0, 100, 200]) add(store, leaf, leaf + 100);
  expect(candidates(store, 'even')?.length).toBe(150);
  rewrite(path, sql);
  expect(() => candidates(store, 'even')).toThrow('missing');
  store.distrust('a', 0);
  expect(candidates(store, 'even')).toBeUndefined();
  store.close();
});

test('more logs than what is remembered of', () => {
  const store = IndexStore.open(path, indexKey);
  for (let round = 0; round < 2; round++) for (let log = 0; log < 6; log++) add(store, 10 * round, 10 * round + 10, `log-${log}`);
  for (let log = 0; log < 6; log++) expect(candidates(store, 'secret even', `log-${log}`)?.length).toBe(10);
  store.close();
});

test('an index that fails while it is asked is begun anew', () => {
  const store = IndexStore.open(path, indexKey);
  add(store, 0, 10);
  expect(candidates(store, 'even')?.length).toBe(5);
  rewrite(path, 'DROP TABLE run_blocks');
  expect(() => candidates(store, 'even')).toThrow(/.+/);
  store.distrust('a', 0);
  expect(candidates(store, 'even')).toBeUndefined();
  add(store, 0, 10);
  expect(candidates(store, 'even')?.length).toBe(5);
  rewrite(path, 'DROP TABLE partitions');
  expect(candidates(store, 'even')).toBeUndefined();
  add(store, 0, 10);
  expect(candidates(store, 'even')?.length).toBe(5);
  store.close();
});

test('a full partition that lost its terms is not read', () => {
  const store = IndexStore.open(path, indexKey);
  add(store, partitionLeaves - 10, partitionLeaves);
  rewrite(path, 'DELETE FROM run_blocks');
  expect(candidates(store, 'even')).toBeUndefined();
  expect(store.missing('a', partitionLeaves)).toEqual({ from: 0, to: partitionLeaves });
  store.close();
});

test('what the disk refuses is said, and nothing is removed', () => {
  expect(refusalOf(() => IndexStore.open(join(dir, 'nowhere', 'index.db'), indexKey))).toBe('storage_failed');
  mkdirSync(path);
  expect(refusalOf(() => IndexStore.open(path, indexKey))).toBe('storage_failed');
  expect(existsSync(path)).toBe(true);
  const reader = new IndexReader({ path, indexKey, isLive: () => true });
  expect(candidates(reader, 'even')).toBeUndefined();
  reader.close();
});
