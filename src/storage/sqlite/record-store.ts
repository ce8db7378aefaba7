/**
 * `records.db`: records and committed state in SQLite, for one process (see `open-database.ts` for what makes a commit durable).
 * Calls run to their end without yielding, so two of them never mix on the one connection.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { statSync } from 'node:fs';
import { VeiltrailError } from '../../core/errors.ts';
import {
  bucketLeaves,
  type Compaction,
  idConflicts,
  idIsNew,
  type LogAppend,
  type LogState,
  type RecordStore,
  type StoredSegment,
} from '../record-store.ts';
import type { SegmentName } from '../segment-store.ts';
import { openDatabase, pragma } from './open-database.ts';
import { SqliteRecordSource } from './record-source.ts';
import { recordsFormat } from './records-format.ts';

const rowBytes = 32;
const keyBytes = 24;
/** A WAL beyond this is moved into the database at the next {@link RecordStore.tidy}; beyond the second size it is cut as well. */
const walBytesMax = 4 * 1_048_576;
const walBytesCut = 64 * 1_048_576;
/** Free pages given back in one step. */
const vacuumPagesMax = 256;
/** Left-over chunks that one step deletes at the most. */
const leftOverRowsMax = 512;

/** Opens `records.db` for the one writer; makes it when there is none. */
export function openSqliteRecordStore(path: string): RecordStore {
  return new SqliteRecordStore(openDatabase(path, recordsFormat), path);
}

class SqliteRecordStore extends SqliteRecordSource implements RecordStore {
  readonly #path: string;
  readonly #knownKeys: StatementSync;
  readonly #thisBody: StatementSync;
  readonly #moveTree: StatementSync;
  readonly #addChunk: StatementSync;
  readonly #stage: StatementSync;
  readonly #addIds: StatementSync;
  #chunkChanges = 0;
  /** Where pruning goes on, per log. Forgotten at a restart, which only costs another look. */
  readonly #pruneFrom = new Map<string, Uint8Array>();

  constructor(database: DatabaseSync, path: string) {
    super(database);
    this.#path = path;
    // Nearly every key is new: asking for a batch of them at once takes a third of the time of asking for each.
    this.#knownKeys = database.prepare(
      `WITH RECURSIVE place (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM place WHERE i + 1 < ?3)
       SELECT i FROM place WHERE EXISTS (SELECT 1 FROM idempotency WHERE log = ?1 AND key = substr(?2, ${rowBytes} * i + 1, ${keyBytes}))`,
    );
    this.#thisBody = database.prepare('SELECT leaf FROM idempotency WHERE log = ? AND key = ? AND body = ?');
    this.#moveTree = database.prepare(
      'UPDATE trees SET tree_size = ?, root = ?, frontier = ?, last_received_at_ms = max(last_received_at_ms, ?) WHERE log = ? AND tree_size = ?',
    );
    this.#addChunk = database.prepare('INSERT INTO chunks (log, first_leaf, count, received_at_ms, sealed) VALUES (?, ?, ?, ?, ?)');
    this.#stage = database.prepare('INSERT INTO staged (log, first_leaf, count, commitments) VALUES (?, ?, ?, ?)');
    // One statement for all rows of a tick takes half the time of one for each.
    this.#addIds = database.prepare(
      `INSERT INTO idempotency (log, key, body, leaf)
       SELECT ?1, substr(?2, ${rowBytes} * key + 1, ${keyBytes}), substr(?2, ${rowBytes} * key + ${keyBytes + 1}, ${rowBytes - keyBytes}), value
       FROM json_each(?3)`,
    );
  }

  async createLog(state: LogState): Promise<void> {
    this.#transaction('create a log', () => {
      if (this.database.prepare('SELECT 1 FROM logs WHERE name = ? OR origin = ?').get(state.log, state.origin)) {
        throw new VeiltrailError('log_exists', 'there is a log of that name or origin');
      }
      const { lastInsertRowid: id } = this.database
        .prepare('INSERT INTO logs (name, origin, created_at_ms) VALUES (?, ?, ?)')
        .run(state.log, state.origin, state.createdAtMs);
      this.database
        .prepare('INSERT INTO trees (log, tree_size, root, frontier, last_received_at_ms, durable_size) VALUES (?, ?, ?, ?, ?, ?)')
        .run(id, state.treeSize, state.root, state.frontier, state.lastReceivedAtMs, state.durableSize);
    });
  }

  async findRepetitions(log: string, idempotency: Uint8Array): Promise<Float64Array> {
    return this.guard('look up ids', () => {
      const id = this.logId(log);
      const found = new Float64Array(idempotency.length / rowBytes).fill(idIsNew);
      if (found.length === 0) return found;
      for (const row of this.#knownKeys.all(id, idempotency, found.length)) {
        const i = row['i'] as number;
        const at = i * rowBytes;
        found[i] = this.#leafOf(id, idempotency.subarray(at, at + keyBytes), idempotency.subarray(at + keyBytes, at + rowBytes));
      }
      return found;
    });
  }

  /** Of a key that is there. The exact row is asked for, however many bodies the key has. */
  #leafOf(id: number, key: Uint8Array, body: Uint8Array): number {
    return (this.#thisBody.get(id, key, body)?.['leaf'] as number | undefined) ?? idConflicts;
  }

  async commit(tick: readonly LogAppend[]): Promise<void> {
    this.#transaction('commit', () => {
      for (const append of tick) this.#append(append);
    });
  }

  #append(append: LogAppend): void {
    const id = this.logId(append.log);
    const count = append.treeSize - append.treeSizeBefore;
    const { changes } = this.#moveTree.run(append.treeSize, append.root, append.frontier, append.receivedAtMs, id, append.treeSizeBefore);
    if (changes !== 1) {
      throw new VeiltrailError('tree_moved', 'the tree has not the size it had: another process writes to this log', {
        expected: append.treeSizeBefore,
      });
    }
    this.#addChunk.run(id, append.treeSizeBefore, count, append.receivedAtMs, append.chunk);
    this.#stage.run(id, append.treeSizeBefore, count, append.commitments);
    this.#addIds.run(id, append.idempotency, `[${append.idempotencyLeaves.join(',')}]`);
  }

  chunkChanges(): number {
    return this.#chunkChanges;
  }

  async compact({ log, bucket, segments, lastReceivedAtMs, remainder, chunkChanges }: Compaction): Promise<void> {
    this.#transaction('register segments', () => {
      if (chunkChanges !== this.#chunkChanges) throw new VeiltrailError('chunks_changed', 'chunks were changed while they were compacted');
      const id = this.logId(log);
      this.database.prepare('INSERT INTO compacted (log, bucket, last_received_at_ms) VALUES (?, ?, ?)').run(id, bucket, lastReceivedAtMs);
      for (const segment of segments) this.#addSegment(id, segment);
      if (remainder) this.#addChunk.run(id, remainder.firstLeaf, remainder.count, remainder.receivedAtMs, remainder.sealed);
    });
  }

  #addSegment(id: number, segment: StoredSegment): void {
    const { bucket, class: of, generation, records, bytes, firstReceivedAtMs, lastReceivedAtMs } = segment;
    this.database
      .prepare(
        `INSERT INTO segments (log, bucket, class, generation, records, bytes, first_received_at_ms, last_received_at_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(id, bucket, of, generation, records, bytes, firstReceivedAtMs, lastReceivedAtMs);
  }

  async dropLeftOver(log: string, bytesMax: number): Promise<boolean> {
    return this.#transaction('delete left-over chunks', () => {
      const id = this.logId(log);
      const rows = this.database
        .prepare(
          `SELECT chunks.first_leaf AS firstLeaf, length(sealed) AS bytes FROM chunks
           JOIN compacted ON compacted.log = chunks.log AND compacted.bucket = chunks.first_leaf / ${bucketLeaves}
           WHERE chunks.log = ?1 AND chunks.first_leaf < (SELECT (max(bucket) + 1) * ${bucketLeaves} FROM compacted WHERE log = ?1)
           ORDER BY chunks.first_leaf LIMIT ?2`,
        )
        .all(id, leftOverRowsMax) as { firstLeaf: number; bytes: number }[];
      const drop = this.database.prepare('DELETE FROM chunks WHERE log = ? AND first_leaf = ?');
      let bytes = 0;
      let dropped = 0;
      for (; dropped < rows.length && bytes < bytesMax; dropped++) {
        const { firstLeaf, bytes: more } = rows[dropped] as { firstLeaf: number; bytes: number };
        drop.run(id, firstLeaf);
        bytes += more;
      }
      return dropped < rows.length || rows.length === leftOverRowsMax;
    });
  }

  async replaceSegments(replacements: readonly { old: SegmentName; next?: StoredSegment }[]): Promise<void> {
    this.#transaction('replace segments', () => {
      const remove = this.database.prepare('DELETE FROM segments WHERE log = ? AND bucket = ? AND class = ? AND generation = ?');
      for (const { old, next } of replacements) {
        const id = this.logId(old.log);
        if (remove.run(id, old.bucket, old.class, old.generation).changes !== 1)
          throw new VeiltrailError('segment_moved', 'a segment to be replaced is not registered', { bucket: old.bucket, generation: old.generation });
        if (next) this.#addSegment(id, next);
      }
    });
  }

  async rewriteChunks(log: string, chunks: readonly { firstLeaf: number; sealed: Uint8Array }[]): Promise<void> {
    this.#transaction('rewrite chunks', () => {
      const id = this.logId(log);
      const rewrite = this.database.prepare('UPDATE chunks SET sealed = ? WHERE log = ? AND first_leaf = ?');
      for (const { firstLeaf, sealed } of chunks) rewrite.run(sealed, id, firstLeaf);
    });
    this.#chunkChanges++;
  }

  async forgetIds(
    log: string,
    isForgotten: (leafIndex: number) => boolean,
    behind: Uint8Array = new Uint8Array(0),
    rowsMax: number,
  ): Promise<Uint8Array | undefined> {
    return this.#transaction('forget ids', () => {
      const id = this.logId(log);
      const rows = this.database
        .prepare('SELECT key, body, leaf FROM idempotency WHERE log = ? AND key > ? ORDER BY key LIMIT ?')
        .all(id, behind, rowsMax) as unknown as { key: Uint8Array; body: Uint8Array; leaf: number }[];
      const last = rows.at(-1)?.key;
      // Rows that share the last key may have been cut off.
      if (last && rows.length === rowsMax) {
        const rest = this.database.prepare('SELECT key, body, leaf FROM idempotency WHERE log = ? AND key = ?').all(id, last);
        rows.push(...(rest as unknown as typeof rows));
      }
      const forget = this.database.prepare('DELETE FROM idempotency WHERE log = ? AND key = ? AND body = ?');
      for (const { key, body, leaf } of rows) if (isForgotten(leaf)) forget.run(id, key, body);
      return rows.length < rowsMax ? undefined : last;
    });
  }

  async scrub(): Promise<void> {
    this.guard('scrub records.db', () => {
      this.database.exec('PRAGMA incremental_vacuum');
      const row = this.database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
      if (row?.['busy'] !== 0) throw new VeiltrailError('storage_busy', 'records.db is being read, and what was removed is still in its log');
    });
  }

  async markDurable(log: string, durableSize: number): Promise<void> {
    this.#transaction('drop staged entries', () => {
      const id = this.logId(log);
      this.database.prepare('UPDATE trees SET durable_size = ?1 WHERE log = ?2 AND durable_size < ?1').run(durableSize, id);
      this.database.prepare('DELETE FROM staged WHERE log = ? AND first_leaf + count <= ?').run(id, durableSize);
    });
  }

  async pruneIdempotency(log: string, receivedBeforeMs: number, rowsMax: number): Promise<number> {
    return this.#transaction('forget old ids', () => {
      const id = this.logId(log);
      const leafBelow = this.#leafReceivedSince(id, receivedBeforeMs);
      // Nothing is old enough in a log of its first days: then there is nothing to look through.
      if (leafBelow === 0) return 0;
      const from = this.#pruneFrom.get(log) ?? new Uint8Array(0);
      const rows = this.database
        .prepare('SELECT key, body, leaf FROM idempotency WHERE log = ? AND key > ? ORDER BY key LIMIT ?')
        .all(id, from, rowsMax) as unknown as { key: Uint8Array; body: Uint8Array; leaf: number }[];
      const forget = this.database.prepare('DELETE FROM idempotency WHERE log = ? AND key = ? AND body = ?');
      let forgotten = 0;
      for (const { key, body, leaf } of rows) if (leaf < leafBelow) forgotten += Number(forget.run(id, key, body).changes);
      const last = rows.at(-1);
      if (last && rows.length === rowsMax) this.#pruneFrom.set(log, last.key);
      else this.#pruneFrom.delete(log);
      return forgotten;
    });
  }

  /** The first leaf received at or after that time. Times never go backwards along a log, so no index is needed. */
  #leafReceivedSince(id: number, atMs: number): number {
    const behind = this.database.prepare(
      'SELECT first_leaf AS firstLeaf, count, received_at_ms AS receivedAtMs FROM chunks WHERE log = ? AND first_leaf >= ? ORDER BY first_leaf LIMIT 1',
    );
    // Of a bucket that is compacted, only the time of its last record is at hand: its ids go together.
    const before = this.database.prepare('SELECT max(bucket) AS bucket FROM compacted WHERE log = ? AND last_received_at_ms < ?').get(id, atMs);
    let low = before?.['bucket'] == null ? 0 : ((before['bucket'] as number) + 1) * bucketLeaves;
    let high = this.database.prepare('SELECT tree_size FROM trees WHERE log = ?').get(id)?.['tree_size'] as number;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const chunk = behind.get(id, middle) as { firstLeaf: number; count: number; receivedAtMs: number } | undefined;
      if (!chunk || chunk.receivedAtMs >= atMs) high = middle;
      else low = chunk.firstLeaf + chunk.count;
    }
    return low;
  }

  async setClean(clean: boolean): Promise<void> {
    this.#transaction('set the closing flag', () => {
      this.database.prepare('UPDATE closing SET clean = ? WHERE id = 1').run(clean ? 1 : 0);
    });
  }

  async tidy(): Promise<void> {
    this.guard('tidy records.db', () => {
      if (pragma(this.database, 'freelist_count') > 0) this.database.exec(`PRAGMA incremental_vacuum(${vacuumPagesMax})`);
      const walBytes = this.#walBytes();
      if (walBytes > walBytesCut) this.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      else if (walBytes > walBytesMax) this.database.exec('PRAGMA wal_checkpoint(PASSIVE)');
    });
  }

  #walBytes(): number {
    return statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }

  #transaction<T>(what: string, work: () => T): T {
    return this.guard(what, () => {
      this.database.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        this.database.exec('COMMIT');
        return result;
      } catch (error) {
        // SQLite has rolled back by itself after some errors, a full disk among them.
        if (this.database.isTransaction) this.database.exec('ROLLBACK');
        throw error;
      }
    });
  }
}
