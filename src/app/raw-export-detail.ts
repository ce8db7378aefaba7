/**
 * What a second person is asked to approve of a raw export: exactly which events, and how many values, in words that name nobody. Real values of
 * the query are told by the tokens that stand for them; whatever else a detector takes for personal, by a digest that dies with the next removal.
 */
import type { JsonObject } from '../core/json.ts';
import type { RawExportRequest } from './raw-export-request.ts';
import type { LookedUp } from './search-by-value.ts';

export interface DetailParts {
  /** The real values of a query. */
  realValuesIn(query: string): { kind: string; written: string }[];
  /** A text without what detectors find in it. */
  redactText(log: string, text: string): string;
  /** A keyed digest that nobody can try any more after the next removal. */
  digest(text: string): string;
}

/** What was found, as far as it is part of what is approved. */
export interface FoundForExport {
  events: number;
  /** Places at which a value may be shown. */
  values: number;
  kinds: readonly string[];
  lookedUp: readonly LookedUp[];
}

/** Of an approved request, or of one that is made now. */
export interface ExportBounds {
  /** Leaves below this one. */
  below: number;
  /** With a limit: the oldest that was found. */
  from?: number;
  events: number;
  values: number;
  kinds: readonly string[];
}

/** The bounds in a request's detail; undefined where it is of something else. */
export function boundsOf(detail: JsonObject): ExportBounds | undefined {
  const { below, from, events, values, kinds } = detail;
  if (typeof below !== 'number' || typeof events !== 'number' || typeof values !== 'number' || !Array.isArray(kinds)) return undefined;
  return { below, ...(typeof from === 'number' ? { from } : {}), events, values, kinds: kinds.map(String) };
}

/**
 * What is asked for. Since it was asked for, values may have been erased and records may have gone: less than was approved is within it.
 * @param bounds of the request that is used
 */
export function detailOf(parts: DetailParts, request: RawExportRequest, found: FoundForExport, bounds: ExportBounds): JsonObject {
  const { log, query = '', since, until, limit, audience } = request;
  const isWithin = found.events <= bounds.events && found.values <= bounds.values && found.kinds.every((kind) => bounds.kinds.includes(kind));
  const { events, values, kinds } = isWithin ? bounds : found;
  return {
    log,
    ...queryFacts(parts, log, query, found.lookedUp),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(limit === undefined ? {} : { limit, ...(bounds.from === undefined ? {} : { from: bounds.from }) }),
    ...(audience === undefined ? {} : { audience }),
    below: bounds.below,
    events,
    values,
    kinds: [...kinds],
  };
}

/** The query, in words that name nobody. */
function queryFacts(parts: DetailParts, log: string, query: string, lookedUp: readonly LookedUp[]): JsonObject {
  let shown = query;
  let isExact = true;
  for (const { kind, written } of parts.realValuesIn(query)) {
    const without = shown.split(written).join(`[${kind}]`);
    // Written with escapes: then not even the rest is shown.
    if (without === shown && shown.includes('\\')) return { query: '[…]', ...tokensFacts(lookedUp), queryDigest: parts.digest(query) };
    shown = without;
  }
  const redacted = parts.redactText(log, shown);
  if (redacted !== shown || lookedUp.some(({ pseudonyms }) => pseudonyms.length === 0)) isExact = false;
  return { query: redacted, ...tokensFacts(lookedUp), ...(isExact ? {} : { queryDigest: parts.digest(query) }) };
}

function tokensFacts(lookedUp: readonly LookedUp[]): JsonObject {
  return lookedUp.length === 0 ? {} : { lookedUp: lookedUp.map(({ kind, pseudonyms }) => ({ kind, tokens: pseudonyms.toSorted() })) };
}
