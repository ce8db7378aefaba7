/** A policy: what happens to which field and to which kind. Made by {@link file://./policy-file.ts}, acted on by the engine. */

/** What can be done to a value. `scan` (fields only) leaves a field to the detectors, ahead of wider rules below it. */
export const transformNames = ['redact', 'hash', 'tokenize', 'mask', 'generalize', 'drop', 'keep'] as const;
export type TransformName = (typeof transformNames)[number];

export interface TransformOptions {
  /** redact: `redacted` writes `[REDACTED]`, `kind` writes `[US_SSN]` and so on. */
  label?: 'redacted' | 'kind';
  /** mask: how many characters stay at the end. */
  keepLast?: number;
  /** generalize: prefix lengths that stay. */
  ipv4?: number;
  ipv6?: number;
  /** generalize: what stays of a date. */
  date?: 'month' | 'year';
  /** generalize: the width of the bucket that stands for a number. */
  bucket?: number;
}

export interface FieldRule {
  /** Patterns of names divided by dots: `*` one name or element, `**` any number, `*` within a name any letters. Case, `_` and `-` do not matter. */
  path: string[];
  kind?: string;
  /** Absent: the transform of the kind. */
  transform?: TransformName | 'scan';
  options?: TransformOptions;
  /** Only values that look like a person's. */
  when?: 'looks-personal';
  /** Not where a member beside the field has one of these values (case, `_` and `-` do not matter). */
  unless?: Record<string, string[]>;
  why?: string;
}

export interface KindRule {
  transform: TransformName;
  options?: TransformOptions;
  /** Findings with less confidence are left alone. */
  floor?: number;
  why?: string;
}

export interface Policy {
  version: number;
  name: string;
  /** What happens to fields that no rule names: detectors look through them. */
  unknown: 'scan';
  fields: FieldRule[];
  kinds: Record<string, KindRule>;
}
