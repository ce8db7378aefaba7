/**
 * A stored record as people see it, whichever of the two forms it has (`packed-record.ts`, `redacted-record.ts`). Where a value was destroyed
 * stands `[REDACTED leaf N]`, N being the leaf of the log that says why.
 */
import type { JsonObject } from '../core/json.ts';
import { redactedForm, isKept, unpackRedacted } from './redacted-record.ts';
import { unpackRecord } from './packed-record.ts';
import { type Field, unflattenRecord, unflattenSealed } from './record.ts';

/** A value that was destroyed: where it stood, unless that was personal too, and the leaf that says why. */
export interface RedactedValue {
  pointer?: string;
  tombstone: number;
}

export interface OpenRecord {
  /** In ascending order; a redacted one whose pointer is known stands there with the text that says so. */
  fields: Field[];
  /** Absent where nothing was redacted. */
  redacted?: RedactedValue[];
}

/** @throws VeiltrailError `bad_record`, `invalid_utf8` */
export function openRecord(packed: Uint8Array): OpenRecord {
  if (packed[0] !== redactedForm) return { fields: unpackRecord(packed).fields };
  const fields: Field[] = [];
  const redacted: RedactedValue[] = [];
  for (const field of unpackRedacted(packed)) {
    if (isKept(field)) fields.push({ pointer: field.pointer, value: field.value });
    else if ('fieldDigest' in field) redacted.push({ tombstone: field.tombstone });
    else {
      fields.push({ pointer: field.pointer, value: JSON.stringify(redactedText(field.tombstone)) });
      redacted.push({ pointer: field.pointer, tombstone: field.tombstone });
    }
  }
  return { fields, redacted };
}

/** The record behind an {@link OpenRecord}. @throws VeiltrailError as `unflattenRecord` */
export function recordOfFields({ fields, redacted }: OpenRecord): JsonObject {
  if (!redacted) return unflattenRecord(fields);
  return fields.length === 0 ? {} : unflattenRecord(fields, true);
}

/** The same, of a record that came out of a seal of ours: see `unflattenSealed`. @throws VeiltrailError as `unflattenRecord` */
export function recordOfSealed({ fields, redacted }: OpenRecord): JsonObject {
  if (!redacted) return unflattenSealed(fields);
  return fields.length === 0 ? {} : unflattenSealed(fields, true);
}

function redactedText(tombstone: number): string {
  return `[REDACTED leaf ${tombstone}]`;
}

/** A removed record leaves an empty place. */
export function isRemoved(packed: Uint8Array): boolean {
  return packed.length === 0;
}
