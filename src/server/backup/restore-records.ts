/** The records of a backup: what opens stays, what nothing opens any more becomes leaves without a record, and a log's newer entries are taken over. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { mergeRanges } from '../../app/leaf-ranges.ts';
import { decodeBase64 } from '../../core/base64.ts';
import { concatBytes, equalBytes } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { systemRandom } from '../../core/random.ts';
import { bucketOf, type ChunkPlace, generationOf, openChunk, sealChunk, withChunkHead } from '../../ledger/chunk.ts';
import { type CheckpointTrust, openCheckpoint } from '../../log/checkpoint.ts';
import { commitmentBytes, hashEntries, parseEntry } from '../../log/entry.ts';
import { parseEntryBundle } from '../../log/entry-bundle.ts';
import { Frontier } from '../../log/frontier.ts';
import { formatTilePath, tileWidthMax } from '../../log/tile-path.ts';
import { tileWidth } from '../../log/tile.ts';
import { hashBytes } from '../../log/tree.ts';
import { segmentPath } from '../../storage/files/segment-store.ts';
import { bucketLeaves } from '../../storage/record-store.ts';
import { openSqliteRecordSource } from '../../storage/sqlite/record-source.ts';
import type { TileSource } from '../../storage/tile-store.ts';
import { openKeyring } from '../../vault/keyring.ts';
import { keysDirectory, recordsFileName } from '../data-files.ts';
import { openRecordReader } from '../open-records.ts';
import { openStoredVault } from '../stored-vault.ts';
import { type BackedUpLog } from './manifest.ts';
import { type RecoveryKit } from './recovery-kit.ts';
import type { RestoredVault } from './restore-vault.ts';

/** Leaves of one chunk of nothing: far fewer than a tick may have. */
const emptyChunkMax = 8_192;

/** A log that was larger when the kit was made. */
export interface Behind extends BackedUpLog {
  newSize: number;
  checkpoint: string;
  /** Whom the checkpoint may be of. */
  trust: CheckpointTrust;
  /** Of the leaves that are missing, where the kit has them. */
  commitments?: Uint8Array;
}

/** What is lost, by log: ranges of leaves. */
export interface Lost {
  ranges: Map<string, number[]>;
  /** Buckets of which a segment is lost: which leaves were in it, nothing says but what the others hold. */
  buckets: { log: string; bucket: number }[];
}

/** Chunks and segments that nothing opens become leaves without a record. */
export function restoreRecords(dir: string, kit: RecoveryKit, vault: RestoredVault): Lost {
  const heads = new Map(kit.heads.map(({ log, firstLeaf, head }) => [`${log} ${firstLeaf}`, decodeBase64(head)]));
  const lost: Lost = { ranges: new Map(), buckets: [] };
  const records = new DatabaseSync(join(dir, recordsFileName));
  try {
    records.exec('PRAGMA secure_delete=ON; BEGIN IMMEDIATE; UPDATE closing SET clean = 0');
    const logs = records.prepare('SELECT id, name, origin FROM logs').all() as unknown as { id: number; name: string; origin: string }[];
    for (const { id, name, origin } of logs) {
      const chunks = records
        .prepare('SELECT first_leaf, count, received_at_ms, sealed FROM chunks WHERE log = ? ORDER BY first_leaf')
        .all(id) as unknown as ChunkRow[];
      for (const { first_leaf: firstLeaf, count, received_at_ms: receivedAtMs, sealed } of chunks) {
        if (vault.chunkKey(name, bucketOf(firstLeaf), generationOf(sealed, firstLeaf))) continue;
        const place = { origin, firstLeaf, count, receivedAtMs };
        const head = heads.get(`${name} ${firstLeaf}`);
        const left = head && behindHead(name, place, head, sealed, vault);
        const replaced = left ?? emptyChunk(place, vault.newestKey(name, bucketOf(firstLeaf)));
        records.prepare('UPDATE chunks SET sealed = ? WHERE log = ? AND first_leaf = ?').run(replaced, id, firstLeaf);
        if (!left) addRange(lost, name, firstLeaf, firstLeaf + count);
      }
      const segments = records.prepare('SELECT bucket, class, generation FROM segments WHERE log = ?').all(id) as unknown as {
        bucket: number;
        class: string;
        generation: number;
      }[];
      for (const { bucket, class: retentionClass, generation } of segments) {
        if (vault.hasSegmentKey(name, retentionClass, bucket, generation)) continue;
        records.prepare('DELETE FROM segments WHERE log = ? AND bucket = ? AND class = ?').run(id, bucket, retentionClass);
        rmSync(join(dir, 'segments', segmentPath({ log: name, class: retentionClass, bucket, generation })), { force: true });
        lost.buckets.push({ log: name, bucket });
      }
    }
    records.exec('COMMIT');
  } finally {
    records.close();
  }
  return lost;
}

/** In a bucket that lost a segment, leaves that no other holds. */
export async function findLostLeaves(dir: string, lost: Lost): Promise<void> {
  if (lost.buckets.length === 0) return;
  const vault = openStoredVault(dir, openKeyring(join(dir, keysDirectory), { create: false }));
  const records = openSqliteRecordSource(join(dir, recordsFileName));
  try {
    const sizes = new Map((await records.logs()).map(({ log, treeSize }) => [log, treeSize]));
    const reader = openRecordReader(dir, records, vault);
    for (const { log, bucket } of lost.buckets) {
      const end = Math.min(sizes.get(log) ?? 0, (bucket + 1) * bucketLeaves);
      let next = bucket * bucketLeaves;
      for await (const { leafIndex } of reader.records(log, next, end)) {
        if (leafIndex > next) addRange(lost, log, next, leafIndex);
        next = leafIndex + 1;
      }
      if (next < end) addRange(lost, log, next, end);
    }
  } finally {
    await records.close();
    await vault.close();
  }
}

interface ChunkRow {
  first_leaf: number;
  count: number;
  received_at_ms: number;
  sealed: Uint8Array;
}

/** A chunk that an erasure since has left as it was, behind the head that it has now; undefined where it is another chunk now. */
function behindHead(log: string, place: ChunkPlace, head: Uint8Array, sealed: Uint8Array, vault: RestoredVault): Uint8Array | undefined {
  const key = vault.chunkKey(log, bucketOf(place.firstLeaf), generationOf(head, place.firstLeaf));
  if (!key) return undefined;
  const chunk = withChunkHead(head, sealed);
  try {
    openChunk(place, chunk, key);
    return chunk;
  } catch (error) {
    if (error instanceof VeiltrailError) return undefined;
    throw error;
  }
}

function emptyChunk(
  place: { origin: string; firstLeaf: number; count: number; receivedAtMs: number },
  { generation, key }: { generation: number; key: Uint8Array },
): Uint8Array {
  return sealChunk(place, { offsets: new Uint32Array(place.count + 1), records: new Uint8Array(0) }, key, systemRandom, generation);
}

function addRange(lost: Lost, log: string, from: number, to: number): void {
  lost.ranges.set(log, mergeRanges(lost.ranges.get(log) ?? [], [from, to]));
}

/** Entries that the backup has not, proved by the kit's checkpoint: leaves without a record. */
export async function addEntries(
  dir: string,
  { log, origin, treeSize, newSize, checkpoint, trust, commitments: kept }: Behind,
  tiles: TileSource | undefined,
  vault: RestoredVault,
  lost: Lost,
): Promise<void> {
  const { root } = openCheckpoint(checkpoint, trust);
  const commitments = kept ?? (await readCommitments(tiles as TileSource, log, treeSize, newSize));
  const records = new DatabaseSync(join(dir, recordsFileName));
  try {
    const id = (records.prepare('SELECT id FROM logs WHERE name = ?').get(log) as { id: number }).id;
    const tree = records.prepare('SELECT frontier, last_received_at_ms AS receivedAtMs FROM trees WHERE log = ?').get(id) as {
      frontier: Uint8Array;
      receivedAtMs: number;
    };
    const frontier = Frontier.fromBytes(tree.frontier);
    const hashes = hashEntries(commitments);
    for (let at = 0; at < hashes.length; at += hashBytes) frontier.append(hashes, at);
    if (!equalBytes(frontier.root(), root))
      throw new VeiltrailError(
        'history_forked',
        `the public files of log ${log} do not lead from the backup to the recovery kit's checkpoint: they are of another history`,
        { log },
      );
    records.exec('BEGIN IMMEDIATE');
    for (let from = treeSize; from < newSize;) {
      const to = Math.min(newSize, from + emptyChunkMax, (bucketOf(from) + 1) * bucketLeaves);
      const place = { origin, firstLeaf: from, count: to - from, receivedAtMs: tree.receivedAtMs };
      const sealed = emptyChunk(place, vault.newestKey(log, bucketOf(from)));
      records
        .prepare('INSERT INTO chunks (log, first_leaf, count, received_at_ms, sealed) VALUES (?, ?, ?, ?, ?)')
        .run(id, from, to - from, tree.receivedAtMs, sealed);
      from = to;
    }
    records
      .prepare('INSERT INTO staged (log, first_leaf, count, commitments) VALUES (?, ?, ?, ?)')
      .run(id, treeSize, newSize - treeSize, commitments);
    records.prepare('UPDATE trees SET tree_size = ?, root = ?, frontier = ? WHERE log = ?').run(newSize, root, frontier.toBytes(), id);
    records.exec('COMMIT');
  } finally {
    records.close();
  }
  writeFileSync(join(dir, 'logs', log, 'checkpoint'), checkpoint);
  addRange(lost, log, treeSize, newSize);
}

/** @throws VeiltrailError `tile_missing` */
export async function readCommitments(tiles: TileSource, log: string, from: number, to: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let leaf = from - (from % tileWidthMax); leaf < to; leaf += tileWidthMax) {
    const index = leaf / tileWidthMax;
    const width = tileWidth(0, index, to);
    const full = formatTilePath({ level: 'entries', index, width: tileWidthMax });
    const bundle = (await tiles.read(log, formatTilePath({ level: 'entries', index, width }))) ?? (await tiles.read(log, full));
    if (!bundle)
      throw new VeiltrailError('tile_missing', `the public files of log ${log} lack the entries from leaf ${leaf} on`, { log, leafIndex: leaf });
    const entries = bundleEntries(bundle, width);
    for (const [i, entry] of entries.entries()) if (leaf + i >= from && leaf + i < to) parts.push(parseEntry(entry));
  }
  const commitments = concatBytes(...parts);
  if (commitments.length !== (to - from) * commitmentBytes)
    throw new VeiltrailError('tile_missing', `the public files of log ${log} lack entries`, { log });
  return commitments;
}

/** The first entries of a bundle, which may have grown since. */
function bundleEntries(bundle: Uint8Array, width: number): Uint8Array[] {
  const entryLength = 35;
  return parseEntryBundle(bundle, Math.min(tileWidthMax, Math.max(width, Math.floor(bundle.length / entryLength)))).slice(0, width);
}
