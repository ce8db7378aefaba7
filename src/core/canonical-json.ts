/** RFC 8785, JSON Canonicalization Scheme: names in UTF-16 order, numbers as ECMAScript prints them, no white space. */
import { VeiltrailError } from './errors.ts';
import type { JsonValue } from './json.ts';

/**
 * The canonical text of a value.
 * @throws VeiltrailError `not_canonical` for what JSON cannot say: lone surrogates, NaN, infinities, undefined
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === 'string') return canonicalString(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new VeiltrailError('not_canonical', 'a number that JSON cannot say');
    return String(value === 0 ? 0 : value);
  }
  // What is in order already prints the same natively, in one call: most of what we put together is.
  if (isInOrder(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object') throw new VeiltrailError('not_canonical', 'a value that JSON cannot say');
  const names = Object.keys(value).toSorted();
  return `{${names.map((name) => `${canonicalString(name)}:${canonicalJson(value[name] as JsonValue)}`).join(',')}}`;
}

function canonicalString(text: string): string {
  if (!text.isWellFormed()) throw new VeiltrailError('not_canonical', 'half of a surrogate pair');
  return JSON.stringify(text);
}

/** Whether native JSON of the value is its canonical JSON: names ascending everywhere, and nothing in it that JSON cannot say. */
function isInOrder(value: JsonValue): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object') return typeof value === 'boolean';
  if (value === null) return true;
  if (Array.isArray(value)) return value.every(isInOrder);
  let before: string | undefined;
  for (const name of Object.keys(value)) {
    if ((before !== undefined && name < before) || !name.isWellFormed() || !isInOrder(value[name] as JsonValue)) return false;
    before = name;
  }
  return true;
}
