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
import { utf8 } from '../core/bytes.ts';
import { invariant, VeiltrailError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { sha256Into, shake256Into } from '../core/sha256.ts';
import type { Field } from './record.ts';

export const seedBytes = 32;
export const saltBytes = 16;
export const digestBytes = 32;

const encoder = new TextEncoder();

/** A value or a pointer of up to this many UTF-16 units is hashed out of the shared buffers (UTF-8 takes at most three bytes a unit). */
const sharedUnitsMax = 1024;
/** Up to here a loop over the units is faster than the encoder. */
const loopUnitsMax = 16;
const valueAt = 1 + saltBytes;
const pointerAt = 3;

/** The message of a value digest, 0x12 ‖ salt ‖ value, and that of a field digest, 0x10 ‖ length ‖ pointer ‖ value digest. */
const valueMessage = createMessage(0x12, valueAt);
const fieldMessage = createMessage(0x10, pointerAt);

let salts = new Uint8Array(saltBytes * 64);
/** The message of a commitment, 0x11 ‖ length ‖ origin ‖ number of fields ‖ field digests; grows with the largest record. */
let recordMessage = new Uint8Array(digestBytes * 64);
/** The origin that stands in it: nearly always the one that is needed next. */
let writtenOrigin = '';

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
  let at = openRecord(origin, count);
  for (let i = 0; i < count; i++) {
    const { pointer, value } = fields[i] as Field;
    const field = openField(pointer);
    valueDigestInto(salts, saltBytes * i, value, field.bytes, field.digestAt);
    sha256Into(prefixOf(field, field.digestAt + digestBytes), recordMessage, at);
    at += digestBytes;
  }
  return closeRecord(at);
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
  valueDigestInto(salt, 0, value, digest, 0);
  return digest;
}

/** SHA-256(0x10 ‖ uint16be(length) ‖ pointer ‖ value digest): 32 bytes. */
export function fieldDigest(pointer: string, digestOfValue: Uint8Array): Uint8Array {
  if (digestOfValue.length !== digestBytes) throw new VeiltrailError('commitment_digest', `a digest has ${digestBytes} bytes`);
  const field = openField(pointer);
  field.bytes.set(digestOfValue, field.digestAt);
  const digest = new Uint8Array(digestBytes);
  sha256Into(prefixOf(field, field.digestAt + digestBytes), digest, 0);
  return digest;
}

/** The commitment from its field digests, as a verifier of a disclosure has them: 32 bytes each, in the order of their pointers. */
export function commitFieldDigests(origin: string, digests: readonly Uint8Array[]): Uint8Array {
  let at = openRecord(origin, digests.length);
  for (const digest of digests) {
    if (digest.length !== digestBytes) throw new VeiltrailError('commitment_digest', `a digest has ${digestBytes} bytes`);
    recordMessage.set(digest, at);
    at += digestBytes;
  }
  return closeRecord(at);
}

function fillSalts(seed: Uint8Array, count: number): void {
  if (seed.length !== seedBytes) throw new VeiltrailError('commitment_seed', `a seed has ${seedBytes} bytes`);
  const length = saltBytes * count;
  if (salts.length < length) salts = new Uint8Array(2 * length);
  if (length > 0) shake256Into(seed, salts, length);
}

/** Writes what stands before the field digests, and makes room for them. Returns where the first one goes. */
function openRecord(origin: string, count: number): number {
  if (count === 0) throw new VeiltrailError('commitment_fields', 'a record has at least one field');
  const room = 7 + limits.originBytesMax + digestBytes * count;
  if (recordMessage.length < room) {
    recordMessage = new Uint8Array(2 * room);
    writtenOrigin = '';
  }
  if (origin !== writtenOrigin || origin === '') writeOrigin(origin);
  const at = 3 + (recordMessage[2] as number);
  recordMessage[at] = count >>> 24;
  recordMessage[at + 1] = (count >>> 16) & 0xff;
  recordMessage[at + 2] = (count >>> 8) & 0xff;
  recordMessage[at + 3] = count & 0xff;
  return at + 4;
}

function writeOrigin(origin: string): void {
  writeCommitmentHead(origin, recordMessage, 0);
  writtenOrigin = origin;
}

/**
 * Writes the start of a commitment's message, 0x11 ‖ uint16be(length) ‖ origin, and returns its length.
 * @throws VeiltrailError `commitment_origin`
 */
export function writeCommitmentHead(origin: string, out: Uint8Array, at: number): number {
  const bytes = utf8(origin);
  if (bytes.length === 0 || bytes.length > limits.originBytesMax) {
    throw new VeiltrailError('commitment_origin', `an origin has 1 to ${limits.originBytesMax} bytes`);
  }
  out[at] = 0x11;
  out[at + 1] = 0;
  out[at + 2] = bytes.length;
  out.set(bytes, at + 3);
  return 3 + bytes.length;
}

function closeRecord(length: number): Uint8Array {
  const commitment = new Uint8Array(digestBytes);
  sha256Into(recordMessage.subarray(0, length), commitment, 0);
  return commitment;
}

/** Writes a pointer; its value digest goes to `digestAt`. */
function openField(pointer: string): Message {
  const message = pointer.length <= sharedUnitsMax ? fieldMessage : createMessage(0x10, pointerAt, pointer.length);
  const length = writeText(pointer, message);
  if (length > limits.pointerBytesMax) throw new VeiltrailError('pointer_too_long', `a pointer longer than ${limits.pointerBytesMax} bytes`);
  message.bytes[1] = length >>> 8;
  message.bytes[2] = length & 0xff;
  message.digestAt = pointerAt + length;
  return message;
}

function valueDigestInto(from: Uint8Array, saltAt: number, value: string, out: Uint8Array, at: number): void {
  const message = value.length <= sharedUnitsMax ? valueMessage : createMessage(0x12, valueAt, value.length);
  for (let i = 0; i < saltBytes; i++) message.bytes[1 + i] = from[saltAt + i] as number;
  sha256Into(prefixOf(message, valueAt + writeText(value, message)), out, at);
}

/** A buffer to hash from, with the views into it that are needed again and again: making one costs as much as hashing a short message. */
interface Message {
  readonly bytes: Uint8Array;
  readonly textAt: number;
  /** All bytes from `textAt` on. */
  readonly text: Uint8Array;
  /** The first n bytes, once made. */
  readonly prefixes: (Uint8Array | undefined)[];
  digestAt: number;
}

function createMessage(mark: number, textAt: number, units = sharedUnitsMax): Message {
  const bytes = new Uint8Array(textAt + 3 * units + digestBytes);
  bytes[0] = mark;
  return {
    bytes,
    textAt,
    text: bytes.subarray(textAt),
    prefixes: Array.from({ length: units === sharedUnitsMax ? bytes.length + 1 : 0 }),
    digestAt: 0,
  };
}

function prefixOf(message: Message, length: number): Uint8Array {
  return (message.prefixes[length] ??= message.bytes.subarray(0, length));
}

/** Writes the UTF-8 of a text and returns its length in bytes. */
function writeText(text: string, { bytes, textAt, text: room }: Message): number {
  const units = text.length;
  if (units > loopUnitsMax) return encodeText(text, room);
  for (let i = 0; i < units; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return encodeText(text, room);
    bytes[textAt + i] = unit;
  }
  return units;
}

function encodeText(text: string, room: Uint8Array): number {
  const { read, written } = encoder.encodeInto(text, room);
  invariant(read === text.length, 'a buffer holds three bytes for each UTF-16 unit');
  return written;
}
