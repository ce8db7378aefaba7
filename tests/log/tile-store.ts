/** A log's tiles in memory, grown as a log grows: in batches, each leaving its partial tiles behind. */
import { concatBytes } from '../../src/core/bytes.ts';
import { formatTilePath } from '../../src/log/tile-path.ts';
import { growTiles, type TileReader } from '../../src/log/tile.ts';

export class TileStore {
  readonly tiles = new Map<string, Uint8Array>();
  size = 0;

  readonly read: TileReader = (level, index, width) => this.tiles.get(formatTilePath({ level, index, width }));

  append(leafHashes: readonly Uint8Array[]): void {
    for (const tile of growTiles(this.size, concatBytes(...leafHashes), this.read)) {
      const path = formatTilePath(tile);
      const written = this.tiles.get(path);
      if (written && Buffer.compare(written, tile.bytes) !== 0) throw new Error(`${path} written twice, differently`);
      this.tiles.set(path, tile.bytes);
    }
    this.size += leafHashes.length;
  }

  /** Takes away every partial tile whose full one is there, as a log may. */
  dropPartials(): void {
    for (const path of this.tiles.keys()) if (this.tiles.has(path.replace(/\.p\/.*/, '')) && path.includes('.p/')) this.tiles.delete(path);
  }
}
