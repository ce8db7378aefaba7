/** Starts that must be refused, and starts that must not. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dataDirPaths } from '../../src/storage/data-dir.ts';
import { createNoteSigner } from '../../src/log/note-key.ts';
import { numbered } from './batches.ts';
import { Installation, originOf, testSigner } from './installation.ts';

let at: Installation;
let paths: ReturnType<typeof dataDirPaths>;
beforeEach(() => {
  at = new Installation();
  paths = dataDirPaths(at.dataDir);
});
afterEach(() => at.remove());

async function grow(from: number, count: number, body?: string): Promise<void> {
  const ledger = await at.openWith(['main']);
  await at.append(ledger, { log: 'main', events: numbered(from, count, body) });
  await ledger.close();
}

function file(path: string): string {
  return join(paths.logs, 'main', path);
}

/** Keeps `records.db` as it is now; the answer puts it back. */
function keepRecords(): () => void {
  const copy = join(at.dataDir, 'kept.db');
  cpSync(paths.records, copy);
  return () => cpSync(copy, paths.records);
}

/** What `records.db` says of staged entries, changed by a statement of SQL. */
async function changeRecords(sql: string): Promise<void> {
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(paths.records);
  database.exec(sql);
  database.close();
}

describe('an older database put back', () => {
  test('is refused by name of both sizes, and nothing is written', async () => {
    await grow(0, 3);
    const putBack = keepRecords();
    await grow(3, 2);
    putBack();
    const checkpoint = readFileSync(file('checkpoint'));
    const refused = at.open();
    await expect(refused).rejects.toMatchObject({ code: 'behind_checkpoint', detail: { log: 'main', committed: 3, published: 5 } });
    await expect(refused).rejects.toThrow(/3 leaves in the records but 5 in its checkpoint/);
    expect(readFileSync(file('checkpoint'))).toEqual(checkpoint);
  });

  test('is refused for its tiles when the checkpoint was taken away', async () => {
    await grow(0, 3);
    const putBack = keepRecords();
    await grow(3, 2);
    putBack();
    rmSync(file('checkpoint'));
    await expect(at.open()).rejects.toMatchObject({ code: 'behind_checkpoint', detail: { committed: 3 } });
  });

  test('is refused for its tiles when a full one is there already', async () => {
    await grow(0, 3);
    const putBack = keepRecords();
    await grow(3, 300);
    putBack();
    rmSync(file('checkpoint'));
    await expect(at.open()).rejects.toMatchObject({ code: 'behind_checkpoint' });
  });

  test('and grown to the same size or beyond is another history', async () => {
    await grow(0, 3);
    const putBack = keepRecords();
    await grow(3, 2);
    const logs = join(at.dataDir, 'kept-logs');
    cpSync(paths.logs, logs, { recursive: true });
    putBack();
    rmSync(paths.logs, { recursive: true });
    await grow(3, 2, 'other');
    const putLogsBack = (): void => cpSync(logs, paths.logs, { recursive: true });
    putLogsBack();
    await expect(at.open()).rejects.toMatchObject({ code: 'history_forked', detail: { committed: 5, published: 5 } });
    rmSync(paths.logs, { recursive: true });
    await grow(5, 2, 'other');
    putLogsBack();
    await expect(at.open()).rejects.toMatchObject({ code: 'history_forked', detail: { committed: 7, published: 5 } });
  });
});

describe('an older checkpoint put back', () => {
  test.each([
    [3, 2],
    [3, 600],
    [256, 600],
    [300, 600],
    [700, 66_000],
  ])('of %i leaves, %i leaves ago, is replaced by the newest', async (before, after) => {
    await grow(0, before);
    const checkpoint = readFileSync(file('checkpoint'));
    await grow(before, after);
    writeFileSync(file('checkpoint'), checkpoint);
    await (await at.open()).close();
    expect(await at.check('main')).toBe(before + after);
  });

  test('of a size that was never committed is another history', async () => {
    await grow(0, 3);
    await grow(3, 600);
    const other = new Installation();
    const ledger = await other.openWith(['main']);
    await other.append(ledger, { log: 'main', events: numbered(0, 602) });
    await ledger.close();
    cpSync(join(dataDirPaths(other.dataDir).logs, 'main/checkpoint'), file('checkpoint'));
    other.remove();
    await expect(at.open()).rejects.toMatchObject({ code: 'history_forked', detail: { committed: 603, published: 602 } });
  });
});

describe('a checkpoint file that', () => {
  test.each([
    ['was changed', (bytes: Uint8Array) => bytes.map((byte, i) => (i === 5 ? byte ^ 1 : byte))],
    ['was cut', (bytes: Uint8Array) => bytes.subarray(0, 40)],
    ['is no checkpoint', () => new Uint8Array(9).fill(65)],
  ])('%s is not written over', async (_, change) => {
    await grow(0, 3);
    const changed = change(readFileSync(file('checkpoint')));
    writeFileSync(file('checkpoint'), changed);
    await expect(at.open()).rejects.toMatchObject({ code: 'checkpoint_damaged' });
    expect(new Uint8Array(readFileSync(file('checkpoint')))).toEqual(new Uint8Array(changed));
  });

  test('another key signed is refused', async () => {
    await grow(0, 3);
    const signers = async (): Promise<ReturnType<typeof createNoteSigner>[]> => [createNoteSigner(originOf('main'), new Uint8Array(32).fill(3))];
    await expect(at.open({ signers })).rejects.toMatchObject({ code: 'checkpoint_damaged', detail: { reason: 'note_unverified' } });
  });

  test('the old key signed is taken while both keys sign', async () => {
    await grow(0, 3);
    const next = createNoteSigner(originOf('main'), new Uint8Array(32).fill(3));
    const ledger = await at.open({ signers: async () => [testSigner('main'), next] });
    await ledger.close();
    expect(await at.check('main')).toBe(3);
    await (await at.open({ signers: async () => [next] })).close();
    await expect(at.check('main')).rejects.toMatchObject({ code: 'note_unverified' });
  });

  test('is gone is written again', async () => {
    await grow(0, 300);
    rmSync(file('checkpoint'));
    await (await at.open()).close();
    expect(await at.check('main')).toBe(300);
  });
});

describe('damage that was on disk', () => {
  test('a full tile that is gone, cut or changed is refused, not healed', async () => {
    await grow(0, 600);
    const path = file('tile/0/000');
    const bytes = readFileSync(path);
    rmSync(path);
    await expect(at.open()).rejects.toMatchObject({ code: 'log_damaged', detail: { path: 'tile/0/000' } });
    writeFileSync(path, bytes.subarray(0, 8_000));
    await expect(at.open()).rejects.toMatchObject({ code: 'log_damaged', detail: { path: 'tile/0/000' } });
    writeFileSync(path, bytes.map((byte) => byte ^ 1)); // prettier-ignore
    await expect(at.open()).rejects.toMatchObject({ code: 'log_damaged', detail: { treeSize: 600 } });
    writeFileSync(path, bytes);
    await (await at.open()).close();
  });

  test.each([
    ['are gone', 'DELETE FROM staged'],
    ['were changed', 'UPDATE staged SET commitments = zeroblob(length(commitments)) WHERE first_leaf = (SELECT max(first_leaf) FROM staged)'],
    ['begin too late', 'UPDATE staged SET first_leaf = first_leaf + 400'],
    ['are said to be in tiles', 'UPDATE trees SET durable_size = 512'],
    ['are said to be in half a tile', 'UPDATE trees SET durable_size = 100'],
  ])('staged entries that %s are refused', async (_, sql) => {
    await grow(0, 300);
    await grow(300, 2);
    await changeRecords(sql);
    await expect(at.open()).rejects.toMatchObject({ code: 'log_damaged' });
  });

  test('a committed root that was changed is refused', async () => {
    await grow(0, 3);
    await changeRecords('UPDATE trees SET root = zeroblob(32)');
    await expect(at.open()).rejects.toMatchObject({ code: 'log_damaged' });
  });

  test('a published tile that was changed under a running ledger stops it', async () => {
    const ended: Error[] = [];
    const ledger = await at.openWith(['main'], { onFatal: (error) => void ended.push(error) });
    await at.append(ledger, { log: 'main', events: numbered(0, 1) });
    writeFileSync(file('tile/0/000.p/2'), new Uint8Array(64));
    await expect(at.append(ledger, { log: 'main', events: numbered(1, 1) })).rejects.toMatchObject({ code: 'tile_conflict' });
    await expect(at.append(ledger, { log: 'main', events: numbered(2, 1) })).rejects.toMatchObject({ code: 'tile_conflict' });
    await expect(ledger.createLog('other', 'test.example/other')).rejects.toMatchObject({ code: 'tile_conflict' });
    expect(ended).toHaveLength(1);
    await ledger.close();
    // It was committed: the next start makes it visible.
    await (await at.open()).close();
    expect(await at.check('main')).toBe(2);
  });
});

test('partial tiles go once the full ones are on disk, and stay until then', async () => {
  await grow(0, 100);
  await grow(100, 100);
  expect(existsSync(file('tile/0/000.p/100')) && existsSync(file('tile/entries/000.p/200'))).toBe(true);
  await grow(200, 100);
  expect(existsSync(file('tile/0/000')) && existsSync(file('tile/0/001.p/44')) && existsSync(file('tile/1/000.p/1'))).toBe(true);
  expect(existsSync(file('tile/0/000.p')) || existsSync(file('tile/entries/000.p'))).toBe(false);
});
