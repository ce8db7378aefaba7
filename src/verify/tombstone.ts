/**
 * Tombstones: leaves of a log that say what was removed from it, and why. A tombstone is a record like any other, committed to and proved like
 * one; its member `tombstone` is the server's own (senders' values under that name are moved away), and never names a subject.
 *
 * ```
 * {
 *   "operation": "erase" | "unlink" | "redact" | "expire",
 *   "removal": "rem_…",                       which removal: it may have tombstones in several logs, and several in one
 *   "reason": R,                              a stable code or a legal basis
 *   "generation": N,                          of the root under which what stays is sealed
 *   "ranges": [from, to, from, to, …],        leaves whose records are gone: half open, ascending
 *   "fields": [leaf, count, leaf, count, …],  leaves of which so many values are gone: ascending
 *   "tokens": {"count": N, "digest": D},      tokens that nothing opens any more; D = hex of SHA-256 over them, ascending
 *   "request": {"id", "digest", "approvals"}  where a second person approved it
 * }
 * ```
 */
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';

export const tombstoneOperations = ['erase', 'unlink', 'redact', 'expire'] as const;
export type TombstoneOperation = (typeof tombstoneOperations)[number];

export interface Tombstone {
  operation: TombstoneOperation;
  removal: string;
  reason: string;
  generation: number;
  ranges: readonly number[];
  fields: readonly number[];
  tokens?: { count: number; digest: string };
  request?: { id: string; digest: string; approvals: readonly JsonValue[] };
}

/** Pointers of a tombstone's fields begin so. */
export const tombstonePrefix = '/tombstone/';

/** The member `tombstone` of its record. */
export function formatTombstone({ operation, removal, reason, generation, ranges, fields, tokens, request }: Tombstone): JsonObject {
  return {
    operation,
    removal,
    reason,
    generation,
    ...(ranges.length > 0 ? { ranges: [...ranges] } : {}),
    ...(fields.length > 0 ? { fields: [...fields] } : {}),
    ...(tokens ? { tokens: { ...tokens } } : {}),
    ...(request ? { request: { ...request, approvals: [...request.approvals] } } : {}),
  };
}

/**
 * Reads the member `tombstone` of a record.
 * @throws VeiltrailError `tombstone_syntax`
 */
export function parseTombstone(member: JsonValue): Tombstone {
  if (!isJsonObject(member)) throw bad('not an object');
  const { operation, removal, reason, generation, ranges = [], fields = [], tokens, request, ...others } = member;
  const known = tombstoneOperations.find((one) => one === operation);
  if (known === undefined || typeof removal !== 'string' || typeof reason !== 'string' || !isCount(generation)) throw bad('its members');
  if (Object.keys(others).length > 0) throw bad('its members');
  const tombstone: Tombstone = { operation: known, removal, reason, generation, ranges: leafRanges(ranges), fields: fieldCounts(fields) };
  if (tokens !== undefined) tombstone.tokens = tokensOf(tokens);
  if (request !== undefined) tombstone.request = requestOf(request);
  return tombstone;
}

function leafRanges(value: JsonValue): number[] {
  const ranges = counts(value);
  for (let i = 0; i < ranges.length; i++)
    if (i > 0 && (ranges[i] as number) <= (ranges[i - 1] as number) && !(i % 2 === 0 && ranges[i] === ranges[i - 1])) throw bad('its ranges');
  return ranges;
}

function fieldCounts(value: JsonValue): number[] {
  const fields = counts(value);
  for (let i = 0; i < fields.length; i += 2) {
    if ((fields[i + 1] as number) === 0 || (i > 0 && (fields[i] as number) <= (fields[i - 2] as number))) throw bad('its fields');
  }
  return fields;
}

/** Pairs of numbers. */
function counts(value: JsonValue): number[] {
  if (!Array.isArray(value) || value.length % 2 !== 0 || !value.every(isCount)) throw bad('a list of its');
  return value as number[];
}

function tokensOf(value: JsonValue): { count: number; digest: string } {
  const { count, digest, ...others } = isJsonObject(value) ? value : {};
  if (!isCount(count) || typeof digest !== 'string' || Object.keys(others).length > 0) throw bad('its tokens');
  return { count, digest };
}

function requestOf(value: JsonValue): NonNullable<Tombstone['request']> {
  const { id, digest, approvals, ...others } = isJsonObject(value) ? value : {};
  if (typeof id !== 'string' || typeof digest !== 'string' || !Array.isArray(approvals) || Object.keys(others).length > 0) throw bad('its request');
  return { id, digest, approvals };
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function bad(what: string): VeiltrailError {
  return new VeiltrailError('tombstone_syntax', `not a tombstone: ${what}`);
}

/** What is gone from a log, and which of its tombstones say so: each leaf that misses something is held against them. */
export class Tombstones {
  readonly #tombstones: { leafIndex: number; tombstone: Tombstone }[] = [];

  add(leafIndex: number, tombstone: Tombstone): void {
    this.#tombstones.push({ leafIndex, tombstone });
  }

  /** In the order of their leaves. */
  list(): readonly { leafIndex: number; tombstone: Tombstone }[] {
    return this.#tombstones.toSorted((a, b) => a.leafIndex - b.leafIndex);
  }

  /** All ranges of removed leaves: from, to, from, to, … ascending and apart. */
  removed(): number[] {
    const pairs = this.#tombstones.flatMap(({ tombstone: { ranges } }) => pairsOf(ranges)).toSorted((a, b) => a[0] - b[0]);
    const merged: number[] = [];
    for (const [from, to] of pairs) {
      if (merged.length > 0 && from <= (merged.at(-1) as number)) merged[merged.length - 1] = Math.max(to, merged.at(-1) as number);
      else merged.push(from, to);
    }
    return merged;
  }

  /** How many values of each leaf are gone. */
  redacted(): Map<number, number> {
    const counted = new Map<number, number>();
    for (const { tombstone } of this.#tombstones) {
      for (const [leafIndex, count] of pairsOf(tombstone.fields)) counted.set(leafIndex, (counted.get(leafIndex) ?? 0) + count);
    }
    return counted;
  }

  /** What all tombstones of a removal say of tokens; undefined where none says anything. */
  tokensOf(removal: string): { count: number; digest: string } | undefined {
    return this.#tombstones.find(({ tombstone }) => tombstone.removal === removal && tombstone.tokens)?.tombstone.tokens;
  }
}

function pairsOf(list: readonly number[]): [number, number][] {
  return Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i] as number, list[2 * i + 1] as number]);
}

/** The parts of `a` that are not in `b`; both are ranges from, to, from, to, … ascending and apart. */
export function subtractRanges(a: readonly number[], b: readonly number[]): number[] {
  const left: number[] = [];
  let j = 0;
  for (let i = 0; i < a.length; i += 2) {
    let from = a[i] as number;
    const to = a[i + 1] as number;
    while (j < b.length && (b[j + 1] as number) <= from) j += 2;
    for (let k = j; k < b.length && (b[k] as number) < to; k += 2) {
      if ((b[k] as number) > from) left.push(from, b[k] as number);
      from = Math.max(from, b[k + 1] as number);
    }
    if (from < to) left.push(from, to);
  }
  return left;
}
