/**
 * Values that were withheld until their field was classified, beside the record that has their tokens: the record itself stays what was
 * committed. Where the value is shown as it was sent, its opening is too: `SHA-256(0x13 ‖ [r] ‖ [origin] ‖ [kind] ‖ [canonical])` is the token.
 */
import { encodeBase64 } from '../core/base64.ts';
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from '../core/json.ts';
import { withheldKind } from '../privacy/unknown-fields.ts';
import type { Restored } from '../vault/vault-reader.ts';

export interface RestoredValue {
  /** Of the field in the record. */
  pointer: string;
  token: string;
  /** What stands for the token; absent when the value was removed. */
  value?: JsonValue;
  removed?: true;
  opening?: { kind: string; origin: string; canonical: string; r: string };
}

export type Restore = (token: string) => Promise<Restored | undefined>;

const tokenPattern = /tok_[A-Za-z0-9_-]{27}/g;

/** Undefined when nothing in the record was withheld, or nobody has classified it yet. */
export async function restoreWithheld(record: JsonObject, restore: Restore): Promise<RestoredValue[] | undefined> {
  const out: RestoredValue[] = [];
  for (const pointer of withheldPointers(record)) {
    const value = valueAt(record, pointer);
    if (typeof value !== 'string') continue;
    for (const [token] of value.matchAll(tokenPattern)) {
      const restored = await restore(token);
      if (restored) out.push({ pointer, token, ...shown(restored) });
    }
  }
  return out.length > 0 ? out : undefined;
}

function shown(restored: Restored): Omit<RestoredValue, 'pointer' | 'token'> {
  if ('removed' in restored) return { removed: true };
  const { value } = parseJson(restored.json);
  if (!('opening' in restored)) return { value };
  const { kind, origin, canonical, r } = restored.opening;
  return { value, opening: { kind, origin, canonical, r: encodeBase64(r) } };
}

/** Where the policy withheld something, of what the record says was done to it. */
function withheldPointers(record: JsonObject): string[] {
  const { privacy } = record;
  const applied = isJsonObject(privacy) ? privacy['applied'] : undefined;
  if (!Array.isArray(applied)) return [];
  return applied.flatMap((one) => (isJsonObject(one) && one['kind'] === withheldKind && typeof one['pointer'] === 'string' ? [one['pointer']] : []));
}

function valueAt(record: JsonObject, pointer: string): JsonValue | undefined {
  let value: JsonValue | undefined = record;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(value)) value = value[Number(name)];
    else if (isJsonObject(value) && Object.hasOwn(value, name)) value = value[name];
    else return undefined;
  }
  return value;
}
