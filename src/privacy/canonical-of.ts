/** The form under which equal values are the same, for every kind that a policy knows. */
import type { CanonicalOf } from './allow-list.ts';
import { compileCustomKinds } from './custom-kinds.ts';
import { canonicalOf, kindSpecs } from './detectors/all.ts';
import type { KindSpec } from './detectors/detector.ts';
import type { Policy } from './policy-model.ts';

/** Of what a rule changes that names no kind. */
export const fieldKind = 'field';

/** @param own specifications of the policy's own kinds */
export function createCanonicalOf(own: ReadonlyMap<string, KindSpec>): CanonicalOf {
  if (own.size === 0) return canonicalOf;
  return (kind, value) => own.get(kind)?.canonical(value) || canonicalOf(kind, value);
}

/** The specifications of a policy's own kinds, and that form for all kinds there are. */
export function canonicalForms({ custom }: Pick<Policy, 'custom'>): { canonicalOf: CanonicalOf; kinds: ReadonlySet<string> } {
  const own = new Map(compileCustomKinds(custom).flatMap(({ kinds }) => kinds.map((spec) => [spec.kind, spec] as const)));
  return { canonicalOf: createCanonicalOf(own), kinds: new Set([...kindSpecs.keys(), ...own.keys(), fieldKind]) };
}
