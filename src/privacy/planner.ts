/** Deciding what shall happen to an event: what was read, and what the policy says about its fields and kinds, become edits. */
import type { JsonObject } from '../core/json.ts';
import type { AllowList, CanonicalOf } from './allow-list.ts';
import { type DayShift, shiftDate, shiftDaysDefault } from './date-shift.ts';
import type { Candidate } from './finding.ts';
import { type FieldWatch, pathTo } from './field-watch.ts';
import { generalize } from './generalize.ts';
import {
  type Edit,
  type Frame,
  type JsonText,
  type Piece,
  type Plan,
  type Replacement,
  type TokenNeed,
  TokenNeeds,
  type UnknownField,
} from './plan.ts';
import type { KindRule, Policy, TransformName, TransformOptions } from './policy-model.ts';
import type { Reader } from './reader.ts';
import type { Leaf, Reading } from './reading.ts';
import { kindOfField, type SettlingRule } from './rules.ts';
import { subjectOf } from './subject.ts';
import { type Hasher, mask, plainSha256, redact, tokenShape } from './transforms.ts';
import { unknownKind, withheldKind, withheldText } from './unknown-fields.ts';

/** What happens to a kind that the policy does not name. */
const unnamed: KindRule = { transform: 'redact' };
const noOptions: TransformOptions = {};
const noEvent: JsonObject = {};

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
  #event: JsonObject = noEvent;
  #watch: FieldWatch | undefined;

  constructor(policy: Policy, parts: PlannerParts) {
    this.#policy = policy;
    this.#parts = parts;
    this.#canonicalOf = parts.canonicalOf;
    this.#allows = parts.allows;
  }

  plan(event: JsonObject, watch?: FieldWatch): Plan {
    const needs = new TokenNeeds();
    this.#event = event;
    this.#watch = watch;
    const reading = this.#parts.reader.read(event, watch);
    const edits = this.#edits(reading, needs);
    const unknown = this.#policy.unknown === 'scan' ? noneUnknown : this.#unknownFields(reading, needs);
    reading.clear();
    this.#event = noEvent;
    return { event, edits, tokens: needs.list, unknown };
  }

  #edits(reading: Reading, needs: TokenNeeds): Edit[] {
    const { names, dropped, documents } = reading;
    const edits = new Edits();
    for (let i = 0; i < reading.leafCount; i++) {
      const leaf = reading.leaf(i);
      const { frame, key, value, node, rule, kind, found } = leaf;
      if (rule) {
        const replacement = rule.kind === withheldKind ? this.#withheld(leaf, needs) : this.#replaceField(rule, kind, value, needs);
        if (replacement) edits.add('text', frame, key, node.pointer, [replacement]);
      } else if (found.length > 0) {
        const pieces = this.#pieces(String(value), found, needs);
        if (pieces) edits.add('text', frame, key, node.pointer, pieces);
      }
    }
    for (const { frame, key, rule } of dropped) edits.add('drop', frame, key, undefined, [replaced(rule.kind ?? 'field', 'drop', '', rule.why)]);
    for (const { frame, key, found, rule } of names) {
      const replacement = rule && this.#replaceField(rule, kindOfField(rule, key), key, needs);
      const pieces = replacement ? [replacement] : rule ? undefined : this.#pieces(key, found, needs);
      if (pieces) edits.add('name', frame, key, undefined, pieces);
    }
    // Inner documents first, so that an outer one sees that it changes.
    for (let i = documents.length - 1; i >= 0; i--) edits.addDocument(documents[i] as JsonText);
    return edits.outer;
  }

  /** `undefined` if the value may stay. */
  #replaceField(rule: SettlingRule, kind: string, value: string | number | boolean, needs: TokenNeeds): Replacement | undefined {
    const text = String(value);
    const byKind = this.#policy.kinds[kind] ?? unnamed;
    const transform = (rule.transform as TransformName | undefined) ?? byKind.transform;
    const options = rule.options ? { ...byKind.options, ...rule.options } : (byKind.options ?? noOptions);
    if (this.#allows?.(kind, text, this.#canonicalOf(kind, text))) return undefined;
    return this.#replace(kind, transform, options, text, undefined, rule.why ?? byKind.why, needs);
  }

  /** Cuts a text at its findings; `undefined` if all of them stay. */
  #pieces(text: string, found: readonly Candidate[], needs: TokenNeeds): Piece[] | undefined {
    if (found.length === 1) return this.#aroundOne(text, found[0] as Candidate, needs);
    const pieces: Piece[] = [];
    let at = 0;
    let changes = false;
    for (const one of found) {
      const replacement = this.#replaceFound(text, one, needs);
      if (!replacement) continue;
      changes = true;
      if (one.start > at) pieces.push(text.slice(at, one.start));
      pieces.push(replacement);
      at = one.end;
    }
    if (!changes) return undefined;
    if (at < text.length) pieces.push(text.slice(at));
    return pieces;
  }

  /** The usual case, in a list of the right size. */
  #aroundOne(text: string, one: Candidate, needs: TokenNeeds): Piece[] | undefined {
    const replacement = this.#replaceFound(text, one, needs);
    if (!replacement) return undefined;
    const { start, end } = one;
    return start === 0 && end === text.length ? [replacement] : [text.slice(0, start), replacement, text.slice(end)];
  }

  /** `undefined` if what was found may stay. */
  #replaceFound(text: string, { kind, start, end, value, canonical }: Candidate, needs: TokenNeeds): Replacement | undefined {
    const { transform, options = noOptions, why } = this.#policy.kinds[kind] ?? unnamed;
    if (transform === 'keep') return undefined;
    const own = value ?? text.slice(start, end);
    if (this.#allows?.(kind, own, canonical ?? this.#canonicalOf(kind, own))) return undefined;
    return this.#replace(kind, transform, options, own, canonical, why, needs);
  }

  /** @param canonical where the value does not tell it: it is worked out for those transforms only that need it */
  #replace(
    kind: string,
    transform: TransformName,
    options: TransformOptions,
    value: string,
    canonical: string | undefined,
    why: string | undefined,
    needs: TokenNeeds,
  ): Replacement {
    switch (transform) {
      case 'tokenize': {
        const need = needs.need(kind, canonical ?? this.#canonicalOf(kind, value), value);
        return { kind, transform, text: '', need, shape: tokenShape(kind, options.shape), keyVersion: undefined, why };
      }
      case 'hash': {
        const { text, keyVersion } = this.#parts.hash(kind, canonical ?? this.#canonicalOf(kind, value), options.keys);
        return { kind, transform, text, need: undefined, shape: undefined, keyVersion, why };
      }
      case 'sha256':
        return replaced(kind, transform, plainSha256(canonical ?? this.#canonicalOf(kind, value)), why);
      case 'shift':
        return this.#shift(kind, value, options, why);
      case 'mask':
        return replaced(kind, transform, mask(value, options), why);
      case 'generalize':
        return replaced(kind, transform, generalize(kind, value, options) ?? redact(kind), why);
      case 'keep':
        return replaced(kind, transform, value, why);
      case 'drop':
        return replaced(kind, transform, '', why);
      default:
        return replaced(kind, transform, redact(kind, options), why);
    }
  }

  /** Without a person or a date there is nothing to go by: redacted. */
  #shift(kind: string, value: string, { maxDays = shiftDaysDefault, subject: path }: TransformOptions, why: string | undefined): Replacement {
    const subject = subjectOf(this.#event, path);
    const shifted = subject === undefined ? undefined : shiftDate(value, this.#parts.shift(subject, maxDays));
    return shifted === undefined ? replaced(kind, 'redact', redact(kind), why) : replaced(kind, 'shift', shifted, why);
  }

  #unknownFields(reading: Reading, needs: TokenNeeds): UnknownField[] {
    const out: UnknownField[] = [];
    for (let i = 0; i < reading.leafCount; i++) {
      const leaf = reading.leaf(i);
      const { rule } = leaf;
      const isWithheld = rule?.kind === withheldKind;
      if (!isWithheld && rule?.kind !== unknownKind) continue;
      const field = { path: this.#pathOf(leaf), type: typeof leaf.value as UnknownField['type'] };
      out.push(isWithheld ? { ...field, need: this.#withheldNeed(leaf, needs) } : field);
    }
    return out;
  }

  /** As the watch knows it, which puts no personal name into it. */
  #pathOf({ frame, key, node: { sighting } }: Leaf): string {
    return sighting !== undefined && sighting.watch === this.#watch ? sighting.path : pathTo(frame, key);
  }

  /** What is withheld comes back one day: as JSON in its own type. Fields that hold the same have tokens of their own: each is settled by itself. */
  #withheldNeed(leaf: Leaf, needs: TokenNeeds): TokenNeed {
    const json = JSON.stringify(leaf.value);
    return needs.need(withheldKind, withheldText({ log: this.#watch?.log ?? '', path: this.#pathOf(leaf), json }), json);
  }

  #withheld(leaf: Leaf, needs: TokenNeeds): Replacement {
    const need = this.#withheldNeed(leaf, needs);
    return { kind: withheldKind, transform: 'tokenize', text: '', need, shape: undefined, keyVersion: undefined, why: undefined };
  }
}

/** The edits of an event, those within JSON texts gathered by text. */
class Edits {
  readonly outer: Edit[] = [];
  #within: Map<JsonText, Edit[]> | undefined;

  add(type: Edit['type'], frame: Frame, key: string | number, pointer: string | undefined, pieces: readonly Piece[]): void {
    this.#put({ type, frame, key, pointer, pieces, document: undefined });
  }

  /** What is done within a text is done to the text, if anything is. */
  addDocument(text: JsonText): void {
    const edits = this.#within?.get(text);
    if (edits) this.#put({ type: 'json', frame: text.frame, key: text.key, pointer: undefined, pieces: [], document: { root: text.root, edits } });
  }

  #put(edit: Edit): void {
    const { document } = edit.frame;
    if (!document) {
      this.outer.push(edit);
      return;
    }
    this.#within ??= new Map();
    const present = this.#within.get(document);
    if (present) present.push(edit);
    else this.#within.set(document, [edit]);
  }
}

const noneUnknown: readonly UnknownField[] = [];

/** A text in a value's place. All replacements have one shape. */
function replaced(kind: string, transform: TransformName, text: string, why: string | undefined): Replacement {
  return { kind, transform, text, need: undefined, shape: undefined, keyVersion: undefined, why };
}
