/** What names a policy: its digest, over the very text; and the label under which records show it. */
import { toHex, utf8 } from '../core/bytes.ts';
import { sha256 } from '../core/sha256.ts';
import type { Policy } from './policy-model.ts';

/** SHA-256 of the text: 64 hex digits. */
export function policyDigest(text: string): string {
  return toHex(sha256(utf8(text)));
}

/** `name@version#` and the first 12 hex digits of the digest: `privacy.policy` of a record. */
export function policyLabel({ name, version }: Policy, text: string): string {
  return `${name}@${version}#${policyDigest(text).slice(0, 12)}`;
}
