/**
 * Writing `index.db`. One call of {@link IndexStore.add} is one transaction: terms, times and how far the partition reaches, so that a leaf
 * below `indexedTo` is in the index, and one from there on is not, whatever happens in between.
 *
 * A crash (`synchronous=NORMAL`: of the machine, too) takes back whole transactions at most, and those leaves are indexed again. Behind a
 * crash the partition that was growing has no seal (see partition-seal.ts) and is made anew; one that does not open, or was sealed and is not
 * what was sealed, likewise. So the index never answers from bytes that nobody vouches for.
 */
import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { VeiltrailError } from '../core/errors.ts';
import { type Random, systemRandom } from '../core/random.ts';
import { removeFile } from '../storage/files/remove-file.ts';
import { openDatabase } from '../storage/sqlite/open-database.ts';
import { isRefusal, storageError } from '../storage/storage-error.ts';
import { saltBytes } from './blind.ts';
import { GrowingPartition, type IndexableRecord } from './growing-partition.ts';
import { indexFormat, partitionLeaves } from './index-format.ts';
import { WritableIndexRuns } from './index-runs.ts';
import { type IndexedPart, IndexView, type SearchIndex } from './index-view.ts';
import { type Partition, sealOf } from './partition-seal.ts';
import type { Query } from './query.ts';

/** Leaves of one partition that are not in the index. */
export interface LeafRange {
  from: number;
  to: number;
}

/** Partitions that remember what they blinded, some megabytes each. */
const warmMax = 4;
export interface IndexStoreOptions {
  random?: Random;
  /** Bytes of the write-ahead log before it is written back [16 MiB]; at four times that it is cut as well. */
  walBytesMax?: number;
}

export class IndexStore implements SearchIndex {
  readonly #path: string;
  readonly #indexKey: Uint8Array;
  readonly #random: Random;
  readonly #walBytesMax: number;
  #database: DatabaseSync;
  #view: IndexView;
  #runs: WritableIndexRuns;
  /** By log and number, as committed. */
  #logs = new Map<string, Map<number, GrowingPartition>>();

  /** Those that remember terms, the one that grew last at the end. */
  readonly #warm: GrowingPartition[] = [];

  private constructor(path: string, indexKey: Uint8Array, { random = systemRandom, walBytesMax = 16 * 1_048_576 }: IndexStoreOptions) {
    this.#path = path;
    this.#indexKey = indexKey;
    this.#random = random;
    this.#walBytesMax = walBytesMax;
    this.#database = this.#openFile();
    this.#view = new IndexView(this.#database, indexKey);
    this.#runs = new WritableIndexRuns(this.#database);
  }

  /**
   * Opens the index for writing; makes one where there is none that can be used.
   * @throws VeiltrailError `disk_full`, `storage_readonly`, `storage_busy`
   */
  static open(path: string, indexKey: Uint8Array, options: IndexStoreOptions = {}): IndexStore {
    let store: IndexStore | undefined;
    try {
      store = new IndexStore(path, indexKey, options);
      store.#load();
      return store;
    } catch (error) {
      if (store) store.#database.close();
      if (isRefusal(storageError(error, 'open index.db'))) throw storageError(error, 'open index.db');
      removeIndex(path);
      return new IndexStore(path, indexKey, options);
    }
  }

  /** Leaves below this one are all in the index. */
  indexedTo(log: string): number {
    const partitions = this.#logs.get(log);
    for (let number = 0; ; number++) {
      const partition = partitions?.get(number);
      if (!partition) return number * partitionLeaves;
      if (partition.indexedTo < (number + 1) * partitionLeaves) return partition.indexedTo;
    }
  }

  /** Leaves to index next, of one partition, the newest partition first and `without` those; `undefined` when all are there. */
  missing(log: string, treeSize: number, without: ReadonlySet<number> = new Set()): LeafRange | undefined {
    const partitions = this.#logs.get(log);
    for (let number = Math.ceil(treeSize / partitionLeaves) - 1; number >= 0; number--) {
      const from = partitions?.get(number)?.indexedTo ?? number * partitionLeaves;
      const to = Math.min(treeSize, (number + 1) * partitionLeaves);
      if (from < to && !without.has(number)) return { from, to };
    }
    return undefined;
  }

  /** Every partition of a log, by number. */
  partitions(log: string): Partition[] {
    return this.#guard('read partitions', () => this.#view.partitions(log));
  }

  /** Logs in the index. */
  logs(): { log: string; origin: string }[] {
    return this.#guard('read logs', () => this.#view.logs());
  }

  /**
   * Indexes the records of a range that {@link IndexStore.missing} named, or of its beginning. Leaves of the range that have no record are
   * indexed by that. One that cannot be read has no terms: `verify` is who reports it.
   */
  add(log: string, origin: string, { from, to }: LeafRange, records: Iterable<IndexableRecord>): void {
    const number = Math.floor(from / partitionLeaves);
    const growing = this.#partitionsOf(log);
    const known = growing.get(number);
    let partition: GrowingPartition | undefined;
    this.#transaction('index records', () => {
      partition = known ?? new GrowingPartition(this.#createPartition(log, origin, number), this.#indexKey);
      partition.write(this.#database, this.#runs, to, records);
    });
    // Only now: what a transaction took back was never there.
    this.#grown(growing, partition as unknown as GrowingPartition, to);
    if (to === (number + 1) * partitionLeaves) this.#seal(log, number);
    this.#tidy();
  }

  /**
   * Removes the partitions that hold any of these leaves, and with their salts what could tell which values were in them. They are indexed
   * again.
   * @throws VeiltrailError `storage_busy` when they are removed, but somebody who reads keeps the salts in the write-ahead log: call it again
   */
  forget(log: string, { from, to }: LeafRange): void {
    for (const { number } of this.partitions(log)) {
      if ((number + 1) * partitionLeaves > from && number * partitionLeaves < to) this.#forgetPartition(log, number);
    }
    const row = this.#guard('write back index.db', () => this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get());
    if (row?.['busy'] !== 0) throw new VeiltrailError('storage_busy', 'the index is being read, and what it forgot is still in its log');
  }

  /** Removes everything, the file too, and begins anew. */
  reset(): void {
    try {
      this.#database.close();
    } finally {
      removeIndex(this.#path);
      this.#database = this.#openFile();
      this.#view = new IndexView(this.#database, this.#indexKey);
      this.#runs = new WritableIndexRuns(this.#database);
      this.#logs = new Map();
    }
  }

  parts(log: string, query: Query): ReadonlyMap<number, IndexedPart> {
    const parts = new Map<number, IndexedPart>();
    try {
      for (const partition of this.#view.partitions(log)) {
        // What grows was intact when it was opened, and was written by this process since.
        if (partition.seal === null || this.#isIntact(partition)) parts.set(partition.number, this.#view.part(partition, query));
        else this.distrust(log, partition.number);
      }
      return parts;
    } catch {
      this.reset();
      return new Map();
    }
  }

  #isIntact(partition: Partition): boolean {
    try {
      return this.#view.isIntact(partition);
    } catch {
      return false;
    }
  }

  distrust(log: string, partition: number): void {
    try {
      this.#forgetPartition(log, partition);
    } catch {
      this.reset();
    }
  }

  /** Seals what grows, so that the next start can trust it, and closes. */
  close(): void {
    this.#guard('close index.db', () => {
      for (const [log, partitions] of this.#logs) {
        for (const [number, { sealed }] of partitions) if (!sealed) this.#seal(log, number);
      }
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      this.#database.close();
    });
  }

  /** Closes as a crash would: without seals. */
  abandon(): void {
    this.#database.close();
  }

  #openFile(): DatabaseSync {
    const database = openDatabase(this.#path, indexFormat);
    // Weaker than records: what a crash takes back is indexed again. Consistency, which NORMAL keeps, is what matters.
    // It waits for nobody for long: whoever reads it holds up the write-ahead log only.
    database.exec('PRAGMA synchronous=NORMAL; PRAGMA secure_delete=FAST; PRAGMA busy_timeout=200');
    return database;
  }

  /** Of what is in the file, keeps what can be trusted. */
  #load(): void {
    for (const { log } of this.#view.logs()) {
      const growing = this.#partitionsOf(log);
      for (const partition of this.#view.partitions(log)) {
        const full = partition.indexedTo === (partition.number + 1) * partitionLeaves;
        // A full one is looked at when it is first asked.
        if (full ? partition.seal !== null : this.#isIntact(partition)) {
          growing.set(partition.number, new GrowingPartition(partition, this.#indexKey));
        } else this.#drop(partition.id);
      }
    }
  }

  #grown(partitions: Map<number, GrowingPartition>, partition: GrowingPartition, to: number): void {
    partitions.set(partition.number, partition);
    partition.grown(to);
    const at = this.#warm.indexOf(partition);
    if (at >= 0) this.#warm.splice(at, 1);
    this.#warm.push(partition);
    if (this.#warm.length > warmMax) this.#warm.shift()?.cool();
  }

  #partitionsOf(log: string): Map<number, GrowingPartition> {
    let partitions = this.#logs.get(log);
    if (!partitions) this.#logs.set(log, (partitions = new Map()));
    return partitions;
  }

  #createPartition(log: string, origin: string, number: number): Partition {
    this.#database
      .prepare('INSERT INTO logs (name, origin) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET origin = excluded.origin')
      .run(log, origin);
    const salt = this.#random.bytes(saltBytes);
    const firstLeaf = number * partitionLeaves;
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO partitions (log, number, salt, indexed_to, last_leaf, last_digest)
         SELECT id, ?, ?, ?, -1, x'' FROM logs WHERE name = ?`,
      )
      .run(number, salt, firstLeaf, log);
    const id = Number(lastInsertRowid);
    return { id, log, origin, number, salt, indexedTo: firstLeaf, lastLeaf: -1, lastDigest: new Uint8Array(), seal: null };
  }

  #seal(log: string, number: number): void {
    const partition = this.#view.partitions(log).find((one) => one.number === number);
    if (!partition) return;
    const seal = sealOf(this.#database, partition, this.#indexKey);
    this.#database.prepare('UPDATE partitions SET seal = ? WHERE id = ?').run(seal, partition.id);
    const growing = this.#logs.get(log)?.get(number);
    if (growing) growing.sealed = true;
  }

  #forgetPartition(log: string, number: number): void {
    for (const partition of this.partitions(log)) if (partition.number === number) this.#drop(partition.id);
    this.#logs.get(log)?.delete(number);
  }

  #drop(id: number): void {
    this.#guard('drop a partition', () => this.#database.exec('PRAGMA secure_delete=ON'));
    this.#transaction('drop a partition', () => {
      this.#runs.removeAll(id);
      this.#database.exec(`DELETE FROM times WHERE partition = ${id}; DELETE FROM partitions WHERE id = ${id}`);
    });
    this.#guard('drop a partition', () => this.#database.exec('PRAGMA secure_delete=FAST; PRAGMA incremental_vacuum'));
  }

  #tidy(): void {
    const walBytes = statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (walBytes <= this.#walBytesMax) return;
    const mode = walBytes > 4 * this.#walBytesMax ? 'TRUNCATE' : 'PASSIVE';
    this.#guard('write back index.db', () => this.#database.exec(`PRAGMA wal_checkpoint(${mode})`));
  }

  #transaction(what: string, work: () => void): void {
    this.#guard(what, () => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        work();
        this.#database.exec('COMMIT');
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  #guard<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storageError(error, what);
    }
  }
}

/** Deletes the file and what SQLite keeps beside it. Nobody may have it open in this process. */
export function removeIndex(path: string): void {
  try {
    for (const suffix of ['', '-wal', '-shm', '-journal']) removeFile(`${path}${suffix}`);
  } catch (error) {
    throw storageError(error, 'remove index.db');
  }
}
