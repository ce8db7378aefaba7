/**
 * Tiles (C2SP tlog-tiles): the tree as files. The tile n at level l holds, for i from 0 to 255, the hash of the perfect subtree over the
 * leaves (256n + i)·256^l up to (256n + i + 1)·256^l: so a hash at level 1 or above is the root of a *full* tile below, a partial tile is
 * never hashed upward, and whatever a tree of some size has is in every larger tree too. Proofs are made from tiles alone.
 */
import { VeiltrailError } from '../core/errors.ts';
import { hashTileInLanes } from './lane-tree.ts';
import { type Tile, tileWidthMax } from './tile-path.ts';
import { consistencyRanges, hashBytes, hashRoot, inclusionRanges, type LeafRange, nodeHashInto, type NodeReader, rangeNodes } from './tree.ts';

/**
 * Gives the bytes of a tile (32 for each of its `width` hashes), or undefined when there is no such tile. A partial tile may be gone once
 * the full one is there, so whoever reads asks for that next.
 */
export type TileReader = (level: number, index: number, width: number) => Uint8Array | undefined;

/** A tile and its bytes. */
export interface TileBytes extends Tile {
  readonly bytes: Uint8Array;
}

/** Tiles have eight levels of the tree: 256 = 2^8. */
const tileHeight = 8;

/** Hashes in the tile at that place in the tree of that size: 0 when there is none, 256 when it is full. */
export function tileWidth(level: number, index: number, treeSize: number): number {
  const hashes = Math.floor(treeSize / tileWidthMax ** level);
  return Math.max(0, Math.min(tileWidthMax, hashes - index * tileWidthMax));
}

/**
 * The tiles that the tree of `after` leaves has and that of `before` has not, level by level: what a publication must write. With 0 as
 * `before`, every tile of the tree; partial tiles of sizes between are not among them.
 */
export function* tilesBetween(before: number, after: number): Generator<Tile> {
  for (let level = 0, span = 1; span <= after; level++, span *= tileWidthMax) {
    const had = Math.floor(before / span);
    const has = Math.floor(after / span);
    if (has === had) return; // nothing new here, so nothing above
    for (let index = Math.floor(had / tileWidthMax); index * tileWidthMax < has; index++)
      yield { level, index, width: tileWidth(level, index, after) };
  }
}

/** The entry bundles that the tree of `after` leaves has and that of `before` has not (`width` entries each). */
export function* entryBundlesBetween(before: number, after: number): Generator<{ index: number; width: number }> {
  if (after <= before) return;
  for (let index = Math.floor(before / tileWidthMax); index * tileWidthMax < after; index++) yield { index, width: tileWidth(0, index, after) };
}

/** The root over a tile's hashes; of a full tile, its hash in the level above. */
export function hashTile(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0 || bytes.length % hashBytes !== 0) throw new VeiltrailError('tile_length', 'a tile is made of 32-byte hashes');
  const inLanes = hashTileInLanes(bytes);
  if (inLanes) return inLanes;
  // Not `slice`: a Buffer's is a view, and what was read must stay as it is.
  const hashes = new Uint8Array(bytes);
  // Level by level in place; one left over at the end of a level goes up as it is (RFC 6962 gives the left side a power of two).
  for (let count = hashes.length / hashBytes; count > 1; count = Math.ceil(count / 2)) {
    for (let i = 0; i + 1 < count; i += 2) nodeHashInto(hashes, i * hashBytes, hashes, (i + 1) * hashBytes, hashes, (i / 2) * hashBytes);
    if (count % 2 === 1) hashes.copyWithin(((count - 1) / 2) * hashBytes, (count - 1) * hashBytes, count * hashBytes);
  }
  return hashes.slice(0, hashBytes);
}

/**
 * The tiles to write when leaves are appended: those of {@link tilesBetween}, with their bytes, lower levels first.
 * @param before the tree size so far
 * @param leafHashes 32 bytes for each new leaf, one after the other
 * @param read gives the tree's partial tiles (one a level at the most are asked for)
 * @throws VeiltrailError `tile_missing`, `tile_length`
 */
export function growTiles(before: number, leafHashes: Uint8Array, read: TileReader): TileBytes[] {
  if (leafHashes.length % hashBytes !== 0) throw new VeiltrailError('tile_length', 'leaf hashes have 32 bytes each');
  const grown: TileBytes[] = [];
  let had = before;
  let fresh = leafHashes;
  for (let level = 0; fresh.length > 0; level++, had = Math.floor(had / tileWidthMax)) {
    const tiles = growLevel(level, had, fresh, read);
    grown.push(...tiles);
    const full = tiles.filter((tile) => tile.width === tileWidthMax);
    fresh = new Uint8Array(full.length * hashBytes);
    full.forEach((tile, i) => fresh.set(hashTile(tile.bytes), i * hashBytes));
  }
  return grown;
}

/** Cuts a level's last partial tile, if it has one, and the hashes behind it into tiles. */
function growLevel(level: number, had: number, fresh: Uint8Array, read: TileReader): TileBytes[] {
  let index = Math.floor(had / tileWidthMax);
  const kept = had % tileWidthMax;
  const partial = kept === 0 ? new Uint8Array(0) : readTile({ level, index, width: kept }, read);
  const hashes = new Uint8Array(partial.length + fresh.length);
  hashes.set(partial);
  hashes.set(fresh, partial.length);
  const tiles: TileBytes[] = [];
  for (let at = 0; at < hashes.length; at += tileWidthMax * hashBytes, index++) {
    const bytes = hashes.slice(at, at + tileWidthMax * hashBytes);
    tiles.push({ level, index, width: bytes.length / hashBytes, bytes });
  }
  return tiles;
}

/**
 * Reads perfect subtrees of the tree of `treeSize` leaves out of its tiles, each tile once. What it reads is not checked against a root:
 * whoever does not trust the tiles verifies the proof made from them.
 * @throws (the reader) VeiltrailError `tile_missing` when neither the partial nor the full tile is there, `tile_length`
 */
export function createTileNodeReader(treeSize: number, read: TileReader): NodeReader {
  const tiles = new Map<string, Uint8Array>();
  return (height, index) => {
    const { tile, from, count } = tileOfNode(height, index, treeSize);
    const key = `${tile.level}/${tile.index}`;
    let bytes = tiles.get(key);
    if (bytes === undefined) tiles.set(key, (bytes = readTile(tile, read)));
    return hashTile(bytes.subarray(from * hashBytes, (from + count) * hashBytes));
  };
}

/** The root of the tree of `treeSize` leaves, from its tiles. */
export function rootFromTiles(treeSize: number, read: TileReader): Uint8Array {
  return hashRoot(treeSize, createTileNodeReader(treeSize, read));
}

/** The tiles that the root of a tree is made from. */
export function tilesForRoot(treeSize: number): Tile[] {
  return tilesOfRanges(treeSize === 0 ? [] : [{ start: 0, end: treeSize }], treeSize);
}

/** The tiles that an inclusion proof is made from. */
export function tilesForInclusion(leafIndex: number, treeSize: number): Tile[] {
  return tilesOfRanges(inclusionRanges(leafIndex, treeSize), treeSize);
}

/** The tiles of the larger tree that a consistency proof is made from. */
export function tilesForConsistency(before: number, after: number): Tile[] {
  return tilesOfRanges(consistencyRanges(before, after), after);
}

/** The tiles that the hashes of these subtrees are made from. */
export function tilesOfRanges(ranges: readonly LeafRange[], treeSize: number): Tile[] {
  const tiles = new Map<string, Tile>();
  for (const range of ranges) {
    for (const { height, index } of rangeNodes(range)) {
      const { tile } = tileOfNode(height, index, treeSize);
      tiles.set(`${tile.level}/${tile.index}`, tile);
    }
  }
  return [...tiles.values()];
}

/** Where a perfect subtree is: `count` hashes of a tile, from the one at `from` on, whose root it is. */
function tileOfNode(height: number, index: number, treeSize: number): { tile: Tile; from: number; count: number } {
  const level = Math.floor(height / tileHeight);
  const count = 2 ** (height % tileHeight);
  const first = index * count;
  const tileIndex = Math.floor(first / tileWidthMax);
  return { tile: { level, index: tileIndex, width: tileWidth(level, tileIndex, treeSize) }, from: first % tileWidthMax, count };
}

/** A tile, or as much of the full one when the partial one is gone. */
function readTile({ level, index, width }: Tile, read: TileReader): Uint8Array {
  const exact = read(level, index, width);
  const bytes = exact ?? (width < tileWidthMax ? read(level, index, tileWidthMax) : undefined);
  if (bytes === undefined) throw new VeiltrailError('tile_missing', 'a tile is missing', { level, index, width });
  if (bytes.length !== (exact === undefined ? tileWidthMax : width) * hashBytes) {
    throw new VeiltrailError('tile_length', 'a tile has not the length that its name says', { level, index, width });
  }
  return bytes.subarray(0, width * hashBytes);
}
