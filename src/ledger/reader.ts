/**
 * Reading records by leaf, out of sealed chunks: for search, show and verify. Holds a bounded number of opened chunks; reads of neighbouring
 * leaves open a chunk once.
 */
import { invariant, VeiltrailError } from '../core/errors.ts';
import { isRemoved, openRecord, type OpenRecord } from '../log/open-record.ts';
import type { RecordSource, StoredChunk } from '../storage/record-store.ts';
import { type BucketKeys, bucketOf, type ChunkContent, openChunk } from './chunk.ts';

/** A record as it is stored. */
export interface StoredRecord {
  leafIndex: number;
  /** Milliseconds: when the chunk it came in was received. */
  receivedAtMs: number;
  /** `log/packed-record.ts`, or `log/redacted-record.ts`; empty where the record was removed. */
  packed: Uint8Array;
}

/** A chunk and what is in it. */
export interface OpenedChunk extends Omit<StoredChunk, 'sealed'> {
  content: ChunkContent;
}

export interface ReaderBounds {
  /** Bytes of opened chunks that are kept. */
  cacheBytesMax: number;
}

export class RecordReader {
  readonly #records: RecordSource;
  readonly #bucketKeys: BucketKeys;
  readonly #cacheBytesMax: number;
  /** By log and first leaf, the least recently used first. */
  readonly #cache = new Map<string, OpenedChunk>();
  #cacheBytes = 0;
  readonly #origins = new Map<string, string>();

  constructor(records: RecordSource, bucketKeys: BucketKeys, bounds: ReaderBounds = { cacheBytesMax: 16 * 1_048_576 }) {
    this.#records = records;
    this.#bucketKeys = bucketKeys;
    this.#cacheBytesMax = bounds.cacheBytesMax;
  }

  /**
   * One record.
   * @throws VeiltrailError `log_not_found`, `record_not_found`, `record_removed`, `chunk_damaged`
   */
  async record(log: string, leafIndex: number): Promise<StoredRecord> {
    const chunk = await this.#chunkFrom(log, leafIndex);
    if (!chunk || chunk.firstLeaf > leafIndex) throw new VeiltrailError('record_not_found', 'there is no record of that leaf', { leafIndex });
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
        const record = recordOf(chunk, leaf);
        if (!isRemoved(record.packed)) yield record;
      }
      next = end;
    }
  }

  /** The chunk that holds a leaf or the first one behind it, opened; none is kept. For reading whole logs once. */
  async openChunkFrom(log: string, leafIndex: number): Promise<OpenedChunk | undefined> {
    const stored = await this.#records.chunkFrom(log, leafIndex);
    return stored && (await this.#open(log, stored));
  }

  async #chunkFrom(log: string, leafIndex: number): Promise<OpenedChunk | undefined> {
    for (const [key, chunk] of this.#cache) {
      if (!key.startsWith(`${log} `) || leafIndex < chunk.firstLeaf || leafIndex >= chunk.firstLeaf + chunk.count) continue;
      this.#cache.delete(key);
      this.#cache.set(key, chunk);
      return chunk;
    }
    const opened = await this.openChunkFrom(log, leafIndex);
    if (opened) this.#keep(`${log} ${opened.firstLeaf}`, opened);
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

  async #open(log: string, { sealed, ...stored }: StoredChunk): Promise<OpenedChunk> {
    const place = { origin: await this.#origin(log), ...stored };
    return { ...stored, content: openChunk(place, sealed, await this.#bucketKeys.bucketKey(log, bucketOf(stored.firstLeaf))) };
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

/** Bytes of the packed record of a leaf that the chunk holds: a view. */
export function recordOf({ firstLeaf, receivedAtMs, content }: OpenedChunk, leafIndex: number): StoredRecord {
  const i = leafIndex - firstLeaf;
  return { leafIndex, receivedAtMs, packed: content.records.subarray(content.offsets[i], content.offsets[i + 1]) };
}

function bytesOf({ content }: OpenedChunk): number {
  return content.records.byteLength + content.offsets.byteLength;
}
