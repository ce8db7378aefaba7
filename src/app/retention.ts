/**
 * Retention: which table is in force, which records are due under it, and letting them go. Time is `receivedAt`, never the sender's.
 *
 * A table comes into force by {@link Retention.apply} only, which is on record and takes two where anything is kept shorter; what is in force is
 * kept sealed, so that a table edited by hand lets nothing go. The first scheduled run after a change is a dry one, told in `_system`; records
 * go a day later at the earliest.
 *
 * `receivedAt` never decreases along a log, so under each rule what is due is looked for between where the last run stopped and the first
 * record that is too young: a record is read once for each rule, however old the log grows. What a hold covers stays where it is; lifting one
 * makes the next run look from the start again.
 */
import type { Clock } from '../core/clock.ts';
import { toHex, utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { parseJson, type JsonObject } from '../core/json.ts';
import { sha256 } from '../core/sha256.ts';
import { openRecord } from '../log/open-record.ts';
import type { StoredRecord } from '../ledger/reader.ts';
import type { AccessRecorder } from './access-recorder.ts';
import { type AskedBy, permissionFacts, permitOperation } from './asked-operation.ts';
import type { Holds, SealedFile } from './holds.ts';
import type { Removal, RemovalResult } from './remove-records.ts';
import type { RequestDesk } from './requests.ts';
import {
  diffRetention,
  dueAtMs,
  dueBeforeMs,
  formatKeep,
  parseRetention,
  type RetentionChange,
  type RetentionRule,
  type RetentionTable,
  ruleOf,
} from './retention-table.ts';

/** What is due under one rule in one log. (A type, because it is JSON.) */
export type DueRecords = {
  rule: string;
  log: string;
  keep: string;
  basis: string;
  /** Records that go now. */
  records: number;
  /** When the first and the last of them were received. */
  from?: string;
  to?: string;
  /** Records that are due and stay, by the hold that covers them. */
  held: { hold: string; records: number }[];
  /** When the next record is due after these, as far as it was looked for. */
  nextAt?: string;
};

export type RetentionReport = {
  dryRun: boolean;
  at: string;
  due: DueRecords[];
  /** Records that went. */
  expired: number;
  removals: string[];
};

export type RetentionInfo = {
  /** Of the table's text, SHA-256, hex; absent without one. */
  digest?: string;
  appliedAt?: string;
  appliedBy?: string;
  rules: { name: string; logs: string[] | 'all'; categories: string[] | 'all'; keep: string; basis: string; end: 'expire' }[];
  /** `retention.yaml` is not what is in force: it was changed by hand. */
  changedByHand: boolean;
};

export interface RetentionParts {
  /** What is in force, sealed. */
  file: SealedFile;
  /** `retention.yaml`, for people: what it says counts only once it is applied. */
  copy: { read(): string | undefined; write(text: string): void };
  clock: Clock;
  recorder: Pick<AccessRecorder, 'write'>;
  desk: Pick<RequestDesk, 'permit'>;
  holds: Pick<Holds, 'heldBy'>;
  logs(): string[];
  treeSize(log: string): Promise<number>;
  /** Records of a log from one leaf up to another; removed ones are left out or empty. */
  records(log: string, from: number, to: number): AsyncIterable<StoredRecord>;
  remove(removal: Removal): Promise<RemovalResult>;
}

interface State {
  format: number;
  text: string;
  appliedAt: string;
  appliedBy: string;
  /** By rule and log: leaves below it were looked at. */
  cursors: Record<string, number>;
  /** When a dry run after the change was told. */
  announcedAtMs?: number;
  /** What `apply` has still to tell. */
  untold?: JsonObject & { purpose: string; reference?: string };
}

/** Leaves of one kind that go together. */
interface Found {
  facts: DueRecords;
  ranges: [number, number][];
  /** Where the next run begins: the first leaf that is held, else the first that is too young. */
  resume: number;
}

const format = 1;
const dayMs = 86_400_000;
/** Ranges of leaves that one removal takes: its tombstones hold them. */
const rangesEach = 2_000;
/** Records looked at for when the next one is due. */
const lookAheadMax = 2_000;
const holdsShown = 100;

export class Retention {
  readonly #parts: RetentionParts;
  #state: State | undefined;
  #table: RetentionTable;
  #last: Promise<unknown> = Promise.resolve();

  /** @throws VeiltrailError `sealed_text_damaged`, `newer_format` */
  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#state = readState(parts.file.read());
    this.#table = tableInForce(parts.file);
  }

  /** In force; without rules where nobody has applied one. */
  get table(): RetentionTable {
    return this.#table;
  }

  info(): RetentionInfo {
    const state = this.#state;
    const copy = this.#parts.copy.read();
    return {
      ...(state ? { digest: digestOf(state.text), appliedAt: state.appliedAt, appliedBy: state.appliedBy } : {}),
      rules: this.#table.rules.map(({ name, logs, categories, keep, basis }) => ({
        name,
        logs: logs ? [...logs] : 'all',
        categories: categories ? [...categories] : 'all',
        keep: formatKeep(keep),
        basis,
        end: 'expire',
      })),
      changedByHand: copy !== undefined && copy !== state?.text,
    };
  }

  /**
   * Puts a table in force: durable and on record when it returns. Takes two where a record would go earlier than before.
   * @throws VeiltrailError `retention_invalid`, and what `RequestDesk.permit` throws
   */
  apply(text: string, asked: AskedBy): Promise<{ changes: RetentionChange[]; info: RetentionInfo }> {
    return this.#serially(async () => {
      const table = parseRetention(text);
      const changes = diffRetention(this.#table, table);
      const shorter = changes.filter(({ effect }) => effect === 'shorter');
      const detail = { before: this.#state ? digestOf(this.#state.text) : '', after: digestOf(text), shorter: shorter.map(changeFacts) };
      const permission = shorter.length > 0 ? await permitOperation(this.#parts.desk, 'retention.shorten', detail, asked) : undefined;
      const untold = {
        purpose: asked.purpose,
        ...(asked.reference === undefined ? {} : { reference: asked.reference }),
        metadata: {
          before: detail.before,
          after: detail.after,
          shorter: shorter.length,
          longer: changes.length - shorter.length,
          changes: changes.slice(0, 200).map(changeFacts),
          ...(shorter.length > 0 ? permissionFacts(permission) : {}),
        },
      };
      this.#write({ format, text, appliedAt: timeText(this.#parts.clock.now()), appliedBy: asked.principal, cursors: {}, untold });
      this.#table = table;
      this.#parts.copy.write(text);
      await this.#tell();
      return { changes, info: this.info() };
    });
  }

  /** Tells of what a crash left untold. */
  finish(): Promise<void> {
    return this.#serially(() => this.#tell());
  }

  /** A hold was lifted: what it kept back is looked at again. */
  lookAgain(): Promise<void> {
    return this.#serially(async () => {
      if (this.#state) this.#write({ ...this.#state, cursors: {} });
    });
  }

  /** What is due now; nothing is removed. */
  due(): Promise<RetentionReport> {
    return this.#serially(async () => this.#reportOf(await this.#find(this.#parts.clock.now()), true));
  }

  /**
   * Lets go what is due.
   * @param by the principal
   * @throws VeiltrailError what removing throws
   */
  run(by: string): Promise<RetentionReport> {
    return this.#serially(() => this.#run(by));
  }

  /**
   * What the server does daily: tells what is due where a table has come into force since, and lets it go from a day later on.
   * @returns undefined where there is no table
   */
  runScheduled(): Promise<RetentionReport | undefined> {
    return this.#serially(async () => {
      if (this.#table.rules.length === 0 || !this.#state) return undefined;
      const nowMs = this.#parts.clock.now();
      const { announcedAtMs } = this.#state;
      if (announcedAtMs !== undefined && nowMs - announcedAtMs >= dayMs) return this.#run('system');
      const report = this.#reportOf(await this.#find(nowMs), true);
      if (announcedAtMs !== undefined) return report;
      await this.#parts.recorder.write({
        action: 'retention.due',
        category: 'log_control',
        severity: 3,
        principal: 'system',
        outcome: 'success',
        metadata: {
          records: report.due.reduce((sum, { records }) => sum + records, 0),
          goFrom: timeText(nowMs + dayMs),
          due: report.due.map(dueFacts),
        },
      });
      this.#write({ ...this.#state, announcedAtMs: nowMs });
      return report;
    });
  }

  async #run(by: string): Promise<RetentionReport> {
    const found = await this.#find(this.#parts.clock.now());
    const report = this.#reportOf(found, false);
    for (const { facts, ranges } of found) {
      for (let at = 0; at < ranges.length; at += rangesEach) {
        const { id, records } = await this.#parts.remove({
          operation: 'expire',
          records: [{ log: facts.log, ranges: ranges.slice(at, at + rangesEach) }],
          reason: `retention:${facts.rule}`,
          by,
        });
        report.removals.push(id);
        report.expired += records;
      }
    }
    if (this.#state) this.#write({ ...this.#state, cursors: Object.fromEntries(found.map(({ facts, resume }) => [cursorOf(facts), resume])) });
    await this.#parts.recorder.write({
      action: 'retention.run',
      category: 'log_control',
      severity: report.expired > 0 ? 3 : 1,
      principal: by,
      outcome: 'success',
      metadata: { expired: report.expired, removals: report.removals, due: report.due.map(dueFacts) },
    });
    return report;
  }

  #reportOf(found: readonly Found[], dryRun: boolean): RetentionReport {
    return { dryRun, at: timeText(this.#parts.clock.now()), due: found.map(({ facts }) => facts), expired: 0, removals: [] };
  }

  async #find(nowMs: number): Promise<Found[]> {
    const found: Found[] = [];
    for (const log of this.#parts.logs()) {
      const treeSize = await this.#parts.treeSize(log);
      for (const rule of this.#table.rules) if (mayConcern(rule, log)) found.push(await this.#findUnder(rule, log, treeSize, nowMs));
    }
    return found;
  }

  async #findUnder(rule: RetentionRule, log: string, treeSize: number, nowMs: number): Promise<Found> {
    const facts: DueRecords = { rule: rule.name, log, keep: formatKeep(rule.keep), basis: rule.basis, records: 0, held: [] };
    const beforeMs = dueBeforeMs(rule.keep, nowMs);
    const start = Math.min(treeSize, this.#state?.cursors[cursorOf(facts)] ?? 0);
    if (beforeMs === undefined) return { facts, ranges: [], resume: start };
    const end = await this.#firstFrom(log, start, treeSize, beforeMs);
    const ranges: [number, number][] = [];
    const held = new Map<string, number>();
    let firstHeld: number | undefined;
    for await (const record of this.#parts.records(log, start, end)) {
      if (record.receivedAtMs >= beforeMs || !this.#isUnder(rule, log, record)) continue;
      const { leafIndex } = record;
      const hold = this.#parts.holds.heldBy(log, record);
      if (hold !== undefined) {
        held.set(hold, (held.get(hold) ?? 0) + 1);
        firstHeld ??= leafIndex;
        continue;
      }
      const last = ranges.at(-1);
      if (last?.[1] === leafIndex) last[1]++;
      else ranges.push([leafIndex, leafIndex + 1]);
      facts.records++;
      facts.from ??= timeText(record.receivedAtMs);
      facts.to = timeText(record.receivedAtMs);
    }
    facts.held = [...held].slice(0, holdsShown).map(([hold, records]) => ({ hold, records }));
    const nextAt = await this.#nextUnder(rule, log, end, treeSize);
    if (nextAt !== undefined) facts.nextAt = nextAt;
    return { facts, ranges, resume: firstHeld ?? end };
  }

  async #nextUnder(rule: RetentionRule, log: string, from: number, treeSize: number): Promise<string | undefined> {
    for await (const record of this.#parts.records(log, from, Math.min(treeSize, from + lookAheadMax))) {
      if (this.#isUnder(rule, log, record)) return timeText(dueAtMs(rule.keep, record.receivedAtMs) as number);
    }
    return undefined;
  }

  #isUnder(rule: RetentionRule, log: string, { packed }: StoredRecord): boolean {
    if (packed.length === 0) return false;
    const { category, isTombstone } = retainedFacts(packed);
    return ruleOf(this.#table, { log, category, isTombstone }) === rule;
  }

  /** The first leaf from `from` on that was received at that time or later; `to` where there is none. By halving: times never go back. */
  async #firstFrom(log: string, from: number, to: number, timeMs: number): Promise<number> {
    let low = from;
    let high = to;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const record = await first(this.#parts.records(log, middle, high));
      // Nothing is left between the two: what is before decides.
      if (!record || record.receivedAtMs >= timeMs) high = middle;
      else low = record.leafIndex + 1;
    }
    return low;
  }

  async #tell(): Promise<void> {
    const { untold, ...state } = this.#state ?? {};
    if (!untold) return;
    await this.#parts.recorder.write({
      action: 'retention.change',
      category: 'config_change',
      severity: Number((untold['metadata'] as JsonObject)['shorter']) > 0 ? 4 : 2,
      principal: this.#state?.appliedBy as string,
      outcome: 'success',
      purpose: untold.purpose,
      ...(untold.reference === undefined ? {} : { reference: untold.reference }),
      metadata: untold['metadata'] as JsonObject,
    });
    this.#write(state as State);
  }

  #write(state: State): void {
    this.#parts.file.write(JSON.stringify(state));
    this.#state = state;
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.catch(() => undefined).then(work);
    this.#last = done;
    return done;
  }
}

/** What decides about a stored record. @throws VeiltrailError `bad_record` */
export function retainedFacts(packed: Uint8Array): { category?: string; isTombstone: boolean } {
  let category: string | undefined;
  let isTombstone = false;
  for (const { pointer, value } of openRecord(packed).fields) {
    if (pointer === '/category' && value.startsWith('"')) category = JSON.parse(value) as string;
    else if (pointer.startsWith('/tombstone/') || pointer === '/tombstone') isTombstone = true;
  }
  return { ...(category === undefined ? {} : { category }), isTombstone };
}

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}

function mayConcern({ logs }: RetentionRule, log: string): boolean {
  return logs === undefined ? !log.startsWith('_') : logs.includes(log);
}

function cursorOf({ rule, log }: Pick<DueRecords, 'rule' | 'log'>): string {
  return `${rule} ${log}`;
}

/** Without words of people, and without what does not matter to an event. */
function dueFacts({ rule, log, keep, records, held }: DueRecords): JsonObject {
  return { rule, log, keep, records, ...(held.length > 0 ? { held: held.map((one) => ({ ...one })) } : {}) };
}

function changeFacts({ log, category, before, after, effect }: RetentionChange): JsonObject {
  return { log, category, before: formatKeep(before), after: formatKeep(after), effect };
}

function digestOf(text: string): string {
  return toHex(sha256(utf8(text)));
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

/** Authenticated where it comes from: what is in it, we wrote. */
/** The table in force, by the file that it is kept in. @throws VeiltrailError `sealed_text_damaged`, `newer_format` */
export function tableInForce(file: Pick<SealedFile, 'read'>): RetentionTable {
  const state = readState(file.read());
  return state ? parseRetention(state.text) : { rules: [] };
}

function readState(text: string | undefined): State | undefined {
  if (text === undefined) return undefined;
  const state = parseJson(text, { depthMax: 16, nodesMax: 1_000_000 }).value as unknown as State;
  if (state.format !== format) throw new VeiltrailError('newer_format', 'the retention state was written by a newer version of veiltrail');
  return state;
}
