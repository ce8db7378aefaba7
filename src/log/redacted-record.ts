/**
 * A record some of whose values were destroyed after it was committed to. Its commitment still opens: what is left of a destroyed value is its
 * digest. The seed, which opens every field of a record, is gone; the salts of the fields that stay are written out instead.
 *
 * ```
 * packed record = 0x02 ‖ uint32be(field count) ‖ fields                                          (form 2)
 * field         = 0x00 ‖ salt[16] ‖ uint16be(length) ‖ pointer ‖ uint32be(length) ‖ value        kept
 *               | 0x01 ‖ uint64be(tombstone) ‖ uint16be(length) ‖ pointer ‖ value digest[32]     its value redacted
 *               | 0x02 ‖ uint64be(tombstone) ‖ field digest[32]                                  redacted, pointer and all
 * ```
 * Every field of the record stands there, in its place. Tombstone: the leaf, of the same log, that says why. Golden vectors:
 * tests/vectors/redacted-record.json.
 */
import { compareUtf8, concatBytes, decodeUtf8, uint16be, uint32be, uint64be, utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { commitFieldDigests, deriveSalts, digestBytes, fieldDigest, saltBytes, valueDigest } from './commitment.ts';
import { unpackRecord } from './packed-record.ts';
import type { Field } from './record.ts';

export const redactedForm = 0x02;

/** A field that stays, and what opens its digest. */
export interface KeptField extends Field {
  /** 16 bytes. */
  readonly salt: Uint8Array;
}

/** A field whose value is destroyed. */
export interface ValueRedacted {
  readonly pointer: string;
  readonly valueDigest: Uint8Array;
  readonly tombstone: number;
}

/** A field of which only its digest is left. */
export interface WholeRedacted {
  readonly fieldDigest: Uint8Array;
  readonly tombstone: number;
}

export type RedactableField = KeptField | ValueRedacted | WholeRedacted;

const kept = 0x00;
const valueGone = 0x01;
const allGone = 0x02;
const headerBytes = 5;

export function isKept(field: RedactableField): field is KeptField {
  return 'salt' in field;
}

/** @throws VeiltrailError `commitment_fields`, `pointer_too_long` */
export function packRedacted(fields: readonly RedactableField[]): Uint8Array {
  if (fields.length === 0) throw new VeiltrailError('commitment_fields', 'a record has at least one field');
  return concatBytes(Uint8Array.of(redactedForm), uint32be(fields.length), ...fields.flatMap(packField));
}

function packField(field: RedactableField): Uint8Array[] {
  if (isKept(field))
    return [Uint8Array.of(kept), field.salt, ...withLength(uint16be, pointerBytes(field.pointer)), ...withLength(uint32be, utf8(field.value))];
  if ('fieldDigest' in field) return [Uint8Array.of(allGone), uint64be(field.tombstone), field.fieldDigest];
  return [Uint8Array.of(valueGone), uint64be(field.tombstone), ...withLength(uint16be, pointerBytes(field.pointer)), field.valueDigest];
}

function withLength(format: (length: number) => Uint8Array, bytes: Uint8Array): Uint8Array[] {
  return [format(bytes.length), bytes];
}

function pointerBytes(pointer: string): Uint8Array {
  const bytes = utf8(pointer);
  if (bytes.length > limits.pointerBytesMax) throw new VeiltrailError('pointer_too_long', `a pointer longer than ${limits.pointerBytesMax} bytes`);
  return bytes;
}

/**
 * Reads one packed record of form 2 that fills `bytes`.
 * @throws VeiltrailError `bad_record` for anything that {@link packRedacted} would not write, `invalid_utf8`
 */
export function unpackRedacted(bytes: Uint8Array): RedactableField[] {
  const from = new Cursor(bytes);
  if (from.byte() !== redactedForm) throw bad('unknown form');
  const count = from.number(4);
  if (count === 0) throw bad('no fields');
  const fields: RedactableField[] = [];
  let previous: string | undefined;
  for (let i = 0; i < count; i++) {
    const field = readField(from);
    if (!('fieldDigest' in field)) {
      if (previous !== undefined && compareUtf8(previous, field.pointer) >= 0) throw bad('fields out of order');
      previous = field.pointer;
    }
    fields.push(field);
  }
  if (!from.isAtEnd) throw bad('bytes behind its end');
  return fields;
}

function readField(from: Cursor): RedactableField {
  switch (from.byte()) {
    case kept: {
      const salt = from.bytes(saltBytes);
      const pointer = from.text(2);
      return { pointer, value: from.text(4), salt };
    }
    case valueGone: {
      const tombstone = from.leafIndex();
      return { pointer: from.text(2), valueDigest: from.bytes(digestBytes), tombstone };
    }
    case allGone: {
      const tombstone = from.leafIndex();
      return { fieldDigest: from.bytes(digestBytes), tombstone };
    }
    default:
      throw bad('a field of an unknown kind');
  }
}

class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    if (bytes.length < headerBytes) throw bad('cut short');
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw bad('cut short');
    const bytes = this.#bytes.slice(this.#at, end);
    this.#at = end;
    return bytes;
  }

  byte(): number {
    return this.number(1);
  }

  /** Big-endian. */
  number(length: number): number {
    let value = 0;
    for (const byte of this.bytes(length)) value = value * 256 + byte;
    return value;
  }

  leafIndex(): number {
    const leafIndex = this.number(8);
    if (!Number.isSafeInteger(leafIndex)) throw bad('a tombstone at no leaf');
    return leafIndex;
  }

  text(lengthBytes: number): string {
    return decodeUtf8(this.bytes(this.number(lengthBytes)));
  }
}

/** The commitment that the record's entry holds, from what is left of the record. @throws VeiltrailError `bad_record`, `invalid_utf8`, `commitment_origin` */
export function commitRedacted(origin: string, packed: Uint8Array): Uint8Array {
  return commitFieldDigests(origin, unpackRedacted(packed).map(digestOf));
}

function digestOf(field: RedactableField): Uint8Array {
  if ('fieldDigest' in field) return field.fieldDigest;
  return fieldDigest(field.pointer, isKept(field) ? valueDigest(field.salt, field.value) : field.valueDigest);
}

export interface Redaction {
  /** Pointers of the fields whose values go. */
  readonly pointers: ReadonlySet<string>;
  /** The pointers go, too. */
  readonly hidePointers: boolean;
  /** The leaf that says why. */
  readonly tombstone: number;
}

/**
 * A record, of either form, without these values.
 * @returns undefined when nothing of it was there any more
 * @throws VeiltrailError `bad_record`, `invalid_utf8`
 */
export function redactRecord(packed: Uint8Array, { pointers, hidePointers, tombstone }: Redaction): Uint8Array | undefined {
  let changed = false;
  const fields = fieldsOf(packed).map((field): RedactableField => {
    if ('fieldDigest' in field || !pointers.has(field.pointer) || (!isKept(field) && !hidePointers)) return field;
    changed = true;
    if (hidePointers) return { fieldDigest: digestOf(field), tombstone: isKept(field) ? tombstone : field.tombstone };
    return { pointer: field.pointer, valueDigest: valueDigest((field as KeptField).salt, (field as KeptField).value), tombstone };
  });
  return changed ? packRedacted(fields) : undefined;
}

/** The fields of a record of either form, each with its salt. @throws VeiltrailError `bad_record`, `invalid_utf8` */
export function fieldsOf(packed: Uint8Array): RedactableField[] {
  if (packed[0] === redactedForm) return unpackRedacted(packed);
  const { fields, seed } = unpackRecord(packed);
  return saltFields(fields, seed);
}

/** Fields as committed, each with its salt. @throws VeiltrailError `commitment_seed` */
export function saltFields(fields: readonly Field[], seed: Uint8Array): KeptField[] {
  const salts = deriveSalts(seed, fields.length);
  return fields.map(({ pointer, value }, i) => ({ pointer, value, salt: salts.slice(saltBytes * i, saltBytes * (i + 1)) }));
}

function bad(what: string): VeiltrailError {
  return new VeiltrailError('bad_record', `not a packed record: ${what}`);
}
