/**
 * Reading `index.db`: which leaves of a partition may answer a query, and when their events were. It proposes; whoever asks compares each
 * record with the query. A partition that cannot be trusted is not shown, so that its leaves are read one by one instead.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { equalConstantTime } from '../core/bytes.ts';
import { type Blinding, createBlinding } from './blind.ts';
import { blockLeaves, partitionLeaves } from './index-format.ts';
import { indexQuery } from './index-query.ts';
import { type Partition, sealOf } from './partition-seal.ts';
import type { Query } from './query.ts';

/** A part of the log that the index covers: leaves from `firstLeaf` up to, not including, `indexedTo`. */
export interface IndexedPart {
  readonly firstLeaf: number;
  readonly indexedTo: number;
  /** Leaves from `from` up to, not including, `to` that may answer: the newest first, at most `limit` of them. */
  candidates(from: number, to: number, limit: number): number[];
  /** Whether the index can tell for this query; where it cannot, every leaf is a candidate. */
  readonly narrows: boolean;
  /** The earliest and latest time of an event by block of {@link blockLeaves} leaves, counted from `firstLeaf`; NaN where it has none. */
  times(): BlockTimes;
}

export interface BlockTimes {
  readonly minMs: Float64Array;
  readonly maxMs: Float64Array;
}

/** What a search asks of the index. */
export interface SearchIndex {
  /** The parts of a log that can be trusted, by the number of their partition. */
  parts(log: string, query: Query): ReadonlyMap<number, IndexedPart>;
  /** Takes note that a part failed while it was read. */
  distrust(log: string, partition: number, error: unknown): void;
}

const partitionColumns = `partitions.id, logs.name AS log, origin, number, salt, indexed_to AS indexedTo, last_leaf AS lastLeaf, last_digest AS lastDigest, seal`;

export class IndexView {
  readonly #database: DatabaseSync;
  readonly #indexKey: Uint8Array;
  readonly #ofLog: StatementSync;
  readonly #perPartition = new Map<number, { blinding: Blinding; select: StatementSync }>();
  /** Ids of partitions whose seal this process found right, with that seal. */
  readonly #verified = new Map<number, Uint8Array>();

  constructor(database: DatabaseSync, indexKey: Uint8Array) {
    this.#database = database;
    this.#indexKey = indexKey;
    this.#ofLog = database.prepare(`SELECT ${partitionColumns} FROM partitions JOIN logs ON logs.id = log WHERE logs.name = ? ORDER BY number`);
  }

  /** Every partition of a log as it is now. */
  partitions(log: string): Partition[] {
    return this.#ofLog.all(log) as unknown as Partition[];
  }

  logs(): { log: string; origin: string }[] {
    return this.#database.prepare('SELECT name AS log, origin FROM logs ORDER BY name').all() as unknown as { log: string; origin: string }[];
  }

  /** Whether a partition is sealed and is what was sealed. Computed once. */
  isIntact(partition: Partition): boolean {
    const { id, seal } = partition;
    if (seal === null) return false;
    const verified = this.#verified.get(id);
    if (verified && equalConstantTime(verified, seal)) return true;
    if (!equalConstantTime(sealOf(this.#database, partition, this.#indexKey), seal)) return false;
    this.#verified.set(id, seal);
    return true;
  }

  part(partition: Partition, query: Query): IndexedPart {
    const { id, number, indexedTo } = partition;
    const { blinding, select } = this.#access(partition);
    const expression = indexQuery(query, blinding);
    return {
      firstLeaf: number * partitionLeaves,
      indexedTo,
      narrows: expression !== undefined,
      candidates: (from, to, limit) =>
        (select.all(expression as string, from, to, limit) as unknown as { rowid: number }[]).map(({ rowid }) => rowid),
      times: () => this.#times(id),
    };
  }

  #access({ id, salt }: Partition): { blinding: Blinding; select: StatementSync } {
    let access = this.#perPartition.get(id);
    if (!access) {
      const select = this.#database.prepare(
        `SELECT rowid FROM terms_${id} WHERE terms_${id} MATCH ? AND rowid >= ? AND rowid < ? ORDER BY rowid DESC LIMIT ?`,
      );
      access = { blinding: createBlinding(this.#indexKey, salt), select };
      this.#perPartition.set(id, access);
    }
    return access;
  }

  #times(id: number): BlockTimes {
    const blocks = partitionLeaves / blockLeaves;
    const minMs = new Float64Array(blocks).fill(Number.NaN);
    const maxMs = new Float64Array(blocks).fill(Number.NaN);
    const rows = this.#database.prepare('SELECT block, min_ms AS minMs, max_ms AS maxMs FROM blocks WHERE partition = ?').all(id);
    for (const row of rows as unknown as { block: number; minMs: number; maxMs: number }[]) {
      minMs[row.block] = row.minMs;
      maxMs[row.block] = row.maxMs;
    }
    return { minMs, maxMs };
  }
}
