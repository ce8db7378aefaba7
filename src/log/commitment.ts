/**
 * The commitment to a record: a salted digest of its fields, so that a field can be shown, kept back or redacted without touching the
 * others, and nothing can be guessed from what is kept back.
 *
 *     salts         field i takes bytes 16i…16i+15 of SHAKE256(seed), seed being 32 random bytes a record
 *     value digest  SHA-256(0x12 ‖ salt ‖ value)
 *     field digest  SHA-256(0x10 ‖ uint16be(length of pointer) ‖ pointer ‖ value digest)
 *     commitment    SHA-256(0x11 ‖ uint16be(length of origin) ‖ origin ‖ uint32be(number of fields) ‖ field digests in order)
 *
 * Fields are those of `record.ts`, in its order. The seed opens everything: whoever has it and a guess of a value can check the guess.
 * This is the hottest code of the product; it hashes out of buffers made once, through views made once per length.
 */
import { uint32be } from '../core/bytes.ts';
import { invariant, VeiltrailError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { sha256Into, shake256Into } from '../core/sha256.ts';
import type { Field } from './record.ts';

export const seedBytes = 32;
export const saltBytes = 16;
export const digestBytes = 32;

/** Values and pointers up to this many UTF-16 units are hashed from the shared buffer (UTF-8 takes three bytes a unit at most). */
const shortUnitsMax = 1024;
const scratch = new Uint8Array(3 * shortUnitsMax + 64);
const views: Uint8Array[] = [];
const encoder = new TextEncoder();

let salts = new Uint8Array(saltBytes * 64);
let message = new Uint8Array(digestBytes * 64);
const valueDigestOut = new Uint8Array(digestBytes);

/**
 * The commitment to a record's fields.
 * @param origin the log's origin, 1 to 255 bytes of UTF-8
 * @param fields in ascending order, as `flattenRecord` gives them
 * @param seed 32 random bytes, of this record only
 * @throws VeiltrailError `commitment_origin`, `commitment_seed`, `commitment_fields`, `pointer_too_long`
 */
export function commitFields(origin: string, fields: readonly Field[], seed: Uint8Array): Uint8Array {
  const count = fields.length;
  fillSalts(seed, count);
  let at = openMessage(origin, count);
  for (let i = 0; i < count; i++) {
    const { pointer, value } = fields[i] as Field;
    valueDigestInto(salts, saltBytes * i, value, valueDigestOut);
    fieldDigestInto(pointer, valueDigestOut, message, at);
    at += digestBytes;
  }
  return closeMessage(at);
}

/** The salts of a record's first `count` fields, one after the other, 16 bytes each. */
export function deriveSalts(seed: Uint8Array, count: number): Uint8Array {
  fillSalts(seed, count);
  return salts.slice(0, saltBytes * count);
}

/** SHA-256(0x12 ‖ salt ‖ value): 32 bytes. */
export function valueDigest(salt: Uint8Array, value: string): Uint8Array {
  if (salt.length !== saltBytes) throw new VeiltrailError('commitment_salt', `a salt has ${saltBytes} bytes`);
  const digest = new Uint8Array(digestBytes);
  valueDigestInto(salt, 0, value, digest);
  return digest;
}

/** SHA-256(0x10 ‖ uint16be(length) ‖ pointer ‖ value digest): 32 bytes. */
export function fieldDigest(pointer: string, digestOfValue: Uint8Array): Uint8Array {
  if (digestOfValue.length !== digestBytes) throw new VeiltrailError('commitment_digest', `a digest has ${digestBytes} bytes`);
  const digest = new Uint8Array(digestBytes);
  fieldDigestInto(pointer, digestOfValue, digest, 0);
  return digest;
}

/** The commitment from its field digests, as a verifier of a disclosure has them: 32 bytes each, in the order of their pointers. */
export function commitFieldDigests(origin: string, digests: readonly Uint8Array[]): Uint8Array {
  let at = openMessage(origin, digests.length);
  for (const digest of digests) {
    if (digest.length !== digestBytes) throw new VeiltrailError('commitment_digest', `a digest has ${digestBytes} bytes`);
    message.set(digest, at);
    at += digestBytes;
  }
  return closeMessage(at);
}

function fillSalts(seed: Uint8Array, count: number): void {
  if (seed.length !== seedBytes) throw new VeiltrailError('commitment_seed', `a seed has ${seedBytes} bytes`);
  const length = saltBytes * count;
  if (salts.length < length) salts = new Uint8Array(2 * length);
  if (length > 0) shake256Into(seed, salts, length);
}

/** Writes what stands before the field digests, and makes room for them. Returns where the first one goes. */
function openMessage(origin: string, count: number): number {
  if (count === 0) throw new VeiltrailError('commitment_fields', 'a record has at least one field');
  const room = 7 + limits.originBytesMax + digestBytes * count;
  if (message.length < room) message = new Uint8Array(2 * room);
  // An origin is short; three bytes for each of its units always fit once the units do.
  const length = origin.length > limits.originBytesMax ? Infinity : writeUtf8(origin, message, 3);
  if (length === 0 || length > limits.originBytesMax) {
    throw new VeiltrailError('commitment_origin', `an origin has 1 to ${limits.originBytesMax} bytes`);
  }
  message[0] = 0x11;
  message[1] = 0;
  message[2] = length;
  message.set(uint32be(count), 3 + length);
  return 7 + length;
}

function closeMessage(length: number): Uint8Array {
  const commitment = new Uint8Array(digestBytes);
  sha256Into(message.subarray(0, length), commitment, 0);
  return commitment;
}

function valueDigestInto(from: Uint8Array, saltAt: number, value: string, out: Uint8Array): void {
  const buffer = value.length <= shortUnitsMax ? scratch : new Uint8Array(17 + 3 * value.length);
  buffer[0] = 0x12;
  for (let i = 0; i < saltBytes; i++) buffer[1 + i] = from[saltAt + i] as number;
  const length = 17 + writeUtf8(value, buffer, 17);
  sha256Into(view(buffer, length), out, 0);
}

function fieldDigestInto(pointer: string, digestOfValue: Uint8Array, out: Uint8Array, at: number): void {
  const buffer = pointer.length <= shortUnitsMax ? scratch : new Uint8Array(3 + 3 * pointer.length + digestBytes);
  const length = writeUtf8(pointer, buffer, 3);
  if (length > limits.pointerBytesMax) throw new VeiltrailError('pointer_too_long', `a pointer longer than ${limits.pointerBytesMax} bytes`);
  buffer[0] = 0x10;
  buffer[1] = length >>> 8;
  buffer[2] = length & 0xff;
  for (let i = 0; i < digestBytes; i++) buffer[3 + length + i] = digestOfValue[i] as number;
  sha256Into(view(buffer, 3 + length + digestBytes), out, at);
}

/** The first `length` bytes of a buffer; of the shared one, always the same object. */
function view(buffer: Uint8Array, length: number): Uint8Array {
  if (buffer !== scratch) return buffer.subarray(0, length);
  return (views[length] ??= scratch.subarray(0, length));
}

/** Writes the UTF-8 of `text` and returns its length. A loop beats the encoder on the short ASCII texts that records are made of. */
function writeUtf8(text: string, out: Uint8Array, at: number): number {
  const units = text.length;
  for (let i = 0; i < units; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return encodeAll(text, out, at);
    out[at + i] = unit;
  }
  return units;
}

function encodeAll(text: string, out: Uint8Array, at: number): number {
  const { read, written } = encoder.encodeInto(text, out.subarray(at));
  invariant(read === text.length, 'a buffer holds three bytes for each UTF-16 unit');
  return written;
}
