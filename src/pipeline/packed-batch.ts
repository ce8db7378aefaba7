/**
 * What a worker hands to the ledger: the records of one request, committed and packed, in flat arrays whose buffers move between threads.
 * A batch is all or nothing.
 */

/** Bytes of one idempotency row: sender's time (uint64be milliseconds) ‖ keyed hash of (log, principal, id)[16] ‖ keyed hash of the body[8]. */
export const idempotencyBytes = 32;
/** The part of it that is the key; the rest tells a repetition from another body under the same id. */
export const idempotencyKeyBytes = 24;

export interface PackedBatch {
  log: string;
  /** Milliseconds; never goes backwards from one batch to the next. */
  receivedAtMs: number;
  count: number;
  /** 32 bytes a record. */
  commitments: Uint8Array;
  /** Packed records, one behind the other (see `log/packed-record.ts`). */
  records: Uint8Array;
  /** `count + 1` offsets into `records`. */
  recordOffsets: Uint32Array;
  /** {@link idempotencyBytes} a record. A record whose sender gave no id has a random key, so it is never a duplicate. */
  idempotency: Uint8Array;
  /** What to do when an id comes again with another body: refuse the batch, or append and flag it. */
  onConflict: 'refuse' | 'append';
}

/** What became of one record of a batch. */
export interface Appended {
  leafIndex: number;
  duplicate: boolean;
}

/** Answer to a batch, given when it is durable and published. */
export interface AppendResult {
  appended: Appended[];
  /** Of the published checkpoint that covers the batch. */
  treeSize: number;
  checkpoint: string;
}

/** The buffers that move when a batch is posted to another thread. */
export function batchBuffers(batch: PackedBatch): ArrayBuffer[] {
  return [batch.commitments.buffer, batch.records.buffer, batch.recordOffsets.buffer, batch.idempotency.buffer] as ArrayBuffer[];
}
