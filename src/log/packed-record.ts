/**
 * A record as stored: the fields that were committed, and what opens the commitment. One layout from the pipeline's worker to the disk, so
 * that nothing is parsed again on the way.
 *
 * ```
 * packed record = 0x01 ‖ seed[32] ‖ uint32be(field count) ‖ fields          (form 1: salts follow from the seed)
 * field         = uint16be(pointer length) ‖ pointer ‖ uint32be(value length) ‖ value
 * ```
 * Pointers (RFC 6901) and values (RFC 8785) are UTF-8; fields are in strictly ascending order of their pointers' bytes. A record of which some
 * values were destroyed has form 2: `redacted-record.ts`.
 */
import { compareUtf8, decodeUtf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { seedBytes } from './commitment.ts';
import type { Field } from './record.ts';

export const packedForm = 0x01;
const headerBytes = 1 + seedBytes + 4;

export interface PackedRecord {
  seed: Uint8Array;
  fields: Field[];
}

const encoder = new TextEncoder();

/** Bytes that {@link packRecord} may need at the most. */
export function packedBytesMax(fields: readonly Field[]): number {
  let bytes = headerBytes;
  for (const { pointer, value } of fields) bytes += 6 + 3 * (pointer.length + value.length);
  return bytes;
}

/** Writes a record into `out` at `at`; returns the offset behind it. `out` must have {@link packedBytesMax} bytes left. */
export function packRecord(out: Uint8Array, at: number, seed: Uint8Array, fields: readonly Field[]): number {
  out[at] = packedForm;
  out.set(seed, at + 1);
  writeUint32(out, at + 1 + seedBytes, fields.length);
  let to = at + headerBytes;
  for (const { pointer, value } of fields) {
    const pointerBytes = writeUtf8(out, to + 2, pointer);
    if (pointerBytes > 0xffff) throw new VeiltrailError('pointer_too_long', 'a pointer of more than 65,535 bytes');
    out[to] = pointerBytes >>> 8;
    out[to + 1] = pointerBytes & 0xff;
    to += 2 + pointerBytes;
    const valueBytes = writeUtf8(out, to + 4, value);
    writeUint32(out, to, valueBytes);
    to += 4 + valueBytes;
  }
  return to;
}

/**
 * Reads one packed record that fills `bytes`.
 * @throws VeiltrailError `bad_record` for anything that {@link packRecord} would not write
 */
export function unpackRecord(bytes: Uint8Array): PackedRecord {
  if (bytes.length < headerBytes || bytes[0] !== packedForm) throw bad('unknown form');
  const seed = bytes.subarray(1, 1 + seedBytes);
  const count = readUint32(bytes, 1 + seedBytes);
  const fields: Field[] = [];
  let at = headerBytes;
  let previous: string | undefined;
  for (let i = 0; i < count; i++) {
    if (at + 2 > bytes.length) throw bad('cut short');
    const pointerEnd = at + 2 + (((bytes[at] as number) << 8) | (bytes[at + 1] as number));
    if (pointerEnd + 4 > bytes.length) throw bad('cut short');
    const pointer = readUtf8(bytes, at + 2, pointerEnd);
    const valueEnd = pointerEnd + 4 + readUint32(bytes, pointerEnd);
    if (valueEnd > bytes.length) throw bad('cut short');
    if (previous !== undefined && compareUtf8(previous, pointer) >= 0) throw bad('fields out of order');
    fields.push({ pointer, value: readUtf8(bytes, pointerEnd + 4, valueEnd) });
    previous = pointer;
    at = valueEnd;
  }
  if (at !== bytes.length) throw bad('bytes behind its end');
  return { seed, fields };
}

function bad(what: string): VeiltrailError {
  return new VeiltrailError('bad_record', `not a packed record: ${what}`);
}

function writeUint32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = (value >>> 16) & 0xff;
  out[at + 2] = (value >>> 8) & 0xff;
  out[at + 3] = value & 0xff;
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) * 0x100_0000 + (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
}

/** Short ASCII, which is nearly everything, is cheaper byte by byte than through the encoder. */
function writeUtf8(out: Uint8Array, at: number, text: string): number {
  if (text.length > 48) return encoder.encodeInto(text, out.subarray(at)).written;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return encoder.encodeInto(text, out.subarray(at)).written;
    out[at + i] = unit;
  }
  return text.length;
}

function readUtf8(bytes: Uint8Array, from: number, to: number): string {
  if (to - from > 48) return decodeUtf8(bytes.subarray(from, to));
  let text = '';
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number;
    if (byte > 0x7f) return decodeUtf8(bytes.subarray(from, to));
    text += String.fromCharCode(byte);
  }
  return text;
}
