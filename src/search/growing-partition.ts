/** A partition of the index while it grows: what is written for each record, and what is remembered to write it quickly. */
import type { DatabaseSync } from 'node:sqlite';
import { sha256 } from '../core/sha256.ts';
import { partitionLeaves, timeBlockLeaves } from './index-format.ts';
import type { WritableIndexRuns } from './index-runs.ts';
import type { Partition } from './partition-seal.ts';
import { RecordTerms } from './record-terms.ts';

/** A record to index: what `ledger/reader.ts` reads. */
export interface IndexableRecord {
  leafIndex: number;
  receivedAtMs: number;
  packed: Uint8Array;
}

/** Between transactions, as the file has it. */
export class GrowingPartition {
  readonly #partition: Partition;
  readonly #indexKey: Uint8Array;
  #terms: RecordTerms | undefined;
  indexedTo: number;
  sealed: boolean;

  constructor(partition: Partition, indexKey: Uint8Array) {
    this.#partition = partition;
    this.#indexKey = indexKey;
    this.indexedTo = partition.indexedTo;
    this.sealed = partition.seal !== null;
  }

  get number(): number {
    return this.#partition.number;
  }

  /** Forgets what it remembers. */
  cool(): void {
    this.#terms = undefined;
  }

  /** Within a transaction. */
  write(database: DatabaseSync, runs: WritableIndexRuns, to: number, records: Iterable<IndexableRecord>): void {
    const { id, salt } = this.#partition;
    const terms = (this.#terms ??= new RecordTerms(this.#indexKey, salt));
    const times = new Times();
    let from = this.indexedTo;
    let last: IndexableRecord | undefined;
    terms.begin();
    for (const record of records) {
      last = record;
      const { leafIndex, packed, receivedAtMs } = record;
      times.take(leafIndex - this.number * partitionLeaves, terms.add(packed, leafIndex - from, receivedAtMs));
      if (!terms.isFull || leafIndex + 1 === to) continue;
      runs.add(id, from, leafIndex + 1, (writer) => terms.write(writer));
      terms.begin();
      from = leafIndex + 1;
    }
    runs.add(id, from, to, (writer) => terms.write(writer));
    times.write(database, id);
    database.prepare('UPDATE partitions SET indexed_to = ?, seal = NULL WHERE id = ?').run(to, id);
    if (last) {
      database.prepare('UPDATE partitions SET last_leaf = ?, last_digest = ? WHERE id = ?').run(last.leafIndex, sha256(last.packed), id);
    }
    runs.tidy(id);
  }

  /** The transaction is through. */
  grown(to: number): void {
    this.indexedTo = to;
    this.sealed = false;
  }
}

/** The earliest and the latest time of the events of each {@link timeBlockLeaves} leaves. */
class Times {
  readonly #blocks = new Map<number, { minMs: number; maxMs: number }>();

  /** @param place of the leaf in its partition */
  take(place: number, ms: number): void {
    const block = Math.floor(place / timeBlockLeaves);
    const known = this.#blocks.get(block);
    if (!known) this.#blocks.set(block, { minMs: ms, maxMs: ms });
    else {
      known.minMs = Math.min(known.minMs, ms);
      known.maxMs = Math.max(known.maxMs, ms);
    }
  }

  write(database: DatabaseSync, partition: number): void {
    const widen = database.prepare(
      `INSERT INTO times (partition, block, min_ms, max_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET min_ms = min(min_ms, excluded.min_ms), max_ms = max(max_ms, excluded.max_ms)`,
    );
    for (const [block, { minMs, maxMs }] of this.#blocks) widen.run(partition, block, minMs, maxMs);
  }
}
