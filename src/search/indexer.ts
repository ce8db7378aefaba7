/**
 * Follows the logs and indexes what is published, newest partition first, in slices that leave room for other work in between. It has no
 * cursor but what the index says is in it, so it goes on from wherever a crash or a damage left it: at least once, a leaf being one row.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { equalBytes } from '../core/bytes.ts';
import { sha256 } from '../core/sha256.ts';
import { type OpenedChunk, recordOf } from '../ledger/reader.ts';
import { isRefusal } from '../storage/storage-error.ts';
import { partitionLeaves } from './index-format.ts';
import type { IndexableRecord } from './growing-partition.ts';
import type { IndexStore, LeafRange } from './index-store.ts';
import { isRemoved } from '../log/open-record.ts';
import { RecordWalk } from './record-walk.ts';
import type { SearchSource } from './search-source.ts';
import { searchableForm } from './searchable-form.ts';

/** A slice ends behind the chunk that fills it. */
const sliceLeavesMax = 8_192;
const sliceBytesMax = 8 * 1_048_576;
/** Rest after it caught up: larger slices cost less an event, and searches read the few leaves that wait meanwhile. */
const restMsDefault = 200;
/** What could not be done is tried again after this long. */
const retryMs = 5_000;

export interface IndexerOptions {
  store: IndexStore;
  source: SearchSource;
  /** Rest after it caught up [200]. */
  restMs?: number;
  /** Told about what failed; it is tried again. */
  onError?: (error: Error) => void;
}

/** How far the index of a log is. */
export interface IndexState {
  indexedTo: number;
  treeSize: number;
}

interface Followed {
  readonly origin: string;
  treeSize: number;
  /** Partitions that hold a chunk that does not open: what follows it there is not indexed, so that a search meets it and says so. */
  readonly blocked: Set<number>;
}

export class Indexer {
  readonly #store: IndexStore;
  readonly #source: SearchSource;
  readonly #restMs: number;
  readonly #onError: (error: Error) => void;
  readonly #logs = new Map<string, Followed>();
  #starting: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  #woken = false;
  #forgotten = 0;
  #restedAtMs = -Infinity;
  #endRest: (() => void) | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ store, source, restMs = restMsDefault, onError = () => undefined }: IndexerOptions) {
    this.#store = store;
    this.#source = source;
    this.#restMs = restMs;
    this.#onError = onError;
  }

  /** Begins to follow every log there is, as far as it is now. Does not reject: what fails is tried again. */
  start(): Promise<void> {
    this.#starting ??= this.#followAll();
    return this.#starting;
  }

  async #followAll(): Promise<void> {
    try {
      for (const { log, treeSize } of await this.#source.logs()) await this.published(log, treeSize);
    } catch (error) {
      this.#tryAgain(error as Error);
    }
    this.#starting = undefined;
  }

  /** A log has grown to this size and everybody may see it. */
  async published(log: string, treeSize: number): Promise<void> {
    const followed = this.#logs.get(log) ?? (await this.#follow(log));
    if (!followed) return;
    followed.treeSize = Math.max(followed.treeSize, treeSize);
    this.#wake();
  }

  state(log: string): IndexState {
    return { indexedTo: this.#store.indexedTo(log), treeSize: this.#logs.get(log)?.treeSize ?? 0 };
  }

  /**
   * Indexes the partitions that hold these leaves anew, with other salts. What was in them cannot be told any more when it returns.
   * @throws VeiltrailError `storage_busy`, see {@link IndexStore.forget}
   */
  forget(log: string, range: LeafRange): void {
    this.#forgotten++;
    try {
      this.#store.forget(log, range);
    } finally {
      this.#wake();
    }
  }

  /** A partition is damaged: it is indexed anew. */
  distrust(log: string, partition: number): void {
    this.#store.distrust(log, partition);
    this.#wake();
  }

  /** Resolves when there is nothing to do. */
  async idle(): Promise<void> {
    for (let busy = this.#starting ?? this.#running; busy; busy = this.#starting ?? this.#running) await busy;
  }

  /** Ends after the slice under way, and closes the store. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#endRest?.();
    await this.idle();
    this.#store.close();
  }

  async #follow(log: string): Promise<Followed | undefined> {
    const found = (await this.#source.logs()).find((one) => one.log === log);
    if (!found) return undefined;
    const known = this.#logs.get(log);
    if (known) return known;
    const followed: Followed = { origin: found.origin, treeSize: 0, blocked: new Set() };
    await this.#forgetForeign(log, found);
    this.#logs.set(log, followed);
    return followed;
  }

  /**
   * Forgets partitions that were made from other records than these: an older copy of the records was put back, or those of another
   * installation. The newest record of a partition vouches for those before it, for a log only grows.
   */
  async #forgetForeign(log: string, { origin, treeSize }: { origin: string; treeSize: number }): Promise<void> {
    const walk = new RecordWalk(this.#source, log);
    for (const partition of this.#store.partitions(log)) {
      const { number, indexedTo, lastLeaf, lastDigest } = partition;
      const record = lastLeaf >= 0 && lastLeaf < treeSize ? await walk.record(lastLeaf) : undefined;
      const same = lastLeaf < 0 || (record !== undefined && equalBytes(digestOf(record.packed), lastDigest));
      if (partition.origin === origin && indexedTo <= treeSize && same) continue;
      this.#store.distrust(log, number);
    }
  }

  #wake(): void {
    if (this.#closed || this.#retry) return;
    this.#woken = true;
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    try {
      // Woken while the last look was under way, it looks again.
      while (this.#woken && !this.#closed) {
        this.#woken = false;
        await this.#rest();
        while (!this.#closed && (await this.#slice())) await turn();
        this.#restedAtMs = performance.now();
      }
    } catch (error) {
      this.#tryAgain(error as Error);
    }
    this.#running = undefined;
  }

  /** Lets leaves gather, if it caught up a moment ago. */
  async #rest(): Promise<void> {
    const leftMs = this.#restedAtMs + this.#restMs - performance.now();
    if (leftMs > 0 && !this.#closed) await new Promise<void>((resolve) => (this.#endRest = endOf(resolve, leftMs)));
    this.#endRest = undefined;
  }

  /** Later, so that a disk that refuses or damages all is not kept busy. */
  #tryAgain(error: Error): void {
    this.#onError(error);
    if (this.#closed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.start();
    }, retryMs).unref();
  }

  /** Indexes some leaves of the log that lacks most; false when none lacks any. */
  async #slice(): Promise<boolean> {
    for (const [log, followed] of this.#logs) {
      const missing = this.#store.missing(log, followed.treeSize, followed.blocked);
      if (!missing) continue;
      const before = this.#forgotten;
      const { to, chunks } = await this.#read(log, followed, missing);
      const range = { from: missing.from, to };
      // What was read before something was forgotten may be what is to be forgotten: it is read again.
      if (to > missing.from && before === this.#forgotten) this.#add(log, followed.origin, range, recordsIn(chunks, range));
      for (const chunk of chunks) this.#source.discard?.(chunk);
      return true;
    }
    return false;
  }

  #add(log: string, origin: string, range: LeafRange, records: Iterable<IndexableRecord>): void {
    try {
      this.#store.add(log, origin, range, records);
    } catch (error) {
      // The file is damaged: it is begun anew.
      if (!isRefusal(error)) this.#store.reset();
      throw error;
    }
  }

  async #read(log: string, followed: Followed, { from, to }: LeafRange): Promise<{ to: number; chunks: OpenedChunk[] }> {
    const chunks: OpenedChunk[] = [];
    let bytes = 0;
    let next = from;
    while (next < to && next - from < sliceLeavesMax && bytes < sliceBytesMax) {
      const chunk = await this.#source.chunkFrom(log, next);
      if (!chunk || chunk.firstLeaf >= to) {
        next = to;
        break;
      }
      if (!chunk.content) {
        followed.blocked.add(Math.floor(from / partitionLeaves));
        break;
      }
      chunks.push(chunk);
      bytes += chunk.content.records.byteLength;
      next = Math.min(to, chunk.firstLeaf + chunk.count);
    }
    return { to: next, chunks };
  }
}

/** One by one: what is made for a record is gone before the next. */
function* recordsIn(chunks: readonly OpenedChunk[], { from, to }: LeafRange): Iterable<IndexableRecord> {
  for (const chunk of chunks) {
    const end = Math.min(to, chunk.firstLeaf + chunk.count);
    for (let leaf = Math.max(from, chunk.firstLeaf); leaf < end; leaf++) {
      const record = recordOf(chunk, leaf);
      if (!isRemoved(record.packed)) yield { ...record, packed: searchable(record.packed) };
    }
  }
}

/** What is no record has no terms: `verify` says so. */
function searchable(packed: Uint8Array): Uint8Array {
  try {
    return searchableForm(packed);
  } catch {
    return packed;
  }
}

function digestOf(packed: Uint8Array): Uint8Array {
  return sha256(searchable(packed));
}

/** Calls `resolve` after a while, or when what is returned is called. */
function endOf(resolve: () => void, ms: number): () => void {
  const timer = setTimeout(resolve, ms);
  return () => {
    clearTimeout(timer);
    resolve();
  };
}
