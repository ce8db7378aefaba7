/**
 * One log of one forwarder on its way to the destination: follow, gather, deliver, and only then move the cursor. At least once; in order, one batch at
 * a time. What cannot be delivered now is tried again, for as long as it takes, with waits that double up to five minutes and are drawn at random;
 * what is refused for good ends the lane.
 *
 * Before each try it is asked whether the log was rewritten since the batch was read. Then the batch is dropped and read again: what was erased
 * meanwhile does not go out, however long a receiver was away.
 */
import type { Clock } from '../core/clock.ts';
import { sleep, waitBeforeRetry } from '../sdk/retry.ts';
import type { FollowedBatch, LogFollower } from '../search/follow-log.ts';
import type { Cursor } from './cursor-file.ts';
import { DeliveryError, type Destination, type Item } from './destination.ts';

export interface LaneParts {
  log: string;
  origin: string;
  /** From where the cursor is. */
  follower: LogFollower;
  cursor: Cursor;
  destination: Destination;
  /** Undefined for what is no record. */
  itemOf(record: FollowedBatch['records'][number]): Item | undefined;
  /** Records gather for so long before a batch that is not full goes out. */
  waitMs: number;
  /** From so many leaves on there is nothing to gather. */
  batchRecords: number;
  clock: Clock;
  /** The destination refuses for good. */
  onRefused(reason: string): void;
  backOff?: { waitMs: number; waitMsMax: number };
}

/** Since the start; `next` and `behind` now. */
export interface LaneFigures {
  log: string;
  /** Every leaf below it is delivered, or was not for this forwarder. */
  next: number;
  /** Leaves that were not looked at, or not delivered yet. */
  behind: number;
  /** Seconds since the oldest record that waits was received; 0 where none does. */
  lagSeconds: number;
  sent: number;
  /** Tries that failed. */
  failures: number;
  /** Leaves that could not be read, and were passed over: `verify` says why. */
  unreadable: number;
  /** Why the last try failed; absent once one succeeded. */
  failing?: string;
  /** RFC 3339: of the last delivery. */
  sentAt?: string;
}

const graceMs = 1_000;
const backOffDefault = { waitMs: 1_000, waitMsMax: 300_000 };
/** A cursor moves on disk with a delivery; without one, after so many leaves: those that are looked at twice cost less than writing. */
const unwrittenLeavesMax = 65_536;

export class Lane {
  readonly #parts: LaneParts;
  #interrupt = new AbortController();
  #waitsSinceMs: number | undefined;
  #sent = 0;
  #failures = 0;
  #unreadable = 0;
  #failing: string | undefined;
  #sentAtMs: number | undefined;
  /** Leaves below are done with, whether or not the cursor says so on disk. */
  #passed: number;
  #isSending = false;
  #closed = false;
  #running: Promise<void> | undefined;
  #attempt: Promise<void> = Promise.resolve();

  constructor(parts: LaneParts) {
    this.#parts = parts;
    this.#passed = parts.cursor.next;
  }

  get log(): string {
    return this.#parts.log;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Gives an attempt under way a moment to end, so that it need not be made again; then writes down how far it came. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#parts.follower.close();
    const timer = setTimeout(() => this.#interrupt.abort(), this.#isSending ? graceMs : 0);
    await this.#running;
    clearTimeout(timer);
  }

  published(treeSize: number): void {
    this.#parts.follower.published(treeSize);
  }

  /** The log's records were rewritten. When it returns, nothing that was read before is on its way, or in memory for it. */
  async forget(): Promise<void> {
    this.#parts.follower.forget();
    this.#interrupt.abort();
    await this.#attempt;
    this.#parts.destination.forget();
  }

  figures(): LaneFigures {
    const { log, follower, clock } = this.#parts;
    return {
      log,
      next: this.#passed,
      behind: follower.position + follower.behind - this.#passed,
      lagSeconds: this.#waitsSinceMs === undefined ? 0 : Math.max(0, clock.now() - this.#waitsSinceMs) / 1_000,
      sent: this.#sent,
      failures: this.#failures,
      unreadable: this.#unreadable,
      ...(this.#failing === undefined ? {} : { failing: this.#failing }),
      ...(this.#sentAtMs === undefined ? {} : { sentAt: new Date(this.#sentAtMs).toISOString() }),
    };
  }

  async #run(): Promise<void> {
    const { follower, cursor } = this.#parts;
    for (let tried = 1; !this.#closed;) {
      if (this.#interrupt.signal.aborted) this.#interrupt = new AbortController();
      try {
        const batch = await this.#gather();
        if (!batch) break;
        if (await this.#deliver(batch)) this.#pass(batch);
        tried = 1;
      } catch (error) {
        if (this.#closed) break;
        // Storage that refuses, or damage: the same leaves again.
        this.#note(error instanceof DeliveryError ? error.reason : codeOf(error));
        follower.goTo(this.#passed);
        this.#waitsSinceMs ??= this.#parts.clock.now();
        await this.#wait(tried++, 0);
      }
    }
    this.#waitsSinceMs = undefined;
    try {
      cursor.move(this.#passed);
    } catch {
      // From where it was: at least once.
    }
  }

  async #gather(): Promise<FollowedBatch | undefined> {
    const { follower, waitMs, batchRecords } = this.#parts;
    if (!(await follower.ready())) return undefined;
    if (waitMs > 0 && follower.behind < batchRecords) await this.#pause(waitMs);
    return follower.next();
  }

  /** Whether it was delivered; otherwise it is stale, or the lane is over. */
  async #deliver(batch: FollowedBatch): Promise<boolean> {
    const { log, origin, follower } = this.#parts;
    let items: Item[] = [];
    for (const record of batch.records) {
      const item = this.#parts.itemOf(record);
      if (item) items.push(item);
      else this.#unreadable++;
    }
    if (items.length === 0) return !follower.isStale(batch) || this.#again();
    this.#waitsSinceMs ??= items[0]?.receivedAtMs;
    const outgoing = { log, origin, items };
    for (let tried = 1; !this.#closed; tried++) {
      if (follower.isStale(batch)) {
        items = [];
        return this.#again();
      }
      try {
        await this.#send(outgoing);
        this.#sent += items.length;
        this.#sentAtMs = this.#parts.clock.now();
        this.#failing = undefined;
        return true;
      } catch (error) {
        if (this.#closed || follower.isStale(batch)) continue;
        const { reason, isFinal, retryAfterMs } = error instanceof DeliveryError ? error : new DeliveryError('failed', { cause: error });
        this.#note(reason);
        if (isFinal) {
          this.#closed = true;
          this.#parts.onRefused(reason);
          return false;
        }
        await this.#wait(tried, retryAfterMs);
      }
    }
    return false;
  }

  async #send(outgoing: Parameters<Destination['send']>[0]): Promise<void> {
    if (this.#interrupt.signal.aborted) this.#interrupt = new AbortController();
    const attempt = this.#parts.destination.send(outgoing, this.#interrupt.signal);
    this.#attempt = attempt.catch(() => undefined);
    this.#isSending = true;
    try {
      await attempt;
    } finally {
      this.#isSending = false;
    }
  }

  /** Reads from where it was delivered to. */
  #again(): false {
    this.#parts.follower.goTo(this.#passed);
    return false;
  }

  #pass(batch: FollowedBatch): void {
    const { cursor } = this.#parts;
    this.#passed = batch.to;
    for (const { from, to } of batch.unreadable) this.#unreadable += to - from;
    this.#waitsSinceMs = undefined;
    if (batch.records.length > 0 || batch.to - cursor.next >= unwrittenLeavesMax) cursor.move(batch.to);
  }

  #note(reason: string): void {
    this.#failures++;
    this.#failing = reason;
  }

  async #wait(tried: number, retryAfterMs: number): Promise<void> {
    const wait = waitBeforeRetry(tried, null, { retriesMax: Infinity, ...(this.#parts.backOff ?? backOffDefault) }) as number;
    await this.#pause(Math.max(wait, retryAfterMs));
  }

  /** Ends early when the log is rewritten, and when the lane is closed. */
  async #pause(ms: number): Promise<void> {
    await sleep(ms, this.#interrupt.signal).catch(() => undefined);
  }
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[a-z][a-z0-9_]{0,63}$/.test(code) ? code : 'failed';
}
