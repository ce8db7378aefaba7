/** SQLite's opinion of a file, at once or table by table: the same findings, but for pages that no table has. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkDatabase, checkDatabaseInSteps } from '../../src/storage/sqlite/check-database.ts';

const dir = mkdtempSync(join(tmpdir(), 'veiltrail-check-'));
const path = join(dir, 'a.db');
let whole: Buffer;
let pageOf: (name: string) => number;
beforeAll(() => {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA page_size = 1024; CREATE TABLE "o'ne" (id INTEGER PRIMARY KEY, text TEXT); CREATE INDEX by_text ON "o'ne" (text);
    CREATE TABLE two (a, b, PRIMARY KEY (a)) WITHOUT ROWID; WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 300)
    INSERT INTO "o'ne" SELECT i, 'text number ' || i FROM n; INSERT INTO two SELECT id, text FROM "o'ne"`);
  const pages = new Map(
    (database.prepare('SELECT name, rootpage FROM sqlite_schema').all() as { name: string; rootpage: number }[]).map((one) => [
      one.name,
      one.rootpage,
    ]),
  );
  pageOf = (name) => pages.get(name) as number;
  database.close();
  whole = readFileSync(path);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const steps = (): string[][] => [...checkDatabaseInSteps(path)];

test('a file in order has one step for the schema and one a table, and nothing wrong', () => {
  writeFileSync(path, whole);
  expect(checkDatabase(path)).toEqual([]);
  expect(steps()).toEqual([[], [], []]);
});

test.each(['by_text', "o'ne", 'two'])('a page of %s that was damaged is found either way', (name) => {
  const bent = Uint8Array.from(whole);
  bent.fill(0xff, (pageOf(name) - 1) * 1024 + 8, (pageOf(name) - 1) * 1024 + 200);
  writeFileSync(path, bent);
  expect(checkDatabase(path)).not.toEqual([]);
  expect(steps().flat()).not.toEqual([]);
});

test('an index that does not agree with its table is found either way, by name', () => {
  // Its first row in the file is the table's or the index's: one of them says something else then.
  const bent = Uint8Array.from(whole);
  bent[whole.indexOf('text number 150') + 14] = 'X'.charCodeAt(0);
  writeFileSync(path, bent);
  for (const found of [checkDatabase(path), steps().flat()]) expect(found.join('\n')).toMatch(/by_text/);
});

test('two tables that begin at one page are found either way, though each is in order by itself', () => {
  writeFileSync(path, whole);
  const database = new DatabaseSync(path);
  database.enableDefensive(false);
  database.exec(
    'PRAGMA writable_schema=ON; CREATE TABLE three (x); CREATE TABLE four (x); INSERT INTO three VALUES (1); INSERT INTO four VALUES (2)',
  );
  database.exec("UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'three') WHERE name = 'four'");
  database.close();
  expect(checkDatabase(path)).not.toEqual([]);
  expect(steps().flat()).toEqual([expect.stringMatching(/^page \d+ is the root of several: three, four$/)]);
});

test('what is missing, cut or no database is said', () => {
  for (const bytes of [whole.subarray(0, 2_000), Buffer.from('no database '.repeat(100))]) {
    writeFileSync(path, bytes);
    expect(checkDatabase(path)).not.toEqual([]);
    expect(steps().flat()).not.toEqual([]);
  }
  rmSync(path);
  expect(steps().flat()).toEqual(['the file is missing']);
});
