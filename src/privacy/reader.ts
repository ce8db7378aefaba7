/**
 * Reading a value: every string, number and name of a member is settled by a field rule or looked through by the detectors; then the
 * people met on the way are looked for everywhere. Strings that hold JSON are read like the value itself.
 *
 * The walk keeps its own stack: a value nested a hundred thousand deep is as safe as a flat one.
 */
import { VeiltrailError } from '../core/errors.ts';
import { type JsonObject, type JsonValue, parseJson } from '../core/json.ts';
import { type FieldWatch, isCounted } from './field-watch.ts';
import { labelOfField } from './detectors/vocabulary.ts';
import { createPathTree, type NameFacts, type NameRule, normalName, type PathNode, type PathTree } from './fields.ts';
import type { Candidate } from './finding.ts';
import { activateKeyRules } from './key-rules.ts';
import { commonWords } from './lexicon.ts';
import { isListedValue, listedName } from './listed-names.ts';
import { anyStart, NameIndex, wordStarts } from './names.ts';
import { findInNumber } from './numbers.ts';
import { lastPart, pairedNames } from './paired-names.ts';
import type { Frame, JsonText } from './plan.ts';
import type { FieldRule, KeyRule, Policy } from './policy-model.ts';
import { nothing, type PersonalName, Reading } from './reading.ts';
import { activateRules, type ActiveRule, holds, isWholeValue, kindOfField, mayBeOfKind } from './rules.ts';
import type { Scanner } from './scan.ts';
import { isTransformed } from './transforms.ts';
import { knownFieldRules, unknownFieldRule } from './unknown-fields.ts';

const rememberedUnitsMax = 128;
const rememberedMax = 12;
/** After so many new values in a row a place is asked for known ones only now and then: identifiers and times do not come again. */
const missesMax = 48;
const looseContainersMax = 1000;

export class Reader {
  readonly #rules: readonly ActiveRule[];
  readonly #scanner: Scanner;
  readonly #tree: PathTree;
  /** Rules for names of members, by the `nameRule` of a place. */
  readonly #keys: readonly KeyRule[];
  readonly #reading = new Reading();
  /** For fields without a rule; undefined leaves them to the detectors. */
  readonly #unknown: FieldRule | undefined;
  /** Of the value being read. */
  #watch: FieldWatch | undefined;

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

  /**
   * The reading is valid until the next one; {@link Reading.clear} lets go of the value.
   * @param watch learns which fields there are
   */
  read(value: JsonObject | JsonValue[], watch?: FieldWatch): Reading {
    const reading = this.#reading;
    reading.clear();
    this.#watch = watch;
    reading.open.push(frameOf(undefined, '', value, this.#tree.root(), undefined));
    for (let frame = reading.open.pop(); frame; frame = reading.open.pop()) this.#readContainer(frame, reading);
    if (!reading.people.isEmpty) this.#findPeople(reading);
    if (reading.unmet.length > 0) watch?.learn(reading, this.#unknown);
    return reading;
  }

  #readContainer(frame: Frame, reading: Reading): void {
    const { container, node } = frame;
    if (Array.isArray(container)) {
      const child = this.#tree.element(node);
      let before: JsonValue = null;
      for (let i = 0; i < container.length; i++) {
        const element = container[i] as JsonValue;
        const isNamed = typeof before === 'string' && typeof element === 'string' && child.rules.length === 0;
        if (!(isNamed && this.#readListed(frame, i, before as string, element as string, child, reading)))
          this.#readMember(frame, i, element, child, reading);
        before = element;
      }
      return;
    }
    let at = 0;
    for (const key in container) {
      const child = this.#tree.memberAt(node, key, at++);
      if (child.nameRule !== undefined && this.#readNamed(frame, key, this.#keys[child.nameRule] as KeyRule, child, reading)) continue;
      const name = (child.name ??= this.#nameFacts(key));
      if (name.found !== nothing) reading.names.push({ frame, key, found: name.found, rule: undefined });
      if (!name.isStructural) reading.addFreeName(frame, key, name);
      this.#readMember(frame, key, container[key] as JsonValue, child, reading);
    }
  }

  /** An element that the one before it names: `["username", "jdoe"]`. @returns whether it is dealt with */
  #readListed(frame: Frame, key: number, before: string, value: string, node: PathNode, reading: Reading): boolean {
    const named = listedName(before);
    if (named === undefined || !this.#isName(named.name)) return false;
    // Names in a row are columns.
    const own = listedName(value);
    if (own !== undefined && this.#isName(own.name)) return false;
    const rule = this.#unconditional(this.#tree.member(this.#tree.root(), lastPart(named.name)), frame, value);
    const isValue = rule !== undefined && isListedValue(rule.kind, value, named);
    if (rule !== undefined && (!isValue || rule.transform === 'drop')) return false;
    this.#meet(frame, key, node, 1, rule, reading);
    this.#readText(frame, key, value, rule, node, reading, normalName(named.name));
    return true;
  }

  /** Does the policy or a label know the name? */
  #isName(name: string): boolean {
    const plain = normalName(name);
    return this.#tree.names.has(plain) || labelOfField(plain) !== undefined;
  }

  /** Settled once per place in the shape of events. */
  #nameFacts(key: string): NameFacts {
    const found = this.#scanner.scan(key, '');
    const { layered } = this.#scanner;
    return {
      found: found.length > 0 ? found : nothing,
      isStructural: isStructural(key, this.#tree.names),
      layered,
      starts: layered ? anyStart : wordStarts(key),
    };
  }

  /** A member whose name a rule settles. @returns whether the member is dealt with, value and all */
  #readNamed(frame: Frame, key: string, rule: KeyRule, node: PathNode, reading: Reading): boolean {
    if (rule.transform === 'scan') return false;
    if (rule.transform === 'drop') {
      reading.dropped.push({ frame, key, rule });
      return true;
    }
    node.name = settledName;
    if (rule.transform !== 'keep' && !isTransformed(key)) reading.names.push({ frame, key, found: nothing, rule });
    return false;
  }

  #readMember(frame: Frame, key: string | number, value: JsonValue, node: PathNode, reading: Reading): void {
    let rule = node.rules.length === 0 ? this.#unknown : this.#ruleFor(node, frame, value);
    if (node.isValue && rule === undefined && typeof value !== 'object') rule = this.#pairedRule(frame, value);
    if (rule?.transform === 'drop') reading.dropped.push({ frame, key, rule });
    else if (typeof value === 'string') {
      this.#meet(frame, key, node, 1, rule, reading);
      this.#readText(frame, key, value, rule, node, reading);
    } else if (typeof value === 'number') {
      this.#meet(frame, key, node, 2, rule, reading);
      if (rule && rule.kind !== 'username' && rule.kind !== 'person_name') {
        this.#addSettled(frame, key, value, rule, node, reading);
        return;
      }
      const found = this.#readNumber(value, node);
      if (found.length > 0) reading.addLeaf(frame, key, value, node, undefined, '', found, false, anyStart, true);
    } else if (typeof value === 'boolean') {
      this.#meet(frame, key, node, 4, rule, reading);
      // A kind says what a value is, and no kind of ours is a yes or no: only a rule for whatever stands here is meant.
      if (rule && (rule === this.#unknown || rule.kind === undefined) && rule.transform !== 'keep')
        this.#addSettled(frame, key, value, rule, node, reading);
    } else if (typeof value === 'object' && value !== null) {
      // Rules are for values: what is below is kept only if its own path says so (`a.**`).
      reading.open.push(frameOf(frame, key, value, node, frame.document));
    }
  }

  /** @param type as bits: see `SeenField.types` */
  #meet(frame: Frame, key: string | number, node: PathNode, type: number, rule: FieldRule | undefined, reading: Reading): void {
    const watch = this.#watch;
    if (watch !== undefined && !isCounted(node, watch, type)) reading.unmet.push({ frame, key, node, type, rule });
  }

  #addSettled(frame: Frame, key: string | number, value: number | boolean, rule: FieldRule, node: PathNode, reading: Reading): void {
    reading.addLeaf(frame, key, value, node, rule, kindOfField(rule, String(value)), nothing, false, anyStart, true);
  }

  #readNumber(value: number, node: PathNode): readonly Candidate[] {
    const found = findInNumber(value, node.field);
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

  /** The rule of the field that is named beside the value, or above it. One that asks how the value looks has been written for its own place. */
  #pairedRule(frame: Frame, value: JsonValue): FieldRule | undefined {
    const holder = Array.isArray(frame.container) && frame.parent ? frame.parent : frame;
    const above = this.#unconditional(holder.node, holder, value);
    if (above) return above;
    for (const name of pairedNames(holder.container)) {
      const rule = this.#unconditional(this.#tree.member(this.#tree.root(), name), holder, value);
      if (rule) return rule;
    }
    return undefined;
  }

  #unconditional(node: PathNode, frame: Frame, value: JsonValue): FieldRule | undefined {
    const rule = node.rules.length === 0 ? undefined : this.#ruleFor(node, frame, value);
    return rule?.when === undefined && mayBeOfKind(rule?.kind, value) ? rule : undefined;
  }

  /** @param named the field that an element is named as by the one before it */
  #readText(frame: Frame, key: string | number, value: string, rule: FieldRule | undefined, node: PathNode, reading: Reading, named?: string): void {
    if (value === '' || (rule && (rule.transform === 'keep' || isTransformed(value)))) return;
    if (rule && isWholeValue(rule, value)) {
      const kind = kindOfField(rule, value);
      reading.addLeaf(frame, key, value, node, rule, kind, nothing, false, anyStart, true);
      if (NameIndex.knows(kind)) reading.people.meet(kind, value);
      return;
    }
    const document = rule ? undefined : parseDocument(frame, key, value);
    if (document) {
      reading.documents.push(document);
      reading.open.push(frameOf(undefined, '', document.root, this.#tree.document(), document));
      return;
    }
    const field = named ?? (node.isValue ? pairedField(frame, node) : node.field);
    // What is clean under one name beside it may be personal under another.
    const known = field === node.field ? this.#indexOfClean(value, node) : -1;
    if (known >= 0) {
      reading.addLeaf(frame, key, value, node, undefined, '', nothing, false, node.cleanStarts[known] as number, true);
      return;
    }
    const found = this.#scanner.scan(value, field);
    const { layered, starts, mayHold } = this.#scanner;
    reading.addLeaf(frame, key, value, node, undefined, '', found, layered, starts, mayHold);
    if (found.length === 0) {
      if (!layered && field === node.field) this.#rememberClean(value, node);
      return;
    }
    for (const { kind, start, end, value: own, canonical } of found)
      if (NameIndex.knows(kind)) reading.people.meet(kind, own ?? value.slice(start, end), canonical);
  }

  /**
   * Values repeat (actions, outcomes, agents): the last clean ones of each place are remembered. Nothing that was found is, and only texts
   * without encodings are.
   */
  #indexOfClean(text: string, node: PathNode): number {
    if (text.length > rememberedUnitsMax || !isAsked(node)) return -1;
    const { clean } = node;
    for (let i = 0; i < clean.length; i++) {
      if (clean[i] !== text) continue;
      node.cleanMisses = 0;
      return i;
    }
    return -1;
  }

  #rememberClean(text: string, node: PathNode): void {
    if (text.length <= rememberedUnitsMax && isAsked(node)) {
      const at = node.clean.length < rememberedMax ? node.clean.length : node.cleanNext++ % rememberedMax;
      node.clean[at] = text;
      node.cleanStarts[at] = wordStarts(text);
    }
    node.cleanMisses++;
  }

  #findPeople(reading: Reading): void {
    const { people } = reading;
    for (let i = 0; i < reading.leafCount; i++) {
      const leaf = reading.leaf(i);
      const { value } = leaf;
      if ((leaf.starts & people.starts) === 0 || leaf.rule || typeof value !== 'string' || value.length < 2) continue;
      leaf.found = this.#scanner.addNames(value, people, leaf.layered, leaf.found, leaf.mayHold);
    }
    if (reading.freeNameCount > 0) this.#findPeopleInNames(reading);
  }

  #findPeopleInNames(reading: Reading): void {
    const { names, people } = reading;
    let present: Map<Frame, Map<string, PersonalName>> | undefined;
    let added: PersonalName[] | undefined;
    for (let i = 0; i < reading.freeNameCount; i++) {
      const facts = reading.freeFacts(i);
      if ((facts.starts & people.starts) === 0) continue;
      const key = reading.freeKey(i);
      const frame = reading.freeFrame(i);
      const name = names.length === 0 ? undefined : (present ??= byPlace(names)).get(frame)?.get(key);
      const before = name?.found ?? nothing;
      const found = this.#scanner.addNames(key, people, facts.layered, before);
      if (name) name.found = found;
      else if (found !== before) (added ??= []).push({ frame, key, found, rule: undefined });
    }
    if (added) for (const name of added) names.push(name);
  }
}

/** Of a name that a rule settles: there is nothing more to look for. */
const settledName: NameFacts = { found: nothing, isStructural: true, layered: false, starts: anyStart };

function frameOf(
  parent: Frame | undefined,
  key: string | number,
  container: JsonObject | JsonValue[],
  node: PathNode,
  document: JsonText | undefined,
): Frame {
  return { parent, key, container, node, document, pointer: undefined };
}

/** The name beside a value, or above it, that announces what stands there (`{"field": "nif", "new": "…"}`); else the place's own. */
function pairedField(frame: Frame, node: PathNode): string {
  const holder = Array.isArray(frame.container) && frame.parent ? frame.parent : frame;
  if (labelOfField(holder.node.field) !== undefined) return holder.node.field;
  for (const name of pairedNames(holder.container)) {
    const field = normalName(name);
    if (labelOfField(field) !== undefined) return field;
  }
  return node.field;
}

/** May a value of the place be known? */
function isAsked({ cleanMisses }: PathNode): boolean {
  return cleanMisses < missesMax || cleanMisses % 16 === 0;
}

function byPlace(names: readonly PersonalName[]): Map<Frame, Map<string, PersonalName>> {
  const out = new Map<Frame, Map<string, PersonalName>>();
  for (const name of names) {
    const { frame, key } = name;
    const members = out.get(frame);
    if (members) members.set(key, name);
    else out.set(frame, new Map([[key, name]]));
  }
  return out;
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
    const value = JSON.parse(text) as JsonValue;
    // What does not come out as it went in has lost something: the first value of a repeated name, the digits of a number.
    return JSON.stringify(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}
