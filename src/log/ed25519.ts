/**
 * Ed25519 (RFC 8032), pure, without context. Node's own implementation where there is one, @noble/curves elsewhere; both accept exactly
 * the same signatures: the equation without cofactor, as OpenSSL and Go compute it, and neither non-canonical encodings nor public keys of
 * small order (for such a key one signature fits many messages).
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes, equalBytes, fromHex } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { nativeCrypto } from '../core/native-crypto.ts';

export const ed25519SeedBytes = 32;
export const ed25519PublicKeyBytes = 32;
export const ed25519SignatureBytes = 64;

export interface Ed25519Signer {
  readonly publicKey: Uint8Array;
  /** 64 bytes; the same message always gives the same signature. */
  sign(message: Uint8Array): Uint8Array;
}

/** True only for a valid signature of 64 bytes; never throws for what a stranger sent. */
export type Ed25519Verify = (message: Uint8Array, signature: Uint8Array) => boolean;

/** PKCS #8 and SPKI of an Ed25519 key are these bytes and the 32 of the key (RFC 8410). */
const pkcs8Prefix = fromHex('302e020100300506032b657004220420');
const spkiPrefix = fromHex('302a300506032b6570032100');

/**
 * A signer for a private key, which is a seed of 32 bytes. The key object is made once, here.
 * @throws VeiltrailError `ed25519_seed`
 */
export function createEd25519Signer(seed: Uint8Array): Ed25519Signer {
  if (seed.length !== ed25519SeedBytes) throw new VeiltrailError('ed25519_seed', `an Ed25519 seed has ${ed25519SeedBytes} bytes`);
  if (!nativeCrypto) {
    const kept = seed.slice();
    return { publicKey: ed25519.getPublicKey(seed), sign: (message) => ed25519.sign(message, kept) };
  }
  const native = nativeCrypto;
  const key = native.createPrivateKey({ key: derOf(pkcs8Prefix, seed), format: 'der', type: 'pkcs8' });
  // Multiplying in JavaScript takes 30 ms in a thread that has not done so before: a tenth of a server's start.
  const spki = native.createPublicKey(key).export({ format: 'der', type: 'spki' });
  return { publicKey: new Uint8Array(spki.subarray(spkiPrefix.length)), sign: (message) => new Uint8Array(native.sign(null, message, key)) };
}

/**
 * A verifier for a public key of 32 bytes. The key object is made once, here.
 * @throws VeiltrailError `ed25519_public_key` for another length, a non-canonical encoding, no point of the curve, or one of small order
 */
export function createEd25519Verifier(publicKey: Uint8Array): Ed25519Verify {
  const point = parsePoint(publicKey);
  if (!nativeCrypto) return (message, signature) => isSigned(point, message, signature);
  const native = nativeCrypto;
  const key = native.createPublicKey({ key: derOf(spkiPrefix, publicKey), format: 'der', type: 'spki' });
  return (message, signature) => isCanonicalSignature(signature) && native.verify(null, message, key, signature);
}

type Point = ReturnType<typeof ed25519.Point.fromBytes>;

function parsePoint(publicKey: Uint8Array): Point {
  let point: Point | undefined;
  try {
    // Refuses y ≥ p and the negative zero, which OpenSSL takes.
    point = ed25519.Point.fromBytes(publicKey);
  } catch {
    point = undefined;
  }
  if (point === undefined || point.isSmallOrder()) throw new VeiltrailError('ed25519_public_key', 'not an Ed25519 public key');
  return point;
}

/** The lengths are right and S < L, so that a signature cannot be written in two ways (RFC 8032, 5.1.7). */
function isCanonicalSignature(signature: Uint8Array): boolean {
  return signature.length === ed25519SignatureBytes && littleEndian(signature.subarray(32)) < ed25519.Point.CURVE().n;
}

/** RFC 8032, 5.1.7 without the cofactor: R = [S]B − [k]A, compared as bytes, so R must be canonical too. */
function isSigned(point: Point, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isCanonicalSignature(signature)) return false;
  const r = signature.subarray(0, 32);
  const order = ed25519.Point.CURVE().n;
  const k = littleEndian(sha512(concatBytes(r, point.toBytes(), message))) % order;
  const expected = ed25519.Point.BASE.multiplyUnsafe(littleEndian(signature.subarray(32))).subtract(point.multiplyUnsafe(k));
  return equalBytes(expected.toBytes(), r);
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  return value;
}

/** Node wants its own Buffer or a typed array here; a plain concatenation is one. */
function derOf(prefix: Uint8Array, key: Uint8Array): Uint8Array {
  return concatBytes(prefix, key);
}
