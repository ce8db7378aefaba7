/**
 * Blinded terms: what stands in the index instead of words.
 *
 *     partition key = HMAC-SHA-256(index key, "veiltrail index partition 1\n" ‖ salt[32])      salt: random, one a partition, in the index
 *     blinded term  = the first 65 bits of SHA-256(partition key ‖ tag ‖ term), as 13 lower-case base32 characters (RFC 4648's alphabet)
 *     tag ‖ term    = "w" ‖ word, or "v" ‖ name ‖ "=" ‖ text; UTF-8
 *
 * Whoever has the index without the index key learns which leaves of one partition share a term, and no more; once the salt is overwritten,
 * the index key does not help any more either. A key in front of the message is a sound MAC here: what an extension would need, all 256 bits
 * of a digest, is never shown.
 */
import { concatBytes, utf8 } from '../core/bytes.ts';
import { type NativeCrypto, nativeCrypto } from '../core/native-crypto.ts';
import { hmacSha256 } from '../core/sha256.ts';

export const saltBytes = 32;

/** Search runs in Node only. */
const crypto = nativeCrypto as NativeCrypto;

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
const pairs = Array.from({ length: 1024 }, (_, i) => (alphabet[i >> 5] as string) + (alphabet[i & 31] as string));
const singles = alphabet.split('');

/** How a partition blinds words, and values with the names of their fields. */
export interface Blinding {
  readonly word: (word: string) => string;
  readonly value: (name: string, text: string) => string;
}

/** The blinding of one partition. */
export function createBlinding(indexKey: Uint8Array, salt: Uint8Array): Blinding {
  const key = hmacSha256(indexKey, concatBytes(utf8('veiltrail index partition 1\n'), salt));
  const message = Buffer.alloc(keyLength + messageMax);
  message.set(key);
  const views: Buffer[] = [];
  return {
    word: (word) => digest(message, views, `w${word}`),
    value: (name, text) => digest(message, views, `v${name}=${text}`),
  };
}

const keyLength = 32;
/** Longer terms, which are rare, are hashed from a buffer of their own. */
const messageMax = 160;

function digest(message: Buffer, views: Buffer[], term: string): string {
  const { length } = term;
  if (length > messageMax) return digestLong(message, term);
  for (let i = 0; i < length; i++) {
    const unit = term.charCodeAt(i);
    if (unit > 0x7f) return digestLong(message, term);
    message[keyLength + i] = unit;
  }
  return base32(crypto.hash('sha256', (views[length] ??= message.subarray(0, keyLength + length)), 'utf16le'));
}

function digestLong(message: Buffer, term: string): string {
  return base32(crypto.hash('sha256', concatBytes(message.subarray(0, keyLength), utf8(term)), 'utf16le'));
}

/** 65 bits of a digest that comes as UTF-16: native calls return strings at a quarter of the cost of bytes (see core/sha256.ts). */
function base32(units: string): string {
  const a = units.charCodeAt(0);
  const b = units.charCodeAt(1);
  const c = units.charCodeAt(2);
  const d = units.charCodeAt(3);
  const e = units.charCodeAt(4);
  return (
    (pairs[a >>> 6] as string) +
    (pairs[((a & 63) << 4) | (b >>> 12)] as string) +
    (pairs[(b >>> 2) & 1023] as string) +
    (pairs[((b & 3) << 8) | (c >>> 8)] as string) +
    (pairs[((c & 255) << 2) | (d >>> 14)] as string) +
    (pairs[(d >>> 4) & 1023] as string) +
    (singles[((d & 15) << 1) | (e >>> 15)] as string)
  );
}
