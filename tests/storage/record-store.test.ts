import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { openDatabase, pragma as pragmaOf } from '../../src/storage/sqlite/open-database.ts';
import { openSqliteRecordSource } from '../../src/storage/sqlite/record-source.ts';
import { openSqliteRecordStore } from '../../src/storage/sqlite/record-store.ts';
import { recordsFormat } from '../../src/storage/sqlite/records-format.ts';
import { describeRecordStore } from './contract/record-store.ts';

function makePlace() {
  const directory = mkdtempSync(join(tmpdir(), 'veiltrail-records-'));
  const path = join(directory, 'records.db');
  return {
    directory,
    path,
    open: () => openSqliteRecordStore(path),
    openSource: () => openSqliteRecordSource(path),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

describeRecordStore('sqlite', makePlace);

test('records.db is set up so that a commit is on disk and what is deleted is overwritten', async () => {
  const place = makePlace();
  const store = place.open();
  const database = new DatabaseSync(place.path);
  const pragma = (name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  expect([pragma('journal_mode'), pragma('auto_vacuum'), pragma('user_version')]).toEqual(['wal', 2, recordsFormat.migrations.length]);
  database.close();
  const source = readSettings(place.path);
  expect(source).toEqual({ synchronous: 2, secure_delete: 1 });
  await store.close();
  place.remove();
});

/** Settings of a connection of ours are not visible to another: ask the module that opens them. */
function readSettings(path: string): Record<string, number> {
  const database = openDatabase(path, recordsFormat);
  try {
    return { synchronous: pragmaOf(database, 'synchronous'), secure_delete: pragmaOf(database, 'secure_delete') };
  } finally {
    database.close();
  }
}

test('a newer format is refused, by reader and writer, and not touched', async () => {
  const place = makePlace();
  await place.open().close();
  const database = new DatabaseSync(place.path);
  database.exec(`PRAGMA user_version=${recordsFormat.migrations.length + 1}`);
  database.close();
  for (const open of [place.open, place.openSource]) expect(open).toThrow(expect.objectContaining({ code: 'newer_format' }));
  place.remove();
});

test('a file of somebody else, or no database at all, is refused', () => {
  const place = makePlace();
  const database = new DatabaseSync(place.path);
  database.exec('CREATE TABLE theirs (x)');
  database.close();
  expect(place.open).toThrow(expect.objectContaining({ code: 'storage_damaged' }));
  for (const path of readdirSync(place.directory)) rmSync(join(place.directory, path));
  writeFileSync(place.path, 'not a database, and long enough to be taken for one'.repeat(100));
  expect(place.open).toThrow(expect.objectContaining({ code: 'storage_damaged' }));
  place.remove();
});

test('a database that was made and never migrated cannot be read, only opened', async () => {
  const place = makePlace();
  new DatabaseSync(place.path).exec('PRAGMA journal_mode=WAL');
  expect(place.openSource).toThrow(expect.objectContaining({ code: 'older_format' }));
  await place.open().close();
  await place.openSource().close();
  place.remove();
});

test('reading a closed database leaves no file beside it', async () => {
  const place = makePlace();
  await place.open().close();
  const source = place.openSource();
  await source.logs();
  await source.close();
  expect(readdirSync(place.directory)).toEqual(['records.db']);
  place.remove();
});

test('the write-ahead log is bounded, and free pages are given back', async () => {
  const place = makePlace();
  const store = place.open();
  await store.createLog({ log: 'a', origin: 'o', createdAtMs: 0, treeSize: 0, root: new Uint8Array(32), frontier: new Uint8Array(8), lastReceivedAtMs: 0, durableSize: 0 }); // prettier-ignore
  const none = { idempotency: new Uint8Array(0), idempotencyLeaves: new Float64Array(0) };
  const grow = (treeSizeBefore: number, megabytes: number): Promise<void> =>
    store.commit([{ log: 'a', treeSizeBefore, treeSize: treeSizeBefore + 1, root: new Uint8Array(32), frontier: new Uint8Array(8), receivedAtMs: 0, chunk: new Uint8Array(10), commitments: new Uint8Array(megabytes * 1_048_576), ...none }]); // prettier-ignore
  await grow(0, 5);
  await store.tidy();
  await grow(1, 70);
  await store.tidy();
  const { size: walBytes } = statSync(`${place.path}-wal`);
  expect(walBytes).toBe(0);
  const before = statSync(place.path).size;
  await store.markDurable('a', 256);
  for (let i = 0; i < 40; i++) await store.tidy();
  const pages = new DatabaseSync(place.path);
  expect(Object.values(pages.prepare('PRAGMA freelist_count').get() ?? {})[0]).toBeLessThan(before / 4_096 - 5_000);
  pages.close();
  await store.close();
  expect(existsSync(`${place.path}-wal`)).toBe(false);
  place.remove();
});
