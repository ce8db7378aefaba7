/**
 * Searching by real values: `email:"jane@example.com"` finds the records that bear a pseudonym of the address. What stands for it is looked up
 * in the vault (every scope, every version of the lookup key) and worked out where it follows from the value (`hash` under every version of its
 * key, `sha256`); then these are searched for, beside what was written.
 *
 * The value is kept nowhere. On record is who looked for which kind and why, a keyed digest of the value, and how much was found.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { isTransformed, plainSha256 } from '../privacy/transforms.ts';
import type { CanonicalOf } from '../privacy/allow-list.ts';
import type { VaultRules } from '../privacy/vault-rules.ts';
import { parseQuery, type Query, type ValueQuery, wordQuery } from '../search/query.ts';
import { type FoundToken, foundTokensMax } from '../vault/find-value.ts';
import type { AccessEntry } from './access-recorder.ts';
import { type LookUpLimits, stopped } from './look-up-limits.ts';
import { type Asker, checkGivenReasons, countedAs, type Reasons, recordRefusal, type ReportParts, reportSweep, whoAndWhy } from './look-up-report.ts';
import type { SearchAnswer, SearchRequest } from './trail.ts';

export interface ValueSearchParts extends ReportParts {
  vault: { findValue(kind: string, canonical: string): Promise<FoundToken[]> };
  rules: VaultRules;
  limits: LookUpLimits;
  /** Every kind there is. */
  kinds: ReadonlySet<string>;
  /** Kinds that pseudonyms stand for in records: `kind:value` in a query asks for a real value. */
  sought: ReadonlySet<string>;
  canonicalOf: CanonicalOf;
  /** What `hash` may have made of a value. Asked each time: keys are rotated. */
  hashesOf(kind: string, canonical: string): string[];
  /** A keyed digest. */
  digest(text: string): string;
  search(log: string, request: SearchRequest, query: Query): Promise<SearchAnswer>;
}

/** What stands for a value in records. */
export interface Pseudonyms {
  tokens: FoundToken[];
  /** Under each version of the pseudonym key: whether they are in a record is for a search to say. */
  hashes: string[];
  sha256: string;
}

export interface FindRequest extends Asker, Reasons {
  kind: string;
  value: string;
}

export interface ValueSearchRequest extends SearchRequest, Reasons {}

/** What was looked up for a search. */
export type LookedUp = { kind: string; pseudonyms: string[] };

const valueMax = 4_096;
/** Pseudonyms in one query, all terms together. */
const pseudonymsMax = 512;

/** A `kind:value` of a query whose value is a real one. */
interface Term {
  leaf: ValueQuery;
  kind: string;
  canonical: string;
}

/**
 * What stands for a value.
 * @throws VeiltrailError `find_request`, `purpose_needed`, `reference_needed`, `look_up_rate`, `look_up_stopped`; each is on record
 */
export async function findPseudonyms(parts: ValueSearchParts, asked: FindRequest): Promise<Pseudonyms> {
  return recorded(parts, asked, 'token.find', async (note) => {
    const { kind, value } = asked;
    if (!parts.kinds.has(kind)) throw new VeiltrailError('find_request', 'there is no kind of that name: "policy kinds" lists them');
    if (value === '' || value.length > valueMax || !value.isWellFormed())
      throw new VeiltrailError('find_request', `a value has 1 to ${valueMax} characters`);
    const term = { kind, canonical: parts.canonicalOf(kind, value) };
    checkGivenReasons(asked, parts.rules.search.purpose === 'needed' ? 'purpose' : undefined);
    await admit(parts, asked, [term], false);
    const found = await pseudonymsOf(parts, term);
    await note({ terms: [factsOf(parts, term, found.tokens.length)] });
    return found;
  });
}

/** Whether a query asks for real values. @throws VeiltrailError as `parseQuery` */
export function asksForValues(text: string, sought: ReadonlySet<string>): boolean {
  return realValuesIn(text, sought).length > 0;
}

/** The real values of a query, as they were written, in their order. @throws VeiltrailError as `parseQuery` */
export function realValuesIn(text: string, sought: ReadonlySet<string>): { kind: string; written: string }[] {
  return valueLeaves(parseQuery(text)).flatMap((leaf) => (isRealValue(leaf, sought) ? [{ kind: leaf.path, written: leaf.written ?? '' }] : []));
}

/**
 * Searches, real values included. One without any is an ordinary search, and on record as such by whoever calls.
 * @throws VeiltrailError as `TrailReader.search`, and `purpose_needed`, `reference_needed`, `look_up_rate`, `look_up_stopped`; these are on record
 */
export async function searchByValue(
  parts: ValueSearchParts,
  log: string,
  request: ValueSearchRequest,
  asker: Asker,
): Promise<SearchAnswer & { lookedUp?: LookedUp[] }> {
  const { purpose, reference, ...search } = request;
  const query = parseQuery(search.q ?? '');
  const terms = valueLeaves(query)
    .filter((leaf) => isRealValue(leaf, parts.sought))
    .map((leaf): Term => ({ leaf, kind: leaf.path, canonical: parts.canonicalOf(leaf.path, leaf.written ?? '') }));
  if (terms.length === 0) return parts.search(log, search, query);
  const asked = { ...asker, ...(purpose === undefined ? {} : { purpose }), ...(reference === undefined ? {} : { reference }) };
  return recorded(parts, asked, 'token.search', async (note) => {
    checkGivenReasons(asked, parts.rules.search.purpose === 'needed' ? 'purpose' : undefined);
    const isNextPage = await admit(parts, asked, terms, search.cursor !== undefined);
    const lookedUp: LookedUp[] = [];
    const facts: JsonObject[] = [];
    const wider = new Map<Query, Query>();
    for (const term of terms) {
      const found = await pseudonymsOf(parts, term);
      const pseudonyms = [...found.tokens.map(({ token }) => token), ...found.hashes, found.sha256];
      wider.set(term.leaf, { type: 'any', of: [term.leaf, ...pseudonyms.map(wordQuery)] });
      lookedUp.push({ kind: term.kind, pseudonyms: found.tokens.map(({ token }) => token) });
      facts.push(factsOf(parts, term, found.tokens.length));
    }
    if ([...wider.values()].reduce((sum, one) => sum + ('of' in one && Array.isArray(one.of) ? one.of.length : 1), 0) > pseudonymsMax)
      throw new VeiltrailError('query_too_complex', 'too many pseudonyms stand for these values: ask for fewer values at once');
    const answer = await parts.search(log, search, widen(query, wider));
    await note({ terms: facts, hits: answer.events.length, ...(answer.nextCursor === undefined ? {} : { more: true }) }, { log, soon: isNextPage });
    return { ...answer, lookedUp };
  });
}

type Note = (metadata: JsonObject, options?: { log?: string; soon?: boolean }) => Promise<void>;

/** Does a look-up; what came of it, or why it was refused, is on record before anybody is told. */
async function recorded<T>(parts: ValueSearchParts, asked: Asker & Reasons, action: string, work: (note: Note) => Promise<T>): Promise<T> {
  const entry = (how: Partial<AccessEntry>): AccessEntry => ({
    action,
    category: 'detokenise',
    outcome: 'success',
    severity: 3,
    ...whoAndWhy(asked),
    ...how,
  });
  try {
    return await work(async (metadata, { log, soon = false } = {}) => {
      const done = entry({ metadata, ...(log === undefined ? {} : { log }) });
      if (soon) parts.recorder.note(done);
      else await parts.recorder.write(done);
      parts.counts.searches++;
    });
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    parts.counts.searchesRefused++;
    await recordRefusal(parts.recorder, entry({ outcome: 'denied', reason: error.code }));
    throw error;
  }
}

/**
 * Lets a look-up in, and counts its values.
 * @returns whether it is another page of a search that was let in before
 */
async function admit(parts: ValueSearchParts, asked: Asker, terms: readonly Omit<Term, 'leaf'>[], isPage: boolean): Promise<boolean> {
  const things = terms.map(thingOf);
  if (isPage && things.every((thing) => parts.limits.isRecent(countedAs(asked), 'search', thing))) return true;
  parts.limits.enter(countedAs(asked), 'search');
  const stop = parts.limits.count(countedAs(asked), 'search', things);
  if (!stop) return false;
  await reportSweep(parts, asked, stop);
  throw stopped(stop);
}

async function pseudonymsOf(parts: ValueSearchParts, { kind, canonical }: Omit<Term, 'leaf'>): Promise<Pseudonyms> {
  const tokens = await parts.vault.findValue(kind, canonical);
  return { tokens: tokens.slice(0, foundTokensMax), hashes: parts.hashesOf(kind, canonical), sha256: plainSha256(canonical) };
}

function factsOf(parts: ValueSearchParts, term: Omit<Term, 'leaf'>, tokens: number): JsonObject {
  return { kind: term.kind, digest: parts.digest(thingOf(term)), tokens };
}

function thingOf({ kind, canonical }: Omit<Term, 'leaf'>): string {
  return `${kind} ${canonical}`;
}

function isRealValue({ path, written = '' }: ValueQuery, sought: ReadonlySet<string>): boolean {
  return sought.has(path) && written.trim() !== '' && !isTransformed(written);
}

function valueLeaves(query: Query): ValueQuery[] {
  switch (query.type) {
    case 'value':
      return [query];
    case 'text':
      return [];
    case 'not':
      return valueLeaves(query.of);
    default:
      return query.of.flatMap(valueLeaves);
  }
}

/** The query with some of its leaves replaced. */
function widen(query: Query, wider: ReadonlyMap<Query, Query>): Query {
  const other = wider.get(query);
  if (other) return other;
  if (query.type === 'all' || query.type === 'any') return { ...query, of: query.of.map((part) => widen(part, wider)) };
  return query.type === 'not' ? { ...query, of: widen(query.of, wider) } : query;
}
