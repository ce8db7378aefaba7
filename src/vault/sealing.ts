/**
 * What the vault seals, and under what. All of it is AES-256-GCM with a random 96-bit nonce; a key seals far fewer than 2³² messages.
 *
 *     box               = nonce[12] ‖ ciphertext ‖ tag[16]
 *     sealed bucket key = 0x01 ‖ uint32be(root version) ‖ box(root; key[32]; "log", "segment" or "tokens" and what it belongs to)
 *     sealed token      = 0x01 ‖ box(bucket key; r[32] ‖ [canonical] ‖ [value] ‖ zeros up to a multiple of 32; token[20] ‖ kind)
 *
 * [x] = uint32be(length) ‖ x; a value that is written as its canonical form has length 0. The zeros hide a value's exact length.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { concatBytes, decodeUtf8, uint32be, utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import type { SegmentName } from '../storage/segment-store.ts';
import type { Secret } from './keyring.ts';
import { blinderBytes } from './token.ts';

const cipher = 'aes-256-gcm';
const version = 0x01;
const keyBytes = 32;
export const nonceBytes = 12;
const tagBytes = 16;
const paddedTo = 32;

/** What a bucket key belongs to: it opens nowhere else. */
export type BucketPlace = { log: string; bucket: number; generation?: number } | { scope: string; origin: string; bucket: number } | SegmentName;

/** What is sealed of a token. */
export interface TokenContent {
  /** 32 bytes. */
  r: Uint8Array;
  canonical: string;
  value: string;
}

/** A key made ready: AES with a KeyObject costs a third of what it costs with bytes. */
export function importKey(key: Uint8Array): KeyObject {
  return createSecretKey(key);
}

export function sealBucketKey(place: BucketPlace, key: Uint8Array, root: Secret, random: Random): Uint8Array {
  const box = sealBox(importKey(root.key), random.bytes(nonceBytes), associatedWith(place), key);
  return concatBytes(Uint8Array.of(version), uint32be(root.version), box);
}

/** The version of the root that a bucket key is sealed under: its first five bytes tell. 0 for what is none. */
export function rootVersionOf(sealed: Uint8Array): number {
  return sealed.length >= 5 && sealed[0] === version ? new DataView(sealed.buffer, sealed.byteOffset).getUint32(1) : 0;
}

/** @throws VeiltrailError `bucket_key_damaged` for other bytes, another place or another key; `root_missing` when the keyring has no such root */
export function openBucketKey(place: BucketPlace, sealed: Uint8Array, roots: readonly Secret[]): Uint8Array {
  const rootVersion = rootVersionOf(sealed);
  if (rootVersion === 0) throw damagedKey();
  const root = roots.find((one) => one.version === rootVersion);
  if (!root) throw new VeiltrailError('root_missing', 'the root under which this key was sealed is not in the keyring', { rootVersion });
  const key = openBox(importKey(root.key), sealed.subarray(5), associatedWith(place));
  if (key?.length !== keyBytes) throw damagedKey();
  return key;
}

function damagedKey(): VeiltrailError {
  return new VeiltrailError('bucket_key_damaged', 'a bucket key does not open');
}

function associatedWith(place: BucketPlace): Uint8Array {
  const parts = namesOf(place).flatMap((name) => [uint32be(utf8(name).length), utf8(name)]);
  return concatBytes(
    ...parts,
    uint32be(place.bucket),
    ...('generation' in place && place.generation !== undefined ? [uint32be(place.generation)] : []),
  );
}

function namesOf(place: BucketPlace): string[] {
  if ('class' in place) return ['segment', place.log, place.class];
  return 'log' in place ? ['log', place.log] : ['tokens', place.scope, place.origin];
}

/** @param nonce 12 bytes that this key never sealed with */
export function sealToken(token: Uint8Array, kind: string, { r, canonical, value }: TokenContent, key: KeyObject, nonce: Uint8Array): Uint8Array {
  const spelling = value === canonical ? '' : value;
  const canonicalBytes = Buffer.byteLength(canonical);
  const spellingBytes = Buffer.byteLength(spelling);
  const contentBytes = blinderBytes + 8 + canonicalBytes + spellingBytes;
  const content = Buffer.alloc(Math.ceil(contentBytes / paddedTo) * paddedTo);
  content.set(r);
  content.writeUInt32BE(canonicalBytes, blinderBytes);
  content.write(canonical, blinderBytes + 4);
  content.writeUInt32BE(spellingBytes, blinderBytes + 4 + canonicalBytes);
  content.write(spelling, blinderBytes + 8 + canonicalBytes);
  const sealing = createCipheriv(cipher, key, nonce);
  sealing.setAAD(associatedWithToken(token, kind));
  const sealed = Buffer.allocUnsafe(1 + nonceBytes + content.length + tagBytes);
  sealed[0] = version;
  sealed.set(nonce, 1);
  sealed.set(sealing.update(content), 1 + nonceBytes);
  sealing.final();
  sealed.set(sealing.getAuthTag(), sealed.length - tagBytes);
  return sealed;
}

/** @throws VeiltrailError `token_damaged` for other bytes, another token or kind, or another key */
export function openSealedToken(token: Uint8Array, kind: string, sealed: Uint8Array, key: KeyObject): TokenContent {
  const content = sealed[0] === version ? openBox(key, sealed.subarray(1), associatedWithToken(token, kind)) : undefined;
  if (!content) throw new VeiltrailError('token_damaged', 'a row of the vault does not open');
  const canonical = readPart(content, blinderBytes);
  const spelling = readPart(content, canonical.end);
  return { r: content.slice(0, blinderBytes), canonical: canonical.text, value: spelling.text === '' ? canonical.text : spelling.text };
}

/** What took a withheld value's place, under the key of its token's bucket. The zeros of `sealToken` hide its length here, too. */
export function sealSuccessor(token: Uint8Array, json: string, key: KeyObject, random: Random): Uint8Array {
  return sealToken(token, successorKind, { r: random.bytes(blinderBytes), canonical: json, value: json }, key, random.bytes(nonceBytes));
}

/** @throws VeiltrailError `token_damaged` */
export function openSuccessor(token: Uint8Array, sealed: Uint8Array, key: KeyObject): string {
  return openSealedToken(token, successorKind, sealed, key).canonical;
}

/** No kind of a policy is called so: nothing that is sealed as a value opens as a successor. */
const successorKind = 'quarantine successor';

/** Only what {@link sealToken} made gets here: the tag says so. */
function readPart(content: Uint8Array, at: number): { text: string; end: number } {
  const end = at + 4 + new DataView(content.buffer, content.byteOffset).getUint32(at);
  return { text: decodeUtf8(content.subarray(at + 4, end)), end };
}

function associatedWithToken(token: Uint8Array, kind: string): Uint8Array {
  const associated = Buffer.allocUnsafe(token.length + Buffer.byteLength(kind));
  associated.set(token);
  associated.write(kind, token.length);
  return associated;
}

function sealBox(key: KeyObject, nonce: Uint8Array, associated: Uint8Array, plain: Uint8Array): Uint8Array {
  const sealing = createCipheriv(cipher, key, nonce);
  sealing.setAAD(associated);
  return concatBytes(nonce, sealing.update(plain), sealing.final(), sealing.getAuthTag());
}

function openBox(key: KeyObject, box: Uint8Array, associated: Uint8Array): Uint8Array | undefined {
  if (box.length < nonceBytes + tagBytes) return undefined;
  const opening = createDecipheriv(cipher, key, box.subarray(0, nonceBytes), { authTagLength: tagBytes });
  opening.setAAD(associated);
  opening.setAuthTag(box.subarray(box.length - tagBytes));
  const plain = opening.update(box.subarray(nonceBytes, box.length - tagBytes));
  try {
    opening.final();
    return new Uint8Array(plain.buffer, plain.byteOffset, plain.length);
  } catch {
    return undefined;
  }
}
