/**
 * Anchoring by the clock: each target has its own turn, and one that is away keeps nobody else waiting. What failed is tried again, ever later, up to
 * the target's own interval; how far behind it is shows in the figures.
 */
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { Anchor, Anchored, AnchorTarget } from './anchor.ts';
import { isQuoteOf, quotedAt } from './anchor-quote.ts';
import type { AnchorStore } from './anchor-store.ts';
import type { RenewedLocks } from './bucket-locks.ts';
import type { SegmentCopies } from './bucket-segments.ts';

export interface AnchoringParts {
  targets: readonly AnchorTarget[];
  store: AnchorStore;
  clock: Clock;
  /** What is published, by log. */
  readonly checkpoints: () => Promise<Anchored[]>;
  /**
   * Puts a leaf into the log that quotes an anchor (`anchor-quote.ts`), once, however often it is asked; its disclosure. Without it nothing is quoted: whoever
   * may not write to the log leaves that to who may.
   */
  readonly quote?: (anchor: Anchor) => Promise<string>;
  /** After every anchor that was made, and every try that failed. */
  onResult(result: AnchorResult): void | Promise<void>;
}

export type AnchorResult =
  | { anchor: Anchor }
  /** Sealed records were copied, or their locks changed. */
  | { target: string; kind: string; log: string; copies: SegmentCopies }
  /** Locks of what is there already were made longer. */
  | { target: string; kind: string; log: string; locks: RenewedLocks }
  | { target: string; kind: string; log: string; error: VeiltrailError };

export interface AnchorFigures {
  log: string;
  target: string;
  kind: string;
  /** Of its newest anchor; 0: none. */
  treeSize: number;
  /** When that was made. */
  madeAtMs: number | undefined;
  /** Leaves that are published and not in it. */
  behind: number;
  /** Sealed segments that it was last seen to keep; undefined where it keeps none, or was not asked yet. */
  segments: number | undefined;
  /** When the first lock ends of what it keeps; undefined where it locks nothing, or was not asked yet. */
  lockedUntilMs: number | undefined;
  failures: number;
}

const retryMsMin = 10_000;
/** A time stamp takes a second; a bucket that is far away some for each object. */
const stopMsMax = 10_000;

export class Anchoring {
  readonly #parts: AnchoringParts;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #failures = new Map<string, number>();
  readonly #segments = new Map<string, number>();
  readonly #writes = new Set<Promise<void>>();
  #underWay: Promise<unknown> = Promise.resolve();
  #stopped = false;
  /** What is still under way comes too late to be kept: the directory is being sealed, or somebody else's. */
  #abandoned = false;

  constructor(parts: AnchoringParts) {
    this.#parts = parts;
  }

  /** Begins; the first anchors are made when they are due, counted from the newest ones in the store. */
  async start(): Promise<void> {
    for (const target of this.#parts.targets) {
      const newest = await this.#newestMs(target);
      const dueMs = newest === undefined ? retryMsMin : Math.max(retryMsMin, newest + target.everyMs - this.#parts.clock.now());
      this.#later(target, Math.min(dueMs, target.everyMs));
    }
  }

  /**
   * Gives every log's checkpoint to a target now. Returns what became of each. One that the target has already is given to it again only when
   * forced; what is kept then is the earlier one, where that still proves as much.
   */
  async anchorNow(target: AnchorTarget, force = false): Promise<AnchorResult[]> {
    const results: AnchorResult[] = [];
    for (const anchored of await this.#parts.checkpoints()) {
      if (this.#abandoned) break;
      const made = await this.#see(target, anchored, force);
      if (this.#abandoned) break;
      results.push(...made);
      for (const result of made) await this.#parts.onResult(result);
    }
    return results;
  }

  /** All that there is to do for one log. */
  async #see(target: AnchorTarget, anchored: Anchored, force: boolean): Promise<AnchorResult[]> {
    const { log } = anchored;
    const results: AnchorResult[] = [];
    const goesOn = (): boolean => !this.#abandoned;
    const had = await this.#parts.store.newest(log, target.name);
    if (force || !had || (await this.#growth(log, had.treeSize, anchored.treeSize)) > 0) results.push(await this.#anchor(target, anchored));
    // Also where that failed, or somebody else made one.
    if (goesOn()) results.push(...(await this.#quoteNewest(target, log)));
    // Holds come and go, and records are rewritten, while a log does not grow.
    if (target.copyRecords && goesOn()) results.push(...(await this.#copyRecords(target, anchored)));
    // A log that rests has to be provable as well.
    if (target.renewLocks && goesOn()) results.push(...(await this.#renewLocks(target, log)));
    const key = `${target.name} ${log}`;
    this.#failures.set(key, results.some((result) => 'error' in result) ? (this.#failures.get(key) ?? 0) + 1 : 0);
    return results;
  }

  /** Leaves that came since, but for those that quote anchors: or each anchor would ask for the next. */
  async #growth(log: string, from: number, to: number): Promise<number> {
    if (to <= from) return 0;
    const quotes = (await this.#parts.store.quotesFrom(log, from)).map(quotedAt);
    return to - from - new Set(quotes.filter((leaf) => leaf >= from && leaf < to)).size;
  }

  async figures(): Promise<AnchorFigures[]> {
    const published = await this.#parts.checkpoints();
    const figures: AnchorFigures[] = [];
    for (const { name, kind } of this.#parts.targets) {
      for (const { log, treeSize } of published) {
        const newest = await this.#parts.store.newest(log, name);
        const madeAtMs = newest && Date.parse(newest.anchor.madeAt);
        const kept = newest?.treeSize ?? 0;
        const lockedUntil = (await this.#parts.store.locks(log, name))?.lockedUntil;
        figures.push({
          log,
          target: name,
          kind,
          treeSize: kept,
          madeAtMs,
          behind: await this.#growth(log, kept, treeSize),
          segments: this.#segments.get(`${name} ${log}`),
          lockedUntilMs: lockedUntil === undefined ? undefined : Date.parse(lockedUntil),
          failures: this.#failures.get(`${name} ${log}`) ?? 0,
        });
      }
    }
    return figures;
  }

  /**
   * Returns when nothing is under way any more, or after a while: a target may take as long as it likes. What it gives back later is not kept, and the
   * directory is not written to any more; the next start gives it that checkpoint, or a newer one, again.
   * @param waitMsMax how long [{@link stopMsMax}]
   */
  async stop(waitMsMax = stopMsMax): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, waitMsMax)));
    await Promise.race([this.#underWay, late]);
    clearTimeout(timer);
    this.#abandoned = true;
    // What began to be written before: a few small files, which no target delays.
    await Promise.allSettled(this.#writes);
  }

  /** Writes into the directory, unless that comes too late. */
  async #keep(target: string, write: () => Promise<void>): Promise<void> {
    if (this.#abandoned) throw new VeiltrailError('stopping', `anchor ${target}: made too late to be kept`);
    const written = write();
    this.#writes.add(written);
    try {
      await written;
    } finally {
      this.#writes.delete(written);
    }
  }

  async #anchor(target: AnchorTarget, anchored: Anchored): Promise<AnchorResult> {
    const { name, kind } = target;
    try {
      const proof = await target.put(anchored);
      const anchor: Anchor = { ...anchored, kind, target: name, madeAt: new Date(this.#parts.clock.now()).toISOString(), proof };
      const earlier = await this.#parts.store.at(anchor);
      if (earlier && (await isAsGood(target, earlier))) return { anchor: earlier };
      await this.#keep(name, () => this.#parts.store.add(anchor));
      return { anchor };
    } catch (error) {
      return { target: name, kind, log: anchored.log, error: toldOf(name, error) };
    }
  }

  async #quoteNewest({ name, kind, isBeacon }: AnchorTarget, log: string): Promise<AnchorResult[]> {
    const { store, quote } = this.#parts;
    if (!isBeacon || !quote) return [];
    try {
      const newest = await store.newest(log, name);
      if (!newest || isQuoteOf(newest.quote ?? '', newest.anchor)) return [];
      const disclosure = await quote(newest.anchor);
      await this.#keep(name, () => store.addQuote(newest.anchor, disclosure));
      return [];
    } catch (error) {
      return [{ target: name, kind, log, error: toldOf(name, error) }];
    }
  }

  /** What it did, unless that was nothing. */
  async #copyRecords(target: AnchorTarget, { log, origin }: Anchored): Promise<AnchorResult[]> {
    const { name, kind } = target;
    try {
      const copies = await target.copyRecords?.(log, origin);
      if (!copies) return [];
      const { segments, objects, held, lifted, extended } = copies;
      this.#segments.set(`${name} ${log}`, segments);
      return objects + held + lifted + extended > 0 ? [{ target: name, kind, log, copies }] : [];
    } catch (error) {
      return [{ target: name, kind, log, error: toldOf(name, error) }];
    }
  }

  /** What it did, unless that was nothing. */
  async #renewLocks(target: AnchorTarget, log: string): Promise<AnchorResult[]> {
    const { name, kind } = target;
    const { store } = this.#parts;
    try {
      const locks = await target.renewLocks?.(log, await store.locks(log, name));
      if (!locks) return [];
      await this.#keep(name, () => store.keepLocks(log, name, locks));
      return locks.extended > 0 ? [{ target: name, kind, log, locks }] : [];
    } catch (error) {
      return [{ target: name, kind, log, error: toldOf(name, error) }];
    }
  }

  #later(target: AnchorTarget, ms: number): void {
    if (this.#stopped) return;
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        const turn = this.#turn(target);
        this.#underWay = Promise.all([this.#underWay, turn]);
      },
      // A timer holds 24 days at the most.
      Math.min(ms, 2 ** 31 - 1),
    ).unref();
    this.#timers.add(timer);
  }

  async #turn(target: AnchorTarget): Promise<void> {
    let failures = 0;
    try {
      for (const result of await this.anchorNow(target))
        if ('error' in result) failures = Math.max(failures, this.#failures.get(`${target.name} ${result.log}`) ?? 1);
    } catch {
      // The store or the checkpoints could not be read: tried again like any failure.
      failures = 1;
    }
    this.#later(target, failures === 0 ? target.everyMs : Math.min(target.everyMs, retryMsMin * 2 ** Math.min(failures, 12)));
  }

  async #newestMs({ name }: AnchorTarget): Promise<number | undefined> {
    let newest: number | undefined;
    for (const log of await this.#parts.store.logs()) {
      const made = await this.#parts.store.newest(log, name);
      if (made) newest = Math.max(newest ?? 0, Date.parse(made.anchor.madeAt));
    }
    return newest;
  }
}

/**
 * Whether an anchor of this size that is kept already says all that a new one could: the target, or what it signed, says that the same leaves were there
 * sooner. Not where its lock ends, which the new one's does later.
 */
async function isAsGood(target: AnchorTarget, earlier: Anchor): Promise<boolean> {
  if (earlier.kind !== target.kind || earlier.proof['retainUntil'] !== undefined) return false;
  const { ok, provedAt } = await target.check(earlier);
  return ok === true && provedAt !== undefined;
}

function toldOf(target: string, error: unknown): VeiltrailError {
  if (error instanceof VeiltrailError) return error;
  return new VeiltrailError('anchor_failed', `anchor ${target}: a mistake of ours`, {}, { cause: error });
}
