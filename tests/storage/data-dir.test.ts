import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isDataDirInUse, lockDataDir } from '../../src/storage/data-dir.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = join(mkdtempSync(join(tmpdir(), 'veiltrail-lock-')), 'data');
});
afterEach(() => rmSync(join(dataDir, '..'), { recursive: true, force: true }));

test('a directory is taken once, and again when it was let go', () => {
  expect(isDataDirInUse(dataDir)).toBe(false);
  const lock = lockDataDir(dataDir);
  expect(() => lockDataDir(dataDir)).toThrow(expect.objectContaining({ code: 'data_dir_in_use' }));
  expect(isDataDirInUse(dataDir)).toBe(true);
  lock.release();
  expect(isDataDirInUse(dataDir)).toBe(false);
  lockDataDir(dataDir).release();
});

test('it is made for its owner only', () => {
  lockDataDir(dataDir).release();
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
});

test('a path that cannot be a directory is refused', () => {
  expect(() => lockDataDir('/dev/null/data')).toThrow(expect.objectContaining({ code: 'storage_failed' }));
});

test('another process that has it keeps us out, until it is gone, even by kill -9', async () => {
  const module = new URL('../../src/storage/data-dir.ts', import.meta.url).href;
  // It forgets the lock and collects garbage: the lock must not be part of that.
  const script = `const { lockDataDir } = await import(${JSON.stringify(module)});
    lockDataDir(${JSON.stringify(dataDir)});
    for (let i = 0; i < 3; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)); }
    console.log('locked'); setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(other.stdout, 'data');
    expect(() => lockDataDir(dataDir)).toThrow(expect.objectContaining({ code: 'data_dir_in_use' }));
    expect(isDataDirInUse(dataDir)).toBe(true);
  } finally {
    other.kill('SIGKILL');
    await once(other, 'exit');
  }
  expect(isDataDirInUse(dataDir)).toBe(false);
  lockDataDir(dataDir).release();
});
