/** One log in the ledger's hands: what is committed, how much of that is visible, and what of that is not yet known to be on disk. */
import { tileWidthMax } from '../log/tile-path.ts';
import type { NoteKeySigner } from '../log/note-key.ts';
import type { LogState, RecordStore } from '../storage/record-store.ts';
import type { TileStore } from '../storage/tile-store.ts';
import { type Growth, isPartial, type LogTree } from './log-tree.ts';
import { formatCosigned } from './cosigned.ts';
import { keepCosigned, publish, type Published, type Publisher, recover, republish } from './publish.ts';

export class OpenLog {
  readonly log: string;
  readonly origin: string;
  lastReceivedAtMs: number;
  /** Nothing is published, and so nothing appended, until somebody decides what is true (`Ledger.halt`). */
  halted = false;
  #tree: LogTree;
  readonly #publisher: Publisher;
  /** Committed and not visible: at most what one tick appended. */
  #unpublished: Growth[] = [];
  /** Files that are visible, perhaps not on disk, and must be before anything staged is dropped. */
  #unsynced: string[];
  /** Full tiles on disk whose partial ones may go. */
  readonly #full: string[] = [];
  /** Leaves in full tiles that are on disk, and how many of them the records know of. */
  #syncedSize: number;
  #durableSize: number;
  /** Whoever writes the checkpoint does so one after the other. */
  #line: Promise<unknown> = Promise.resolve();
  #keeping: Promise<unknown> = Promise.resolve();

  private constructor(state: LogState, tree: LogTree, publisher: Publisher, unsynced: string[]) {
    this.log = state.log;
    this.origin = state.origin;
    this.lastReceivedAtMs = state.lastReceivedAtMs;
    this.#tree = tree;
    this.#publisher = publisher;
    this.#unsynced = unsynced;
    this.#syncedSize = state.durableSize;
    this.#durableSize = state.durableSize;
  }

  /** Takes a log over from wherever the process before left it (see {@link recover}), and makes it visible. */
  static async open(state: LogState, records: Pick<RecordStore, 'staged'>, tiles: TileStore, signers: readonly NoteKeySigner[]): Promise<OpenLog> {
    const { publisher, tree, lastingPaths } = await recover(state, records, tiles, signers);
    return new OpenLog(state, tree, publisher, lastingPaths);
  }

  /** The committed tree. */
  get tree(): LogTree {
    return this.#tree;
  }

  get published(): Published {
    return this.#publisher.published;
  }

  /** The newest checkpoint that witnesses cosigned. */
  get witnessed(): Published | undefined {
    const { cosigned } = this.#publisher;
    return cosigned && { treeSize: cosigned.treeSize, checkpoint: formatCosigned(cosigned) };
  }

  get isPublished(): boolean {
    return this.published.treeSize === this.#tree.treeSize;
  }

  /** Leaves that are staged because their full tiles are perhaps not on disk. */
  get unsyncedLeaves(): number {
    return this.#tree.treeSize - this.#durableSize;
  }

  /** Takes note of what was committed. */
  committed(growth: Growth, receivedAtMs: number): void {
    this.#tree = growth.tree;
    this.#unpublished.push(growth);
    this.lastReceivedAtMs = receivedAtMs;
  }

  /** Makes visible what is committed. May be called again when it failed. */
  async publish(): Promise<void> {
    await this.#inLine(async () => {
      const growths = this.#unpublished;
      await publish(this.#publisher, growths, this.#tree, false);
      this.#unpublished = [];
      for (const { lastingPaths } of growths) this.#unsynced.push(...lastingPaths);
    });
  }

  /** Takes a checkpoint that witnesses cosigned; see {@link keepCosigned}. */
  cosigned(note: string): Promise<void> {
    const kept = this.#keeping.then(async () => {
      // Flushing takes a while, and ticks do not wait for it.
      if (await keepCosigned(this.#publisher, note)) await this.#inLine(() => republish(this.#publisher));
    });
    this.#keeping = kept.catch(() => undefined);
    return kept;
  }

  #inLine<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#line.then(work);
    this.#line = done.catch(() => undefined);
    return done;
  }

  /**
   * Brings the full tiles that are visible to disk, and only then lets go of the partial tiles before them and of what was staged for them.
   * A crash in between repeats it: what is staged writes the same tiles again. May be called again when it failed.
   */
  async sync(records: RecordStore): Promise<void> {
    const { tiles } = this.#publisher;
    if (this.#unsynced.length > 0) {
      const paths = this.#unsynced.slice();
      const { treeSize } = this.published;
      // The checkpoint too: it is never smaller than what was dropped, so the next start can compare.
      await tiles.sync(this.log, [...paths, 'checkpoint']);
      this.#unsynced = this.#unsynced.slice(paths.length);
      this.#full.push(...paths.filter((path) => !isPartial(path)));
      this.#syncedSize = Math.floor(treeSize / tileWidthMax) * tileWidthMax;
    }
    for (let path = this.#full[0]; path !== undefined; path = this.#full[0]) {
      await tiles.removePartials(this.log, path);
      this.#full.shift();
    }
    if (this.#syncedSize === this.#durableSize) return;
    await records.markDurable(this.log, this.#syncedSize);
    this.#durableSize = this.#syncedSize;
  }
}
