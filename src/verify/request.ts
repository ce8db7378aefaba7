/**
 * What a request for a second person is, as bytes: a digest of what will be done, and an id that commits to who asked, why, and until when.
 *
 *     digest = SHA-256("veiltrail-request/1\n" ‖ RFC 8785 of {action, detail})                                       64 hex digits
 *     id     = "r_" ‖ base32 (RFC 4648, lower case, no padding) of the first 16 bytes of
 *              SHA-256("veiltrail-request-id/1\n" ‖ RFC 8785 of {by, createdAt, digest, expiresAt, nonce, owner?, purpose, reference?})
 *
 * So whoever signs the id and the digest has signed the whole request, and one that was changed afterwards is another one.
 */
import { toHex, utf8 } from '../core/bytes.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { sha256 } from '../core/sha256.ts';

/** What is asked, by whom and why: fixed when it is asked. (A type, not an interface, because it is JSON.) */
export type RequestFacts = {
  /** What will be done: `token.reveal`, `subject.erase` … */
  action: string;
  /** Exactly what will be done; tokens, leaf indexes, digests, and never a real value. */
  detail: JsonObject;
  /** The principal that asked. */
  by: string;
  /** Whom that principal belongs to, where it is known: a keyed digest. */
  owner?: string;
  purpose: string;
  /** Of a case, a ticket, a court order. */
  reference?: string;
  /** RFC 3339. */
  createdAt: string;
  /** RFC 3339: nobody may decide from then on. */
  expiresAt: string;
  /** 32 hex digits, so that the id tells nothing to whoever guesses the rest. */
  nonce: string;
};

export const requestIdPattern = /^r_[a-z2-7]{26}$/;

/** What an approver signs and an operation is compared with. @throws VeiltrailError `not_canonical` */
export function digestRequest(action: string, detail: JsonObject): string {
  return toHex(sha256(utf8(`veiltrail-request/1\n${canonicalJson({ action, detail })}`)));
}

/** @throws VeiltrailError `not_canonical` */
export function requestIdOf({ action, detail, ...rest }: RequestFacts): string {
  const facts = canonicalJson({ ...rest, digest: digestRequest(action, detail) });
  return `r_${publicId(sha256(utf8(`veiltrail-request-id/1\n${facts}`)))}`;
}

/** A request as somebody sends it to whoever shall sign it. */
export type ShownRequest = RequestFacts & { id: string; digest: string };

/**
 * Works out id and digest anew from what is shown, and compares: whoever sent it may lie. To be called before anything of it is signed.
 * @throws VeiltrailError `request_damaged`
 */
export function checkRequest({ id, digest, action, detail, by, owner, purpose, reference, createdAt, expiresAt, nonce }: ShownRequest): void {
  const facts: RequestFacts = { action, detail, by, purpose, createdAt, expiresAt, nonce };
  if (owner !== undefined) facts.owner = owner;
  if (reference !== undefined) facts.reference = reference;
  try {
    if (digestRequest(action, detail) === digest && requestIdOf(facts) === id) return;
  } catch {
    // what has no canonical form has no digest
  }
  throw new VeiltrailError('request_damaged', 'the request is not what its id says: nothing was signed');
}

const base32 = 'abcdefghijklmnopqrstuvwxyz234567';
const idBytes = 16;

/** The first 16 bytes of a digest as 26 base32 characters. */
export function publicId(digest: Uint8Array): string {
  let out = '';
  let word = 0;
  let bits = 0;
  for (const byte of digest.subarray(0, idBytes)) {
    word = ((word << 8) | byte) & 0xffff;
    for (bits += 8; bits >= 5; bits -= 5) out += base32[(word >> (bits - 5)) & 31];
  }
  return out + base32[(word << (5 - bits)) & 31];
}
