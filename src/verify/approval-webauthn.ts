/**
 * Assertions of WebAuthn authenticators (W3C Web Authentication Level 3, §7.2), as approvers' signatures. Everything here was sent by a browser
 * that nobody vouches for, and is parsed before its signature is verified.
 *
 *     signed = authenticatorData ‖ SHA-256(clientDataJSON)
 *     authenticatorData = rpIdHash[32] ‖ flags[1] ‖ uint32be(counter) ‖ extensions, where the flags say so
 *
 * The authenticator must have been touched (UP) and have made sure who touched it (UV): an approval is a person's act.
 */
import { p256 } from '@noble/curves/nist.js';
import { decodeBase64, encodeBase64url } from '../core/base64.ts';
import { concatBytes, decodeUtf8, equalBytes, utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../core/json.ts';
import { sha256 } from '../core/sha256.ts';
import { createEd25519Verifier } from '../log/ed25519.ts';
import { isPkcs1Signature } from './rsa.ts';

/** What the authenticator signed around the challenge. A type, because it is JSON. */
export type Assertion = {
  /** base64. */
  authenticatorData: string;
  /** base64. */
  clientDataJSON: string;
  /** Of the credential: the host its pages are on, or one above it. */
  rpId: string;
  /** Of the page: `https://host[:port]`. */
  origin: string;
};

export interface VerifiedAssertion {
  rpId: string;
  origin: string;
  /** Of signatures made; 0 where the authenticator does not count. One that does not rise was copied. */
  counter: number;
}

export type AssertionAlgorithm = 'ES256' | 'EdDSA' | 'RS256';

export interface AssertionTrust {
  /** The bytes whose base64url is the challenge. */
  challenge: Uint8Array;
  algorithm: AssertionAlgorithm;
  /** 65 bytes (an uncompressed point of P-256), 32 (Ed25519), or 256 (the modulus of an RSA key whose exponent is 65,537). */
  publicKey: Uint8Array;
  /** DER (ES256), 64 bytes, or 256 (RS256). */
  signature: Uint8Array;
}

const hostPattern = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const originPattern = /^(https?):\/\/([a-z0-9.-]{1,253})(?::[1-9][0-9]{0,4})?$/;
const base64Pattern = /^[A-Za-z0-9+/]+={0,2}$/;
const partLengthMax = 4_096;
const headBytes = 37;
const [userPresent, userVerified, backupEligible, backedUp, attested, extended] = [0x01, 0x04, 0x08, 0x10, 0x40, 0x80] as const;

/** @throws VeiltrailError `approval_syntax` */
export function parseAssertion(value: JsonValue | undefined): Assertion {
  if (!isJsonObject(value)) throw syntax();
  const { authenticatorData, clientDataJSON, rpId, origin, ...rest } = value;
  if (Object.keys(rest).length > 0) throw syntax();
  const assertion = {
    authenticatorData: text(authenticatorData, base64Pattern),
    clientDataJSON: text(clientDataJSON, base64Pattern),
    rpId: text(rpId, hostPattern),
    origin: text(origin, originPattern),
  };
  if (!isOriginOf(assertion.origin, assertion.rpId)) throw syntax();
  return assertion;
}

/** Whether pages of the origin may use credentials of the relying party: TLS or this machine, its host or one below it. */
export function isOriginOf(origin: string, rpId: string): boolean {
  const [, scheme, host = ''] = originPattern.exec(origin) ?? [];
  const isLocal = host === 'localhost' || host.endsWith('.localhost');
  return hostPattern.test(rpId) && (scheme === 'https' || (scheme === 'http' && isLocal)) && (host === rpId || host.endsWith(`.${rpId}`));
}

/**
 * Verifies an assertion. Whether rpId and origin are those of the enrolled credential, and whether the counter rose, is for the caller to say.
 * @throws VeiltrailError `approval_signature`
 */
export function verifyAssertion(assertion: Assertion, { challenge, algorithm, publicKey, signature }: AssertionTrust): VerifiedAssertion {
  const { rpId, origin } = assertion;
  const data = decoded(assertion.authenticatorData);
  const clientData = decoded(assertion.clientDataJSON);
  checkClientData(clientData, challenge, origin);
  const counter = checkAuthenticatorData(data, rpId);
  const signed = concatBytes(data, sha256(clientData));
  if (!verifiers[algorithm](publicKey, signed, signature)) throw refused();
  return { rpId, origin, counter };
}

function checkClientData(bytes: Uint8Array, challenge: Uint8Array, origin: string): void {
  const client = readClientData(bytes);
  if (client['type'] !== 'webauthn.get' || client['challenge'] !== encodeBase64url(challenge) || client['origin'] !== origin) throw refused();
  // A page inside somebody else's page does not show the person what they sign.
  if ((client['crossOrigin'] ?? false) !== false || client['topOrigin'] !== undefined) throw refused();
}

function readClientData(bytes: Uint8Array): JsonObject {
  try {
    const { value } = parseJson(decodeUtf8(bytes));
    if (isJsonObject(value)) return value;
  } catch {
    // not what a browser writes
  }
  throw refused();
}

/** @returns the counter */
function checkAuthenticatorData(data: Uint8Array, rpId: string): number {
  if (data.length < headBytes || !equalBytes(data.subarray(0, 32), sha256(utf8(rpId)))) throw refused();
  const flags = data[32] as number;
  const has = (flag: number): boolean => (flags & flag) !== 0;
  if (!has(userPresent) || !has(userVerified) || (has(backedUp) && !has(backupEligible))) throw refused();
  if (has(attested) || data.length > headBytes !== has(extended)) throw refused();
  return new DataView(data.buffer, data.byteOffset).getUint32(33);
}

function isSignedEs256(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return p256.verify(signature, message, publicKey, { prehash: true, lowS: false, format: 'der' });
  } catch {
    return false;
  }
}

function isSignedEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return createEd25519Verifier(publicKey)(message, signature);
  } catch {
    return false;
  }
}

/** As TPMs have them, whose keys are of no other kind: 2,048 bits, exponent 65,537. */
const rsaBytes = 256;
const rsaExponent = Uint8Array.of(1, 0, 1);
/** DigestInfo of SHA-256 (RFC 8017, 9.2). */
const sha256Prefix = Uint8Array.of(0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20);

function isSignedRs256(modulus: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isPublicKey('RS256', modulus)) return false;
  return isPkcs1Signature({ bytes: 32, hash: sha256 }, sha256Prefix, message, signature, { modulus, exponent: rsaExponent });
}

const verifiers: Readonly<Record<AssertionAlgorithm, (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean>> = {
  ES256: isSignedEs256,
  EdDSA: isSignedEd25519,
  RS256: isSignedRs256,
};

/** Whether the bytes are a key of the algorithm: a point of its curve, as it is written; a modulus of 2,048 bits. */
export function isPublicKey(algorithm: AssertionAlgorithm, publicKey: Uint8Array): boolean {
  if (algorithm === 'RS256') return publicKey.length === rsaBytes && (publicKey[0] as number) >= 0x80 && ((publicKey.at(-1) as number) & 1) === 1;
  try {
    if (algorithm === 'EdDSA') createEd25519Verifier(publicKey);
    else p256.Point.fromBytes(publicKey);
    return publicKey.length === (algorithm === 'EdDSA' ? 32 : 65);
  } catch {
    return false;
  }
}

function decoded(value: string): Uint8Array {
  try {
    return decodeBase64(value);
  } catch {
    throw refused();
  }
}

function text(value: JsonValue | undefined, pattern: RegExp): string {
  if (typeof value !== 'string' || value.length > partLengthMax || !pattern.test(value)) throw syntax();
  return value;
}

function syntax(): VeiltrailError {
  return new VeiltrailError('approval_syntax', 'not an assertion of an authenticator');
}

function refused(): VeiltrailError {
  return new VeiltrailError('approval_signature', 'the signature is not that of the approver named');
}
