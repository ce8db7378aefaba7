/**
 * Verifies a disclosure: the values shown, with their salts, and the digests of the others give the commitment; that gives the entry; its receipt
 * leads to a checkpoint that the log signed. What is kept back stays unknown, its pointer and its place apart.
 */
import type { JsonValue } from '../core/json.ts';
import { type CheckpointTrust, commitDisclosure, type Disclosure, isNamed, isShown, parseDisclosure, parseFieldValue } from '../log/index.ts';
import { verifyCommitmentReceipt, type VerifiedReceipt } from './receipt.ts';

export interface VerifiedField {
  readonly pointer: string;
  readonly value: JsonValue;
}

export interface VerifiedDisclosure extends VerifiedReceipt {
  /** The fields shown, in the order of the record. */
  readonly shown: readonly VerifiedField[];
  /** Pointers of the fields kept back. */
  readonly hidden: readonly string[];
  /** How many fields were redacted with their pointers. */
  readonly redactedCount: number;
}

/**
 * @param disclosure its text
 * @throws VeiltrailError as `parseDisclosure` and `verifyReceipt`; a value, a salt or a digest that is not the record's ends in `proof_mismatch`
 */
export function verifyDisclosure(disclosure: string | Uint8Array, trust: CheckpointTrust): VerifiedDisclosure {
  const parsed: Disclosure = parseDisclosure(disclosure);
  const verified = verifyCommitmentReceipt(parsed.receipt, commitDisclosure(trust.origin, parsed), trust);
  const named = parsed.fields.filter(isNamed);
  return {
    ...verified,
    shown: named.filter(isShown).map(({ pointer, value }) => ({ pointer, value: parseFieldValue(pointer, value) })),
    hidden: named.filter((field) => !isShown(field)).map(({ pointer }) => pointer),
    redactedCount: parsed.fields.length - named.length,
  };
}
