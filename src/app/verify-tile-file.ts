/** A file below a log's `tile` directory: one of the tree, or the beginning of one. */
import { VeiltrailError } from '../core/errors.ts';
import { entryBytes } from '../log/entry.ts';
import { parseTilePath, type TileName, tileWidthMax } from '../log/tile-path.ts';
import { tileWidth } from '../log/tile.ts';
import { hashBytes } from '../log/tree.ts';
import type { TileSource } from '../storage/tile-store.ts';
import { verifyPrefix } from '../verify/tiles.ts';
import { readTile } from './read-tile.ts';
import type { Step } from './verify-step.ts';

export interface TileFileParts {
  log: string;
  /** The file, as someone would look for it. */
  where: string;
  /** Of the published checkpoint. */
  treeSize: number;
  tiles: TileSource;
  /** How many leaves are committed by now, where that is known. */
  committed?: () => Promise<number>;
}

/** Anything that is no tile has no business there. */
export async function verifyTileFile(path: string, { log, where, treeSize, tiles, committed }: TileFileParts, step: Step): Promise<void> {
  let tile: TileName;
  try {
    tile = parseTilePath(path);
  } catch {
    step.problems.add({ code: 'file_unexpected', where, message: `${where} is no file of a log` });
    return;
  }
  const level = tile.level === 'entries' ? 0 : tile.level;
  const width = tileWidth(level, tile.index, treeSize);
  if (tile.width > width) {
    // Tiles are written after the commit, and a crash may come before the checkpoint.
    const size = await committed?.();
    if (size === undefined || tile.width <= tileWidth(level, tile.index, size)) return noteUnpublished(step);
    const message = `${where} has more leaves than records.db, which ends at size ${size}: an older database was put back, or the file was put there`;
    step.problems.add({ code: 'behind_checkpoint', where, message });
    return;
  }
  if (tile.width === width || tile.width === tileWidthMax) return;
  const now = await readTile(tiles, log, { ...tile, width });
  const partial = await tiles.read(log, path);
  if (!now || !partial) return; // missing files were reported; a partial one may go while we look
  try {
    verifyPrefix(where, partial, now);
    if (partial.length === 0) throw new VeiltrailError('tile_stale', `${where} is empty`);
    if (partial.length !== tile.width * (tile.level === 'entries' ? 2 + entryBytes : hashBytes))
      throw new VeiltrailError('tile_stale', `${where} has not the length of its width`);
  } catch (error) {
    step.problems.add({ code: 'tile_stale', where, message: (error as Error).message, leafIndex: tile.index * tileWidthMax ** (level + 1) });
  }
}

function noteUnpublished(step: Step): void {
  const note = 'tiles beyond the published size, which the next start writes again';
  if (!step.notChecked.includes(note)) step.notChecked.push(note);
}
