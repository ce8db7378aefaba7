/**
 * A tick: the batches that are appended together. For each log it decides, in the order of arrival, what of every batch is new, and makes
 * of that one chunk, one piece of tree and one set of idempotency rows. A request is all or nothing: one that is refused leaves no trace.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import { commitmentBytes } from '../log/entry.ts';
import { type AppendResult, idempotencyBytes, type PackedBatch, placing, requestEndsOf } from '../pipeline/packed-batch.ts';
import { idConflicts, idIsNew, type LogAppend, type RecordStore } from '../storage/record-store.ts';
import { type BucketKeys, bucketOf, type ChunkContent, discardContent, sealChunk } from './chunk.ts';
import type { Growth, LogTree } from './log-tree.ts';
import { type IdRow, idRow, TickIds } from './tick-ids.ts';

/** A batch that waits for its answer. */
export interface WaitingBatch {
  batch: PackedBatch;
  resolve: (result: AppendResult) => void;
  reject: (error: Error) => void;
}

/** Where each record of a batch is, or why it is nowhere (see `AppendResult`). */
export type Places = Pick<AppendResult, 'leafIndexes' | 'placings'>;

/** A batch of the tick and what becomes of it once the tick is committed. */
export interface PlacedBatch {
  waiting: WaitingBatch;
  places: Places;
}

/** What a tick does to one log; nothing is appended when every record is a repetition. */
export interface LogTick {
  log: string;
  placed: PlacedBatch[];
  append?: { commit: LogAppend; growth: Growth };
}

/** What a tick needs to know of a log. */
export interface TickLog {
  log: string;
  origin: string;
  tree: LogTree;
  lastReceivedAtMs: number;
}

export interface TickPorts {
  records: RecordStore;
  bucketKeys: BucketKeys;
  /** The generation of the bucket key for a chunk that begins at a leaf. */
  generationFor(firstLeaf: number): Promise<number>;
  random: Random;
}

/** Prepares a tick of one log; nothing is written. */
export async function prepareTick(on: TickLog, batches: readonly WaitingBatch[], ports: TickPorts): Promise<LogTick> {
  const ids = new TickIds();
  const fresh: FreshRecords = { parts: [], count: 0 };
  const placed: PlacedBatch[] = [];
  for (const waiting of batches) {
    const stored = await ports.records.findRepetitions(on.log, waiting.batch.idempotency);
    const places = placeBatch(waiting.batch, stored, ids, on.tree.treeSize + fresh.count);
    placed.push({ waiting, places });
    keepFresh(fresh, waiting.batch, places);
  }
  if (fresh.count === 0) return { log: on.log, placed };
  return { log: on.log, placed, append: await buildAppend(on, fresh, ports) };
}

/** Decides every record of a batch. */
function placeBatch(batch: PackedBatch, stored: Float64Array, ids: TickIds, firstLeaf: number): Places {
  const rows = Buffer.from(batch.idempotency.buffer, batch.idempotency.byteOffset, batch.idempotency.byteLength);
  const places: Places = { leafIndexes: new Float64Array(batch.count), placings: new Uint8Array(batch.count) };
  let next = firstLeaf;
  let from = 0;
  for (const to of requestEndsOf(batch)) {
    next = placeRequest({ rows, from, to, refuses: batch.onConflict === 'refuse' }, stored, ids, next, places);
    from = to;
  }
  return places;
}

/** The records of one request: all or none of them. */
interface PlacedRequest {
  rows: Buffer;
  from: number;
  to: number;
  refuses: boolean;
}

/** Returns the leaf behind the request's last new one; for one that is refused `firstLeaf`, and then `ids` is as it was. */
function placeRequest({ rows, from, to, refuses }: PlacedRequest, stored: Float64Array, ids: TickIds, firstLeaf: number, places: Places): number {
  const { leafIndexes, placings } = places;
  const added: IdRow[] = [];
  let next = firstLeaf;
  for (let i = from; i < to; i++) {
    const row = idRow(rows, i);
    // What the store knows by this body is a repetition; else what this tick knows decides, for a conflict there may be a repetition here.
    let found = stored[i] as number;
    if (found < 0) found = mostTelling(found, ids.find(row));
    if (found >= 0) {
      leafIndexes[i] = found;
      placings[i] = placing.duplicate;
      continue;
    }
    if (found === idConflicts && refuses) {
      for (const undone of added) ids.remove(undone);
      leafIndexes.fill(0, from, to);
      placings.fill(placing.refused, from, to);
      return firstLeaf;
    }
    ids.add(row, next);
    added.push(row);
    leafIndexes[i] = next++;
    placings[i] = found === idConflicts ? placing.conflicting : placing.appended;
  }
  return next;
}

function mostTelling(stored: number, inTick: number): number {
  return inTick === idIsNew ? stored : inTick;
}

/** The new records of a tick, as ranges of the batches that brought them. */
interface FreshRecords {
  parts: { batch: PackedBatch; from: number; to: number }[];
  count: number;
}

function keepFresh(fresh: FreshRecords, batch: PackedBatch, { placings }: Places): void {
  const isNew = (i: number): boolean => placings[i] === placing.appended || placings[i] === placing.conflicting;
  for (let from = 0; from < batch.count;) {
    let to = from;
    while (to < batch.count && isNew(to)) to++;
    if (to > from) {
      fresh.parts.push({ batch, from, to });
      fresh.count += to - from;
    }
    from = to + 1;
  }
}

async function buildAppend(on: TickLog, fresh: FreshRecords, ports: TickPorts): Promise<{ commit: LogAppend; growth: Growth }> {
  const commitments = gatherRows(fresh, commitmentBytes, (batch) => batch.commitments);
  const receivedAtMs = Math.max(on.lastReceivedAtMs, ...fresh.parts.map(({ batch }) => batch.receivedAtMs));
  const firstLeaf = on.tree.treeSize;
  const growth = on.tree.grow(commitments);
  const place = { origin: on.origin, firstLeaf, count: fresh.count, receivedAtMs };
  const generation = await ports.generationFor(firstLeaf);
  const bucketKey = await ports.bucketKeys.bucketKey(on.log, bucketOf(firstLeaf), generation);
  const content = gatherContent(fresh);
  const chunk = sealChunk(place, content, bucketKey, ports.random, generation);
  discardContent(content);
  const rows = sortRows(
    gatherRows(fresh, idempotencyBytes, (batch) => batch.idempotency),
    firstLeaf,
  );
  const commit: LogAppend = {
    log: on.log,
    treeSizeBefore: firstLeaf,
    treeSize: growth.tree.treeSize,
    root: growth.tree.root(),
    frontier: growth.tree.frontierBytes(),
    receivedAtMs,
    chunk,
    commitments,
    ...rows,
  };
  return { commit, growth };
}

function gatherRows(fresh: FreshRecords, rowBytes: number, rowsOf: (batch: PackedBatch) => Uint8Array): Uint8Array {
  const rows = new Uint8Array(fresh.count * rowBytes);
  let at = 0;
  for (const { batch, from, to } of fresh.parts) {
    rows.set(rowsOf(batch).subarray(from * rowBytes, to * rowBytes), at);
    at += (to - from) * rowBytes;
  }
  return rows;
}

function gatherContent(fresh: FreshRecords): ChunkContent {
  let bytes = 0;
  for (const { batch, from, to } of fresh.parts) bytes += (batch.recordOffsets[to] as number) - (batch.recordOffsets[from] as number);
  const records = new Uint8Array(bytes);
  const offsets = new Uint32Array(fresh.count + 1);
  let at = 0;
  let n = 0;
  for (const { batch, from, to } of fresh.parts) {
    const begin = batch.recordOffsets[from] as number;
    const end = batch.recordOffsets[to] as number;
    records.set(batch.records.subarray(begin, end), at);
    for (let i = from; i < to; i++) offsets[n++] = at + (batch.recordOffsets[i] as number) - begin;
    at += end - begin;
  }
  offsets[n] = at;
  return { offsets, records };
}

/** Idempotency rows in the order of their keys (or nearly: by time and a few bits more), so that inserting them touches few pages. */
function sortRows(rows: Uint8Array, firstLeaf: number): { idempotency: Uint8Array; idempotencyLeaves: Float64Array } {
  const count = rows.length / idempotencyBytes;
  const words = new DataView(rows.buffer);
  const ranks = new Float64Array(count);
  const order: number[] = [];
  for (let i = 0; i < count; i++) {
    const at = i * idempotencyBytes;
    ranks[i] = (words.getUint32(at) * 0x1_0000_0000 + words.getUint32(at + 4)) * 4096 + (words.getUint16(at + 8) >>> 4);
    order.push(i);
  }
  order.sort((a, b) => (ranks[a] as number) - (ranks[b] as number));
  const idempotency = new Uint8Array(rows.length);
  const idempotencyLeaves = new Float64Array(count);
  for (let n = 0; n < count; n++) {
    const i = order[n] as number;
    idempotency.set(rows.subarray(i * idempotencyBytes, (i + 1) * idempotencyBytes), n * idempotencyBytes);
    idempotencyLeaves[n] = firstLeaf + i;
  }
  return { idempotency, idempotencyLeaves };
}

/**
 * Refuses a batch whose arrays do not fit together: a mistake of ours, found before it is written.
 * @throws VeiltrailError `bad_batch`
 */
export function checkBatch(batch: PackedBatch): void {
  const { count, recordOffsets, records, commitments, idempotency, receivedAtMs } = batch;
  let fits = Number.isSafeInteger(count) && count >= 0 && Number.isSafeInteger(receivedAtMs) && receivedAtMs >= 0;
  fits &&= recordOffsets.length === count + 1 && commitments.length === count * commitmentBytes && idempotency.length === count * idempotencyBytes;
  fits &&= recordOffsets[count] === records.length;
  for (let i = 0; fits && i < count; i++) fits = (recordOffsets[i] as number) <= (recordOffsets[i + 1] as number);
  const ends = requestEndsOf(batch);
  for (let i = 1; fits && i < ends.length; i++) fits = (ends[i - 1] as number) <= (ends[i] as number);
  fits &&= ends.at(-1) === count;
  if (!fits) throw new VeiltrailError('bad_batch', 'the parts of a batch do not fit together');
}
