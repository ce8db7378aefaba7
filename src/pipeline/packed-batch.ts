/**
 * What a worker hands to the ledger: the records of one or more requests, committed and packed, in flat arrays whose buffers move between
 * threads. Requests that arrive together share a batch, because a batch of hundreds costs little more than one of one; yet each of them is
 * all or nothing by itself.
 */

/** Bytes of one idempotency row: sender's time (uint64be milliseconds) ‖ keyed hash of (log, principal, id)[16] ‖ keyed hash of the body[8]. */
export const idempotencyBytes = 32;
/** The part of it that is the key; the rest tells a repetition from another body under the same id. */
export const idempotencyKeyBytes = 24;

export interface PackedBatch {
  log: string;
  /** Milliseconds, of the request that arrived last; never goes backwards from one batch to the next. */
  receivedAtMs: number;
  count: number;
  /** For each request the position behind its last record, ascending, the last is `count`. Absent: all records are of one request. */
  requestEnds?: Uint32Array;
  /** 32 bytes a record. */
  commitments: Uint8Array;
  /** Packed records, one behind the other (see `log/packed-record.ts`). */
  records: Uint8Array;
  /** `count + 1` offsets into `records`. */
  recordOffsets: Uint32Array;
  /** {@link idempotencyBytes} a record. A record whose sender gave no id has a random key, so it is never a duplicate. */
  idempotency: Uint8Array;
  /** What to do when an id comes again with another body: refuse the request, or append and flag it. */
  onConflict: 'refuse' | 'append';
}

/** What became of a record. */
export const placing = {
  appended: 0,
  /** It was there already, at the leaf that is named. */
  duplicate: 1,
  /** Appended, although its id was used before with another body. */
  conflicting: 2,
  /** Nothing of its request was appended, because an id of it was used before with another body. */
  refused: 3,
} as const;

/** Answer to a batch, given when it is durable and published. */
export interface AppendResult {
  /** Of each record; 0 where it was refused. */
  leafIndexes: Float64Array;
  /** Of each record, as {@link placing} has them. */
  placings: Uint8Array;
  /** Of the published checkpoint that covers the batch. */
  treeSize: number;
  checkpoint: string;
}

/** The positions behind the last record of each request. */
export function requestEndsOf({ requestEnds, count }: PackedBatch): Uint32Array {
  return requestEnds ?? Uint32Array.of(count);
}

/** The buffers that move when a batch is posted to another thread. */
export function batchBuffers({ commitments, records, recordOffsets, idempotency, requestEnds }: PackedBatch): ArrayBuffer[] {
  const arrays = [commitments, records, recordOffsets, idempotency, ...(requestEnds ? [requestEnds] : [])];
  return arrays.map(({ buffer }) => buffer as ArrayBuffer);
}
