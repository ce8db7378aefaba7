/** Compaction of a data directory that is open for writing: drivers, and a thread for each bucket. */
import { Worker } from 'node:worker_threads';
import type { RetentionTable } from '../app/retention-table.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { CompactionTask } from '../ledger/compact.ts';
import { Compactor } from '../ledger/compactor.ts';
import { systemTimers } from '../ledger/batch-queue.ts';
import type { LedgerClient } from '../ledger/ledger-client.ts';
import { dataDirPaths } from '../storage/data-dir.ts';
import { openFileSegmentStore } from '../storage/files/segment-store.ts';
import { bucketLeaves, type RecordSource } from '../storage/record-store.ts';
import { Caller } from '../thread/port-call.ts';
import { threadMemory } from '../thread/thread-memory.ts';
import type { VaultClient } from '../vault/vault-client.ts';
import type { CompactThreadData } from './compact-thread.ts';

export interface CompactionOptions {
  dataDir: string;
  records: RecordSource;
  ledger: LedgerClient;
  vault: VaultClient;
  /** The retention table in force, when a bucket is compacted. */
  retention: () => RetentionTable;
  /** Told, in a line, what was not compacted and why. */
  alert: (line: string) => void;
}

export function createCompactor({ dataDir, records, ledger, vault, retention, alert }: CompactionOptions): Compactor {
  const threadData = (isInBackground: boolean): CompactThreadData => ({
    thread: 'compact',
    dataDir,
    vaultPort: vault.newPort(),
    // What is rewritten stays in its class; and at a start, the table is not there yet.
    retention: isInBackground ? retention() : { rules: [] },
    isInBackground,
  });
  return new Compactor({
    records,
    ledger,
    segments: openFileSegmentStore(dataDirPaths(dataDir).segments),
    vault,
    compactBucket: (task, signal) => inThread(threadData(true), 'compact', task, signal),
    rewriteSegments: (rewriting) => inThread(threadData(false), 'rewrite', rewriting),
    timers: systemTimers,
    logs: () => ledger.logs(),
    onError: (error, task) => alert(lineOf(error, task)),
  });
}

function lineOf(error: Error, task: CompactionTask | undefined): string {
  const why = error instanceof VeiltrailError ? error.code : 'internal';
  if (!task) return `compaction stands still (${why}), and is tried again in a minute`;
  return `events ${task.bucket * bucketLeaves} to ${(task.bucket + 1) * bucketLeaves - 1} of log ${task.log} were not compacted (${why}); they are kept as they are`;
}

/** Settles when the thread has ended: nobody writes files any more then. */
async function inThread<T>(data: CompactThreadData, method: 'compact' | 'rewrite', task: unknown, signal?: AbortSignal): Promise<T> {
  const url = new URL(import.meta.url.endsWith('.ts') ? './compact-thread.ts' : './compact-thread.js', import.meta.url);
  const worker = new Worker(url, { workerData: data, transferList: [data.vaultPort], name: 'compact', resourceLimits: threadMemory.calm });
  const caller = new Caller(worker);
  worker.on('error', (error) => caller.fail(error as Error));
  worker.on('exit', () => caller.fail(new Error('the thread of compaction ended')));
  const stop = (): void => caller.fail(signal?.reason as Error);
  signal?.addEventListener('abort', stop);
  try {
    signal?.throwIfAborted();
    return await caller.call<T>(method, task);
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}
