/**
 * Reading a value: every string, number and name of a member is settled by a field rule or looked through by the detectors; then the
 * people met on the way are looked for everywhere. Strings that hold JSON are read like the value itself.
 *
 * The walk keeps its own stack: a value nested a hundred thousand deep is as safe as a flat one.
 */
import { VeiltrailError } from '../core/errors.ts';
import { type JsonObject, type JsonValue, parseJson } from '../core/json.ts';
import { canonicalOf } from './detectors/all.ts';
import { createPathTree, type NameRule, normalName, type PathNode, type PathTree } from './fields.ts';
import type { Candidate } from './finding.ts';
import { commonWords } from './lexicon.ts';
import { NameIndex } from './names.ts';
import { findInNumber } from './numbers.ts';
import type { Frame, JsonText } from './plan.ts';
import { activateKeyRules } from './key-rules.ts';
import type { FieldRule, KeyRule, Policy } from './policy-model.ts';
import { activateRules, type ActiveRule, holds, isWholeValue, kindOfField, type SettlingRule } from './rules.ts';
import type { Scanner } from './scan.ts';
import { isTransformed } from './transforms.ts';
import { knownFieldRules, unknownFieldRule } from './unknown-fields.ts';

/** A string or number: settled as a whole by `rule`, or with what was `found` in it. */
export interface Leaf {
  readonly frame: Frame;
  readonly key: string | number;
  readonly value: string | number | boolean;
  readonly rule: FieldRule | undefined;
  found: readonly Candidate[];
  /** Does it hold anything encoded? */
  readonly layered: boolean;
}

/** A member's name in which something was found. */
export interface PersonalName {
  readonly frame: Frame;
  readonly key: string;
  found: readonly Candidate[];
  /** Settles the name as a whole. */
  readonly rule?: KeyRule;
}

/** All that is personal in a value, before it is decided what happens to it. */
export interface Reading {
  readonly leaves: Leaf[];
  readonly names: PersonalName[];
  readonly dropped: { frame: Frame; key: string | number; rule: SettlingRule }[];
  /** Strings that hold JSON, outer ones first. */
  readonly documents: JsonText[];
  /** Names of members that nobody's policy knows: people are looked for in them. */
  readonly freeNames: { frame: Frame; key: string }[];
  readonly people: NameIndex;
  readonly open: { frame: Frame; node: PathNode }[];
}

const nothing: readonly Candidate[] = [];
const rememberedUnitsMax = 128;
const rememberedMax = 6;
const looseContainersMax = 1000;

export class Reader {
  readonly #rules: readonly ActiveRule[];
  readonly #scanner: Scanner;
  readonly #tree: PathTree;
  /** Rules for names of members, by the `nameRule` of a place. */
  readonly #keys: readonly KeyRule[];
  /** For fields without a rule; undefined leaves them to the detectors. */
  readonly #unknown: FieldRule | undefined;

  constructor({ fields, keys, unknown }: Pick<Policy, 'fields' | 'keys' | 'unknown'>, scanner: Scanner) {
    const values = keys.filter((rule) => rule.on === 'value');
    // In the order in which they are asked: by path, by name, what is known anyway.
    const rules = [
      ...fields,
      ...values.map(({ match: _match, on: _on, ...rule }): FieldRule => ({ path: [], ...rule })),
      ...knownFieldRules(unknown),
    ];
    const nameRules = activateKeyRules(keys).map(({ rule, fits }, i): NameRule =>
      rule.on === 'value' ? { fits, value: fields.length + values.indexOf(rule) } : { fits, name: i },
    );
    this.#rules = activateRules(rules);
    this.#scanner = scanner;
    this.#tree = createPathTree(rules, nameRules);
    this.#keys = keys;
    this.#unknown = unknownFieldRule(unknown);
  }

  read(value: JsonObject | JsonValue[]): Reading {
    const frame: Frame = { parent: undefined, key: '', container: value, document: undefined };
    const reading: Reading = {
      leaves: [],
      names: [],
      dropped: [],
      documents: [],
      freeNames: [],
      people: new NameIndex(),
      open: [{ frame, node: this.#tree.root() }],
    };
    for (let top = reading.open.pop(); top; top = reading.open.pop()) this.#readContainer(top.frame, top.node, reading);
    if (!reading.people.isEmpty) this.#findPeople(reading);
    return reading;
  }

  #readContainer(frame: Frame, node: PathNode, reading: Reading): void {
    const { container } = frame;
    if (Array.isArray(container)) {
      const child = this.#tree.element(node);
      for (let i = 0; i < container.length; i++) this.#readMember(frame, i, container[i] as JsonValue, child, reading);
      return;
    }
    for (const key of Object.keys(container)) {
      const child = this.#tree.member(node, key);
      if (child.nameRule !== undefined && this.#readNamed(frame, key, this.#keys[child.nameRule] as KeyRule, child, reading)) continue;
      // Settled once per place in the shape of events: what is in the name itself, and whether the name is part of that shape.
      child.nameFindings ??= this.#scanner.scan(key, '');
      if (child.nameFindings.length > 0) reading.names.push({ frame, key, found: child.nameFindings });
      child.isStructural ??= isStructural(key, this.#tree.names);
      if (!child.isStructural) reading.freeNames.push({ frame, key });
      this.#readMember(frame, key, container[key] as JsonValue, child, reading);
    }
  }

  /** A member whose name a rule settles. @returns whether the member is dealt with, value and all */
  #readNamed(frame: Frame, key: string, rule: KeyRule, node: PathNode, reading: Reading): boolean {
    if (rule.transform === 'scan') return false;
    if (rule.transform === 'drop') {
      reading.dropped.push({ frame, key, rule });
      return true;
    }
    node.nameFindings = nothing;
    node.isStructural = true;
    if (rule.transform !== 'keep' && !isTransformed(key)) reading.names.push({ frame, key, found: nothing, rule });
    return false;
  }

  #readMember(frame: Frame, key: string | number, value: JsonValue, node: PathNode, reading: Reading): void {
    const rule = node.rules.length === 0 ? this.#unknown : this.#ruleFor(node, frame, value);
    if (rule?.transform === 'drop') reading.dropped.push({ frame, key, rule });
    else if (typeof value === 'string') this.#readText(frame, key, value, rule, node, reading);
    else if (typeof value === 'number') {
      const settled = rule && rule.kind !== 'username' && rule.kind !== 'person_name';
      const found = settled ? nothing : this.#readNumber(value, node);
      if (settled || found.length > 0) reading.leaves.push({ frame, key, value, rule: settled ? rule : undefined, found, layered: false });
    } else if (typeof value === 'boolean') {
      // A kind says what a value is, and no kind of ours is a yes or no: only a rule for whatever stands here is meant.
      if (rule && (rule === this.#unknown || rule.kind === undefined) && rule.transform !== 'keep')
        reading.leaves.push({ frame, key, value, rule, found: nothing, layered: false });
    } else if (typeof value === 'object' && value !== null) {
      // Rules are for values: what is below is kept only if its own path says so (`a.**`).
      reading.open.push({ frame: { parent: frame, key, container: value, document: frame.document }, node });
    }
  }

  #readNumber(value: number, node: PathNode): readonly Candidate[] {
    const found = findInNumber(value);
    const own = this.#scanner.scanNumber(value, node.field);
    return own.length === 0 ? found : this.#scanner.settle(String(value), [...own, ...found]);
  }

  /** The first rule that fits the place, its neighbours and the value; `undefined` leaves the value to the detectors. */
  #ruleFor(node: PathNode, frame: Frame, value: JsonValue): FieldRule | undefined {
    for (const index of node.rules) {
      const active = this.#rules[index] as ActiveRule;
      if (holds(active, value, frame.container)) return active.rule.transform === 'scan' ? undefined : active.rule;
    }
    return undefined;
  }

  #readText(frame: Frame, key: string | number, value: string, rule: FieldRule | undefined, node: PathNode, reading: Reading): void {
    if (value === '' || (rule && (rule.transform === 'keep' || isTransformed(value)))) return;
    if (rule && isWholeValue(rule, value)) {
      reading.leaves.push({ frame, key, value, rule, found: nothing, layered: false });
      const kind = kindOfField(rule, value);
      if (NameIndex.knows(kind)) reading.people.meet(kind, value, canonicalOf(kind, value));
      return;
    }
    const document = rule ? undefined : parseDocument(frame, key, value);
    if (document) {
      reading.documents.push(document);
      reading.open.push({ frame: { parent: undefined, key: '', container: document.root, document }, node: this.#tree.document() });
      return;
    }
    const found = this.#scan(value, node);
    reading.leaves.push({ frame, key, value, rule: undefined, found, layered: this.#scanner.layered });
    for (const { kind, start, end, value: own, canonical } of found) {
      if (!NameIndex.knows(kind)) continue;
      const text = own ?? value.slice(start, end);
      reading.people.meet(kind, text, canonical ?? canonicalOf(kind, text));
    }
  }

  /** Values repeat (actions, outcomes, agents): the last clean ones of each place are remembered. Nothing that was found is. */
  #scan(text: string, node: PathNode): readonly Candidate[] {
    const { clean } = node;
    if (text.length <= rememberedUnitsMax) for (const known of clean) if (known === text) return this.#remembered();
    const found = this.#scanner.scan(text, node.field);
    if (found.length === 0 && text.length <= rememberedUnitsMax && !this.#scanner.layered) {
      if (clean.length < rememberedMax) clean.push(text);
      else clean[node.cleanNext++ % rememberedMax] = text;
    }
    return found;
  }

  /** Only texts without encodings are remembered. */
  #remembered(): readonly Candidate[] {
    this.#scanner.layered = false;
    return nothing;
  }

  #findPeople({ leaves, names, freeNames, people }: Reading): void {
    for (const leaf of leaves) {
      const { value } = leaf;
      if (leaf.rule || typeof value !== 'string' || value.length < 2) continue;
      const found = this.#scanner.findNames(value, people, leaf.layered);
      if (found.length > 0) leaf.found = this.#scanner.settle(value, [...found, ...leaf.found]);
    }
    if (freeNames.length === 0) return;
    const present = new Map<Frame, Map<string, PersonalName>>();
    for (const name of names) present.set(name.frame, (present.get(name.frame) ?? new Map<string, PersonalName>()).set(name.key, name));
    for (const { frame, key } of freeNames) {
      const found = this.#scanner.findNames(key, people);
      if (found.length === 0) continue;
      const name = present.get(frame)?.get(key);
      if (name) name.found = this.#scanner.settle(key, [...found, ...name.found]);
      else names.push({ frame, key, found: this.#scanner.settle(key, found) });
    }
  }
}

/** Names that policies and products spell out are structure, whoever is called so. */
function isStructural(key: string, known: ReadonlySet<string>): boolean {
  const plain = normalName(key.length > 64 ? '' : key);
  return known.has(plain) || commonWords.has(plain) || key.length < 3;
}

/** The JSON in a string, if it is an object or array; a text that is broken, too deep or too large is looked through as text. */
function parseDocument(frame: Frame, key: string | number, text: string): JsonText | undefined {
  const first = text.charCodeAt(0);
  if (first !== 123 && first !== 91 && !(first <= 32 && /^\s*[{[]/.test(text))) return undefined;
  const close = text.trimEnd().at(-1);
  if (close !== '}' && close !== ']') return undefined;
  const value = parseWithin(text);
  return typeof value === 'object' && value !== null ? { frame, key, text, root: [value] } : undefined;
}

function parseWithin(text: string): JsonValue | undefined {
  try {
    return parseJson(text).value;
  } catch (error) {
    if (!(error instanceof VeiltrailError) || error.code !== 'json_lone_surrogate') return undefined;
  }
  // Half a surrogate pair is no reason not to look: the string came as it is and is written as it is. The strict parser's other limits
  // hold here by counting what could nest.
  if (text.split(/[{[]/, looseContainersMax + 1).length > looseContainersMax) return undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
