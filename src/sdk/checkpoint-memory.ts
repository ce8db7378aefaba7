/**
 * What a client remembers of each log: the newest checkpoint it was shown. At the next contact the log must have grown from it, by a consistency
 * proof made here from the log's own tiles. Whoever asks the same server twice finds out when history was rewritten in between; two who compare
 * what they remember find out when they were shown different ones.
 *
 * Signatures are not checked here: which key is the log's is for `verify` to be told. What is remembered are the signed checkpoints themselves,
 * so of two that do not fit, each is proof against whoever signed it.
 */
import { equalBytes } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { type Checkpoint, parseCheckpointText } from '../log/checkpoint.ts';
import { parseNote } from '../log/note.ts';
import { verifyConsistency } from '../log/tree.ts';
import { readGrowth } from '../verify/growth.ts';

/** Where checkpoints are kept, by origin. Of two writers at once, either may win. */
export interface CheckpointStore {
  read(origin: string): string | undefined | Promise<string | undefined>;
  write(origin: string, checkpoint: string): void | Promise<void>;
}

/** Keeps them as long as the program runs. */
export function createCheckpointStore(): CheckpointStore {
  const kept = new Map<string, string>();
  return { read: (origin) => kept.get(origin), write: (origin, checkpoint) => void kept.set(origin, checkpoint) };
}

/** What a log that cannot be held against what is remembered is guilty of; any other error says nothing about it. */
const alarms = new Set(['history_forked', 'rolled_back', 'root_wrong', 'tile_missing', 'tile_length']);

/** Whether an error says that a log is not what it was, or will not prove that it is. */
export function isMemoryAlarm(error: unknown): boolean {
  return error instanceof VeiltrailError && alarms.has(error.code);
}

/** Reads a tile of a log by its path; undefined where there is none. */
export type ReadTile = (path: string) => Promise<Uint8Array | undefined>;

export class CheckpointMemory {
  readonly #store: CheckpointStore;
  /** Of each log, by the name it is asked for: what it was known to have at the least. */
  readonly #sizes = new Map<string, number>();

  constructor(store: CheckpointStore) {
    this.#store = store;
  }

  /** Tree size that an answer to a request which begins now must have at the least: answers may overtake each other, requests do not. */
  floorOf(log: string): number {
    return this.#sizes.get(log) ?? 0;
  }

  /**
   * Takes a checkpoint that was just shown, and remembers it.
   * @param log the name the log was asked by
   * @param floor {@link CheckpointMemory.floorOf} as it was when the request began
   * @throws VeiltrailError `history_forked` and `rolled_back`, with both checkpoints in its detail (`remembered`, `shown`); `checkpoint_syntax`,
   * `note_syntax`; and what `read` throws, when nothing is known about the growth
   */
  async see(log: string, shown: string, floor: number, read: ReadTile): Promise<void> {
    const now = parseCheckpoint(shown);
    const remembered = await this.#store.read(now.origin);
    const before = remembered === undefined ? undefined : parseCheckpoint(remembered);
    if (before && remembered !== undefined) {
      const both = { origin: now.origin, remembered, shown };
      // What is in the store was seen before this program ran, or by it before this request began.
      const least = this.#sizes.has(log) ? floor : before.treeSize;
      if (now.treeSize < least) {
        throw new VeiltrailError(
          'rolled_back',
          `${now.origin} was seen with ${least} leaves and has ${now.treeSize} now: it was rolled back, or cut`,
          both,
        );
      }
      if (now.treeSize <= before.treeSize) {
        if (now.treeSize === before.treeSize && !equalBytes(now.root, before.root)) throw forked(both);
        this.#sizes.set(log, before.treeSize);
        return;
      }
      await checkGrowth(before, now, both, read);
    }
    await this.#store.write(now.origin, shown);
    this.#sizes.set(log, Math.max(now.treeSize, this.#sizes.get(log) ?? 0));
  }
}

/** @throws VeiltrailError `history_forked` */
async function checkGrowth(before: Checkpoint, now: Checkpoint, both: Record<string, string>, read: ReadTile): Promise<void> {
  if (before.treeSize === 0) return;
  const { proof, rootAfter } = await readGrowth(before.treeSize, now.treeSize, read);
  try {
    verifyConsistency(before.treeSize, now.treeSize, before.root, now.root, proof);
  } catch (cause) {
    // Tiles that do not even make the root that was shown say nothing about what was remembered.
    if (!equalBytes(rootAfter, now.root))
      throw new VeiltrailError('root_wrong', `the tiles of ${now.origin} do not make the root of its checkpoint`, both, { cause });
    throw forked(both);
  }
}

function forked(both: Record<string, string>): VeiltrailError {
  return new VeiltrailError(
    'history_forked',
    `${both['origin']} was seen with another history: it was rewritten, or somebody is shown another one`,
    both,
  );
}

function parseCheckpoint(note: string): Checkpoint {
  return parseCheckpointText(parseNote(note).text);
}
