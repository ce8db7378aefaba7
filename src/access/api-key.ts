/**
 * API keys: `vt_<role>_<id>_<secret>`, id 12 digits of RFC 4648 base32 in lower case (public: it names the key in lists and records), secret
 * base64url of 32 random bytes. Role and id can be read off a key, so that whoever finds one knows what to revoke. Only the SHA-256 of the
 * whole key is stored: with 256 random bits behind it there is nothing to guess, and no slow hash to wait for.
 */
import { hash } from 'node:crypto';
import { encodeBase64url } from '../core/base64.ts';
import type { Random } from '../core/random.ts';
import { roles } from './roles.ts';
import type { Role } from './roles.ts';

const secretBytes = 32;
const idLength = 12;
const base32 = 'abcdefghijklmnopqrstuvwxyz234567';
const keyPattern = new RegExp(`^vt_(${roles.join('|')})_([a-z2-7]{${idLength}})_([A-Za-z0-9_-]{43})$`);
/** Finds what looks like a key in any text, such as a URL it should never be in. */
const keyAnywhere = /vt_[a-z]+_[a-z2-7]{12}_[A-Za-z0-9_-]{8}/;

export interface ApiKey {
  role: Role;
  id: string;
}

export const keyIdPattern = new RegExp(`^[a-z2-7]{${idLength}}$`);

export function createApiKey(role: Role, random: Random): ApiKey & { key: string } {
  const id = Array.from(random.bytes(idLength), (byte) => base32[byte & 31]).join('');
  return { role, id, key: `vt_${role}_${id}_${encodeBase64url(random.bytes(secretBytes))}` };
}

/** What a key says of itself, which proves nothing yet; `undefined` when it is no key. */
export function parseApiKey(key: string): ApiKey | undefined {
  const match = keyPattern.exec(key);
  return match ? { role: match[1] as Role, id: match[2] as string } : undefined;
}

/** The beginning of a key as lists show it: enough to know it by, and nothing of its secret. */
export function keyPrefix({ role, id }: ApiKey): string {
  return `vt_${role}_${id}_`;
}

/** The stored form: SHA-256 of the key, 64 hex digits. */
export function digestOfKey(key: string): string {
  return hash('sha256', key, 'hex');
}

export function containsApiKey(text: string): boolean {
  return keyAnywhere.test(text);
}
