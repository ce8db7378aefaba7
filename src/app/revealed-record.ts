/**
 * Which tokens of a record may be opened where they stand: those that the policy put there. A token that a sender wrote into a text stands for
 * somebody else's value, perhaps, and is not opened for it; nor is what is withheld until its field is classified.
 */
import { isJsonObject, type JsonObject } from '../core/json.ts';
import { withheldKind } from '../privacy/unknown-fields.ts';
import { type TokenPlace, tokenPlaces } from '../verify/put-back.ts';

export interface TokenAt extends TokenPlace {
  /** Kinds of which the policy made tokens at this place; none: it made none. */
  kinds: ReadonlySet<string>;
}

const none: ReadonlySet<string> = new Set();

/**
 * The tokens of a record.
 * @param applied the record's `/privacy/applied`: what was done to it, and where
 * @param visible the record, or what of it is shown
 */
export function tokensAt(applied: unknown, visible: JsonObject): TokenAt[] {
  const places = tokenPlaces(visible);
  if (places.length === 0) return [];
  const kinds = new Map<string, Set<string>>();
  for (const one of Array.isArray(applied) ? applied : []) {
    if (!isJsonObject(one)) continue;
    const { pointer, kind, transform } = one;
    if (typeof pointer !== 'string' || typeof kind !== 'string' || transform !== 'tokenize' || kind === withheldKind) continue;
    // A text that holds JSON is one field: what was done in it is told by where it stands in there.
    for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
      const known = kinds.get(at);
      if (known) known.add(kind);
      else kinds.set(at, new Set([kind]));
    }
  }
  return places.map((place) => ({ ...place, kinds: kinds.get(place.pointer) ?? none }));
}

/** What was done to a record, as it says itself. */
export function appliedOf({ privacy }: JsonObject): unknown {
  return isJsonObject(privacy) ? privacy['applied'] : undefined;
}
