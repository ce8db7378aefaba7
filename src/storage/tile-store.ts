/**
 * Port: where a log is published: its tiles, entry bundles and checkpoint, by their C2SP paths (`tile/…`, `checkpoint`) below the log's name.
 *
 * A tile that was published is never replaced by other bytes. Files appear whole or not at all to a reader, but {@link TileStore.write}
 * does not make them durable: after a power loss they may be gone, empty or garbled. Only {@link TileStore.sync} changes that.
 */
/** Where the newest checkpoint that witnesses cosigned is kept, beside `checkpoint`. */
export const witnessedPath = 'checkpoint.witnessed';

export interface TileFile {
  /** As `formatTilePath` prints it. */
  path: string;
  bytes: Uint8Array;
}

export interface TileSource {
  /** The bytes of a tile, of `checkpoint` or of {@link witnessedPath}, or undefined when there is none. */
  read(log: string, path: string): Promise<Uint8Array | undefined>;
}

export interface TileStore extends TileSource {
  /**
   * Makes tiles visible. One that is there with the same bytes is left alone.
   * @param heal replace whatever is there: only recovery may, beyond what was synced, where other bytes can only be damage, and where the same bytes
   * may be in memory alone, after an fsync that failed
   * @throws VeiltrailError `tile_conflict` when other bytes are there and `heal` is false
   */
  write(log: string, files: readonly TileFile[], heal: boolean): Promise<void>;
  /** Replaces the checkpoint, atomically for readers. The caller sees to it that it never goes backwards. */
  writeCheckpoint(log: string, bytes: Uint8Array): Promise<void>;
  /**
   * Replaces the newest cosigned checkpoint ({@link witnessedPath}), atomically for readers and for power losses: after one the old bytes are there,
   * or the new ones; the new ones, once it was synced.
   */
  writeWitnessed(log: string, bytes: Uint8Array): Promise<void>;
  /** Returns when these files, and the names that lead to them, would survive a power loss. A failure means: stop. */
  sync(log: string, paths: readonly string[]): Promise<void>;
  /** Widths of the partial tiles that there are of a tile, given the path of the full one; ascending. */
  partialWidths(log: string, fullPath: string): Promise<number[]>;
  /** Removes the partial tiles of a tile, given the path of the full one, which must be synced. */
  removePartials(log: string, fullPath: string): Promise<void>;
}
