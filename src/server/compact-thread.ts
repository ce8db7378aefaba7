/**
 * A thread that compacts one bucket, or rewrites segments of one log, and ends: read-only but for segments, which nobody knows of before they are
 * registered. Compacting, on Linux, it has a low priority: beside a busy thread it gets a tenth of a core. Only `compaction.ts` starts it.
 */
import { setPriority } from 'node:os';
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { RetentionTable } from '../app/retention-table.ts';
import { systemRandom } from '../core/random.ts';
import { type CompactedBucket, compactBucket, type CompactionTask } from '../ledger/compact.ts';
import { RecordReader } from '../ledger/reader.ts';
import { rewriteSegments, type SegmentReplacement, type SegmentRewriting } from '../ledger/rewrite-segments.ts';
import { SegmentReader } from '../ledger/segment-reader.ts';
import { dataDirPaths } from '../storage/data-dir.ts';
import { openFileSegmentStore } from '../storage/files/segment-store.ts';
import type { SegmentName } from '../storage/segment-store.ts';
import { openSqliteRecordSource } from '../storage/sqlite/record-source.ts';
import { Caller, serveCalls } from '../thread/port-call.ts';
import { createRetentionClasses } from './retention-classes.ts';

export interface CompactThreadData {
  thread: 'compact';
  dataDir: string;
  /** A line to the vault. */
  vaultPort: MessagePort;
  /** It may wait for everything else. */
  isInBackground: boolean;
  /** The table in force. */
  retention: RetentionTable;
}

/** Not the lowest of all, 19: what it holds for a moment (an arena of malloc) it would hold for long when it is hardly ever run. */
const low = 10;

if (!isMainThread && parentPort && (workerData as Partial<CompactThreadData> | null)?.thread === 'compact')
  serveCompaction(parentPort, workerData as CompactThreadData);

/** Answers the one call that `compaction.ts` makes over `main`. */
export function serveCompaction(main: MessagePort, { dataDir, vaultPort, retention, isInBackground }: CompactThreadData): void {
  // There, a priority is a thread's; elsewhere it is the process's.
  if (isInBackground && process.platform === 'linux') setPriority(0, low);
  const paths = dataDirPaths(dataDir);
  const records = openSqliteRecordSource(paths.records);
  const store = openFileSegmentStore(paths.segments);
  const vault = new Caller(vaultPort);
  vaultPort.on('close', () => vault.fail(new Error('the vault is gone')));
  const bucketKeys = new Map<string, Promise<Uint8Array>>();
  const parts = {
    records,
    reader: new RecordReader(records, {
      bucketKey(log, bucket, generation) {
        // A bucket of single events has as many chunks as events.
        const name = `${log} ${bucket} ${generation}`;
        const key = bucketKeys.get(name) ?? vault.call<Uint8Array>('bucketKey', { log, bucket, generation });
        bucketKeys.set(name, key);
        return key;
      },
    }),
    segments: store,
    keys: {
      makeSegmentKey: (name: SegmentName) => vault.call<Uint8Array>('makeSegmentKey', name),
      currentBucketKey: (log: string, bucket: number) => vault.call<{ key: Uint8Array; generation: number }>('currentBucketKey', { log, bucket }),
    },
    classes: createRetentionClasses(retention),
    random: systemRandom,
  };
  serveCalls(main, {
    compact: async (task: CompactionTask): Promise<CompactedBucket> => compactBucket(task, parts),
    rewrite: async (rewriting: SegmentRewriting): Promise<SegmentReplacement[]> => {
      const reader = new SegmentReader(store, { segmentKey: (name) => vault.call<Uint8Array>('segmentKey', name) });
      return rewriteSegments(rewriting, { ...parts, reader });
    },
  });
}
