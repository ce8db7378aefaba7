/**
 * Tokens: what stands in a record in the place of a value.
 *
 *     token  = tok_ + base64url(SHA-256(0x13 ‖ [r] ‖ [origin] ‖ [kind] ‖ [canonical value])[0..19])     [x] = uint32be(length) ‖ x
 *     lookup = HMAC-SHA-256(lookup key, [scope] ‖ [kind] ‖ [canonical value])
 *
 * r is 32 random bytes. So a token says nothing about its value; whoever is shown (value, r) can check it; and once r is gone nobody can.
 * The lookup is how the vault finds the token of a value it has met before, within a scope, without being able to read its own rows' values
 * off the disk.
 */
import { decodeBase64url } from '../core/base64.ts';
import { equalBytes } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { createMac, sha256Into } from '../core/sha256.ts';

const tokenBytes = 20;
/** Bytes of r. */
export const blinderBytes = 32;
const tokenPrefix = 'tok_';
const domain = 0x13;
const kindMax = 64;
const scopeMax = 255;

/** What a token stands for. */
export interface TokenOpening {
  /** 32 bytes. */
  r: Uint8Array;
  origin: string;
  kind: string;
  canonical: string;
}

/** A value that a policy wants a token for. */
export interface TokenNeed {
  kind: string;
  /** The form under which equal values are the same: what the token commits to. */
  canonical: string;
  /** As it was written. */
  value: string;
}

/** The 20 bytes of the token that commits to an opening. */
export function tokenOf({ r, origin, kind, canonical }: TokenOpening): Uint8Array {
  const digest = new Uint8Array(32);
  sha256Into(joinParts(domain, r, origin, kind, canonical), digest, 0);
  return digest.subarray(0, tokenBytes);
}

/** True when the token commits to exactly this. */
export function checkToken(token: Uint8Array, opening: TokenOpening): boolean {
  return equalBytes(token, tokenOf(opening));
}

export function formatToken(token: Uint8Array): string {
  return tokenPrefix + Buffer.prototype.base64urlSlice.call(token, 0, token.length);
}

/** @throws VeiltrailError `token_syntax` for anything {@link formatToken} would not print */
export function parseToken(text: string): Uint8Array {
  if (text.startsWith(tokenPrefix)) {
    try {
      const token = decodeBase64url(text.slice(tokenPrefix.length));
      if (token.length === tokenBytes) return token;
    } catch {
      // said below, in words that fit
    }
  }
  throw new VeiltrailError('token_syntax', 'not a token: tok_ and 27 characters of base64url');
}

/** The lookup of a value: 32 bytes. */
export type Lookup = (scope: string, kind: string, canonical: string) => Uint8Array;

export function createLookup(key: Uint8Array): Lookup {
  const mac = createMac(key);
  return (scope, kind, canonical) => mac(joinParts(undefined, scope, kind, canonical));
}

/** What a scope may be: where the same value has the same token. */
export type TokenScope = { of: 'installation' } | { of: 'tenant' | 'log'; name: string };

export function formatScope(scope: TokenScope): string {
  return scope.of === 'installation' ? scope.of : `${scope.of}:${scope.name}`;
}

/**
 * Refuses what could not be told apart from something else, or has no size that we would store.
 * @throws VeiltrailError `token_need`; the message does not repeat the value
 */
export function checkNeeds(origin: string, scope: string, needs: readonly TokenNeed[]): void {
  if (!isText(origin, limits.originBytesMax) || !isText(scope, scopeMax))
    throw new VeiltrailError('token_need', 'a token needs an origin and a scope');
  for (const { kind, canonical, value } of needs) {
    const fits = isText(kind, kindMax) && isText(canonical, limits.eventBytesMax) && isText(value, limits.eventBytesMax);
    if (!fits) throw new VeiltrailError('token_need', 'a value without a kind or a text, or one that is too long, gets no token');
  }
}

/** Two different lone surrogates would become the same bytes: such a text is none. */
function isText(text: unknown, lengthMax: number): boolean {
  return typeof text === 'string' && text.length > 0 && text.length <= lengthMax && text.isWellFormed();
}

/** Messages are short and used at once: one buffer serves them all. */
const scratch = Buffer.alloc(4_096);

/** Parts, each after its uint32be length, so that no two lists of parts have the same bytes. Good until the next call. */
function joinParts(first: number | undefined, ...parts: readonly (string | Uint8Array)[]): Uint8Array {
  let room = 1;
  for (const part of parts) room += 4 + (typeof part === 'string' ? 3 : 1) * part.length;
  const out = room <= scratch.length ? scratch : Buffer.allocUnsafe(room);
  let at = 0;
  if (first !== undefined) out[at++] = first;
  for (const part of parts) {
    let length = part.length;
    if (typeof part === 'string') length = out.write(part, at + 4, 'utf8');
    else out.set(part, at + 4);
    out.writeUInt32BE(length, at);
    at += 4 + length;
  }
  return out.subarray(0, at);
}
