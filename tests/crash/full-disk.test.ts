/**
 * A real file system that is really full, or really read-only: a small tmpfs, which only root may mount. Refused with a code, nothing lost, and
 * all is well again without hands as soon as there is room.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import { dataDirPaths, lockDataDir } from '../../src/storage/data-dir.ts';
import { type Ledger } from '../../src/ledger/ledger.ts';
import { numbered } from '../ledger/batches.ts';
import { Installation } from '../ledger/installation.ts';

const mounted: string[] = [];

function mount(...options: string[]): boolean {
  try {
    execFileSync('mount', options, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function unmountAll(): void {
  for (let path = mounted.pop(); path !== undefined; path = mounted.pop()) execFileSync('umount', ['--lazy', path]);
}

function canMount(): boolean {
  const probe = mkdtempSync(join(tmpdir(), 'veiltrail-mount-'));
  const can = process.getuid?.() === 0 && mount('-t', 'tmpfs', 'tmpfs', probe);
  if (can) execFileSync('umount', [probe]);
  rmSync(probe, { recursive: true });
  return can;
}

const possible = canMount();
if (!possible) console.warn('skipped: a full and a read-only file system, because this user may not mount one');

let directory: string;
let at: Installation;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'veiltrail-disk-'));
});
afterEach(() => {
  unmountAll();
  rmSync(directory, { recursive: true, force: true });
});

/** Fills a file system but for some pages; the answer makes room again. */
function fill(path: string, leavePages: number): () => void {
  const { bavail, bsize } = statfsSync(path);
  const file = join(path, 'ballast');
  writeFileSync(file, new Uint8Array(Math.max(0, bavail - leavePages) * bsize));
  return () => unlinkSync(file);
}

/** What a batch was answered: its tree size, or a code. */
async function outcome(ledger: Ledger, from: number, count = 20): Promise<number | string> {
  try {
    return (await at.append(ledger, { log: 'main', events: numbered(from, count, 'x'.repeat(200)) })).treeSize;
  } catch (error) {
    if (error instanceof VeiltrailError) return error.code;
    throw error;
  }
}

describe.skipIf(!possible)('a full disk', () => {
  test.each([0, 1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 20, 24, 32, 40])('with %i pages left', async (leavePages) => {
    mount('-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory);
    mounted.push(directory);
    at = new Installation(directory);
    const ledger = await at.openWith(['main']);
    expect(await outcome(ledger, 0)).toBe(20);
    const makeRoom = fill(directory, leavePages);
    // Goes on until it is full; with room for the transaction and none for the tiles, it is stored and not published.
    const answers: (number | string)[] = [];
    for (let from = 20; from < 2_000 && typeof answers.at(-1) !== 'string'; from += 20) answers.push(await outcome(ledger, from));
    expect(['disk_full', 'not_published']).toContain(answers.at(-1));
    const from = 20 * answers.length;
    // While nothing can be written, nothing more is stored, and nothing that was stored is lost.
    const again = await outcome(ledger, from);
    expect(['disk_full', 'not_published']).toContain(again);
    makeRoom();
    expect(await outcome(ledger, from)).toBe(from + 20);
    expect(await outcome(ledger, from + 20)).toBe(from + 40);
    await ledger.close();
    expect(await at.check('main')).toBe(from + 40);
    await (await at.open()).close();
    expect(await at.check('main')).toBe(from + 40);
  });

  test('that nobody writes to is published to when there is room again', async () => {
    const logs = join(directory, 'logs');
    mkdirSync(logs);
    mount('-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', logs);
    mounted.push(logs);
    at = new Installation(directory);
    const published: number[] = [];
    const ledger = await at.openWith(['main'], { onPublished: (log) => published.push(log.published.treeSize) });
    const makeRoom = fill(logs, 0);
    expect(await outcome(ledger, 0)).toBe('not_published');
    expect(await outcome(ledger, 20)).toBe('disk_full');
    makeRoom();
    await expect.poll(() => published.at(-1)).toBe(20);
    expect(await at.check('main')).toBe(20);
    await ledger.close();
  });

  test('cannot be opened for the first time', async () => {
    mount('-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory);
    mounted.push(directory);
    fill(directory, 0);
    at = new Installation(directory);
    await expect((async () => at.open())()).rejects.toMatchObject({ code: 'disk_full' });
  });
});

describe.skipIf(!possible)('a read-only directory', () => {
  test('refuses to be locked or opened', async () => {
    mount('-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory);
    mounted.push(directory);
    at = new Installation(directory);
    const ledger = await at.openWith(['main']);
    await outcome(ledger, 0);
    await ledger.close();
    lockDataDir(directory).release();
    mount('-o', 'remount,ro', directory);
    expect(() => lockDataDir(directory)).toThrow(expect.objectContaining({ code: 'storage_readonly' }));
    await expect((async () => at.open())()).rejects.toMatchObject({ code: 'storage_readonly' });
    // Reading works: an auditor may have it on such a disk.
    expect(await at.check('main')).toBe(20);
    mount('-o', 'remount,rw', directory);
    await (await at.open()).close();
  });

  test('of tiles keeps what was stored, and publishes it when it can', async () => {
    at = new Installation(directory);
    const { logs } = dataDirPaths(directory);
    mkdirSync(logs);
    mount('-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', logs);
    mounted.push(logs);
    const ledger = await at.openWith(['main']);
    expect(await outcome(ledger, 0)).toBe(20);
    mount('-o', 'remount,ro', logs);
    expect(await outcome(ledger, 20)).toBe('not_published');
    expect(await outcome(ledger, 40)).toBe('storage_readonly');
    mount('-o', 'remount,rw', logs);
    expect(await outcome(ledger, 20)).toBe(40);
    await ledger.close();
    expect(await at.check('main')).toBe(40);
  });
});
