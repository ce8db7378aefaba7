/**
 * Compaction, in the background: as soon as a bucket of a log (65,536 leaves) is full and published, its chunks become segments.
 *
 * 1. The segments are written (`compact.ts`, in a thread of low priority): keys in the vault, files on disk, neither registered.
 * 2. One transaction of the ledger registers them: records are read from them from here on.
 * 3. The chunks that are left over are deleted in small steps between ticks, so that none of them holds up a batch.
 * 4. The bucket's key is dropped: copies of the chunks, in free pages or in backups of the database alone, open no more.
 *
 * A crash before 2 leaves files and keys that nothing refers to; the next start removes them and begins again. A crash after it leaves what the
 * next start goes on with. Whoever changes chunks meanwhile makes 2 refuse (`chunks_changed`), and 1 is done again.
 */
import { invariant, VeiltrailError } from '../core/errors.ts';
import { bucketLeaves, type RecordSource, type StoredBucket } from '../storage/record-store.ts';
import type { SegmentName, SegmentStore } from '../storage/segment-store.ts';
import { isFatal, isRefusal } from '../storage/storage-error.ts';
import type { Timers } from './batch-queue.ts';
import type { CompactedBucket, CompactionTask } from './compact.ts';
import type { Ledger } from './ledger.ts';
import type { RecordEdits } from './rewrite.ts';
import type { SegmentReplacement, SegmentRewriting } from './rewrite-segments.ts';

/** What the compactor asks of the vault. */
export interface CompactorVault {
  segmentKeyNames(): Promise<SegmentName[]>;
  dropSegmentKeys(names: readonly SegmentName[]): Promise<void>;
  bucketKeyNames(): Promise<{ log: string; bucket: number }[]>;
  dropBucketKey(log: string, bucket: number): Promise<void>;
}

export interface CompactorParts {
  /** For reading. */
  records: RecordSource;
  ledger: Pick<Ledger, 'chunkChanges' | 'compact' | 'dropLeftOver' | 'replaceSegments'>;
  segments: SegmentStore;
  vault: CompactorVault;
  /** Writes the segments of a bucket: `compactBucket`, perhaps in a thread. Rejects when `signal` says so. */
  compactBucket(task: CompactionTask, signal: AbortSignal): Promise<CompactedBucket>;
  /** Writes the next generations of segments without what is removed: `rewriteSegments`, perhaps in a thread. */
  rewriteSegments(rewriting: SegmentRewriting): Promise<SegmentReplacement[]>;
  timers: Timers;
  /** Leaves of each log that are published already. */
  logs(): { log: string; origin: string; published: { treeSize: number } }[];
  /**
   * A bucket could not be compacted: it stays as it is, and is tried again after the next start, or soon where the disk was full. Without a bucket:
   * what was left over could not be seen to.
   */
  onError?: (error: Error, task?: CompactionTask) => void;
}

/** Bytes of chunks that one step deletes, and how long the next one waits. */
const stepBytes = 1_048_576;
const stepMs = 50;
/** After a full disk, and whatever else kept it from going on. */
const againMs = 60_000;
/** Times that a bucket is compacted again because its chunks were changed. */
const trialsMax = 3;

export class Compactor {
  readonly #parts: CompactorParts;
  /** By log: the first bucket that may still have to be compacted. */
  readonly #next = new Map<string, number>();
  /** By log and bucket, as of the last tidying: nobody else compacts. */
  #compacted: ReadonlyMap<string, ReadonlyMap<number, StoredBucket>> = new Map();
  #started = false;
  #stopped = 0;
  #closed = false;
  #abort = new AbortController();
  #running: Promise<void> | undefined;
  /** What the last process left was seen to. */
  #tidied = false;
  #wake: (() => void) | undefined;
  #cancelRest: (() => void) | undefined;

  constructor(parts: CompactorParts) {
    this.#parts = parts;
  }

  /** From here on buckets are compacted; before, they are not even looked for. Called again, nothing that failed is waited for. */
  start(): void {
    this.#started = true;
    this.#cancelRest?.();
    this.#cancelRest = undefined;
    this.look();
  }

  /** A log has grown: whatever is to be done is begun. */
  look(): void {
    if (!this.#started || this.#stopped > 0 || this.#cancelRest || this.#closed || this.#running || (this.#tidied && !this.#nextTask())) return;
    this.#running = this.#run().then((done) => {
      this.#running = undefined;
      // A bucket may have filled up since the last look.
      if (done) this.look();
      else this.#rest();
    });
  }

  /** All that is to be done now is done when this returns. */
  async idle(): Promise<void> {
    for (let running = this.#running; running; running = this.#running) await running;
  }

  /**
   * Ends what is under way, and begins nothing until the answer is called. When this returns, no record is in a chunk and in a segment at once, and
   * the keys of chunks that are gone are gone: so whoever removes records finds each in one place.
   */
  async pause(): Promise<() => void> {
    this.#stopped++;
    try {
      this.#interrupt();
      await this.#running;
      await this.#tidy(0);
    } catch (error) {
      this.#resume();
      throw error;
    }
    let paused = true;
    return () => {
      if (paused) this.#resume();
      paused = false;
    };
  }

  /**
   * Removes from segments what a removal removes: afterwards their next generations are registered, and the files and keys before them are gone.
   * Compaction is paused meanwhile. Called again after a crash, it does the rest.
   * @throws VeiltrailError what `rewriteSegments` and the stores throw
   */
  async rewrite(log: string, edits: RecordEdits): Promise<void> {
    const { ledger, segments, vault } = this.#parts;
    invariant(this.#stopped > 0, 'segments are rewritten while compaction is paused');
    const origin = this.#parts.logs().find((one) => one.log === log)?.origin;
    invariant(origin !== undefined, 'a log that loses records is one');
    const replacements = await this.#parts.rewriteSegments({ log, origin, edits });
    if (replacements.length === 0) return;
    await ledger.replaceSegments(replacements);
    // Pausing does the same for what a crash leaves here.
    const old = replacements.map((one) => one.old);
    await vault.dropSegmentKeys(old);
    for (const name of old) await segments.remove(name);
  }

  /** Ends what is under way; the next start goes on. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRest?.();
    this.#interrupt();
    await this.#running;
  }

  #resume(): void {
    this.#stopped--;
    this.look();
  }

  /** What failed is not tried again at every publication. */
  #rest(): void {
    if (this.#stopped > 0 || this.#closed) return;
    this.#cancelRest = this.#parts.timers.after(againMs, () => {
      this.#cancelRest = undefined;
      this.look();
    });
  }

  #interrupt(): void {
    this.#abort.abort(new VeiltrailError('compaction_stopped', 'compaction was stopped'));
    this.#abort = new AbortController();
    this.#wake?.();
  }

  /** Does not reject. Returns whether all was done that there was. */
  async #run(): Promise<boolean> {
    const { signal } = this.#abort;
    try {
      if (!this.#tidied) await this.#tidy(stepMs, signal);
      for (let task = this.#nextTask(); task; task = this.#nextTask()) {
        signal.throwIfAborted();
        await this.#compact(task, signal);
        if (!this.#tidied) await this.#tidy(stepMs, signal);
      }
      return true;
    } catch (error) {
      if (!signal.aborted) this.#parts.onError?.(error as Error);
      return false;
    }
  }

  /** The next bucket that is full. */
  #nextTask(): CompactionTask | undefined {
    for (const { log, origin, published } of this.#parts.logs()) {
      const bucket = this.#next.get(log) ?? 0;
      if ((bucket + 1) * bucketLeaves <= published.treeSize) return { log, origin, bucket };
    }
    return undefined;
  }

  async #compact(task: CompactionTask, signal: AbortSignal): Promise<void> {
    const { log, bucket } = task;
    if (!this.#compacted.get(log)?.has(bucket)) {
      try {
        await this.#compactOnce(task, signal);
      } catch (error) {
        // Whatever came of it is nobody's.
        if (!isFatal(error)) await this.#removeUnregistered();
        if (signal.aborted) throw error;
        this.#parts.onError?.(error as Error, task);
        if (isRefusal(error)) return this.#wait(againMs);
      }
    }
    this.#next.set(log, bucket + 1);
  }

  async #compactOnce(task: CompactionTask, signal: AbortSignal): Promise<void> {
    const { ledger } = this.#parts;
    for (let trial = 1; ; trial++) {
      const chunkChanges = await ledger.chunkChanges();
      const compacted = await this.#parts.compactBucket(task, signal);
      signal.throwIfAborted();
      try {
        this.#tidied = false;
        return await ledger.compact({ ...compacted, chunkChanges });
      } catch (error) {
        if (isFatal(error)) this.#giveUp(error as Error, task);
        if ((error as VeiltrailError).code !== 'chunks_changed' || trial === trialsMax) throw error;
        await this.#removeUnregistered();
      }
    }
  }

  /**
   * Whether segments are registered is not known, so nothing is removed any more: what looks unregistered here may be all that the next start has.
   * The process is about to end.
   */
  #giveUp(error: Error, task: CompactionTask): void {
    this.#parts.onError?.(error, task);
    this.#closed = true;
    this.#interrupt();
  }

  /** Deletes chunks that are left over, files and keys that nothing refers to. */
  async #tidy(waitMs: number, signal?: AbortSignal): Promise<void> {
    const { ledger, vault } = this.#parts;
    for (const { log } of this.#parts.logs()) {
      while (await ledger.dropLeftOver(log, stepBytes)) {
        if (waitMs > 0) await this.#wait(waitMs);
        signal?.throwIfAborted();
      }
    }
    this.#compacted = await this.#removeUnregistered();
    for (const { log, bucket } of await vault.bucketKeyNames()) if (this.#compacted.get(log)?.has(bucket)) await vault.dropBucketKey(log, bucket);
    this.#tidied = true;
  }

  /**
   * Removes files and keys of segments that are not registered. Returns the buckets that are compacted, by log.
   * @throws VeiltrailError `records_behind` where one of them is all that is left of its records: an older `records.db` was put back
   */
  async #removeUnregistered(): Promise<Map<string, ReadonlyMap<number, StoredBucket>>> {
    const { records, segments, vault } = this.#parts;
    const compacted = new Map<string, ReadonlyMap<number, StoredBucket>>();
    for (const { log } of this.#parts.logs()) {
      compacted.set(log, new Map((await records.compactedBuckets(log, 0)).map((one) => [one.bucket, one])));
    }
    const keys = await vault.segmentKeyNames();
    const segmentKeys = new Set(keys.map(keyOf));
    const bucketKeys = new Set((await vault.bucketKeyNames()).map(({ log, bucket }) => `${log}/${bucket}`));
    let isBehind = false;
    const isKept = (name: SegmentName): boolean => {
      const bucket = compacted.get(name.log)?.get(name.bucket);
      const registered = bucket?.segments.find((one) => one.class === name.class);
      if (registered?.generation === name.generation) return true;
      // What is registered, or else the chunks, can be opened; or all records of the class were removed.
      const mayGo = bucket ? !registered || segmentKeys.has(keyOf(registered)) : bucketKeys.has(`${name.log}/${name.bucket}`);
      isBehind ||= !mayGo;
      return !mayGo;
    };
    await segments.removeOthers(isKept);
    const gone = keys.filter((name) => !isKept(name));
    if (gone.length > 0) await vault.dropSegmentKeys(gone);
    if (isBehind) throw new VeiltrailError('records_behind', 'records.db is older than the segments beside it: put the newest one back');
    return compacted;
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#wake = undefined;
        cancel();
        resolve();
      };
      const cancel = this.#parts.timers.after(ms, done);
      this.#wake = done;
    });
  }
}

function keyOf({ log, class: of, bucket, generation }: SegmentName): string {
  return `${log}/${of}/${bucket}.${generation}`;
}
