/**
 * Texts that the server itself keeps, sealed: AES-256-GCM under a key made of the keyring's `seal` secret for one purpose.
 *
 *     key    = HMAC-SHA-256(secret, "veiltrail " ‖ purpose)
 *     sealed = 0x01 ‖ uint32be(version of the secret) ‖ nonce[12] ‖ ciphertext ‖ tag[16]
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { concatBytes, decodeUtf8, uint32be, utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import { createMac, hmacSha256 } from '../core/sha256.ts';
import type { Secret } from './keyring.ts';

const cipher = 'aes-256-gcm';
const version = 0x01;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 5;

export interface TextSealer {
  seal(text: string): Uint8Array;
  /** @throws VeiltrailError `sealed_text_damaged` */
  open(sealed: Uint8Array): string;
  /** 32 bytes by which a text is found, without saying it. */
  lookup(text: string): Uint8Array;
}

/** @param secrets of the keyring's `seal`, the newest first */
export function createTextSealer(secrets: readonly Secret[], purpose: string, random: Random): TextSealer {
  const keys = new Map(secrets.map((secret) => [secret.version, hmacSha256(secret.key, utf8(`veiltrail ${purpose}`))]));
  const newest = secrets[0] as Secret;
  // By the oldest: a lookup stays what it was when the key is rotated.
  const mac = createMac(hmacSha256((secrets.at(-1) as Secret).key, utf8(`veiltrail ${purpose} lookup`)));
  return {
    seal(text) {
      const nonce = random.bytes(nonceBytes);
      const sealing = createCipheriv(cipher, keys.get(newest.version) as Uint8Array, nonce);
      return concatBytes(
        Uint8Array.of(version),
        uint32be(newest.version),
        nonce,
        sealing.update(text, 'utf8'),
        sealing.final(),
        sealing.getAuthTag(),
      );
    },
    open(sealed) {
      const damaged = new VeiltrailError('sealed_text_damaged', 'something that the server keeps sealed does not open');
      if (sealed.length < headBytes + nonceBytes + tagBytes || sealed[0] !== version) throw damaged;
      const key = keys.get(new DataView(sealed.buffer, sealed.byteOffset).getUint32(1));
      if (!key) throw damaged;
      const opening = createDecipheriv(cipher, key, sealed.subarray(headBytes, headBytes + nonceBytes), { authTagLength: tagBytes });
      opening.setAuthTag(sealed.subarray(sealed.length - tagBytes));
      const plain = opening.update(sealed.subarray(headBytes + nonceBytes, sealed.length - tagBytes));
      try {
        opening.final();
      } catch {
        throw damaged;
      }
      return decodeUtf8(plain);
    },
    lookup: (text) => mac(utf8(text)),
  };
}
