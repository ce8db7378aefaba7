/**
 * A bucket of 65,536 events that is compacted by the product itself: threads, files, keys and all. Everything that reads records reads them there,
 * `verify` finds what is changed in them, and removals reach them.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { systemRandom } from '../../src/core/random.ts';
import type { VerifyReport } from '../../src/app/verify-log.ts';
import { makeBackup } from '../../src/server/backup/make-backup.ts';
import { formatKit, makeKit } from '../../src/server/backup/recovery-kit.ts';
import { restoreBackup } from '../../src/server/backup/restore.ts';
import { type OpenTrail, openTrail } from '../../src/server/compose.ts';
import { openTrailReader } from '../../src/server/open-reader.ts';
import { openStoredVault } from '../../src/server/stored-vault.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';
import { openFileTileSource } from '../../src/storage/files/tile-store.ts';
import { openKeyring } from '../../src/vault/keyring.ts';
import { untilCompacted } from '../ledger/until-compacted.ts';

// Each of these reads or verifies 65,536 records, some of them several times.
vi.setConfig({ testTimeout: 120_000 });

const bucket = 65_536;
const total = bucket + 300;
const root = mkdtempSync(join(tmpdir(), 'veiltrail-segments-'));
const dataDir = join(root, 'data');
const work = join(root, 'work');
/** Of the same log, before its bucket was compacted and after. */
const backups = { chunks: join(root, 'backup-of-chunks'), segments: join(root, 'backup-of-segments') };
let segmentFile: string;

function lines(from: number, to: number): Buffer {
  const texts: string[] = [];
  for (let i = from; i < to; i++) {
    const email = i % 5_000 === 77 ? `,"email":"person.${i}@example.net"` : '';
    texts.push(`{"sequence":${i},"action":"${i % 1_000 === 7 ? 'rare.thing' : 'a.thing'}","actor":{"type":"user","id":"u${i % 9}"${email}}}`);
  }
  return Buffer.from(texts.join('\n'));
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

async function fill(trail: OpenTrail, from: number, to: number): Promise<void> {
  const batches = [];
  for (let at = from; at < to; at += 9_500) batches.push(trail.append({ log: 'default', principal: 'x', body: lines(at, Math.min(to, at + 9_500)), format: 'ndjson' })); // prettier-ignore
  await Promise.all(batches);
}

beforeAll(async () => {
  const before = await openTrail({ dataDir, workers: 1 });
  await before.createLog('default');
  await fill(before, 0, bucket - 500);
  await before.close();
  await makeBackup(dataDir, backups.chunks, Date.now());
  const trail = await openTrail({ dataDir, workers: 1 });
  await fill(trail, bucket - 500, total);
  await untilCompacted(dataDir);
  await trail.close();
  segmentFile = readdirSync(join(dataDir, 'segments'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dataDir.length + 1))
    .join();
});
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

test.each(['chunks', 'segments'] as const)('a backup of %s, made before a person was erased, does not bring them back', async (kind) => {
  const leaf = 5_077;
  await (erased ??= eraseOnCopy(leaf));
  const { token, kit, pieces, checkpoint, tiles } = await erased;
  const restored = join(root, `restored-${kind}`);
  const report = await restoreBackup({ backup: backups[kind], kit, dataDir: restored, tiles: openFileTileSource(tiles) });
  // The bucket's key of before is under a root that is gone: what shared it with the erased record is lost, and told of. A newer backup has it.
  const own = kind === 'chunks' ? bucket - 500 : bucket;
  const added = report.logs.reduce((sum, { entriesOnly }) => sum + entriesOnly, 0);
  expect(report).toMatchObject({ removalsReplayed: 1, lostRecords: own + added });
  // One history, of which every leaf is accounted for: it grew from what the log was when it was lost.
  const verified = await verifyStoredLog(restored, { log: 'default', others: true, keptCheckpoint: checkpoint });
  expect(verified).toMatchObject({ ok: true, treeSize: total + 2, records: { verified: total + 2 - bucket - (kind === 'chunks' ? 301 : 1) } });
  const trail = await openTrail({ dataDir: restored, workers: 1 });
  expect((await trail.search('default', { q: token })).events).toEqual([]);
  await expect(readOrThrow(trail, leaf)).rejects.toMatchObject({ code: 'record_removed' });
  await fill(trail, total, total + 1);
  await untilCompacted(restored); // which takes the chunks away
  await trail.close();
  // Neither what it was sealed in nor the person's row is on the disk any more.
  const files = readdirSync(restored, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { parentPath, name } of files) {
    const bytes = readFileSync(join(parentPath, name));
    for (const [what, piece] of Object.entries(pieces)) expect(`${name} ${what} ${bytes.includes(piece)}`).toBe(`${name} ${what} false`);
  }
  const has = (what: keyof typeof pieces): boolean =>
    readFileSync(join(backups[kind], what === 'segment' ? segmentFile : what === 'row' ? 'vault.db' : 'records.db')).includes(pieces[what]);
  expect(has('row') && has(kind === 'chunks' ? 'chunk' : 'segment')).toBe(true); // and was in the backup
  rmSync(restored, { recursive: true, force: true });
});

interface Erased {
  token: string;
  /** Made after the erasure. */
  kit: string;
  /** Of what bore the person: in the chunk, the segment, and the vault's row. */
  pieces: { chunk: Buffer; segment: Buffer; row: Buffer };
  checkpoint: string;
  tiles: string;
}

/** Done once for both. */
let erased: Promise<Erased> | undefined;

/** Erases a person on a copy of the directory; the copy goes on being the newest that there is of the log. */
async function eraseOnCopy(leaf: number): Promise<Erased> {
  const newest = join(root, 'newest');
  cpSync(dataDir, newest, { recursive: true });
  await makeBackup(newest, backups.segments, Date.now());
  const trail = await openTrail({ dataDir: newest, workers: 1 });
  const token = /tok_[\w-]{27}/.exec(JSON.stringify((await trail.readEvent('default', leaf))?.record))?.[0] as string;
  expect(await trail.remove({ operation: 'erase', tokens: [token], reason: 'test', by: 'x' })).toMatchObject({ records: 1, tokens: 1 });
  await trail.close();
  const one = (file: string, sql: string, ...values: (number | Buffer)[]): Buffer => {
    const database = new DatabaseSync(file, { readOnly: true });
    const sealed = database.prepare(sql).get(...values)?.['sealed'] as Uint8Array;
    database.close();
    return Buffer.from(sealed);
  };
  const chunk = one(join(backups.chunks, 'records.db'), 'SELECT sealed FROM chunks WHERE first_leaf <= ? AND first_leaf + count > ? AND log = (SELECT id FROM logs WHERE name = \'default\')', leaf, leaf); // prettier-ignore
  const segment = readFileSync(join(backups.segments, segmentFile));
  return {
    token,
    kit: formatKit(await makeKit(newest, Date.now()), systemRandom),
    pieces: {
      chunk: chunk.subarray(200, 232),
      segment: segment.subarray(segment.length >>> 1, (segment.length >>> 1) + 32),
      row: one(join(backups.segments, 'vault.db'), 'SELECT sealed FROM tokens WHERE token = ?', Buffer.from(token.slice(4), 'base64url')).subarray(
        0,
        32,
      ),
    },
    checkpoint: readFileSync(join(newest, 'logs/default/checkpoint'), 'utf8'),
    tiles: join(newest, 'logs'),
  };
}

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
