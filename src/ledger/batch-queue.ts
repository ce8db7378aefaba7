/**
 * The batches that wait for a tick, bounded in bytes, and when the next tick starts: at once where little comes in, and after gathering for
 * 20 to 50 ms where the tick before had many batches, since a tick of hundreds costs little more than a tick of one.
 */
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { PackedBatch } from '../pipeline/packed-batch.ts';
import type { WaitingBatch } from './tick.ts';

/** Timers, as a port: a simulation brings its own time. */
export interface Timers {
  /** Calls `run` once, after that time; the answer cancels it. */
  after(ms: number, run: () => void): () => void;
}

export const systemTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export interface QueueBounds {
  /** Bytes that may wait; a batch beyond is refused. One batch alone always fits. */
  queueBytesMax: number;
  /** Bytes that one tick takes; a tick takes at least one batch. */
  tickBytesMax: number;
  /** Up to this many batches in a tick, the next one does not gather. */
  idleBatchesMax: number;
  gatherMsMin: number;
  gatherMsMax: number;
}

export const queueBounds: QueueBounds = {
  queueBytesMax: 64 * 1_048_576,
  tickBytesMax: 8 * 1_048_576,
  idleBatchesMax: 4,
  gatherMsMin: 20,
  gatherMsMax: 50,
};

/** Gathering grows by a millisecond for this many batches in the tick before. */
const batchesPerMs = 8;

export class BatchQueue {
  readonly #bounds: QueueBounds;
  readonly #clock: Clock;
  readonly #timers: Timers;
  #waiting: WaitingBatch[] = [];
  #bytes = 0;
  #lastTick = { atMs: -Infinity, batches: 0 };
  #enough: (() => void) | undefined;

  constructor(bounds: QueueBounds, clock: Clock, timers: Timers) {
    this.#bounds = bounds;
    this.#clock = clock;
    this.#timers = timers;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** @throws VeiltrailError `queue_full` */
  push(waiting: WaitingBatch): void {
    const bytes = batchBytes(waiting.batch);
    if (this.#bytes > 0 && this.#bytes + bytes > this.#bounds.queueBytesMax) {
      throw new VeiltrailError('queue_full', 'too much is waiting to be written', { queueBytesMax: this.#bounds.queueBytesMax });
    }
    this.#waiting.push(waiting);
    this.#bytes += bytes;
    if (this.#bytes >= this.#bounds.tickBytesMax) this.#enough?.();
  }

  /** Returns when the next tick should start. */
  async gather(): Promise<void> {
    const { atMs, batches } = this.#lastTick;
    const { idleBatchesMax, gatherMsMin, gatherMsMax, tickBytesMax } = this.#bounds;
    if (batches <= idleBatchesMax || this.#bytes >= tickBytesMax) return;
    const gatherMs = Math.min(gatherMsMax, gatherMsMin + batches / batchesPerMs);
    // A clock that jumped back must not hold a tick up.
    const waitMs = Math.min(gatherMsMax, Math.ceil(atMs + gatherMs - this.#clock.now()));
    if (waitMs <= 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#timers.after(waitMs, resolve);
      this.#enough = () => {
        cancel();
        resolve();
      };
    });
    this.#enough = undefined;
  }

  /** Ends gathering: whatever waits goes now. */
  hurry(): void {
    this.#lastTick = { atMs: -Infinity, batches: 0 };
    this.#enough?.();
  }

  /** The batches of the next tick, in the order of arrival. */
  take(): WaitingBatch[] {
    let bytes = 0;
    let count = 0;
    for (const { batch } of this.#waiting) {
      const more = batchBytes(batch);
      if (count > 0 && bytes + more > this.#bounds.tickBytesMax) break;
      bytes += more;
      count++;
    }
    const taken = this.#waiting.splice(0, count);
    this.#bytes -= bytes;
    this.#lastTick = { atMs: this.#clock.now(), batches: count };
    return taken;
  }

  /** Everything that waits, for it to be refused. */
  clear(): WaitingBatch[] {
    const cleared = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    return cleared;
  }
}

/** What a batch weighs in memory, an empty one a little too. */
function batchBytes({ records, commitments, idempotency, recordOffsets }: PackedBatch): number {
  return 256 + records.byteLength + commitments.byteLength + idempotency.byteLength + recordOffsets.byteLength;
}
