/**
 * Records in a bucket, for whoever has the vault and the keyring: its segments read like a data directory's, without one. Which generation of a
 * segment counts is the one that the vault has the key of.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { BucketKeys } from '../ledger/chunk.ts';
import { RecordReader } from '../ledger/reader.ts';
import { blocksOf, type SegmentKeys, SegmentReader } from '../ledger/segment-reader.ts';
import type { SegmentsOfBucket } from '../ledger/segment-window.ts';
import { bucketLeaves } from '../storage/record-store.ts';
import { sameSegment, type SegmentName, type SegmentSource } from '../storage/segment-store.ts';
import type { Bucket } from './bucket.ts';
import type { KeptSegment } from './bucket-segments.ts';

export interface KeptRecords {
  /** Segments that can be opened, by bucket. */
  readonly buckets: readonly SegmentsOfBucket[];
  /** The objects that they are in. */
  readonly objects: readonly KeptSegment[];
  /** Objects that nobody has the key of: their records were removed, rewritten, or sealed for somebody else. */
  readonly closed: number;
  readonly source: SegmentSource;
  readonly reader: RecordReader;
}

/** Parts of objects that are kept, and how large each is: blocks lie side by side, and are read one after the other. */
const partBytes = 4 * 1_048_576;
const partsKeptMax = 4;

/** Finds the segments of a log that the keys open. @throws VeiltrailError `anchor_failed`, and what the vault throws */
export async function openKeptRecords(
  bucket: Bucket,
  kept: readonly KeptSegment[],
  keys: SegmentKeys,
  { log, origin }: { log: string; origin: string },
): Promise<KeptRecords> {
  const objects: KeptSegment[] = [];
  for (const rivals of Map.groupBy(kept, (one) => `${one.bucket} ${one.class}`).values()) {
    const chosen = await choose(bucket, rivals, keys, origin);
    if (chosen) objects.push(chosen);
  }
  const buckets = [...Map.groupBy(objects, (one) => one.bucket)]
    .map(([number, segments]) => ({ bucket: number, segments: segments.map(nameOf) }))
    .toSorted((a, b) => a.bucket - b.bucket);
  const source = new KeptSegmentSource(bucket, objects);
  const places = {
    logs: () => Promise.resolve([{ log, origin }]),
    async recordsFrom(of: string, leafIndex: number) {
      const found = of === log ? buckets.find((one) => (one.bucket + 1) * bucketLeaves > leafIndex) : undefined;
      return found && ({ in: 'segments', ...found } as const);
    },
  };
  const reader = new RecordReader(places, noChunks, { segments: new SegmentReader(source, keys) });
  return { buckets, objects, closed: kept.length - objects.length, source, reader };
}

/** Of one class and bucket: the newest generation whose key is there, and of two writings of it the one that the key opens. */
async function choose(bucket: Bucket, rivals: readonly KeptSegment[], keys: SegmentKeys, origin: string): Promise<KeptSegment | undefined> {
  const generations = Map.groupBy(rivals, (one) => one.generation);
  for (const generation of [...generations.keys()].toSorted((a, b) => b - a)) {
    const writings = generations.get(generation) as KeptSegment[];
    if (!(await hasKey(keys, nameOf(writings[0] as KeptSegment)))) continue;
    if (writings.length === 1) return writings[0];
    for (const one of writings) if (await isWhole(new KeptSegmentSource(bucket, [one]), nameOf(one), keys, origin, 1)) return one;
    return writings[0];
  }
  return undefined;
}

async function hasKey(keys: SegmentKeys, name: SegmentName): Promise<boolean> {
  try {
    await keys.segmentKey(name);
    return true;
  } catch (error) {
    if ((error as VeiltrailError).code === 'segment_key_missing') return false;
    throw error;
  }
}

/** What a segment is not whole by; everything else is not about the segment. */
const damages = new Set(['segment_missing', 'segment_damaged', 'segment_version', 'segment_key_missing']);

/** Whether a segment opens, all of its blocks or the first so many. @throws VeiltrailError what the source and the keys throw */
export async function isWhole(source: SegmentSource, name: SegmentName, keys: SegmentKeys, origin: string, blocksMax = Infinity): Promise<boolean> {
  try {
    const reader = new SegmentReader(source, keys);
    const segment = await reader.open(name, origin);
    for (let i = 0; i < Math.min(blocksMax, blocksOf(segment)); i++) await reader.packedBlock(segment, i);
    return true;
  } catch (error) {
    if (error instanceof VeiltrailError && damages.has(error.code)) return false;
    throw error;
  }
}

class KeptSegmentSource implements SegmentSource {
  readonly #bucket: Bucket;
  readonly #objects: readonly KeptSegment[];
  /** The one used last comes last. */
  readonly #parts = new Map<string, Promise<Uint8Array | undefined>>();

  constructor(bucket: Bucket, objects: readonly KeptSegment[]) {
    this.#bucket = bucket;
    this.#objects = objects;
  }

  async size(name: SegmentName): Promise<number | undefined> {
    return this.#find(name)?.size;
  }

  async read(name: SegmentName, from: number, to: number): Promise<Uint8Array | undefined> {
    const object = this.#find(name);
    if (!object) return undefined;
    const end = Math.min(to, object.size);
    const bytes = new Uint8Array(Math.max(0, end - from));
    for (let at = from; at < end;) {
      const part = Math.floor(at / partBytes);
      const read = await this.#part(object, part);
      if (!read) return undefined;
      const some = read.subarray(at - part * partBytes, end - part * partBytes);
      if (some.length === 0) return bytes.subarray(0, at - from);
      bytes.set(some, at - from);
      at += some.length;
    }
    return bytes;
  }

  #part(object: KeptSegment, part: number): Promise<Uint8Array | undefined> {
    const key = `${part} ${object.key}`;
    const read =
      this.#parts.get(key) ?? this.#bucket.read(object.key, object.versionId, part * partBytes, Math.min(object.size, (part + 1) * partBytes));
    // What failed is asked for again.
    read.catch(() => this.#parts.delete(key));
    this.#parts.delete(key);
    this.#parts.set(key, read);
    if (this.#parts.size > partsKeptMax) this.#parts.delete(this.#parts.keys().next().value as string);
    return read;
  }

  #find(name: SegmentName): KeptSegment | undefined {
    return this.#objects.find((one) => sameSegment(one, name));
  }
}

const noChunks: BucketKeys = {
  bucketKey: () => Promise.reject(new VeiltrailError('bucket_key_missing', 'there are no chunks in a bucket')),
};

function nameOf({ log, class: of, bucket, generation }: SegmentName): SegmentName {
  return { log, class: of, bucket, generation };
}
