/**
 * Compaction of one bucket: its chunks are read twice (which leaf is of which class; then class by class) and become segments, one a class. Once is
 * enough where there is one class only and no record of the bucket was removed: then a segment's header is known before its records are.
 * Nothing is registered here, and no chunk is touched: that follows in one transaction (`RecordStore.compact`), and until then the files are
 * nobody's. In memory are one chunk, one block and a bit a leaf.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import { bucketLeaves, type Compaction, type RecordSource, type StoredChunk, type StoredSegment } from '../storage/record-store.ts';
import type { SegmentName, SegmentStore } from '../storage/segment-store.ts';
import { bucketOf, discardContent, sealChunk } from './chunk.ts';
import { LeafSet } from './leaf-set.ts';
import { type OpenedChunk, type RecordReader, recordOf, type StoredRecord } from './reader.ts';
import { writeSegment } from './segment-writer.ts';

/** Which records go together, because they are kept equally long. */
export interface RetentionClasses {
  /** The retention class of a record: lower-case letters, digits, `-` and `_`, up to 64 characters. @param packed `log/open-record.ts` */
  classOf(log: string, packed: Uint8Array): string;
  /** The class of every record, where there is one only. */
  readonly only?: string;
}

/** What records are where nobody has said how long they are kept. */
export const defaultClass = 'default';

export const oneClass: RetentionClasses = { classOf: () => defaultClass, only: defaultClass };

/** Which bucket of which log. */
export interface CompactionTask {
  log: string;
  origin: string;
  bucket: number;
}

export interface CompactionKeys {
  /** The key of a segment that is about to be written, durable when it returns. */
  makeSegmentKey(name: SegmentName): Promise<Uint8Array>;
  /** The key under which a bucket's chunks are sealed now. */
  currentBucketKey(log: string, bucket: number): Promise<{ key: Uint8Array; generation: number }>;
}

export interface CompactionParts {
  records: RecordSource;
  reader: Pick<RecordReader, 'openChunk'>;
  segments: SegmentStore;
  keys: CompactionKeys;
  classes: RetentionClasses;
  random: Random;
}

/** What a compaction came to: all that its registration needs, but for the state of the chunks. */
export type CompactedBucket = Omit<Compaction, 'chunkChanges'>;

/** The generation of a segment that was never rewritten. */
const firstGeneration = 1;

/**
 * Writes the segments of a bucket that is full; they are on disk when this returns.
 * @throws VeiltrailError `chunk_damaged`, `chunk_version`, `bucket_key_missing`: such a bucket stays as it is, for `verify` to say what is wrong;
 * `disk_full` and what else the stores throw
 */
export async function compactBucket(task: CompactionTask, parts: CompactionParts): Promise<CompactedBucket> {
  const { only } = parts.classes;
  const whole = only === undefined ? undefined : await compactWhole(task, only, parts);
  if (whole) return whole;
  const { log, bucket } = task;
  const { classes, lastReceivedAtMs, remainder } = await plan(task, parts);
  const segments: StoredSegment[] = [];
  for (const [of, leaves] of classes) segments.push(await writeClass(task, of, leaves, recordsOf(task, leaves, parts), parts));
  return { log, bucket, segments, lastReceivedAtMs, ...(remainder ? { remainder } : {}) };
}

async function writeClass(
  { log, origin, bucket }: CompactionTask,
  of: string,
  leaves: LeafSet,
  records: AsyncIterable<StoredRecord>,
  parts: CompactionParts,
): Promise<StoredSegment> {
  const name = { log, class: of, bucket, generation: firstGeneration };
  const sealing = { key: await parts.keys.makeSegmentKey(name), random: parts.random };
  const written = { records: 0, firstReceivedAtMs: 0, lastReceivedAtMs: 0 };
  const place = { origin, class: of, bucket, generation: firstGeneration };
  const bytes = await parts.segments.write(name, writeSegment(place, leaves, records, sealing, written));
  return { ...name, ...written, bytes };
}

/** Some leaf of the bucket has no record. */
class NotWhole extends Error {}

/** A bucket all of whose records are of one class, read once; undefined where one is missing, and then nothing was written. */
async function compactWhole(task: CompactionTask, of: string, parts: CompactionParts): Promise<CompactedBucket | undefined> {
  const { log, bucket } = task;
  const first = bucket * bucketLeaves;
  const read: { lastReceivedAtMs: number; remainder?: StoredChunk } = { lastReceivedAtMs: 0 };
  async function* records(): AsyncGenerator<StoredRecord> {
    let next = first;
    for await (const chunk of chunksOf(task, parts)) {
      read.lastReceivedAtMs = chunk.receivedAtMs;
      for (const record of recordsIn(chunk, first)) {
        if (record.leafIndex !== next++) throw new NotWhole();
        yield record;
      }
      if (chunk.firstLeaf + chunk.count > first + bucketLeaves) read.remainder = await sealRemainder(task, chunk, first + bucketLeaves, parts);
    }
    if (next !== first + bucketLeaves) throw new NotWhole();
  }
  try {
    const segment = await writeClass(task, of, LeafSet.all(), records(), parts);
    return { log, bucket, segments: [segment], ...read };
  } catch (error) {
    if (error instanceof NotWhole) return undefined;
    throw error;
  }
}

interface Plan {
  /** Leaves by class, in the order of the classes' names. */
  classes: [string, LeafSet][];
  lastReceivedAtMs: number;
  remainder?: StoredChunk;
}

async function plan(task: CompactionTask, parts: CompactionParts): Promise<Plan> {
  const classes = new Map<string, LeafSet>();
  const first = task.bucket * bucketLeaves;
  let lastReceivedAtMs = 0;
  let remainder: StoredChunk | undefined;
  for await (const chunk of chunksOf(task, parts)) {
    lastReceivedAtMs = chunk.receivedAtMs;
    for (const { leafIndex, packed } of recordsIn(chunk, first)) {
      const of = parts.classes.classOf(task.log, packed);
      const leaves = classes.get(of) ?? new LeafSet();
      leaves.add(leafIndex - first);
      classes.set(of, leaves);
    }
    if (chunk.firstLeaf + chunk.count > first + bucketLeaves) remainder = await sealRemainder(task, chunk, first + bucketLeaves, parts);
  }
  return { classes: [...classes].toSorted(([a], [b]) => (a < b ? -1 : 1)), lastReceivedAtMs, ...(remainder ? { remainder } : {}) };
}

async function* recordsOf(task: CompactionTask, leaves: LeafSet, parts: CompactionParts): AsyncGenerator<StoredRecord> {
  const first = task.bucket * bucketLeaves;
  for await (const chunk of chunksOf(task, parts)) {
    for (const record of recordsIn(chunk, first)) if (leaves.has(record.leafIndex - first)) yield record;
  }
}

/** The chunks of a bucket, opened, from the first leaf on; each is gone when the next one comes. */
async function* chunksOf(
  { log, origin, bucket }: CompactionTask,
  { records, reader }: CompactionParts,
): AsyncGenerator<OpenedChunk & { receivedAtMs: number }> {
  const end = (bucket + 1) * bucketLeaves;
  for (let next = bucket * bucketLeaves; next < end;) {
    const stored = await records.chunkFrom(log, next);
    if (!stored || stored.firstLeaf >= end) return;
    // A chunk that reaches over from a bucket which is not compacted is that one's: its records would be in two places.
    if (stored.firstLeaf < bucket * bucketLeaves)
      throw new VeiltrailError('bucket_not_ready', 'the bucket before has to be compacted first', { bucket });
    const chunk = await reader.openChunk(log, origin, stored);
    try {
      yield chunk;
    } finally {
      // Whoever ends early, too: a bucket that turns out not to be whole.
      discardContent(chunk.content);
    }
    next = stored.firstLeaf + stored.count;
  }
}

/** The records of a chunk that are of the bucket whose first leaf is given, and were not removed. */
function* recordsIn(chunk: OpenedChunk, first: number): Generator<StoredRecord> {
  const end = Math.min(chunk.firstLeaf + chunk.count, first + bucketLeaves);
  for (let leaf = Math.max(chunk.firstLeaf, first); leaf < end; leaf++) {
    const record = recordOf(chunk, leaf);
    if (record.packed.length > 0) yield record;
  }
}

/** The leaves of a chunk from `firstLeaf` on, as a chunk of the bucket that they are of. */
async function sealRemainder(
  { log, origin }: CompactionTask,
  chunk: OpenedChunk & { receivedAtMs: number },
  firstLeaf: number,
  { keys, random }: CompactionParts,
): Promise<StoredChunk> {
  const count = chunk.firstLeaf + chunk.count - firstLeaf;
  const { receivedAtMs, content } = chunk;
  const from = content.offsets[chunk.count - count] as number;
  const offsets = content.offsets.slice(chunk.count - count).map((offset) => offset - from);
  const { key, generation } = await keys.currentBucketKey(log, bucketOf(firstLeaf));
  const place = { origin, firstLeaf, count, receivedAtMs };
  return { firstLeaf, count, receivedAtMs, sealed: sealChunk(place, { offsets, records: content.records.subarray(from) }, key, random, generation) };
}
