/** Base64 and base64url (RFC 4648), strict: what decodes is exactly what encoding its bytes would print. */
import { VeiltrailError } from './errors.ts';

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const URL_SAFE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function encode(bytes: Uint8Array, alphabet: string, padding: boolean): string {
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const rest = bytes.length - i;
    const word = ((bytes[i] as number) << 16) | ((rest > 1 ? (bytes[i + 1] as number) : 0) << 8) | (rest > 2 ? (bytes[i + 2] as number) : 0);
    out += (alphabet[word >> 18] as string) + (alphabet[(word >> 12) & 63] as string);
    if (rest > 1) out += alphabet[(word >> 6) & 63] as string;
    else if (padding) out += '=';
    if (rest > 2) out += alphabet[word & 63] as string;
    else if (padding) out += '=';
  }
  return out;
}

function decode(text: string, alphabet: string, padding: boolean): Uint8Array {
  let body = text;
  if (padding) {
    if (text.length % 4 !== 0) throw invalid();
    if (text.endsWith('==')) body = text.slice(0, -2);
    else if (text.endsWith('=')) body = text.slice(0, -1);
  }
  if (body.length % 4 === 1) throw invalid();
  const out = new Uint8Array(Math.floor((body.length * 3) / 4));
  let word = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < body.length; i++) {
    const digit = alphabet.indexOf(body[i] as string);
    if (digit < 0) throw invalid();
    word = ((word << 6) | digit) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = (word >> bits) & 0xff;
    }
  }
  // Bits left over must be zero, or two texts would stand for the same bytes.
  if ((word & ((1 << bits) - 1)) !== 0) throw invalid();
  return out;
}

function invalid(): VeiltrailError {
  return new VeiltrailError('invalid_base64', 'not canonical base64');
}

/** Standard alphabet, with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  return encode(bytes, STANDARD, true);
}

/** @throws VeiltrailError `invalid_base64` for anything {@link encodeBase64} would not print */
export function decodeBase64(text: string): Uint8Array {
  return decode(text, STANDARD, true);
}

/** URL-safe alphabet, without padding. */
export function encodeBase64url(bytes: Uint8Array): string {
  return encode(bytes, URL_SAFE, false);
}

/** @throws VeiltrailError `invalid_base64` for anything {@link encodeBase64url} would not print */
export function decodeBase64url(text: string): Uint8Array {
  return decode(text, URL_SAFE, false);
}
