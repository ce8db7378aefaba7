/**
 * Keyed digests for what goes on record of searches and look-ups: equal texts have equal ones, until the root is destroyed with the next removal. From
 * then on nobody can try whether a digest that is still on record was that of a value, whatever keys they have: what was erased stays so.
 */
import { encodeBase64url } from '../core/base64.ts';
import { utf8 } from '../core/bytes.ts';
import { systemClock } from '../core/clock.ts';
import { createMac, hmacSha256 } from '../core/sha256.ts';
import type { Keyring, Secret } from '../vault/keyring.ts';

/** The root is read again after so long. */
const rootReadMs = 1_000;
const digestBytes = 12;

/** @param use what the digests are of: those of different uses are never equal. Answers base64url of 12 bytes */
export function createMortalDigest(keyring: Keyring, use: string): (text: string) => string {
  let mac = createMac(new Uint8Array(0));
  let readMs = -Infinity;
  return (text) => {
    const nowMs = systemClock.now();
    if (Math.abs(nowMs - readMs) > rootReadMs) {
      const [root] = keyring.readAgain('root') as [Secret];
      mac = createMac(hmacSha256(root.key, utf8(use)));
      readMs = nowMs;
    }
    return encodeBase64url(mac(utf8(text)).subarray(0, digestBytes));
  };
}
