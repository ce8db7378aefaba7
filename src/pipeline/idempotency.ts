/**
 * Who sends an event twice gets the first one's leaf. The key of an event is its sender's time and a keyed hash of (log, principal, id), so
 * that keys of one period lie together on the disk and say nothing about ids; beside it stands a keyed hash of the body, which tells a
 * repetition from another event under the same id.
 *
 * ```
 * row = uint64be(sender's time in ms) ‖ MAC(0x01 ‖ len log ‖ log ‖ len principal ‖ principal ‖ len id ‖ id)[16] ‖ MAC(0x02 ‖ body)[8]
 * ```
 */
import { toHex } from '../core/bytes.ts';
import { createMac } from '../core/sha256.ts';
import { idempotencyBytes, idempotencyKeyBytes } from './packed-batch.ts';

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
  const message = new MessageWriter();
  return {
    row({ log, principal, id, timeMs, body }) {
      const row = Buffer.alloc(idempotencyBytes);
      row.writeBigUInt64BE(BigInt(Math.max(0, Math.trunc(timeMs))));
      row.set(mac(message.begin(0x01).prefixed(log).prefixed(principal).prefixed(id).bytes()).subarray(0, 16), 8);
      row.set(mac(message.begin(0x02).text(body).bytes()).subarray(0, 8), idempotencyKeyBytes);
      return row;
    },
    idOfContent(log, principal, body, repeat) {
      const digest = mac(message.begin(0x03).prefixed(log).prefixed(principal).uint32(repeat).text(body).bytes());
      return toHex(digest.subarray(0, 16));
    },
  };
}

/** Writes a message into a buffer that is made once: this runs for every event. */
class MessageWriter {
  #buffer = Buffer.alloc(4096);
  #at = 0;

  begin(purpose: number): this {
    this.#buffer[0] = purpose;
    this.#at = 1;
    return this;
  }

  uint32(value: number): this {
    this.#reserve(4);
    this.#at = this.#buffer.writeUInt32BE(value, this.#at);
    return this;
  }

  text(text: string): this {
    this.#reserve(3 * text.length);
    this.#at += this.#buffer.write(text, this.#at, 'utf8');
    return this;
  }

  /** uint32be(bytes) ‖ text. */
  prefixed(text: string): this {
    const lengthAt = this.#at;
    this.uint32(0).text(text);
    this.#buffer.writeUInt32BE(this.#at - lengthAt - 4, lengthAt);
    return this;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#at);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    this.#buffer = Buffer.concat([this.#buffer], 2 * (this.#at + bytes));
  }
}
