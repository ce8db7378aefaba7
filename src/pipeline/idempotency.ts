/**
 * Who sends an event twice gets the first one's leaf. The key of an event is its sender's time and a keyed hash of (log, principal, id), so
 * that keys of one period lie together on the disk and say nothing about ids; beside it stands a keyed hash of the content, which tells a
 * repetition from another event under the same id.
 *
 * ```
 * row     = uint64be(sender's time in ms) ‖ MAC(0x01 ‖ len log ‖ log ‖ len principal ‖ principal ‖ id)[16] ‖ MAC(0x02 ‖ content)[8]
 * MAC(m)  = SHA-256(K ‖ m), K = HMAC-SHA-256(idempotency key, "veiltrail idempotency 1\n")
 * ```
 * A length is uint32be, of UTF-8 bytes. A key in front of the message is a sound MAC here, at a third of the cost of HMAC: what an extension would
 * need, all 256 bits of a digest, is never shown.
 */
import { toHex, utf8 } from '../core/bytes.ts';
import { hmacSha256, sha256Into } from '../core/sha256.ts';
import { idempotencyKeyBytes } from './packed-batch.ts';

export interface Identified {
  log: string;
  principal: string;
  id: string;
  /** Sender's time; 0 where there is none. */
  timeMs: number;
  /** What tells a repetition from another event: see `Incoming.content`. */
  content: string;
}

export interface Idempotency {
  /** Writes the 32-byte row of an event to `out`, from `at` on. */
  writeRow(event: Identified, out: Uint8Array, at: number): void;
  /**
   * An id for an event that has none, the same whenever the same content is sent again by the same principal: 32 hex digits of a MAC, so that
   * nobody without the key can guess contents from ids.
   * @param repeat how many equal events stood before it in the same body
   */
  idOfContent(log: string, principal: string, content: string, repeat: number): string;
}

export function createIdempotency(key: Uint8Array): Idempotency {
  const message = new Message(hmacSha256(key, utf8('veiltrail idempotency 1\n')));
  return {
    writeRow({ log, principal, id, timeMs, content }, out, at) {
      writeUint64(out, at, Math.max(0, Math.trunc(timeMs)));
      message
        .begin(0x01)
        .prefixed(log)
        .prefixed(principal)
        .text(id)
        .digest(out, at + 8, 16);
      message
        .begin(0x02)
        .text(content)
        .digest(out, at + idempotencyKeyBytes, 8);
    },
    idOfContent(log, principal, content, repeat) {
      const digest = new Uint8Array(16);
      message.begin(0x03).prefixed(log).prefixed(principal).uint32(repeat).text(content).digest(digest, 0, 16);
      return toHex(digest);
    },
  };
}

/** Views that are kept, by their length: making one costs as much as hashing a short message. */
const viewsMax = 4_096;

/** A message behind its key, in a buffer that is made once: this runs for every event. */
class Message {
  readonly #keyBytes: number;
  #buffer: Buffer;
  #views: Uint8Array[] = [];
  #at = 0;

  constructor(key: Uint8Array) {
    this.#keyBytes = key.length;
    this.#buffer = Buffer.alloc(2 * viewsMax);
    this.#buffer.set(key);
  }

  begin(purpose: number): this {
    this.#buffer[this.#keyBytes] = purpose;
    this.#at = this.#keyBytes + 1;
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

  /** Writes the first `length` bytes of the digest to `out`, from `at` on. */
  digest(out: Uint8Array, at: number, length: number): void {
    const bytes = this.#at;
    const view = bytes < viewsMax ? (this.#views[bytes] ??= this.#buffer.subarray(0, bytes)) : this.#buffer.subarray(0, bytes);
    sha256Into(view, out, at, length);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    this.#buffer = Buffer.concat([this.#buffer], 2 * (this.#at + bytes));
    this.#views = [];
  }
}

function writeUint64(out: Uint8Array, at: number, value: number): void {
  let high = Math.floor(value / 0x1_0000_0000);
  let low = value % 0x1_0000_0000;
  for (let i = 3; i >= 0; i--) {
    out[at + i] = high & 0xff;
    out[at + 4 + i] = low & 0xff;
    high >>>= 8;
    low >>>= 8;
  }
}
