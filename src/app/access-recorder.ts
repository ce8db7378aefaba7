/**
 * Who read, searched, proved, changed, or was refused: on record in `_system`.
 *
 * What is frequent is gathered and told in flocks, so that reading stays fast: reads of one principal, action and log within a second are one
 * event with their number, their leaves and the digests of their queries. Refusals of whoever has a key are an event each (the first hundred
 * a minute; more are counted), failures of strangers an event a minute for each reason and network. What matters most is written at once:
 * `write` returns when its event is durable and published.
 *
 * A crash of the process loses what was gathered and not yet told: a second of reads, a minute of strangers. While the disk takes nothing, it
 * is kept here and tried again; when that is more than memory should hold, nothing is read any more (`access_unrecorded`), and what was refused
 * for it is counted and told with the first event that gets through.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { type AccessEntry, accessEvent } from './access-event.ts';
import { entryOf, eventsOf, isSame, type Reading, type Unsent, type Waiting } from './gathered-access.ts';
import { mergeRanges, rangesOf } from './leaf-ranges.ts';

export type { AccessEntry } from './access-event.ts';
export type { Reading } from './gathered-access.ts';

export interface AccessRecorder {
  /** Records soon, many at a time. @throws VeiltrailError `access_unrecorded` when too much waits for the disk: do not answer then */
  note(entry: AccessEntry): void;
  /** Records now: durable and published when it returns. @throws VeiltrailError what appending throws: do not do it then */
  write(entry: AccessEntry): Promise<void>;
}

/** What was read. */
export interface ReadDetail {
  /** The leaves that were shown. */
  leaves?: readonly number[];
  /** The query. A keyed digest of it is told: equal queries have equal ones, and nothing else can be told from it. */
  query?: string;
}

/** Of the door: what it tells of those who come to it. */
export interface AccessLog extends AccessRecorder {
  /** A read, search or proof. Reading the server's own log is told once a session. @throws VeiltrailError `access_unrecorded` */
  read(reading: Reading, detail: ReadDetail): void;
  /** Somebody without a key that counts. @param network generalised. Never throws: such a request is refused anyway */
  stranger(reason: string, network: string): void;
  readonly figures: AccessFigures;
  /** Tells what was gathered so far, before its time: for whoever reads about who read. What the disk refuses waits on. */
  flush(): Promise<void>;
  /** Tells what waits, if the disk takes it. */
  close(): Promise<void>;
}

export interface AccessFigures {
  /** Reads, refusals and changes that are on record, since the start. */
  recorded: number;
  /** That wait to be. */
  waiting: number;
  /** That never will be: they were refused for it, or the server stopped while the disk took nothing. */
  unrecorded: number;
}

export interface AccessLogParts {
  /** Appends to `_system`; durable and published when it resolves. At most {@link eventsEach} events. */
  append(events: JsonObject[]): Promise<void>;
  clock: Clock;
  /** Keyed. */
  digestQuery(log: string, query: string): string;
  /** The log whose reading is told once a session. */
  systemLog: string;
  /** What is told soon is gathered so long [1,000]. */
  gatherMs?: number;
  /** Different things that may wait [10,000], and numbers in their ranges of leaves [500,000]. */
  entriesMax?: number;
  rangesMax?: number;
}

/** Events in one flock. */
export const eventsEach = 256;
const strangersMs = 60_000;
/** Refusals of one principal that are told one by one in a minute. */
const refusalsEach = 100;
const networksMax = 1_000;
/** Leaves that are kept as they came before they are made ranges. */
const looseLeavesMax = 4_096;
/** Whoever reads `_system` again after so long a pause began another session. */
const sessionPauseMs = 15 * 60_000;
const sessionsMax = 10_000;
/** Readings of one principal and action that are looked through; others are found by their key. */
const knownReadingsMax = 8;

interface KnownReading {
  reading: Reading;
  waiting: Waiting;
}

export function createAccessLog(parts: AccessLogParts): AccessLog {
  return new GatheredAccess(parts);
}

class GatheredAccess implements AccessLog {
  readonly #parts: AccessLogParts;
  readonly #gatherMs: number;
  readonly #rangesMax: number;
  /** What waits of reads, by principal and action: forgotten whenever something is told. */
  #reads = new Map<string, Map<string, KnownReading[]>>();
  #waiting = new Map<string, Waiting>();
  /** Numbers in ranges and loose leaves that wait. */
  #numbers = 0;
  /** Events that are made and could not be appended yet: made once, so that trying again makes no second event. */
  #unsent: Unsent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();
  #minute = -1;
  #refusals = new Map<string, number>();
  #networks = new Set<string>();
  readonly #sessions = new Map<string, number>();
  #serial = 0;
  #refusedFor = 0;
  #recorded = 0;
  #unrecorded = 0;
  #closed = false;

  constructor(parts: AccessLogParts) {
    this.#parts = parts;
    this.#gatherMs = parts.gatherMs ?? 1_000;
    this.#rangesMax = parts.rangesMax ?? 500_000;
  }

  note(entry: AccessEntry): void {
    if (entry.outcome !== 'denied') return void this.#gather(JSON.stringify(entry), entry, this.#gatherMs);
    this.#turnMinute();
    const refusals = (this.#refusals.get(entry.principal) ?? 0) + 1;
    if (this.#refusals.size < sessionsMax || refusals > 1) this.#refusals.set(entry.principal, refusals);
    if (refusals <= refusalsEach) this.#gather(`#${++this.#serial}`, entry, this.#gatherMs);
    else this.#gather(JSON.stringify(entry), entry, strangersMs);
  }

  async write(entry: AccessEntry): Promise<void> {
    await this.#parts.append([accessEvent(entry, { id: randomUUID(), time: this.#time(this.#parts.clock.now()) })]);
    this.#recorded++;
  }

  read(reading: Reading, { leaves, query }: ReadDetail): void {
    const { log = '' } = reading;
    if (log === this.#parts.systemLog) return this.#readOwn(reading);
    const waiting = this.#again(reading) ?? this.#first(reading);
    if (leaves) {
      for (const leafIndex of leaves) waiting.leaves.push(leafIndex);
      this.#numbers += leaves.length;
      if (waiting.leaves.length >= looseLeavesMax) this.#compact(waiting);
    }
    if (query !== undefined) waiting.queries.add(this.#parts.digestQuery(log, query));
  }

  stranger(reason: string, network: string): void {
    this.#turnMinute();
    const known = this.#networks.has(network) || this.#networks.size < networksMax;
    if (known) this.#networks.add(network);
    const metadata = { network: known ? network : 'others' };
    const entry: AccessEntry = { action: 'auth.fail', principal: 'stranger', outcome: 'failure', reason, metadata };
    try {
      this.#gather(`! ${reason} ${metadata.network}`, entry, strangersMs);
    } catch {
      // Counted; who is refused anyway need not know why.
    }
  }

  get figures(): AccessFigures {
    let waiting = this.#refusedFor;
    for (const { count } of this.#waiting.values()) waiting += count;
    for (const { count } of this.#unsent) waiting += count;
    return { recorded: this.#recorded, waiting, unrecorded: this.#unrecorded };
  }

  flush(): Promise<void> {
    return this.#send(Infinity);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#send(Infinity);
    this.#unrecorded += this.figures.waiting;
    this.#waiting.clear();
    this.#unsent = [];
    this.#refusedFor = 0;
  }

  #readOwn(entry: Reading): void {
    const nowMs = this.#parts.clock.now();
    const { principal } = entry;
    const lastMs = this.#sessions.get(principal) ?? -Infinity;
    if (nowMs - lastMs >= sessionPauseMs) this.#gather(`session ${principal} ${nowMs}`, { ...entry, action: 'system.read' }, this.#gatherMs);
    this.#sessions.delete(principal);
    this.#sessions.set(principal, nowMs);
    if (this.#sessions.size > sessionsMax) this.#sessions.delete(this.#sessions.keys().next().value as string);
  }

  /** What the same reading is gathered in already, found without making a key of it: that was most of what a read cost. */
  #again(reading: Reading): Waiting | undefined {
    if (this.#closed || this.#numbers > this.#rangesMax) return undefined;
    const same = this.#reads
      .get(reading.principal)
      ?.get(reading.action)
      ?.find((one) => isSame(one.reading, reading));
    if (!same) return undefined;
    same.waiting.count++;
    same.waiting.toMs = this.#parts.clock.now();
    return same.waiting;
  }

  /** @throws VeiltrailError `access_unrecorded` */
  #first(reading: Reading): Waiting {
    const { action, principal, role = '', outcome, log = '', reason = '', network = '' } = reading;
    const waiting = this.#gather(`${principal} ${role} ${action} ${log} ${outcome} ${reason} ${network}`, reading, this.#gatherMs);
    const ofPrincipal = this.#reads.get(principal) ?? new Map<string, KnownReading[]>();
    const known = ofPrincipal.get(action) ?? [];
    if (known.length < knownReadingsMax) known.push({ reading, waiting });
    this.#reads.set(principal, ofPrincipal.set(action, known));
    return waiting;
  }

  /** @throws VeiltrailError `access_unrecorded` */
  #gather(key: string, entry: AccessEntry | Reading, windowMs: number): Waiting {
    const nowMs = this.#parts.clock.now();
    const waiting = this.#waiting.get(key);
    const { entriesMax = 10_000 } = this.#parts;
    if (this.#closed || this.#numbers > this.#rangesMax || (!waiting && this.#waiting.size + this.#unsent.length >= entriesMax)) {
      this.#refusedFor++;
      throw new VeiltrailError('access_unrecorded', 'who reads cannot be recorded now, so nothing is read');
    }
    if (waiting) {
      waiting.count++;
      waiting.toMs = nowMs;
      return waiting;
    }
    const made: Waiting = {
      entry: entryOf(entry),
      count: 1,
      fromMs: nowMs,
      toMs: nowMs,
      dueMs: nowMs + windowMs,
      leaves: [],
      ranges: [],
      queries: new Set(),
    };
    this.#waiting.set(key, made);
    if (this.#waiting.size === eventsEach) setImmediate(() => void this.#send(nowMs + this.#gatherMs));
    this.#timer ??= setTimeout(() => void this.#tick(), this.#gatherMs).unref();
    return made;
  }

  #compact(waiting: Waiting): void {
    const before = waiting.leaves.length + waiting.ranges.length;
    waiting.ranges = mergeRanges(waiting.ranges, rangesOf(waiting.leaves));
    waiting.leaves = [];
    this.#numbers += waiting.ranges.length - before;
  }

  async #tick(): Promise<void> {
    // What was gathered since the last time, whenever in that second it came.
    await this.#send(this.#parts.clock.now() + this.#gatherMs);
    this.#timer = undefined;
    const more = this.#waiting.size > 0 || this.#unsent.length > 0 || this.#refusedFor > 0;
    if (more && !this.#closed) this.#timer = setTimeout(() => void this.#tick(), this.#gatherMs).unref();
  }

  /** Tells what is due. Nothing new is made while older events wait for the disk: what comes meanwhile goes on being gathered. */
  #send(untilMs: number): Promise<void> {
    const sending = this.#sending.then(async () => {
      if (!(await this.#append())) return;
      this.#make(untilMs);
      await this.#append();
    });
    this.#sending = sending;
    return sending;
  }

  /** @returns whether nothing is left */
  async #append(): Promise<boolean> {
    while (this.#unsent.length > 0) {
      const some = this.#unsent.slice(0, eventsEach);
      try {
        await this.#parts.append(some.map(({ event }) => event));
      } catch {
        return false; // told later; how much waits is in the figures
      }
      this.#unsent.splice(0, some.length);
      for (const { count } of some) this.#recorded += count;
    }
    return true;
  }

  #make(untilMs: number): void {
    if (this.#refusedFor > 0) {
      const metadata = { count: this.#refusedFor };
      const entry: AccessEntry = { action: 'access.unrecorded', principal: 'system', outcome: 'failure', reason: 'access_unrecorded', metadata };
      const time = this.#time(this.#parts.clock.now());
      this.#unsent.push({ event: accessEvent(entry, { id: randomUUID(), time }), count: 0 });
      this.#unrecorded += this.#refusedFor;
      this.#refusedFor = 0;
    }
    this.#reads = new Map();
    for (const [key, waiting] of this.#waiting) {
      if (waiting.dueMs > untilMs) continue;
      this.#waiting.delete(key);
      this.#compact(waiting);
      this.#numbers -= waiting.ranges.length;
      this.#unsent.push(...eventsOf(waiting, (ms) => this.#time(ms)));
    }
  }

  #turnMinute(): void {
    const minute = Math.floor(this.#parts.clock.now() / 60_000);
    if (minute === this.#minute) return;
    this.#minute = minute;
    this.#refusals = new Map();
    this.#networks = new Set();
  }

  #time(ms: number): string {
    return new Date(ms).toISOString();
  }
}
