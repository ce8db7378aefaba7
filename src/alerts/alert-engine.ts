/**
 * Follows the logs with the rules. Of each log:
 *
 *     batch of records → rules → findings ─┬─ one transaction of alerts.db: alerts, and how far was looked
 *                                          └─ then `_system` is told, event by event, under the alert's own id
 *
 * A crash before the transaction: the next start reads those leaves again, and finds the same, under the same ids. After it, and before `_system`
 * was told or its leaf was noted: the next start first looks through what `_system` got meanwhile, and tells only what is not there. So none is
 * lost and none is told twice. Where nothing was found, how far was looked is written down later.
 *
 * Windows are in memory only: a start reads the records of the longest one again, and counts them without raising anything.
 */
import { setTimeout as later } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';
import type { JsonObject } from '../core/json.ts';
import { openRecord, recordOfFields } from '../log/open-record.ts';
import { type FollowedBatch, type FollowedRecord, type FollowSource, LogFollower } from '../search/follow-log.ts';
import type { AlertCursor } from '../storage/alert-store.ts';
import { isFatal } from '../storage/storage-error.ts';
import { acknowledgeAction, type Alert, ownActions, raiseAction, raiseMembers } from './alert.ts';
import { type AlertBook, type GoneRecords, withoutGone } from './alert-book.ts';
import { leafReceivedAt } from './leaf-received-at.ts';
import { textOfJson, valuesAt } from './record-fields.ts';
import type { AlertRule, AlertSeverity } from './rule.ts';
import { type Finding, RuleWatch } from './rule-watch.ts';

export interface AlertEngineParts {
  book: AlertBook;
  rules: readonly AlertRule[];
  source: FollowSource;
  /** The log of the server itself. */
  systemLog: string;
  /** Every log, and how many of its leaves are published. */
  logs(): { log: string; treeSize: number }[];
  /** Appends a record of the server's own to that log, once for each id; its leaf, once it is published. */
  tell(record: { id: string; action: string; members: JsonObject }): Promise<number>;
  clock: Clock;
  /** An alert is in `_system` now. */
  onRaised?: (alert: Alert) => void;
  /** What failed and is tried again. */
  onError?: (error: Error) => void;
  onFatal?: (error: Error) => void;
  /** Rest before what failed is tried again [5,000]. */
  retryMs?: number;
}

/** How far the engine is. */
export interface AlertFigures {
  /** Since the start. */
  raised: Map<AlertSeverity, number>;
  open: Map<AlertSeverity, number>;
  /** Published leaves that no rule has looked at yet, of each log that rules look at. */
  behind: { log: string; leaves: number }[];
}

/** How far was looked is on disk this long after, where nothing was found. */
const cursorMs = 5_000;
/** What a lost book is looked through again for: reveals and the like of the last day. */
const lostMs = 24 * 3_600_000;
/** Events of one rule that say it had too many groups, or found too much: one in this time. */
const limitMs = 3_600_000;

interface Followed {
  cursor: AlertCursor & { next: number };
  /** Below it nothing is raised: it was looked at before the start. */
  raisesFrom: number;
  follower: LogFollower | undefined;
  cursorAtMs: number;
  /** Findings that are not on disk yet. */
  pending: Finding[];
}

export class AlertEngine {
  readonly #parts: AlertEngineParts;
  readonly #watch: RuleWatch;
  readonly #followed = new Map<string, Followed>();
  readonly #known = new Set<string>();
  /** Rules that were true of a record, by its bytes, between being read and being dealt with. */
  readonly #matched = new WeakMap<Uint8Array, AlertRule[]>();
  readonly #raised = new Map<AlertSeverity, number>();
  readonly #limited = new Map<string, number>();
  readonly #stopping = new AbortController();
  #running: Promise<unknown>[] = [];
  /** `_system` was looked through as far as it was at the start: what it does not have now was never told. */
  #systemSize = 0;
  /** Of leaves of `_system` below this one, the book has lost what they say. */
  #lostTo = 0;
  #mayTell = false;
  #isStarted = false;
  #telling: Promise<void> | undefined;
  #idle: (() => void)[] = [];

  constructor(parts: AlertEngineParts) {
    this.#parts = parts;
    this.#watch = new RuleWatch(parts.rules, {
      onForgotten: (rule) => this.#limit(rule, 'groups'),
      onTooMany: (rule) => this.#limit(rule, 'alerts'),
    });
  }

  /** Begins to follow. Call it once; a log that is made later is told of by {@link AlertEngine.published}. */
  async start(): Promise<void> {
    const { book, systemLog } = this.#parts;
    if (book.fact('begun') === undefined) await this.#begin(this.#parts.logs());
    if (this.#stopping.signal.aborted) return;
    const logs = this.#parts.logs();
    this.#systemSize = logs.find(({ log }) => log === systemLog)?.treeSize ?? 0;
    this.#isStarted = true;
    this.#lostTo = Number(book.fact('begun'));
    for (const quiet of book.quiet()) this.#watch.keepQuiet(quiet);
    const cursors = new Map(book.cursors().map((cursor) => [cursor.log, cursor]));
    for (const { log, treeSize } of logs) this.#follow(log, treeSize, cursors.get(log));
    this.#advance(systemLog);
  }

  /** A log has grown to this size and everybody may see it. */
  published(log: string, treeSize: number): void {
    if (!this.#isStarted) return;
    try {
      if (!this.#known.has(log)) this.#follow(log, treeSize, undefined);
    } catch (error) {
      // Nobody who tells of a log can do anything about it.
      return this.#fail(error as Error);
    }
    this.#followed.get(log)?.follower?.published(treeSize);
  }

  /** Records were removed, or values in them: nothing of them is remembered when it returns. @throws VeiltrailError `storage_busy`: call it again */
  forget(gone: GoneRecords): void {
    const { log, isRemoved, isRedacted, tokens } = gone;
    this.#followed.get(log)?.follower?.forget();
    this.#watch.forget(log, (leaf) => isRemoved(leaf) || isRedacted(leaf), tokens);
    // Of every log: the group may bear the token that is gone.
    for (const followed of this.#followed.values()) followed.pending = followed.pending.flatMap((finding) => this.#left(finding, gone) ?? []);
    // Or the next start would learn of alerts again that are forgotten now.
    this.#parts.book.moveCursors([...this.#followed.values()].map(({ cursor }) => cursor));
    for (const alert of this.#parts.book.forget(gone)) this.#watch.endCount(alert);
  }

  /** What is left of a finding that is not on disk yet; undefined where nothing is. */
  #left(finding: Finding, gone: GoneRecords): Finding | undefined {
    const { rule, log, group, leafIndex, raises } = finding;
    const before = { log, group, leaves: raises?.leaves ?? [leafIndex] };
    const left = withoutGone(before, gone);
    if (left === before) return finding;
    if (raises && left?.group !== group) this.#watch.endCount({ rule: rule.name, log, group });
    return raises && left ? { ...finding, group: left.group, raises: { ...raises, leaves: left.leaves } } : undefined;
  }

  /** Somebody has dealt with an alert: what comes now of its group is new. */
  acknowledged(alert: Alert): void {
    this.#watch.endQuiet(alert);
  }

  get figures(): AlertFigures {
    const behind = [...this.#followed].map(([log, { follower }]) => ({ log, leaves: follower?.behind ?? 0 }));
    return { raised: this.#raised, open: this.#parts.book.openCounts(), behind };
  }

  /** Resolves when everything published was looked at and told. */
  async idle(): Promise<void> {
    while (!this.#isIdle()) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Ends after the batch under way. */
  async close(): Promise<void> {
    this.#stopping.abort();
    for (const { follower } of this.#followed.values()) follower?.close();
    await Promise.all(this.#running);
    await this.#telling;
    const cursors = [...this.#followed.values()].map(({ cursor }) => cursor);
    // What a full disk does not take is looked at again.
    if (cursors.length > 0) attempt(() => this.#parts.book.moveCursors(cursors));
    this.#wakeIdle();
  }

  /**
   * The book is new, and so may the directory be. If it is not, logs are looked at from where they are now, and `_system` from a day ago: what
   * it has alerts of is learnt from it, and not raised again.
   */
  async #begin(logs: readonly { log: string; treeSize: number }[]): Promise<void> {
    const { book, source, systemLog, clock } = this.#parts;
    const cursors: AlertCursor[] = [];
    for (const { log, treeSize } of logs) {
      const isOwn = log === systemLog;
      const rulesFrom = isOwn ? await this.#untilRead(() => leafReceivedAt(source, log, treeSize, clock.now() - lostMs)) : treeSize;
      // Ended meanwhile: the next start begins.
      if (rulesFrom === undefined) return;
      cursors.push({ log, next: isOwn ? 0 : treeSize, rulesFrom: rulesFrom ?? treeSize });
    }
    book.setFact('begun', String(logs.find(({ log }) => log === systemLog)?.treeSize ?? 0), cursors);
    if (!logs.some(({ treeSize }) => treeSize > 0)) return;
    const from = Object.fromEntries(cursors.filter(({ log }) => this.#watch.isWatched(log)).map(({ log, rulesFrom }) => [log, rulesFrom]));
    const message = 'there was no state of alerts: records before these leaves are not looked at';
    const tell = this.#parts.tell({
      id: crypto.randomUUID(),
      action: 'alert.follow',
      members: { severity: 4, targets: [], message, metadata: { from } },
    });
    await tell.catch((error: Error) => this.#parts.onError?.(error));
  }

  /** @param cursor absent: the log was made since the last start, or just now */
  #follow(log: string, treeSize: number, cursor: AlertCursor | undefined): void {
    this.#known.add(log);
    const isWatched = this.#watch.isWatched(log) || log === this.#parts.systemLog;
    // Rules look at it for the first time, or not any more.
    const begins = cursor && cursor.next === null;
    const next = begins ? treeSize : Math.min(cursor?.next ?? 0, treeSize);
    const rulesFrom = begins ? treeSize : (cursor?.rulesFrom ?? 0);
    const now: AlertCursor = { log, next: isWatched ? next : null, rulesFrom };
    if (!cursor || cursor.next !== now.next) attempt(() => this.#parts.book.moveCursors([now]));
    if (!isWatched) return;
    const followed: Followed = {
      cursor: { log, next, rulesFrom },
      raisesFrom: next,
      follower: undefined,
      cursorAtMs: performance.now(),
      pending: [],
    };
    this.#followed.set(log, followed);
    const running = this.#run(log, followed).catch((error: Error) => this.#fail(error));
    this.#running.push(running);
  }

  async #run(log: string, followed: Followed): Promise<void> {
    const { source } = this.#parts;
    const from = await this.#untilRead(() => this.#replayFrom(log, followed));
    if (from === undefined) return;
    const treeSize = this.#parts.logs().find((one) => one.log === log)?.treeSize ?? 0;
    const follower = new LogFollower({ source, log, from, treeSize, holds: (searchable) => this.#holds(log, searchable) });
    followed.follower = follower;
    while (!this.#stopping.signal.aborted) {
      this.#advance(log);
      const batch = await this.#untilRead(() => follower.next());
      if (!batch) return;
      if (follower.isStale(batch)) follower.goTo(batch.from);
      else await this.#deal(followed, follower, batch);
    }
  }

  /** Where windows begin that reach the first leaf to look at. */
  async #replayFrom(log: string, { cursor }: Followed): Promise<number> {
    const longestMs = this.#watch.longestMs(log);
    if (longestMs === 0 || cursor.next === 0) return cursor.next;
    const { source } = this.#parts;
    const last = await source.openFrom(log, cursor.next - 1);
    if (!last) return cursor.next;
    const ms = typeof last.receivedAtMs === 'number' ? last.receivedAtMs : (last.receivedAtMs[0] ?? 0);
    return Math.max(cursor.rulesFrom, await leafReceivedAt(source, log, cursor.next, ms - longestMs));
  }

  #holds(log: string, searchable: Uint8Array): boolean {
    const rules = this.#watch.matching(log, searchable);
    if (rules.length > 0) this.#matched.set(searchable, rules);
    return rules.length > 0 || this.#ownActionOf(log, searchable) !== '';
  }

  /** What the server itself says of alerts in its log; empty for everything else. */
  #ownActionOf(log: string, searchable: Uint8Array): string {
    if (log !== this.#parts.systemLog) return '';
    const action = textOfJson(valuesAt(searchable, ['/action']).get('/action') ?? '""');
    return action === acknowledgeAction || ownActions.has(action) ? action : '';
  }

  async #deal(followed: Followed, follower: LogFollower, batch: FollowedBatch): Promise<void> {
    const { cursor, raisesFrom } = followed;
    const { log } = cursor;
    // Where an erasure comes in between finds them.
    followed.pending = [];
    let { to } = batch;
    for (const record of batch.records) {
      const { leafIndex, searchable } = record;
      if (follower.isStale(batch)) {
        to = leafIndex;
        follower.goTo(to);
        break;
      }
      const action = this.#ownActionOf(log, searchable);
      // Before that it was learnt already; and what was removed since is not learnt again.
      if (leafIndex >= raisesFrom && action !== '') await this.#untilTaken(() => this.#learn(action, record));
      if (leafIndex < cursor.rulesFrom || ownActions.has(action)) continue;
      followed.pending.push(...this.#watch.take(log, record, this.#matched.get(searchable) ?? [], leafIndex < raisesFrom));
    }
    if (to <= cursor.next) return;
    const moved = { ...cursor, next: to };
    const isDue = performance.now() - followed.cursorAtMs > cursorMs;
    const isFound = followed.pending.length > 0;
    if (isFound) {
      const isTaken = await this.#untilTaken(() => this.#parts.book.take(followed.pending, moved));
      // Stopping, with a disk that takes nothing: the next start finds the same.
      if (!isTaken) return;
    } else if (isDue) attempt(() => this.#parts.book.moveCursors([moved]));
    if (isFound || isDue) followed.cursorAtMs = performance.now();
    followed.pending = [];
    cursor.next = to;
    if (isFound) this.#tellSoon();
  }

  /** Tried until the disk takes it, or the engine is closed: the windows have counted these records already. @throws what is fatal */
  async #untilTaken(work: () => void): Promise<boolean> {
    const { signal } = this.#stopping;
    for (;;) {
      try {
        work();
        return true;
      } catch (error) {
        if (isFatal(error)) throw error;
        this.#parts.onError?.(error as Error);
        if (signal.aborted) return false;
        await this.#rest();
      }
    }
  }

  /** Tried until it can be read; undefined once closed. What cannot be read now is read again: whether it is damaged is for `verify` to say. */
  async #untilRead<T>(read: () => Promise<T>): Promise<T | undefined> {
    while (!this.#stopping.signal.aborted) {
      try {
        return await read();
      } catch (error) {
        this.#parts.onError?.(error as Error);
        await this.#rest();
      }
    }
    return undefined;
  }

  async #rest(): Promise<void> {
    const { retryMs = 5_000 } = this.#parts;
    await later(retryMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  /** What `_system` says of alerts. */
  #learn(action: string, { packed, leafIndex, receivedAtMs }: FollowedRecord): void {
    const { book } = this.#parts;
    const record = recordOfFields(openRecord(packed));
    if (action === raiseAction) book.learnRaised(record, leafIndex, leafIndex < this.#lostTo);
    const alert = action === acknowledgeAction ? book.learnAcknowledged(record, leafIndex, receivedAtMs) : undefined;
    if (alert) this.acknowledged(alert);
  }

  /** A log was looked at a little further. */
  #advance(log: string): void {
    const { systemLog } = this.#parts;
    if (log === systemLog && !this.#mayTell) {
      const position = this.#followed.get(systemLog)?.follower?.position ?? (this.#followed.has(systemLog) ? -1 : this.#systemSize);
      this.#mayTell = position >= this.#systemSize;
      if (this.#mayTell) this.#tellSoon();
    }
    this.#wakeIdle();
  }

  #tellSoon(): void {
    if (!this.#mayTell || this.#telling || this.#stopping.signal.aborted) return;
    this.#telling = this.#tell()
      .catch((error: Error) => this.#fail(error))
      .finally(() => {
        this.#telling = undefined;
        if (this.#parts.book.untold()) this.#tellSoon();
        this.#wakeIdle();
      });
  }

  async #tell(): Promise<void> {
    const { book } = this.#parts;
    const { signal } = this.#stopping;
    for (let alert = book.untold(); alert && !signal.aborted; alert = book.untold()) {
      const { id } = alert;
      let leaf: number;
      try {
        leaf = await this.#parts.tell({ id, action: raiseAction, members: raiseMembers(alert) });
      } catch (error) {
        this.#parts.onError?.(error as Error);
        await this.#rest();
        continue;
      }
      // It may be gone, or seen in `_system`, by now: then there is nothing to note.
      await this.#untilTaken(() => book.told(id, leaf));
      this.#raised.set(alert.severity, (this.#raised.get(alert.severity) ?? 0) + 1);
      this.#parts.onRaised?.(alert);
    }
  }

  /** A rule has more groups than there is room for, or raises more than anybody reads. */
  #limit(rule: AlertRule, what: 'groups' | 'alerts'): void {
    const nowMs = this.#parts.clock.now();
    const key = `${rule.name} ${what}`;
    if (nowMs - (this.#limited.get(key) ?? -Infinity) < limitMs) return;
    this.#limited.set(key, nowMs);
    const message =
      what === 'groups'
        ? `the rule ${rule.name} has too many groups: the oldest are not counted any more`
        : `the rule ${rule.name} raises too many alerts: more are counted on the last one`;
    const members = { category: 'log_control', severity: 3, targets: [], message, metadata: { rule: rule.name, limit: what } };
    void this.#parts.tell({ id: crypto.randomUUID(), action: 'alert.limit', members }).catch((error: Error) => this.#parts.onError?.(error));
  }

  #fail(error: Error): void {
    if (this.#parts.onFatal && isFatal(error)) this.#parts.onFatal(error);
    else this.#parts.onError?.(error);
  }

  #isIdle(): boolean {
    if (this.#stopping.signal.aborted) return true;
    const followed = [...this.#followed.values()];
    const isBehind = followed.some(
      ({ follower, cursor, pending }) => !follower || follower.behind > 0 || cursor.next < follower.position || pending.length > 0,
    );
    return !isBehind && !this.#telling && this.#parts.book.untold() === undefined;
  }

  #wakeIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** What the disk refuses now is done later, or looked at again. */
function attempt(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (isFatal(error)) throw error;
  }
}
