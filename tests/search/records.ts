/** A real `records.db` for tests and benchmarks of search: chunks as the ledger seals them, without a tree. */
import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { JsonObject } from '../../src/core/json.ts';
import { systemRandom } from '../../src/core/random.ts';
import { type BucketKeys, bucketOf, sealChunk } from '../../src/ledger/chunk.ts';
import { RecordReader } from '../../src/ledger/reader.ts';
import { packedBytesMax, packRecord } from '../../src/log/packed-record.ts';
import { flattenRecord } from '../../src/log/record.ts';
import { createSearchSource, type SearchSource } from '../../src/search/search-source.ts';
import type { RecordStore } from '../../src/storage/record-store.ts';
import { openSqliteRecordStore } from '../../src/storage/sqlite/record-store.ts';

/** Bucket keys that follow from their names. */
export const bucketKeys: BucketKeys = {
  bucketKey: async (log, bucket) => new Uint8Array(createHash('sha256').update(`${log} ${bucket}`).digest()),
};

/** The packed form of a record, with a random seed. */
export function pack(record: JsonObject): Uint8Array {
  const fields = flattenRecord(record);
  const out = new Uint8Array(packedBytesMax(fields));
  return out.slice(0, packRecord(out, 0, systemRandom.bytes(32), fields));
}

/** What an append brings besides its chunk, and searches do not read. */
const nothing = {
  root: new Uint8Array(32),
  frontier: new Uint8Array(0),
  commitments: new Uint8Array(0),
  idempotency: new Uint8Array(0),
  idempotencyLeaves: new Float64Array(0),
};

/** Records of logs, in a file. */
export class TestRecords {
  readonly path: string;
  readonly #store: RecordStore;
  readonly #sizes = new Map<string, number>();

  constructor(path: string) {
    this.path = path;
    this.#store = openSqliteRecordStore(path);
  }

  async createLog(log: string, origin = `test.example/${log}`): Promise<void> {
    const { root, frontier } = nothing;
    await this.#store.createLog({ log, origin, createdAtMs: 0, treeSize: 0, root, frontier, lastReceivedAtMs: 0, durableSize: 0 });
    this.#sizes.set(log, 0);
  }

  /** Appends one chunk; returns the tree size. `firstLeaf` beyond the size leaves a gap, as retention does. */
  async append(
    log: string,
    packed: readonly Uint8Array[],
    { receivedAtMs = 1_760_000_000_000, firstLeaf = this.#sizes.get(log) as number } = {},
  ): Promise<number> {
    const before = this.#sizes.get(log) as number;
    const place = { origin: `test.example/${log}`, firstLeaf, count: packed.length, receivedAtMs };
    const offsets = new Uint32Array(packed.length + 1);
    packed.forEach((one, i) => (offsets[i + 1] = (offsets[i] as number) + one.length));
    const key = await bucketKeys.bucketKey(log, bucketOf(firstLeaf));
    const chunk = sealChunk(place, { offsets, records: Buffer.concat(packed) }, key, systemRandom);
    const grow = (treeSizeBefore: number, treeSize: number, sealed: Uint8Array): Promise<void> =>
      this.#store.commit([{ log, treeSizeBefore, treeSize, receivedAtMs, chunk: sealed, ...nothing }]);
    if (firstLeaf > before) {
      await grow(before, firstLeaf, new Uint8Array(0));
      this.tamper('DELETE FROM chunks WHERE first_leaf = ?', before);
    }
    await grow(firstLeaf, firstLeaf + packed.length, chunk);
    this.#sizes.set(log, firstLeaf + packed.length);
    return firstLeaf + packed.length;
  }

  /** Changes the file behind everybody's back. */
  tamper(sql: string, ...values: (number | Uint8Array)[]): void {
    const database = new DatabaseSync(this.path);
    database.prepare(sql).run(...values);
    database.close();
  }

  source(): SearchSource {
    return createSearchSource(this.#store, new RecordReader(this.#store, bucketKeys));
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
