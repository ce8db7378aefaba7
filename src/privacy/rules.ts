/** Field rules, ready to be asked: does this one hold for this value here, and what does the value turn out to be? */
import type { JsonObject, JsonValue } from '../core/json.ts';
import { kindSpecs } from './detectors/all.ts';
import { normalName } from './fields.ts';
import { commonWords, personTypes, systemAccounts } from './lexicon.ts';
import type { FieldRule, KeyRule } from './policy-model.ts';
import { isDigit, isLetter } from './survey.ts';

/** What a rule of either sort says about a value that it settles. */
export type SettlingRule = FieldRule | KeyRule;

/** A rule with its exceptions looked up in advance. */
export interface ActiveRule {
  readonly rule: FieldRule;
  /** Member names, each in both cases of its first letter, and the normalised values that except. */
  readonly unless: readonly { readonly names: readonly string[]; readonly values: ReadonlySet<string> }[];
}

export function activateRules(rules: readonly FieldRule[]): ActiveRule[] {
  return rules.map((rule) => ({
    rule,
    unless: Object.entries(rule.unless ?? {}).map(([name, values]) => ({ names: bothCases(name), values: new Set(values.map(normalName)) })),
  }));
}

function bothCases(name: string): string[] {
  return [name, (name[0] as string).toUpperCase() + name.slice(1)];
}

/** Does the rule hold for a value with these neighbours? */
export function holds({ rule, unless }: ActiveRule, value: JsonValue, container: JsonObject | JsonValue[]): boolean {
  for (const { names, values } of unless) {
    const neighbour = member(container, names);
    if (typeof neighbour === 'string' && values.has(plainName(neighbour))) return false;
  }
  return rule.when !== 'looks-personal' || looksPersonal(value, container);
}

function member(container: JsonObject | JsonValue[], names: readonly string[]): JsonValue | undefined {
  if (Array.isArray(container)) return undefined;
  for (const name of names) if (Object.hasOwn(container, name)) return container[name];
  return undefined;
}

/** Type names repeat: the last ones are remembered. */
let plainNames = new Map<string, string>();

function plainName(name: string): string {
  let plain = plainNames.get(name);
  if (plain === undefined) {
    if (plainNames.size >= 256) plainNames = new Map();
    plain = normalName(name.slice(0, 64));
    if (name.length <= 64) plainNames.set(name, plain);
  }
  return plain;
}

const wholeEmail = /^\s*[^\s@<>"]{1,256}@[^\s@<>",;:/]{1,255}\.[^\s@<>",;:/.\d]{2,63}\s*$/;

/** What a name field holds: an address is an email, a user name with a space a person's name, so that they correlate with the same elsewhere. */
export function kindOfField(rule: SettlingRule, value: string): string {
  const kind = rule.kind ?? 'field';
  if (kind !== 'username' && kind !== 'person_name') return kind;
  if (value.includes('@') && wholeEmail.test(value)) return 'email';
  return kind === 'username' && value.includes(' ') && /\p{L}\s+\p{L}/u.test(value) ? 'person_name' : kind;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Accounts of Kubernetes and its hosts; ARNs, whose user is found by the detectors. */
const machineAccount = /^(?:system|eks|aks|gke|arn):/;

const systemMax = Math.max(...Array.from(systemAccounts, ({ length }) => length));

/** A first look that names and addresses fail: may the value be what {@link systemAccounts}, {@link machineAccount} or {@link uuid} stand for? */
function mayBeMachine(value: string): boolean {
  const { length } = value;
  const first = value.charCodeAt(0);
  const last = value.charCodeAt(length - 1);
  // With blanks at its ends it is not what it looks like.
  if (first <= 32 || first > 126 || last <= 32 || last > 126 || length === 36) return true;
  if (value.charCodeAt(3) === 58 || value.charCodeAt(6) === 58) return true;
  return length <= systemMax && !value.includes(' ') && !value.includes('@');
}

/** Is the value what its field promises, so that the rule settles all of it? If not, detectors look through it. */
export function isWholeValue({ kind, transform }: SettlingRule, value: string): boolean {
  if (kind === 'ip_address') return transform !== undefined && transform !== 'generalize';
  if (kind !== 'username' && kind !== 'person_name') return true;
  // `org/repo` is the full name of no person.
  if (kind === 'person_name' && value.includes('/')) return false;
  if (!mayBeMachine(value)) return true;
  const plain = value.trim().toLowerCase();
  return !systemAccounts.has(plain) && !machineAccount.test(plain) && !(plain.length === 36 && uuid.test(plain));
}

/** Five digits at the end: nobody's name, by the pattern below. */
function endsInNumber(value: string): boolean {
  let at = value.length;
  while (at > value.length - 5 && isDigit(value.charCodeAt(at - 1))) at--;
  return at === value.length - 5 && !value.includes('@');
}

/** `cust-42`, `u_7`: a number with a prefix, as most identifiers are. */
function isNumbered(value: string): boolean {
  let at = 0;
  while (isLetter(value.charCodeAt(at))) at++;
  const joint = value.charCodeAt(at);
  if (at === 0 || (joint !== 45 && joint !== 95)) return false;
  const from = ++at;
  while (isDigit(value.charCodeAt(at))) at++;
  return at > from && at === value.length;
}

const typeNames = ['type', 'Type'];

/**
 * Does an identifier look like a person's own name? `jane.doe` and `Jane Doe` do; `usr_8f3a`, `4711`, a UUID or a hash do not. A `type`
 * beside it must stand for a person, or be missing.
 */
export function looksPersonal(value: JsonValue, container: JsonObject | JsonValue[]): boolean {
  if (typeof value !== 'string' || value.length < 2 || value.length > 128 || endsInNumber(value) || isNumbered(value)) return false;
  const type = member(container, typeNames);
  if (typeof type === 'string' && !personTypes.has(plainName(type))) return false;
  if (value.includes('@')) return wholeEmail.test(value);
  // Letters with joints between, and at most four digits at the end; `cust-42` is a number with a prefix.
  if (!/^[\p{L}\p{M}\s._'’-]+\d{0,4}\s*$/u.test(value) || /^\s*\p{L}+[_-]\d+\s*$/u.test(value)) return false;
  const parts = value
    .trim()
    .toLowerCase()
    .replace(/\d+$/, '')
    .split(/[\s._'’-]+/);
  return parts.length <= 5 && parts.join('').length >= 2 && !parts.every((part) => part === '' || commonWords.has(part) || systemAccounts.has(part));
}

/** Kinds whose values are words. */
const wordKinds = new Set([
  'person_name',
  'secret',
  'cookie',
  'postal_address',
  'gender',
  'nationality',
  'religion',
  'ethnicity',
  'political_view',
  'sexual_orientation',
  'health_condition',
  'bic',
]);

/** Could the value be of the kind? `{"type": "email", "value": "verified"}` names a subject, no field. */
export function mayBeOfKind(kind: string | undefined, value: JsonValue): boolean {
  if (kind === undefined || wordKinds.has(kind) || !kindSpecs.has(kind)) return true;
  if (kind === 'email') return typeof value === 'string' && value.includes('@');
  if (kind === 'username') return looksPersonal(value, nowhere);
  return typeof value === 'number' || (typeof value === 'string' && /\d/.test(value));
}

const nowhere: JsonObject = {};
