/**
 * Reading `index.db`: which leaves of a partition may answer a query, and when their events were. It proposes; whoever asks compares each
 * record with the query. A partition that cannot be trusted is not shown, so that its leaves are read one by one instead.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { equalConstantTime } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { type Blinding, createBlinding } from './blind.ts';
import { partitionLeaves, timeBlockLeaves } from './index-format.ts';
import { type IndexQuery, indexQuery, leavesOf } from './index-query.ts';
import { IndexRuns } from './index-runs.ts';
import { type Partition, sealOf } from './partition-seal.ts';
import type { Query } from './query.ts';
import type { Run } from './run-format.ts';

/** A part of the log that the index covers: leaves from `firstLeaf` up to, not including, `indexedTo`. */
export interface IndexedPart {
  readonly firstLeaf: number;
  readonly indexedTo: number;
  /** Leaves from `from` up to, not including, `to` that may answer: the newest first, at most `limit` of them. */
  candidates(from: number, to: number, limit: number): number[];
  /** Whether the index can tell for this query; where it cannot, every leaf is a candidate. */
  readonly narrows: boolean;
  /** The earliest and latest time of an event by block of {@link timeBlockLeaves} leaves, counted from `firstLeaf`; NaN where it has none. */
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
  readonly #runs: IndexRuns;
  readonly #isThere: StatementSync;
  readonly #blindings = new Map<number, Blinding>();
  /** Ids of partitions whose seal this process found right, with that seal. */
  readonly #verified = new Map<number, Uint8Array>();

  constructor(database: DatabaseSync, indexKey: Uint8Array) {
    this.#database = database;
    this.#indexKey = indexKey;
    this.#ofLog = database.prepare(`SELECT ${partitionColumns} FROM partitions JOIN logs ON logs.id = log WHERE logs.name = ? ORDER BY number`);
    this.#runs = new IndexRuns(database);
    this.#isThere = database.prepare('SELECT id FROM partitions WHERE id = ?');
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
    const firstLeaf = number * partitionLeaves;
    const expression = indexQuery(query, this.#blinding(partition));
    const candidates = new Candidates(expression);
    return {
      firstLeaf,
      indexedTo,
      narrows: expression !== undefined,
      candidates: (from, to, limit) =>
        this.#atOneMoment(() => candidates.read(this.#runsOf(id), Math.max(from, firstLeaf), Math.min(to, indexedTo), limit, this.#runs)),
      times: () => this.#times(id),
    };
  }

  #runsOf(id: number): (leaf: number) => Iterable<Run> {
    if (!this.#isThere.get(id)) throw new VeiltrailError('storage_damaged', 'a partition of the index is gone');
    return (leaf) => this.#runs.below(id, leaf);
  }

  /** Reads within one transaction: whoever writes may make one run of several in between. */
  #atOneMoment<T>(read: () => T): T {
    this.#database.exec('BEGIN');
    try {
      return read();
    } finally {
      this.#database.exec('COMMIT');
    }
  }

  #blinding({ id, salt }: Partition): Blinding {
    let blinding = this.#blindings.get(id);
    if (!blinding) this.#blindings.set(id, (blinding = createBlinding(this.#indexKey, salt)));
    return blinding;
  }

  #times(id: number): BlockTimes {
    const blocks = partitionLeaves / timeBlockLeaves;
    const minMs = new Float64Array(blocks).fill(Number.NaN);
    const maxMs = new Float64Array(blocks).fill(Number.NaN);
    const rows = this.#database.prepare('SELECT block, min_ms AS minMs, max_ms AS maxMs FROM times WHERE partition = ?').all(id);
    for (const row of rows as unknown as { block: number; minMs: number; maxMs: number }[]) {
      minMs[row.block] = row.minMs;
      maxMs[row.block] = row.maxMs;
    }
    return { minMs, maxMs };
  }
}

/** Goes through the runs of a partition for one search, which asks for more and more. */
class Candidates {
  readonly #query: IndexQuery | undefined;
  /** The run that was looked at last, and what was found: what leaves it covers never changes. */
  #last: { firstLeaf: number; endLeaf: number; leaves: Uint32Array } | undefined;

  constructor(query: IndexQuery | undefined) {
    this.#query = query;
  }

  read(runsBelow: (leaf: number) => Iterable<Run>, from: number, to: number, limit: number, runs: IndexRuns): number[] {
    const found: number[] = [];
    let next = to;
    for (const run of runsBelow(to)) {
      // The newest may reach farther than what is asked for; the others follow without a gap.
      if (next === to ? run.endLeaf < to : run.endLeaf !== next) throw new VeiltrailError('storage_damaged', 'a run of the index is missing');
      this.#find(run, runs);
      next = run.firstLeaf;
      const { leaves } = this.#last as { leaves: Uint32Array };
      for (let i = leaves.length - 1; i >= 0; i--) {
        const leaf = run.firstLeaf + (leaves[i] as number);
        if (leaf < from) return found;
        if (leaf < to && found.push(leaf) === limit) return found;
      }
      if (next <= from) return found;
    }
    if (to > from) throw new VeiltrailError('storage_damaged', 'a run of the index is missing');
    return found;
  }

  #find(run: Run, runs: IndexRuns): void {
    const { firstLeaf, endLeaf } = run;
    if (this.#last?.firstLeaf === firstLeaf && this.#last.endLeaf === endLeaf) return;
    this.#last = { firstLeaf, endLeaf, leaves: leavesOf(this.#query as IndexQuery, run, runs.readBlock) };
  }
}
