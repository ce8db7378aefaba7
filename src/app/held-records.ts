/** What an export has opened and has perhaps not handed over yet: what it would have to take back when it is erased. */
import type { GoneRecords } from '../alerts/alert-book.ts';

/** Batches whose text may still wait in a stream's or a connection's memory: each is 64 KiB and more, and these hold no more than that of a few. */
const batchesMax = 6;

export class HeldRecords {
  readonly #log: string;
  #batches: { leaves: readonly number[]; tokens: Set<string> }[] = [];

  constructor(log: string) {
    this.#log = log;
  }

  /** Before leaves are read. @returns where their tokens are to be put before they are opened */
  begin(leaves: readonly number[]): Set<string> {
    const tokens = new Set<string>();
    this.#batches.push({ leaves, tokens });
    if (this.#batches.length > batchesMax) this.#batches.shift();
    return tokens;
  }

  /** Whether any of it is gone. */
  has({ log, isRemoved, isRedacted, tokens: gone }: GoneRecords): boolean {
    const isGone = (leaf: number): boolean => isRemoved(leaf) || isRedacted(leaf);
    return this.#batches.some(({ leaves, tokens }) => gone.some((token) => tokens.has(token)) || (log === this.#log && leaves.some(isGone)));
  }
}
