/**
 * Legal holds: while one stands, nothing that it covers is erased, unlinked, redacted or let go by retention, whoever asks. The removal engine
 * itself asks here, once it knows exactly what would go, so nothing gets round a hold; what comes in later is covered like what is there.
 *
 * Kept in one small file, sealed and authenticated. A change is on disk before it counts, and told in `_system`; a crash in between: the next
 * start tells of it (`finish`), twice perhaps, never not at all.
 */
import { toHex } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { parseJson, type JsonObject } from '../core/json.ts';
import type { StoredRecord } from '../ledger/reader.ts';
import type { TextSealer } from '../vault/sealed-text.ts';
import { requestIdPattern } from '../verify/request.ts';
import type { AccessRecorder } from './access-recorder.ts';
import { type AskedBy, permissionFacts, permitOperation } from './asked-operation.ts';
import { bearsToken, type Blind, type Covers, createCovers, type HoldScope, readScope, type ScopeRequest } from './hold-scope.ts';
import type { ResolvedRemoval } from './remove-records.ts';
import { whoAndWhy } from './look-up-report.ts';
import type { RequestDesk } from './requests.ts';

/** What a hold shall cover: at least one of these; all that are named must be true of a record. */
export interface HoldRequest extends ScopeRequest {
  /** Of the case: lower-case letters, digits, `.`, `_`, `-`; never a person's name. */
  name: string;
  /** Why, and by what order; on record. */
  why: string;
  reference?: string;
}

/** As people see it. (A type, because it is JSON.) */
export type HoldInfo = {
  name: string;
  why: string;
  reference?: string;
  setBy: string;
  setAt: string;
  /** Tokens as they are, ids by number only. */
  covers: {
    log?: string;
    tokens?: string[];
    ids?: number;
    actorTokens?: string[];
    actorIds?: number;
    since?: string;
    until?: string;
    query?: string;
  };
  liftedBy?: string;
  liftedAt?: string;
};

/** One text, kept durably. */
export interface SealedFile {
  /** Undefined where there is none yet. */
  read(): string | undefined;
  /** On disk when it returns. */
  write(text: string): void;
}

export interface HoldParts {
  file: SealedFile;
  sealer: TextSealer;
  clock: Clock;
  recorder: Pick<AccessRecorder, 'write'>;
  desk: Pick<RequestDesk, 'permit'>;
  /** Records of a log from one leaf up to another, without those that are gone. */
  records(log: string, from: number, to: number): AsyncIterable<StoredRecord>;
  /** Leaves whose records bear a token, in any order. */
  bearing(log: string, token: string): AsyncIterable<number>;
  logs(): string[];
  /** Kinds of the real values that a query asks for. @throws VeiltrailError `query_syntax`, `query_too_complex` */
  kindsAskedFor(query: string): string[];
  /** Holds that the log `_system` tells of, set and not lifted since: `holdDigest` of their events, and their names as told there. */
  told(): Promise<{ digest: string; name: string }[]>;
  /** Resolves when no removal is under way any more. */
  settled(): Promise<void>;
}

interface Row {
  name: string;
  why: string;
  reference?: string;
  setBy: string;
  setAt: string;
  scope: HoldScope;
  liftedBy?: string;
  liftedAt?: string;
  liftedWhy?: string;
  /** How lifting was permitted. */
  permission?: JsonObject;
  /** Is its newest change told? */
  told: boolean;
}

const format = 1;
const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const whyMax = 500;
const holdsMax = 1_000;
/** Of a list of leaves whose records bear a token: gathered and read together. */
const leavesAtOnce = 1_024;

export class Holds {
  readonly #parts: HoldParts;
  readonly #blind: Blind;
  #rows: Row[];
  #covers = new Map<string, Covers>();
  #last: Promise<unknown> = Promise.resolve();
  #isComplete = false;

  /** @throws VeiltrailError `sealed_text_damaged` */
  constructor(parts: HoldParts) {
    this.#parts = parts;
    this.#blind = (text) => parts.sealer.lookup(text);
    this.#rows = readRows(parts.file.read());
    this.#compile();
  }

  /** Those lifted, too, newest first. */
  list(): HoldInfo[] {
    return this.#rows.map(infoOf).toReversed();
  }

  /** Whether any stands. */
  get any(): boolean {
    return this.#covers.size > 0;
  }

  /**
   * Sets a hold: in force, durable and on record when it returns, and no removal that began before is still under way.
   * @throws VeiltrailError `hold_request`, `hold_scope`, `hold_exists`, `holds_full`, `query_syntax`, `query_too_complex`
   */
  set(request: HoldRequest, by: string): Promise<HoldInfo> {
    return this.#serially(async () => {
      const { name, why, reference } = request;
      if (!namePattern.test(name))
        throw new VeiltrailError('hold_request', 'a hold has a name of lower-case letters, digits, dots, _ and -, at most 64');
      if (why.trim() === '' || why.length > whyMax) throw new VeiltrailError('hold_request', `say why, in at most ${whyMax} characters`);
      if (this.#rows.some((row) => row.name === name)) throw new VeiltrailError('hold_exists', `there is, or was, a hold ${name}: take another name`);
      if (this.#rows.length >= holdsMax) throw new VeiltrailError('holds_full', `there are ${holdsMax} holds`);
      const scope = readScope(request, {
        blind: this.#blind,
        logs: () => this.#parts.logs(),
        kindsAskedFor: (query) => this.#parts.kindsAskedFor(query),
      });
      createCovers(scope, this.#blind);
      const row: Row = { name, why, ...(reference === undefined ? {} : { reference }), setBy: by, setAt: this.#now(), scope, told: false };
      this.#write([...this.#rows, row]);
      await this.#parts.settled();
      await this.#tell(row);
      return infoOf(row);
    });
  }

  /**
   * Lifts a hold; takes two.
   * @throws VeiltrailError `hold_unknown`, `hold_lifted`, and what `RequestDesk.permit` throws
   */
  lift(name: string, asked: AskedBy): Promise<HoldInfo> {
    return this.#serially(async () => {
      const row = this.#rows.find((one) => one.name === name);
      if (!row || row.liftedAt !== undefined) await this.#recordLiftRefused(row, asked);
      if (!row) throw new VeiltrailError('hold_unknown', 'there is no hold of that name');
      if (row.liftedAt !== undefined) throw new VeiltrailError('hold_lifted', `the hold ${name} is lifted already`);
      const permission = await permitOperation(this.#parts.desk, 'hold.lift', { hold: name, setAt: row.setAt }, asked);
      const lifted: Row = {
        ...row,
        // What it covered is needed no more, and may say something about somebody.
        scope: {},
        liftedBy: asked.principal,
        liftedAt: this.#now(),
        liftedWhy: asked.purpose,
        permission: permissionFacts(permission),
        told: false,
      };
      this.#write(this.#rows.map((one) => (one === row ? lifted : one)));
      await this.#tell(lifted);
      return infoOf(lifted);
    });
  }

  /** Tells of what a crash left untold. */
  finish(): Promise<void> {
    return this.#serially(async () => {
      for (const row of this.#rows.filter(({ told }) => !told)) await this.#tell(row);
    });
  }

  /** The name of a hold that covers a record. */
  heldBy(log: string, record: StoredRecord): string | undefined {
    for (const [name, covers] of this.#covers) if (covers(log, record)) return name;
    return undefined;
  }

  /**
   * Refuses a removal that would touch something that is covered.
   * @throws VeiltrailError `held`, which names the hold; `holds_missing` where the log tells of one that is not here any more
   */
  async refuseHeld(removal: Pick<ResolvedRemoval, 'tokens' | 'records' | 'fields'>): Promise<void> {
    await this.#checkNoneLost();
    if (!this.any) return;
    const name = (await this.#heldRecord(removal)) ?? (await this.#heldToken(removal.tokens));
    if (name !== undefined) throw new VeiltrailError('held', `the hold ${name} covers something of this; nothing was removed`, { hold: name });
  }

  /** Once, before the first removal: somebody with the disk may have taken the file away, or put an older one in its place. */
  async #checkNoneLost(): Promise<void> {
    if (this.#isComplete) return;
    const known = new Set(this.#rows.map(({ name }) => this.#digestOf(name)));
    const lost = (await this.#parts.told()).find(({ digest }) => !known.has(digest))?.name;
    if (lost !== undefined) {
      throw new VeiltrailError(
        'holds_missing',
        `the log _system tells of the hold ${lost}, which is not among the holds any more: put the right file of holds back`,
        {
          hold: lost,
        },
      );
    }
    this.#isComplete = true;
  }

  async #heldRecord({ records, fields }: Pick<ResolvedRemoval, 'records' | 'fields'>): Promise<string | undefined> {
    const touched = [
      ...records.flatMap(({ log, ranges }) => ranges.map(([from, to]) => ({ log, from, to }))),
      ...fields.map(({ log, leafIndex }) => ({ log, from: leafIndex, to: leafIndex + 1 })),
    ];
    for (const { log, from, to } of touched) {
      for await (const record of this.#parts.records(log, from, to)) {
        const name = this.heldBy(log, record);
        if (name !== undefined) return name;
      }
    }
    return undefined;
  }

  /** A vault row is covered by a hold of its token, and by one of a record that bears it: nobody could be told any more who that was. */
  async #heldToken(tokens: readonly string[]): Promise<string | undefined> {
    if (tokens.length === 0) return undefined;
    const destroyed = new Set(tokens);
    for (const { name, scope, liftedAt } of this.#rows) {
      const named = [...(scope.tokens ?? []), ...(scope.actorTokens ?? [])];
      if (liftedAt === undefined && named.some((token) => destroyed.has(token))) return name;
    }
    for (const log of this.#parts.logs()) {
      for (const token of tokens) {
        const name = await this.#heldBearing(log, token);
        if (name !== undefined) return name;
      }
    }
    return undefined;
  }

  async #heldBearing(log: string, token: string): Promise<string | undefined> {
    let leaves: number[] = [];
    for await (const leafIndex of this.#parts.bearing(log, token)) {
      leaves.push(leafIndex);
      if (leaves.length < leavesAtOnce) continue;
      const name = await this.#heldLeaf(log, leaves, token);
      if (name !== undefined) return name;
      leaves = [];
    }
    return this.#heldLeaf(log, leaves, token);
  }

  async #heldLeaf(log: string, leaves: readonly number[], token: string): Promise<string | undefined> {
    const tokens = new Set([token]);
    for (const leafIndex of leaves) {
      for await (const record of this.#parts.records(log, leafIndex, leafIndex + 1)) {
        const name = bearsToken(record.packed, tokens) ? this.heldBy(log, record) : undefined;
        if (name !== undefined) return name;
      }
    }
    return undefined;
  }

  #compile(): void {
    const active = this.#rows.filter(({ liftedAt }) => liftedAt === undefined);
    this.#covers = new Map(active.map(({ name, scope }) => [name, createCovers(scope, this.#blind)]));
  }

  #write(rows: Row[]): void {
    this.#parts.file.write(JSON.stringify({ format, holds: rows }));
    this.#rows = rows;
    this.#compile();
  }

  async #tell(row: Row): Promise<void> {
    const { covers, ...info } = infoOf(row);
    const lifted = row.liftedAt !== undefined;
    // The query may quote somebody: equal ones have equal digests, and that is all that is told.
    const { query, ...told } = covers;
    const digest = query === undefined ? {} : { queryDigest: toHex(this.#blind(`query ${query}`)) };
    await this.#parts.recorder.write({
      action: lifted ? 'hold.lift' : 'hold.set',
      category: 'log_control',
      severity: lifted ? 4 : 3,
      principal: row.liftedBy ?? row.setBy,
      outcome: 'success',
      target: { type: 'hold', id: row.name },
      purpose: row.liftedWhy ?? row.why,
      ...(row.reference === undefined ? {} : { reference: row.reference }),
      ...(told.log === undefined ? {} : { log: told.log }),
      // The name may look personal to the policy: by this a hold is known in any case.
      metadata: { holdDigest: this.#digestOf(row.name), ...(lifted ? { setAt: info.setAt, ...row.permission } : { covers: { ...told, ...digest } }) },
    });
    this.#write(this.#rows.map((one) => (one.name === row.name ? { ...one, told: true } : one)));
  }

  /** A name that no hold has may be anything, and is on no record. */
  async #recordLiftRefused(row: Row | undefined, asked: AskedBy): Promise<void> {
    const request = asked.request !== undefined && requestIdPattern.test(asked.request) ? { request: asked.request } : {};
    await this.#parts.recorder.write({
      ...whoAndWhy(asked),
      action: 'hold.lift',
      category: 'log_control',
      severity: 3,
      outcome: 'denied',
      reason: row ? 'hold_lifted' : 'hold_unknown',
      ...(row ? { target: { type: 'hold', id: row.name } } : {}),
      metadata: { ...(row ? { holdDigest: this.#digestOf(row.name) } : {}), ...request },
    });
  }

  #digestOf(name: string): string {
    return toHex(this.#blind(`hold ${name}`));
  }

  #now(): string {
    return new Date(this.#parts.clock.now()).toISOString();
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.catch(() => undefined).then(work);
    this.#last = done;
    return done;
  }
}

function infoOf({ name, why, reference, setBy, setAt, scope, liftedBy, liftedAt }: Row): HoldInfo {
  const { ids, actorIds, tokens, actorTokens, ...rest } = scope;
  return {
    name,
    why,
    ...(reference === undefined ? {} : { reference }),
    setBy,
    setAt,
    covers: {
      ...rest,
      ...(tokens ? { tokens: [...tokens] } : {}),
      ...(ids ? { ids: ids.length } : {}),
      ...(actorTokens ? { actorTokens: [...actorTokens] } : {}),
      ...(actorIds ? { actorIds: actorIds.length } : {}),
    },
    ...(liftedBy === undefined ? {} : { liftedBy }),
    ...(liftedAt === undefined ? {} : { liftedAt }),
  };
}

/** The logs that holds which stand may cover something of; undefined: any log. @throws VeiltrailError `sealed_text_damaged`, `newer_format` */
export function heldLogs(file: Pick<SealedFile, 'read'>): (string | undefined)[] {
  return readRows(file.read()).flatMap(({ scope, liftedAt }) => (liftedAt === undefined ? [scope.log] : []));
}

/** Authenticated where it comes from: what is in it, we wrote. */
function readRows(text: string | undefined): Row[] {
  if (text === undefined) return [];
  const value = parseJson(text, { depthMax: 16, nodesMax: 2_000_000 }).value as JsonObject;
  if (value['format'] !== format) throw new VeiltrailError('newer_format', 'the holds were written by a newer version of veiltrail');
  return value['holds'] as unknown as Row[];
}
