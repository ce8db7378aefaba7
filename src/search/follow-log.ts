/**
 * Following one log: its records from a leaf on, in order, in batches, as they are published. Whoever follows keeps the cursor (`to` of the last
 * batch that was dealt with, durably) and starts from there again: at least once, a leaf being what repetitions are told by.
 *
 * What was removed is not given, and named as a range; so is what is stored and does not open. A batch that was read before its log was rewritten
 * is stale ({@link LogFollower.isStale}): it may hold what has been removed since, and is read again after {@link LogFollower.goTo}.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { VeiltrailError } from '../core/errors.ts';
import { type OpenedChunk, recordOf, type RecordReader } from '../ledger/reader.ts';
import { isRemoved } from '../log/open-record.ts';
import type { LeafRange } from './index-store.ts';
import type { Predicate } from './match.ts';
import { searchableForm } from './searchable-form.ts';

/** What a follower reads with: neither keeps chunks, nor fails for one that is damaged. */
export type FollowSource = Pick<RecordReader, 'openFrom'>;

export interface FollowedRecord {
  leafIndex: number;
  /** Milliseconds. */
  receivedAtMs: number;
  /** As it is stored: for `openRecord`. A view of memory that it shares with its neighbours. */
  packed: Uint8Array;
  /** As search reads it: for predicates. */
  searchable: Uint8Array;
}

export interface FollowedBatch {
  /** Leaves `from` up to, not including, `to` were looked at: the next batch begins at `to`. */
  from: number;
  to: number;
  /** Those that match, in order; there may be none. */
  records: FollowedRecord[];
  /** Leaves in between whose records were removed: tombstones in the log say why. */
  removed: LeafRange[];
  /** Leaves in between whose records cannot be read: they are damaged, `verify` says how. */
  unreadable: LeafRange[];
}

export interface FollowOptions {
  source: FollowSource;
  log: string;
  /** The first leaf. */
  from: number;
  /** Leaves that are published; {@link LogFollower.published} tells of more. */
  treeSize: number;
  /** Which records are given [all]: see match.ts. What is no record of ours is given to nobody, and unreadable. */
  holds?: Predicate;
  /** A batch ends with the leaf that reaches one of these: leaves looked at [4,096], records [1,000], bytes of records [1 MiB]. */
  leavesMax?: number;
  recordsMax?: number;
  bytesMax?: number;
}

/** Leaves that are looked at before others have a turn. */
const sliceLeaves = 256;

/** One reader at a time: a call of {@link LogFollower.next} begins when the one before has ended. */
export class LogFollower {
  readonly #options: Required<Omit<FollowOptions, 'from' | 'treeSize'>>;
  #treeSize: number;
  #next: number;
  #chunk: OpenedChunk | undefined;
  #forgotten = 0;
  readonly #readWhen = new WeakMap<FollowedBatch, number>();
  #closed = false;
  #wake: (() => void) | undefined;

  constructor({ source, log, from, treeSize, holds = () => true, leavesMax = 4_096, recordsMax = 1_000, bytesMax = 1_048_576 }: FollowOptions) {
    this.#options = { source, log, holds, leavesMax, recordsMax, bytesMax };
    this.#next = from;
    this.#treeSize = treeSize;
  }

  /** Where the next batch begins. */
  get position(): number {
    return this.#next;
  }

  /** Leaves that are published and were not looked at yet. */
  get behind(): number {
    return Math.max(0, this.#treeSize - this.#next);
  }

  /** The log has grown to this size and everybody may see it. */
  published(treeSize: number): void {
    if (treeSize <= this.#treeSize) return;
    this.#treeSize = treeSize;
    this.#wake?.();
  }

  /** The log's records were rewritten: what was read before is stale, and so is a batch that is being read. */
  forget(): void {
    this.#forgotten++;
    this.#chunk = undefined;
  }

  /** Whether a batch was read before the log was last rewritten. */
  isStale(batch: FollowedBatch): boolean {
    return this.#readWhen.get(batch) !== this.#forgotten;
  }

  /** The next batch begins at this leaf. */
  goTo(leafIndex: number): void {
    this.#next = leafIndex;
    this.#wake?.();
  }

  /** Ends waiting: {@link LogFollower.next} gives undefined from now on. */
  close(): void {
    this.#closed = true;
    this.#chunk = undefined;
    this.#wake?.();
  }

  /** Resolves as soon as there is a leaf for {@link LogFollower.next}; false once closed. */
  async ready(): Promise<boolean> {
    while (!this.#closed && this.behind === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
    return !this.#closed;
  }

  /**
   * The next batch, as soon as there is a leaf; undefined once closed.
   * @throws VeiltrailError those of storage; the next call reads the same leaves
   */
  async next(): Promise<FollowedBatch | undefined> {
    for (;;) {
      if (!(await this.ready())) return undefined;
      const from = this.#next;
      const before = this.#forgotten;
      const batch = await this.#read(from);
      // Read while the log was rewritten, or while somebody sent it elsewhere.
      if (before !== this.#forgotten || from !== this.#next) continue;
      this.#next = batch.to;
      // What is read to its end is needed no more, and may be large.
      if (this.#chunk && batch.to >= this.#chunk.firstLeaf + this.#chunk.count) this.#chunk = undefined;
      this.#readWhen.set(batch, before);
      return this.#closed ? undefined : batch;
    }
  }

  async #read(from: number): Promise<FollowedBatch> {
    const { leavesMax, recordsMax, bytesMax } = this.#options;
    const end = Math.min(this.#treeSize, from + leavesMax);
    const batch: FollowedBatch = { from, to: from, records: [], removed: [], unreadable: [] };
    let bytes = 0;
    let turnAt = from + sliceLeaves;
    while (batch.to < end && batch.records.length < recordsMax && bytes < bytesMax && !this.#closed) {
      const leafIndex = batch.to;
      const chunk = await this.#chunkFrom(leafIndex);
      if (!chunk || chunk.firstLeaf > leafIndex) {
        batch.to = Math.min(end, chunk?.firstLeaf ?? end);
        addRange(batch.removed, leafIndex, batch.to);
        continue;
      }
      const stop = Math.min(end, chunk.firstLeaf + chunk.count, turnAt);
      while (batch.to < stop && batch.records.length < recordsMax && bytes < bytesMax) bytes += this.#take(batch, chunk, batch.to++);
      if (batch.to < turnAt) continue;
      await turn();
      turnAt = batch.to + sliceLeaves;
    }
    return batch;
  }

  /** Puts a leaf where it belongs; returns the bytes that it adds to the batch. */
  #take(batch: FollowedBatch, chunk: OpenedChunk, leafIndex: number): number {
    if (chunk.unreadable?.has(leafIndex)) return addRange(batch.unreadable, leafIndex, leafIndex + 1);
    const record = recordOf(chunk, leafIndex);
    if (isRemoved(record.packed)) return addRange(batch.removed, leafIndex, leafIndex + 1);
    try {
      const searchable = searchableForm(record.packed);
      if (!this.#options.holds(searchable)) return 0;
      batch.records.push({ ...record, searchable });
      return record.packed.length;
    } catch (error) {
      if (!(error instanceof VeiltrailError)) throw error;
      return addRange(batch.unreadable, leafIndex, leafIndex + 1);
    }
  }

  async #chunkFrom(leafIndex: number): Promise<OpenedChunk | undefined> {
    const kept = this.#chunk;
    if (kept && leafIndex >= kept.firstLeaf && leafIndex < kept.firstLeaf + kept.count) return kept;
    const before = this.#forgotten;
    const opened = await this.#options.source.openFrom(this.#options.log, leafIndex);
    if (before === this.#forgotten && !this.#closed) this.#chunk = opened;
    return opened;
  }
}

/** Adds to ranges in ascending order; returns 0, the bytes that it costs. */
function addRange(ranges: LeafRange[], from: number, to: number): 0 {
  const last = ranges.at(-1);
  if (last?.to === from) last.to = to;
  else if (to > from) ranges.push({ from, to });
  return 0;
}
