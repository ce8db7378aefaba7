/**
 * Which key seals the chunks of a bucket, and how those that are there come under the next one when something is removed from them. New chunks
 * are sealed between ticks, too, so at no time does a chunk come to be under a key that is to be destroyed.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Random } from '../core/random.ts';
import { bucketLeaves, type RecordStore } from '../storage/record-store.ts';
import { type BucketKeys, bucketOf, generationOf } from './chunk.ts';
import { EditFinder, type RecordEdits, rewriteChunk, type Rewriting } from './rewrite.ts';

/** What one step reads, between ticks. */
const rewriteBytesMax = 1_048_576;
const rewriteChunksMax = 256;
/** Rows of ids looked at in one step. */
const idRowsMax = 4_000;

export interface BucketRewriterParts {
  records: RecordStore;
  bucketKeys: BucketKeys;
  random: Random;
  /** Runs work while no tick is between taking a bucket's key and its commit. */
  betweenTicks: <T>(work: () => Promise<T>) => Promise<T>;
}

export class BucketRewriter {
  readonly #parts: BucketRewriterParts;
  /** By log, of the bucket that grows. */
  readonly #generations = new Map<string, { bucket: number; generation: number }>();

  constructor(parts: BucketRewriterParts) {
    this.#parts = parts;
  }

  /** The generation of the bucket key for new chunks: that of the newest chunk, until a rewriting says otherwise. */
  async generationFor(log: string, firstLeaf: number): Promise<number> {
    const bucket = bucketOf(firstLeaf);
    const known = this.#generations.get(log);
    if (known && known.bucket >= bucket) return known.bucket === bucket ? known.generation : 1;
    const newest = firstLeaf === 0 ? undefined : await this.#parts.records.chunkFrom(log, firstLeaf - 1);
    const generation = newest && bucketOf(newest.firstLeaf) === bucket ? generationOf(newest.sealed, newest.firstLeaf) : 1;
    this.#generations.set(log, { bucket, generation });
    return generation;
  }

  /**
   * Rewrites the chunks of a bucket under its next key, without what is removed; some at a time, between ticks. From the first on, new chunks of the
   * bucket are sealed under that key, too; when it returns, all of them are. Called again after a crash, it does the rest.
   * @throws VeiltrailError `bucket_key_missing`, those of storage, and what `betweenTicks` throws
   */
  async rewrite(origin: string, { log, bucket, generation, edits }: Rewriting): Promise<void> {
    const { records, bucketKeys, random, betweenTicks } = this.#parts;
    const finder = new EditFinder(edits);
    const key = (of: number): Promise<Uint8Array> => bucketKeys.bucketKey(log, bucket, of);
    for (let next: number | undefined = bucket * bucketLeaves; next !== undefined;) {
      const from: number = next;
      next = await betweenTicks(async () => {
        if ((this.#generations.get(log)?.bucket ?? 0) <= bucket) this.#generations.set(log, { bucket, generation });
        const rewritten: { firstLeaf: number; sealed: Uint8Array }[] = [];
        let bytes = 0;
        let leaf = from;
        for (let seen = 0; bytes < rewriteBytesMax && seen < rewriteChunksMax; seen++) {
          const chunk = await records.chunkFrom(log, leaf);
          if (!chunk || bucketOf(chunk.firstLeaf) > bucket) {
            if (rewritten.length > 0) await records.rewriteChunks(log, rewritten);
            return undefined;
          }
          leaf = chunk.firstLeaf + chunk.count;
          if (bucketOf(chunk.firstLeaf) < bucket) continue; // reaches over from the bucket before
          const sealed = await rewriteChunk(origin, chunk, generation, finder, { key, random });
          bytes += chunk.sealed.length;
          if (sealed) rewritten.push({ firstLeaf: chunk.firstLeaf, sealed });
        }
        if (rewritten.length > 0) await records.rewriteChunks(log, rewritten);
        return leaf;
      });
      await turn();
    }
  }

  /** Forgets the ids of leaves that a removal touches, some rows at a time. */
  async forgetIds(log: string, edits: RecordEdits): Promise<void> {
    const { records, betweenTicks } = this.#parts;
    const finder = new EditFinder(edits);
    const isForgotten = (leafIndex: number): boolean => finder.touches(leafIndex, leafIndex + 1);
    let behind: Uint8Array | undefined;
    do {
      behind = await betweenTicks(() => records.forgetIds(log, isForgotten, behind, idRowsMax));
      await turn();
    } while (behind);
  }
}
