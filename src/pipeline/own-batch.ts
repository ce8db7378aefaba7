/** Records that the server itself makes, packed and committed like those of senders; no policy is applied to them. */
import type { JsonObject } from '../core/json.ts';
import type { Random } from '../core/random.ts';
import { RecordCommitter } from '../log/commit-record.ts';
import { seedBytes } from '../log/commitment.ts';
import type { Idempotency } from './idempotency.ts';
import { idempotencyBytes, type PackedBatch } from './packed-batch.ts';

export interface OwnBatch {
  log: string;
  origin: string;
  receivedAtMs: number;
  /** A record whose id was used before is a repetition, and not appended again. */
  records: readonly { id: string; record: JsonObject }[];
}

/** What no key's principal is called: a sender's id is never one of these. */
const principal = 'veiltrail';

export function packOwnBatch({ log, origin, receivedAtMs, records }: OwnBatch, idempotency: Idempotency, random: Random): PackedBatch {
  const committer = new RecordCommitter(origin);
  const count = records.length;
  const seeds = random.bytes(seedBytes * count);
  const commitments = new Uint8Array(32 * count);
  const rows = new Uint8Array(idempotencyBytes * count);
  const recordOffsets = new Uint32Array(count + 1);
  for (const [i, { id, record }] of records.entries()) {
    committer.commit(record, seeds, seedBytes * i, commitments, 32 * i);
    recordOffsets[i + 1] = committer.packedBytes;
    idempotency.writeRow({ log, principal, id, timeMs: 0, content: id }, rows, idempotencyBytes * i);
  }
  committer.flush();
  return { log, receivedAtMs, count, commitments, records: committer.packed.slice(), recordOffsets, idempotency: rows, onConflict: 'refuse' };
}
