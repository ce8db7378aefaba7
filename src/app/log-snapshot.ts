/** A log at one published size: what proofs of many leaves at once are made from, while the log goes on growing. */
import { VeiltrailError } from '../core/errors.ts';
import { decodeUtf8 } from '../core/bytes.ts';
import { openCheckpoint } from '../log/checkpoint.ts';
import { entryBytes } from '../log/entry.ts';
import { parseEntryBundle } from '../log/entry-bundle.ts';
import { formatProof } from '../log/proof.ts';
import { proveRanges, rangeProofRanges } from '../log/range-proof.ts';
import { formatTilePath, tileWidthMax, type TileName } from '../log/tile-path.ts';
import { createTileNodeReader, tilesForConsistency, tilesForInclusion, tilesOfRanges, tileWidth } from '../log/tile.ts';
import { type LeafRange, type NodeReader, proveConsistency, proveInclusion } from '../log/tree.ts';
import { createTrust } from '../log/trust.ts';
import { type TileSource, witnessedPath } from '../storage/tile-store.ts';
import type { PublishedLog } from './read-log.ts';

export interface LogSnapshot {
  /** As signed, with the cosignatures of witnesses where there are any. */
  readonly checkpoint: string;
  readonly treeSize: number;
  /** The receipt of a leaf, its entry as `extra`. Neighbours cost little after one another: some tiles are kept. */
  prove(leafIndex: number): Promise<string>;
  /** The proof of ranges of leaves (log/range-proof.ts). */
  proveRanges(ranges: readonly LeafRange[]): Promise<Uint8Array[]>;
  /** The proof that the log grew from that size. */
  proveConsistency(before: number): Promise<Uint8Array[]>;
  /** The entries of a range, 33 bytes each. */
  entries(range: LeafRange): AsyncGenerator<Uint8Array>;
}

/**
 * The log as it is published now; or, where it reaches as far as is needed, as witnesses have cosigned it.
 * @param needed the size that it must have at the least to be taken before a newer one without cosignatures
 * @throws VeiltrailError `not_found` before the first checkpoint, and what `openCheckpoint` throws
 */
export async function openSnapshot(published: PublishedLog, tiles: TileSource, needed: number): Promise<LogSnapshot> {
  const trust = createTrust([published.vkey], { origin: published.origin });
  const read = async (path: string): Promise<{ text: string; treeSize: number } | undefined> => {
    const bytes = await tiles.read(published.log, path);
    if (!bytes) return undefined;
    const text = decodeUtf8(bytes);
    return { text, treeSize: openCheckpoint(text, trust).treeSize };
  };
  const witnessed = await read(witnessedPath);
  const newest = witnessed && witnessed.treeSize >= needed ? witnessed : await read('checkpoint');
  if (!newest) throw new VeiltrailError('not_found', 'nothing is published of this log yet');
  return new Snapshot(published.log, tiles, newest.text, newest.treeSize);
}

/** 8 KiB each. */
const tilesKeptMax = 64;

class Snapshot implements LogSnapshot {
  readonly checkpoint: string;
  readonly treeSize: number;
  readonly #log: string;
  readonly #tiles: TileSource;
  readonly #kept = new Map<string, Uint8Array>();

  constructor(log: string, tiles: TileSource, checkpoint: string, treeSize: number) {
    this.#log = log;
    this.#tiles = tiles;
    this.checkpoint = checkpoint;
    this.treeSize = treeSize;
  }

  async prove(leafIndex: number): Promise<string> {
    const nodes = await this.#nodes(tilesForInclusion(leafIndex, this.treeSize), true);
    const hashes = proveInclusion(leafIndex, this.treeSize, nodes);
    for await (const extra of this.entries({ start: leafIndex, end: leafIndex + 1 }, true))
      return formatProof({ leafIndex, hashes, checkpoint: this.checkpoint, extra });
    throw new VeiltrailError('tile_missing', 'the entry bundle is missing', { leafIndex });
  }

  async proveRanges(ranges: readonly LeafRange[]): Promise<Uint8Array[]> {
    const needed = tilesOfRanges(rangeProofRanges(ranges, this.treeSize), this.treeSize);
    return proveRanges(ranges, this.treeSize, await this.#nodes(needed));
  }

  async proveConsistency(before: number): Promise<Uint8Array[]> {
    return proveConsistency(before, this.treeSize, await this.#nodes(tilesForConsistency(before, this.treeSize)));
  }

  async *entries({ start, end }: LeafRange, keep = false): AsyncGenerator<Uint8Array> {
    for (let index = Math.floor(start / tileWidthMax); index * tileWidthMax < end; index++) {
      const width = tileWidth(0, index, this.treeSize);
      const bundle = await this.#read({ level: 'entries', index, width }, keep);
      // It may have grown since.
      const entries = parseEntryBundle(bundle, Math.min(tileWidthMax, Math.max(width, Math.floor(bundle.length / (2 + entryBytes)))));
      const first = index * tileWidthMax;
      for (let leaf = Math.max(start, first); leaf < Math.min(end, first + width); leaf++) yield entries[leaf - first] as Uint8Array;
    }
  }

  async #nodes(needed: readonly TileName[], keep = false): Promise<NodeReader> {
    const bytes = new Map<string, Uint8Array>();
    for (const tile of needed) bytes.set(`${tile.level}/${tile.index}`, (await this.#read(tile, keep)).subarray(0, tile.width * 32));
    return createTileNodeReader(this.treeSize, (level, index) => bytes.get(`${level}/${index}`));
  }

  /** A tile, or the full one where the partial one is gone. */
  async #read(tile: TileName, keep: boolean): Promise<Uint8Array> {
    const path = formatTilePath(tile);
    const kept = this.#kept.get(path);
    if (kept) return kept;
    const found =
      (await this.#tiles.read(this.#log, path)) ??
      (tile.width < tileWidthMax ? await this.#tiles.read(this.#log, formatTilePath({ ...tile, width: tileWidthMax })) : undefined);
    if (!found) throw new VeiltrailError('tile_missing', 'a tile is missing', { index: tile.index });
    if (keep) {
      if (this.#kept.size >= tilesKeptMax) this.#kept.clear();
      this.#kept.set(path, found);
    }
    return found;
  }
}
