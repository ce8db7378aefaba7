/**
 * Keys of signed notes (C2SP signed-note): verifier keys `<name>+<hex key id>+base64(type ‖ public key)`, Go's private form
 * `PRIVATE+KEY+<name>+<hex key id>+base64(0x01 ‖ seed)`, and the Ed25519 signers and verifiers made from them.
 *
 *     key id = SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4], as uint32, big-endian
 */
import { decodeBase64, encodeBase64 } from '../core/base64.ts';
import { concatBytes, utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { sha256 } from '../core/sha256.ts';
import { createEd25519Signer, createEd25519Verifier, ed25519PublicKeyBytes, ed25519SeedBytes } from './ed25519.ts';
import { isKeyName, type NoteSigner, type NoteVerifier } from './note.ts';

/** Signature types that are spoken here; keys of others are refused, and their signatures ignored. */
export const signatureTypes = {
  /** Ed25519 over the text. */
  ed25519: 0x01,
  /** Ed25519 timestamped cosignature of a checkpoint (`cosignature.ts`). */
  cosignature: 0x04,
} as const;
export type SignatureType = (typeof signatureTypes)[keyof typeof signatureTypes];

export interface VerifierKey {
  readonly name: string;
  /** uint32. */
  readonly keyId: number;
  readonly type: SignatureType;
  /** 32 bytes, Ed25519 for either type. */
  readonly publicKey: Uint8Array;
}

export interface SigningKey {
  readonly name: string;
  readonly keyId: number;
  /** 32 bytes. */
  readonly seed: Uint8Array;
}

const privatePrefix = 'PRIVATE+KEY+';

/** The id of a key, as uint32. */
export function keyIdOf(name: string, type: SignatureType, publicKey: Uint8Array): number {
  const digest = sha256(concatBytes(utf8(`${name}\n`), Uint8Array.of(type), publicKey));
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0);
}

/**
 * @throws VeiltrailError `vkey_syntax` for anything {@link formatVerifierKey} would not print (an id that is not the key's among it),
 * `vkey_type` for a signature type that is not spoken here
 */
export function parseVerifierKey(vkey: string): VerifierKey {
  const { name, id, bytes } = splitKey(vkey, 'vkey_syntax');
  const type = bytes[0];
  if (type !== signatureTypes.ed25519 && type !== signatureTypes.cosignature) {
    throw new VeiltrailError('vkey_type', 'a key of a type that is not supported');
  }
  const publicKey = bytes.slice(1);
  const keyId = keyIdOf(name, type, publicKey);
  if (publicKey.length !== ed25519PublicKeyBytes) throw badKey('vkey_syntax');
  if (formatKeyId(keyId) !== id)
    throw new VeiltrailError('vkey_syntax', 'a public key whose id is not that of its name and key: a character of it was changed');
  return { name, keyId, type, publicKey };
}

/**
 * Reads several verifier keys.
 * @param whose what they are the keys of, for people
 * @throws VeiltrailError what `read` throws; the message says which key it is of, and `position` counts from 1
 */
export function readVerifierKeys<T>(vkeys: readonly string[], whose: string, read: (vkey: string) => T): T[] {
  return vkeys.map((vkey, i) => {
    try {
      return read(vkey);
    } catch (error) {
      if (!(error instanceof VeiltrailError)) throw error;
      throw new VeiltrailError(error.code, `key ${i + 1} of ${whose}: ${error.message}`, { ...error.detail, position: i + 1 });
    }
  });
}

export function formatVerifierKey(name: string, type: SignatureType, publicKey: Uint8Array): string {
  if (!isKeyName(name) || publicKey.length !== ed25519PublicKeyBytes) throw badKey('vkey_syntax');
  const keyId = formatKeyId(keyIdOf(name, type, publicKey));
  return `${name}+${keyId}+${encodeBase64(concatBytes(Uint8Array.of(type), publicKey))}`;
}

/**
 * Go's private key of a note.
 * @throws VeiltrailError `signing_key_syntax`; the message does not repeat the key
 */
export function parseSigningKey(text: string): SigningKey {
  if (!text.startsWith(privatePrefix)) throw badKey('signing_key_syntax');
  const { name, id, bytes } = splitKey(text.slice(privatePrefix.length), 'signing_key_syntax');
  const seed = bytes.slice(1);
  if (bytes[0] !== signatureTypes.ed25519 || seed.length !== ed25519SeedBytes) throw badKey('signing_key_syntax');
  const keyId = keyIdOf(name, signatureTypes.ed25519, createEd25519Signer(seed).publicKey);
  if (formatKeyId(keyId) !== id) throw badKey('signing_key_syntax');
  return { name, keyId, seed };
}

/** Go's private form of a key: keep it as a secret. */
export function formatSigningKey(name: string, seed: Uint8Array): string {
  if (!isKeyName(name)) throw badKey('signing_key_syntax');
  const keyId = formatKeyId(keyIdOf(name, signatureTypes.ed25519, createEd25519Signer(seed).publicKey));
  return `${privatePrefix}${name}+${keyId}+${encodeBase64(concatBytes(Uint8Array.of(signatureTypes.ed25519), seed))}`;
}

/** A signer of notes, of type Ed25519; {@link NoteKeySigner.vkey} is what verifies it. */
export interface NoteKeySigner extends NoteSigner {
  readonly vkey: string;
}

/** @throws VeiltrailError `signing_key_syntax` for what cannot be a key name, `ed25519_seed` */
export function createNoteSigner(name: string, seed: Uint8Array): NoteKeySigner {
  if (!isKeyName(name)) throw badKey('signing_key_syntax');
  const signer = createEd25519Signer(seed);
  return {
    name,
    keyId: keyIdOf(name, signatureTypes.ed25519, signer.publicKey),
    vkey: formatVerifierKey(name, signatureTypes.ed25519, signer.publicKey),
    sign: (text) => signer.sign(utf8(text)),
  };
}

/**
 * A verifier of notes from a verifier key of type Ed25519.
 * @throws VeiltrailError what {@link parseVerifierKey} throws, `vkey_type` for a cosigner's key, `ed25519_public_key`
 */
export function createNoteVerifier(vkey: string): NoteVerifier {
  const { name, keyId, type, publicKey } = parseVerifierKey(vkey);
  if (type !== signatureTypes.ed25519) throw new VeiltrailError('vkey_type', 'a witness’s key where a log’s was due');
  const verify = createEd25519Verifier(publicKey);
  return { name, keyId, verify: (text, signature) => verify(utf8(text), signature) };
}

function splitKey(text: string, code: string): { name: string; id: string; bytes: Uint8Array } {
  const [name, id, ...rest] = text.split('+');
  // Base64 may itself have a `+`: what is behind the second one is the key.
  if (name === undefined || id === undefined || rest.length === 0 || !isKeyName(name) || !/^[0-9a-f]{8}$/.test(id)) throw badKey(code);
  try {
    return { name, id, bytes: decodeBase64(rest.join('+')) };
  } catch {
    throw badKey(code);
  }
}

function formatKeyId(keyId: number): string {
  return keyId.toString(16).padStart(8, '0');
}

function badKey(code: string): VeiltrailError {
  const form = code === 'vkey_syntax' ? 'not a public key: NAME+8 hex digits+base64' : 'not a signing key: PRIVATE+KEY+NAME+8 hex digits+base64';
  return new VeiltrailError(code, form);
}
