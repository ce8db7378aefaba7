/** Single values of a record, by their pointers. */
import type { JsonValue } from '../core/json.ts';
import { eachField } from '../search/record-values.ts';

/**
 * The canonical JSON of the fields at some pointers, by pointer; those that the record does not have are not there.
 * @param searchable see `search/searchable-form.ts`
 * @throws VeiltrailError `bad_record`
 */
export function valuesAt(searchable: Uint8Array, pointers: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  if (pointers.length === 0) return values;
  const wanted = new Set(pointers);
  eachField(searchable, (pointer, json) => {
    if (wanted.has(pointer)) values.set(pointer, json);
  });
  return values;
}

/** A string, number or truth value as a text; what is neither, or cut short, as it stands. */
export function textOfJson(json: string): string {
  try {
    const value = JSON.parse(json) as JsonValue;
    return typeof value === 'object' ? json : String(value);
  } catch {
    return json;
  }
}
