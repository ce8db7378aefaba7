/**
 * Reading an event: every string, number and object key is settled by a field rule or looked through by the detectors, and what
 * shall happen is written down as edits. Nothing is changed here.
 *
 * The walk keeps its own stack: an event nested a hundred thousand deep is as safe as a flat one.
 */
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { PathNode } from './fields.ts';
import type { TransformName } from './policy-model.ts';

/** A personal value whose token has to be known before the plan can be carried out. */
export interface TokenNeed {
  kind: string;
  /** The form under which equal values get equal tokens. */
  canonical: string;
  /** The value as it was sent: what a reveal shows. */
  value: string;
}

/** A container on the way to a value. */
export interface Frame {
  readonly parent: Frame | undefined;
  /** Name or index in the parent; '' for the event itself. */
  readonly key: string | number;
  readonly container: JsonObject | JsonValue[];
  readonly node: PathNode;
  /** The JSON text within a string that the container is part of. */
  readonly document: JsonText | undefined;
  /** RFC 6901, in the event as it is when the plan has been carried out: put together then, once a container. */
  pointer: string | undefined;
}

/** A string that holds JSON: read like the event itself, and written anew if anything in it changes. */
export interface JsonText {
  /** Where the string is, and what it says. */
  readonly frame: Frame;
  readonly key: string | number;
  readonly text: string;
  /** The parsed value is the only element. */
  readonly root: JsonValue[];
}

/** What stands in a value's place: a text, the token of a need, or nothing at all. */
export interface Replacement {
  readonly kind: string;
  readonly transform: TransformName;
  readonly text: string;
  readonly need: TokenNeed | undefined;
  /** What stands before and behind the token. */
  readonly shape: { readonly before: string; readonly behind: string } | undefined;
  /** Of the pseudonym key, for what is made with it. */
  readonly keyVersion: number | undefined;
  /** Why the policy does it. */
  readonly why: string | undefined;
}

/** A part of a new text: as it was, or replaced. */
export type Piece = string | Replacement;

/** `text`: a new value. `drop`: no value. `name`: the member gets another name. `json`: a JSON text within a string is edited, then written anew. */
export interface Edit {
  readonly type: 'text' | 'drop' | 'name' | 'json';
  readonly frame: Frame;
  readonly key: string | number;
  /** RFC 6901, where it is known without looking and no member is renamed. */
  readonly pointer: string | undefined;
  /** Of a new text or name, in order; what a dropped value is noted as. */
  readonly pieces: readonly Piece[];
  readonly document: { readonly root: JsonValue[]; readonly edits: readonly Edit[] } | undefined;
}

export interface Plan {
  /** The event as it was given: `apply` changes it in place. */
  readonly event: JsonObject;
  readonly edits: readonly Edit[];
  /** Distinct by kind and canonical value. */
  readonly tokens: TokenNeed[];
  /** Fields that no rule names, where the policy does not leave them to the detectors. */
  readonly unknown: readonly UnknownField[];
}

/** A field that no rule names: what a registry of fields is told, and where its value is withheld. */
export interface UnknownField {
  /** Names divided by dots from the top of the event, `*` for an element: as a rule would name it. */
  readonly path: string;
  readonly type: 'string' | 'number' | 'boolean';
  /** In quarantine: the need whose token stands in the value's place. Its `value` is the JSON text of what was sent. */
  readonly need?: TokenNeed;
}

/** Collects token needs, each once. */
export class TokenNeeds {
  readonly list: TokenNeed[] = [];
  /** Made when the list has grown too long to look through. */
  #byValue: Map<string, TokenNeed> | undefined;

  need(kind: string, canonical: string, value: string): TokenNeed {
    const present = this.#byValue ? this.#byValue.get(`${kind} ${canonical}`) : this.#inList(kind, canonical);
    if (present) return present;
    const need = { kind, canonical, value };
    this.list.push(need);
    if (this.#byValue) this.#byValue.set(`${kind} ${canonical}`, need);
    else if (this.list.length > 16) this.#byValue = new Map(this.list.map((one) => [`${one.kind} ${one.canonical}`, one] as const));
    return need;
  }

  #inList(kind: string, canonical: string): TokenNeed | undefined {
    for (const one of this.list) if (one.canonical === canonical && one.kind === kind) return one;
    return undefined;
  }
}
