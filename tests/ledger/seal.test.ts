import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { breakSeal, checkSeal, sealDataDir } from '../../src/ledger/seal.ts';
import { createNoteSigner, createNoteVerifier } from '../../src/log/note-key.ts';
import { dataDirPaths } from '../../src/storage/data-dir.ts';
import { openSqliteRecordSource } from '../../src/storage/sqlite/record-source.ts';
import { numbered } from './batches.ts';
import { Installation, testSigner } from './installation.ts';

const paths = ['records.db', 'keys/root.secret', 'vault.db'];
const verifiers = [createNoteVerifier(testSigner('main').vkey)];

let at: Installation;
beforeEach(async () => {
  at = new Installation();
  const ledger = await at.openWith(['main']);
  await at.append(ledger, { log: 'main', events: numbered(0, 300) });
  await ledger.close();
  const records = at.openRecords();
  await records.setClean(true);
  await records.close();
  mkdirSync(join(at.dataDir, 'keys'));
  writeFileSync(join(at.dataDir, 'keys/root.secret'), 'a key');
  writeFileSync(join(at.dataDir, 'vault.db'), new Uint8Array(100_000));
  await sealDataDir({ dataDir: at.dataDir, paths, signers: [testSigner('main')], nowMs: 5 });
});
afterEach(() => at.remove());

async function check(more: Partial<Parameters<typeof checkSeal>[0]> = {}): Promise<string[]> {
  const source = openSqliteRecordSource(dataDirPaths(at.dataDir).records);
  const clean = await source.isClean();
  await source.close();
  const found = await checkSeal({ dataDir: at.dataDir, paths, verifiers, clean, ...more });
  return found === 'cut short' ? [found] : found.map(({ code, path }) => `${code} ${path}`);
}

function change(path: string, edit: (bytes: Buffer) => Uint8Array): void {
  writeFileSync(join(at.dataDir, path), edit(readFileSync(join(at.dataDir, path))));
}

describe('a sealed directory', () => {
  test('is as it was sealed', async () => {
    expect(await check()).toEqual([]);
    expect(readdirSync(at.dataDir).toSorted()).toEqual(['keys', 'logs', 'records.db', 'seal.json', 'vault.db']);
  });

  test.each([0, 99_999])('shows any changed byte of a file: %i', async (i) => {
    change('vault.db', (bytes) => bytes.map((byte, at) => (at === i ? byte ^ 0x80 : byte)));
    expect(await check()).toEqual(['file_changed vault.db']);
  });

  test('shows a changed byte of the database that no query reads', async () => {
    // Behind the last cell of a page that SQLite has given up, or in its slack: the last byte but a few of the file.
    change('records.db', (bytes) => bytes.map((byte, i) => (i === bytes.length - 3 ? byte ^ 1 : byte)));
    expect(await check()).toEqual(['file_changed records.db']);
  });

  test('shows files that are longer, shorter, gone, or new', async () => {
    appendFileSync(join(at.dataDir, 'vault.db'), 'x');
    rmSync(join(at.dataDir, 'keys/root.secret'));
    expect(await check({ paths: [...paths, 'keys/other.secret'] })).toEqual([
      'file_missing keys/root.secret',
      'file_changed vault.db',
      'file_extra keys/other.secret',
    ]);
  });

  test('shows that its seal is gone', async () => {
    await breakSeal(at.dataDir);
    expect(await check()).toEqual(['seal_missing seal.json']);
  });

  test('shows any changed byte of the seal', async () => {
    const seal = readFileSync(dataDirPaths(at.dataDir).seal);
    for (let i = 0; i < seal.length; i += 7) {
      change('seal.json', () => seal.map((byte, at) => (at === i ? byte ^ 1 : byte)));
      expect(await check(), `byte ${i}`).toEqual(['seal_invalid seal.json']);
    }
  });

  test('shows a seal that is spelled otherwise', async () => {
    change('seal.json', (bytes) => Buffer.concat([bytes, Buffer.from(' ')]));
    expect(await check()).toEqual(['seal_invalid seal.json']);
  });

  test('shows a seal that another key signed, or of another format', async () => {
    const stranger = createNoteSigner('test.example/main', new Uint8Array(32).fill(8));
    await sealDataDir({ dataDir: at.dataDir, paths, signers: [stranger], nowMs: 6 });
    expect(await check()).toEqual(['seal_invalid seal.json']);
    change('seal.json', (bytes) => Buffer.from(bytes.toString().replace('veiltrail-seal/1', 'veiltrail-seal/2')));
    expect(await check()).toEqual(['seal_invalid seal.json']);
  });
});

test('a seal without files is of a sealing that was cut short', async () => {
  await sealDataDir({ dataDir: at.dataDir, paths: [], signers: [testSigner('main')], nowMs: 5 });
  expect(await check()).toEqual(['cut short']);
});

test('breaking a seal removes what a crash left of one', async () => {
  writeFileSync(`${dataDirPaths(at.dataDir).seal}.writing`, 'half a se');
  await breakSeal(at.dataDir);
  expect(readdirSync(at.dataDir).filter((name) => name.startsWith('seal'))).toEqual([]);
});

test('breaking a seal that is not there does nothing', async () => {
  await breakSeal(at.dataDir);
  await breakSeal(at.dataDir);
});

test('a file that cannot be sealed leaves no seal', async () => {
  await breakSeal(at.dataDir);
  await expect(sealDataDir({ dataDir: at.dataDir, paths: ['none'], signers: [testSigner('main')], nowMs: 5 })).rejects.toMatchObject({
    code: 'storage_failed',
  });
  expect(existsSync(dataDirPaths(at.dataDir).seal)).toBe(false);
});

test('a seal that cannot be written, or not removed, is an error', async () => {
  await breakSeal(at.dataDir);
  mkdirSync(`${dataDirPaths(at.dataDir).seal}.writing`);
  await expect(sealDataDir({ dataDir: at.dataDir, paths, signers: [testSigner('main')], nowMs: 5 })).rejects.toMatchObject({
    code: 'storage_failed',
  });
  mkdirSync(dataDirPaths(at.dataDir).seal);
  await expect(breakSeal(at.dataDir)).rejects.toMatchObject({ code: 'storage_failed' });
});
