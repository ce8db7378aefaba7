/** `requests.db`: one transaction a step, a state that is moved once, and nothing of a step that failed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import type { RequestChange, RequestSource } from '../../src/storage/request-store.ts';
import { openSqliteRequestSource, openSqliteRequestStore } from '../../src/storage/sqlite/request-store.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

function path(): string {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-request-store-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'requests.db');
}

function contentOf(store: RequestSource): unknown {
  const text = ({ sealed, ...row }: { sealed: Uint8Array }): object => ({ ...row, sealed: Buffer.from(sealed).toString() });
  return {
    requests: store.requests({ limit: 100 }).map(text),
    approvers: store.approvers().map(text),
    untold: store.untold().map(text),
    fact: store.fact('f'),
  };
}

const first: RequestChange = {
  added: { id: 'r_1', state: 'pending', sealed: bytes('one') },
  approver: { id: 'a_1', sealed: bytes('approver') },
  fact: { name: 'f', value: '1' },
  untold: [bytes('asked')],
};

test('what was committed is there after the process is gone, for readers beside it too', () => {
  const file = path();
  const store = openSqliteRequestStore(file);
  expect(store.commit(first)).toBe(true);
  const reader = openSqliteRequestSource(file);
  const expected = {
    requests: [{ id: 'r_1', state: 'pending', sealed: 'one' }],
    approvers: [{ id: 'a_1', sealed: 'approver' }],
    untold: [{ seq: 1, sealed: 'asked' }],
    fact: '1',
  };
  expect(contentOf(reader)).toEqual(expected);
  reader.close();
  // Not closed: as a kill leaves it.
  const again = openSqliteRequestStore(file);
  expect(contentOf(again)).toEqual(expected);
  expect([again.count('pending'), again.count('used'), again.request('r_2')]).toEqual([1, 0, undefined]);
  again.told(1);
  again.close();
  store.close();
  const last = openSqliteRequestSource(file);
  expect(last.untold()).toEqual([]);
  last.close();
});

test('a request is moved from the state it is in, once; else nothing of the step is done', () => {
  const store = openSqliteRequestStore(path());
  store.commit(first);
  const use: RequestChange = {
    moved: { row: { id: 'r_1', state: 'used', sealed: bytes('two') }, from: 'approved' },
    approver: { id: 'a_2', sealed: bytes('another') },
    fact: { name: 'f', value: '2' },
    untold: [bytes('used')],
  };
  const before = contentOf(store);
  expect(store.commit(use)).toBe(false);
  expect(contentOf(store)).toEqual(before);
  expect(store.commit({ moved: { row: { id: 'r_1', state: 'approved', sealed: bytes('approved') }, from: 'pending' }, untold: [] })).toBe(true);
  expect(store.commit(use)).toBe(true);
  expect(store.commit(use)).toBe(false);
  expect(store.requests({ state: 'used', limit: 10 })).toHaveLength(1);
  expect(store.approvers().map(({ id }) => id)).toEqual(['a_1', 'a_2']);
  // An approver that changes stays in its place.
  store.commit({ approver: { id: 'a_1', sealed: bytes('removed') }, untold: [] });
  expect(store.approvers().map(({ id }) => id)).toEqual(['a_1', 'a_2']);
  store.close();
});

test('a step that the disk refuses half-way leaves nothing behind', () => {
  const file = path();
  const store = openSqliteRequestStore(file);
  store.commit(first);
  const before = contentOf(store);
  expect(() => store.commit({ ...first, fact: { name: 'f', value: '2' } })).toThrow(expect.objectContaining({ code: 'storage_failed' }));
  expect(contentOf(store)).toEqual(before);
  const other = new DatabaseSync(file);
  other.exec('BEGIN IMMEDIATE');
  expect(() => store.commit({ fact: { name: 'f', value: '3' }, untold: [] })).toThrow(expect.objectContaining({ code: 'storage_busy' }));
  other.exec('ROLLBACK');
  other.close();
  expect(contentOf(store)).toEqual(before);
  store.close();
});

test('a file of a newer program, or of somebody else, is refused', () => {
  const file = path();
  openSqliteRequestStore(file).close();
  const database = new DatabaseSync(file);
  database.exec('PRAGMA user_version=99');
  database.close();
  expect(() => openSqliteRequestStore(file)).toThrow(expect.objectContaining({ code: 'newer_format' }));
  const foreign = path();
  const theirs = new DatabaseSync(foreign);
  theirs.exec('CREATE TABLE t (a)');
  theirs.close();
  expect(() => openSqliteRequestStore(foreign)).toThrow(expect.objectContaining({ code: 'storage_damaged' }));
});
