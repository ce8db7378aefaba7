/**
 * Deciding what shall happen to an event. Fields come first: a rule that fits a path settles the whole value. Then detectors look
 * through every other string, number and name; then the people met on the way are looked for everywhere.
 */
import { type JsonObject, type JsonValue, parseJson } from '../core/json.ts';
import { canonicalOf } from './detectors/all.ts';
import { createPathTree, normalName, type PathNode, type PathTree } from './fields.ts';
import type { Candidate } from './finding.ts';
import { commonWords, personTypes, systemAccounts } from './lexicon.ts';
import { NameIndex } from './names.ts';
import { findInNumber } from './numbers.ts';
import { type Edit, type Frame, type JsonText, type Leaf, type Piece, type Plan, type Replacement, TokenNeeds } from './plan.ts';
import type { FieldRule, KindRule, Policy, TransformName, TransformOptions } from './policy-model.ts';
import type { Scanner } from './scan.ts';
import { generalize, isTransformed, mask, redact } from './transforms.ts';

/** A leaf with what was found in it. `whole` is a field rule's verdict and leaves nothing to look for. */
export interface Judged {
  readonly leaf: Leaf;
  found: Candidate[];
  readonly rule: FieldRule | undefined;
}

/** A member's name in which something was found. */
export interface JudgedName {
  readonly frame: Frame;
  readonly key: string;
  found: Candidate[];
}

/** All that is personal in one value, before it is decided what happens to it. */
export interface Reading {
  readonly leaves: Judged[];
  readonly names: JudgedName[];
  readonly dropped: { frame: Frame; key: string | number; rule: FieldRule }[];
  /** Strings that hold JSON, outer ones first. */
  readonly documents: JsonText[];
}

const redactKind: KindRule = { transform: 'redact' };
const cleanMax = 4096;
const cleanUnitsMax = 256;

export class Planner {
  readonly #policy: Policy;
  readonly #scanner: Scanner;
  readonly #tree: PathTree;
  readonly #hash: (kind: string, canonical: string) => string;
  /** Texts in which detectors found nothing, newest and older half: log fields repeat. Holds nothing that was found to be personal. */
  #clean = new Set<string>();
  #cleanBefore = new Set<string>();

  constructor(policy: Policy, scanner: Scanner, hash: (kind: string, canonical: string) => string) {
    this.#policy = policy;
    this.#scanner = scanner;
    this.#tree = createPathTree(policy.fields);
    this.#hash = hash;
  }

  plan(event: JsonObject): Plan {
    const needs = new TokenNeeds();
    const root: Frame = { parent: undefined, key: '', container: event };
    return { event, edits: this.#edits(this.read(root), needs), tokens: needs.list };
  }

  /** Walks the value in `root.container` and finds everything personal in it. */
  read(root: Frame): Reading {
    const leaves: Judged[] = [];
    const names: JudgedName[] = [];
    const dropped: Reading['dropped'] = [];
    const documents: JsonText[] = [];
    const open: { frame: Frame; node: PathNode }[] = [{ frame: root, node: this.#tree.root() }];
    const people = new NameIndex();
    const keys: { frame: Frame; key: string }[] = [];
    for (let top = open.pop(); top; top = open.pop()) {
      const { frame, node } = top;
      const { container } = frame;
      const visit = (key: string | number, value: JsonValue, child: PathNode): void => {
        const rule = child.rules.length === 0 ? undefined : this.#ruleFor(child, frame, value);
        if (rule?.transform === 'drop') dropped.push({ frame, key, rule });
        else if (typeof value === 'string' || typeof value === 'number') {
          const leaf = { frame, key, value, node: child };
          const document = rule ? undefined : parseDocument(leaf);
          if (document) {
            documents.push(document);
            open.push({ frame: { parent: undefined, key: '', container: document.root, document }, node: this.#tree.document() });
            return;
          }
          const judged = this.#judge(leaf, rule);
          leaves.push(judged);
          this.#meet(judged, people);
        } else if (typeof value === 'object' && value !== null && rule?.transform !== 'keep') {
          open.push({ frame: { parent: frame, key, container: value, document: frame.document }, node: child });
        }
      };
      if (Array.isArray(container)) {
        const child = this.#tree.element(node);
        for (let i = 0; i < container.length; i++) visit(i, container[i] as JsonValue, child);
      } else {
        for (const key of Object.keys(container)) {
          const child = this.#tree.member(node, key);
          child.keyClean ??= this.#scanner.scan(key, '').length === 0;
          if (!child.keyClean) names.push({ frame, key, found: this.#scanner.scan(key, '') });
          keys.push({ frame, key });
          visit(key, container[key] as JsonValue, child);
        }
      }
    }
    if (!people.isEmpty) this.#findPeople(people, leaves, names, keys);
    return { leaves, names, dropped, documents };
  }

  /** The first rule that fits the place, its neighbours and the value; `undefined` leaves the value to the detectors. */
  #ruleFor(node: PathNode, frame: Frame, value: JsonValue): FieldRule | undefined {
    for (const index of node.rules) {
      const rule = this.#policy.fields[index] as FieldRule;
      if (rule.unless && isExcepted(rule.unless, frame)) continue;
      if (rule.when === 'looks-personal' && !looksPersonal(value, frame)) continue;
      if (rule.transform === 'scan') return undefined;
      return rule;
    }
    return undefined;
  }

  #judge(leaf: Leaf, rule: FieldRule | undefined): Judged {
    const { value, node } = leaf;
    if (typeof value === 'number') {
      if (rule && rule.kind !== 'username' && rule.kind !== 'person_name') return { leaf, found: [], rule };
      return { leaf, found: findInNumber(value), rule: undefined };
    }
    if (value === '' || (rule && (rule.transform === 'keep' || isTransformed(value)))) return { leaf, found: [], rule: rule?.transform === 'keep' ? rule : undefined };
    if (rule && isWholeValue(rule, value)) return { leaf, found: [], rule };
    return { leaf, found: this.#scan(value, node.field), rule: undefined };
  }

  #scan(text: string, field: string): Candidate[] {
    if (text.length > cleanUnitsMax || field.endsWith('version')) return this.#scanner.scan(text, field);
    if (this.#clean.has(text)) return [];
    if (!this.#cleanBefore.has(text)) {
      const found = this.#scanner.scan(text, field);
      if (found.length > 0) return found;
    }
    if (this.#clean.size >= cleanMax) {
      this.#cleanBefore = this.#clean;
      this.#clean = new Set();
    }
    this.#clean.add(text);
    return [];
  }

  /** Remembers whose data this is. */
  #meet({ leaf, rule, found }: Judged, people: NameIndex): void {
    if (typeof leaf.value !== 'string') return;
    if (rule) {
      const kind = kindOfField(rule, leaf.value);
      if (rule.transform !== 'keep') people.meet(kind, leaf.value, canonicalOf(kind, leaf.value));
    }
    for (const one of found) {
      const value = one.value ?? leaf.value.slice(one.start, one.end);
      people.meet(one.kind, value, one.canonical ?? canonicalOf(one.kind, value));
    }
  }

  #findPeople(people: NameIndex, leaves: readonly Judged[], names: JudgedName[], keys: readonly { frame: Frame; key: string }[]): void {
    for (const judged of leaves) {
      const { value } = judged.leaf;
      if (judged.rule || typeof value !== 'string' || value.length < 2) continue;
      const found = this.#scanner.findNames(value, people);
      if (found.length > 0) judged.found = this.#scanner.settle(value, [...found, ...judged.found]);
    }
    const known = new Map(names.map((name) => [name.frame, name] as const));
    for (const { frame, key } of keys) {
      // The names that policies and products spell out are structure, whoever is called so.
      const plain = normalName(key);
      if (this.#tree.names.has(plain) || commonWords.has(plain)) continue;
      const found = this.#scanner.findNames(key, people);
      if (found.length === 0) continue;
      const present = known.get(frame)?.key === key ? known.get(frame) : names.find((name) => name.frame === frame && name.key === key);
      if (present) present.found = this.#scanner.settle(key, [...found, ...present.found]);
      else names.push({ frame, key, found: this.#scanner.settle(key, found) });
    }
  }

  #edits({ leaves, names, dropped, documents }: Reading, needs: TokenNeeds): Edit[] {
    const outer: Edit[] = [];
    const within = new Map<JsonText, Edit[]>();
    const add = (edit: Edit): void => {
      const { document } = edit.frame;
      if (!document) outer.push(edit);
      else {
        const list = within.get(document);
        if (list) list.push(edit);
        else within.set(document, [edit]);
      }
    };
    for (const { leaf, rule, found } of leaves) {
      const { frame, key, value } = leaf;
      if (rule) {
        if (rule.transform === 'keep') continue;
        add({ type: 'text', frame, key, pieces: [this.#replaceField(rule, String(value), needs)] });
      } else if (found.length > 0) {
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
    for (const document of documents.reverse()) {
      const edits = within.get(document);
      if (edits) add({ type: 'json', frame: document.leaf.frame, key: document.leaf.key, root: document.root, edits });
    }
    return outer;
  }

  #replaceField(rule: FieldRule, value: string, needs: TokenNeeds): Replacement {
    const kind = kindOfField(rule, value);
    const byKind = this.#policy.kinds[kind] ?? redactKind;
    const transform = (rule.transform as TransformName | undefined) ?? byKind.transform;
    return this.#replace(kind, transform, { ...byKind.options, ...rule.options }, value, canonicalOf(kind, value), needs);
  }

  /** Cuts a text at its findings; `undefined` if all of them stay. */
  #pieces(text: string, found: readonly Candidate[], needs: TokenNeeds): Piece[] | undefined {
    const pieces: Piece[] = [];
    let at = 0;
    for (const { kind, start, end, value, canonical } of found) {
      const { transform, options } = this.#policy.kinds[kind] ?? redactKind;
      if (transform === 'keep') continue;
      if (start > at) pieces.push(text.slice(at, start));
      const own = value ?? text.slice(start, end);
      pieces.push(this.#replace(kind, transform, options ?? {}, own, canonical ?? canonicalOf(kind, own), needs));
      at = end;
    }
    if (pieces.length === 0) return undefined;
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
      case 'redact':
        return { kind, transform, text: redact(kind, options) };
    }
  }
}

/** The JSON in a string, if it is an object or array; a text that is broken, too deep or too large is looked through as text. */
function parseDocument(leaf: Leaf): JsonText | undefined {
  const { value } = leaf;
  if (typeof value !== 'string' || value.length < 2) return undefined;
  const first = value.charCodeAt(0);
  if (first !== 123 && first !== 91 && !(first <= 32 && /^\s*[{[]/.test(value))) return undefined;
  const close = value.trimEnd().at(-1);
  if (close !== '}' && close !== ']') return undefined;
  try {
    const parsed = parseJson(value).value;
    return typeof parsed === 'object' && parsed !== null ? { leaf, root: [parsed] } : undefined;
  } catch {
    return undefined;
  }
}

const wholeEmail = /^\s*[^\s@<>"]{1,256}@[^\s@<>",;:/]{1,255}\.[^\s@<>",;:/.\d]{2,63}\s*$/;

/** What a name field holds: an address is an email, a user name with a space a person's name, so that they correlate with the same elsewhere. */
export function kindOfField(rule: FieldRule, value: string): string {
  const kind = rule.kind ?? 'field';
  if (kind !== 'username' && kind !== 'person_name') return kind;
  if (wholeEmail.test(value)) return 'email';
  return kind === 'username' && /\p{L}\s+\p{L}/u.test(value) ? 'person_name' : kind;
}

const uuid = /^\s*[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\s*$/i;

/** Is the value what its field promises, so that the rule settles all of it? If not, detectors look through it. */
function isWholeValue(rule: FieldRule, value: string): boolean {
  const { kind } = rule;
  if (kind === 'ip_address') return rule.transform !== undefined && rule.transform !== 'generalize';
  if (kind !== 'username' && kind !== 'person_name') return true;
  const plain = value.trim().toLowerCase();
  return !systemAccounts.has(plain) && !plain.startsWith('system:') && !plain.startsWith('arn:') && !uuid.test(plain);
}

function isExcepted(unless: Record<string, string[]>, { container }: Frame): boolean {
  if (Array.isArray(container)) return false;
  for (const name of Object.keys(unless)) {
    const value = ownMember(container, name);
    if (typeof value === 'string' && (unless[name] as string[]).some((one) => normalName(one) === normalName(value))) return true;
  }
  return false;
}

/** The member of this name, in lower case or with a capital. */
function ownMember(container: JsonObject, name: string): JsonValue | undefined {
  if (Object.hasOwn(container, name)) return container[name];
  const capital = name[0]?.toUpperCase() + name.slice(1);
  return Object.hasOwn(container, capital) ? container[capital] : undefined;
}

/**
 * Does an identifier look like a person's own name? `jane.doe` and `Jane Doe` do; `usr_8f3a`, `4711`, a UUID or a hash do not. A `type`
 * beside it must stand for a person, or be missing.
 */
export function looksPersonal(value: JsonValue, { container }: Frame): boolean {
  if (typeof value !== 'string' || value.length > 128) return false;
  const type = Array.isArray(container) ? undefined : ownMember(container, 'type');
  if (typeof type === 'string' && !personTypes.has(normalName(type))) return false;
  const plain = value.trim().toLowerCase();
  if (wholeEmail.test(plain)) return true;
  const parts = plain.replace(/\d{1,4}$/, '').split(/[\s._'’-]+/);
  return parts.length <= 5 && parts.join('').length >= 2 && parts.every((part) => /^[\p{L}\p{M}]*$/u.test(part)) && !parts.every((part) => part === '' || commonWords.has(part) || systemAccounts.has(part));
}
