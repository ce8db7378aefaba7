/**
 * When an event happened: its own `time`, else when it was received. Searches by time go by this, to the millisecond; it may lie anywhere,
 * for it is the sender's word.
 */
import { parseTimestamp } from '../event/timestamp.ts';
import { eachField } from './record-values.ts';

/** Gathers the time of one record while its fields go by. */
export class EventTime {
  ms = 0;
  #own = false;

  /** @param receivedAtMs when the record's chunk was received: what counts where the record says nothing */
  begin(receivedAtMs: number): void {
    this.ms = receivedAtMs;
    this.#own = false;
  }

  take(pointer: string, json: string): void {
    if (pointer !== '/time' && (pointer !== '/receivedAt' || this.#own)) return;
    const time = parseTimestamp(json.slice(1, -1));
    if (time === undefined) return;
    this.ms = time.ms;
    this.#own = pointer === '/time';
  }
}

/** @throws VeiltrailError `bad_record` */
export function eventTimeMs(packed: Uint8Array, receivedAtMs: number): number {
  const time = new EventTime();
  time.begin(receivedAtMs);
  eachField(packed, (pointer, json) => time.take(pointer, json));
  return time.ms;
}
