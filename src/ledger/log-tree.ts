/**
 * The right edge of one log's tree: the frontier, and the last tile of every level as far as it is filled. It is all that appending and
 * publishing need, and small. A tree never changes: growing gives another one, so that a commit that fails leaves nothing to undo.
 */
import { concatBytes, uint64be } from '../core/bytes.ts';
import { invariant, VeiltrailError } from '../core/errors.ts';
import { commitmentBytes, entryBytes, hashEntries } from '../log/entry.ts';
import { Frontier } from '../log/frontier.ts';
import { entryBundlesBetween, growTiles, hashTile, tileWidth } from '../log/tile.ts';
import { formatTilePath, tileWidthMax } from '../log/tile-path.ts';
import { hashBytes } from '../log/tree.ts';
import type { TileFile, TileSource } from '../storage/tile-store.ts';

/** What appending made: the tree behind it, and the files by which it is published. */
export interface Growth {
  tree: LogTree;
  /** Entry bundles and tiles that the grown tree has and the one before had not. */
  files: TileFile[];
  /**
   * Paths of those among them that staged entries do not lead to for ever: full tiles, and the partial ones above level 0, which follow from
   * full ones and must outlive them, because every published size keeps its tiles until they are full.
   */
  lastingPaths: string[];
}

export class LogTree {
  readonly #frontier: Frontier;
  /** The bytes of the partial tile of each level; a level without one is not in it. */
  readonly #partialTiles: ReadonlyMap<number, Uint8Array>;
  /** The commitments of the partial entry bundle. */
  readonly #partialEntries: Uint8Array;

  constructor(frontier: Frontier, partialTiles: ReadonlyMap<number, Uint8Array>, partialEntries: Uint8Array) {
    this.#frontier = frontier;
    this.#partialTiles = partialTiles;
    this.#partialEntries = partialEntries;
  }

  static empty(): LogTree {
    return new LogTree(new Frontier(), new Map(), new Uint8Array(0));
  }

  get treeSize(): number {
    return this.#frontier.size;
  }

  root(): Uint8Array {
    return this.#frontier.root();
  }

  frontierBytes(): Uint8Array {
    return this.#frontier.toBytes();
  }

  /** Appends entries. @param commitments 32 bytes a leaf */
  grow(commitments: Uint8Array): Growth {
    const before = this.treeSize;
    const frontier = this.#frontier.clone();
    const hashes = hashEntries(commitments);
    for (let at = 0; at < hashes.length; at += hashBytes) frontier.append(hashes, at);
    const tiles = growTiles(before, hashes, (level) => this.#partialTiles.get(level));
    const partialTiles = new Map(this.#partialTiles);
    for (const { level, width, bytes } of tiles) {
      if (width === tileWidthMax) partialTiles.delete(level);
      else partialTiles.set(level, bytes);
    }
    const entries = concatBytes(this.#partialEntries, commitments);
    const files = bundleFiles(before, frontier.size, entries);
    for (const tile of tiles) files.push({ path: formatTilePath(tile), bytes: tile.bytes });
    return {
      tree: new LogTree(frontier, partialTiles, entries.slice(entries.length - (frontier.size % tileWidthMax) * commitmentBytes)),
      files,
      lastingPaths: files.map(({ path }) => path).filter((path) => !isPartial(path) || !/^tile\/(?:0|entries)\//.test(path)),
    };
  }
}

/** Whether a path names a partial tile or bundle. */
export function isPartial(path: string): boolean {
  return path.includes('.p/');
}

/**
 * The tree of `treeSize` leaves, a multiple of 256, out of the full tiles below it. The caller checks the root that follows.
 * @throws VeiltrailError `log_damaged` when a full tile is missing or has not its length
 */
export async function loadLogTree(tiles: TileSource, log: string, treeSize: number): Promise<LogTree> {
  invariant(treeSize % tileWidthMax === 0, 'a tree is loaded where full tiles end');
  const partialTiles = new Map<number, Uint8Array>();
  const peaks: Uint8Array[] = [];
  for (let level = 1, span = tileWidthMax; span <= treeSize; level++, span *= tileWidthMax) {
    const index = Math.floor(treeSize / span / tileWidthMax);
    const width = tileWidth(level, index, treeSize);
    if (width === 0) continue;
    // A hash of this tile is the root of a full tile below.
    const hashes = new Uint8Array(width * hashBytes);
    for (let i = 0; i < width; i++) hashes.set(hashTile(await readFullTile(tiles, log, level - 1, index * tileWidthMax + i)), i * hashBytes);
    partialTiles.set(level, hashes);
    peaks.unshift(...peaksOf(hashes));
  }
  return new LogTree(Frontier.fromBytes(concatBytes(uint64be(treeSize), ...peaks)), partialTiles, new Uint8Array(0));
}

/** @throws VeiltrailError `log_damaged` when it is missing or has not its length */
export async function readFullTile(tiles: TileSource, log: string, level: number, index: number): Promise<Uint8Array> {
  const path = formatTilePath({ level, index, width: tileWidthMax });
  const bytes = await tiles.read(log, path);
  if (bytes?.length !== tileWidthMax * hashBytes) {
    throw new VeiltrailError('log_damaged', `a tile that was on disk is ${bytes ? 'cut' : 'missing'}: ${path}`, { log, path });
  }
  return bytes;
}

/** The perfect subtrees over a partial tile's hashes, largest first. */
function peaksOf(hashes: Uint8Array): Uint8Array[] {
  const peaks: Uint8Array[] = [];
  let at = 0;
  for (let half = tileWidthMax / 2; half >= 1; half /= 2) {
    if (hashes.length / hashBytes - at < half) continue;
    peaks.push(hashTile(hashes.subarray(at * hashBytes, (at + half) * hashBytes)));
    at += half;
  }
  return peaks;
}

/** @param entries commitments from the beginning of the bundle in which `before` ends */
function bundleFiles(before: number, after: number, entries: Uint8Array): TileFile[] {
  const files: TileFile[] = [];
  const first = Math.floor(before / tileWidthMax);
  for (const { index, width } of entryBundlesBetween(before, after)) {
    const from = (index - first) * tileWidthMax;
    const bytes = new Uint8Array(width * (2 + entryBytes));
    for (let i = 0; i < width; i++) {
      const at = i * (2 + entryBytes);
      bytes[at + 1] = entryBytes;
      bytes[at + 2] = 0x01;
      bytes.set(entries.subarray((from + i) * commitmentBytes, (from + i + 1) * commitmentBytes), at + 3);
    }
    files.push({ path: formatTilePath({ level: 'entries', index, width }), bytes });
  }
  return files;
}
