/** All detectors, in the order in which they run, and the kinds they and the policy know. */
import { assignmentDetector } from './assignments.ts';
import { attributeDetector } from './attributes.ts';
import { emailDetector, phoneDetector } from './contact.ts';
import { coordinateDetector } from './coordinates.ts';
import { cryptoAddressDetector } from './crypto-addresses.ts';
import type { Detector, KindSpec } from './detector.ts';
import { ssnDetector } from './government.ts';
import { identifierDetector } from './identifiers.ts';
import { colonDetector, ipv4Detector, macDetector } from './network.ts';
import { cardDetector, ibanDetector } from './money.ts';
import { otherScriptsDetector } from './other-scripts.ts';
import { personDetector } from './person.ts';
import { postalDetector } from './postal.ts';
import { secretDetector } from './secrets.ts';
import { sqlDetector } from './sql.ts';
import { tableDetector } from './tables.ts';
import { writtenAddressDetector } from './written-addresses.ts';

export const detectors: readonly Detector[] = [
  emailDetector,
  writtenAddressDetector,
  ipv4Detector,
  colonDetector,
  macDetector,
  ssnDetector,
  phoneDetector,
  cardDetector,
  ibanDetector,
  identifierDetector,
  attributeDetector,
  tableDetector,
  sqlDetector,
  postalDetector,
  coordinateDetector,
  otherScriptsDetector,
  cryptoAddressDetector,
  secretDetector,
  assignmentDetector,
  personDetector,
];

/** Every kind by name. */
export const kindSpecs: ReadonlyMap<string, KindSpec> = new Map(
  detectors.flatMap((detector) => detector.kinds.map((spec) => [spec.kind, spec] as const)),
);

/** The form of `value` under which equal values of the kind are equal. Never empty for a non-empty value. */
export function canonicalOf(kind: string, value: string): string {
  return kindSpecs.get(kind)?.canonical(value) || value.trim() || value;
}
