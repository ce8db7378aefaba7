/** Reading tiles of a log that grows meanwhile. */
import { entryBytes } from '../log/entry.ts';
import { formatTilePath, tileWidthMax, type TileName } from '../log/tile-path.ts';
import { hashBytes } from '../log/tree.ts';
import type { TileSource } from '../storage/tile-store.ts';

/**
 * A tile or an entry bundle by its name; where a partial one is gone because the full one is there, the beginning of that. Nothing of it is to be believed
 * before it is verified.
 */
export async function readTile(tiles: TileSource, log: string, tile: TileName): Promise<Uint8Array | undefined> {
  const found = await tiles.read(log, formatTilePath(tile));
  if (found || tile.width === tileWidthMax) return found;
  const full = await tiles.read(log, formatTilePath({ ...tile, width: tileWidthMax }));
  return full?.subarray(0, tile.width * (tile.level === 'entries' ? 2 + entryBytes : hashBytes));
}
