/**
 * An approver's own key: a file that stays with the person (0600), and never comes near the server.
 *
 * ```json
 * {"veiltrail":"approver key","version":1,"id":"a_…","kind":"ed25519","publicKey":"base64","seed":"base64"}
 * {"veiltrail":"approver key","version":1,"id":"a_…","kind":"ed25519","publicKey":"base64","locked":{"kdf":"scrypt","n":131072,"r":8,"p":1,"salt","nonce","sealed"}}
 * ```
 * With a passphrase the seed is sealed by AES-256-GCM under scrypt(passphrase in NFKC, salt), the id being authenticated with it.
 */
import { createCipheriv, createDecipheriv, scryptSync } from 'node:crypto';
import { decodeBase64, encodeBase64 } from '../core/base64.ts';
import { concatBytes, utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../core/json.ts';
import type { Random } from '../core/random.ts';
import { createEd25519Signer } from '../log/ed25519.ts';
import { approverIdOf, type ApproverKind } from '../verify/approval.ts';

export interface ApproverKey {
  id: string;
  kind: ApproverKind;
  /** base64. */
  publicKey: string;
  /** base64 of a signature. */
  sign(statement: Uint8Array): string;
}

/** What is given to whoever enrols it. */
export type ApproverPublicKey = { id: string; kind: ApproverKind; publicKey: string };

const head = { veiltrail: 'approver key', version: 1 } as const;
/** 128 MiB and some tenths of a second: what RFC 7914 calls for in 2026 with a person waiting. */
const scryptCost = { n: 131_072, r: 8, p: 1 } as const;
const costMax = 1_048_576;
export const passphraseLengthMin = 12;

/**
 * Makes a key, and the text of its file.
 * @throws VeiltrailError `passphrase` for one that is too short
 */
export function createApproverKey(random: Random, passphrase?: string): { text: string; key: ApproverKey } {
  const seed = random.bytes(32);
  const key = keyOf(seed);
  const { id, kind, publicKey } = key;
  const secret = passphrase === undefined ? { seed: encodeBase64(seed) } : { locked: lockSeed(seed, id, passphrase, random) };
  return { text: `${JSON.stringify({ ...head, id, kind, publicKey, ...secret })}\n`, key };
}

/** Whether opening the file takes a passphrase. @throws VeiltrailError `approver_key_syntax` */
export function isLocked(text: string): boolean {
  return readFile(text)['locked'] !== undefined;
}

/**
 * Opens the text of a key file.
 * @throws VeiltrailError `approver_key_syntax`, `passphrase` where it is missing or wrong
 */
export function openApproverKey(text: string, passphrase?: string): ApproverKey {
  const file = readFile(text);
  const { id, kind, publicKey, seed, locked } = file;
  if (kind !== 'ed25519' || typeof id !== 'string') throw syntax();
  const key = keyOf(locked === undefined ? bytesOf(seed, 32) : unlockSeed(locked, id, passphrase));
  if (key.id !== id || key.publicKey !== publicKey) throw syntax();
  return key;
}

function keyOf(seed: Uint8Array): ApproverKey {
  const signer = createEd25519Signer(seed);
  const publicKey = encodeBase64(signer.publicKey);
  return { id: approverIdOf('ed25519', publicKey), kind: 'ed25519', publicKey, sign: (statement) => encodeBase64(signer.sign(statement)) };
}

function lockSeed(seed: Uint8Array, id: string, passphrase: string, random: Random): JsonObject {
  if (passphrase.normalize('NFKC').length < passphraseLengthMin)
    throw new VeiltrailError('passphrase', `a passphrase has at least ${passphraseLengthMin} characters`);
  const salt = random.bytes(16);
  const nonce = random.bytes(12);
  const cipher = createCipheriv('aes-256-gcm', lockKey(passphrase, salt, scryptCost), nonce).setAAD(utf8(id));
  const sealed = concatBytes(cipher.update(seed), cipher.final(), cipher.getAuthTag());
  return { kdf: 'scrypt', ...scryptCost, salt: encodeBase64(salt), nonce: encodeBase64(nonce), sealed: encodeBase64(sealed) };
}

function unlockSeed(locked: JsonValue, id: string, passphrase: string | undefined): Uint8Array {
  if (!isJsonObject(locked) || locked['kdf'] !== 'scrypt') throw syntax();
  const { n, r, p } = locked;
  if (typeof n !== 'number' || typeof r !== 'number' || typeof p !== 'number') throw syntax();
  // A file from elsewhere must not take all the memory there is.
  if (!Number.isInteger(Math.log2(n)) || n < 2 || r < 1 || p < 1 || p > 16 || n * r > costMax * 8 || !Number.isInteger(r * p)) throw syntax();
  if (passphrase === undefined) throw new VeiltrailError('passphrase', 'the approver key is locked: its passphrase is needed');
  const sealed = bytesOf(locked['sealed'], 48);
  const key = lockKey(passphrase, bytesOf(locked['salt'], 16), { n, r, p });
  const cipher = createDecipheriv('aes-256-gcm', key, bytesOf(locked['nonce'], 12), { authTagLength: 16 }).setAAD(utf8(id));
  cipher.setAuthTag(sealed.subarray(32));
  const seed = cipher.update(sealed.subarray(0, 32));
  try {
    cipher.final();
  } catch {
    throw new VeiltrailError('passphrase', 'not the passphrase of this approver key');
  }
  return new Uint8Array(seed);
}

function lockKey(passphrase: string, salt: Uint8Array, { n, r, p }: { n: number; r: number; p: number }): Uint8Array {
  return scryptSync(passphrase.normalize('NFKC'), salt, 32, { N: n, r, p, maxmem: 128 * n * r + 1_048_576 * (p + 1) });
}

function readFile(text: string): JsonObject {
  let value: JsonValue;
  try {
    ({ value } = parseJson(text));
  } catch {
    throw syntax();
  }
  if (!isJsonObject(value) || value['veiltrail'] !== head.veiltrail) throw syntax();
  if (value['version'] !== head.version) throw new VeiltrailError('newer_format', 'the approver key was made by a newer version of veiltrail');
  return value;
}

function bytesOf(value: JsonValue | undefined, length: number): Uint8Array {
  let bytes: Uint8Array | undefined;
  try {
    bytes = typeof value === 'string' ? decodeBase64(value) : undefined;
  } catch {
    // not base64
  }
  if (bytes?.length !== length) throw syntax();
  return bytes;
}

function syntax(): VeiltrailError {
  return new VeiltrailError('approver_key_syntax', 'not the file of an approver key');
}
