/**
 * Signatures of certificates and time stamps: RSA (PKCS #1 v1.5 and PSS, RFC 8017) and ECDSA (P-256, P-384, P-521), with SHA-256, SHA-384 or SHA-512.
 * Only verification, of public values: nothing here has to take the same time whatever it is given.
 */
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { sha384, sha512 } from '@noble/hashes/sha2.js';
import { VeiltrailError } from '../../core/errors.ts';
import { sha256 } from '../../core/sha256.ts';
import { type Digest, isPkcs1Signature, isPssSignature, type RsaKey } from '../rsa.ts';
import { badDer, bitsOf, contextTag, type Der, DerSequence, naturalOf, numberOf, oidOf, readDer, tags } from './der.ts';

export interface HashFunction extends Digest {
  /** The DER of PKCS #1's DigestInfo, up to the digest. */
  readonly prefix: Uint8Array;
}

/** By the OID of the algorithm. */
const hashes: Readonly<Record<string, HashFunction>> = {
  '2.16.840.1.101.3.4.2.1': { bytes: 32, hash: sha256, prefix: digestInfo(1, 32) },
  '2.16.840.1.101.3.4.2.2': { bytes: 48, hash: sha384, prefix: digestInfo(2, 48) },
  '2.16.840.1.101.3.4.2.3': { bytes: 64, hash: sha512, prefix: digestInfo(3, 64) },
};
const [sha256Oid, sha384Oid, sha512Oid] = Object.keys(hashes) as [string, string, string];

const rsaOid = '1.2.840.113549.1.1.1';
const pssOid = '1.2.840.113549.1.1.10';
const mgf1Oid = '1.2.840.113549.1.1.8';
const ecOid = '1.2.840.10045.2.1';
const curves: Readonly<Record<string, typeof p256>> = { '1.2.840.10045.3.1.7': p256, '1.3.132.0.34': p384, '1.3.132.0.35': p521 };

/** Of signature algorithms that name their digest. */
const digestOf: Readonly<Record<string, readonly [scheme: 'rsa' | 'ecdsa', hash: string]>> = {
  '1.2.840.113549.1.1.11': ['rsa', sha256Oid],
  '1.2.840.113549.1.1.12': ['rsa', sha384Oid],
  '1.2.840.113549.1.1.13': ['rsa', sha512Oid],
  '1.2.840.10045.4.3.2': ['ecdsa', sha256Oid],
  '1.2.840.10045.4.3.3': ['ecdsa', sha384Oid],
  '1.2.840.10045.4.3.4': ['ecdsa', sha512Oid],
};

/**
 * An AlgorithmIdentifier of a digest.
 * @throws VeiltrailError `time_stamp_syntax`, `time_stamp_unsupported` for one that is not known here, or is too weak
 */
export function hashOf(der: Der): HashFunction & { readonly oid: string } {
  const parts = new DerSequence(der);
  const oid = oidOf(parts.take(tags.oid));
  takeNull(parts);
  const found = hashes[oid];
  if (!found) throw unsupported();
  return { ...found, oid };
}

export interface SignedBytes {
  message: Uint8Array;
  signature: Uint8Array;
  /** An AlgorithmIdentifier. */
  algorithm: Der;
  /** The digest that stands beside it, where one does. */
  digest?: string;
  /** A SubjectPublicKeyInfo. */
  publicKey: Der;
}

/** Whether the key made the signature; false also for algorithms that are not known here, for keys that are too weak, and for what is no key. */
export function isSignedBy(signed: SignedBytes): boolean {
  try {
    return verifySignature(signed);
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    return false;
  }
}

/** @throws VeiltrailError `time_stamp_syntax` for what is no key, `time_stamp_unsupported` for what is not known here */
export function verifySignature({ message, signature, algorithm, digest, publicKey }: SignedBytes): boolean {
  const parts = new DerSequence(algorithm);
  const oid = oidOf(parts.take(tags.oid));
  const [scheme, hash] = digestOf[oid] ?? ['rsa', oid === rsaOid ? digest : undefined];
  if (oid === pssOid) return isPss(parts.take(tags.sequence), message, signature, publicKey);
  if (hash === undefined) throw unsupported();
  if (digest !== undefined && digest !== hash) return false;
  if (scheme === 'rsa') takeNull(parts);
  else parts.end();
  const found = hashes[hash] as HashFunction;
  return scheme === 'rsa' ? isRsa(found, message, signature, publicKey) : isEcdsa(found, message, signature, publicKey);
}

function isEcdsa({ hash }: HashFunction, message: Uint8Array, signature: Uint8Array, publicKey: Der): boolean {
  const { algorithm, key } = readKey(publicKey, ecOid);
  const curve = curves[oidOf(algorithm.take(tags.oid))];
  algorithm.end();
  if (!curve) throw unsupported();
  try {
    return curve.verify(signature, hash(message), key, { prehash: false, lowS: false, format: 'der' });
  } catch {
    return false;
  }
}

function isRsa(hash: HashFunction, message: Uint8Array, signature: Uint8Array, publicKey: Der): boolean {
  return isPkcs1Signature(hash, hash.prefix, message, signature, readRsaKey(publicKey));
}

/** The parameters: RFC 8017, A.2.3. */
function isPss(parameters: Der, message: Uint8Array, signature: Uint8Array, publicKey: Der): boolean {
  const parts = new DerSequence(parameters);
  // The defaults are SHA-1's.
  const hash = hashOf(new DerSequence(parts.take(contextTag(0)), contextTag(0)).any());
  const mask = new DerSequence(new DerSequence(parts.take(contextTag(1)), contextTag(1)).any());
  if (oidOf(mask.take(tags.oid)) !== mgf1Oid || hashOf(mask.any()).oid !== hash.oid) return false;
  const saltBytes = numberOf(new DerSequence(parts.take(contextTag(2)), contextTag(2)).any());
  parts.end();
  return isPssSignature(hash, message, signature, readRsaKey(publicKey), saltBytes);
}

function readRsaKey(publicKey: Der): RsaKey {
  const { algorithm, key } = readKey(publicKey, rsaOid);
  takeNull(algorithm);
  const numbers = new DerSequence(readDer(key));
  const modulus = naturalOf(numbers.take(tags.integer));
  const exponent = naturalOf(numbers.take(tags.integer));
  numbers.end();
  return { modulus, exponent };
}

function readKey(publicKey: Der, oid: string): { algorithm: DerSequence; key: Uint8Array } {
  const parts = new DerSequence(publicKey);
  const algorithm = new DerSequence(parts.take(tags.sequence));
  const key = bitsOf(parts.take(tags.bitString));
  parts.end();
  if (oidOf(algorithm.take(tags.oid)) !== oid) throw unsupported();
  return { algorithm, key };
}

/** Parameters that are nothing, said or left out. */
function takeNull(parts: DerSequence): void {
  const nothing = parts.maybe(tags.null);
  if (nothing && nothing.content.length > 0) throw badDer();
  parts.end();
}

function unsupported(): VeiltrailError {
  return new VeiltrailError('time_stamp_unsupported', 'the time stamp uses an algorithm that is not known here, or that is too weak');
}

function digestInfo(which: number, bytes: number): Uint8Array {
  return Uint8Array.of(0x30, 17 + bytes, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, which, 5, 0, 4, bytes);
}
