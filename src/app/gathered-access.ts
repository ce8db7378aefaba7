/** What is gathered of access until it is told, and the events that tell it. */
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../core/json.ts';
import { type AccessEntry, accessEvent } from './access-event.ts';

/** Who read, and from where. */
export interface Reading {
  action: string;
  principal: string;
  role?: string;
  outcome: 'success' | 'failure';
  /** The log it was about. */
  log?: string | undefined;
  /** A stable code: why not. */
  reason?: string | undefined;
  /** Generalised. */
  network?: string;
}

/** The same, however often, since it was last told. */
export interface Waiting {
  entry: AccessEntry;
  count: number;
  fromMs: number;
  toMs: number;
  /** To be told from this time on. */
  dueMs: number;
  leaves: number[];
  ranges: number[];
  queries: Set<string>;
}

/** An event that is made and was not appended yet. */
export interface Unsent {
  event: JsonObject;
  /** What it tells of. */
  count: number;
}

/** Numbers of ranges, and queries, in one event, which may hold 10,000 values. */
const rangesEach = 4_000;
const queriesEach = 2_000;

/** Whether two readings of one principal and action are told as one. */
export function isSame(a: Reading, b: Reading): boolean {
  return a.log === b.log && a.outcome === b.outcome && a.reason === b.reason && a.network === b.network && a.role === b.role;
}

export function entryOf(given: AccessEntry | Reading): AccessEntry {
  const { network, log, reason, ...rest } = given as Reading & AccessEntry;
  return {
    ...rest,
    ...(log === undefined ? {} : { log }),
    ...(reason === undefined ? {} : { reason }),
    ...(network === undefined ? {} : { metadata: { network } }),
  };
}

/** So many failures to authenticate within a minute, from one network and for one reason, are somebody who tries. */
const bulkFailures = 20;

/** One event; more where there is more to tell than an event may hold. */
export function eventsOf({ entry, count, fromMs, toMs, ranges, queries }: Waiting, time: (ms: number) => string): Unsent[] {
  const digests = [...queries];
  const pieces = Math.max(1, Math.ceil(ranges.length / rangesEach), Math.ceil(digests.length / queriesEach));
  return Array.from({ length: pieces }, (_, piece) => {
    const leaves = ranges.slice(piece * rangesEach, (piece + 1) * rangesEach);
    const some = digests.slice(piece * queriesEach, (piece + 1) * queriesEach);
    const metadata: JsonObject = {
      ...entry.metadata,
      ...(count > 1 ? { count, until: time(toMs) } : {}),
      ...(leaves.length > 0 ? { leaves } : {}),
      ...(some.length > 0 ? { queries: some } : {}),
    };
    const told: AccessEntry = Object.keys(metadata).length > 0 ? { ...entry, metadata } : { ...entry };
    if (entry.action === 'auth.fail' && count >= bulkFailures) told.severity = 4;
    return { event: accessEvent(told, { id: randomUUID(), time: time(fromMs) }), count: piece === 0 ? count : 0 };
  });
}
