/** SHA-256 (FIPS 180-4), SHAKE256 (FIPS 202) and HMAC-SHA-256 (RFC 2104), synchronous: native in Node, @noble/hashes elsewhere. */
import { sha256 as portableSha256 } from '@noble/hashes/sha2.js';
import { shake256 as portableShake256 } from '@noble/hashes/sha3.js';
import { nativeCrypto } from './native-crypto.ts';

const native = nativeCrypto;

/** SHA-256: 32 bytes. Never a Buffer, whose `slice` would share its memory. */
export function sha256(data: Uint8Array): Uint8Array {
  const digest = new Uint8Array(32);
  sha256Into(data, digest, 0);
  return digest;
}

/** SHA-256 of what comes piece by piece. */
export interface RunningSha256 {
  update(data: Uint8Array): unknown;
  /** 32 bytes; nothing may be added after it. */
  digest(): Uint8Array;
}

export function createSha256(): RunningSha256 {
  return portableSha256.create();
}

/** The first `length` bytes of SHAKE256(data). */
export function shake256(data: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length + (length % 2));
  shake256Into(data, out, out.length);
  return out.subarray(0, length);
}

/**
 * Writes SHA-256(data), or its first `length` bytes (even), to `out` from `at` on: the hot path's form. Node makes a Buffer in about a microsecond but a string in a
 * quarter of one, so the digest crosses as a string, two bytes a unit.
 */
export const sha256Into: (data: Uint8Array, out: Uint8Array, at: number, length?: number) => void = native
  ? (data, out, at, length = 32) => writeUnits(native.hash('sha256', data, 'utf16le'), out, at, length)
  : (data, out, at, length = 32) => out.set(portableSha256(data).subarray(0, length), at);

/** Writes the first `length` bytes of SHAKE256(data) to `out` from 0 on; `length` is even. */
export const shake256Into: (data: Uint8Array, out: Uint8Array, length: number) => void = native
  ? (data, out, length) => writeUnits(native.hash('shake256', data, { outputEncoding: 'utf16le', outputLength: length }), out, 0, length)
  : (data, out, length) => out.set(portableShake256(data, { dkLen: length }));

function writeUnits(text: string, out: Uint8Array, at: number, length: number): void {
  for (let i = 0; i < length / 2; i++) {
    const unit = text.charCodeAt(i);
    out[at + 2 * i] = unit & 0xff;
    out[at + 2 * i + 1] = unit >>> 8;
  }
}

/**
 * HMAC-SHA-256 (RFC 2104) under one key: 32 bytes a call. Written as the two hashes that it is, because a one-shot native hash is several times
 * cheaper than setting up Node's streaming HMAC; a test holds it against both other implementations.
 */
export function createMac(key: Uint8Array): (data: Uint8Array) => Uint8Array {
  const block = new Uint8Array(64);
  block.set(key.length > 64 ? sha256(key) : key);
  // Both messages stay in place, so that a call copies its data and makes nothing but its answer.
  let inner = new Uint8Array(256);
  inner.set(block.map((byte) => byte ^ 0x36));
  const outer = new Uint8Array(64 + 32);
  outer.set(block.map((byte) => byte ^ 0x5c));
  return (data) => {
    if (64 + data.length > inner.length) {
      const longer = new Uint8Array(2 * (64 + data.length));
      longer.set(inner.subarray(0, 64));
      inner = longer;
    }
    inner.set(data, 64);
    sha256Into(inner.subarray(0, 64 + data.length), outer, 64);
    const mac = new Uint8Array(32);
    sha256Into(outer, mac, 0);
    return mac;
  };
}

/** HMAC-SHA-256 of one message: 32 bytes. */
export function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  return createMac(key)(data);
}

/** The implementations a browser gets, exported so that a test can hold them against the native ones. */
export const portable = {
  sha256: portableSha256,
  shake256: (data: Uint8Array, length: number): Uint8Array => portableShake256(data, { dkLen: length }),
};
