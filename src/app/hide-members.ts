/** Leaves out of a found event what somebody does not get to see (access/hidden-members.ts), and what the rest says of it. */
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import { createHiddenTest, type HiddenTest } from '../search/hidden.ts';
import { dottedOf } from '../search/record-values.ts';
import type { FoundEvent } from './trail.ts';

/** The event without them. `hidden` names them, so that nobody takes what is left for the whole. */
export function hideMembers({ record, restored, redacted, ...rest }: FoundEvent, hides: readonly string[]): FoundEvent {
  const isHidden = createHiddenTest(hides);
  const visible = restored?.filter(({ pointer }) => !isHidden(dottedOf(pointer)));
  const gone = redacted?.filter(({ pointer }) => pointer === undefined || !isHidden(dottedOf(pointer)));
  return {
    ...rest,
    record: visibleObject(record, '', isHidden),
    ...(visible && visible.length > 0 ? { restored: visible } : {}),
    ...(gone && gone.length > 0 ? { redacted: gone } : {}),
    hidden: [...hides],
  };
}

function visibleObject(object: JsonObject, pointer: string, isHidden: HiddenTest): JsonObject {
  const visible: JsonObject = {};
  for (const [name, value] of Object.entries(object)) {
    const at = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (isHidden(dottedOf(at))) continue;
    // Not by assignment: a member may be called __proto__.
    Object.defineProperty(visible, name, { value: visibleValue(value, at, isHidden), enumerable: true, configurable: true, writable: true });
  }
  return visible;
}

function visibleValue(value: JsonValue, pointer: string, isHidden: HiddenTest): JsonValue {
  if (Array.isArray(value)) {
    // Where something was done to a value, and to a value of which kind, is part of what is hidden.
    const shown = pointer === '/privacy/applied' || pointer === '/ingestNotes' ? value.filter((one) => !tellsOfHidden(one, isHidden)) : value;
    return shown.map((one, i) => visibleValue(one, `${pointer}/${i}`, isHidden));
  }
  return isJsonObject(value) ? visibleObject(value, pointer, isHidden) : value;
}

/** Of `{pointer, kind, …}`, or of a note that ends with a pointer. */
function tellsOfHidden(one: JsonValue, isHidden: HiddenTest): boolean {
  const pointer = isJsonObject(one) ? one['pointer'] : typeof one === 'string' ? one.slice(one.indexOf(' ') + 1) : undefined;
  return typeof pointer === 'string' && isHidden(dottedOf(pointer));
}
