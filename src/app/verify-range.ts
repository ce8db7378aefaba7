/**
 * Verification of a range of leaves, everything that is stored about them: entry bundle and leaf tile, the chunk that holds the record, the
 * record against its commitment, and the tokens in it against the vault. Ranges are independent, so they run in threads.
 */
import { VeiltrailError } from '../core/errors.ts';
import { bucketOf, openChunk, type BucketKeys, type ChunkContent } from '../ledger/chunk.ts';
import { commitPackedMany } from '../log/commit-many.ts';
import { commitmentBytes } from '../log/entry.ts';
import { formatTilePath, tileWidthMax } from '../log/tile-path.ts';
import { tileWidth } from '../log/tile.ts';
import { hashBytes } from '../log/tree.ts';
import type { RecordSource, StoredChunk } from '../storage/record-store.ts';
import type { TileSource } from '../storage/tile-store.ts';
import { Problems, type Problem } from '../verify/problem.ts';
import { verifyLeafTile } from '../verify/tiles.ts';
import { TokenCheck, type KnownTokens } from './verify-tokens.ts';

export interface RangeTask {
  log: string;
  origin: string;
  /** A multiple of 256. */
  firstLeaf: number;
  endLeaf: number;
  /** Of the published checkpoint: which tiles are partial. */
  treeSize: number;
}

export interface RangeResult {
  /** Hashes of the range's full leaf tiles, 32 bytes each; zeros where a tile is not in order. */
  tileRoots: Uint8Array;
  recordsVerified: number;
  tokensChecked: number;
  problems: Problem[];
  problemCount: number;
}

export interface RangeParts {
  tiles: TileSource;
  /** Absent where only the log itself is within reach. */
  store?: RangeStore;
}

export interface RangeStore {
  records: RecordSource;
  bucketKeys: BucketKeys;
  tokens: KnownTokens;
}

export async function verifyRange(task: RangeTask, parts: RangeParts): Promise<RangeResult> {
  const problems = new Problems();
  const { commitments, tileRoots } = await readEntries(task, parts.tiles, problems);
  const counts = parts.store ? await new RecordCheck(task, parts.store, commitments, problems).run() : { recordsVerified: 0, tokensChecked: 0 };
  return { tileRoots, ...counts, problems: problems.list(), problemCount: problems.count };
}

async function readEntries(
  task: RangeTask,
  tiles: TileSource,
  problems: Problems,
): Promise<{ commitments: (Uint8Array | undefined)[]; tileRoots: Uint8Array }> {
  const { log, firstLeaf, endLeaf, treeSize } = task;
  const commitments: (Uint8Array | undefined)[] = [];
  const tileRoots = new Uint8Array(Math.floor((endLeaf - firstLeaf) / tileWidthMax) * hashBytes);
  for (let leaf = firstLeaf, at = 0; leaf < endLeaf; leaf += tileWidthMax, at += hashBytes) {
    const index = leaf / tileWidthMax;
    const width = tileWidth(0, index, treeSize);
    const tile = await tiles.read(log, formatTilePath({ level: 0, index, width }));
    const bundle = await tiles.read(log, formatTilePath({ level: 'entries', index, width }));
    const checked = verifyLeafTile(index, width, tile, bundle, (problem) => problems.add(problem));
    commitments.push(...checked.commitments);
    if (checked.root) tileRoots.set(checked.root, at);
  }
  return { commitments, tileRoots };
}

/** The records of a range: chunk after chunk. */
class RecordCheck {
  readonly #task: RangeTask;
  readonly #store: RangeStore;
  /** Of the range's entries, from its first leaf on. */
  readonly #commitments: readonly (Uint8Array | undefined)[];
  readonly #problems: Problems;
  readonly #tokens: TokenCheck;

  constructor(task: RangeTask, store: RangeStore, commitments: readonly (Uint8Array | undefined)[], problems: Problems) {
    this.#task = task;
    this.#store = store;
    this.#commitments = commitments;
    this.#problems = problems;
    this.#tokens = new TokenCheck(store.tokens);
  }

  async run(): Promise<{ recordsVerified: number; tokensChecked: number }> {
    const { log, firstLeaf, endLeaf } = this.#task;
    let recordsVerified = 0;
    let next = firstLeaf;
    while (next < endLeaf) {
      const chunk = await this.#store.records.chunkFrom(log, next);
      const missingTo = Math.min(endLeaf, chunk?.firstLeaf ?? endLeaf);
      for (; next < missingTo; next++) this.#report(next, 'record_missing', `the record of leaf ${next} is missing, and no tombstone says why`);
      if (!chunk || next >= endLeaf) break;
      const end = Math.min(endLeaf, chunk.firstLeaf + chunk.count);
      const content = await this.#open(chunk, next);
      if (content) recordsVerified += await this.#checkRecords(content, chunk.firstLeaf, next, end);
      next = end;
    }
    return { recordsVerified, tokensChecked: this.#tokens.checked };
  }

  async #open(chunk: StoredChunk, from: number): Promise<ChunkContent | undefined> {
    const { log, origin } = this.#task;
    const { firstLeaf, count, receivedAtMs, sealed } = chunk;
    try {
      const key = await this.#store.bucketKeys.bucketKey(log, bucketOf(firstLeaf));
      return openChunk({ origin, firstLeaf, count, receivedAtMs }, sealed, key);
    } catch (error) {
      if (!(error instanceof VeiltrailError)) throw error;
      const where = `records.db, chunk of leaves ${firstLeaf} to ${firstLeaf + count - 1}`;
      this.#problems.add({ code: error.code, where, message: `${where}: ${error.message}`, leafIndex: from });
      return undefined;
    }
  }

  /** Opens the commitments in the log with the records in a chunk. Returns how many records were in order. */
  async #checkRecords({ records, offsets }: ChunkContent, firstLeaf: number, from: number, end: number): Promise<number> {
    const bad = new Set<number>();
    const first = from - firstLeaf;
    const found = new Uint8Array(commitmentBytes * (end - from));
    commitPackedMany(this.#task.origin, records, offsets, first, end - firstLeaf, found, (record, error) => {
      bad.add(firstLeaf + record);
      this.#report(firstLeaf + record, error.code, `the record of leaf ${firstLeaf + record}: ${error.message}`);
    });
    for (let leafIndex = from, at = 0; leafIndex < end; leafIndex++, at += commitmentBytes) {
      const commitment = this.#commitments[leafIndex - this.#task.firstLeaf];
      if (bad.has(leafIndex) || (commitment !== undefined && equalsAt(found, at, commitment))) continue;
      bad.add(leafIndex);
      // An entry that cannot be read was reported.
      if (commitment) this.#report(leafIndex, 'record_changed', `the record of leaf ${leafIndex} is not the one that was committed`);
    }
    for (const record of this.#tokens.recordsToAsk(records, offsets, first, end - firstLeaf)) {
      const leafIndex = firstLeaf + record;
      if (bad.has(leafIndex)) continue;
      if (!(await this.#checkTokens(leafIndex, records.subarray(offsets[record], offsets[record + 1])))) bad.add(leafIndex);
    }
    return end - from - bad.size;
  }

  async #checkTokens(leafIndex: number, packed: Uint8Array): Promise<boolean> {
    try {
      for (const token of await this.#tokens.missing(packed))
        this.#report(leafIndex, 'token_missing', `the vault has no row for ${token}, which the record of leaf ${leafIndex} bears`);
      return true;
    } catch (error) {
      if (!(error instanceof VeiltrailError)) throw error;
      this.#report(leafIndex, error.code, `the record of leaf ${leafIndex}: ${error.message}`);
      return false;
    }
  }

  #report(leafIndex: number, code: string, message: string): void {
    this.#problems.add({ code, where: `leaf ${leafIndex}`, message, leafIndex });
  }
}

function equalsAt(bytes: Uint8Array, at: number, other: Uint8Array): boolean {
  for (let i = 0; i < other.length; i++) if (bytes[at + i] !== other[i]) return false;
  return true;
}
