/** Batches as the pipeline makes them: real records, committed and packed. */
import { hash } from 'node:crypto';
import { uint64be } from '../../src/core/bytes.ts';
import { commitFields } from '../../src/log/commitment.ts';
import { packedBytesMax, packRecord } from '../../src/log/packed-record.ts';
import type { Field } from '../../src/log/record.ts';
import type { PackedBatch } from '../../src/pipeline/packed-batch.ts';

/** The time at which tests are run. */
export const testNowMs = 1_700_000_000_000;

/** What a test asks to be appended: an id and a body; the same id and body is a repetition. */
export interface TestEvent {
  id: string;
  body: string;
  /** The sender's time. */
  atMs?: number;
}

export interface TestBatch {
  log: string;
  origin: string;
  events: readonly TestEvent[];
  receivedAtMs?: number;
  onConflict?: 'refuse' | 'append';
}

/** The fields of a test's record: so a reader can be held against what was sent. */
export function fieldsOf({ id, body }: TestEvent): Field[] {
  return [
    { pointer: '/action', value: '"test"' },
    { pointer: '/body', value: JSON.stringify(body) },
    { pointer: '/id', value: JSON.stringify(id) },
  ];
}

/** Packs events; the seed of a record follows from its id and body, so that a batch is the same bytes every time. */
export function packBatch({ log, origin, events, receivedAtMs = testNowMs, onConflict = 'refuse' }: TestBatch): PackedBatch {
  const count = events.length;
  const commitments = new Uint8Array(32 * count);
  const idempotency = new Uint8Array(32 * count);
  const recordOffsets = new Uint32Array(count + 1);
  const fields = events.map(fieldsOf);
  const room = new Uint8Array(fields.reduce((sum, of) => sum + packedBytesMax(of), 0));
  let at = 0;
  for (const [i, event] of events.entries()) {
    const seed = digest(`seed ${event.id} ${event.body}`);
    recordOffsets[i] = at;
    at = packRecord(room, at, seed, fields[i] as Field[]);
    commitments.set(commitFields(origin, fields[i] as Field[], seed), 32 * i);
    idempotency.set(uint64be(event.atMs ?? receivedAtMs), 32 * i);
    idempotency.set(digest(`id ${event.id}`).subarray(0, 16), 32 * i + 8);
    idempotency.set(digest(`body ${event.body}`).subarray(0, 8), 32 * i + 24);
  }
  recordOffsets[count] = at;
  return { log, receivedAtMs, count, commitments, records: room.slice(0, at), recordOffsets, idempotency, onConflict };
}

/** `count` events whose ids are numbered from `from` on. */
export function numbered(from: number, count: number, body = 'body'): TestEvent[] {
  return Array.from({ length: count }, (_, i) => ({ id: `event-${from + i}`, body: `${body}-${from + i}` }));
}

function digest(text: string): Uint8Array {
  return hash('sha256', text, 'buffer');
}
