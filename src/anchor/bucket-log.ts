/**
 * A log in a bucket, so that it can be verified from there alone:
 *
 * ```
 * <prefix>/<log>/tile/…                       full tiles and entry bundles by their C2SP paths, never partial ones
 * <prefix>/<log>/checkpoint/<16 digits>       JSON: {"format":"veiltrail.kept-checkpoint/v1","checkpoint":…,"tail":base64}
 * <prefix>/<log>/segment/…                    sealed records, where they are kept: bucket-segments.ts
 * ```
 * The tail is the bundle of the leaves behind the last full tile, as C2SP writes entries: with it the checkpoint's root follows from full tiles. Of
 * every object the oldest version counts: what came later is somebody's try to put another history in its place, and is reported.
 */
import { decodeBase64, encodeBase64 } from '../core/base64.ts';
import { decodeUtf8, equalBytes, utf8 } from '../core/bytes.ts';
import { isJsonObject, parseJson } from '../core/json.ts';
import { formatTilePath, parseTilePath, tileWidthMax, type TileName } from '../log/tile-path.ts';
import { hashTile } from '../log/tile.ts';
import { hashBytes, leafHash } from '../log/tree.ts';
import { parseEntryBundle } from '../log/entry-bundle.ts';
import type { TileSource } from '../storage/tile-store.ts';
import { type Anchored, failed, refused } from './anchor.ts';
import type { Bucket, Lock, ObjectVersion } from './bucket.ts';
import { type KeptSegment, parseSegmentKey } from './bucket-segments.ts';

const format = 'veiltrail.kept-checkpoint/v1';
const sizeDigits = 16;
/** It is the way to the bucket that takes time. */
const putsAtOnce = 8;
/** Of two versions at a time. */
const comparedBytes = 8 * 1_048_576;

export interface BucketPlace {
  name: string;
  /** Without a slash at either end; may be empty. */
  prefix: string;
}

/** Full tiles of a tree of that size, entry bundles among them, that a tree of the earlier size did not have. */
export function* fullTiles(treeSize: number, keptSize: number): Generator<TileName> {
  let width = Math.floor(treeSize / tileWidthMax);
  let kept = Math.floor(keptSize / tileWidthMax);
  for (let index = kept; index < width; index++) yield { level: 'entries', index, width: tileWidthMax };
  for (let level = 0; width > 0; level++) {
    for (let index = kept; index < width; index++) yield { level, index, width: tileWidthMax };
    width = Math.floor(width / tileWidthMax);
    kept = Math.floor(kept / tileWidthMax);
  }
}

/**
 * Brings what is new of a log into the bucket, the checkpoint last; tiles that are there are not written again.
 * @param keptSize of the last checkpoint that was kept there, 0 for the first
 * @throws VeiltrailError `anchor_refused`, `anchor_failed`
 */
export async function putLog(
  bucket: Bucket,
  place: BucketPlace,
  { log, treeSize, checkpoint }: Anchored,
  { tiles, keptSize, lock }: { tiles: TileSource; keptSize: number; lock: Lock },
): Promise<{ key: string; versionId: string; objects: number; bytes: number }> {
  let objects = 0;
  let bytes = 0;
  const left = fullTiles(treeSize, keptSize);
  const putTiles = async (): Promise<void> => {
    // Whoever comes takes the next one; after a failure of one the others end with theirs.
    for (const tile of left) {
      const path = formatTilePath(tile);
      const content = await tiles.read(log, path);
      if (!content) throw failed(place.name, `${path} of log ${log} is not there`);
      await bucket.put(keyOf(place, log, path), content, lock);
      objects++;
      bytes += content.length;
    }
  };
  await Promise.all(Array.from({ length: putsAtOnce }, putTiles));
  const tail = await readTail(tiles, log, treeSize);
  const text = utf8(`${JSON.stringify({ format, checkpoint, tail: encodeBase64(tail) })}\n`);
  const key = keyOfCheckpoint(place.prefix, log, treeSize);
  const versionId = await bucket.put(key, text, lock);
  return { key, versionId, objects: objects + 1, bytes: bytes + text.length };
}

/** The entry bundle of the leaves behind the last full tile. */
async function readTail(tiles: TileSource, log: string, treeSize: number): Promise<Uint8Array> {
  const width = treeSize % tileWidthMax;
  if (width === 0) return new Uint8Array(0);
  const index = Math.floor(treeSize / tileWidthMax);
  const partial = await tiles.read(log, formatTilePath({ level: 'entries', index, width }));
  if (partial) return partial;
  const full = await tiles.read(log, formatTilePath({ level: 'entries', index, width: tileWidthMax }));
  if (!full) throw refused(log, 'the newest entries are not there');
  let end = 0;
  for (let i = 0; i < width; i++) end += 2 + (((full[end] as number) << 8) | (full[end + 1] as number));
  return full.subarray(0, end);
}

/** What a bucket holds of a log. */
export interface KeptLog extends TileSource {
  /** Tree sizes of the kept checkpoints, ascending. */
  readonly sizes: readonly number[];
  /** Newest of them; undefined when there is none. */
  readonly checkpoint: string | undefined;
  /** Keys of which there is more than what was written first: another version, or a delete marker. */
  readonly changed: readonly { key: string; what: 'overwritten' | 'deleted' }[];
  /** Objects with the names of segments. */
  readonly segments: readonly KeptSegment[];
  /** Objects that no lock holds any more. @param segments those among segments that should be held: others' time may be over */
  unlocked(nowMs: number, segments?: readonly KeptSegment[]): Promise<string[]>;
}

/**
 * Opens what a bucket holds of a log, to be read like a published one, its newest kept checkpoint as `checkpoint`.
 * @throws VeiltrailError `anchor_failed`
 */
export async function openKeptLog(bucket: Bucket, place: BucketPlace, log: string): Promise<KeptLog> {
  const first = new Map<string, ObjectVersion>();
  const changed = new Map<string, 'overwritten' | 'deleted'>();
  for await (const version of bucket.versions(keyOf(place, log, ''))) {
    const met = first.get(version.key);
    if (version.isDeleteMarker) changed.set(version.key, 'deleted');
    else if (!met || version.lastModified <= met.lastModified) first.set(version.key, version);
    if (met && !version.isDeleteMarker && !changed.has(version.key) && !(await sameBytes(bucket, met, version)))
      changed.set(version.key, 'overwritten');
  }
  const segments = [...first.values()].flatMap((version) => parseSegmentKey(place.prefix, log, version) ?? []);
  const isSegment = new Set(segments.map(({ key }) => key));
  const sizes = [...first.keys()].flatMap((key) => sizeOf(place, log, key)).toSorted((a, b) => a - b);
  const newest = sizes.at(-1);
  let tail: Uint8Array = new Uint8Array(0);
  let checkpoint: string | undefined;
  const read = async (key: string): Promise<Uint8Array | undefined> => {
    const version = first.get(key);
    return version && (await bucket.get(key, version.versionId))?.bytes;
  };
  if (newest !== undefined) {
    const bytes = await read(keyOfCheckpoint(place.prefix, log, newest));
    ({ checkpoint, tail } = parseKept(place.name, bytes));
  }
  return {
    sizes,
    checkpoint,
    changed: [...changed].map(([key, what]) => ({ key, what })),
    async read(ofLog, path) {
      if (ofLog !== log || newest === undefined) return undefined;
      if (path === 'checkpoint') return utf8(checkpoint as string);
      const stored = await read(keyOf(place, log, path));
      return stored ?? (await partialOf(path, newest, tail, (full) => read(keyOf(place, log, full))));
    },
    segments,
    async unlocked(nowMs, held = []) {
      const free: string[] = [];
      for (const { key, versionId } of [...[...first.values()].filter(({ key: of }) => !isSegment.has(of)), ...held]) {
        const lock = await bucket.head(key, versionId);
        const until = Date.parse(lock?.retainUntil ?? '');
        if (!lock || (!lock.legalHold && !(until > nowMs))) free.push(key);
      }
      return free;
    },
  };
}

/** A partial tile at the edge of the kept tree, made from what is full below it and from the tail. */
async function partialOf(
  path: string,
  treeSize: number,
  tail: Uint8Array,
  readFull: (path: string) => Promise<Uint8Array | undefined>,
): Promise<Uint8Array | undefined> {
  const width = treeSize % tileWidthMax;
  const index = Math.floor(treeSize / tileWidthMax);
  if (width > 0 && path === formatTilePath({ level: 'entries', index, width })) return tail;
  if (width > 0 && path === formatTilePath({ level: 0, index, width })) {
    const hashes = new Uint8Array(width * hashBytes);
    parseEntryBundle(tail, width).forEach((entry, i) => hashes.set(leafHash(entry), i * hashBytes));
    return hashes;
  }
  for (let level = 1, span = tileWidthMax; Math.floor(treeSize / span) > 0; level++, span *= tileWidthMax) {
    const count = Math.floor(treeSize / span);
    const at = Math.floor(count / tileWidthMax);
    if (count % tileWidthMax === 0 || path !== formatTilePath({ level, index: at, width: count % tileWidthMax })) continue;
    return partialAbove(level, at * tileWidthMax, count % tileWidthMax, readFull);
  }
  return undefined;
}

/** Roots of full tiles of the level below, side by side. */
async function partialAbove(
  level: number,
  first: number,
  width: number,
  readFull: (path: string) => Promise<Uint8Array | undefined>,
): Promise<Uint8Array | undefined> {
  const out = new Uint8Array(width * hashBytes);
  for (let i = 0; i < width; i++) {
    const below = await readFull(formatTilePath({ level: level - 1, index: first + i, width: tileWidthMax }));
    if (below?.length !== tileWidthMax * hashBytes) return undefined;
    out.set(hashTile(below), i * hashBytes);
  }
  return out;
}

/** The key of a kept checkpoint. */
export function keyOfCheckpoint(prefix: string, log: string, treeSize: number): string {
  return keyOf({ prefix }, log, `checkpoint/${String(treeSize).padStart(sizeDigits, '0')}`);
}

function keyOf({ prefix }: Pick<BucketPlace, 'prefix'>, log: string, path: string): string {
  return `${prefix === '' ? '' : `${prefix}/`}${log}/${path}`;
}

/** The prefix of everything that a bucket has of a log. */
export function logPrefix(prefix: string, log: string): string {
  return keyOf({ prefix }, log, '');
}

/** Whether a key is one that {@link putLog} writes: a full tile, a bundle of entries, a checkpoint. */
export function isLogKey(prefix: string, log: string, key: string): boolean {
  if (sizeOf({ prefix }, log, key).length > 0) return true;
  const head = logPrefix(prefix, log);
  try {
    return key.startsWith(`${head}tile/`) && parseTilePath(key.slice(head.length)).width === tileWidthMax;
  } catch {
    return false;
  }
}

function sizeOf(place: Pick<BucketPlace, 'prefix'>, log: string, key: string): number[] {
  const head = keyOf(place, log, 'checkpoint/');
  const digits = key.startsWith(head) ? key.slice(head.length) : '';
  return /^\d{16}$/.test(digits) ? [Number(digits)] : [];
}

function parseKept(name: string, bytes: Uint8Array | undefined): { checkpoint: string; tail: Uint8Array } {
  try {
    const { value } = parseJson(decodeUtf8(bytes as Uint8Array));
    if (isJsonObject(value) && value.format === format && typeof value.checkpoint === 'string' && typeof value.tail === 'string')
      return { checkpoint: value.checkpoint, tail: decodeBase64(value.tail) };
  } catch {
    // said below
  }
  throw failed(name, 'a kept checkpoint is not one of ours');
}

/** Two writers, or one that tried again, may have put the same bytes twice. */
async function sameBytes(bucket: Bucket, a: ObjectVersion, b: ObjectVersion): Promise<boolean> {
  if (a.size !== b.size) return false;
  for (let from = 0; from < a.size; from += comparedBytes) {
    const [one, other] = [
      await bucket.read(a.key, a.versionId, from, from + comparedBytes),
      await bucket.read(b.key, b.versionId, from, from + comparedBytes),
    ];
    if (!one || !other || !equalBytes(one, other)) return false;
  }
  return true;
}
