/**
 * Verification of a range of leaves, everything that is stored about them: entry bundle and leaf tile, the chunk or segment that holds the record, the
 * record against its commitment, and the tokens in it against the vault. Ranges are independent, so they run in threads.
 */
import { VeiltrailError } from '../core/errors.ts';
import { discardContent } from '../ledger/chunk.ts';
import type { OpenedChunk, RecordReader } from '../ledger/reader.ts';
import { commitPackedMany } from '../log/commit-many.ts';
import { commitmentBytes } from '../log/entry.ts';
import { openRecord, recordOfFields } from '../log/open-record.ts';
import { isKept, redactedForm, unpackRedacted } from '../log/redacted-record.ts';
import { formatTilePath, tileWidthMax, type TileName } from '../log/tile-path.ts';
import { tileWidth } from '../log/tile.ts';
import { hashBytes } from '../log/tree.ts';
import { segmentPath } from '../storage/files/segment-store.ts';
import type { TileSource } from '../storage/tile-store.ts';
import { Problems, type Problem } from '../verify/problem.ts';
import { tombstonePrefix } from '../verify/tombstone.ts';
import { verifyLeafTile } from '../verify/tiles.ts';
import { readTile } from './read-tile.ts';
import type { RemovalFacts } from './verify-removals.ts';
import { TokenCheck, type KnownTokens } from './verify-tokens.ts';

export interface RangeTask {
  log: string;
  origin: string;
  /** A multiple of 256. */
  firstLeaf: number;
  endLeaf: number;
  /** Of the published checkpoint: which tiles are partial. */
  treeSize: number;
  /** A partial tile may be gone because it has filled up since. At rest that means an older checkpoint. */
  mayHaveGrown: boolean;
}

export interface RangeResult {
  /** Hashes of the range's full leaf tiles, 32 bytes each; zeros where a tile is not in order. */
  tileRoots: Uint8Array;
  recordsVerified: number;
  tokensChecked: number;
  /** What is gone from the range, and tombstones in it. */
  removals: RemovalFacts;
  /** Of entries and leaf tiles, of records, of tokens. */
  entries: FoundProblems;
  records: FoundProblems;
  tokens: FoundProblems;
}

export interface FoundProblems {
  list: Problem[];
  /** How many there were, in the list or not. */
  count: number;
}

export interface RangeParts {
  tiles: TileSource;
  /** Absent where only the log itself is within reach. */
  store?: RangeStore;
}

export interface RangeStore {
  reader: Pick<RecordReader, 'openFrom'>;
  tokens: KnownTokens;
}

export async function verifyRange(task: RangeTask, parts: RangeParts): Promise<RangeResult> {
  const [inEntries, inRecords, inTokens] = [new Problems(), new Problems(), new Problems()];
  const { entries, tileRoots } = await readEntries(task, parts.tiles, inEntries);
  const nothing = { recordsVerified: 0, tokensChecked: 0, removals: { missing: [], unproved: [], redacted: [], tombstones: [] } };
  const counts = parts.store ? await new RecordCheck(task, parts.store, entries, { inRecords, inTokens }).run() : nothing;
  return { tileRoots, ...counts, entries: found(inEntries), records: found(inRecords), tokens: found(inTokens) };
}

function found(problems: Problems): FoundProblems {
  return { list: problems.list(), count: problems.count };
}

/** What the range's entries say. */
interface RangeEntries {
  /** 32 bytes for each leaf of the range; zeros where the entry cannot be read. */
  readonly commitments: Uint8Array;
  /** Leaves whose entries cannot be read, which was reported. */
  readonly unreadable: Set<number>;
}

async function readEntries(task: RangeTask, tiles: TileSource, problems: Problems): Promise<{ entries: RangeEntries; tileRoots: Uint8Array }> {
  const { log, firstLeaf, endLeaf, treeSize } = task;
  const read = (tile: TileName): Promise<Uint8Array | undefined> =>
    task.mayHaveGrown ? readTile(tiles, log, tile) : tiles.read(log, formatTilePath(tile));
  const entries: RangeEntries = { commitments: new Uint8Array((endLeaf - firstLeaf) * commitmentBytes), unreadable: new Set() };
  const tileRoots = new Uint8Array(Math.floor((endLeaf - firstLeaf) / tileWidthMax) * hashBytes);
  for (let leaf = firstLeaf, at = 0; leaf < endLeaf; leaf += tileWidthMax, at += hashBytes) {
    const index = leaf / tileWidthMax;
    const width = tileWidth(0, index, treeSize);
    const tile = await read({ level: 0, index, width });
    const bundle = await read({ level: 'entries', index, width });
    const checked = verifyLeafTile(index, width, tile, bundle, (problem) => problems.add(problem));
    entries.commitments.set(checked.commitments, (leaf - firstLeaf) * commitmentBytes);
    for (const place of checked.unreadable) entries.unreadable.add(leaf + place);
    if (checked.root) tileRoots.set(checked.root, at);
  }
  return { entries, tileRoots };
}

/** The records of a range: chunk after chunk, window after window. */
class RecordCheck {
  readonly #task: RangeTask;
  readonly #store: RangeStore;
  readonly #entries: RangeEntries;
  readonly #problems: Problems;
  readonly #tokenProblems: Problems;
  readonly #tokens: TokenCheck;
  /** What does not open and was reported. */
  readonly #unopened = new Set<string>();
  readonly #removals: RemovalFacts = { missing: [], unproved: [], redacted: [], tombstones: [] };

  constructor(task: RangeTask, store: RangeStore, entries: RangeEntries, { inRecords, inTokens }: { inRecords: Problems; inTokens: Problems }) {
    this.#task = task;
    this.#store = store;
    this.#entries = entries;
    this.#problems = inRecords;
    this.#tokenProblems = inTokens;
    this.#tokens = new TokenCheck(store.tokens);
  }

  async run(): Promise<Pick<RangeResult, 'recordsVerified' | 'tokensChecked' | 'removals'>> {
    const { log, firstLeaf, endLeaf } = this.#task;
    let recordsVerified = 0;
    let next = firstLeaf;
    while (next < endLeaf) {
      const opened = await this.#store.reader.openFrom(log, next);
      const missingTo = Math.min(endLeaf, opened?.firstLeaf ?? endLeaf);
      for (; next < missingTo; next++) this.#removals.missing.push(next);
      if (!opened || next >= endLeaf) break;
      const end = Math.min(endLeaf, opened.firstLeaf + opened.count);
      this.#reportUnreadable(opened, next, end);
      recordsVerified += await this.#checkRecords(opened, next, end);
      discardContent(opened.content);
      next = end;
    }
    return { recordsVerified, tokensChecked: this.#tokens.checked, removals: this.#removals };
  }

  /** Where a chunk, a segment or a block does not open: once for all of it, by the first leaf that it is about. */
  #reportUnreadable({ firstLeaf, count, unreadable }: OpenedChunk, from: number, end: number): void {
    if (!unreadable) return;
    for (const [leafIndex, { code, message, detail }] of unreadable) {
      if (leafIndex < from || leafIndex >= end) continue;
      const { class: of, bucket, generation, block } = detail;
      const isSegment = typeof of === 'string' && typeof bucket === 'number' && typeof generation === 'number';
      const file = isSegment ? `segments/${segmentPath({ log: this.#task.log, class: of, bucket, generation })}` : 'records.db';
      const part = isSegment ? (block === undefined ? '' : `, block ${block}`) : `, chunk of leaves ${firstLeaf} to ${firstLeaf + count - 1}`;
      const where = `${file}${part}`;
      if (this.#unopened.has(where)) continue;
      this.#unopened.add(where);
      this.#problems.add({ code, where, message: `${where}: ${message}`, leafIndex });
    }
  }

  /** Opens the commitments in the log with records. Returns how many of them were in order. */
  async #checkRecords(opened: OpenedChunk, from: number, end: number): Promise<number> {
    const { firstLeaf, content, unreadable: unopened } = opened;
    const { records, offsets } = content;
    const bad = new Set<number>();
    const first = from - firstLeaf;
    for (let leafIndex = from; leafIndex < end; leafIndex++) {
      if (offsets[leafIndex - firstLeaf] !== offsets[leafIndex - firstLeaf + 1]) continue;
      bad.add(leafIndex);
      if (unopened?.has(leafIndex)) this.#removals.unproved.push(leafIndex);
      else this.#removals.missing.push(leafIndex);
    }
    const empty = bad.size;
    const found = new Uint8Array(commitmentBytes * (end - from));
    commitPackedMany(this.#task.origin, records, offsets, first, end - firstLeaf, found, (record, error) => {
      if (bad.has(firstLeaf + record)) return;
      bad.add(firstLeaf + record);
      this.#report(this.#problems, firstLeaf + record, error.code, `the record of leaf ${firstLeaf + record}: ${error.message}`);
    });
    const { commitments, unreadable } = this.#entries;
    const committedAt = (from - this.#task.firstLeaf) * commitmentBytes;
    for (let leafIndex = from, at = 0; leafIndex < end; leafIndex++, at += commitmentBytes) {
      if (!unreadable.has(leafIndex) && (bad.has(leafIndex) || sameCommitment(found, at, commitments, committedAt + at))) continue;
      if (!unreadable.has(leafIndex))
        this.#report(this.#problems, leafIndex, 'record_changed', `the record of leaf ${leafIndex} is not the one that was committed`);
      bad.add(leafIndex);
    }
    for (const record of this.#tokens.recordsToAsk(records, offsets, first, end - firstLeaf)) {
      const leafIndex = firstLeaf + record;
      if (bad.has(leafIndex)) continue;
      if (!(await this.#checkTokens(leafIndex, records.subarray(offsets[record], offsets[record + 1])))) bad.add(leafIndex);
    }
    if (bad.size > empty) this.#removals.unproved.push(...[...bad].slice(empty));
    this.#gatherRemovals(content, firstLeaf, from, end, bad);
    return end - from - bad.size;
  }

  /** Of the records that are in order: which of them lack values, and which are tombstones. */
  #gatherRemovals({ records, offsets }: OpenedChunk['content'], firstLeaf: number, from: number, end: number, bad: ReadonlySet<number>): void {
    for (let leafIndex = from; leafIndex < end; leafIndex++) {
      const at = offsets[leafIndex - firstLeaf] as number;
      if (records[at] !== redactedForm || bad.has(leafIndex)) continue;
      const gone = unpackRedacted(records.subarray(at, offsets[leafIndex - firstLeaf + 1])).flatMap((field) =>
        isKept(field) ? [] : [field.tombstone],
      );
      if (gone.length > 0) this.#removals.redacted.push({ leafIndex, count: gone.length, tombstones: [...new Set(gone)] });
    }
    const bytes = Buffer.from(records.buffer, records.byteOffset, offsets[end - firstLeaf] as number);
    let leafIndex = from;
    for (let at = bytes.indexOf(tombstonePointer, offsets[from - firstLeaf]); at >= 0; at = bytes.indexOf(tombstonePointer, at + 1)) {
      while ((offsets[leafIndex - firstLeaf + 1] as number) <= at) leafIndex++;
      if (bad.has(leafIndex) || this.#removals.tombstones.at(-1)?.leafIndex === leafIndex) continue;
      const record = recordOfFields(openRecord(records.subarray(offsets[leafIndex - firstLeaf], offsets[leafIndex - firstLeaf + 1])));
      const member = record['tombstone'];
      // Anybody may write the name somewhere; in this place it is the server's own.
      if (member !== undefined) this.#removals.tombstones.push({ leafIndex, member });
    }
  }

  async #checkTokens(leafIndex: number, packed: Uint8Array): Promise<boolean> {
    try {
      for (const token of await this.#tokens.missing(packed))
        this.#report(
          this.#tokenProblems,
          leafIndex,
          'token_missing',
          `the vault has no row for ${token}, which the record of leaf ${leafIndex} bears`,
        );
      return true;
    } catch (error) {
      if (!(error instanceof VeiltrailError)) throw error;
      this.#report(this.#tokenProblems, leafIndex, error.code, `the record of leaf ${leafIndex}: ${error.message}`);
      return false;
    }
  }

  #report(problems: Problems, leafIndex: number, code: string, message: string): void {
    problems.add({ code, where: `leaf ${leafIndex}`, message, leafIndex });
  }
}

/** Every tombstone has a field of this pointer. */
const tombstonePointer = Buffer.from(`${tombstonePrefix}removal`);

function sameCommitment(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  for (let i = 0; i < commitmentBytes; i++) if (a[aAt + i] !== b[bAt + i]) return false;
  return true;
}
