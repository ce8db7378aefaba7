/** What a removal takes, in the forms in which those who carry it out want it. */
import { VeiltrailError } from '../core/errors.ts';
import type { RecordEdits } from '../ledger/rewrite.ts';
import { partitionLeaves } from '../search/index-format.ts';
import type { LogRemoval } from './removal-journal.ts';
import type { Removal, RemovalResult, ResolvedRemoval } from './remove-records.ts';

/** Numbers of a list in one tombstone: a record's field may hold 10,000. */
const numbersEach = 4_000;
const reasonPattern = /^[A-Za-z0-9][A-Za-z0-9 .,:;()/_§-]{0,199}$/;

export type ResolvedLog = Omit<LogRemoval, 'buckets'> & { buckets: number[] };

export interface Decided {
  id: string;
  tokens: string[];
  logs: ResolvedLog[];
}

/** Leaves below `to` that bear a token. */
export interface FoundLeaves {
  log: string;
  to: number;
  ranges: number[];
  buckets: ReadonlySet<number>;
}

/** @throws VeiltrailError `removal_invalid` */
export function checkRemoval({ reason, tokens = [], records = [], fields = [] }: Removal): void {
  if (!reasonPattern.test(reason))
    throw new VeiltrailError('removal_invalid', 'a reason is a stable code or a legal basis, of up to 200 plain characters');
  if (tokens.length + records.length + fields.length === 0) throw new VeiltrailError('removal_invalid', 'nothing is named that shall be removed');
  for (const { ranges } of records) {
    const edges = ranges.flat();
    const ascend = ranges.every(([from, to], i) => from < to && from >= (ranges[i - 1]?.[1] ?? 0));
    if (!ascend || !edges.every((edge) => Number.isSafeInteger(edge) && edge >= 0))
      throw new VeiltrailError('removal_invalid', 'ranges of leaves are half open, ascending and apart');
  }
  for (const { leafIndex, pointers } of fields) {
    if (!Number.isSafeInteger(leafIndex) || leafIndex < 0 || pointers.length === 0)
      throw new VeiltrailError('removal_invalid', 'a field is a leaf, and pointers');
  }
}

export function resolvedRemoval(removal: Removal, { id, tokens, logs }: Decided): ResolvedRemoval {
  const { operation, reason, by, request } = removal;
  return {
    id,
    operation,
    reason,
    by,
    ...(request ? { request } : {}),
    tokens,
    records: logs.filter(({ removed }) => removed.length > 0).map(({ log, removed }) => ({ log, ranges: pairsOf(removed) })),
    fields: logs.flatMap(({ log, redactions }) =>
      redactions.map(({ leafIndex, pointers, hidePointers }) => ({ log, leafIndex, pointers, hidePointers })),
    ),
  };
}

/** Each redaction with the tombstone that tells of it. */
export function editsOf({ log, removed, redactions }: LogRemoval, tombstones: RemovalResult['tombstones']): RecordEdits {
  const own = tombstones.filter((one) => one.log === log).map(({ leafIndex }) => leafIndex);
  const counted = countsOf(redactions);
  const place = new Map(Array.from({ length: counted.length / 2 }, (_, i) => [counted[2 * i] as number, Math.floor((2 * i) / numbersEach)]));
  return {
    removed,
    redactions: redactions.map(({ leafIndex, pointers, hidePointers }) => ({
      leafIndex,
      pointers,
      hidePointers,
      tombstone: own[place.get(leafIndex) ?? 0] as number,
    })),
  };
}

/** Those of some leaves. */
export function editsIn({ removed, redactions }: RecordEdits, from: number, to: number): RecordEdits {
  const some: number[] = [];
  for (let i = 0; i < removed.length; i += 2) {
    if ((removed[i + 1] as number) > from && (removed[i] as number) < to) some.push(removed[i] as number, removed[i + 1] as number);
  }
  return { removed: some, redactions: redactions.filter(({ leafIndex }) => leafIndex >= from && leafIndex < to) };
}

/** Leaves and how many values of each go, as a tombstone has them. A pointer that goes behind its value counts no second time. */
export function countsOf(redactions: LogRemoval['redactions']): number[] {
  const counts = new Map<number, number>();
  for (const { leafIndex, count } of redactions) counts.set(leafIndex, (counts.get(leafIndex) ?? 0) + count);
  return [...counts].filter(([, count]) => count > 0).flat();
}

export function slices(numbers: readonly number[]): number[][] {
  return Array.from({ length: Math.ceil(numbers.length / numbersEach) }, (_, i) => numbers.slice(i * numbersEach, (i + 1) * numbersEach));
}

/** The partitions of the index that hold leaves of these ranges. */
export function* spansOf(ranges: readonly number[]): Generator<number> {
  for (const [from, to] of pairsOf(ranges)) for (let i = Math.floor(from / partitionLeaves); i * partitionLeaves < to; i++) yield i;
}

function pairsOf(ranges: readonly number[]): [number, number][] {
  return Array.from({ length: ranges.length / 2 }, (_, i) => [ranges[2 * i] as number, ranges[2 * i + 1] as number]);
}

export function leavesIn(ranges: readonly number[]): number {
  return pairsOf(ranges).reduce((sum, [from, to]) => sum + to - from, 0);
}

const digits = 'abcdefghijklmnopqrstuvwxyz234567';

export function base32(bytes: Uint8Array): string {
  let text = '';
  for (let bit = 0; bit < 8 * bytes.length; bit += 5) {
    const two = ((bytes[bit >> 3] as number) << 8) | (bytes[(bit >> 3) + 1] ?? 0);
    text += digits[(two >> (11 - (bit & 7))) & 31];
  }
  return text;
}
