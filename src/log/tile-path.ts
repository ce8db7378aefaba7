/**
 * Names of tiles (C2SP tlog-tiles): `tile/<L>/<N>[.p/<W>]` for hashes and `tile/entries/<N>[.p/<W>]` for entries. L is 0 to 63, W is 1 to
 * 255 and stands only in the names of partial tiles; N is in groups of three digits, all but the last with an `x` before: 1234067 is
 * `x001/x234/067`. A tile has one name; every other spelling is refused.
 */
import { VeiltrailError } from '../core/errors.ts';

/** Hashes, or entries, in a full tile. */
export const tileWidthMax = 256;
export const tileLevelMax = 63;

/** A tile of hashes: 1 to 256 of them. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

/** What a path names: a tile of hashes, or (level `entries`) a bundle of entries. */
export interface TileName {
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

const pathPattern = /^tile\/(entries|0|[1-9]\d?)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/**
 * The path of a tile, relative to the log's prefix and without a slash before it.
 * @throws VeiltrailError `tile_name` for a level, index or width outside of the specification
 */
export function formatTilePath({ level, index, width }: TileName): string {
  const known = level === 'entries' || (Number.isInteger(level) && level >= 0 && level <= tileLevelMax);
  const counted = Number.isSafeInteger(index) && index >= 0 && Number.isInteger(width) && width >= 1 && width <= tileWidthMax;
  if (!known || !counted) throw new VeiltrailError('tile_name', 'no tile of that level, index or width');
  return `tile/${level}/${formatIndex(index)}${width === tileWidthMax ? '' : `.p/${width}`}`;
}

/**
 * The tile behind a path.
 * @throws VeiltrailError `tile_path` for anything {@link formatTilePath} would not print
 */
export function parseTilePath(path: string): TileName {
  const match = pathPattern.exec(path);
  if (!match) throw badPath();
  const level = match[1] === 'entries' ? 'entries' : Number(match[1]);
  const index = Number((match[2] as string).replace(/[x/]/g, ''));
  const width = match[3] === undefined ? tileWidthMax : Number(match[3]);
  if (level !== 'entries' && level > tileLevelMax) throw badPath();
  // Groups of zeros too many, or an index beyond 2^53 − 1, would not come back the same; nor may a partial tile be 256 wide.
  if (!Number.isSafeInteger(index) || formatIndex(index) !== match[2]) throw badPath();
  if (match[3] !== undefined && width >= tileWidthMax) throw badPath();
  return { level, index, width };
}

function formatIndex(index: number): string {
  const groups: string[] = [];
  let rest = index;
  do {
    groups.unshift(String(rest % 1000).padStart(3, '0'));
    rest = Math.floor(rest / 1000);
  } while (rest > 0);
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
}

function badPath(): VeiltrailError {
  return new VeiltrailError('tile_path', 'not the path of a tile');
}
