/**
 * Reading records by leaf, out of chunks and segments alike: for search, show and verify. Holds a bounded number of opened chunks; reads of
 * neighbouring leaves open a chunk once. Of segments it opens 256 leaves at a time, and hands them out like a chunk.
 */
import { invariant, VeiltrailError } from '../core/errors.ts';
import { isRemoved, openRecord, type OpenRecord } from '../log/open-record.ts';
import { bucketLeaves, type StoredChunk } from '../storage/record-store.ts';
import type { SegmentReader } from './segment-reader.ts';
import { mayHaveMoved, openWindow, type SegmentsOfBucket } from './segment-window.ts';
import { type BucketKeys, bucketOf, type ChunkContent, generationOf, openChunk } from './chunk.ts';

/** A record as it is stored. */
export interface StoredRecord {
  leafIndex: number;
  /** Milliseconds: when the batch it came in was received. */
  receivedAtMs: number;
  /** `log/packed-record.ts`, or `log/redacted-record.ts`; empty where the record was removed. */
  packed: Uint8Array;
}

/** Records of neighbouring leaves, opened: a chunk, or a part of a bucket whose records are in segments. */
export interface OpenedChunk {
  firstLeaf: number;
  count: number;
  /** Milliseconds: of all records, or of each. */
  receivedAtMs: number | Float64Array;
  content: ChunkContent;
  /** By leaf: records that are stored and cannot be read, and why. */
  unreadable?: ReadonlyMap<number, VeiltrailError>;
}

/** Where records are: what a reader asks of a `RecordSource`. */
export interface RecordPlaces {
  logs(): Promise<{ log: string; origin: string }[]>;
  /** What holds a leaf, chunk or segments, or the first of either behind it. */
  recordsFrom(log: string, leafIndex: number): Promise<PlacedRecords | undefined>;
}

type PlacedRecords = ({ in: 'chunk' } & StoredChunk) | ({ in: 'segments' } & SegmentsOfBucket);

export interface ReaderOptions {
  /** Bytes of opened chunks that are kept [16 MiB]. */
  cacheBytesMax?: number;
  /** Where segments are read; without it, only records in chunks can be. */
  segments?: SegmentReader;
}

const readTrials = 3;
/** What keeps a chunk from being opened, or is found where it was replaced between being looked up and being opened. */
const damages = new Set(['chunk_damaged', 'chunk_version', 'bucket_key_missing', 'bucket_key_damaged', 'root_missing', 'segment_missing']);

export class RecordReader {
  readonly #records: RecordPlaces;
  readonly #bucketKeys: BucketKeys;
  readonly #cacheBytesMax: number;
  readonly #segments: SegmentReader | undefined;
  /** By log and first leaf, the least recently used first. */
  readonly #cache = new Map<string, OpenedChunk>();
  #cacheBytes = 0;
  #forgotten = 0;
  readonly #origins = new Map<string, string>();

  constructor(records: RecordPlaces, bucketKeys: BucketKeys, { cacheBytesMax = 16 * 1_048_576, segments }: ReaderOptions = {}) {
    this.#records = records;
    this.#bucketKeys = bucketKeys;
    this.#cacheBytesMax = cacheBytesMax;
    this.#segments = segments;
  }

  /**
   * One record.
   * @throws VeiltrailError `log_not_found`, `record_not_found`, `record_removed`, `chunk_damaged`, `segment_damaged`, `segment_missing`
   */
  async record(log: string, leafIndex: number): Promise<StoredRecord> {
    const chunk = await this.#chunkFrom(log, leafIndex);
    if (!chunk || chunk.firstLeaf > leafIndex) throw new VeiltrailError('record_not_found', 'there is no record of that leaf', { leafIndex });
    const why = chunk.unreadable?.get(leafIndex);
    if (why) throw why;
    const record = recordOf(chunk, leafIndex);
    if (isRemoved(record.packed))
      throw new VeiltrailError('record_removed', 'the record of that leaf was removed; a tombstone in the log says why', { leafIndex });
    return record;
  }

  /** One record's fields. Throws what {@link RecordReader.record} throws, and `bad_record`. */
  async fields(log: string, leafIndex: number): Promise<OpenRecord> {
    return openRecord((await this.record(log, leafIndex)).packed);
  }

  /** The records of leaves `from` up to, not including, `to`; those that are not there, or were removed, are left out. */
  async *records(log: string, from: number, to: number): AsyncGenerator<StoredRecord> {
    for (let next = from; next < to;) {
      const chunk = await this.#chunkFrom(log, next);
      if (!chunk || chunk.firstLeaf >= to) return;
      const end = Math.min(to, chunk.firstLeaf + chunk.count);
      for (let leaf = Math.max(next, chunk.firstLeaf); leaf < end; leaf++) {
        const why = chunk.unreadable?.get(leaf);
        if (why) throw why;
        const record = recordOf(chunk, leaf);
        if (!isRemoved(record.packed)) yield record;
      }
      next = end;
    }
  }

  /**
   * The chunk that holds a leaf or the first one behind it, opened; none is kept. For reading whole logs once.
   * @throws VeiltrailError where it does not open, all of it: `chunk_damaged`, `segment_damaged`, …; `detail` has its `firstLeaf` and `count`
   */
  async openChunkFrom(log: string, leafIndex: number): Promise<OpenedChunk | undefined> {
    const opened = await this.openFrom(log, leafIndex);
    const why = opened?.unreadable?.values().next().value;
    if (!opened || !why) return opened;
    const { firstLeaf, count } = opened;
    throw new VeiltrailError(why.code, why.message, { ...why.detail, firstLeaf, count }, { cause: why });
  }

  /** The same, with what can be read where not all can: see {@link OpenedChunk.unreadable}. */
  async openFrom(log: string, leafIndex: number): Promise<OpenedChunk | undefined> {
    let from = leafIndex;
    for (let trial = 1; ; trial++) {
      const stored = await this.#records.recordsFrom(log, from);
      if (!stored) return undefined;
      try {
        const opened = await this.#openStored(log, from, stored, trial < readTrials);
        if (opened) return opened;
        if (stored.in === 'segments') [from, trial] = [(stored.bucket + 1) * bucketLeaves, 0];
      } catch (error) {
        // The chunk was rewritten and its key destroyed after it was read: then another one is there now, or segments are.
        if (!(error instanceof VeiltrailError) || !damages.has(error.code)) throw error;
        if (trial === readTrials && stored.in === 'chunk') return unreadableChunk(stored, error);
      }
    }
  }

  /** Of segments: undefined where nothing is left of the bucket from that leaf on. @param again whether it will be tried again */
  async #openStored(log: string, from: number, stored: PlacedRecords, again: boolean): Promise<OpenedChunk | undefined> {
    const origin = await this.#origin(log);
    if (stored.in === 'chunk') return this.openChunk(log, origin, stored);
    invariant(this.#segments !== undefined, 'who reads a log that has segments can read segments');
    const window = await openWindow(this.#segments, origin, stored, from);
    if (window && again && mayHaveMoved(window)) throw new VeiltrailError('segment_missing', 'a segment is not there any more');
    return window;
  }

  /** Opens a chunk as it is stored. @throws VeiltrailError `chunk_damaged`, `chunk_version`, `bucket_key_missing` */
  async openChunk(
    log: string,
    origin: string,
    { firstLeaf, count, receivedAtMs, sealed }: StoredChunk,
  ): Promise<OpenedChunk & { receivedAtMs: number }> {
    const key = await this.#bucketKeys.bucketKey(log, bucketOf(firstLeaf), generationOf(sealed, firstLeaf));
    return { firstLeaf, count, receivedAtMs, content: openChunk({ origin, firstLeaf, count, receivedAtMs }, sealed, key) };
  }

  /** Forgets what it holds of a log: its chunks were rewritten. */
  forget(log: string): void {
    this.#forgotten++;
    this.#segments?.forget((name) => name.log === log);
    for (const [key, chunk] of this.#cache) {
      if (!key.startsWith(`${log} `)) continue;
      this.#cache.delete(key);
      this.#cacheBytes -= bytesOf(chunk);
    }
  }

  async #chunkFrom(log: string, leafIndex: number): Promise<OpenedChunk | undefined> {
    for (const [key, chunk] of this.#cache) {
      if (!key.startsWith(`${log} `) || leafIndex < chunk.firstLeaf || leafIndex >= chunk.firstLeaf + chunk.count) continue;
      this.#cache.delete(key);
      this.#cache.set(key, chunk);
      return chunk;
    }
    const before = this.#forgotten;
    const opened = await this.openFrom(log, leafIndex);
    // What was read before its log was rewritten is not kept.
    if (opened && !opened.unreadable?.size && before === this.#forgotten) this.#keep(`${log} ${opened.firstLeaf}`, opened);
    return opened;
  }

  #keep(key: string, chunk: OpenedChunk): void {
    // Two readers may have opened the same chunk at once.
    if (this.#cache.has(key)) return;
    this.#cache.set(key, chunk);
    this.#cacheBytes += bytesOf(chunk);
    for (const [oldest, dropped] of this.#cache) {
      if (this.#cacheBytes <= this.#cacheBytesMax) break;
      this.#cache.delete(oldest);
      this.#cacheBytes -= bytesOf(dropped);
    }
  }

  async #origin(log: string): Promise<string> {
    const known = this.#origins.get(log);
    if (known !== undefined) return known;
    for (const { log: name, origin } of await this.#records.logs()) this.#origins.set(name, origin);
    const origin = this.#origins.get(log);
    invariant(origin !== undefined, 'a log that has chunks is one');
    return origin;
  }
}

/** A chunk that does not open: none of its records can be read. */
function unreadableChunk({ firstLeaf, count, receivedAtMs }: StoredChunk, why: VeiltrailError): OpenedChunk {
  const unreadable = new Map(Array.from({ length: count }, (_, i) => [firstLeaf + i, why]));
  return { firstLeaf, count, receivedAtMs, content: { offsets: new Uint32Array(count + 1), records: new Uint8Array(0) }, unreadable };
}

/** Bytes of the packed record of a leaf that the chunk holds: a view. */
export function recordOf({ firstLeaf, receivedAtMs, content }: OpenedChunk, leafIndex: number): StoredRecord {
  const i = leafIndex - firstLeaf;
  const ms = typeof receivedAtMs === 'number' ? receivedAtMs : (receivedAtMs[i] as number);
  return { leafIndex, receivedAtMs: ms, packed: content.records.subarray(content.offsets[i], content.offsets[i + 1]) };
}

function bytesOf({ content }: OpenedChunk): number {
  return content.records.byteLength + content.offsets.byteLength;
}
