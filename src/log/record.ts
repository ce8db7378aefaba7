/**
 * A record as fields: the record (a JSON object) flattened to (RFC 6901 pointer, canonical value) pairs in strictly ascending UTF-8 order
 * of the pointers. Fields are what is committed to, disclosed and redacted one by one, so a record has exactly one list of fields:
 *
 * - a scalar, an empty object or array, and an array of scalars is one field, its value the RFC 8785 JSON;
 * - a non-empty object is the fields of its members, and has none of its own;
 * - an array that holds an object or an array is a field whose value is its length, and the fields of its elements;
 * - `/privacy/applied` is one field, whatever it holds;
 * - the empty record is the one field (``, `{}`).
 */
import { compareUtf8, utf8 } from '../core/bytes.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, parseJson, setOwn, type JsonObject, type JsonValue } from '../core/json.ts';
import { limits } from '../core/limits.ts';

/** One field of a record: an RFC 6901 pointer (at most 65,535 UTF-8 bytes) and the RFC 8785 JSON of its value. */
export interface Field {
  readonly pointer: string;
  readonly value: string;
}

/** The list of what was done to a record is read as a whole or not at all, so it is one field. */
export const wholePointer = '/privacy/applied';

/**
 * The fields of a record, in ascending UTF-8 order of their pointers.
 * @throws VeiltrailError `record_not_object`, `pointer_too_long`, `record_too_deep`, or `not_canonical` for what JSON cannot say
 */
export function flattenRecord(record: JsonObject): Field[] {
  if (!isJsonObject(record)) throw new VeiltrailError('record_not_object', 'a record is a JSON object');
  const fields: Field[] = [];
  flatten('', record, 0, fields);
  return sortFields(fields);
}

/** Sorts fields in place by the UTF-8 bytes of their pointers. */
export function sortFields<T extends { readonly pointer: string }>(fields: T[]): T[] {
  // Members come nearly sorted (writers keep an order), which an insertion sort finishes in about one comparison each; it is quadratic
  // on anything else, so longer lists take the general sort.
  if (fields.length > 64) return fields.sort((a, b) => compareUtf8(a.pointer, b.pointer));
  for (let i = 1; i < fields.length; i++) {
    const field = fields[i] as T;
    let at = i;
    for (; at > 0 && compareUtf8((fields[at - 1] as T).pointer, field.pointer) > 0; at--) fields[at] = fields[at - 1] as T;
    fields[at] = field;
  }
  return fields;
}

/** One step of a pointer for a member name: `~` and `/` escaped (RFC 6901). */
export function escapePointer(name: string): string {
  return name.includes('~') || name.includes('/') ? name.replaceAll('~', '~0').replaceAll('/', '~1') : name;
}

function flatten(pointer: string, value: JsonValue, depth: number, fields: Field[]): void {
  if (depth > limits.depthMax) throw new VeiltrailError('record_too_deep', `nested deeper than ${limits.depthMax}`);
  if (pointer === wholePointer || typeof value !== 'object' || value === null) {
    emit(pointer, canonicalJson(value), fields);
  } else if (Array.isArray(value)) {
    if (!value.some(isContainer)) {
      emit(pointer, canonicalJson(value), fields);
      return;
    }
    emit(pointer, String(value.length), fields);
    for (let i = 0; i < value.length; i++) flatten(`${pointer}/${i}`, value[i] as JsonValue, depth + 1, fields);
  } else {
    const names = Object.keys(value);
    if (names.length === 0) emit(pointer, '{}', fields);
    for (const name of names) flatten(`${pointer}/${escapePointer(name)}`, value[name] as JsonValue, depth + 1, fields);
  }
}

function isContainer(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null;
}

function emit(pointer: string, value: string, fields: Field[]): void {
  if (pointer.length > limits.pointerBytesMax / 3 && utf8(pointer).length > limits.pointerBytesMax) throw pointerTooLong();
  if (!pointer.isWellFormed()) throw new VeiltrailError('not_canonical', 'half of a surrogate pair in a name');
  fields.push({ pointer, value });
}

function pointerTooLong(): VeiltrailError {
  return new VeiltrailError('pointer_too_long', `a pointer longer than ${limits.pointerBytesMax} bytes`);
}

/**
 * The record behind its fields. `flattenRecord(unflattenRecord(fields))` is `fields` for whatever is accepted here.
 * @throws VeiltrailError `fields_order` (not strictly ascending), `fields_pointer` (not RFC 6901, or too long), `fields_value` (not
 * canonical, or a container where fields of its own were due), `fields_parent` (a scalar as a parent), `fields_length` (an array whose
 * elements are not as many as it says), `fields_empty`; `detail.field` is the position in the list
 * @param hasGaps some fields are not there any more: what they leave of an array says `[REDACTED]` in their place
 */
export function unflattenRecord(fields: readonly Field[], hasGaps = false): JsonObject {
  checkFieldOrder(fields);
  return unflatten(fields, hasGaps, parseFieldValue);
}

/**
 * The same, of fields that were packed by us and came out of a seal of ours: values are read and not held against what flattening puts there, which
 * is most of the cost (38 → 14 µs for a record of 20 fields). Never for what somebody else hands in.
 * @throws VeiltrailError as {@link unflattenRecord}
 */
export function unflattenSealed(fields: readonly Field[], hasGaps = false): JsonObject {
  return unflatten(fields, hasGaps, readSealedValue);
}

type ReadValue = (pointer: string, value: string, position: number) => JsonValue;

function readSealedValue(_pointer: string, value: string, position: number): JsonValue {
  try {
    return JSON.parse(value) as JsonValue;
  } catch {
    throw fieldError('fields_value', 'a value is not JSON', position);
  }
}

function unflatten(fields: readonly Field[], hasGaps: boolean, readValue: ReadValue): JsonObject {
  if (fields.length === 0) throw new VeiltrailError('fields_empty', 'a record has at least one field');
  const first = fields[0] as Field;
  if (first.pointer === '') {
    if (fields.length === 1 && first.value === '{}') return {};
    throw fieldError('fields_parent', 'only the empty record is a field itself', 0);
  }
  const tree = plant(fields, readValue);
  return grow(tree, 0, '', hasGaps) as JsonObject;
}

/**
 * Checks what a verifier may not take for granted: RFC 6901 pointers of at most 65,535 bytes, strictly ascending.
 * @throws VeiltrailError `fields_pointer`, `fields_order`
 */
export function checkFieldOrder(fields: readonly { readonly pointer: string }[]): void {
  for (let i = 0; i < fields.length; i++) {
    const { pointer } = fields[i] as Field;
    if (!isPointer(pointer)) throw fieldError('fields_pointer', 'not an RFC 6901 pointer, or too long', i);
    if (i > 0 && compareUtf8((fields[i - 1] as Field).pointer, pointer) >= 0)
      throw fieldError('fields_order', 'pointers are not strictly ascending', i);
  }
}

/** RFC 6901, without lone surrogates, and at most 65,535 bytes of UTF-8. */
export function isPointer(text: string): boolean {
  return (text === '' || text.startsWith('/')) && !/~(?![01])/.test(text) && text.isWellFormed() && utf8(text).length <= limits.pointerBytesMax;
}

/**
 * The value of one field, checked to be what flattening could have put there.
 * @throws VeiltrailError `fields_value`
 */
export function parseFieldValue(pointer: string, value: string, position = 0): JsonValue {
  let parsed: JsonValue;
  try {
    parsed = parseJson(value).value;
    if (canonicalJson(parsed) !== value) throw fieldError('fields_value', 'a value is not canonical JSON', position);
  } catch {
    throw fieldError('fields_value', 'a value is not canonical JSON', position);
  }
  if (pointer === wholePointer) return parsed;
  const composite = Array.isArray(parsed) ? parsed.some(isContainer) : isJsonObject(parsed) && Object.keys(parsed).length > 0;
  if (composite) throw fieldError('fields_value', 'a container where fields of its own were due', position);
  return parsed;
}

function fieldError(code: string, message: string, position: number): VeiltrailError {
  return new VeiltrailError(code, `${message}, at field ${position}`, { field: position });
}

/** A place in the record: the position of its own field, if it has one, and the places below it. */
interface Place {
  field: number;
  value: JsonValue | undefined;
  below: Map<string, Place> | undefined;
}

function plant(fields: readonly Field[], readValue: ReadValue): Place {
  const root: Place = { field: -1, value: undefined, below: undefined };
  for (let i = 0; i < fields.length; i++) {
    const { pointer, value } = fields[i] as Field;
    const steps = pointer.slice(1).split('/');
    if (steps.length > limits.depthMax + 1) throw fieldError('fields_pointer', 'nested too deeply', i);
    let place = root;
    for (const step of steps) {
      place.below ??= new Map();
      let next = place.below.get(step);
      if (next === undefined) place.below.set(step, (next = { field: -1, value: undefined, below: undefined }));
      place = next;
    }
    place.field = i;
    place.value = readValue(pointer, value, i);
  }
  return root;
}

function grow(place: Place, parent: number, pointer: string, hasGaps: boolean): JsonValue {
  const { below, value, field } = place;
  if (below === undefined) return value as JsonValue;
  if (pointer === wholePointer) throw fieldError('fields_parent', 'fields below /privacy/applied', Math.max(field, parent));
  if (field < 0) {
    const object: JsonObject = {};
    for (const [step, child] of below)
      setOwn(object, step.replaceAll('~1', '/').replaceAll('~0', '~'), grow(child, parent, `${pointer}/${step}`, hasGaps));
    return object;
  }
  if (typeof value !== 'number') throw fieldError('fields_parent', 'a scalar has fields below it', field);
  if (below.size !== value && !(hasGaps && below.size < value))
    throw fieldError('fields_length', 'an array has not as many elements as it says', field);
  const array: JsonValue[] = [];
  for (let i = 0; i < value; i++) {
    const child = below.get(String(i));
    if (child === undefined && !hasGaps) throw fieldError('fields_length', 'an array lacks an element', field);
    array.push(child === undefined ? '[REDACTED]' : grow(child, field, `${pointer}/${i}`, hasGaps));
  }
  if (!hasGaps && !array.some(isContainer)) throw fieldError('fields_value', 'an array of scalars is one field', field);
  return array;
}
