/**
 * Texts hidden in runs of base64, base64url and hexadecimal. A run is decoded only as far as its bytes read like text (UTF-8, or UTF-16 of
 * ASCII): identifiers and hashes are given up after a byte or two, and the work on a run is bounded by a small multiple of its length.
 */
import { beyondHex, isHex, made, mixed } from './survey.ts';

/** A decoded text and the span of the run that holds it. */
export interface Hidden {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The shortest IPv4 address has seven bytes, and ten base64 characters stand for those. */
const bytesMin = 7;
const base64Min = 10;
const hexMin = 14;
/** By unit: its value in base64, or -1. */
export const sixBits = new Int8Array(128).fill(-1);
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
for (let i = 0; i < 64; i++) sixBits[alphabet.charCodeAt(i)] = i;
sixBits[45] = 62;
sixBits[95] = 63;

let buffer = new Uint8Array(1024);
const decoder = new TextDecoder('utf-8', { fatal: true });

const none: readonly Hidden[] = [];

/** A first look: is the run [start, end), made of `bits`, long and mixed enough to hide anything? */
export function mayHide(start: number, end: number, bits: number): boolean {
  return (bits & mixed) !== 0 && end - start >= base64Min;
}

/** Texts hidden in the run [start, end) of a surveyed text, which is made of `bits` (see survey). They do not overlap. */
export function hiddenTexts(units: Uint8Array, start: number, end: number, bits: number): readonly Hidden[] {
  if (!mayHide(start, end, bits)) return none;
  if ((bits & beyondHex) === 0 || (units[start + 1] as number) === 120) {
    const hex = hexText(units, start, end);
    if (hex) return [hex];
  }
  if (bits === made.ofDigits) return none;
  let out: Hidden[] | undefined;
  // A separator of base64url and paths may also divide the value from what stands around it: try behind each of them.
  let budget = 4 * (end - start) + 64;
  for (let from = start; end - from >= base64Min && budget > 0;) {
    // Most words are out with their first byte.
    if (firstStates[firstByte(units, from)] === -1) {
      from = nextSegment(units, from, end);
      continue;
    }
    const reached = decodeWhileText(units, from, end);
    budget -= tried;
    if (decoded >= bytesMin) {
      const hidden = textOf(decoded);
      if (hidden !== undefined) {
        out ??= [];
        out.push({ text: hidden, start: from, end: withPadding(units, reached) });
        from = reached;
        continue;
      }
    }
    from = nextSegment(units, from, end);
  }
  return out ?? none;
}

function firstByte(units: Uint8Array, at: number): number {
  return (((sixBits[units[at] as number] as number) << 2) | ((sixBits[units[at + 1] as number] as number) >> 4)) & 0xff;
}

/** Behind the next separator. */
function nextSegment(units: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && separators[units[at] as number] === 0) at++;
  return at + 1;
}

const separators = new Uint8Array(129);
for (const mark of '/-_+') separators[mark.charCodeAt(0)] = 1;

function isSeparator(unit: number): boolean {
  return separators[unit] === 1;
}

function withPadding(units: Uint8Array, end: number): number {
  let at = end;
  while (at - end < 2 && (units[at] as number) === 61) at++;
  return at;
}

function hexText(units: Uint8Array, runStart: number, end: number): Hidden | undefined {
  let start = runStart;
  if ((units[start] as number) === 48 && ((units[start + 1] as number) | 32) === 120) start += 2;
  const size = end - start;
  if (size < hexMin || size % 2 !== 0) return undefined;
  reserve(size / 2);
  let state = 0;
  for (let i = start, count = 0; i < end; i += 2) {
    const high = units[i] as number;
    const low = units[i + 1] as number;
    if (!isHex(high) || !isHex(low)) return undefined;
    const byte = hexDigit(high) * 16 + hexDigit(low);
    state = nextState(state, byte);
    if (state < 0) return undefined;
    buffer[count++] = byte;
  }
  const hidden = textOf(size / 2);
  return hidden === undefined ? undefined : { text: hidden, start: runStart, end };
}

function hexDigit(unit: number): number {
  return unit <= 57 ? unit - 48 : (unit | 32) - 87;
}

/** What the last {@link decodeWhileText} left in the buffer, and how many characters it looked at. */
let decoded = 0;
let tried = 0;

/** Decodes base64 into the buffer for as long as it reads like text; returns where that ends. */
function decodeWhileText(units: Uint8Array, start: number, end: number): number {
  let word = 0;
  let bits = 0;
  let bytes = 0;
  let state = 0;
  // The last place where a segment ends in whole characters: text may run on behind a separator.
  let goodEnd = start;
  let goodBytes = 0;
  for (let at = start; at < end; at++) {
    const unit = units[at] as number;
    if (state === 0 && bytes >= bytesMin && isSeparator(unit) && (at - start) % 4 !== 1) {
      goodEnd = at;
      goodBytes = bytes;
    }
    word = ((word << 6) | (sixBits[unit] as number)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    const byte = (word >> bits) & 0xff;
    state = nextState(state, byte);
    if (state < 0) {
      decoded = goodBytes;
      tried = at - start + 1;
      return goodEnd;
    }
    if (bytes === buffer.length) grow();
    buffer[bytes++] = byte;
  }
  decoded = bytes;
  tried = end - start;
  return end;
}

function grow(): void {
  const larger = new Uint8Array(buffer.length * 2);
  larger.set(buffer);
  buffer = larger;
}

function reserve(size: number): void {
  if (buffer.length < size) buffer = new Uint8Array(size * 2);
}

/**
 * UTF-8 reading: 0 between characters, 1 … 3 bytes still to come, -1 no text. Zero bytes pass (UTF-16), other control characters do not.
 */
function nextState(state: number, byte: number): number {
  if (state > 0) return byte >= 0x80 && byte < 0xc0 ? state - 1 : -1;
  if (byte < 0x80) return byte >= 0x20 ? (byte === 0x7f ? -1 : 0) : byte === 9 || byte === 10 || byte === 13 || byte === 0 ? 0 : -1;
  if (byte >= 0xc2 && byte < 0xe0) return 1;
  if (byte >= 0xe0 && byte < 0xf0) return 2;
  return byte >= 0xf0 && byte < 0xf5 ? 3 : -1;
}

/** By the first byte of a character: how many are still to come, or -1. */
export const firstStates = Int8Array.from({ length: 256 }, (_, byte) => nextState(0, byte));

/** The buffer's first bytes as text; UTF-16 of ASCII has its zero bytes taken out. Short runs that decode to anything but ASCII do so by chance. */
function textOf(bytes: number): string | undefined {
  let zeros = 0;
  let beyond = 0;
  for (let i = 0; i < bytes; i++) {
    const byte = buffer[i] as number;
    if (byte === 0) zeros++;
    else if (byte > 127) beyond++;
  }
  if (zeros > 0 && (zeros < bytes / 2 - 1 || zeros > bytes / 2 + 1)) return undefined;
  if (beyond === 0) {
    let out = '';
    for (let i = 0; i < bytes; i++) if (buffer[i] !== 0) out += String.fromCharCode(buffer[i] as number);
    return out;
  }
  if (bytes < 16) return undefined;
  let size = bytes;
  // A cut character at the end is no reason to look away.
  while (size > bytes - 4) {
    try {
      return decoder.decode(buffer.subarray(0, size));
    } catch {
      size--;
    }
  }
  return undefined;
}
