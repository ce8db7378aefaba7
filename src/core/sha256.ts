/** SHA-256 (FIPS 180-4), SHAKE256 (FIPS 202) and HMAC-SHA-256 (RFC 2104), synchronous: native in Node, @noble/hashes elsewhere. */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as portableSha256 } from '@noble/hashes/sha2.js';
import { shake256 as portableShake256 } from '@noble/hashes/sha3.js';
import { nativeCrypto } from './native-crypto.ts';

const native = nativeCrypto;

/** SHA-256: 32 bytes. */
export const sha256: (data: Uint8Array) => Uint8Array = native ? (data) => native.hash('sha256', data, 'buffer') : portableSha256;

/** The first `length` bytes of SHAKE256(data). */
export const shake256: (data: Uint8Array, length: number) => Uint8Array = native
  ? (data, length) => native.hash('shake256', data, { outputEncoding: 'buffer', outputLength: length })
  : (data, length) => portableShake256(data, { dkLen: length });

/** HMAC-SHA-256: 32 bytes. Portable everywhere; the hot path batches or uses the native one itself. */
export function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  return hmac(portableSha256, key, data);
}

/** The implementations a browser gets, exported so that a test can hold them against the native ones. */
export const portable = { sha256: portableSha256, shake256: (data: Uint8Array, length: number): Uint8Array => portableShake256(data, { dkLen: length }) };
