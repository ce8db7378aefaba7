/**
 * A log's tiles, checked from the entries up: leaf tiles are recomputed from entry bundles, every tile above from the tiles below it, and
 * what is stored must be the same bytes. Then whatever is made from the tiles is made from the entries.
 */
import { equalBytes } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { parseEntryBundle } from '../log/entry-bundle.ts';
import { commitmentBytes, entryBytes, entryVersion, hashEntries, parseEntry } from '../log/entry.ts';
import { formatTilePath, tileWidthMax } from '../log/tile-path.ts';
import { hashTile, tileWidth, type TileReader } from '../log/tile.ts';
import { hashBytes, leafHash } from '../log/tree.ts';
import type { Problem } from './problem.ts';

/** The commitments in an entry bundle. */
export interface CheckedLeafTile {
  /** 32 bytes for each place of the tile; zeros where the entry cannot be read. */
  commitments: Uint8Array;
  /** Places whose entries cannot be read. */
  unreadable: readonly number[];
  /** The tile's hash in the level above, only if it is full and in order. */
  root?: Uint8Array;
}

/**
 * Checks one leaf tile and its entry bundle.
 * @param width hashes in the tile at the published tree size
 * @param tile,bundle as stored; undefined where there is no such file
 */
export function verifyLeafTile(
  index: number,
  width: number,
  tile: Uint8Array | undefined,
  bundle: Uint8Array | undefined,
  report: (problem: Problem) => void,
): CheckedLeafTile {
  const firstLeaf = index * tileWidthMax;
  const tilePath = formatTilePath({ level: 0, index, width });
  const bundlePath = formatTilePath({ level: 'entries', index, width });
  const commitments = new Uint8Array(width * commitmentBytes);
  const nothing: CheckedLeafTile = { commitments, unreadable: Array.from({ length: width }, (_, at) => at) };
  if (!bundle) report({ code: 'entries_missing', where: bundlePath, message: 'the entry bundle is missing', leafIndex: firstLeaf });
  if (!tile) report({ code: 'tile_missing', where: tilePath, message: 'the tile is missing', leafIndex: firstLeaf });
  if (tile && tile.length !== width * hashBytes) {
    report({
      code: 'tile_length',
      where: tilePath,
      message: `the tile has ${tile.length} bytes instead of ${width * hashBytes}`,
      leafIndex: firstLeaf,
    });
    return nothing;
  }
  if (!bundle) return nothing;
  if (tile && checkAtOnce(width, tile, bundle, commitments))
    return { commitments, unreadable: [], ...(width === tileWidthMax ? { root: hashTile(tile) } : {}) };
  let entries: Uint8Array[];
  try {
    entries = parseEntryBundle(bundle, width);
  } catch (error) {
    report({ code: 'entries_unreadable', where: bundlePath, message: (error as Error).message, leafIndex: firstLeaf });
    return nothing;
  }
  let good = tile !== undefined;
  const unreadable: number[] = [];
  entries.forEach((entry, at) => {
    const leafIndex = firstLeaf + at;
    if (tile && !equalBytes(leafHash(entry), tile.subarray(at * hashBytes, (at + 1) * hashBytes))) {
      good = false;
      report({ code: 'entry_not_in_tree', where: bundlePath, message: `entry ${leafIndex} is not the one in the tree`, leafIndex });
    }
    try {
      commitments.set(parseEntry(entry), at * commitmentBytes);
    } catch (error) {
      good = false;
      unreadable.push(at);
      report({ code: 'entry_unreadable', where: bundlePath, message: `entry ${leafIndex}: ${(error as Error).message}`, leafIndex });
    }
  });
  return { commitments, unreadable, ...(good && tile && width === tileWidthMax ? { root: hashTile(tile) } : {}) };
}

/**
 * The usual case, quickly: all entries are of our form, and their hashes are the tile. False when anything at all is otherwise: then one entry
 * after the other is looked at, to say which.
 * @param commitments takes what is read; zeros again behind what is false
 */
function checkAtOnce(width: number, tile: Uint8Array, bundle: Uint8Array, commitments: Uint8Array): boolean {
  const stride = 2 + entryBytes;
  if (bundle.length !== width * stride) return false;
  for (let at = 0; at < bundle.length; at += stride) {
    if (bundle[at] !== 0 || bundle[at + 1] !== entryBytes || bundle[at + 2] !== entryVersion) return false;
  }
  for (let i = 0, at = 3; i < width; i++, at += stride)
    for (let k = 0; k < commitmentBytes; k++) commitments[commitmentBytes * i + k] = bundle[at + k] as number;
  if (equalBytes(hashEntries(commitments), tile)) return true;
  commitments.fill(0);
  return false;
}

/**
 * Checks every tile of level 1 and above.
 * @param leafTileRoots the hashes of the full leaf tiles in order, 32 bytes each; zeros where a leaf tile was not in order, which was reported
 */
export function verifyUpperTiles(treeSize: number, leafTileRoots: Uint8Array, read: TileReader, report: (problem: Problem) => void): void {
  let below = leafTileRoots;
  for (let level = 1, span = tileWidthMax; below.length > 0; level++, span *= tileWidthMax) {
    const tiles = Math.ceil(below.length / (tileWidthMax * hashBytes));
    const roots = new Uint8Array(Math.floor(below.length / (tileWidthMax * hashBytes)) * hashBytes);
    for (let index = 0; index < tiles; index++) {
      const expected = below.subarray(index * tileWidthMax * hashBytes, (index + 1) * tileWidthMax * hashBytes);
      verifyUpperTile(level, index, span, expected, treeSize, read, report);
      if (expected.length === tileWidthMax * hashBytes) roots.set(hashTile(expected), index * hashBytes);
    }
    below = roots;
  }
}

function verifyUpperTile(
  level: number,
  index: number,
  span: number,
  expected: Uint8Array,
  treeSize: number,
  read: TileReader,
  report: (problem: Problem) => void,
): void {
  const width = tileWidth(level, index, treeSize);
  const where = formatTilePath({ level, index, width });
  const tile = read(level, index, width);
  const firstLeaf = index * tileWidthMax * span;
  if (!tile) report({ code: 'tile_missing', where, message: 'the tile is missing', leafIndex: firstLeaf });
  else if (tile.length !== expected.length) {
    report({ code: 'tile_length', where, message: `the tile has ${tile.length} bytes instead of ${expected.length}`, leafIndex: firstLeaf });
  } else {
    for (let at = 0; at < expected.length; at += hashBytes) {
      const hash = expected.subarray(at, at + hashBytes);
      if (isZero(hash) || equalBytes(hash, tile.subarray(at, at + hashBytes))) continue;
      report({
        code: 'tile_wrong',
        where,
        message: `hash ${at / hashBytes} is not that of the tile below it`,
        leafIndex: firstLeaf + (at / hashBytes) * span,
      });
    }
  }
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/**
 * A partial tile left from an earlier checkpoint: its bytes must be the beginning of the tile as it is now.
 * @throws VeiltrailError `tile_stale` when they are not
 */
export function verifyPrefix(where: string, partial: Uint8Array, now: Uint8Array): void {
  if (partial.length > now.length || !equalBytes(partial, now.subarray(0, partial.length))) {
    throw new VeiltrailError('tile_stale', `${where} is not the beginning of what it grew into`);
  }
}
