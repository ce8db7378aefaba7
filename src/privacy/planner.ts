/** Deciding what shall happen to an event: what was read, and what the policy says about its fields and kinds, become edits. */
import type { JsonObject } from '../core/json.ts';
import type { AllowList, CanonicalOf } from './allow-list.ts';
import { type DayShift, shiftDate, shiftDaysDefault } from './date-shift.ts';
import type { Candidate } from './finding.ts';
import { generalize } from './generalize.ts';
import { type Edit, type JsonText, type Piece, type Plan, type Replacement, TokenNeeds, type UnknownField } from './plan.ts';
import type { KindRule, Policy, TransformName, TransformOptions } from './policy-model.ts';
import type { Reader, Reading } from './reader.ts';
import { kindOfField, type SettlingRule } from './rules.ts';
import { subjectOf } from './subject.ts';
import { type Hasher, mask, plainSha256, redact, tokenShape } from './transforms.ts';
import { unknownKind, unknownPath, withheldKind } from './unknown-fields.ts';

/** What happens to a kind that the policy does not name. */
const unnamed: KindRule = { transform: 'redact' };
const noOptions: TransformOptions = {};

/** What a planner decides with, beside the policy. */
export interface PlannerParts {
  readonly reader: Reader;
  readonly hash: Hasher;
  readonly shift: DayShift;
  readonly canonicalOf: CanonicalOf;
  readonly allows: AllowList | undefined;
}

export class Planner {
  readonly #policy: Policy;
  readonly #parts: PlannerParts;
  readonly #canonicalOf: CanonicalOf;
  readonly #allows: AllowList | undefined;
  /** Being planned. */
  #event: JsonObject = {};

  constructor(policy: Policy, parts: PlannerParts) {
    this.#policy = policy;
    this.#parts = parts;
    this.#canonicalOf = parts.canonicalOf;
    this.#allows = parts.allows;
  }

  plan(event: JsonObject): Plan {
    const needs = new TokenNeeds();
    this.#event = event;
    const reading = this.#parts.reader.read(event);
    const edits = this.#edits(reading, needs);
    return { event, edits, tokens: needs.list, unknown: this.#policy.unknown === 'scan' ? noneUnknown : this.#unknownFields(reading, needs) };
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
      if (rule) {
        const replacement = this.#replaceField(rule, value, needs);
        if (replacement) add({ type: 'text', frame, key, pieces: [replacement] });
      } else if (found.length > 0) {
        const pieces = this.#pieces(String(value), found, needs);
        if (pieces) add({ type: 'text', frame, key, pieces });
      }
    }
    for (const { frame, key, rule } of dropped)
      add({ type: 'drop', frame, key, replacement: explained({ kind: rule.kind ?? 'field', transform: 'drop' }, rule.why) });
    for (const { frame, key, found, rule } of names) {
      const replacement = rule && this.#replaceField(rule, key, needs);
      const pieces = replacement ? [replacement] : rule ? undefined : this.#pieces(key, found, needs);
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

  /** `undefined` if the value may stay. */
  #replaceField(rule: SettlingRule, value: string | number | boolean, needs: TokenNeeds): Replacement | undefined {
    // What is withheld comes back one day: as JSON it comes back in its own type.
    if (rule.kind === withheldKind) return withheld(JSON.stringify(value), needs);
    const text = String(value);
    const kind = kindOfField(rule, text);
    const byKind = this.#policy.kinds[kind] ?? unnamed;
    const transform = (rule.transform as TransformName | undefined) ?? byKind.transform;
    const options = rule.options ? { ...byKind.options, ...rule.options } : (byKind.options ?? noOptions);
    const canonical = this.#canonicalOf(kind, text);
    if (this.#allows?.(kind, text, canonical)) return undefined;
    return explained(this.#replace(kind, transform, options, text, canonical, needs), rule.why ?? byKind.why);
  }

  /** Cuts a text at its findings; `undefined` if all of them stay. */
  #pieces(text: string, found: readonly Candidate[], needs: TokenNeeds): Piece[] | undefined {
    const pieces: Piece[] = [];
    let at = 0;
    let changes = false;
    for (const { kind, start, end, value, canonical } of found) {
      const { transform, options = noOptions, why } = this.#policy.kinds[kind] ?? unnamed;
      if (transform === 'keep') continue;
      const own = value ?? text.slice(start, end);
      const equal = canonical ?? this.#canonicalOf(kind, own);
      if (this.#allows?.(kind, own, equal)) continue;
      changes = true;
      if (start > at) pieces.push(text.slice(at, start));
      pieces.push(explained(this.#replace(kind, transform, options, own, equal, needs), why));
      at = end;
    }
    if (!changes) return undefined;
    if (at < text.length) pieces.push(text.slice(at));
    return pieces;
  }

  #replace(kind: string, transform: TransformName, options: TransformOptions, value: string, canonical: string, needs: TokenNeeds): Replacement {
    switch (transform) {
      case 'tokenize': {
        const shape = tokenShape(kind, options.shape);
        const need = needs.need(kind, canonical, value);
        return shape ? { kind, transform, need, shape } : { kind, transform, need };
      }
      case 'hash':
        return { kind, transform, ...this.#parts.hash(kind, canonical, options.keys) };
      case 'sha256':
        return { kind, transform, text: plainSha256(canonical) };
      case 'shift':
        return this.#shift(kind, value, options);
      case 'mask':
        return { kind, transform, text: mask(value, options) };
      case 'generalize':
        return { kind, transform, text: generalize(kind, value, options) ?? redact(kind) };
      case 'keep':
        return { kind, transform, text: value };
      case 'drop':
        return { kind, transform, text: '' };
      default:
        return { kind, transform, text: redact(kind, options) };
    }
  }

  /** Without a person or a date there is nothing to go by: redacted. */
  #shift(kind: string, value: string, { maxDays = shiftDaysDefault, subject: path }: TransformOptions): Replacement {
    const subject = subjectOf(this.#event, path);
    const shifted = subject === undefined ? undefined : shiftDate(value, this.#parts.shift(subject, maxDays));
    return shifted === undefined ? { kind, transform: 'redact', text: redact(kind) } : { kind, transform: 'shift', text: shifted };
  }

  #unknownFields({ leaves }: Reading, needs: TokenNeeds): UnknownField[] {
    const out: UnknownField[] = [];
    for (const { frame, key, value, rule } of leaves) {
      const isWithheld = rule?.kind === withheldKind;
      if (!isWithheld && rule?.kind !== unknownKind) continue;
      const field = { path: unknownPath(frame, key), type: typeof value as UnknownField['type'] };
      out.push(isWithheld ? { ...field, need: needs.need(withheldKind, JSON.stringify(value), JSON.stringify(value)) } : field);
    }
    return out;
  }
}

const noneUnknown: readonly UnknownField[] = [];

function withheld(json: string, needs: TokenNeeds): Replacement {
  return { kind: withheldKind, transform: 'tokenize', need: needs.need(withheldKind, json, json) };
}

/** Most rules of most policies say nothing of why. */
function explained(replacement: Replacement, why: string | undefined): Replacement {
  return why === undefined ? replacement : { ...replacement, why };
}
