/**
 * Records of a compacted bucket, 256 leaves at a time, whichever of its segments they are in. A leaf that no segment holds any more is there as
 * one whose record was removed: `verify` asks for the tombstone.
 */
import { VeiltrailError } from '../core/errors.ts';
import { bucketLeaves } from '../storage/record-store.ts';
import type { SegmentName } from '../storage/segment-store.ts';
import type { ChunkContent } from './chunk.ts';
import type { OpenBlock, OpenSegment, SegmentReader } from './segment-reader.ts';

export const windowLeaves = 256;

/** A bucket of a log whose records are in segments. */
export interface SegmentsOfBucket {
  bucket: number;
  segments: readonly SegmentName[];
}

/** Records of neighbouring leaves. */
export interface RecordWindow {
  firstLeaf: number;
  count: number;
  /** When each was received; 0 where there is none. */
  receivedAtMs: Float64Array;
  /** Empty where there is none, or none that can be read. */
  content: ChunkContent;
  /** By leaf: those that are stored and cannot be read, and why. */
  unreadable: ReadonlyMap<number, VeiltrailError>;
}

/** What keeps a segment from being read and is for `verify` to say; everything else is not about the segment. */
const damages = new Set(['segment_missing', 'segment_damaged', 'segment_version', 'segment_key_missing', 'bucket_key_damaged', 'root_missing']);

/** A segment that is replaced is gone before it is known: who looks again finds the next generation. */
export function mayHaveMoved({ unreadable }: RecordWindow): boolean {
  return unreadable.values().some(({ code }) => code === 'segment_missing' || code === 'segment_key_missing');
}

/**
 * The 256 leaves around the first one from `leafIndex` on that the bucket holds; undefined where it holds none there.
 * @throws VeiltrailError what the stores and the vault throw that says nothing about a segment
 */
export async function openWindow(
  reader: SegmentReader,
  origin: string,
  bucket: SegmentsOfBucket,
  leafIndex: number,
): Promise<RecordWindow | undefined> {
  const segments: OpenSegment[] = [];
  let failure: VeiltrailError | undefined;
  for (const segment of bucket.segments) {
    const opened = await orDamage(() => reader.open(nameOf(segment), origin));
    if (opened instanceof VeiltrailError) failure = opened;
    else segments.push(opened);
  }
  const bucketFirst = bucket.bucket * bucketLeaves;
  const from = Math.max(0, leafIndex - bucketFirst);
  const places = segments.map(({ leaves }) => leaves.next(from)).filter((place) => place >= 0);
  // What cannot be opened may hold any of them.
  const place = failure ? from : Math.min(...places);
  if (place >= bucketLeaves) return undefined;
  const gathering = new Gathering(bucketFirst, Math.floor(place / windowLeaves) * windowLeaves);
  const parts = segments.filter((segment) => gathering.rankOf(segment, windowLeaves) > gathering.rankOf(segment, 0));
  const only = parts.length === 1 && !failure ? (parts[0] as OpenSegment) : undefined;
  if (only && gathering.rankOf(only, windowLeaves) - gathering.rankOf(only, 0) === windowLeaves) {
    const whole = await orDamage(() => reader.blockOnce(only, gathering.rankOf(only, 0)));
    if (!(whole instanceof VeiltrailError) && gathering.isAll(only, whole)) return gathering.take(whole);
  }
  for (const segment of parts) await gathering.add(reader, segment);
  return gathering.window(failure);
}

function nameOf({ log, class: of, bucket, generation }: SegmentName): SegmentName {
  return { log, class: of, bucket, generation };
}

async function orDamage<T>(read: () => Promise<T>): Promise<T | VeiltrailError> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof VeiltrailError && damages.has(error.code)) return error;
    throw error;
  }
}

/** The records of a window, out of the blocks of several segments. */
class Gathering {
  readonly #bucketFirst: number;
  /** The window's first place in the bucket. */
  readonly #from: number;
  readonly #records: (Uint8Array | undefined)[] = Array.from({ length: windowLeaves }, () => undefined);
  readonly #receivedAtMs = new Float64Array(windowLeaves);
  readonly #held = new Uint8Array(windowLeaves);
  readonly #unreadable = new Map<number, VeiltrailError>();

  constructor(bucketFirst: number, from: number) {
    this.#bucketFirst = bucketFirst;
    this.#from = from;
  }

  rankOf({ leaves }: OpenSegment, place: number): number {
    return leaves.rank(this.#from + place);
  }

  isAll(segment: OpenSegment, { firstRank, endRank }: OpenBlock): boolean {
    return firstRank === this.rankOf(segment, 0) && endRank === this.rankOf(segment, windowLeaves);
  }

  /** The window of a block that is all of it: nothing is copied, and the caller of {@link openWindow} may have its memory. */
  take({ content: { offsets, records, receivedAtMs } }: OpenBlock): RecordWindow {
    return {
      firstLeaf: this.#bucketFirst + this.#from,
      count: windowLeaves,
      receivedAtMs,
      content: { offsets, records },
      unreadable: this.#unreadable,
    };
  }

  async add(reader: SegmentReader, segment: OpenSegment): Promise<void> {
    const { leaves } = segment;
    let block: OpenBlock | undefined;
    let rank = this.rankOf(segment, 0);
    const behind = this.#from + windowLeaves;
    for (let place = leaves.next(this.#from); place >= 0 && place < behind; place = place + 1 < behind ? leaves.next(place + 1) : -1, rank++) {
      const at = place - this.#from;
      this.#held[at] = 1;
      if (!block || rank >= block.endRank) {
        const asked = rank;
        const opened = await orDamage(() => reader.block(segment, asked));
        if (opened instanceof VeiltrailError) {
          this.#unreadable.set(this.#bucketFirst + place, opened);
          continue;
        }
        block = opened;
      }
      const { offsets, records, receivedAtMs } = block.content;
      const i = rank - block.firstRank;
      this.#records[at] = records.subarray(offsets[i], offsets[i + 1]);
      this.#receivedAtMs[at] = receivedAtMs[i] as number;
    }
  }

  /** @param failure why a segment of the bucket could not be opened: it may hold what no other does */
  window(failure: VeiltrailError | undefined): RecordWindow {
    const firstLeaf = this.#bucketFirst + this.#from;
    const offsets = new Uint32Array(windowLeaves + 1);
    for (let i = 0; i < windowLeaves; i++) offsets[i + 1] = (offsets[i] as number) + (this.#records[i]?.length ?? 0);
    const records = new Uint8Array(offsets[windowLeaves] as number);
    for (let i = 0; i < windowLeaves; i++) {
      const record = this.#records[i];
      if (record) records.set(record, offsets[i]);
      if (failure && this.#held[i] === 0) this.#unreadable.set(firstLeaf + i, failure);
    }
    return { firstLeaf, count: windowLeaves, receivedAtMs: this.#receivedAtMs, content: { offsets, records }, unreadable: this.#unreadable };
  }
}
