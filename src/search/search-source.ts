/** Where records are read from: a small port over the ledger's reader, the same for the indexer and for searches. */
import { discardContent } from '../ledger/chunk.ts';
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
  /** Takes back a chunk that nobody reads any more; absent where others may have the same one. */
  discard?: (chunk: OpenedChunk) => void;
}

export function createSearchSource(records: RecordSource, reader: Pick<RecordReader, 'openChunkFrom'>): SearchSource {
  return {
    logs: () => records.logs(),
    discard: ({ content }) => discardContent(content),
    async chunkFrom(log, leafIndex) {
      try {
        return await reader.openChunkFrom(log, leafIndex);
      } catch (error) {
        // One damaged chunk must not hide the others. What is wrong with it is for `verify` to say.
        if (!(error instanceof VeiltrailError)) throw error;
        const { firstLeaf, count } = error.detail;
        if (typeof firstLeaf !== 'number' || typeof count !== 'number') throw error;
        return { firstLeaf, count, content: undefined };
      }
    },
  };
}

/** Chunks that {@link cacheChunks} keeps, and their bytes. */
const cachedChunksMax = 64;
const cachedBytesMax = 32 * 1_048_576;

/** The same source, which keeps the chunks that were used last open: pages of a search follow each other through the same ones. */
export function cacheChunks(source: SearchSource): SearchSource & { forget(log: string): void } {
  /** The one used last comes last. */
  const kept: { log: string; chunk: OpenedChunk }[] = [];
  let bytes = 0;
  let forgotten = 0;
  return {
    logs: () => source.logs(),
    /** Chunks of a log were rewritten: those that are open, or being opened, are not kept. */
    forget(log) {
      forgotten++;
      for (const { chunk } of kept.filter((one) => one.log === log)) bytes -= chunk.content.records.byteLength;
      kept.splice(0, kept.length, ...kept.filter((one) => one.log !== log));
    },
    async chunkFrom(log, leafIndex) {
      const at = kept.findIndex(({ log: of, chunk }) => of === log && leafIndex >= chunk.firstLeaf && leafIndex < chunk.firstLeaf + chunk.count);
      if (at >= 0) {
        const [found] = kept.splice(at, 1) as [(typeof kept)[number]];
        kept.push(found);
        return found.chunk;
      }
      const before = forgotten;
      const chunk = await source.chunkFrom(log, leafIndex);
      if (before !== forgotten) return chunk;
      // Two searches may have opened the same one at once, and the one behind a gap may be here already.
      if (!chunk?.content || kept.some(({ log: of, chunk: { firstLeaf } }) => of === log && firstLeaf === chunk.firstLeaf)) return chunk;
      kept.push({ log, chunk });
      bytes += chunk.content.records.byteLength;
      while (kept.length > cachedChunksMax || bytes > cachedBytesMax)
        bytes -= (kept.shift() as (typeof kept)[number]).chunk.content.records.byteLength;
      return chunk;
    },
  };
}

/** The state of one log. @throws VeiltrailError `log_not_found` */
export async function logOf(source: SearchSource, log: string): Promise<{ origin: string; treeSize: number }> {
  const found = (await source.logs()).find((one) => one.log === log);
  if (!found) throw new VeiltrailError('log_not_found', 'there is no such log');
  return found;
}
