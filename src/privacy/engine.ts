/**
 * The privacy engine: finds personal data in texts and events and takes it out as the policy says.
 *
 * `plan` reads, `apply` writes: between the two the caller settles the tokens of a whole batch with the vault. Applying twice changes
 * nothing: tokens, hashes and marks are recognised and left alone. Any value costs time linear in its size.
 */
import { compareUtf8 } from '../core/bytes.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { type Applied, applyPlan } from './apply.ts';
import { kindSpecs } from './detectors/all.ts';
import type { Candidate, Finding } from './finding.ts';
import { findInNumber } from './numbers.ts';
import type { Frame, Plan, TokenNeed } from './plan.ts';
import { Planner } from './planner.ts';
import type { Policy } from './policy-model.ts';
import { Reader, type Reading } from './reader.ts';
import { kindOfField } from './rules.ts';
import { Scanner } from './scan.ts';
import { createHasher, type PseudonymKey } from './transforms.ts';

export type { Applied, Finding, Plan, PseudonymKey, TokenNeed };

export interface PrivacyEngine {
  /** What is personal in a text: sorted, not overlapping, offsets in UTF-16 units. */
  scanText(text: string): Finding[];
  /** What is personal in a value, by field and by detector, with pointers; a member's name bears the member's pointer. Sorted by place. */
  scanObject(value: JsonValue): Finding[];
  /** Decides what shall happen to the event; changes nothing. */
  plan(event: JsonObject): Plan;
  /** Carries out a plan. The plan's event is consumed: changed in place and returned. */
  apply(plan: Plan, token: (need: TokenNeed) => string): { event: JsonObject; applied: Applied[] };
}

/** @param options.pseudonymKey the key of the `hash` transform */
export function createPrivacyEngine(policy: Policy, options: { pseudonymKey: PseudonymKey }): PrivacyEngine {
  const floors = new Map([...kindSpecs.values()].map((spec) => [spec.kind, policy.kinds[spec.kind]?.floor ?? spec.floor] as const));
  const scanner = new Scanner(floors);
  const { version } = options.pseudonymKey;
  const reader = new Reader(policy.fields, scanner);
  const planner = new Planner(policy, reader, createHasher(options.pseudonymKey));
  return {
    scanText: (text) => scanner.scanAll(text).map((one) => formatFinding(one)),
    scanObject(value) {
      if (typeof value === 'string') return scanner.scanAll(value).map((one) => formatFinding(one, ''));
      if (typeof value === 'number') return findInNumber(value).map((one) => formatFinding(one, ''));
      if (typeof value !== 'object' || value === null) return [];
      return placeFindings(reader.read(value));
    },
    plan: (event) => planner.plan(event),
    apply: (plan, token) => applyPlan(plan, token, version),
  };
}

/** The findings of a reading, each with its pointer. */
function placeFindings({ leaves, names }: Reading): Finding[] {
  const out: Finding[] = [];
  for (const { frame, key, found } of names) for (const one of found) out.push(placeFinding(one, frame, key, key));
  for (const { frame, key, value, rule, found } of leaves) {
    const text = String(value);
    const whole = rule ? [{ kind: kindOfField(rule, text), start: 0, end: text.length, confidence: 1 }] : found;
    for (const one of whole) out.push(placeFinding(one, frame, key, text));
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
