/**
 * Who sends an event twice gets the first one's leaf. The key of an event is its sender's time and a keyed hash of (log, principal, id), so
 * that keys of one period lie together on the disk and say nothing about ids; beside it stands a keyed hash of the body, which tells a
 * repetition from another event under the same id.
 *
 * ```
 * row = uint64be(sender's time in ms) ‖ MAC(0x01 ‖ len log ‖ log ‖ len principal ‖ principal ‖ len id ‖ id)[16] ‖ MAC(0x02 ‖ body)[8]
 * ```
 */
import { concatBytes, toHex, uint32be, uint64be, utf8 } from '../core/bytes.ts';
import { createMac } from '../core/sha256.ts';

export interface Identified {
  log: string;
  principal: string;
  id: string;
  /** Sender's time; 0 where there is none. */
  timeMs: number;
  /** The event as JSON text, as it came. */
  body: string;
}

export interface Idempotency {
  /** The 32-byte row of an event. */
  row(event: Identified): Uint8Array;
  /**
   * An id for an event that has none, the same whenever the same content is sent again by the same principal: 32 hex digits of a MAC, so that
   * it says nothing about the content. `repeat` tells equal events of one file apart: 0 for the first, 1 for the second.
   */
  idOfContent(log: string, principal: string, body: string, repeat: number): string;
}

export function createIdempotency(key: Uint8Array): Idempotency {
  const mac = createMac(key);
  return {
    row({ log, principal, id, timeMs, body }) {
      const identity = mac(concatBytes(Uint8Array.of(0x01), prefixed(log), prefixed(principal), prefixed(id)));
      const content = mac(concatBytes(Uint8Array.of(0x02), utf8(body)));
      return concatBytes(uint64be(Math.max(0, Math.trunc(timeMs))), identity.subarray(0, 16), content.subarray(0, 8));
    },
    idOfContent(log, principal, body, repeat) {
      const digest = mac(concatBytes(Uint8Array.of(0x03), prefixed(log), prefixed(principal), uint32be(repeat), utf8(body)));
      return toHex(digest.subarray(0, 16));
    },
  };
}

function prefixed(text: string): Uint8Array {
  const bytes = utf8(text);
  return concatBytes(uint32be(bytes.length), bytes);
}
