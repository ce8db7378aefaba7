/** Whom an event is about, for what depends on the person: the member that a rule names, or else its actor. */
import type { JsonObject, JsonValue } from '../core/json.ts';

const defaults = ['actor.id', 'actor.email', 'actor.name'];

/** @param path names divided by dots, as the event was sent or as it is stored; absent: the actor's id, address or name, the first that is there */
export function subjectOf(event: JsonObject, path: string | undefined): string | undefined {
  for (const one of path === undefined ? defaults : [path, `metadata.${path}`]) {
    const value = valueAt(event, one.split('.'));
    if (typeof value === 'number') return String(value);
    if (typeof value === 'string' && value.trim() !== '') return value;
  }
  return undefined;
}

function valueAt(event: JsonObject, names: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = event;
  for (const name of names) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}
