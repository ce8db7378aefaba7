/**
 * What a hold covers, and whether a record is covered. All that a scope names must be true of a record: a subject, an actor, a log, a time, a
 * query. Ids are known by keyed digest only: a hold must not be where somebody's id is read.
 */
import { encodeBase64 } from '../core/base64.ts';
import { VeiltrailError } from '../core/errors.ts';
import { parseTimestamp, type Timestamp } from '../event/timestamp.ts';
import type { StoredRecord } from '../ledger/reader.ts';
import { eventTimeMs } from '../search/event-time.ts';
import { createPredicate, type Predicate } from '../search/match.ts';
import { parseQuery } from '../search/query.ts';
import { eachValue, latin1Of } from '../search/record-values.ts';
import { eachWord, fold } from '../search/words.ts';

/** An id without saying it. */
export interface BlindId {
  /** Base64 of a keyed digest of the folded id, from its first letter or digit to its last. */
  digest: string;
  /** UTF-16 units of what was digested. */
  length: number;
}

/** As it is kept. */
export interface HoldScope {
  /** One log [all]. */
  log?: string;
  /** Of a subject: tokens as records have them, and vault rows. */
  tokens?: readonly string[];
  /** Of a subject: ids as they stand in records. */
  ids?: readonly BlindId[];
  /** The same of whoever acted: only values below `actor` count. */
  actorTokens?: readonly string[];
  actorIds?: readonly BlindId[];
  /** RFC 3339: events that happened, or were received, from this time on, and before that. */
  since?: string;
  until?: string;
  query?: string;
}

export type Blind = (text: string) => Uint8Array;

/** As it is asked for: at least one of these; all that are named must be true of a record. */
export interface ScopeRequest {
  log?: string;
  /** A subject: tokens, or ids as they stand in records. */
  subject?: readonly string[];
  /** Whoever acted: the same. */
  actor?: readonly string[];
  /** RFC 3339: what happened, or was received, from then on, and before then. */
  since?: string;
  until?: string;
  query?: string;
}

export interface ScopeParts {
  blind: Blind;
  logs(): string[];
  /** Kinds of the real values that a query asks for. @throws VeiltrailError `query_syntax`, `query_too_complex` */
  kindsAskedFor(query: string): string[];
}

const subjectMax = 1_000;
const subjectUnitsMax = 1_024;

/** What stands in records in a token's place is found by this. */
export const tokenPattern = /tok_[A-Za-z0-9_-]{27}/g;

/**
 * What a request covers, as it is kept.
 * @throws VeiltrailError `hold_scope`, `query_syntax`, `query_too_complex`
 */
export function readScope({ log, subject = [], actor = [], since, until, query }: ScopeRequest, parts: ScopeParts): HoldScope {
  const some = subject.length > 0 || actor.length > 0;
  if (!some && [log, since, until, query].every((one) => one === undefined)) {
    throw new VeiltrailError('hold_scope', 'a hold covers something: a subject, an actor, a log, a time or a query');
  }
  if ([...subject, ...actor].some((one) => one.length > subjectUnitsMax) || subject.length > subjectMax || actor.length > subjectMax) {
    throw new VeiltrailError('hold_scope', `at most ${subjectMax} subjects and actors, each of at most ${subjectUnitsMax} characters`);
  }
  // Each of these would stand and cover nothing, and nobody would know before it is too late.
  if (log !== undefined && !parts.logs().includes(log)) throw new VeiltrailError('hold_scope', 'there is no log of that name');
  if (since !== undefined && until !== undefined && readTime(since).ms >= readTime(until).ms)
    throw new VeiltrailError('hold_scope', 'since is before until: no time lies between these');
  const [kind] = query === undefined ? [] : parts.kindsAskedFor(query);
  if (kind !== undefined)
    throw new VeiltrailError(
      'hold_scope',
      `records bear tokens, not values of the kind ${kind}: name the token as the subject (token find, report subject)`,
    );
  const tokens = subject.flatMap((one) => tokenIn(one) ?? []);
  const ids = subject.filter((one) => tokenIn(one) === undefined).map((id) => blindId(id, parts.blind));
  const actorTokens = actor.flatMap((one) => tokenIn(one) ?? []);
  const actorIds = actor.filter((one) => tokenIn(one) === undefined).map((id) => blindId(id, parts.blind));
  return {
    ...(log === undefined ? {} : { log }),
    ...(tokens.length > 0 ? { tokens } : {}),
    ...(ids.length > 0 ? { ids } : {}),
    ...(actorTokens.length > 0 ? { actorTokens } : {}),
    ...(actorIds.length > 0 ? { actorIds } : {}),
    ...(since === undefined ? {} : { since: readTime(since).canonical }),
    ...(until === undefined ? {} : { until: readTime(until).canonical }),
    ...(query === undefined ? {} : { query }),
  };
}

/** A token, in whatever form a policy gave it; undefined for an id. */
function tokenIn(text: string): string | undefined {
  const found = text.match(tokenPattern) ?? [];
  return found.length === 1 ? found[0] : undefined;
}

function readTime(text: string): Timestamp {
  const time = parseTimestamp(text);
  if (!time) throw new VeiltrailError('hold_scope', 'since and until are RFC 3339 times, such as 2026-01-31T00:00:00Z');
  return time;
}

/** @param blind keyed digest of a text @throws VeiltrailError `hold_scope` for an id without a letter or a digit */
export function blindId(id: string, blind: Blind): BlindId {
  const folded = fold(id);
  let start = -1;
  let end = 0;
  eachWord(folded, (from, to) => {
    if (start < 0) start = from;
    end = to;
  });
  if (start < 0) throw new VeiltrailError('hold_scope', 'an id has at least a letter or a digit');
  return { digest: encodeBase64(blind(folded.slice(start, end))), length: end - start };
}

/** Whether a record is covered. It throws `bad_record` for what is none. */
export type Covers = (log: string, record: StoredRecord) => boolean;

/** @throws VeiltrailError `query_syntax`, `query_too_complex`, `hold_scope` for times that are none */
export function createCovers(scope: HoldScope, blind: Blind): Covers {
  const sinceMs = timeOf(scope.since) ?? -Infinity;
  const untilMs = timeOf(scope.until) ?? Infinity;
  const holds: Predicate = scope.query === undefined ? () => true : createPredicate(parseQuery(scope.query));
  const subject = createSubjectTest(scope.tokens, scope.ids, '', blind);
  const actor = createSubjectTest(scope.actorTokens, scope.actorIds, 'actor', blind);
  const isTimely = ({ receivedAtMs, packed }: StoredRecord): boolean => {
    if (sinceMs === -Infinity && untilMs === Infinity) return true;
    // Either time holds a record: neither a sender's clock nor a delay may let one slip away.
    return [receivedAtMs, eventTimeMs(packed, receivedAtMs)].some((ms) => ms >= sinceMs && ms < untilMs);
  };
  return (log, record) =>
    (scope.log === undefined || scope.log === log) && isTimely(record) && subject(record.packed) && actor(record.packed) && holds(record.packed);
}

function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return readTime(text).ms;
}

/** @param below dotted path: only values below it count; empty: the whole record, names of members included */
function createSubjectTest(tokens: readonly string[] = [], ids: readonly BlindId[] = [], below: string, blind: Blind): Predicate {
  if (tokens.length === 0 && ids.length === 0) return () => true;
  const wanted = new Set(tokens);
  const folded = new Set(tokens.map(fold));
  const digests = new Set(ids.map(({ digest }) => digest));
  const lengths = new Set(ids.map(({ length }) => length));
  const isId = (text: string): boolean => digests.has(encodeBase64(blind(text)));
  return (packed) => {
    if (below === '' && wanted.size > 0 && bearsToken(packed, wanted)) return true;
    if (below !== '' || lengths.size > 0) {
      let found = false;
      eachValue(packed, ({ dotted }, text) => {
        if (found || (below !== '' && dotted !== below && !dotted.startsWith(`${below}.`))) return;
        found = (below !== '' && bearsFolded(text, folded)) || standsBlind(text, lengths, isId);
      });
      return found;
    }
    return false;
  };
}

/** Whether one of the tokens stands anywhere in a packed record, in names of members too. */
export function bearsToken(packed: Uint8Array, tokens: ReadonlySet<string>): boolean {
  for (const [token] of latin1Of(packed, 0, packed.length).matchAll(tokenPattern)) if (tokens.has(token)) return true;
  return false;
}

const foldedTokenPattern = /tok_[a-z0-9_-]{27}/g;

function bearsFolded(text: string, tokens: ReadonlySet<string>): boolean {
  for (const [token] of text.matchAll(foldedTokenPattern)) if (tokens.has(token)) return true;
  return false;
}

/** Whether a part of a folded text, no word cut in two, is one of the ids. */
function standsBlind(text: string, lengths: ReadonlySet<number>, isId: (part: string) => boolean): boolean {
  if (lengths.size === 0) return false;
  const starts: number[] = [];
  const ends = new Set<number>();
  eachWord(text, (start, end) => {
    starts.push(start);
    ends.add(end);
  });
  for (const start of starts) for (const length of lengths) if (ends.has(start + length) && isId(text.slice(start, start + length))) return true;
  return false;
}
