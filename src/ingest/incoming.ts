/** What every protocol's reader hands on: events with raw personal data inside, and what could not become one. */
import type { JsonNote, JsonObject } from '../core/json.ts';

export const formats = ['auto', 'json', 'ndjson', 'cloudtrail', 'text'] as const;
export type Format = (typeof formats)[number];

/** Formats that have their name already and their reader not yet. */
export const laterFormats = ['kubernetes', 'otlp', 'syslog', 'cloudevents'] as const;

/** Something about an event that whoever reads the record must know. The pointer is into {@link Incoming.event}, and may be personal itself. */
export type IngestNote =
  | JsonNote
  /** The sender's value did not fit the member it was sent as; it is here, under `metadata`, instead. */
  | { pointer: string; note: 'ill_typed' }
  /** The sender's time is no RFC 3339 between the years 0000 and 9999; it is here, under `metadata`, and `receivedAt` stands for it. */
  | { pointer: string; note: 'time_unreadable' };

export interface Incoming {
  /** In the shape of `AuditEvent`. */
  event: JsonObject;
  /** The sender's id, where the format promises that it names one event. */
  id?: string | undefined;
  /** The sender's time, milliseconds since 1970 (negative before). */
  timeMs?: number | undefined;
  notes: IngestNote[];
  /** UTF-8 bytes as sent. */
  bytes: number;
  /**
   * What was sent, as `JSON.stringify` prints it: the same whenever the same is sent again, however it is spaced and escaped. Tells a
   * repetition from another event; goes no further than a keyed hash. Empty until the whole event is read.
   */
  content: string;
}

/** An event that cannot be processed: committed as a stub, so that its absence is on record, and its sender need not retry for ever. */
export interface Unprocessable {
  stub: {
    reason: StubReason;
    bytes: number;
    line?: number;
    id?: string;
    /**
     * SHA-256 of what was sent, in hex: so that the same line sent again makes a duplicate, and another one of the same size does not. It is
     * not keyed, and short texts can be guessed from it, so it goes no further than the key of the duplicate.
     */
    contentDigest?: string;
  };
}

/** Stable codes, never content. docs/reference/bad-input.md lists them. */
export const stubReasons = [
  'json_syntax',
  'json_duplicate_name',
  'json_lone_surrogate',
  'json_too_deep',
  'json_too_large',
  'invalid_utf8',
  'event_too_large',
  'event_not_object',
  'pointer_too_long',
] as const;
export type StubReason = (typeof stubReasons)[number];
