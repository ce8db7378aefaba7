/** Deciding what shall happen to an event: what was read, and what the policy says about its fields and kinds, become edits. */
import type { JsonObject } from '../core/json.ts';
import { canonicalOf } from './detectors/all.ts';
import type { Candidate } from './finding.ts';
import { type Edit, type JsonText, type Piece, type Plan, type Replacement, TokenNeeds } from './plan.ts';
import type { FieldRule, KindRule, Policy, TransformName, TransformOptions } from './policy-model.ts';
import type { Reader, Reading } from './reader.ts';
import { kindOfField } from './rules.ts';
import { generalize, mask, redact } from './transforms.ts';

/** What happens to a kind that the policy does not name. */
const unnamed: KindRule = { transform: 'redact' };
const noOptions: TransformOptions = {};

export class Planner {
  readonly #policy: Policy;
  readonly #reader: Reader;
  readonly #hash: (kind: string, canonical: string) => string;

  constructor(policy: Policy, reader: Reader, hash: (kind: string, canonical: string) => string) {
    this.#policy = policy;
    this.#reader = reader;
    this.#hash = hash;
  }

  plan(event: JsonObject): Plan {
    const needs = new TokenNeeds();
    return { event, edits: this.#edits(this.#reader.read(event), needs), tokens: needs.list };
  }

  #edits({ leaves, names, dropped, documents }: Reading, needs: TokenNeeds): Edit[] {
    const outer: Edit[] = [];
    const within = new Map<JsonText, Edit[]>();
    const add = (edit: Edit): void => {
      const { document } = edit.frame;
      if (!document) outer.push(edit);
      else if (!within.get(document)?.push(edit)) within.set(document, [edit]);
    };
    for (const { frame, key, value, rule, found } of leaves) {
      if (rule) add({ type: 'text', frame, key, pieces: [this.#replaceField(rule, String(value), needs)] });
      else if (found.length > 0) {
        const pieces = this.#pieces(String(value), found, needs);
        if (pieces) add({ type: 'text', frame, key, pieces });
      }
    }
    for (const { frame, key, rule } of dropped) add({ type: 'drop', frame, key, replacement: { kind: rule.kind ?? 'field', transform: 'drop' } });
    for (const { frame, key, found } of names) {
      const pieces = this.#pieces(key, found, needs);
      if (pieces) add({ type: 'name', frame, key, pieces });
    }
    // Inner documents first, so that an outer one sees that it changes.
    for (let i = documents.length - 1; i >= 0; i--) {
      const document = documents[i] as JsonText;
      const edits = within.get(document);
      if (edits) add({ type: 'json', frame: document.frame, key: document.key, root: document.root, edits });
    }
    return outer;
  }

  #replaceField(rule: FieldRule, value: string, needs: TokenNeeds): Replacement {
    const kind = kindOfField(rule, value);
    const byKind = this.#policy.kinds[kind] ?? unnamed;
    const transform = (rule.transform as TransformName | undefined) ?? byKind.transform;
    const options = rule.options ? { ...byKind.options, ...rule.options } : (byKind.options ?? noOptions);
    return this.#replace(kind, transform, options, value, canonicalOf(kind, value), needs);
  }

  /** Cuts a text at its findings; `undefined` if all of them stay. */
  #pieces(text: string, found: readonly Candidate[], needs: TokenNeeds): Piece[] | undefined {
    const pieces: Piece[] = [];
    let at = 0;
    let changes = false;
    for (const { kind, start, end, value, canonical } of found) {
      const { transform, options = noOptions } = this.#policy.kinds[kind] ?? unnamed;
      if (transform === 'keep') continue;
      changes = true;
      if (start > at) pieces.push(text.slice(at, start));
      const own = value ?? text.slice(start, end);
      pieces.push(this.#replace(kind, transform, options, own, canonical ?? canonicalOf(kind, own), needs));
      at = end;
    }
    if (!changes) return undefined;
    if (at < text.length) pieces.push(text.slice(at));
    return pieces;
  }

  #replace(kind: string, transform: TransformName, options: TransformOptions, value: string, canonical: string, needs: TokenNeeds): Replacement {
    switch (transform) {
      case 'tokenize':
        return { kind, transform, need: needs.need(kind, canonical, value) };
      case 'hash':
        return { kind, transform, text: this.#hash(kind, canonical) };
      case 'mask':
        return { kind, transform, text: mask(value, options) };
      case 'generalize':
        return { kind, transform, text: generalize(kind, value, options) };
      case 'keep':
        return { kind, transform, text: value };
      case 'drop':
        return { kind, transform, text: '' };
      default:
        return { kind, transform, text: redact(kind, options) };
    }
  }
}
