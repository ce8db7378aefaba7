/** Where records are read from: a small port over the ledger's reader, the same for the indexer and for searches. */
import type { OpenedChunk, RecordReader } from '../ledger/reader.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { RecordSource } from '../storage/record-store.ts';

/** Leaves from `firstLeaf` on, `count` of them, that are stored and do not open. */
export interface UnreadableChunk {
  firstLeaf: number;
  count: number;
  content: undefined;
}

export interface SearchSource {
  /** Every log. */
  logs(): Promise<{ log: string; origin: string; treeSize: number }[]>;
  /** The chunk that holds a leaf or, where none does, the first one behind it. */
  chunkFrom(log: string, leafIndex: number): Promise<OpenedChunk | UnreadableChunk | undefined>;
}

export function createSearchSource(records: RecordSource, reader: Pick<RecordReader, 'openChunkFrom'>): SearchSource {
  return {
    logs: () => records.logs(),
    async chunkFrom(log, leafIndex) {
      try {
        return await reader.openChunkFrom(log, leafIndex);
      } catch (error) {
        // One damaged chunk must not hide the others. What is wrong with it is for `verify` to say.
        if (!(error instanceof VeiltrailError) || (error.code !== 'chunk_damaged' && error.code !== 'chunk_version')) throw error;
        const stored = await records.chunkFrom(log, leafIndex);
        return stored && { firstLeaf: stored.firstLeaf, count: stored.count, content: undefined };
      }
    },
  };
}

/** The state of one log. @throws VeiltrailError `log_not_found` */
export async function logOf(source: SearchSource, log: string): Promise<{ origin: string; treeSize: number }> {
  const found = (await source.logs()).find((one) => one.log === log);
  if (!found) throw new VeiltrailError('log_not_found', 'there is no such log');
  return found;
}
