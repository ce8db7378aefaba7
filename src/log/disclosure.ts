/**
 * Disclosures: some values of a record, provably in the log, and nothing else of it. JSON (UTF-8, RFC 8259), strictly parsed: no member twice,
 * none unknown, none missing.
 *
 * ```
 * {
 *   "format": "veiltrail.disclosure/v1",
 *   "fields": [
 *     {"pointer": P, "value": V, "salt": S},       shown
 *     {"pointer": P, "valueDigest": D},            kept back, or redacted
 *     {"fieldDigest": D}                           redacted, pointer and all
 *   ],
 *   "receipt": "c2sp.org/tlog-proof@v1\n…"
 * }
 * ```
 * Every field of the record stands there, in its place. S is the base64 of 16 bytes, D that of 32. V is the value itself; what was
 * committed to is its RFC 8785 text. The origin, part of the commitment too, is that of the receipt's checkpoint.
 */
import { decodeBase64, encodeBase64 } from '../core/base64.ts';
import { decodeUtf8 } from '../core/bytes.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../core/json.ts';
import { limits } from '../core/limits.ts';
import { commitFieldDigests, digestBytes, fieldDigest, saltBytes, valueDigest } from './commitment.ts';
import { parseProof } from './proof.ts';
import { checkFieldOrder, type Field, parseFieldValue, wholePointer } from './record.ts';
import { type RedactableField, saltFields } from './redacted-record.ts';

/** A field whose value is shown: the RFC 8785 text and its salt. */
export interface ShownField extends Field {
  readonly salt: Uint8Array;
}

/** A field whose value is kept back, or was redacted. */
export interface HiddenField {
  readonly pointer: string;
  readonly valueDigest: Uint8Array;
}

/** A field redacted with its pointer. */
export interface RedactedField {
  readonly fieldDigest: Uint8Array;
}

export type DisclosedField = ShownField | HiddenField | RedactedField;

export interface Disclosure {
  /** All fields of the record, in its order. */
  readonly fields: readonly DisclosedField[];
  /** The `.tlog-proof` of the record's entry. */
  readonly receipt: string;
}

export const disclosureFormat = 'veiltrail.disclosure/v1';
/** UTF-16 units, or bytes: the largest record, its digests and salts, and a receipt. */
const disclosureLengthMax = 8 * 1_048_576;

/** What a disclosure is made from: a record as committed, or one of which some values were redacted since (`fieldsOf`). */
export type DisclosableRecord =
  | { readonly fields: readonly Field[]; readonly seed: Uint8Array }
  | { readonly redactable: readonly RedactableField[] };

/**
 * The disclosure of some fields of a record. What was redacted stays so.
 * @param record its fields and what opens them, and its receipt
 * @param shown pointers of the fields to show
 * @throws VeiltrailError `disclosure_pointer` when a pointer to show is none of the record's, or was redacted; `commitment_seed`
 */
export function createDisclosure(record: DisclosableRecord & { readonly receipt: string }, shown: ReadonlySet<string>): Disclosure {
  const redactable = 'seed' in record ? saltFields(record.fields, record.seed) : record.redactable;
  const fields = redactable.map((field): DisclosedField => {
    if ('fieldDigest' in field) return { fieldDigest: field.fieldDigest };
    const { pointer } = field;
    if ('valueDigest' in field) return { pointer, valueDigest: field.valueDigest };
    const { salt, value } = field;
    return shown.has(pointer) ? { pointer, value, salt } : { pointer, valueDigest: valueDigest(salt, value) };
  });
  if (fields.filter(isShown).length !== shown.size)
    throw new VeiltrailError('disclosure_pointer', 'the record has no such field to show: a field is named by its pointer, such as /action');
  return { fields, receipt: record.receipt };
}

/** The commitment that a disclosure opens, in the log of that origin. */
export function commitDisclosure(origin: string, { fields }: Pick<Disclosure, 'fields'>): Uint8Array {
  return commitFieldDigests(origin, fields.map(digestOfField));
}

export function isShown(field: DisclosedField): field is ShownField {
  return 'salt' in field;
}

export function isRedacted(field: DisclosedField): field is RedactedField {
  return 'fieldDigest' in field;
}

/** A field whose pointer stands in the disclosure. */
export function isNamed(field: DisclosedField): field is ShownField | HiddenField {
  return !isRedacted(field);
}

function digestOfField(field: DisclosedField): Uint8Array {
  if (isRedacted(field)) return field.fieldDigest;
  return fieldDigest(field.pointer, isShown(field) ? valueDigest(field.salt, field.value) : field.valueDigest);
}

/** The text of a disclosure, indented for people. @throws VeiltrailError for what {@link parseDisclosure} would not take */
export function formatDisclosure({ fields, receipt }: Disclosure): string {
  const text = `${JSON.stringify({ format: disclosureFormat, fields: fields.map(jsonOfField), receipt }, undefined, 2)}\n`;
  parseDisclosure(text);
  return text;
}

/** A field as disclosures write it. */
export function jsonOfField(field: DisclosedField): JsonObject {
  if (isRedacted(field)) return { fieldDigest: encodeBase64(field.fieldDigest) };
  const { pointer } = field;
  if (!isShown(field)) return { pointer, valueDigest: encodeBase64(field.valueDigest) };
  return { pointer, value: parseFieldValue(pointer, field.value), salt: encodeBase64(field.salt) };
}

/**
 * A disclosure as written, checked in form but not against any log: `verifyDisclosure` does that.
 * @throws VeiltrailError `disclosure_syntax`; what `parseJson` and `parseProof` throw; `fields_order`, `fields_pointer`, `fields_value`,
 * `fields_parent`, `fields_length` for fields that no record can have
 */
export function parseDisclosure(disclosure: string | Uint8Array): Disclosure {
  if (disclosure.length > disclosureLengthMax) throw badDisclosure('longer than allowed');
  const text = typeof disclosure === 'string' ? disclosure : decodeUtf8(disclosure);
  // A field takes five values at the most, and its own value is as deep as a record.
  const { value, notes } = parseJson(text, { depthMax: limits.depthMax + 4, nodesMax: 6 * limits.nodesMax });
  if (notes.length > 0) throw badDisclosure('a number that JavaScript does not hold exactly');
  const { format: named, fields, receipt, ...others } = membersOf(value);
  if (named !== disclosureFormat) throw badDisclosure('not of version 1');
  if (Object.keys(others).length > 0 || !Array.isArray(fields) || typeof receipt !== 'string') throw badDisclosure('its members');
  const parsed = parseDisclosedFields(fields);
  parseProof(receipt);
  return { fields: parsed, receipt };
}

/** The fields of a disclosure, out of its JSON. @throws VeiltrailError as {@link parseDisclosure} */
export function parseDisclosedFields(fields: readonly JsonValue[]): DisclosedField[] {
  if (fields.length === 0) throw badDisclosure('no fields');
  const parsed = fields.map(parseField);
  checkFields(parsed);
  return parsed;
}

function parseField(json: JsonValue): DisclosedField {
  const members = membersOf(json);
  const { pointer, value, salt, valueDigest: ofValue, fieldDigest: ofField } = members;
  const names = Object.keys(members).toSorted().join();
  if (names === 'fieldDigest') return { fieldDigest: parseBytes(ofField, digestBytes) };
  if (typeof pointer !== 'string') throw badDisclosure('the members of a field');
  if (names === 'pointer,valueDigest') return { pointer, valueDigest: parseBytes(ofValue, digestBytes) };
  if (names !== 'pointer,salt,value') throw badDisclosure('the members of a field');
  return { pointer, value: canonicalJson(value as JsonValue), salt: parseBytes(salt, saltBytes) };
}

/** What can be said of the fields without the values kept back: their order, and that they fit in one record. */
function checkFields(fields: readonly DisclosedField[]): void {
  const named = fields.filter(isNamed);
  checkFieldOrder(named);
  const places = new Map<string, { value: JsonValue | undefined; below: Set<string> }>();
  for (const field of named) {
    const value = isShown(field) ? parseFieldValue(field.pointer, field.value) : undefined;
    // In ascending order a parent comes before what is below it.
    for (const { parent, step } of ancestorsOf(field.pointer)) places.get(parent)?.below.add(step);
    places.set(field.pointer, { value, below: new Set() });
  }
  const complete = named.length === fields.length;
  for (const [pointer, { value, below }] of places) {
    if (below.size > 0) checkParent(pointer, value, below, complete);
    else if (pointer === '' && (fields.length > 1 || (value !== undefined && !isJsonObject(value)))) throw badParent();
  }
}

/** A field with others below it is an array of some containers, and its value their number; but `/privacy/applied` is one field. */
function checkParent(pointer: string, value: JsonValue | undefined, below: ReadonlySet<string>, complete: boolean): void {
  if (pointer === wholePointer || pointer === '' || (value !== undefined && typeof value !== 'number')) throw badParent();
  const length = value ?? (complete ? below.size : Infinity);
  if (complete && below.size !== length) throw badLength();
  for (const step of below) if (!/^(?:0|[1-9]\d{0,9})$/.test(step) || Number(step) >= length) throw badLength();
}

/** Every pointer above this one, with the step that leads down from there. */
function ancestorsOf(pointer: string): { parent: string; step: string }[] {
  const steps = pointer.split('/');
  if (steps.length > limits.depthMax + 2) throw new VeiltrailError('fields_pointer', 'nested too deeply');
  return steps.slice(1).map((step, i) => ({ parent: steps.slice(0, i + 1).join('/'), step }));
}

function membersOf(json: JsonValue): JsonObject {
  if (!isJsonObject(json)) throw badDisclosure('not an object');
  return json;
}

function parseBytes(json: JsonValue | undefined, length: number): Uint8Array {
  if (typeof json !== 'string') throw badDisclosure('the members of a field');
  const bytes = decodeBase64(json);
  if (bytes.length !== length) throw badDisclosure(`not ${length} bytes in base64`);
  return bytes;
}

function badParent(): VeiltrailError {
  return new VeiltrailError('fields_parent', 'a scalar has fields below it');
}

function badLength(): VeiltrailError {
  return new VeiltrailError('fields_length', 'an array has not the elements that it says');
}

function badDisclosure(what: string): VeiltrailError {
  return new VeiltrailError('disclosure_syntax', `not a disclosure: ${what}`);
}
