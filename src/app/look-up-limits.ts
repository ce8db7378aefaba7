/**
 * How often one principal may reveal tokens or search by real values, and how many different ones.
 *
 * A bucket limits how fast, and is forgotten by a restart. A sweep (many different tokens or values, within an hour or slowly over a day) is
 * another matter: whoever does one is stopped, until a time or until somebody lifts it, and a restart changes nothing about that: what was
 * looked up in the last day, as keyed digests, and who is stopped is written down before anything is answered.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { Clock } from '../core/clock.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../core/json.ts';
import type { LookUpRates, VaultRules } from '../privacy/vault-rules.ts';

export const lookUps = ['reveal', 'search'] as const;
export type LookUp = (typeof lookUps)[number];

/** A principal that is stopped. */
export interface Stop {
  principal: string;
  use: LookUp;
  /** RFC 3339. */
  since: string;
  until: string;
  /** Different tokens or values that it looked up within the window that was too much. */
  count: number;
  window: 'hour' | 'day';
}

export interface LookUpLimitsParts {
  rules: VaultRules;
  clock: Clock;
  /** A keyed digest, short: equal things have equal ones. */
  digest(text: string): string;
  /** What was written last; undefined when nothing was. */
  read(): string | undefined;
  /** Durable when it returns. */
  write(text: string): void;
}

interface Account {
  /** When each thing was last looked up, by its digest. */
  seen: Map<string, number>;
  stop?: Stop;
}

interface Bucket {
  left: number;
  atMs: number;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const accountsMax = 10_000;
const version = 1;

export class LookUpLimits {
  readonly #parts: LookUpLimitsParts;
  /** By use and principal. */
  readonly #accounts: Map<string, Account>;
  readonly #buckets = new Map<string, Bucket>();

  /** @throws VeiltrailError `config_damaged` */
  constructor(parts: LookUpLimitsParts) {
    this.#parts = parts;
    this.#accounts = parseAccounts(parts.read());
  }

  /**
   * Lets a call in.
   * @throws VeiltrailError `look_up_stopped` with `until`, `look_up_rate` with `retryAfterSeconds`
   */
  enter(principal: string, use: LookUp): void {
    this.refuseStopped(principal, use);
    const nowMs = this.#parts.clock.now();
    const { perMinute, burst } = this.#rates(use);
    const name = nameOf(principal, use);
    const { left, atMs } = this.#buckets.get(name) ?? { left: burst, atMs: nowMs };
    const filled = Math.min(burst, left + (Math.max(0, nowMs - atMs) * perMinute) / 60_000);
    if (filled < 1) {
      const retryAfterSeconds = Math.ceil(((1 - filled) * 60) / perMinute);
      throw new VeiltrailError('look_up_rate', 'too many in a short time: try again later', { retryAfterSeconds });
    }
    if (this.#buckets.size >= accountsMax) this.#buckets.clear();
    this.#buckets.set(name, { left: filled - 1, atMs: nowMs });
  }

  /** For a call that goes on for long. @throws VeiltrailError `look_up_stopped` with `until` */
  refuseStopped(principal: string, use: LookUp): void {
    const stop = this.#standing(nameOf(principal, use), this.#parts.clock.now());
    if (stop) throw stopped(stop);
  }

  /**
   * Counts what a call is about to look up; on disk when it returns.
   * @returns the stop, if this is a sweep: then nothing of it may be looked up
   */
  count(principal: string, use: LookUp, things: readonly string[]): Stop | undefined {
    const nowMs = this.#parts.clock.now();
    const name = nameOf(principal, use);
    const account = this.#accountOf(name, nowMs);
    const { perHour, perDay } = this.#rates(use);
    for (const thing of things) account.seen.set(this.#parts.digest(thing), nowMs);
    let withinHour = 0;
    for (const atMs of account.seen.values()) if (nowMs - atMs < hourMs) withinHour++;
    const window = withinHour > perHour ? 'hour' : account.seen.size > perDay ? 'day' : undefined;
    if (window) {
      const count = window === 'hour' ? withinHour : account.seen.size;
      const until = new Date(nowMs + this.#parts.rules.stopHours * hourMs).toISOString();
      account.stop = { principal, use, since: new Date(nowMs).toISOString(), until, count, window };
      // It begins anew once it is over: what led to it is dealt with.
      account.seen = new Map();
    }
    this.#write();
    return account.stop;
  }

  /** Whether the principal looked this up within the last hour: another page of the same is no other look-up. */
  isRecent(principal: string, use: LookUp, thing: string): boolean {
    const atMs = this.#accounts.get(nameOf(principal, use))?.seen.get(this.#parts.digest(thing));
    return atMs !== undefined && this.#parts.clock.now() - atMs < hourMs;
  }

  /** Who is stopped now. */
  stops(): Stop[] {
    const nowMs = this.#parts.clock.now();
    return [...this.#accounts.keys()].flatMap((name) => this.#standing(name, nowMs) ?? []);
  }

  /** Lets a principal go on; returns what it was stopped for. Durable when it returns. */
  lift(principal: string): Stop[] {
    const lifted = this.stops().filter((stop) => stop.principal === principal);
    for (const { use } of lifted) this.#accounts.delete(nameOf(principal, use));
    if (lifted.length > 0) this.#write();
    return lifted;
  }

  #rates(use: LookUp): LookUpRates {
    return this.#parts.rules[use];
  }

  #standing(name: string, nowMs: number): Stop | undefined {
    const stop = this.#accounts.get(name)?.stop;
    return stop && Date.parse(stop.until) > nowMs ? stop : undefined;
  }

  /** Without what is older than a day. */
  #accountOf(name: string, nowMs: number): Account {
    const account = this.#accounts.get(name) ?? { seen: new Map<string, number>() };
    if (account.stop && Date.parse(account.stop.until) <= nowMs) delete account.stop;
    for (const [digest, atMs] of account.seen) {
      if (nowMs - atMs >= dayMs) account.seen.delete(digest);
      // A clock that was set back makes nothing last longer than a day.
      else if (atMs > nowMs) account.seen.set(digest, nowMs);
    }
    this.#accounts.set(name, account);
    return account;
  }

  #write(): void {
    const nowMs = this.#parts.clock.now();
    const accounts: JsonObject[] = [];
    for (const [name, account] of this.#accounts) {
      const stop = this.#standing(name, nowMs);
      const seen = [...account.seen].filter(([, atMs]) => nowMs - atMs < dayMs);
      if (!stop && seen.length === 0) this.#accounts.delete(name);
      else accounts.push({ name, seen, ...(stop ? { stop: { ...stop } } : {}) });
    }
    if (accounts.length > accountsMax) throw new VeiltrailError('look_up_rate', 'too many principals look up values', { retryAfterSeconds: 3_600 });
    this.#parts.write(`${JSON.stringify({ version, accounts })}\n`);
  }
}

/** What somebody is told who is stopped. */
export function stopped({ until }: Stop): VeiltrailError {
  return new VeiltrailError('look_up_stopped', `too many different ones: stopped until ${until}, or until an approver or an admin lifts it`, {
    until,
  });
}

function nameOf(principal: string, use: LookUp): string {
  return `${use} ${principal}`;
}

/** @throws VeiltrailError `config_damaged` for what {@link LookUpLimits} did not write */
function parseAccounts(text: string | undefined): Map<string, Account> {
  if (text === undefined) return new Map();
  const damaged = new VeiltrailError('config_damaged', 'the file of look-ups is damaged', { where: 'look-ups.json' });
  let value: JsonValue;
  try {
    ({ value } = parseJson(text, { depthMax: 8, nodesMax: 50_000_000 }));
  } catch {
    throw damaged;
  }
  if (!isJsonObject(value) || value['version'] !== version || !Array.isArray(value['accounts'])) throw damaged;
  return new Map(
    value['accounts'].map((account): [string, Account] => {
      if (!isJsonObject(account) || typeof account['name'] !== 'string' || !Array.isArray(account['seen'])) throw damaged;
      const seen = account['seen'].map((pair): [string, number] => {
        if (!Array.isArray(pair) || typeof pair[0] !== 'string' || typeof pair[1] !== 'number') throw damaged;
        return [pair[0], pair[1]];
      });
      const stop = account['stop'] === undefined ? {} : { stop: parseStop(account['stop'], damaged) };
      return [account['name'], { seen: new Map(seen), ...stop }];
    }),
  );
}

function parseStop(value: JsonValue, damaged: Error): Stop {
  if (!isJsonObject(value)) throw damaged;
  const { principal, use, since, until, count, window } = value;
  const known = lookUps.find((one) => one === use);
  if (typeof principal !== 'string' || !known || typeof since !== 'string' || typeof until !== 'string' || typeof count !== 'number') throw damaged;
  if (Number.isNaN(Date.parse(until)) || (window !== 'hour' && window !== 'day')) throw damaged;
  return { principal, use: known, since, until, count, window };
}
