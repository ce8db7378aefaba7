/** CPU of indexing what a ledger has stored: reading chunks, blinding, writing, and the collector's threads. */
import { join } from 'node:path';
import { systemRandom } from '../src/core/random.ts';
import type { BucketKeys } from '../src/ledger/chunk.ts';
import { RecordReader } from '../src/ledger/reader.ts';
import { IndexStore } from '../src/search/index-store.ts';
import { Indexer } from '../src/search/indexer.ts';
import { createSearchSource } from '../src/search/search-source.ts';
import { openSqliteRecordSource } from '../src/storage/sqlite/record-source.ts';

/** Leaves that gather in a server while the indexer rests, at 20,000 events a second. */
const stepLeaves = 4_000;

/** Indexed before it is measured, again and again where the log is shorter: the compiler needs that much. */
const warmLeaves = 60_000;

/** Microseconds an event, once the code is compiled. Nothing else may run in this process meanwhile. */
export async function measureIndexing(dir: string, log: string, bucketKeys: BucketKeys): Promise<number> {
  const records = openSqliteRecordSource(join(dir, 'records.db'));
  const source = createSearchSource(records, new RecordReader(records, bucketKeys));
  const treeSize = (await source.logs()).find((one) => one.log === log)?.treeSize ?? 0;
  if (treeSize === 0) throw new Error('there is nothing to index');
  let us = Number.NaN;
  const passes = 1 + Math.ceil(warmLeaves / treeSize);
  for (let pass = 0; pass < passes; pass++) {
    const indexer = new Indexer({ store: IndexStore.open(join(dir, `index-${pass}.db`), systemRandom.bytes(32)), source, restMs: 0 });
    const before = process.cpuUsage();
    for (let size = 0; size < treeSize;) {
      size = Math.min(treeSize, size + stepLeaves);
      await indexer.published(log, size);
      await indexer.idle();
    }
    const { user, system } = process.cpuUsage(before);
    us = (user + system) / treeSize;
    await indexer.close();
  }
  await records.close();
  return us;
}
