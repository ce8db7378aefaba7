/**
 * What somebody with a receipt and the log's key can be sure of, offline: that an entry, or the record behind it, is in the log at that place,
 * under a checkpoint that the log signed.
 */
import {
  type CheckpointTrust,
  commitFields,
  type Field,
  formatEntry,
  parseProof,
  type VerifiedCheckpoint,
  unflattenRecord,
  verifyProof,
} from '../log/index.ts';
import type { JsonObject } from '../core/json.ts';

/** Now certain: that log, that place, that entry. */
export interface VerifiedReceipt {
  readonly leafIndex: number;
  /** The 33 bytes. */
  readonly entry: Uint8Array;
  readonly checkpoint: VerifiedCheckpoint;
}

export interface VerifiedRecord extends VerifiedReceipt {
  readonly record: JsonObject;
}

/**
 * Verifies the receipt (the text of a `.tlog-proof`) of an entry.
 * @throws VeiltrailError of whatever step failed: the form of the receipt (`proof_syntax`, `note_syntax`, `checkpoint_syntax`), its signature
 * (`note_unverified`, `note_signature`), its log (`checkpoint_origin`) or its place in it (`proof_length`, `proof_mismatch`, `tree_range`)
 */
export function verifyReceipt(receipt: string | Uint8Array, entry: Uint8Array, trust: CheckpointTrust): VerifiedReceipt {
  return { ...verifyProof(parseProof(receipt), entry, trust), entry };
}

/** Verifies the receipt of a commitment, 32 bytes. @throws VeiltrailError as {@link verifyReceipt}, and `entry_commitment` */
export function verifyCommitmentReceipt(receipt: string | Uint8Array, commitment: Uint8Array, trust: CheckpointTrust): VerifiedReceipt {
  return verifyReceipt(receipt, formatEntry(commitment), trust);
}

/**
 * Verifies the receipt of a whole record, from its fields and its seed.
 * @throws VeiltrailError as {@link verifyReceipt}, and what `unflattenRecord` throws for fields that no record has
 */
export function verifyRecordReceipt(
  receipt: string | Uint8Array,
  { fields, seed }: { readonly fields: readonly Field[]; readonly seed: Uint8Array },
  trust: CheckpointTrust,
): VerifiedRecord {
  const record = unflattenRecord(fields);
  return { ...verifyCommitmentReceipt(receipt, commitFields(trust.origin, fields, seed), trust), record };
}
