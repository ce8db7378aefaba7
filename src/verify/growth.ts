/** How a log grew from one size to another, from its tiles: a consistency proof, and both roots. Nothing of it is to be believed before it is verified. */
import { VeiltrailError } from '../core/errors.ts';
import { formatTilePath, tileWidthMax } from '../log/tile-path.ts';
import { createTileNodeReader, tilesOfRanges } from '../log/tile.ts';
import { consistencyRanges, hashBytes, hashRange, type LeafRange, proveConsistency } from '../log/tree.ts';

export interface Growth {
  rootBefore: Uint8Array;
  rootAfter: Uint8Array;
  proof: Uint8Array[];
}

/**
 * @param before,after sizes that were published, `before` at least 1 and at most `after`
 * @param read a tile by its path, undefined where there is none
 * @throws VeiltrailError `tile_missing`, `tile_length`, `tree_range`
 */
export async function readGrowth(before: number, after: number, read: (path: string) => Promise<Uint8Array | undefined>): Promise<Growth> {
  const whole: LeafRange[] = [before, after].map((end) => ({ start: 0, end }));
  const bytes = new Map<string, Uint8Array>();
  for (const tile of tilesOfRanges([...whole, ...consistencyRanges(before, after)], after)) {
    const path = formatTilePath(tile);
    // A partial tile may be gone once the full one is there.
    const found = (await read(path)) ?? (tile.width < tileWidthMax ? await read(formatTilePath({ ...tile, width: tileWidthMax })) : undefined);
    if (!found) throw new VeiltrailError('tile_missing', `a tile is missing: ${path}`, { path });
    bytes.set(`${tile.level}/${tile.index}`, found.subarray(0, tile.width * hashBytes));
  }
  const nodes = createTileNodeReader(after, (level, index) => bytes.get(`${level}/${index}`));
  const [rootBefore, rootAfter] = whole.map((range) => hashRange(range, nodes)) as [Uint8Array, Uint8Array];
  return { rootBefore, rootAfter, proof: proveConsistency(before, after, nodes) };
}
