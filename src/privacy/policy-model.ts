/** A policy: what happens to which field and to which kind. Made by {@link file://./policy-file.ts}, acted on by the engine. */
import type { VaultSection } from './vault-rules.ts';

/** What can be done to a value. `scan` (fields only) leaves a field to the detectors, ahead of wider rules below it. */
export const transformNames = ['redact', 'hash', 'sha256', 'tokenize', 'mask', 'generalize', 'shift', 'drop', 'keep'] as const;
export type TransformName = (typeof transformNames)[number];

/** What happens to a field that no rule names: see {@link Policy.unknown}. */
export const unknownModes = ['scan', 'quarantine', 'redact'] as const;
export type UnknownMode = (typeof unknownModes)[number];

/** What a custom kind's value may be checked with. */
export const checkNames = ['luhn', 'mod97', 'mod11-2', 'verhoeff'] as const;
export type CheckName = (typeof checkNames)[number];

/** The form under which a custom kind's values are equal. */
export const canonicalNames = ['lower', 'digits', 'compact', 'exact'] as const;
export type CanonicalName = (typeof canonicalNames)[number];

export interface TransformOptions {
  /** redact: `redacted` writes `[REDACTED]`, `kind` writes `[US_SSN]` and so on. */
  label?: 'redacted' | 'kind';
  /**
   * tokenize: `kind` shapes the token like its kind: `tok_…@token.invalid` for an address, `<kind>:tok_…` for others; `readable` writes
   * `user-tok_…-token`, `phone-tok_…-token` and so on.
   */
  shape?: 'plain' | 'kind' | 'readable';
  /** hash: under which version of the pseudonym key, while the keyring has more than one. */
  keys?: 'oldest' | 'newest' | 'both';
  /** sha256: even where all values of the kind could be tried out. */
  force?: boolean;
  /** mask: how many characters stay at the end. */
  keepLast?: number;
  /** generalize: prefix lengths that stay. */
  ipv4?: number;
  ipv6?: number;
  /** generalize: what stays of a date. */
  date?: 'month' | 'year';
  /** generalize: the width of the bucket that stands for a number, also for a latitude or longitude. */
  bucket?: number;
  /** generalize: how many parts of a place stay, counted from its end: `Berlin, Germany` → `Germany`. */
  parts?: number;
  /** generalize: how many characters of a postcode stay. */
  keepFirst?: number;
  /** shift: by at most this many days, either way. */
  maxDays?: number;
  /** shift: where the person is named whose dates keep their distances, from the top of the event: `patient.id`. */
  subject?: string;
}

/** What every rule may say of itself. */
interface Explained {
  /** Why the rule is there: kept with the policy, shown by `policy check` and `policy preview`. */
  why?: string;
}

export interface FieldRule extends Explained {
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
}

/** A rule for members by their own name, wherever they are. */
export interface KeyRule extends Explained {
  /** Each `*` is any letters; or a regular expression between slashes. */
  match: string[];
  /** What the rule is for: the name itself, or what stands under it. */
  on: 'name' | 'value';
  kind?: string;
  /** Absent: the transform of the kind. For a name, `drop` removes the member. */
  transform?: TransformName | 'scan';
  options?: TransformOptions;
}

export interface KindRule extends Explained {
  transform: TransformName;
  options?: TransformOptions;
  /** Findings with less confidence are left alone. */
  floor?: number;
}

/** A kind of one's own. It has patterns, or a dictionary, or both. */
export interface CustomKind extends Explained {
  kind: string;
  /** Regular expressions whose cost was checked when the policy was loaded. */
  pattern?: string[];
  ignoreCase?: boolean;
  /** Words of which one should stand near a match, or be the field's name. */
  keywords?: string[];
  check?: CheckName;
  canonical?: CanonicalName;
  /** A value that must be found: tried when the policy is loaded. */
  example?: string;
  dictionary?: Dictionary;
}

/** Words and phrases that only their salted digests are kept of. */
export interface Dictionary {
  /** base64url of at least 16 bytes. */
  salt: string;
  /** Words of the longest phrase. */
  words: number;
  /** base64url of the first 12 bytes of HMAC-SHA-256(salt, phrase in lower case, words divided by one space). */
  hashes: string[];
}

/** What stays though something above would change it. */
export interface AllowRule extends Explained {
  /** Only findings of these kinds. Absent: of any. */
  kinds?: string[];
  values?: string[];
  /** Regular expressions for the whole value. */
  patterns?: string[];
  /** Networks whose addresses stay: `10.0.0.0/8`. */
  networks?: string[];
  /** Domains, with all below them, whose addresses and hosts stay. */
  domains?: string[];
}

/** What a log has of its own. */
export interface LogRules {
  unknown?: UnknownMode;
  /** Asked before those of the policy. */
  fields?: FieldRule[];
  keys?: KeyRule[];
  /** In the place of the policy's, kind by kind. */
  kinds?: Record<string, KindRule>;
  /** Beside those of the policy. */
  allow?: AllowRule[];
}

export interface Policy {
  version: number;
  name: string;
  /** Who answers for it, and who agreed to it. */
  owner?: string;
  approver?: string;
  /** Fields that no rule names: looked through by the detectors, withheld as tokens until somebody classifies them, or redacted. */
  unknown: UnknownMode;
  fields: FieldRule[];
  keys: KeyRule[];
  kinds: Record<string, KindRule>;
  custom: CustomKind[];
  allow: AllowRule[];
  /** Tokens and their reveals: see `vaultRulesOf`. */
  vault?: VaultSection;
  logs: Record<string, LogRules>;
}

/** The policy that holds in a log: the log's own rules first. */
export function policyOfLog(policy: Policy, log: string): Policy {
  const own = Object.hasOwn(policy.logs, log) ? policy.logs[log] : undefined;
  if (!own) return policy;
  return {
    ...policy,
    unknown: own.unknown ?? policy.unknown,
    fields: [...(own.fields ?? []), ...policy.fields],
    keys: [...(own.keys ?? []), ...policy.keys],
    kinds: { ...policy.kinds, ...own.kinds },
    allow: [...(own.allow ?? []), ...policy.allow],
  };
}

/** The log that canaries for a log's rules are appended to: the rules that hold there are the same. */
export function canaryLogOf(policy: Policy, log: string): string {
  return Object.hasOwn(policy.logs, log) ? `_canary-${log}` : '_canary';
}
