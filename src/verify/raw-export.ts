/**
 * Verifies a raw export (docs/reference/raw-export.md), a line at a time: each record's fields, with their salts, lead to an entry of the log; each
 * value to the token that stands in the record; and the event that is shown is that record with those values, and nothing else.
 */
import { toHex, utf8 } from '../core/bytes.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../core/json.ts';
import { limits } from '../core/limits.ts';
import { createSha256 } from '../core/sha256.ts';
import { type CheckpointTrust, openCheckpoint } from '../log/checkpoint.ts';
import { type Disclosure, isNamed, isShown, parseDisclosure } from '../log/disclosure.ts';
import { parseProof } from '../log/proof.ts';
import { type Field, unflattenRecord } from '../log/record.ts';
import { verifyDisclosure } from './disclosure.ts';
import { putBack } from './put-back.ts';
import { verifyRevealed } from './token-opening.ts';

export const rawExportFormat = 'veiltrail.raw-export/v1';

/** UTF-16 units of a line: an event twice, its salts, its receipt and openings. */
export const rawExportLineMax = 32 * 1_048_576;

export interface VerifiedRawExport {
  origin: string;
  treeSize: number;
  /** Records that were verified. */
  events: number;
  /** Lines of records that were gone when the file was made, as the file says: nothing in it proves that. */
  removed: number;
  /** Values that were redacted, as the file says: that there is a value, and what it commits to, is proved; that it was redacted is not. */
  redacted: number;
  /** Places at which a value stands, each verified against its token. */
  values: number;
  /** What the file says of itself, which nothing proves. */
  head: JsonObject;
}

/** Takes the lines in their order, without their line feeds. */
export class RawExportVerifier {
  readonly #trust: CheckpointTrust;
  readonly #hash = createSha256();
  #head: JsonObject | undefined;
  #treeSize = 0;
  #last = -1;
  #events = 0;
  #removed = 0;
  #redacted = 0;
  #values = 0;
  #ended = false;

  constructor(trust: CheckpointTrust) {
    this.#trust = trust;
  }

  /** @throws VeiltrailError `raw_export_syntax`, `raw_export_mismatch`, `opening_mismatch`, and what `verifyDisclosure` and `openCheckpoint` throw */
  add(line: string): void {
    if (this.#ended) throw syntax('there are lines behind its end');
    const value = parseLine(line);
    if (this.#head === undefined) this.#begin(value);
    else if (value['end'] === true) return this.#end(value);
    else this.#record(value);
    this.#hash.update(utf8(`${line}\n`));
  }

  /** What was verified. @throws VeiltrailError `raw_export_syntax` where the file ends before its last line */
  end(): VerifiedRawExport {
    if (this.#head === undefined || !this.#ended) throw syntax('it ends before its last line: it was cut short');
    const counts = { events: this.#events, removed: this.#removed, redacted: this.#redacted, values: this.#values };
    return { origin: this.#trust.origin, treeSize: this.#treeSize, ...counts, head: this.#head };
  }

  #begin(head: JsonObject): void {
    const { format, checkpoint } = head;
    if (format !== rawExportFormat || typeof checkpoint !== 'string') throw syntax('its first line is not that of a raw export');
    this.#treeSize = openCheckpoint(checkpoint, this.#trust).treeSize;
    this.#head = head;
  }

  #record(line: JsonObject): void {
    const { leafIndex, removed, event, revealed, redacted, disclosure } = line;
    if (typeof leafIndex !== 'number' || !Number.isSafeInteger(leafIndex) || leafIndex <= this.#last) throw syntax('leaf indexes are not ascending');
    if (leafIndex >= this.#treeSize) throw mismatch(leafIndex, 'the log had no such leaf');
    this.#last = leafIndex;
    if (removed === true) return void this.#removed++;
    if (!isJsonObject(event) || !Array.isArray(revealed) || !isJsonObject(disclosure)) throw syntax('a line is not that of an event');
    const text = JSON.stringify(disclosure);
    const parsed = parseDisclosure(text);
    if (parseProof(parsed.receipt).checkpoint !== this.#head?.['checkpoint']) throw mismatch(leafIndex, 'its receipt is under another checkpoint');
    if (verifyDisclosure(text, this.#trust).leafIndex !== leafIndex) throw mismatch(leafIndex, 'its receipt is that of another leaf');
    const gone = redactedOf(redacted, leafIndex, this.#treeSize);
    const values = revealed.length === 0 ? new Map<string, { kind: string; value: string }>() : valuesOf(revealed, leafIndex);
    const used = new Set<string>();
    const expected = putBack(recordOfDisclosure(parsed, redacted), ({ pointer, token }) => {
      const name = `${pointer}\n${token}`;
      used.add(name);
      return values.get(name);
    });
    for (const name of values.keys()) if (!used.has(name)) throw mismatch(leafIndex, 'a value is of a token that the record does not have there');
    if (canonicalJson(expected) !== canonicalJson(event)) throw mismatch(leafIndex, 'the event is not the record with these values');
    this.#events++;
    this.#redacted += gone;
    this.#values += values.size;
  }

  #end({ events, removed, values, sha256 }: JsonObject): void {
    if (events !== this.#events || removed !== this.#removed || values !== this.#values || sha256 !== toHex(this.#hash.digest()))
      throw syntax('its last line does not fit the others');
    this.#ended = true;
  }
}

/**
 * How many values a line says were redacted. What tells of it comes after the record and was in the log: else nothing can.
 * @throws VeiltrailError `raw_export_syntax`, `raw_export_mismatch`
 */
function redactedOf(redacted: JsonValue | undefined, leafIndex: number, treeSize: number): number {
  if (redacted === undefined) return 0;
  if (!Array.isArray(redacted)) throw syntax('what is said to be redacted is no list');
  for (const one of redacted) {
    const { pointer, tombstone } = isJsonObject(one) ? one : {};
    if (typeof tombstone !== 'number' || !Number.isSafeInteger(tombstone) || (pointer !== undefined && typeof pointer !== 'string'))
      throw syntax('what is said to be redacted has no tombstone');
    if (tombstone <= leafIndex || tombstone >= treeSize) throw mismatch(leafIndex, 'the log had no such tombstone behind it');
  }
  return redacted.length;
}

/**
 * What a disclosure shows of a record. What was redacted says so where it stood; what is kept back leaves a gap.
 * @param redacted `[{pointer?, tombstone}]`, as the line has it
 * @throws VeiltrailError `raw_export_syntax` for a value that is said to be redacted and is shown
 */
export function recordOfDisclosure({ fields }: Pick<Disclosure, 'fields'>, redacted: JsonValue | undefined): JsonObject {
  const tombstones = new Map<JsonValue | undefined, JsonValue | undefined>();
  for (const one of Array.isArray(redacted) ? redacted : []) if (isJsonObject(one)) tombstones.set(one['pointer'], one['tombstone']);
  const shown = fields.filter(isNamed).flatMap((field): Field[] => {
    const tombstone = tombstones.get(field.pointer);
    if (tombstone === undefined) return isShown(field) ? [field] : [];
    if (isShown(field) || typeof tombstone !== 'number') throw syntax('what is said to be redacted is not');
    return [{ pointer: field.pointer, value: JSON.stringify(`[REDACTED leaf ${tombstone}]`) }];
  });
  return shown.length === 0 ? {} : unflattenRecord(shown, shown.length < fields.length || tombstones.size > 0);
}

/** The values, by pointer and token; each opening is that of its token. */
function valuesOf(revealed: readonly JsonValue[], leafIndex: number): Map<string, { kind: string; value: string }> {
  const checked = verifyRevealed(JSON.stringify({ tokens: revealed }));
  const values = new Map<string, { kind: string; value: string }>();
  for (const [i, { token, kind, value }] of checked.entries()) {
    const pointer = (revealed[i] as JsonObject)['pointer'];
    if (typeof pointer !== 'string' || values.has(`${pointer}\n${token}`)) throw mismatch(leafIndex, 'a value has no place of its own');
    values.set(`${pointer}\n${token}`, { kind, value });
  }
  return values;
}

function parseLine(line: string): JsonObject {
  if (line.length > rawExportLineMax) throw syntax('a line is too long');
  const { value, notes } = parseJson(line, { depthMax: limits.depthMax + 8, nodesMax: 16 * limits.nodesMax });
  if (!isJsonObject(value) || notes.length > 0) throw syntax('a line is no JSON object');
  return value;
}

function syntax(what: string): VeiltrailError {
  return new VeiltrailError('raw_export_syntax', `not a raw export: ${what}`);
}

function mismatch(leafIndex: number, what: string): VeiltrailError {
  return new VeiltrailError('raw_export_mismatch', `leaf ${leafIndex}: ${what}`, { leafIndex });
}
