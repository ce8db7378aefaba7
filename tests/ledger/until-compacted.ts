import { openSqliteRecordSource } from '../../src/storage/sqlite/record-source.ts';
import { dataDirPaths } from '../../src/storage/data-dir.ts';
import { bucketLeaves } from '../../src/storage/record-store.ts';

/** Returns once nothing of the first bucket of the log `default` is left in chunks. */
export async function untilCompacted(dir: string): Promise<void> {
  const records = openSqliteRecordSource(dataDirPaths(dir).records);
  try {
    for (;;) {
      const [compacted] = await records.compactedBuckets('default', 0);
      const chunk = await records.chunkFrom('default', 0);
      if (compacted && chunk && chunk.firstLeaf >= bucketLeaves) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    await records.close();
  }
}
