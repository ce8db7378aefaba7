/** One log in the ledger's hands: what is committed, how much of that is visible, and what of that is not yet known to be on disk. */
import { tileWidthMax } from '../log/tile-path.ts';
import type { NoteKeySigner } from '../log/note-key.ts';
import type { LogState, RecordStore } from '../storage/record-store.ts';
import type { TileStore } from '../storage/tile-store.ts';
import type { Growth, LogTree } from './log-tree.ts';
import { publish, type Published, type Publisher, recover } from './publish.ts';

export class OpenLog {
  readonly log: string;
  readonly origin: string;
  lastReceivedAtMs: number;
  #tree: LogTree;
  readonly #publisher: Publisher;
  /** Committed and not visible: at most what one tick appended. */
  #unpublished: Growth[] = [];
  /** Full tiles that are visible and perhaps not on disk. */
  #unsynced: string[];
  #durableSize: number;

  private constructor(state: LogState, tree: LogTree, publisher: Publisher, unsynced: string[]) {
    this.log = state.log;
    this.origin = state.origin;
    this.lastReceivedAtMs = state.lastReceivedAtMs;
    this.#tree = tree;
    this.#publisher = publisher;
    this.#unsynced = unsynced;
    this.#durableSize = state.durableSize;
  }

  /** Takes a log over from wherever the process before left it (see {@link recover}), and makes it visible. */
  static async open(state: LogState, records: RecordStore, tiles: TileStore, signers: readonly NoteKeySigner[]): Promise<OpenLog> {
    const { publisher, tree, fullPaths } = await recover(state, records, tiles, signers);
    return new OpenLog(state, tree, publisher, fullPaths);
  }

  /** The committed tree. */
  get tree(): LogTree {
    return this.#tree;
  }

  get published(): Published {
    return this.#publisher.published;
  }

  get isPublished(): boolean {
    return this.published.treeSize === this.#tree.treeSize;
  }

  /** Leaves that are staged because their full tiles are perhaps not on disk. */
  get unsyncedLeaves(): number {
    return this.#tree.treeSize - this.#durableSize;
  }

  get needsSync(): boolean {
    return this.#unsynced.length > 0;
  }

  /** Takes note of what was committed. */
  committed(growth: Growth, receivedAtMs: number): void {
    this.#tree = growth.tree;
    this.#unpublished.push(growth);
    this.lastReceivedAtMs = receivedAtMs;
  }

  /** Makes visible what is committed. May be called again when it failed. */
  async publish(): Promise<void> {
    const growths = this.#unpublished;
    await publish(this.#publisher, growths, this.#tree, false);
    this.#unpublished = [];
    for (const { fullPaths } of growths) this.#unsynced.push(...fullPaths);
  }

  /**
   * Brings the full tiles that are visible to disk, and only then lets go of what was staged for them and of the partial tiles before them.
   * A crash in between repeats it: what is staged writes the same tiles again.
   */
  async sync(records: RecordStore): Promise<void> {
    const { tiles } = this.#publisher;
    const paths = this.#unsynced.slice();
    const durableSize = Math.floor(this.published.treeSize / tileWidthMax) * tileWidthMax;
    if (paths.length === 0) return;
    // The checkpoint too: it is never smaller than what was dropped, so the next start can compare.
    await tiles.sync(this.log, [...paths, 'checkpoint']);
    for (const path of paths) await tiles.removePartials(this.log, path);
    await records.markDurable(this.log, durableSize);
    this.#durableSize = durableSize;
    this.#unsynced = this.#unsynced.slice(paths.length);
  }
}
