/**
 * Raw exports: the events that match, with the values that the vault still has in their tokens' places, and all that shows them to be those of the
 * log. The most that anybody can take out at once: so it takes reasons and a second person, bound to exactly what is asked for; it is on record in
 * `_system`, durably, before the first byte, and again when it is over or broke off. Never a value, of the events or of the query, is on record.
 */
import { randomUUID } from 'node:crypto';
import { toHex, utf8 } from '../core/bytes.ts';
import type { GoneRecords } from '../alerts/alert-book.ts';
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { sha256 } from '../core/sha256.ts';
import type { VaultRules } from '../privacy/vault-rules.ts';
import type { AccessEntry } from './access-recorder.ts';
import { permissionFacts, permitOperation, type Permission } from './asked-operation.ts';
import { HeldRecords } from './held-records.ts';
import { rangesOf } from './leaf-ranges.ts';
import { openSnapshot } from './log-snapshot.ts';
import { type LookUpLimits, stopped } from './look-up-limits.ts';
import { type Asker, checkReasons, countedAs, recordRefusal, type ReportParts, reportSweep, whoAndWhy } from './look-up-report.ts';
import { boundsOf, type DetailParts, detailOf, type ExportBounds } from './raw-export-detail.ts';
import { checkRawExport, type RawExport, rawExportLimits, type RawExportRequest } from './raw-export-request.ts';
import { rawExportText, type RawTextParts, type Sent } from './raw-export-text.ts';
import type { PublishedLog } from './read-log.ts';
import type { RequestDesk } from './requests.ts';
import { appliedOf, tokensAt } from './revealed-record.ts';
import type { LookedUp, ValueSearchRequest } from './search-by-value.ts';
import type { SearchAnswer } from './trail.ts';

export interface RawExportParts extends ReportParts, DetailParts, Omit<RawTextParts, 'snapshot'> {
  published(log: string): PublishedLog;
  vault: RawTextParts['vault'] & { kindsOf(tokens: readonly string[]): Promise<(string | undefined)[]> };
  rules: VaultRules;
  limits: LookUpLimits;
  desk: Pick<RequestDesk, 'permit' | 'permitsStill' | 'show'>;
  /** With real values, limited and on record as such. */
  search(log: string, request: ValueSearchRequest, asker: Asker): Promise<SearchAnswer & { lookedUp?: LookedUp[] }>;
  clock: Clock;
  /** How long an export may take [an hour]. */
  timeMsMax?: number;
}

/** Of an export that is being sent. */
interface UnderWay {
  held: HeldRecords;
  breakOff(reason: string): Promise<void>;
}

/** Numbers in the ranges of leaves that one event tells. */
const rangesEach = 4_000;
const pageMax = 1_000;
/** Under way at once, whoever asks. */
const atOnceMax = 2;

/** What is known so far, and goes on record. */
interface Facts {
  told: JsonObject;
  /** One that there is: what somebody made up may be anything. */
  log?: string;
  /** The desk has put the refusal on record. */
  isRecorded: boolean;
}

export class RawExporter {
  readonly #parts: RawExportParts;
  readonly #underWay = new Set<UnderWay>();
  #starting = 0;
  #closed = false;

  constructor(parts: RawExportParts) {
    this.#parts = parts;
  }

  /**
   * Lets an export begin. On record when it returns.
   * @throws VeiltrailError `purpose_needed`, `reference_needed`, `export_request`, `export_empty`, `export_too_large`, `look_up_rate`, `look_up_stopped`, `stopping`,
   * what searching throws, and those of `RequestDesk.permit`; each is on record
   */
  async begin(asked: RawExportRequest): Promise<RawExport> {
    const facts: Facts = { told: {}, isRecorded: false };
    try {
      return await this.#begin(asked, facts);
    } catch (error) {
      if (!(error instanceof VeiltrailError)) throw error;
      this.#parts.counts.revealsRefused++;
      if (!facts.isRecorded) await this.#recordRefusal(asked, error.code, facts);
      throw error;
    }
  }

  async #recordRefusal(asked: RawExportRequest, reason: string, { told, log }: Facts): Promise<void> {
    const { log: _given, ...entry } = entryOf(asked, { outcome: 'denied', reason, severity: 3 }, told);
    await recordRefusal(this.#parts.recorder, { ...entry, ...(log === undefined ? {} : { log }) });
  }

  /** Breaks off what is under way, and lets nothing begin: the server stops. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#underWay].map((one) => one.breakOff('broken_off')));
  }

  /** Breaks off exports that have opened, and perhaps not sent yet, what is gone now. The others find it gone. */
  async forget(gone: GoneRecords): Promise<void> {
    const affected = [...this.#underWay].filter(({ held }) => held.has(gone));
    await Promise.all(affected.map((one) => one.breakOff('erased_meanwhile')));
  }

  #refuseStopping({ signal }: RawExportRequest): void {
    if (this.#closed || signal?.aborted) throw new VeiltrailError('stopping', 'the server is stopping');
  }

  async #begin(asked: RawExportRequest, facts: Facts): Promise<RawExport> {
    const { limits } = this.#parts;
    const by = { ...asked, ...checkReasons(asked) };
    const { origin } = this.#parts.published(asked.log);
    facts.log = asked.log;
    checkRawExport(asked);
    limits.enter(countedAs(asked), 'reveal');
    if (this.#underWay.size + this.#starting >= atOnceMax)
      throw new VeiltrailError('look_up_rate', `${atOnceMax} exports are under way: try again later`, { retryAfterSeconds: 60 });
    this.#starting++;
    try {
      return await this.#permitted(by, origin, facts);
    } finally {
      this.#starting--;
    }
  }

  async #permitted(by: RawExportRequest & { purpose: string; reference: string }, origin: string, facts: Facts): Promise<RawExport> {
    const { desk, limits, recorder, counts, clock } = this.#parts;
    const bounds = await this.#bounds(by);
    const found = await this.#find(by, bounds ?? { below: Infinity });
    const detail = detailOf(this.#parts, by, found, bounds ?? { ...found, below: found.treeSize, from: found.leaves[0] as number });
    facts.isRecorded = true;
    this.#refuseStopping(by);
    const permission = await permitOperation(desk, 'export.raw', detail, by);
    facts.isRecorded = false;
    const id = `x_${randomUUID()}`;
    const ranges = rangesOf(found.leaves);
    facts.told = {
      export: id,
      events: found.leaves.length,
      values: found.values,
      kinds: [...found.kinds],
      leavesDigest: toHex(sha256(utf8(JSON.stringify(ranges)))),
      ...(by.query === undefined || by.query === '' ? {} : { queries: [this.#parts.digest(by.query)] }),
      ...(by.audience === undefined ? {} : { audience: by.audience }),
      ...permissionFacts(permission),
    };
    // What somebody else agreed to is no sweep.
    const stop = permission ? undefined : limits.count(countedAs(by), 'reveal', [...found.tokens]);
    if (stop) {
      await reportSweep(this.#parts, by, stop);
      throw stopped(stop);
    }
    const snapshot = await openSnapshot(this.#parts.published(by.log), this.#parts.tiles, (found.leaves.at(-1) as number) + 1);
    this.#refuseStopping(by);
    for (let from = rangesEach; from < ranges.length; from += rangesEach)
      await recorder.write(
        entryOf(by, { action: 'export.leaves', outcome: 'success', severity: 2 }, { export: id, leaves: ranges.slice(from, from + rangesEach) }),
      );
    await recorder.write(entryOf(by, { outcome: 'success', severity: 4 }, { ...facts.told, leaves: ranges.slice(0, rangesEach) }));
    counts.reveals += found.values;
    this.#parts.alert(
      `${by.principal} exports ${found.leaves.length} events of the log ${by.log} with ${found.values} values (${found.kinds.join(', ')}); see action:export.raw in the log _system`,
    );
    const head: JsonObject = {
      export: id,
      log: by.log,
      origin,
      treeSize: snapshot.treeSize,
      checkpoint: snapshot.checkpoint,
      ...without(detail, ['log', 'below', 'from', 'values', 'kinds', 'events', 'queryDigest']),
      purpose: by.purpose,
      reference: by.reference,
      by: by.principal,
      at: new Date(clock.now()).toISOString(),
      ...requestOf(permission),
      events: found.leaves.length,
      complete: found.complete,
    };
    const sent: Sent = { events: 0, removed: 0, values: 0, bytes: 0 };
    const held = new HeldRecords(by.log);
    const inner = rawExportText({ ...this.#parts, snapshot }, { log: by.log, leaves: found.leaves, head, hides: by.hides, held }, sent);
    const { text, brokenOff } = this.#watched(inner, { sent, held }, by, { id, permission });
    // Since it was put on record.
    if (this.#closed || by.signal?.aborted) await text.return?.();
    return { id, events: found.leaves.length, text, brokenOff };
  }

  /** What an approved request was made for. What is wrong with it, the desk says. */
  async #bounds({ request, log }: RawExportRequest): Promise<ExportBounds | undefined> {
    if (request === undefined) return undefined;
    try {
      const { action, detail } = this.#parts.desk.show(request);
      return action === 'export.raw' && detail['log'] === log ? boundsOf(detail) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Looks for the events; nothing is opened for it. */
  async #find(by: RawExportRequest, { below, from = 0 }: Pick<ExportBounds, 'below' | 'from'>): Promise<Found> {
    const { log, query = '', since, until, limit, hides, purpose, reference } = by;
    const found: Found = { leaves: [], events: 0, values: 0, kinds: [], tokens: new Set(), lookedUp: [], treeSize: 0, complete: true };
    const kinds = new Set<string>();
    const search: ValueSearchRequest = {
      q: query,
      limit: pageMax,
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
      ...(hides ? { hides } : {}),
      ...(purpose === undefined ? {} : { purpose }),
      ...(reference === undefined ? {} : { reference }),
    };
    let cursor: string | undefined;
    do {
      this.#refuseStopping(by);
      const page = await this.#parts.search(log, { ...search, ...(cursor === undefined ? {} : { cursor }) }, by);
      if (cursor === undefined) {
        found.lookedUp = page.lookedUp ?? [];
        found.treeSize = page.treeSize;
      }
      const all = page.events.filter(({ leafIndex }) => leafIndex < Math.min(below, found.treeSize));
      // With a limit, what has gone makes no room for older ones.
      const events = all.filter(({ leafIndex }) => leafIndex >= from);
      const room = (limit ?? rawExportLimits.eventsMax) - found.leaves.length;
      if (events.length > room && limit === undefined)
        throw new VeiltrailError('export_too_large', `more than ${rawExportLimits.eventsMax} events: narrow the query or the time, or give a limit`);
      await this.#count(events.slice(0, room), found, kinds);
      found.complete = events.length <= room && events.length === all.length;
      cursor = found.complete ? page.nextCursor : undefined;
    } while (cursor !== undefined);
    if (found.leaves.length === 0) throw new VeiltrailError('export_empty', 'no event is found');
    found.leaves.reverse();
    found.events = found.leaves.length;
    found.kinds = [...kinds].toSorted();
    return found;
  }

  async #count(events: SearchAnswer['events'], found: Found, kinds: Set<string>): Promise<void> {
    const { vault, rules } = this.#parts;
    const places = events.flatMap(({ record }) => tokensAt(appliedOf(record), record)).filter(({ isDoubtful }) => !isDoubtful);
    const tokens = [...new Set(places.flatMap(({ token, kinds: made }) => (made.size > 0 ? [token] : [])))];
    const kindOf = new Map<string, string | undefined>();
    const known = tokens.length === 0 ? [] : await vault.kindsOf(tokens);
    for (const [i, token] of tokens.entries()) kindOf.set(token, known[i]);
    for (const { token, kinds: made } of places) {
      const kind = kindOf.get(token);
      if (kind === undefined || !made.has(kind)) continue;
      found.values++;
      kinds.add(kind);
      // One more than one person may look up alone is enough to know.
      if (found.tokens.size <= Math.max(rules.reveal.perDay, rules.reveal.perHour)) found.tokens.add(token);
    }
    for (const { leafIndex } of events) found.leaves.push(leafIndex);
  }

  /** The text, with what became of it on record. */
  #watched(
    inner: AsyncGenerator<string, void>,
    { sent, held }: { sent: Sent; held: HeldRecords },
    by: RawExportRequest,
    { id, permission }: { id: string; permission: Permission },
  ): Pick<RawExport, 'text' | 'brokenOff'> {
    const { recorder, limits, desk } = this.#parts;
    const broken = new AbortController();
    let over: Promise<void> | undefined;
    const end = async (how: Pick<AccessEntry, 'outcome' | 'reason'>): Promise<void> => {
      this.#underWay.delete(underWay);
      clearTimeout(timer);
      const entry = entryOf(by, { action: 'export.end', severity: how.outcome === 'success' ? 2 : 4, ...how }, { export: id, ...sent });
      // What is sent is sent: where the disk takes nothing now, it is told later.
      await recorder.write(entry).catch(() => recorder.note(entry));
    };
    const text: AsyncIterableIterator<string> = {
      [Symbol.asyncIterator]: () => text,
      async next() {
        if (over) return { done: true, value: undefined };
        try {
          await by.mayGoOn?.();
          limits.refuseStopped(countedAs(by), 'reveal');
          desk.permitsStill(permission?.id);
          const piece = await inner.next();
          // It may have broken off while this was made.
          if (over) return { done: true, value: undefined };
          if (!piece.done) return piece;
          await (over ??= end({ outcome: 'success' }));
          return { done: true, value: undefined };
        } catch (error) {
          await (over ??= end({ outcome: 'failure', reason: error instanceof VeiltrailError ? error.code : 'internal' }));
          // What was read for the next piece is let go of, and what waits to be sent is not sent.
          broken.abort();
          await inner.return();
          throw error;
        }
      },
      async return() {
        await inner.return();
        await (over ??= end({ outcome: 'failure', reason: 'broken_off' }));
        return { done: true, value: undefined };
      },
    };
    const underWay: UnderWay = {
      held,
      async breakOff(reason) {
        over ??= end({ outcome: 'failure', reason });
        broken.abort();
        await over;
        await inner.return();
      },
    };
    const timer = setTimeout(() => void underWay.breakOff('too_slow'), this.#parts.timeMsMax ?? rawExportLimits.timeMsMax).unref();
    this.#underWay.add(underWay);
    return { text, brokenOff: broken.signal };
  }
}

interface Found {
  /** Ascending once all are found. */
  leaves: number[];
  events: number;
  values: number;
  kinds: string[];
  /** As many as tell whether it is a sweep. */
  tokens: Set<string>;
  lookedUp: LookedUp[];
  treeSize: number;
  /** Nothing that matches was left out. */
  complete: boolean;
}

function entryOf(by: RawExportRequest, how: Partial<AccessEntry> & Pick<AccessEntry, 'outcome'>, metadata: JsonObject): AccessEntry {
  return { action: 'export.raw', category: 'data_export', ...whoAndWhy(by), log: by.log, ...how, metadata };
}

function requestOf(permission: Permission): JsonObject {
  return permission === undefined ? {} : { request: permission.id };
}

function without(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}
