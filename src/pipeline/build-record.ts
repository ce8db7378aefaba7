/**
 * From an anonymised event to the record that is committed: the event's own members, and under names that no event may use what the server
 * says about it.
 *
 * `receivedAt` when it arrived · `receivedFrom` which key sent it · `privacy.policy` under which policy · `privacy.applied` what was done to
 * which field, never the value · `ingestNotes` what had to be changed or moved to read the event · `stub` why an event is not stored ·
 * `tombstone` what was removed from the log, and why
 */
import type { JsonObject } from '../core/json.ts';
import type { IngestNote } from '../ingest/incoming.ts';
import type { Applied } from '../privacy/apply.ts';

export interface RecordFacts {
  id: string;
  receivedAtMs: number;
  /** The API key's public id, or `local` for whoever may write to the data directory. */
  principal: string;
  /** Name, version and digest of the policy. */
  policy: string;
}

export interface Stub {
  reason: string;
  /** Size of what was sent and is not stored. */
  bytes: number;
  line?: number;
}

/** Members that only the server writes. The sender's values under these names are moved to `metadata` by ingest. */
export const reservedNames = ['receivedAt', 'receivedFrom', 'ingestNotes', 'privacy', 'stub', 'tombstone'] as const;

/**
 * Makes the reader's notes part of the event, before the policy sees it: a note names a pointer, and a pointer may hold a personal object key.
 */
export function noteOnEvent(event: JsonObject, notes: readonly IngestNote[]): JsonObject {
  if (notes.length > 0) event['ingestNotes'] = notes.map(({ note, pointer }) => `${note} ${pointer}`);
  return event;
}

/** The record of an event that was anonymised. Consumes `event`. */
export function recordOfEvent(event: JsonObject, applied: readonly Applied[], facts: RecordFacts): JsonObject {
  event['id'] = facts.id;
  event['receivedAt'] = formatTime(facts.receivedAtMs);
  event['receivedFrom'] = facts.principal;
  event['privacy'] = { policy: facts.policy, applied: applied.map(inCanonicalOrder) };
  return event;
}

/** Names ascending, as the record's canonical JSON has them: then it is printed in one call. */
function inCanonicalOrder({ keyVersion, kind, pointer, tokens, transform }: Applied): JsonObject {
  if (tokens !== undefined) return { kind, pointer, tokens, transform };
  return keyVersion === undefined ? { kind, pointer, transform } : { keyVersion, kind, pointer, transform };
}

/** The record that stands for an event which could not be processed: that it came, when, from whom, how large, and why it is not here. */
export function recordOfStub(stub: Stub, facts: RecordFacts): JsonObject {
  const time = formatTime(facts.receivedAtMs);
  return {
    id: facts.id,
    time,
    source: 'veiltrail',
    action: 'ingest.stub',
    category: 'log_control',
    outcome: 'failure',
    reason: stub.reason,
    receivedAt: time,
    receivedFrom: facts.principal,
    stub: { bytes: stub.bytes, ...(stub.line === undefined ? {} : { line: stub.line }) },
    privacy: { policy: facts.policy, applied: [] },
  };
}

/** All records of a request arrived at the same time. */
let formatted = { timeMs: 0, text: '1970-01-01T00:00:00.000Z' };

function formatTime(timeMs: number): string {
  if (formatted.timeMs !== timeMs) formatted = { timeMs, text: new Date(timeMs).toISOString() };
  return formatted.text;
}
