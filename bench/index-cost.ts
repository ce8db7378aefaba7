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

/** Microseconds an event, the first third of a log not counted. Nothing else may run in this process meanwhile. */
export async function measureIndexing(dir: string, log: string, bucketKeys: BucketKeys): Promise<number> {
  const records = openSqliteRecordSource(join(dir, 'records.db'));
  const source = createSearchSource(records, new RecordReader(records, bucketKeys));
  const treeSize = (await source.logs()).find((one) => one.log === log)?.treeSize ?? 0;
  const indexer = new Indexer({ store: IndexStore.open(join(dir, 'index.db'), systemRandom.bytes(32)), source, restMs: 0 });
  const indexTo = async (to: number, from: number): Promise<void> => {
    for (let size = from; size < to;) {
      size = Math.min(to, size + stepLeaves);
      await indexer.published(log, size);
      await indexer.idle();
    }
  };
  const warm = Math.floor(treeSize / 3);
  await indexTo(warm, 0);
  const before = process.cpuUsage();
  await indexTo(treeSize, warm);
  const { user, system } = process.cpuUsage(before);
  await indexer.close();
  await records.close();
  return (user + system) / (treeSize - warm);
}
