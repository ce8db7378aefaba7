/**
 * The privacy engine: finds personal data in texts and events and takes it out as the policy says.
 *
 * `plan` reads, `apply` writes: between the two the caller settles the tokens of a whole batch with the vault. Applying twice changes
 * nothing: tokens, hashes and marks are recognised and left alone. Any value costs time linear in its size.
 */
import { compareUtf8 } from '../core/bytes.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { type Applied, applyPlan } from './apply.ts';
import { createAllowList } from './allow-list.ts';
import { createCanonicalOf } from './canonical-of.ts';
import { compileCustomKinds } from './custom-kinds.ts';
import { createDayShift } from './date-shift.ts';
import { kindSpecs } from './detectors/all.ts';
import type { FieldWatch } from './field-watch.ts';
import type { Candidate, Finding } from './finding.ts';
import { findInNumber } from './numbers.ts';
import type { Frame, Plan, TokenNeed, UnknownField } from './plan.ts';
import { Planner } from './planner.ts';
import type { FieldRule, Policy } from './policy-model.ts';
import { Reader } from './reader.ts';
import type { Reading } from './reading.ts';
import { detectorOf, type Recognizer } from './recognizer.ts';
import { kindOfField, type SettlingRule } from './rules.ts';
import { Scanner } from './scan.ts';
import { createHasher, type PseudonymKey } from './transforms.ts';

export type { Applied, Finding, Plan, PseudonymKey, TokenNeed, UnknownField };

export interface PrivacyEngine {
  /** What is personal in a text: sorted, not overlapping, offsets in UTF-16 units. */
  scanText(text: string): Finding[];
  /** What is personal in a value, by field and by detector, with pointers; a member's name bears the member's pointer. Sorted by place. */
  scanObject(value: JsonValue): Finding[];
  /**
   * Decides what shall happen to the event; changes nothing.
   * @param watch learns which fields the event has
   */
  plan(event: JsonObject, watch?: FieldWatch): Plan;
  /** Carries out a plan. The plan's event is consumed: changed in place and returned. */
  apply(plan: Plan, token: (need: TokenNeed) => string): { event: JsonObject; applied: Applied[] };
}

export interface EngineOptions {
  /** The key of the `hash` and `shift` transforms, or all versions that are left of it. */
  pseudonymKey: PseudonymKey | readonly PseudonymKey[];
  /** Rules of a registry of fields: asked behind those of the policy, and what they name is not unknown. */
  fieldRules?: readonly FieldRule[];
  /** Let `applied` say why, as the policy has it. */
  explain?: boolean;
  /** Recognisers beside the built-in detectors (see recognizer.ts). */
  recognizers?: readonly Recognizer[];
}

/** @param given the policy of one log (see `policyOfLog`) */
export function createPrivacyEngine(given: Policy, options: EngineOptions): PrivacyEngine {
  const policy = options.fieldRules ? { ...given, fields: [...given.fields, ...options.fieldRules] } : given;
  const custom = compileCustomKinds(policy.custom);
  const ownSpecs = new Map(custom.flatMap(({ kinds }) => kinds.map((spec) => [spec.kind, spec] as const)));
  const floors = new Map(
    [...kindSpecs.values(), ...ownSpecs.values()].map((spec) => [spec.kind, policy.kinds[spec.kind]?.floor ?? spec.floor] as const),
  );
  const canonicalOf = createCanonicalOf(ownSpecs);
  const allows = createAllowList(policy.allow, canonicalOf);
  const keys: readonly PseudonymKey[] = 'key' in options.pseudonymKey ? [options.pseudonymKey] : options.pseudonymKey;
  const oldest = keys.reduce((least, key) => (key.version < least.version ? key : least));
  const kept = new Set(Object.entries(policy.kinds).flatMap(([kind, { transform }]) => (transform === 'keep' ? [kind] : [])));
  const scanner = new Scanner(floors, [...custom, ...(options.recognizers ?? []).map(detectorOf)], kept);
  const reader = new Reader(policy, scanner);
  const planner = new Planner(policy, { reader, hash: createHasher(keys), shift: createDayShift(oldest.key), canonicalOf, allows });
  const remains = (text: string) => (one: Candidate) => {
    const own = one.value ?? text.slice(one.start, one.end);
    return !allows?.(one.kind, own, one.canonical ?? canonicalOf(one.kind, own));
  };
  const scanText = (text: string): readonly Candidate[] => (allows ? scanner.scanAll(text).filter(remains(text)) : scanner.scanAll(text));
  return {
    scanText: (text) => scanText(text).map((one) => formatFinding(one)),
    scanObject(value) {
      if (typeof value === 'string') return scanText(value).map((one) => formatFinding(one, ''));
      if (typeof value === 'number') return findInNumber(value).map((one) => formatFinding(one, ''));
      if (typeof value !== 'object' || value === null) return [];
      const reading = reader.read(value);
      const found = placeFindings(reading, allows ? remains : undefined);
      reading.clear();
      return found;
    },
    plan: (event, watch) => planner.plan(event, watch),
    apply: (plan, token) => applyPlan(plan, token, options.explain),
  };
}

/** The findings of a reading, each with its pointer. */
function placeFindings(reading: Reading, remains: ((text: string) => (one: Candidate) => boolean) | undefined): Finding[] {
  const out: Finding[] = [];
  const place = (frame: Frame, key: string | number, text: string, rule: SettlingRule | undefined, found: readonly Candidate[]): void => {
    const all = rule ? [{ kind: kindOfField(rule, text), start: 0, end: text.length, confidence: 1 }] : found;
    for (const one of remains ? all.filter(remains(text)) : all) out.push(placeFinding(one, frame, key, text));
  };
  for (const { frame, key, found, rule } of reading.names) place(frame, key, key, rule, found);
  for (let i = 0; i < reading.leafCount; i++) {
    const { frame, key, value, rule, found } = reading.leaf(i);
    place(frame, key, String(value), rule, found);
  }
  return out.sort((a, b) => compareUtf8(a.pointer as string, b.pointer as string));
}

/** A finding within a JSON text gets the pointer of the string that holds the text, and its span there if it is written plainly. */
function placeFinding(one: Candidate, frame: Frame, key: string | number, text: string): Finding {
  const { document } = frame;
  if (!document) return formatFinding(one, pointerWithin(frame, key));
  const outer = document.text;
  const written = JSON.stringify(text.slice(one.start, one.end)).slice(1, -1);
  const start = outer.indexOf(written);
  const span = start < 0 ? { start: 0, end: outer.length } : { start, end: start + written.length };
  return placeFinding({ kind: one.kind, confidence: one.confidence, ...span }, document.frame, document.key, outer);
}

function formatFinding({ kind, start, end, confidence }: Candidate, pointer?: string): Finding {
  return pointer === undefined ? { kind, start, end, confidence } : { kind, start, end, confidence, pointer };
}

/** The pointer of a member, by the names it has now. */
function pointerWithin(frame: Frame, key: string | number): string {
  let out = '';
  let name = key;
  for (let at: Frame | undefined = frame; at; at = at.parent) {
    out = `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}${out}`;
    name = at.key;
  }
  return out;
}
