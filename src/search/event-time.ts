/**
 * When an event happened: its own `time`, else when it was received. Searches by time go by this, to the millisecond; it may lie anywhere,
 * for it is the sender's word.
 */
import { parseTimestamp } from '../event/timestamp.ts';
import { eachFieldAt, latin1Of } from './record-values.ts';

/** Gathers the time of one record while its fields go by. */
export class EventTime {
  ms = 0;
  #own = false;
  /** The date that was read last, as one number, and when it begins. */
  #date = -1;
  #dateMs = 0;

  /** @param receivedAtMs when the record's chunk was received: what counts where the record says nothing */
  begin(receivedAtMs: number): void {
    this.ms = receivedAtMs;
    this.#own = false;
  }

  /** Takes a field, given as `record-values.ts` gives it. */
  take(packed: Uint8Array, pointerAt: number, pointerEnd: number, jsonAt: number, end: number): void {
    const isOwn = isPointer(packed, pointerAt, pointerEnd, '/time');
    if (!isOwn && (this.#own || !isPointer(packed, pointerAt, pointerEnd, '/receivedAt'))) return;
    const ms = this.#canonicalMs(packed, jsonAt, end) ?? parseTimestamp(latin1Of(packed, jsonAt + 1, end - 1))?.ms;
    if (ms === undefined) return;
    this.ms = ms;
    this.#own = isOwn;
  }

  /** The time that most records have, in the form that the pipeline writes; `undefined` for any other. */
  #canonicalMs(packed: Uint8Array, at: number, end: number): number | undefined {
    if (!isCanonicalTime(packed, at, end)) return undefined;
    const date = number(packed, at + 1, 4) * 10_000 + number(packed, at + 6, 2) * 100 + number(packed, at + 9, 2);
    if (date !== this.#date) {
      const midnight = parseTimestamp(`${latin1Of(packed, at + 1, at + 11)}T00:00:00Z`);
      if (!midnight) return undefined;
      this.#date = date;
      this.#dateMs = midnight.ms;
    }
    const hour = number(packed, at + 12, 2);
    const minute = number(packed, at + 15, 2);
    const second = number(packed, at + 18, 2);
    if (hour > 23 || minute > 59 || second > 59) return undefined;
    return this.#dateMs + ((hour * 60 + minute) * 60 + second) * 1000 + number(packed, at + 21, 3);
  }
}

const canonicalTime = '"0000-00-00T00:00:00.000Z"';

/** Whether bytes have the form of a JSON string that holds a time as the pipeline writes it. */
export function isCanonicalTime(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at !== canonicalTime.length || bytes[end - 2] !== 0x5a) return false;
  for (let i = 0; i < canonicalTime.length; i++) {
    const unit = canonicalTime.charCodeAt(i);
    const byte = bytes[at + i] as number;
    if (unit === 0x30 ? byte < 0x30 || byte > 0x39 : byte !== unit) return false;
  }
  return true;
}

function isPointer(packed: Uint8Array, at: number, end: number, pointer: string): boolean {
  if (end - at !== pointer.length) return false;
  for (let i = 0; i < pointer.length; i++) if (packed[at + i] !== pointer.charCodeAt(i)) return false;
  return true;
}

function number(bytes: Uint8Array, at: number, digits: number): number {
  let value = 0;
  for (let i = at; i < at + digits; i++) value = value * 10 + (bytes[i] as number) - 0x30;
  return value;
}

/** @throws VeiltrailError `bad_record` */
export function eventTimeMs(packed: Uint8Array, receivedAtMs: number): number {
  const time = new EventTime();
  time.begin(receivedAtMs);
  eachFieldAt(packed, (pointerAt, pointerEnd, jsonAt, end) => time.take(packed, pointerAt, pointerEnd, jsonAt, end));
  return time.ms;
}
