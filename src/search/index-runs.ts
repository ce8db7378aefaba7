/** The runs of `index.db`: reading them, adding one, and making one of several, so that a search need not look into many. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { VeiltrailError } from '../core/errors.ts';
import { mergeRuns, type ReadBlock, type Run, RunWriter } from './run-format.ts';

/** So many small runs, one behind the other, become one … */
const mergeMin = 8;
/** … of at most so many leaves: a merge holds up what comes behind it. */
const mergedLeavesMax = 65_536;
/** Runs that are looked at for a merge. */
const lookedAtMax = 256;

export class IndexRuns {
  readonly #runsBelow: StatementSync;
  readonly #block: StatementSync;

  constructor(database: DatabaseSync) {
    this.#runsBelow = database.prepare(
      `SELECT first_leaf AS firstLeaf, end_leaf AS endLeaf, first_block AS firstBlock, directory FROM runs
       WHERE partition = ? AND first_leaf < ? ORDER BY first_leaf DESC`,
    );
    this.#block = database.prepare('SELECT bytes FROM run_blocks WHERE id = ?');
  }

  /** The runs of a partition that hold leaves below one, the newest first. */
  below(partition: number, leaf: number): Iterable<Run> {
    return this.#runsBelow.iterate(partition, leaf) as unknown as Iterable<Run>;
  }

  readonly readBlock: ReadBlock = (id) => {
    const bytes = this.#block.get(id)?.['bytes'];
    if (!(bytes instanceof Uint8Array)) throw new VeiltrailError('storage_damaged', 'a block of the index is missing');
    return bytes;
  };
}

/** For the one who writes; every call is within a transaction. */
export class WritableIndexRuns extends IndexRuns {
  readonly #addBlock: StatementSync;
  readonly #addRun: StatementSync;
  readonly #removeBlocks: StatementSync;
  readonly #removeRun: StatementSync;

  constructor(database: DatabaseSync) {
    super(database);
    this.#addBlock = database.prepare('INSERT INTO run_blocks (bytes) VALUES (?)');
    this.#addRun = database.prepare('INSERT INTO runs (partition, first_leaf, end_leaf, first_block, directory) VALUES (?, ?, ?, ?, ?)');
    this.#removeBlocks = database.prepare('DELETE FROM run_blocks WHERE id >= ? AND id < ?');
    this.#removeRun = database.prepare('DELETE FROM runs WHERE partition = ? AND first_leaf = ?');
  }

  /** @param write gives the terms to a writer, in order */
  add(partition: number, firstLeaf: number, endLeaf: number, write: (to: RunWriter) => void): void {
    this.#insert(partition, { firstLeaf, endLeaf, ...this.#writeBlocks(write) });
  }

  /** Merges runs at the end of a partition where there are many small ones: each time a term is written again its run is twice as large. */
  tidy(partition: number): void {
    const runs: Run[] = [];
    for (const run of this.below(partition, Number.MAX_SAFE_INTEGER)) if (runs.push(run) === lookedAtMax) break;
    const count = countToMerge(runs);
    if (count === 0) return;
    const merged = runs.slice(0, count).toReversed();
    const [oldest, newest] = [merged[0] as Run, merged.at(-1) as Run];
    const written = this.#writeBlocks((writer) => mergeRuns(merged, this.readBlock, writer));
    for (const run of merged) this.#remove(partition, run);
    this.#insert(partition, { firstLeaf: oldest.firstLeaf, endLeaf: newest.endLeaf, ...written });
  }

  removeAll(partition: number): void {
    // All of them first: none is removed while they are read.
    const runs = Array.from(this.below(partition, Number.MAX_SAFE_INTEGER));
    for (const run of runs) this.#remove(partition, run);
  }

  #insert(partition: number, { firstLeaf, endLeaf, firstBlock, directory }: Run): void {
    this.#addRun.run(partition, firstLeaf, endLeaf, firstBlock, directory);
  }

  #writeBlocks(write: (to: RunWriter) => void): Pick<Run, 'firstBlock' | 'directory'> {
    let firstBlock = 0;
    // Ids follow one another: nobody else writes.
    const writer = new RunWriter((block) => {
      const { lastInsertRowid } = this.#addBlock.run(block);
      if (firstBlock === 0) firstBlock = Number(lastInsertRowid);
    });
    write(writer);
    return { directory: writer.end(), firstBlock };
  }

  #remove(partition: number, { firstLeaf, firstBlock, directory }: Run): void {
    this.#removeBlocks.run(firstBlock, firstBlock + directory.length / 4);
    this.#removeRun.run(partition, firstLeaf);
  }
}

/** How many of the newest runs, given newest first, are to become one; 0 for none. */
function countToMerge(runs: readonly Run[]): number {
  let leaves = 0;
  let count = 0;
  for (const [i, { firstLeaf, endLeaf }] of runs.entries()) {
    const own = endLeaf - firstLeaf;
    if (leaves + own > mergedLeavesMax) break;
    // One that is larger than all behind it together is left as it is.
    if (i + 1 >= mergeMin && own <= leaves) count = i + 1;
    leaves += own;
  }
  return count;
}
