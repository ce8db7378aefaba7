/** The reading half of `records.db`: for the ledger's own thread, for other threads, and for other processes while a server runs. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { VeiltrailError } from '../../core/errors.ts';
import {
  bucketLeaves,
  type LogState,
  type RecordSource,
  type StagedEntries,
  type StoredBucket,
  type StoredChunk,
  type StoredRecords,
  type StoredSegment,
  type StrayRow,
} from '../record-store.ts';
import { storageError } from '../storage-error.ts';
import { openDatabaseReadOnly } from './open-database.ts';
import { recordsFormat } from './records-format.ts';

/** Opens `records.db` for reading only, whether a server has it or not. */
export function openSqliteRecordSource(path: string): RecordSource {
  return new SqliteRecordSource(openDatabaseReadOnly(path, recordsFormat));
}

/** By table; each answers with the first leaf of one row that has no business there, or with null. */
const strayRows: readonly (readonly [StrayRow['table'], string])[] = [
  ['chunks', 'SELECT min(first_leaf) AS leaf FROM chunks WHERE log = ?1 AND first_leaf + count > (SELECT tree_size FROM trees WHERE log = ?1)'],
  [
    'compacted',
    `SELECT min(bucket) * ${bucketLeaves} AS leaf FROM compacted
     WHERE log = ?1 AND (bucket + 1) * ${bucketLeaves} > (SELECT tree_size FROM trees WHERE log = ?1)`,
  ],
  [
    'segments',
    `SELECT min(bucket) * ${bucketLeaves} AS leaf FROM segments
     WHERE log = ?1 AND NOT EXISTS (SELECT 1 FROM compacted WHERE compacted.log = ?1 AND compacted.bucket = segments.bucket)`,
  ],
  [
    'trees',
    `SELECT min(leaf) AS leaf FROM (
       SELECT first_leaf AS leaf, received_at_ms AS at FROM chunks WHERE log = ?1
       UNION ALL SELECT bucket * ${bucketLeaves}, last_received_at_ms FROM compacted WHERE log = ?1)
     WHERE at > (SELECT last_received_at_ms FROM trees WHERE log = ?1)`,
  ],
];

const segmentColumns =
  'class, generation, records, bytes, first_received_at_ms AS firstReceivedAtMs, segments.last_received_at_ms AS lastReceivedAtMs';

export class SqliteRecordSource implements RecordSource {
  protected readonly database: DatabaseSync;
  readonly #ids = new Map<string, number>();
  readonly #chunkHolding: StatementSync;
  readonly #chunkBehind: StatementSync;
  readonly #compacted: StatementSync;
  readonly #firstBehind: StatementSync;
  readonly #segments: StatementSync;

  constructor(database: DatabaseSync) {
    this.database = database;
    const columns = 'first_leaf AS firstLeaf, count, received_at_ms AS receivedAtMs, sealed';
    this.#chunkHolding = database.prepare(`SELECT ${columns} FROM chunks WHERE log = ? AND first_leaf <= ? ORDER BY first_leaf DESC LIMIT 1`);
    this.#chunkBehind = database.prepare(`SELECT ${columns} FROM chunks WHERE log = ? AND first_leaf > ? ORDER BY first_leaf LIMIT 1`);
    this.#compacted = database.prepare('SELECT bucket FROM compacted WHERE log = ? AND bucket >= ? ORDER BY bucket LIMIT 1');
    this.#firstBehind = database.prepare('SELECT first_leaf AS firstLeaf FROM chunks WHERE log = ? AND first_leaf > ? ORDER BY first_leaf LIMIT 1');
    this.#segments = database.prepare(`SELECT ${segmentColumns} FROM segments WHERE log = ? AND bucket = ? ORDER BY class`);
  }

  async logs(): Promise<LogState[]> {
    return this.guard('read the logs', () => {
      const rows = this.database
        .prepare(
          `SELECT name AS log, origin, created_at_ms AS createdAtMs, tree_size AS treeSize, root, frontier,
             last_received_at_ms AS lastReceivedAtMs, durable_size AS durableSize
           FROM logs JOIN trees ON trees.log = logs.id ORDER BY name`,
        )
        .all();
      return rows.map((row) => ({ ...row })) as unknown as LogState[];
    });
  }

  async chunkFrom(log: string, leafIndex: number): Promise<StoredChunk | undefined> {
    return this.guard('read a chunk', () => {
      const id = this.logId(log);
      const holding = this.#chunkHolding.get(id, leafIndex) as unknown as StoredChunk | undefined;
      if (holding && leafIndex < holding.firstLeaf + holding.count) return { ...holding };
      const behind = this.#chunkBehind.get(id, leafIndex) as unknown as StoredChunk | undefined;
      return behind && { ...behind };
    });
  }

  async recordsFrom(log: string, leafIndex: number): Promise<StoredRecords | undefined> {
    return this.guard('read records', () => this.#inOneState(() => this.#recordsFrom(log, leafIndex)));
  }

  #recordsFrom(log: string, leafIndex: number): StoredRecords | undefined {
    const id = this.logId(log);
    const bucket = Math.floor(leafIndex / bucketLeaves);
    const compacted = this.#compacted.get(id, bucket)?.['bucket'] as number | undefined;
    if (compacted === bucket) return { in: 'segments', ...this.#bucket(log, id, bucket) };
    const holding = this.#chunkHolding.get(id, leafIndex) as unknown as StoredChunk | undefined;
    if (holding && leafIndex < holding.firstLeaf + holding.count) return { in: 'chunk', ...holding };
    // A chunk is large: it is read when it is known to be the one.
    const behind = (this.#firstBehind.get(id, leafIndex)?.['firstLeaf'] as number | undefined) ?? Infinity;
    if (compacted !== undefined && compacted * bucketLeaves <= behind) return { in: 'segments', ...this.#bucket(log, id, compacted) };
    const chunk = this.#chunkBehind.get(id, leafIndex) as unknown as StoredChunk | undefined;
    return chunk && { in: 'chunk', ...chunk };
  }

  async compactedBuckets(log: string, from: number): Promise<StoredBucket[]> {
    return this.guard('read the segments', () =>
      this.#inOneState(() => {
        const id = this.logId(log);
        const rows = this.database
          .prepare(
            `SELECT compacted.bucket, ${segmentColumns} FROM compacted LEFT JOIN segments USING (log, bucket)
             WHERE log = ? AND compacted.bucket >= ? ORDER BY compacted.bucket, class`,
          )
          .all(id, from) as unknown as (Omit<StoredSegment, 'log' | 'class'> & { class: string | null })[];
        const buckets: StoredBucket[] = [];
        for (const row of rows) {
          if (buckets.at(-1)?.bucket !== row.bucket) buckets.push({ bucket: row.bucket, segments: [] });
          if (row.class !== null) buckets.at(-1)?.segments.push({ log, ...row, class: row.class });
        }
        return buckets;
      }),
    );
  }

  #bucket(log: string, id: number, bucket: number): StoredBucket {
    return { bucket, segments: this.#segments.all(id, bucket).map((row) => ({ log, bucket, ...row })) as unknown as StoredSegment[] };
  }

  /** Statements that must not see what is committed between them. */
  #inOneState<T>(read: () => T): T {
    if (this.database.isTransaction) return read();
    this.database.exec('BEGIN');
    try {
      return read();
    } finally {
      this.database.exec('COMMIT');
    }
  }

  async staged(log: string): Promise<StagedEntries[]> {
    return this.guard('read staged entries', () => {
      const rows = this.database
        .prepare(
          `SELECT first_leaf AS firstLeaf, commitments FROM staged
           WHERE log = ?1 AND first_leaf + count > (SELECT durable_size FROM trees WHERE log = ?1) ORDER BY first_leaf`,
        )
        .all(this.logId(log));
      return rows.map((row) => ({ ...row })) as unknown as StagedEntries[];
    });
  }

  async strays(log: string): Promise<StrayRow[]> {
    return this.guard('look for rows that nothing reads', () =>
      this.#inOneState(() =>
        strayRows.flatMap(([table, sql]) => {
          const leafIndex = this.database.prepare(sql).get(this.logId(log))?.['leaf'];
          return typeof leafIndex === 'number' ? [{ table, leafIndex }] : [];
        }),
      ),
    );
  }

  async isClean(): Promise<boolean> {
    return this.guard('read the closing flag', () => this.database.prepare('SELECT clean FROM closing WHERE id = 1').get()?.['clean'] === 1);
  }

  async close(): Promise<void> {
    this.guard('close records.db', () => this.database.close());
  }

  protected logId(log: string): number {
    const known = this.#ids.get(log);
    if (known !== undefined) return known;
    const row = this.database.prepare('SELECT id FROM logs WHERE name = ?').get(log);
    if (!row) throw new VeiltrailError('log_not_found', 'there is no such log');
    const id = row['id'] as number;
    this.#ids.set(log, id);
    return id;
  }

  protected guard<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storageError(error, what);
    }
  }
}
