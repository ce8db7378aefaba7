/**
 * Cosignatures (C2SP tlog-cosignature, Ed25519): a witness says that at some second this was the largest consistent tree it had seen of
 * the log. A note signature of type 0x04: uint64 seconds since 1970, big-endian, and 64 bytes of Ed25519 over
 *
 *     cosignature/v1\n
 *     time <seconds>\n
 *     <the whole text of the checkpoint>
 *
 * ML-DSA-44 cosignatures (type 0x06) have other key ids, so they are signatures of unknown keys here, and ignored as such.
 */
import { concatBytes, uint64be, utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { parseCheckpointText } from './checkpoint.ts';
import { createEd25519Signer, createEd25519Verifier, ed25519SignatureBytes } from './ed25519.ts';
import { isKeyName, type NoteSignature, type NoteVerifier } from './note.ts';
import { formatVerifierKey, keyIdOf, parseVerifierKey, signatureTypes } from './note-key.ts';

export interface Cosigner {
  readonly name: string;
  readonly keyId: number;
  readonly vkey: string;
  /**
   * Cosigns the text of a checkpoint at a time in whole seconds since 1970.
   * @throws VeiltrailError `checkpoint_syntax`, `cosignature_time`
   */
  cosign(checkpointText: string, timeSeconds: number): NoteSignature;
}

/** @throws VeiltrailError `signing_key_syntax` for what cannot be a key name, `ed25519_seed` */
export function createCosigner(name: string, seed: Uint8Array): Cosigner {
  if (!isKeyName(name)) throw new VeiltrailError('signing_key_syntax', 'not a key name');
  const signer = createEd25519Signer(seed);
  const keyId = keyIdOf(name, signatureTypes.cosignature, signer.publicKey);
  return {
    name,
    keyId,
    vkey: formatVerifierKey(name, signatureTypes.cosignature, signer.publicKey),
    cosign(checkpointText, timeSeconds) {
      if (!Number.isSafeInteger(timeSeconds) || timeSeconds < 0) throw new VeiltrailError('cosignature_time', 'not a time in whole seconds');
      parseCheckpointText(checkpointText);
      const signature = signer.sign(signedMessage(checkpointText, timeSeconds));
      return { name, keyId, signature: concatBytes(uint64be(timeSeconds), signature) };
    },
  };
}

/**
 * A verifier of a witness's cosignatures, from its verifier key of type 0x04. A text that is no checkpoint does not verify.
 * @throws VeiltrailError what `parseVerifierKey` throws, `vkey_type` for a key of another type, `ed25519_public_key`
 */
export function createCosignatureVerifier(vkey: string): NoteVerifier {
  const { name, keyId, type, publicKey } = parseVerifierKey(vkey);
  if (type !== signatureTypes.cosignature) throw new VeiltrailError('vkey_type', 'a log’s key where a witness’s was due');
  const verify = createEd25519Verifier(publicKey);
  return {
    name,
    keyId,
    verify(text, signature) {
      const timeSeconds = readTime(signature);
      if (timeSeconds === undefined || !isCheckpointText(text)) return false;
      return verify(signedMessage(text, timeSeconds), signature.subarray(8));
    },
  };
}

/**
 * When a witness signed, in seconds since 1970: believe it of a verified cosignature only.
 * @throws VeiltrailError `cosignature_syntax`
 */
export function cosignatureTime({ signature }: NoteSignature): number {
  const timeSeconds = readTime(signature);
  if (timeSeconds === undefined) throw new VeiltrailError('cosignature_syntax', 'not an Ed25519 cosignature');
  return timeSeconds;
}

/** Undefined for another length, or a time above 2^53 − 1, some 285 million years ahead (verifiers may refuse times in the future). */
function readTime(signature: Uint8Array): number | undefined {
  if (signature.length !== 8 + ed25519SignatureBytes) return undefined;
  const words = new DataView(signature.buffer, signature.byteOffset);
  const timeSeconds = words.getUint32(0) * 0x1_0000_0000 + words.getUint32(4);
  return Number.isSafeInteger(timeSeconds) ? timeSeconds : undefined;
}

function isCheckpointText(text: string): boolean {
  try {
    parseCheckpointText(text);
    return true;
  } catch {
    return false;
  }
}

function signedMessage(checkpointText: string, timeSeconds: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${timeSeconds}\n${checkpointText}`);
}
