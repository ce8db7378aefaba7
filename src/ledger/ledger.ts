/**
 * The only writer. One tick = one transaction = one checkpoint = one publication:
 *
 * 1. batches are taken in the order of arrival and their repetitions told apart (`tick.ts`);
 * 2. chunk, staged entries, tree state and idempotency rows of every log are committed in one transaction: from here on a crash keeps them;
 * 3. tiles are written, then the checkpoint (`publish.ts`): from here on everybody can see them;
 * 4. the batches are answered.
 *
 * A crash before 2 loses nothing that was answered; one between 2 and 4 leaves events that are committed and not answered: a sender who
 * tries again with the same ids is told their leaves. When 3 fails because the disk is full or read-only, batches are rejected with
 * `not_published`, nothing more is committed, and publication is tried again until it succeeds. What else goes wrong with storage stops the
 * ledger for good: the process must end, and the next start decides what is there.
 *
 * Once a second, full tiles are brought to disk and then what was staged for them is dropped.
 */
import { utf8 } from '../core/bytes.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { invariant, VeiltrailError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { type Random, systemRandom } from '../core/random.ts';
import { isKeyName } from '../log/note.ts';
import type { NoteKeySigner } from '../log/note-key.ts';
import type { AppendResult, PackedBatch } from '../pipeline/packed-batch.ts';
import type { Compaction, LogState, RecordStore } from '../storage/record-store.ts';
import { isFatal } from '../storage/storage-error.ts';
import type { TileStore } from '../storage/tile-store.ts';
import { BatchQueue, type QueueBounds, queueBounds, systemTimers, type Timers } from './batch-queue.ts';
import { BucketRewriter } from './bucket-rewriter.ts';
import { type BucketKeys, discardChunk } from './chunk.ts';
import { LogTree } from './log-tree.ts';
import { OpenLog } from './open-log.ts';
import type { Published } from './publish.ts';
import type { SegmentReplacement } from './rewrite-segments.ts';
import type { RecordEdits, Rewriting } from './rewrite.ts';
import { checkBatch, type LogTick, prepareTick, type WaitingBatch } from './tick.ts';

/** A log and what is visible of it. */
export interface LogInfo {
  log: string;
  origin: string;
  published: Published;
  /** The newest checkpoint that witnesses cosigned, of a size up to that one. */
  witnessed?: Published;
}

export interface LedgerBounds extends QueueBounds {
  /** Ticks wait for full tiles to reach the disk when more leaves than this are staged: it bounds the work of a start after a crash. */
  unsyncedLeavesMax: number;
}

const ledgerBounds: LedgerBounds = { ...queueBounds, unsyncedLeavesMax: 1_048_576 };

export interface LedgerOptions {
  /** Opened for this ledger alone; closed with it. */
  records: RecordStore;
  tiles: TileStore;
  bucketKeys: BucketKeys;
  /** The keys that sign a log's checkpoints: one, or two while one follows the other. Their names are the origin. */
  signers: (log: string, origin: string) => Promise<readonly NoteKeySigner[]>;
  clock?: Clock;
  random?: Random;
  timers?: Timers;
  bounds?: Partial<LedgerBounds>;
  /** After every publication. */
  onPublished?: (log: LogInfo) => void;
  /** The process must end: nothing is answered any more. */
  onFatal?: (error: Error) => void;
}

/** Ids are forgotten this long after they were received. */
const idempotencyMs = 3 * 24 * 3_600_000;
const prunedRowsMax = 4_000;
const syncMs = 1_000;
/** Of a log that the records do not know yet. */
const nothingStaged: Pick<RecordStore, 'staged'> = { staged: () => Promise.resolve([]) };
const publishAgainMs = 1_000;

export class Ledger {
  readonly #options: LedgerOptions;
  readonly #records: RecordStore;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #timers: Timers;
  readonly #bounds: LedgerBounds;
  readonly #queue: BatchQueue;
  readonly #logs = new Map<string, OpenLog>();
  readonly #rewriter: BucketRewriter;
  #last: Promise<unknown> = Promise.resolve();
  #running: Promise<void> | undefined;
  #maintaining: Promise<void> | undefined;
  #cancelMaintenance: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;
  #pruneNext = 0;
  #closing: Promise<void> | undefined;
  #dead: Error | undefined;

  private constructor(options: LedgerOptions) {
    this.#options = options;
    this.#records = options.records;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#timers = options.timers ?? systemTimers;
    this.#bounds = { ...ledgerBounds, ...options.bounds };
    this.#queue = new BatchQueue(this.#bounds, this.#clock, this.#timers);
    const { records, bucketKeys } = options;
    this.#rewriter = new BucketRewriter({ records, bucketKeys, random: this.#random, betweenTicks: (work) => this.#betweenTicks(work) });
  }

  /**
   * Opens every log, finishing what a crash left unfinished.
   * @throws VeiltrailError what `recover` throws; the stores are closed then
   */
  static async open(options: LedgerOptions): Promise<Ledger> {
    const ledger = new Ledger(options);
    try {
      for (const state of await options.records.logs()) ledger.#logs.set(state.log, await ledger.#openLog(state));
    } catch (error) {
      await options.records.close();
      throw error;
    }
    ledger.#maintainLater();
    return ledger;
  }

  /** Logs with their origins and what is published of them. */
  logs(): LogInfo[] {
    return [...this.#logs.values()].map(infoOf);
  }

  /**
   * Publishes the first checkpoint of an empty log, then adds it: a log that there is has a checkpoint, whatever comes in between.
   * @param log lower-case letters, digits, `-` and `_`, up to 64 characters
   * @throws VeiltrailError `bad_log_name`, `bad_origin`, `log_exists`
   */
  async createLog(log: string, origin: string): Promise<void> {
    if (!/^[a-z0-9_][a-z0-9_-]*$/.test(log) || log.length > limits.logNameMax) throw new VeiltrailError('bad_log_name', 'not a name for a log');
    if (!isKeyName(origin) || utf8(origin).length > limits.originBytesMax) throw new VeiltrailError('bad_origin', 'not an origin for a log');
    this.#checkOpen();
    if ([...this.#logs.values()].some((one) => one.log === log || one.origin === origin))
      throw new VeiltrailError('log_exists', 'there is a log of that name or origin');
    const tree = LogTree.empty();
    const state: LogState = {
      log,
      origin,
      createdAtMs: this.#clock.now(),
      treeSize: 0,
      root: tree.root(),
      frontier: tree.frontierBytes(),
      lastReceivedAtMs: 0,
      durableSize: 0,
    };
    try {
      const open = await OpenLog.open(state, nothingStaged, this.#options.tiles, await this.#options.signers(log, origin));
      await this.#options.tiles.sync(log, ['checkpoint']);
      await this.#addLog(state);
      this.#logs.set(log, open);
      this.#options.onPublished?.(infoOf(open));
    } catch (error) {
      if (isFatal(error)) this.#die(error as Error);
      throw error;
    }
  }

  /**
   * Appends a batch, of each of its requests all or nothing, and answers when it is durable and published.
   * @throws VeiltrailError `log_not_found`, `bad_batch`, `queue_full`; `disk_full`, `storage_readonly`, `storage_busy` (not stored; later may
   * work), `not_published` (stored, not visible: trying again with the same ids is safe); `ledger_closed`
   */
  append(batch: PackedBatch): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      const log = this.#logs.get(batch.log);
      if (!log) throw new VeiltrailError('log_not_found', 'there is no such log');
      if (log.halted) throw haltedLog();
      checkBatch(batch);
      this.#queue.push({ batch, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /**
   * Takes a checkpoint of a log that was published, and that witnesses cosigned since; kept on disk, and published with the log when it returns.
   * @throws VeiltrailError `log_not_found`, `cosigned_unpublished`, what `openCheckpoint` throws, and those of storage
   */
  async cosigned(log: string, note: string): Promise<void> {
    this.#checkOpen();
    const open = this.#logs.get(log);
    if (!open) throw new VeiltrailError('log_not_found', 'there is no such log');
    try {
      await open.cosigned(note);
    } catch (error) {
      if (isFatal(error)) this.#die(error as Error);
      throw error;
    }
    this.#options.onPublished?.(infoOf(open));
  }

  /**
   * Stops a log, or lets it go on: nothing more is committed or published of it, and batches are rejected with `history_forked`. Reading goes on.
   * @throws VeiltrailError `log_not_found`
   */
  halt(log: string, halted: boolean): void {
    const open = this.#logs.get(log);
    if (!open) throw new VeiltrailError('log_not_found', 'there is no such log');
    open.halted = halted;
    if (!halted) this.#publishLater();
  }

  /** See `RecordStore.chunkChanges`. */
  async chunkChanges(): Promise<number> {
    return this.#records.chunkChanges();
  }

  /** Registers the segments of a bucket, between ticks: see `RecordStore.compact`. @throws VeiltrailError `chunks_changed`, `ledger_closed` */
  compact(compaction: Compaction): Promise<void> {
    return this.#betweenTicks(() => this.#records.compact(compaction));
  }

  /** Registers other generations of segments, between ticks: see `RecordStore.replaceSegments`. @throws VeiltrailError `segment_moved` */
  replaceSegments(replacements: readonly SegmentReplacement[]): Promise<void> {
    return this.#betweenTicks(() => this.#records.replaceSegments(replacements));
  }

  /** Deletes some of the chunks that a compaction left over, between ticks: see `RecordStore.dropLeftOver`. */
  dropLeftOver(log: string, bytesMax: number): Promise<boolean> {
    return this.#betweenTicks(async () => {
      const more = await this.#records.dropLeftOver(log, bytesMax);
      await this.#records.tidy();
      return more;
    });
  }

  /** Answers what waits, brings everything to disk and closes the stores. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** See {@link BucketRewriter.rewrite}. @throws VeiltrailError `bucket_key_missing`, `ledger_closed`, and those of storage */
  async rewrite(rewriting: Rewriting): Promise<void> {
    await this.#rewriter.rewrite(this.#log(rewriting.log).origin, rewriting);
  }

  /** See {@link BucketRewriter.forgetIds}. @throws VeiltrailError `ledger_closed`, and those of storage */
  forgetIds(log: string, edits: RecordEdits): Promise<void> {
    return this.#rewriter.forgetIds(log, edits);
  }

  /** See `RecordStore.scrub`. */
  scrub(): Promise<void> {
    return this.#betweenTicks(() => this.#records.scrub());
  }

  /** Runs work while no tick is between taking a bucket's key and its commit. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #betweenTicks<T>(work: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    try {
      return await this.#exclusively(work);
    } catch (error) {
      if (isFatal(error)) this.#die(error as Error);
      throw error;
    }
  }

  /** Where storage failed after it had added the log, and did not stop the ledger, it is there already. */
  async #addLog(state: LogState): Promise<void> {
    try {
      await this.#records.createLog(state);
    } catch (error) {
      if ((error as VeiltrailError).code !== 'log_exists' || this.#logs.has(state.log)) throw error;
      const added = (await this.#records.logs()).some(({ log, origin }) => log === state.log && origin === state.origin);
      if (!added) throw error;
    }
  }

  async #openLog(state: LogState): Promise<OpenLog> {
    const signers = await this.#options.signers(state.log, state.origin);
    const log = await OpenLog.open(state, this.#records, this.#options.tiles, signers);
    this.#options.onPublished?.(infoOf(log));
    return log;
  }

  async #run(): Promise<void> {
    // What is appended in the same turn goes into the same tick.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      await this.#queue.gather();
      // Empty when the ledger died meanwhile.
      const waiting = this.#queue.take();
      if (waiting.length === 0) break;
      try {
        await this.#tick(waiting);
      } catch (error) {
        for (const { reject } of waiting) reject(error as Error);
        if (isFatal(error)) this.#die(error as Error);
        else this.#publishLater();
      }
    }
    this.#running = undefined;
  }

  async #tick(waiting: readonly WaitingBatch[]): Promise<void> {
    // What is committed must be visible before more is: so recovery never has more than one tick to publish.
    await this.#publishAll();
    if (this.#unsyncedLeaves() > this.#bounds.unsyncedLeavesMax) await this.#maintain();
    const ticks = await this.#exclusively(() => this.#commit(waiting));
    for (const tick of ticks) await this.#publishAndAnswer(tick);
    this.#maintainLater();
  }

  /** Prepares a tick of every log, and commits them. */
  async #commit(waiting: readonly WaitingBatch[]): Promise<LogTick[]> {
    const ticks: LogTick[] = [];
    for (const [log, batches] of Map.groupBy(waiting, ({ batch }) => batch.log)) {
      if (this.#log(log).halted) {
        for (const { reject } of batches) reject(haltedLog());
        continue;
      }
      const generationFor = (firstLeaf: number): Promise<number> => this.#rewriter.generationFor(log, firstLeaf);
      const ports = { records: this.#records, bucketKeys: this.#options.bucketKeys, generationFor, random: this.#random };
      ticks.push(await prepareTick(this.#log(log), batches, ports));
    }
    const appends = ticks.flatMap(({ append }) => (append ? [append] : []));
    if (appends.length > 0) await this.#records.commit(appends.map(({ commit }) => commit));
    for (const { commit, growth } of appends) {
      this.#log(commit.log).committed(growth, commit.receivedAtMs);
      discardChunk(commit.chunk);
    }
    return ticks;
  }

  async #publishAndAnswer(tick: LogTick): Promise<void> {
    const log = this.#log(tick.log);
    try {
      await this.#publish(log);
      // Halted after the commit: what is stored stays unseen until somebody decides.
      if (!log.isPublished) throw haltedLog();
    } catch (error) {
      if (isFatal(error)) throw error;
      this.#publishLater();
      const { code, message } = error as VeiltrailError;
      const notPublished = new VeiltrailError(
        'not_published',
        `the events are stored but not published yet: ${message}; sending them again with the same ids is safe`,
        { cause: code },
        { cause: error },
      );
      for (const { waiting } of tick.placed) waiting.reject(notPublished);
      return;
    }
    const { treeSize, checkpoint } = log.published;
    for (const { waiting, places } of tick.placed) waiting.resolve({ ...places, treeSize, checkpoint });
  }

  async #publish(log: OpenLog): Promise<void> {
    if (log.isPublished || log.halted) return;
    await log.publish();
    this.#options.onPublished?.(infoOf(log));
  }

  async #publishAll(): Promise<void> {
    for (const log of this.#logs.values()) await this.#publish(log);
  }

  /** Nobody may be writing any more, and yet what is committed must become visible. */
  #publishLater(): void {
    if (this.#dead || [...this.#logs.values()].every(({ isPublished, halted }) => isPublished || halted)) return;
    this.#cancelRetry ??= this.#timers.after(publishAgainMs, () => {
      this.#cancelRetry = undefined;
      // A tick publishes first of all; this is one without batches.
      this.#running ??= this.#runEmpty();
    });
  }

  async #runEmpty(): Promise<void> {
    try {
      await this.#publishAll();
    } catch (error) {
      if (isFatal(error)) this.#die(error as Error);
      else this.#publishLater();
    }
    this.#running = undefined;
    if (this.#queue.length > 0) this.#running = this.#run();
  }

  #maintainLater(): void {
    if (this.#dead || this.#closing) return;
    this.#cancelMaintenance ??= this.#timers.after(syncMs, () => {
      this.#cancelMaintenance = undefined;
      void this.#maintain();
    });
  }

  /** Brings full tiles to disk and keeps house. Does not reject: what storage refuses now is tried again. */
  #maintain(): Promise<void> {
    this.#maintaining ??= this.#maintainOnce()
      .catch((error: unknown) => {
        if (isFatal(error)) this.#die(error as Error);
        else this.#maintainLater();
      })
      .finally(() => {
        this.#maintaining = undefined;
      });
    return this.#maintaining;
  }

  async #maintainOnce(): Promise<void> {
    const logs = [...this.#logs.values()];
    for (const log of logs) await log.sync(this.#records);
    const pruned = logs[this.#pruneNext++ % Math.max(1, logs.length)];
    if (pruned) await this.#records.pruneIdempotency(pruned.log, this.#clock.now() - idempotencyMs, prunedRowsMax);
    await this.#records.tidy();
  }

  #unsyncedLeaves(): number {
    let leaves = 0;
    for (const log of this.#logs.values()) leaves += log.unsyncedLeaves;
    return leaves;
  }

  async #close(): Promise<void> {
    this.#queue.hurry();
    await this.#running;
    this.#cancelMaintenance?.();
    this.#cancelRetry?.();
    await this.#maintaining;
    if (!this.#dead) await this.#settle();
    await this.#records.close();
  }

  /** Leaves nothing to recover; if storage refuses, the next start does it. */
  async #settle(): Promise<void> {
    try {
      await this.#publishAll();
      for (const log of this.#logs.values()) await log.sync(this.#records);
    } catch (error) {
      if (isFatal(error)) this.#die(error as Error);
    }
  }

  #die(error: Error): void {
    if (this.#dead) return;
    this.#dead = error;
    this.#cancelMaintenance?.();
    this.#cancelRetry?.();
    for (const { reject } of this.#queue.clear()) reject(error);
    this.#options.onFatal?.(error);
  }

  #log(log: string): OpenLog {
    const open = this.#logs.get(log);
    invariant(open !== undefined, 'a batch that waits is of a log that is open');
    return open;
  }

  #checkOpen(): void {
    if (this.#dead) throw this.#dead;
    if (this.#closing) throw new VeiltrailError('ledger_closed', 'the ledger is closed');
  }
}

function infoOf({ log, origin, published, witnessed }: OpenLog): LogInfo {
  return { log, origin, published, ...(witnessed ? { witnessed } : {}) };
}

function haltedLog(): VeiltrailError {
  return new VeiltrailError('history_forked', 'a witness holds another history of this log; nothing is appended until an administrator decides');
}
