/**
 * Checks what a token was said to stand for, without the vault that made it: a token commits to its value (src/vault/token.ts).
 *
 *     token = tok_ + base64url(SHA-256(0x13 ‖ [r] ‖ [origin] ‖ [kind] ‖ [canonical value])[0..19])     [x] = uint32be(length) ‖ x
 *
 * What is committed to is the canonical form, under which equal values are the same: `jane@example.com` of `Jane@Example.com`.
 */
import { decodeBase64, encodeBase64url } from '../core/base64.ts';
import { concatBytes, decodeUtf8, uint32be, utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../core/json.ts';
import { limits } from '../core/limits.ts';
import { sha256 } from '../core/sha256.ts';

/** What opens a token. */
export interface TokenOpening {
  kind: string;
  /** Of the installation that made the token. */
  origin: string;
  canonical: string;
  /** base64 of 32 bytes. */
  r: string;
}

/** A token with what it stands for, as a reveal answers. */
export interface RevealedToken {
  /** `tok_` and 27 characters of base64url. */
  token: string;
  kind: string;
  /** As it was first written. The token commits to `opening.canonical`; that this is a spelling of it is the server's word. */
  value: string;
  opening: TokenOpening;
}

const prefix = 'tok_';
const domain = 0x13;
const tokenBytes = 20;
const blinderBytes = 32;

/** The token that commits to an opening. @throws VeiltrailError `opening_syntax` */
export function tokenOfOpening({ r, origin, kind, canonical }: TokenOpening): string {
  const parts = [blinderOf(r), utf8(origin), utf8(kind), utf8(canonical)].flatMap((part) => [uint32be(part.length), part]);
  return prefix + encodeBase64url(sha256(concatBytes(Uint8Array.of(domain), ...parts)).subarray(0, tokenBytes));
}

/**
 * Checks that a token commits to an opening.
 * @throws VeiltrailError `opening_mismatch`, `opening_syntax`
 */
export function verifyTokenOpening(token: string, opening: TokenOpening): void {
  if (tokenOfOpening(opening) !== token) throw new VeiltrailError('opening_mismatch', 'the token does not commit to this opening');
}

/**
 * Reads what a reveal answered, strictly, and checks it.
 * @param text JSON, see {@link RevealedToken}; several stand in `{"tokens": […]}`, or one a line
 * @throws VeiltrailError `opening_mismatch`, `opening_syntax`, and those of `parseJson`; none repeats a value
 */
export function verifyRevealed(text: string | Uint8Array): RevealedToken[] {
  const read = typeof text === 'string' ? text : decodeUtf8(text);
  const revealed = listOf(read).map(parseRevealed);
  if (revealed.length === 0) throw syntax('there is no token in it');
  for (const { token, kind, opening } of revealed) {
    if (kind !== opening.kind) throw syntax('kind and opening.kind differ');
    verifyTokenOpening(token, opening);
  }
  return revealed;
}

function listOf(text: string): JsonValue[] {
  const options = { depthMax: 8, nodesMax: 100_000 };
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  // One object over many lines begins with a line that is none by itself.
  const values = isWholeLine(lines) ? lines.map((line) => parseJson(line, options).value) : [parseJson(text, options).value];
  return values.flatMap((value) => (isJsonObject(value) && Array.isArray(value['tokens']) ? value['tokens'] : [value]));
}

function isWholeLine(lines: readonly string[]): boolean {
  return lines.length > 1 && lines.every((line) => line.trimStart().startsWith('{') && line.trimEnd().endsWith('}'));
}

function parseRevealed(value: JsonValue): RevealedToken {
  if (!isJsonObject(value)) throw syntax('not an object');
  const opening = value['opening'];
  if (!isJsonObject(opening)) throw syntax('it has no opening');
  return {
    token: textOf(value, 'token', 64),
    kind: textOf(value, 'kind', 64),
    value: textOf(value, 'value', limits.eventBytesMax),
    opening: {
      kind: textOf(opening, 'kind', 64),
      origin: textOf(opening, 'origin', limits.originBytesMax),
      canonical: textOf(opening, 'canonical', limits.eventBytesMax),
      r: textOf(opening, 'r', 64),
    },
  };
}

function textOf(object: JsonObject, name: string, lengthMax: number): string {
  const value = object[name];
  if (typeof value !== 'string' || value.length === 0 || value.length > lengthMax) throw syntax(`${name} is not as an opening has it`);
  return value;
}

function blinderOf(r: string): Uint8Array {
  try {
    const bytes = decodeBase64(r);
    if (bytes.length === blinderBytes) return bytes;
  } catch {
    // said below, in words that fit
  }
  throw syntax('r is not base64 of 32 bytes');
}

function syntax(what: string): VeiltrailError {
  return new VeiltrailError('opening_syntax', `not the opening of a token: ${what}`);
}
