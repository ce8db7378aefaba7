/**
 * Verification of a range of leaves, everything that is stored about them: entry bundle and leaf tile, the chunk that holds the record, the
 * record against its commitment, and the tokens in it against the vault. Ranges are independent, so they run in threads.
 */
import { equalBytes } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { bucketOf, openChunk, type BucketKeys } from '../ledger/chunk.ts';
import { commitPacked } from '../log/packed-commitment.ts';
import { unpackRecord } from '../log/packed-record.ts';
import { wholePointer } from '../log/record.ts';
import { formatTilePath, tileWidthMax } from '../log/tile-path.ts';
import { tileWidth } from '../log/tile.ts';
import { hashBytes } from '../log/tree.ts';
import type { RecordSource, StoredChunk } from '../storage/record-store.ts';
import type { TileSource } from '../storage/tile-store.ts';
import { Problems, type Problem } from '../verify/problem.ts';
import { verifyLeafTile } from '../verify/tiles.ts';

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
  /** Whether the vault has a row for this token. */
  hasToken(token: string): Promise<boolean>;
}

export async function verifyRange(task: RangeTask, parts: RangeParts): Promise<RangeResult> {
  const problems = new Problems();
  const { commitments, tileRoots } = await readEntries(task, parts.tiles, problems);
  const counts = parts.store ? await checkRecords(task, parts.store, commitments, problems) : { recordsVerified: 0, tokensChecked: 0 };
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

async function checkRecords(
  task: RangeTask,
  parts: RangeStore,
  commitments: readonly (Uint8Array | undefined)[],
  problems: Problems,
): Promise<{ recordsVerified: number; tokensChecked: number }> {
  const tokens = new TokenCheck((token) => parts.hasToken(token));
  let recordsVerified = 0;
  let next = task.firstLeaf;
  while (next < task.endLeaf) {
    const chunk = await parts.records.chunkFrom(task.log, next);
    const missingTo = Math.min(task.endLeaf, chunk?.firstLeaf ?? task.endLeaf);
    for (; next < missingTo; next++) {
      problems.add({
        code: 'record_missing',
        where: `leaf ${next}`,
        message: `the record of leaf ${next} is missing, and no tombstone says why`,
        leafIndex: next,
      });
    }
    if (!chunk || next >= task.endLeaf) break;
    const end = Math.min(task.endLeaf, chunk.firstLeaf + chunk.count);
    recordsVerified += await checkChunk(task, chunk, next, end, parts, commitments, tokens, problems);
    next = end;
  }
  return { recordsVerified, tokensChecked: tokens.checked };
}

async function checkChunk(
  task: RangeTask,
  chunk: StoredChunk,
  from: number,
  end: number,
  parts: RangeStore,
  commitments: readonly (Uint8Array | undefined)[],
  tokens: TokenCheck,
  problems: Problems,
): Promise<number> {
  let content: ReturnType<typeof openChunk>;
  try {
    const key = await parts.bucketKeys.bucketKey(task.log, bucketOf(chunk.firstLeaf));
    content = openChunk({ origin: task.origin, firstLeaf: chunk.firstLeaf, count: chunk.count, receivedAtMs: chunk.receivedAtMs }, chunk.sealed, key);
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    const where = `records.db, chunk of leaves ${chunk.firstLeaf} to ${chunk.firstLeaf + chunk.count - 1}`;
    problems.add({ code: error.code, where, message: `${where}: ${error.message}`, leafIndex: from });
    return 0;
  }
  let verified = 0;
  for (let leafIndex = from; leafIndex < end; leafIndex++) {
    const at = leafIndex - chunk.firstLeaf;
    const packed = content.records.subarray(content.offsets[at], content.offsets[at + 1]);
    if (await checkRecord(task.origin, leafIndex, packed, commitments[leafIndex - task.firstLeaf], tokens, problems)) verified++;
  }
  return verified;
}

/** Opens the commitment in the log with the record in the store. */
async function checkRecord(
  origin: string,
  leafIndex: number,
  packed: Uint8Array,
  commitment: Uint8Array | undefined,
  tokens: TokenCheck,
  problems: Problems,
): Promise<boolean> {
  const where = `leaf ${leafIndex}`;
  try {
    if (commitment === undefined) return false; // its entry cannot be read, which was reported
    if (!equalBytes(commitPacked(origin, packed), commitment)) {
      problems.add({ code: 'record_changed', where, message: `the record of leaf ${leafIndex} is not the one that was committed`, leafIndex });
      return false;
    }
    for (const token of await tokens.missing(packed)) {
      problems.add({
        code: 'token_missing',
        where,
        message: `the vault has no row for ${token}, which the record of leaf ${leafIndex} bears`,
        leafIndex,
      });
    }
    return true;
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    problems.add({ code: error.code, where, message: `the record of leaf ${leafIndex}: ${error.message}`, leafIndex });
    return false;
  }
}

const tokenPattern = /tok_[A-Za-z0-9_-]{27}/g;
const wholeToken = /^tok_[A-Za-z0-9_-]{27}$/;

/** Asks the vault about each token once, within bounds. */
class TokenCheck {
  static readonly #knownMax = 100_000;
  readonly #has: (token: string) => Promise<boolean>;
  #known = new Set<string>();
  checked = 0;

  constructor(has: (token: string) => Promise<boolean>) {
    this.#has = has;
  }

  /**
   * Tokens that the policy put into the record and the vault does not have. A sender may write what looks like a token into a text; so a
   * place is in order when at least one token there is known.
   */
  async missing(packed: Uint8Array): Promise<string[]> {
    // Nearly always every token is known, which the packed bytes tell without being taken apart.
    for (const token of tokensIn(packed)) if (!(await this.#isKnown(token))) return this.#missingAtPlaces(packed);
    return [];
  }

  async #missingAtPlaces(packed: Uint8Array): Promise<string[]> {
    const { fields } = unpackRecord(packed);
    const applied = fields.find(({ pointer }) => pointer === wholePointer)?.value ?? '[]';
    const places = new Set(
      (JSON.parse(applied) as { pointer: string; transform: string }[])
        .filter(({ transform }) => transform === 'tokenize')
        .map(({ pointer }) => pointer),
    );
    const missing: string[] = [];
    for (const { pointer, value } of fields) {
      if (!places.has(pointer)) continue;
      const tokens = `${pointer} ${value}`.match(tokenPattern) ?? [];
      if (tokens.length > 0 && !(await this.#isAnyKnown(tokens))) missing.push(tokens[0] as string);
    }
    return missing;
  }

  async #isAnyKnown(tokens: readonly string[]): Promise<boolean> {
    for (const token of tokens) if (await this.#isKnown(token)) return true;
    return false;
  }

  async #isKnown(token: string): Promise<boolean> {
    this.checked++;
    if (this.#known.has(token)) return true;
    if (!(await this.#has(token))) return false;
    if (this.#known.size >= TokenCheck.#knownMax) this.#known = new Set();
    this.#known.add(token);
    return true;
  }
}

const tokenLength = 31;

/** Everything in a packed record that has the form of a token. */
function tokensIn(packed: Uint8Array): string[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const tokens: string[] = [];
  for (let at = bytes.indexOf('tok_', 0, 'latin1'); at >= 0; at = bytes.indexOf('tok_', at + 4, 'latin1')) {
    const token = bytes.toString('latin1', at, at + tokenLength);
    if (token.length === tokenLength && wholeToken.test(token)) tokens.push(token);
  }
  return tokens;
}
