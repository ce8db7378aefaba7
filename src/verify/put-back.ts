/**
 * Puts the values that were revealed back where their tokens stand in a record: in texts, in names of members, in texts that hold JSON. Shapes of
 * tokens go with them (`tok_…@token.invalid`, `user-tok_…-token`, `phone:tok_…`). What was done to the record (`/privacy/applied`) stays as it is.
 */
import { isJsonObject, type JsonObject, type JsonValue, setOwn } from '../core/json.ts';
import { escapePointer, wholePointer } from '../log/record.ts';

/** A token where it stands. */
export interface TokenPlace {
  /** RFC 6901, of the record as committed: of the text it stands in, or of the member in whose name. */
  pointer: string;
  token: string;
}

/** What stands for a token at a place; undefined: it stays. */
export type ValueAt = (place: TokenPlace) => { kind: string; value: string } | undefined;

const shaped = /(?:([a-z][a-z0-9_]{0,63}):|[a-z][a-z0-9-]{0,63}-(?=tok_[A-Za-z0-9_-]{27}-token))?(tok_[A-Za-z0-9_-]{27})(@token\.invalid|-token)?/g;

/** Every token of a record, each place and token once, in the order in which they stand there. */
export function tokenPlaces(record: JsonObject): TokenPlace[] {
  const places = new Map<string, TokenPlace>();
  putBack(record, (place) => {
    places.set(`${place.pointer}\n${place.token}`, place);
    return undefined;
  });
  return [...places.values()];
}

/** A copy of the record with the values in their places. */
export function putBack(record: JsonObject, valueAt: ValueAt): JsonObject {
  return inObject(record, '', valueAt);
}

function inObject(object: JsonObject, pointer: string, valueAt: ValueAt): JsonObject {
  const out: JsonObject = {};
  for (const [name, value] of Object.entries(object)) {
    const at = `${pointer}/${escapePointer(name)}`;
    const shown = inText(name, at, valueAt);
    // Two names may stand for one: then the second keeps its token.
    setOwn(out, Object.hasOwn(out, shown) ? name : shown, inValue(value, at, valueAt));
  }
  return out;
}

function inValue(value: JsonValue, pointer: string, valueAt: ValueAt): JsonValue {
  if (pointer === wholePointer) return value;
  if (typeof value === 'string') return inText(value, pointer, valueAt);
  if (Array.isArray(value)) return value.map((one, i) => inValue(one, `${pointer}/${i}`, valueAt));
  return isJsonObject(value) ? inObject(value, pointer, valueAt) : value;
}

function inText(text: string, pointer: string, valueAt: ValueAt): string {
  if (!text.includes('tok_')) return text;
  let holdsJson: boolean | undefined;
  return text.replaceAll(shaped, (all: string, prefix: string | undefined, token: string, behind: string | undefined) => {
    const found = valueAt({ pointer, token });
    if (!found) return all;
    holdsJson ??= isJsonText(text);
    const value = holdsJson ? JSON.stringify(found.value).slice(1, -1) : found.value;
    if (prefix === undefined) return value;
    // `phone:tok_…` by itself is a shape; within a text it may as well be what somebody wrote before a number.
    return all.length === text.length && behind === undefined && (prefix === found.kind || prefix === 'custom') ? value : `${prefix}:${value}`;
  });
}

function isJsonText(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
