import { appendFileSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openJournalFile, readJournalFile } from '../../src/storage/files/journal-file.ts';

let dir: string;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'journal-'));
  path = join(dir, 'removal.json');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('has its lines until it is destroyed', () => {
  const journal = openJournalFile(path);
  expect(journal.read()).toBeUndefined();
  journal.begin('first');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  journal.add('second');
  expect(openJournalFile(path).read()).toEqual(['first', 'second']);
  expect(readJournalFile(path)).toEqual(['first', 'second']);
  journal.destroy();
  journal.destroy();
  expect(journal.read()).toBeUndefined();
  expect(readdirSync(dir)).toEqual([]);
});

test('a line that was cut short was never written', () => {
  const journal = openJournalFile(path);
  journal.begin('first');
  appendFileSync(path, '{"half');
  expect(journal.read()).toEqual(['first']);
  journal.add('second');
  expect(journal.read()).toEqual(['first', 'second']);
  appendFileSync(path, '{"half');
  openJournalFile(path);
  expect(statSync(path).size).toBe('first\nsecond\n'.length);
});

test('what a crash left half begun or half destroyed is cleared', () => {
  const journal = openJournalFile(path);
  writeFileSync(join(dir, '.removal.json.new'), 'half a li');
  journal.begin('x'.repeat(200_000));
  renameSync(path, join(dir, '.removal.json.gone'));
  writeFileSync(join(dir, '.removal.json.new'), 'half a li');
  expect(openJournalFile(path).read()).toBeUndefined();
  expect(readdirSync(dir)).toEqual([]);
});

test('a directory that is not there is an error of storage', () => {
  const journal = openJournalFile(join(dir, 'nowhere', 'removal.json'));
  expect(() => journal.begin('a')).toThrow(expect.objectContaining({ code: 'storage_failed' }));
  expect(existsSync(join(dir, 'nowhere'))).toBe(false);
});
