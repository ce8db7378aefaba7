/**
 * When an event happened: its own `time`, else when it was received. Searches by time go by this, to the millisecond; it may lie anywhere,
 * for it is the sender's word.
 */
import { parseTimestamp } from '../event/timestamp.ts';
import { eachValue, type ValuePath } from './record-values.ts';

/** Gathers the time of one record while its values go by. */
export class EventTime {
  ms = 0;
  #own = false;

  /** @param receivedAtMs when the record's chunk was received: what counts where the record says nothing */
  begin(receivedAtMs: number): void {
    this.ms = receivedAtMs;
    this.#own = false;
  }

  take(path: ValuePath, text: string): void {
    if (path.pointer !== '/time' && (path.pointer !== '/receivedAt' || this.#own)) return;
    const time = parseTimestamp(text);
    if (time === undefined) return;
    this.ms = time.ms;
    this.#own = path.pointer === '/time';
  }
}

/** @throws VeiltrailError `bad_record` */
export function eventTimeMs(packed: Uint8Array, receivedAtMs: number): number {
  const time = new EventTime();
  time.begin(receivedAtMs);
  eachValue(packed, (path, text) => time.take(path, text));
  return time.ms;
}
