/** What a detector is: the kinds it knows, the flags of a text without which it has nothing to do, and a linear-time search. */
import type { Candidate } from '../finding.ts';
import type { Survey } from '../survey.ts';

/** One kind of personal data, as users meet it in policies and documents. */
export interface KindSpec {
  readonly kind: string;
  readonly family: 'contact' | 'network' | 'person' | 'money' | 'government' | 'secret' | 'other';
  /** A made-up value that is found. */
  readonly example: string;
  /** What has to hold for a value to be found, in words. */
  readonly check: string;
  /** Findings below this confidence are not acted on, unless the policy says otherwise. */
  readonly floor: number;
  /** The form under which equal values are equal: what tokens and hashes are made from. */
  readonly canonical: (value: string) => string;
}

/** A text being searched. */
export interface ScanContext {
  readonly text: string;
  readonly survey: Survey;
  /** The field's name in lower case without separators, or '' for a text without one. */
  readonly field: string;
  readonly found: Candidate[];
}

export interface Detector {
  readonly kinds: readonly KindSpec[];
  /** Flags of {@link Survey}; the detector runs if the text has any of them. */
  readonly gate: number;
  /** Bits of number-starts.ts: without any of them there is nothing for the detector in a text. */
  readonly starts?: number;
  /** Adds candidates to `context.found`. Linear in the text's length, whatever the text. */
  readonly detect: (context: ScanContext) => void;
  /** Is it somebody else's code, that may do whatever it likes? */
  readonly isForeign?: boolean;
}

/** The text before `at`, at most `length` units, lower case: where keywords are looked for. */
export function before(text: string, at: number, length: number): string {
  return text.slice(at > length ? at - length : 0, at).toLowerCase();
}

/** Trimmed and in lower case: the canonical form where nothing better is known. */
export function lowerTrimmed(value: string): string {
  return value.trim().toLowerCase();
}

/** Only the digits. */
export function digitsOf(value: string): string {
  return value.replace(/\D+/g, '');
}

/** Upper case without separators. */
export function compact(value: string): string {
  return value.replace(/[^\p{L}\p{N}]+/gu, '').toUpperCase();
}
