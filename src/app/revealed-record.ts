/**
 * Which tokens of a record may be opened where they stand: those that the policy put there. A token that a sender wrote into a text stands for
 * somebody else's value, perhaps, and is not opened for it; nor is what is withheld until its field is classified, nor any token
 * of a place where the sender's cannot be told from the policy's.
 */
import { isJsonObject, type JsonObject } from '../core/json.ts';
import { withheldKind } from '../privacy/unknown-fields.ts';
import { type TokenPlace, tokenPlaces } from '../verify/put-back.ts';

export interface TokenAt extends TokenPlace {
  /** Kinds of which the policy made tokens at this place; none: it made none. */
  kinds: ReadonlySet<string>;
  /** There are more tokens at this place than the policy made: which of them are the sender's cannot be told. */
  isDoubtful: boolean;
}

/** What the policy made at a place. */
interface Made {
  kinds: Set<string>;
  /** Different tokens, of all kinds. */
  tokens: number;
}

const none: ReadonlySet<string> = new Set();

/**
 * The tokens of a record. All that the policy made at a place still stand there: so no more than it made are none of the sender's. Records from
 * before it was counted say one of a kind.
 * @param applied the record's `/privacy/applied`: what was done to it, and where
 * @param visible the record, or what of it is shown
 * @param redacted pointers whose values are gone, and the tokens in them: what is left there is in the name
 */
export function tokensAt(applied: unknown, visible: JsonObject, redacted: ReadonlySet<string> = none): TokenAt[] {
  const places = tokenPlaces(visible);
  if (places.length === 0) return [];
  const made = new Map<string, Made>();
  for (const one of Array.isArray(applied) ? applied : []) {
    if (!isJsonObject(one)) continue;
    const { pointer, kind, transform, tokens } = one;
    if (typeof pointer !== 'string' || typeof kind !== 'string' || transform !== 'tokenize' || redacted.has(pointer)) continue;
    const at = made.get(pointer) ?? { kinds: new Set(), tokens: 0 };
    made.set(pointer, at);
    at.tokens += typeof tokens === 'number' ? tokens : 1;
    if (kind !== withheldKind) at.kinds.add(kind);
  }
  const standing = new Map<string, number>();
  for (const { pointer } of places) standing.set(pointer, (standing.get(pointer) ?? 0) + 1);
  return places.map((place) => {
    const at = made.get(place.pointer);
    return { ...place, kinds: at?.kinds ?? none, isDoubtful: at !== undefined && (standing.get(place.pointer) as number) > at.tokens };
  });
}

/** What was done to a record, as it says itself. */
export function appliedOf({ privacy }: JsonObject): unknown {
  return isJsonObject(privacy) ? privacy['applied'] : undefined;
}
