/**
 * Who is behind a principal, as far as the log needs to know: that two keys, or a key and a login, are one person's. What names the person (an
 * address, a staff number) is not stored: a keyed digest of it is, which shows that two are equal and nothing else.
 */
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { VeiltrailError } from '../core/errors.ts';
import { openKeyring } from '../vault/keyring.ts';
import type { Secret } from '../vault/keyring.ts';

const base32 = 'abcdefghijklmnopqrstuvwxyz234567';
const digits = 16;
const nameLengthMax = 200;

export const personPattern = /^person:[a-z2-7]{16}$/;

/**
 * The name of a person in records and lists: `person:` and 80 bits of a keyed digest, in base32.
 * @param identity what names the person elsewhere; upper and lower case and the way Unicode spells it do not matter
 * @throws VeiltrailError `key_owner`
 */
export function personOf(identity: string, { key }: Secret): string {
  const folded = identity.normalize('NFKC').trim().toLowerCase();
  if (folded.length === 0 || identity.length > nameLengthMax || !identity.isWellFormed() || /\p{Cc}/u.test(identity))
    throw new VeiltrailError('key_owner', `an owner is 1 to ${nameLengthMax} printable characters, such as an address or a staff number`);
  return `person:${base32Of(hash('sha256', Buffer.concat([key, Buffer.from(`veiltrail-person/1\n${folded}`)]), 'buffer'))}`;
}

/** The secret that persons' names are made with. Of the oldest version, since they must stay what they are. */
export function personSecret(dataDir: string): Secret {
  return openKeyring(join(dataDir, 'keys'), { create: false }).secrets('idempotency').at(-1) as Secret;
}

export function base32Of(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < digits; i++) {
    const at = 5 * i;
    const pair = ((bytes[at >> 3] as number) << 8) | (bytes[(at >> 3) + 1] as number);
    text += base32[(pair >> (11 - (at & 7))) & 31];
  }
  return text;
}
