/**
 * The threads of search: one indexes, one answers, so that neither waits for the other and the server waits for none. Each opens `records.db`
 * and `index.db` itself; bucket keys come from the vault's thread.
 */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { BucketKeys } from '../ledger/chunk.ts';
import { RecordReader } from '../ledger/reader.ts';
import { SegmentReader } from '../ledger/segment-reader.ts';
import { openFileSegmentSource } from '../storage/files/segment-store.ts';
import { openSqliteRecordSource } from '../storage/sqlite/record-source.ts';
import { Caller, serveCalls } from '../thread/port-call.ts';
import { IndexReader } from './index-reader.ts';
import { IndexStore, type LeafRange } from './index-store.ts';
import { Indexer } from './indexer.ts';
import { cacheChunks, createSearchSource, type SearchSource } from './search-source.ts';
import { createSearcher, type SearchQuery } from './search.ts';

export interface SearchThreadSettings {
  runs: 'search-index' | 'search-query';
  recordsPath: string;
  /** The directory of segments. */
  segmentsPath: string;
  indexPath: string;
  /** 32 bytes. */
  indexKey: Uint8Array;
  /** Answers `bucketKey` and `segmentKey` with 32 bytes. */
  vaultPort: MessagePort;
}

/** What a thread says without being asked. */
export type SearchNotice = { notice: 'damage'; log: string; partition: number } | { notice: 'error'; error: Error };

interface OpenSource {
  source: SearchSource;
  forget: (log: string) => void;
  close: () => Promise<void>;
}

function openSource({ recordsPath, segmentsPath, vaultPort }: SearchThreadSettings): OpenSource {
  const records = openSqliteRecordSource(recordsPath);
  const vault = new Caller(vaultPort);
  const bucketKeys: BucketKeys = { bucketKey: (log, bucket, generation) => vault.call<Uint8Array>('bucketKey', { log, bucket, generation }) };
  const close = async (): Promise<void> => {
    await records.close();
    vaultPort.close();
  };
  const segments = new SegmentReader(openFileSegmentSource(segmentsPath), { segmentKey: (name) => vault.call<Uint8Array>('segmentKey', name) });
  const reader = new RecordReader(records, bucketKeys, { segments });
  return { source: createSearchSource(records, reader), forget: (log) => reader.forget(log), close };
}

/** Indexes, and answers the calls that `search-client.ts` makes of the indexing thread. */
export function serveIndexing(port: MessagePort, settings: SearchThreadSettings): void {
  const { source, forget, close } = openSource(settings);
  const store = IndexStore.open(settings.indexPath, settings.indexKey);
  const indexer = new Indexer({ store, source, onError: (error) => notify(port, { notice: 'error', error }) });
  void indexer.start();
  serveCalls(port, {
    published: ({ log, treeSize }: { log: string; treeSize: number }) => indexer.published(log, treeSize),
    state: ({ log }: { log: string }) => indexer.state(log),
    idle: () => indexer.idle(),
    distrust: ({ log, partition }: { log: string; partition: number }) => indexer.distrust(log, partition),
    forget: ({ log, range }: { log: string; range: LeafRange }) => indexer.forget(log, range),
    forgetRecords: ({ log }: { log: string }) => forget(log),
    close: async () => {
      await indexer.close();
      await close();
    },
  });
}

/** Answers searches. */
export function serveSearching(port: MessagePort, settings: SearchThreadSettings): void {
  const { source, forget, close } = openSource(settings);
  const onDamage = (log: string, partition: number): void => notify(port, { notice: 'damage', log, partition });
  // The indexing thread of this process has the file in its care.
  const index = new IndexReader({ path: settings.indexPath, indexKey: settings.indexKey, isLive: () => true, onDamage });
  const chunks = cacheChunks(source);
  const searcher = createSearcher(chunks, index);
  serveCalls(port, {
    forgetRecords: ({ log }: { log: string }) => {
      forget(log);
      chunks.forget(log);
    },
    search: (request: SearchQuery) => searcher.search(request),
    close: async () => {
      index.close();
      await close();
    },
  });
}

function notify(port: MessagePort, notice: SearchNotice): void {
  port.postMessage(notice);
}

// A thread runs this file; whoever imports it in the main thread gets the functions only.
const settings = workerData as SearchThreadSettings | null;
if (parentPort && settings?.runs === 'search-index') serveIndexing(parentPort, settings);
if (parentPort && settings?.runs === 'search-query') serveSearching(parentPort, settings);
