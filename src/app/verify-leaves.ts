/**
 * The leaves of a log, in ranges that overlap: entries in their tiles, and of a data directory the records, what is gone of them against the tombstones, and
 * the tokens in the vault. A step of each.
 */
import { VeiltrailError } from '../core/errors.ts';
import { tileWidthMax, type TileName } from '../log/tile-path.ts';
import { tileWidth, type TileReader } from '../log/tile.ts';
import { hashBytes } from '../log/tree.ts';
import type { Problem } from '../verify/problem.ts';
import { VerifiedFrontier } from './verified-frontier.ts';
import type { RangeResult, RangeTask } from './verify-range.ts';
import { RemovalAccount, type RemovalChecks } from './verify-removals.ts';
import { newStep, type Step } from './verify-step.ts';

/** Leaves of a range: whole leaf tiles. Large ones cost least; towards the end they grow smaller, so that all threads end together. */
const rangeLeavesMax = 16_384;
const rangeLeavesMin = 1_024;

export interface LeavesTask {
  log: string;
  origin: string;
  treeSize: number;
  /** Leaves below this one were verified before. */
  verifiedTo: number;
  /** Takes the hashes of full leaf tiles, 32 bytes each. */
  roots: Uint8Array;
}

export interface LeavesParts {
  verifyRange(task: Omit<RangeTask, 'mayHaveGrown'>): Promise<RangeResult>;
  /** Ranges under way at once. */
  overlap: number;
  rangeLeavesMax?: number | undefined;
  /** Reads tiles beforehand: the log's functions are synchronous. */
  readTiles(tiles: readonly TileName[]): Promise<TileReader>;
  /** Absent where only the log itself is within reach. */
  removals: RemovalChecks | undefined;
  onVerified: ((to: number) => void) | undefined;
  onProgress: ((leaves: number, of: number) => void) | undefined;
}

export interface VerifiedLeaves {
  steps: Step[];
  verified: number;
  erased: number;
  redacted: number;
}

export async function verifyLeaves(task: LeavesTask, parts: LeavesParts): Promise<VerifiedLeaves> {
  const leaves = new Leaves(task, parts);
  await leaves.run();
  return leaves.result();
}

class Leaves {
  readonly #task: LeavesTask;
  readonly #parts: LeavesParts;
  readonly #entries = newStep('entries');
  readonly #records = newStep('records');
  readonly #tombstones = newStep('tombstones');
  readonly #tokens = newStep('tokens');
  readonly #account = new RemovalAccount();
  readonly #frontier: VerifiedFrontier;
  /** Whole leaf tiles are skipped: the last one may have grown. */
  readonly #from: number;
  #verified = 0;
  #erased = 0;
  #redacted = 0;

  constructor(task: LeavesTask, parts: LeavesParts) {
    this.#task = task;
    this.#parts = parts;
    this.#from = Math.floor(Math.min(task.treeSize, task.verifiedTo) / tileWidthMax) * tileWidthMax;
    this.#frontier = new VerifiedFrontier(this.#from, parts.onVerified);
  }

  result(): VerifiedLeaves {
    const steps = this.#parts.removals ? [this.#entries, this.#records, this.#tombstones, this.#tokens] : [this.#entries];
    return { steps, verified: this.#verified, erased: this.#erased, redacted: this.#redacted };
  }

  /** What it throws is a problem like those it finds. */
  async run(): Promise<void> {
    try {
      if (this.#from > 0) await this.#skip();
      await this.#readRanges();
    } catch (error) {
      if (!(error instanceof VeiltrailError)) throw error;
      const where = typeof error.detail['where'] === 'string' ? error.detail['where'] : 'leaves';
      this.#entries.problems.add({ code: error.code, where, message: error.message });
    }
  }

  async #readRanges(): Promise<void> {
    const { treeSize } = this.#task;
    const { overlap, onProgress, rangeLeavesMax: max = rangeLeavesMax, removals } = this.#parts;
    let next = this.#from;
    let done = this.#from;
    let tokens = 0;
    const work = async (): Promise<void> => {
      while (next < treeSize) {
        const share = Math.floor((treeSize - next) / (4 * overlap * tileWidthMax)) * tileWidthMax;
        const firstLeaf = next;
        const endLeaf = Math.min(treeSize, next + Math.max(rangeLeavesMin, Math.min(max, share)));
        next = endLeaf;
        const looked = await this.#readRange(firstLeaf, endLeaf);
        tokens += looked;
        done += endLeaf - firstLeaf;
        onProgress?.(done, treeSize);
      }
    };
    await Promise.all(Array.from({ length: overlap }, work));
    this.#entries.detail = `${treeSize - this.#from} entries are in their tiles`;
    if (!removals) return;
    this.#records.detail = `${this.#verified} records open their commitments`;
    this.#tokens.detail = `${tokens} tokens of records are in the vault`;
    await this.#settle(removals);
  }

  /** @returns tokens that were looked for */
  async #readRange(firstLeaf: number, endLeaf: number): Promise<number> {
    const { log, origin, treeSize, roots } = this.#task;
    const result = await this.#parts.verifyRange({ log, origin, firstLeaf, endLeaf, treeSize });
    roots.set(result.tileRoots, (firstLeaf / tileWidthMax) * hashBytes);
    const { entries, records, tokens, removals } = result;
    this.#entries.problems.merge(entries);
    // Without steps of their own they are told with the entries.
    const told = (this.#parts.removals ? this.#records : this.#entries).problems;
    // A segment is in many ranges.
    const ofSegments = records.list.filter(({ code }) => code.startsWith('segment_'));
    for (const problem of ofSegments) told.addOnce(problem);
    told.merge({ list: records.list.filter(({ code }) => !code.startsWith('segment_')), count: records.count - ofSegments.length });
    (this.#parts.removals ? this.#tokens : this.#entries).problems.merge(tokens);
    this.#account.add(removals);
    this.#frontier.add(firstLeaf, endLeaf, entries.count + records.count + tokens.count === 0 && nothingGone(removals));
    this.#verified += result.recordsVerified;
    return result.tokensChecked;
  }

  async #settle(removals: RemovalChecks): Promise<void> {
    const report = (problem: Problem): void => {
      // What is told of leaves that are skipped cannot be held against them here.
      if ((problem.leafIndex ?? Infinity) >= this.#from) this.#tombstones.problems.add(problem);
    };
    const { erased, redacted } = await this.#account.settle(this.#task.treeSize, report, removals);
    this.#erased = erased;
    this.#redacted = redacted;
    this.#tombstones.detail = erased + redacted > 0 ? `they tell of what is gone: ${erased} removed, ${redacted} redacted` : 'nothing is missing';
  }

  /** Takes the hashes of leaf tiles that were verified before from the tiles above them, which lead to the root that was signed. */
  async #skip(): Promise<void> {
    const { treeSize, roots } = this.#task;
    this.#entries.notChecked.push(`leaves 0 to ${this.#from - 1}: verified by an earlier run, and not read again`);
    const span = tileWidthMax * tileWidthMax;
    for (let index = 0; index * span < this.#from; index++) {
      const width = tileWidth(1, index, treeSize);
      const tile = (await this.#parts.readTiles([{ level: 1, index, width }]))(1, index, width);
      const count = Math.min(tileWidthMax, this.#from / tileWidthMax - index * tileWidthMax);
      if (tile) roots.set(tile.subarray(0, count * hashBytes), index * tileWidthMax * hashBytes);
    }
  }
}

/** Whether a range needs no tombstone from elsewhere to be in order. */
function nothingGone({ missing, unproved, redacted }: RangeResult['removals']): boolean {
  return missing.length + unproved.length + redacted.length === 0;
}
