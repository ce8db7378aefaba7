/**
 * A bucket of 65,536 events that is compacted by the product itself: threads, files, keys and all. Everything that reads records reads them there,
 * `verify` finds what is changed in them, and removals reach them.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { VerifyReport } from '../../src/app/verify-log.ts';
import { type OpenTrail, openTrail, openTrailReader } from '../../src/server/compose.ts';
import { openStoredVault } from '../../src/server/stored-vault.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';
import { dataDirPaths } from '../../src/storage/data-dir.ts';
import { openSqliteRecordSource } from '../../src/storage/sqlite/record-source.ts';
import { openKeyring } from '../../src/vault/keyring.ts';

// Each of these reads or verifies 65,536 records, some of them several times.
vi.setConfig({ testTimeout: 120_000 });

const bucket = 65_536;
const total = bucket + 300;
const root = mkdtempSync(join(tmpdir(), 'veiltrail-segments-'));
const dataDir = join(root, 'data');
const work = join(root, 'work');
let segmentFile: string;

function lines(from: number, to: number): Buffer {
  const texts: string[] = [];
  for (let i = from; i < to; i++) {
    const email = i % 5_000 === 77 ? `,"email":"person.${i}@example.net"` : '';
    texts.push(`{"sequence":${i},"action":"${i % 1_000 === 7 ? 'rare.thing' : 'a.thing'}","actor":{"type":"user","id":"u${i % 9}"${email}}}`);
  }
  return Buffer.from(texts.join('\n'));
}

/** Returns once nothing of the first bucket is left in chunks. */
async function untilCompacted(dir: string): Promise<void> {
  const records = openSqliteRecordSource(dataDirPaths(dir).records);
  try {
    for (;;) {
      const [compacted] = await records.compactedBuckets('default', 0);
      const chunk = await records.chunkFrom('default', 0);
      if (compacted && chunk && chunk.firstLeaf >= bucket) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    await records.close();
  }
}

async function onCopy<T>(use: (trail: OpenTrail) => Promise<T>): Promise<T> {
  rmSync(work, { recursive: true, force: true });
  cpSync(dataDir, work, { recursive: true });
  const trail = await openTrail({ dataDir: work, workers: 1 });
  try {
    return await use(trail);
  } finally {
    await trail.close();
  }
}

async function attacked(attack: (file: string) => void): Promise<VerifyReport> {
  rmSync(work, { recursive: true, force: true });
  cpSync(dataDir, work, { recursive: true });
  attack(join(work, segmentFile));
  return verifyStoredLog(work, { log: 'default' });
}

beforeAll(async () => {
  const trail = await openTrail({ dataDir, workers: 1 });
  await trail.createLog('default');
  const batches = [];
  for (let at = 0; at < total; at += 9_500) batches.push(trail.append({ log: 'default', principal: 'x', body: lines(at, Math.min(total, at + 9_500)), format: 'ndjson' })); // prettier-ignore
  await Promise.all(batches);
  await untilCompacted(dataDir);
  await trail.close();
  segmentFile = readdirSync(join(dataDir, 'segments'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dataDir.length + 1))
    .join();
}, 240_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('one file holds the bucket; the chunks, and the key they were under, are gone', async () => {
  expect(segmentFile).toMatch(/^segments\/default\/[a-z]+\/00000000\.1$/);
  const vault = openStoredVault(dataDir, openKeyring(join(dataDir, 'keys'), { create: false }));
  await expect(vault.bucketKey('default', 0)).rejects.toMatchObject({ code: 'bucket_key_missing' });
  expect(await vault.bucketKey('default', 1)).toHaveLength(32);
  await vault.close();
});

test('records are shown, found, proved and disclosed as before', async () => {
  const reader = await openTrailReader(dataDir);
  try {
    for (const leaf of [0, 255, 256, 30_000, bucket - 1, bucket, total - 1])
      expect((await reader.readEvent('default', leaf))?.record['sequence']).toBe(leaf);
    expect(await reader.proveEvent('default', 12_345)).toContain('12345');
    expect(await reader.discloseEvent('default', 12_345, ['/sequence'])).toContain('12345');
    const found: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await reader.search('default', { q: 'action:rare.thing', limit: 50, ...(cursor === undefined ? {} : { cursor }) });
      found.push(...page.events.map(({ leafIndex }) => leafIndex));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(found).toEqual(Array.from({ length: 66 }, (_, i) => 7 + 1_000 * i).toReversed());
  } finally {
    await reader.close();
  }
});

test('verify reads all of them, and a stopped directory is sealed with its segments', async () => {
  const report = await verifyStoredLog(dataDir, { log: 'default', others: true });
  expect(report).toMatchObject({ ok: true, treeSize: total, records: { verified: total } });
  expect(readFileSync(join(dataDir, 'seal.json'), 'utf8')).toContain(`"${segmentFile}"`);
});

test('a changed byte is found, and the first bad leaf is named', async () => {
  const size = readFileSync(join(dataDir, segmentFile)).length;
  for (const part of [0.1, 0.9]) {
    const report = await attacked((file) => {
      const bytes = readFileSync(file);
      const at = Math.floor(part * size);
      bytes[at] = (bytes[at] as number) ^ 4;
      writeFileSync(file, bytes);
    });
    const damaged = report.problems.find(({ code }) => code === 'segment_damaged');
    const block = Number(/, block (\d+)$/.exec(damaged?.where ?? '')?.[1]);
    expect(Math.abs(block / 256 - part)).toBeLessThan(0.05);
    expect(report).toMatchObject({ ok: false, firstBadLeaf: 256 * block, records: { verified: total - 256 } });
    expect(report.problems.map(({ code }) => code).toSorted()).toEqual(['file_changed', 'segment_damaged']);
  }
  const missing = await attacked((file) => rmSync(file));
  expect(missing).toMatchObject({ ok: false, firstBadLeaf: 0, records: { verified: total - bucket } });
  expect(missing.problems.map(({ code }) => code)).toContain('segment_missing');
});

test('an older vault put back, which lacks the key, is not gone on with', async () => {
  rmSync(work, { recursive: true, force: true });
  cpSync(dataDir, work, { recursive: true });
  const vault = new DatabaseSync(join(work, 'vault.db'));
  vault.exec('DELETE FROM segment_keys');
  vault.close();
  await expect(openTrail({ dataDir: work, workers: 1 })).rejects.toMatchObject({ code: 'vault_behind' });
  const report = await verifyStoredLog(work, { log: 'default' });
  expect(report).toMatchObject({ ok: false, firstBadLeaf: 0 });
  expect(report.problems.map(({ code }) => code)).toContain('segment_key_missing');
});

test('records are removed from it: the next generation has them no more, and nothing opens the one before', async () => {
  const before = readFileSync(join(dataDir, segmentFile));
  const next = segmentFile.replace(/1$/, '2');
  await onCopy(async (trail) => {
    const removal = { operation: 'expire' as const, records: [{ log: 'default', ranges: [[100, 200] as const, [bucket - 1, bucket + 1] as const] }] };
    expect(await trail.remove({ ...removal, reason: 'test', by: 'x' })).toMatchObject({ records: 102 });
    expect(existsSync(join(work, segmentFile))).toBe(false);
    expect(existsSync(join(work, next))).toBe(true);
    for (const leaf of [99, 200, bucket - 2, bucket + 1]) expect((await trail.readEvent('default', leaf))?.record['sequence']).toBe(leaf);
    for (const leaf of [100, 199, bucket - 1, bucket]) await expect(readOrThrow(trail, leaf)).rejects.toMatchObject({ code: 'record_removed' });
    expect((await trail.search('default', { q: 'sequence:150', limit: 5 })).events).toEqual([]);
  });
  expect(await verifyStoredLog(work, { log: 'default', others: true })).toMatchObject({ ok: true, records: { erased: 102 } });
  // The old file, and all keys that are left.
  writeFileSync(join(work, segmentFile), before);
  const vault = openStoredVault(work, openKeyring(join(work, 'keys'), { create: false }));
  const [, , retentionClass] = segmentFile.split('/') as [string, string, string];
  const name = { log: 'default', class: retentionClass, bucket: 0, generation: 1 };
  await expect(vault.segmentKey(name)).rejects.toMatchObject({ code: 'segment_key_missing' });
  await vault.close();
});

async function readOrThrow(trail: OpenTrail, leaf: number): Promise<unknown> {
  const found = await trail.readEvent('default', leaf);
  if (found === undefined) throw Object.assign(new Error('removed'), { code: 'record_removed' });
  return found;
}
