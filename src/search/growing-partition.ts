/** A partition of the index while it grows: what is written for each record, and what is remembered to write it quickly. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { sha256 } from '../core/sha256.ts';
import { createBlinding } from './blind.ts';
import { EventTime } from './event-time.ts';
import { blockLeaves, partitionLeaves } from './index-format.ts';
import type { Partition } from './partition-seal.ts';
import { eachField } from './record-values.ts';
import { TermRow } from './term-row.ts';

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
  #row: TermRow | undefined;
  readonly #time = new EventTime();
  #insert: StatementSync | undefined;
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
    this.#row = undefined;
  }

  /** Within a transaction. */
  write(database: DatabaseSync, to: number, records: Iterable<IndexableRecord>): void {
    const { id, number } = this.#partition;
    this.#insert ??= database.prepare(`INSERT INTO terms_${id} (rowid, terms) VALUES (?, ?)`);
    const times = new Map<number, { minMs: number; maxMs: number }>();
    let last: IndexableRecord | undefined;
    for (const record of records) {
      last = record;
      const text = this.#termsOf(record);
      if (text !== '') this.#insert.run(record.leafIndex, text);
      const block = Math.floor((record.leafIndex - number * partitionLeaves) / blockLeaves);
      const { ms } = this.#time;
      const known = times.get(block);
      if (!known) times.set(block, { minMs: ms, maxMs: ms });
      else {
        known.minMs = Math.min(known.minMs, ms);
        known.maxMs = Math.max(known.maxMs, ms);
      }
    }
    const widen = database.prepare(
      `INSERT INTO blocks (partition, block, min_ms, max_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET min_ms = min(min_ms, excluded.min_ms), max_ms = max(max_ms, excluded.max_ms)`,
    );
    for (const [block, { minMs, maxMs }] of times) widen.run(id, block, minMs, maxMs);
    database.prepare('UPDATE partitions SET indexed_to = ?, seal = NULL WHERE id = ?').run(to, id);
    if (last) {
      database.prepare('UPDATE partitions SET last_leaf = ?, last_digest = ? WHERE id = ?').run(last.leafIndex, sha256(last.packed), id);
    }
  }

  /** The transaction is through. */
  grown(to: number): void {
    this.indexedTo = to;
    this.sealed = false;
  }

  /** The row of a record; its time is in `#time` then. */
  #termsOf({ packed, receivedAtMs }: IndexableRecord): string {
    const row = (this.#row ??= new TermRow(createBlinding(this.#indexKey, this.#partition.salt)));
    row.begin();
    this.#time.begin(receivedAtMs);
    try {
      eachField(packed, (pointer, json) => {
        this.#time.take(pointer, json);
        row.field(pointer, json);
      });
      return row.text();
    } catch {
      return '';
    }
  }
}
