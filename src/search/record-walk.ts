/** Reading records from the newest to the oldest. One chunk is open at a time. */
import { type OpenedChunk, recordOf, type StoredRecord } from '../ledger/reader.ts';
import type { LeafRange } from './index-store.ts';
import type { SearchSource, UnreadableChunk } from './search-source.ts';

type Chunk = OpenedChunk | UnreadableChunk;

export class RecordWalk {
  readonly #source: SearchSource;
  readonly #log: string;
  #chunk: Chunk | undefined;
  /** Bytes of the chunks opened so far. */
  openedBytes = 0;
  /** Leaves that were asked for and cannot be read: whole chunks, the newest first. */
  readonly unreadable: LeafRange[] = [];

  constructor(source: SearchSource, log: string) {
    this.#source = source;
    this.#log = log;
  }

  /** Whether the record of this leaf is at hand. */
  holds(leafIndex: number): boolean {
    return this.#chunk !== undefined && holds(this.#chunk, leafIndex);
  }

  /** The record of a leaf; `undefined` where there is none, or none that can be read. */
  async record(leafIndex: number): Promise<StoredRecord | undefined> {
    const chunk = await this.#holding(leafIndex);
    return chunk?.content && recordOf(chunk, leafIndex);
  }

  /**
   * The newest leaf below `below` whose chunk is there; `undefined` where none is from `from` on. So a walk passes over leaves that are gone
   * in few steps.
   */
  async newestBelow(below: number, from: number): Promise<number | undefined> {
    if ((await this.#holding(below - 1)) !== undefined) return below - 1;
    for (let step = 256; ; step *= 2) {
      const start = Math.max(from, below - step);
      let newest: number | undefined;
      for (let leaf = start; leaf < below;) {
        const chunk = await this.#open(leaf);
        if (!chunk || chunk.firstLeaf >= below) break;
        newest = chunk.firstLeaf + chunk.count - 1;
        leaf = newest + 1;
      }
      if (newest !== undefined || start === from) return newest;
    }
  }

  async #holding(leafIndex: number): Promise<Chunk | undefined> {
    if (this.#chunk && holds(this.#chunk, leafIndex)) return this.#chunk;
    const chunk = await this.#open(leafIndex);
    return chunk && holds(chunk, leafIndex) ? chunk : undefined;
  }

  async #open(leafIndex: number): Promise<Chunk | undefined> {
    const chunk = await this.#source.chunkFrom(this.#log, leafIndex);
    if (!chunk) return undefined;
    this.#chunk = chunk;
    if (chunk.content) this.openedBytes += chunk.content.records.byteLength;
    else if (this.unreadable.at(-1)?.from !== chunk.firstLeaf) this.unreadable.push({ from: chunk.firstLeaf, to: chunk.firstLeaf + chunk.count });
    return chunk;
  }
}

function holds({ firstLeaf, count }: Chunk, leafIndex: number): boolean {
  return leafIndex >= firstLeaf && leafIndex < firstLeaf + count;
}
