/**
 * Segments of a log written anew without what is removed from them: the next generation of each that holds some of it, under a key of its own.
 * Blocks of which nothing is removed are sealed again as they are, so that a segment takes little more than reading and writing it.
 *
 * Nothing is registered here: that follows in one transaction (`RecordStore.replaceSegments`); then the old keys and files go. Done again after a
 * crash, it finds nothing to do in what was done.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { VeiltrailError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import { bucketLeaves, type RecordSource, type StoredSegment } from '../storage/record-store.ts';
import type { SegmentName, SegmentStore } from '../storage/segment-store.ts';
import { freeBytes } from '../thread/free-buffer.ts';
import type { CompactionKeys } from './compact.ts';
import { EditFinder, type RecordEdits } from './rewrite.ts';
import { type BlockContent, type BlockPlace, formatSegmentHeader, sealBlock, sealPackedBlock } from './segment.ts';
import { blockPlace, blocksOf, type OpenSegment, type SegmentReader } from './segment-reader.ts';
import { IndexWriter, type WrittenSegment } from './segment-writer.ts';

export interface SegmentRewriting {
  log: string;
  origin: string;
  edits: RecordEdits;
}

/** A segment that is to be replaced: by its next generation, or by nothing when all its records were removed. */
export interface SegmentReplacement {
  old: SegmentName;
  next?: StoredSegment;
}

export interface RewriteSegmentsParts {
  records: RecordSource;
  reader: SegmentReader;
  segments: SegmentStore;
  keys: Pick<CompactionKeys, 'makeSegmentKey'>;
  random: Random;
}

/**
 * Writes the next generations of the segments that something is removed from; they are on disk when this returns.
 * A block that does not open is left empty: its key goes. A segment whose file is gone, or nobody has the key of, goes altogether.
 * @throws VeiltrailError `segment_damaged`, `segment_version` where nothing can be said about a segment; `bad_record`; what the stores throw
 */
export async function rewriteSegments({ log, origin, edits }: SegmentRewriting, parts: RewriteSegmentsParts): Promise<SegmentReplacement[]> {
  const finder = new EditFinder(edits);
  const replacements: SegmentReplacement[] = [];
  for (const { bucket, segments } of await parts.records.compactedBuckets(log, 0)) {
    if (!finder.touches(bucket * bucketLeaves, (bucket + 1) * bucketLeaves)) continue;
    for (const segment of segments) {
      const replacement = await rewriteSegment(nameOf(segment), origin, finder, parts);
      if (replacement) replacements.push(replacement);
    }
  }
  return replacements;
}

async function rewriteSegment(
  old: SegmentName,
  origin: string,
  finder: EditFinder,
  { reader, segments, keys, random }: RewriteSegmentsParts,
): Promise<SegmentReplacement | undefined> {
  let opened: OpenSegment;
  try {
    opened = await reader.open(old, origin);
  } catch (error) {
    if (error instanceof VeiltrailError && goneCodes.has(error.code)) return { old };
    throw error;
  }
  const { firstRanks } = opened.index;
  const inOrder = firstRanks.every((rank, i) => (i === 0 ? rank === 0 : rank > (firstRanks[i - 1] as number) && rank < opened.records));
  if (!inOrder)
    throw new VeiltrailError('segment_damaged', 'the index of a segment is not what it should be', { class: old.class, bucket: old.bucket });
  const editing = new SegmentEditing(opened, reader, finder);
  const { touched, left } = await editing.look();
  if (!touched) return undefined;
  if (!left) return { old };
  const name = { ...old, generation: old.generation + 1 };
  const header = formatSegmentHeader({ origin, ...name }, opened.leaves);
  const written = { records: 0, firstReceivedAtMs: 0, lastReceivedAtMs: 0 };
  const key = createSecretKey(await keys.makeSegmentKey(name));
  const bytes = await segments.write(name, editing.write(header, key, random, written));
  return { old, next: { ...name, ...written, bytes } };
}

const goneCodes = new Set(['segment_missing', 'segment_key_missing']);

class SegmentEditing {
  readonly #segment: OpenSegment;
  readonly #reader: SegmentReader;
  readonly #finder: EditFinder;
  /** By rank. */
  readonly #leaves: Float64Array;

  constructor(segment: OpenSegment, reader: SegmentReader, finder: EditFinder) {
    this.#segment = segment;
    this.#reader = reader;
    this.#finder = finder;
    this.#leaves = new Float64Array(segment.records);
    const first = segment.name.bucket * bucketLeaves;
    for (let rank = 0, place = -1; rank < segment.records; rank++) {
      place = segment.leaves.next(place + 1);
      this.#leaves[rank] = first + place;
    }
  }

  /** Whether something is removed that is there, and whether anything is left then. */
  async look(): Promise<{ touched: boolean; left: boolean }> {
    let touched = false;
    let left = false;
    for (let i = 0; i < blocksOf(this.#segment) && !(touched && left); i++) {
      const place = blockPlace(this.#segment, i);
      const content = await this.#content(place);
      if (!content) {
        // Whoever has the key can read some of what is damaged.
        touched ||= this.#isMeant(place);
        continue;
      }
      const edited = this.#edit(place, content);
      touched ||= edited.touched;
      left ||= edited.content.records.length > 0;
    }
    return { touched, left };
  }

  async *write(header: Uint8Array, key: KeyObject, random: Random, written: WrittenSegment): AsyncGenerator<Uint8Array> {
    const index = new IndexWriter(header.length);
    yield header;
    for (let i = 0; i < blocksOf(this.#segment); i++) {
      const place = blockPlace(this.#segment, i);
      const content = (await this.#content(place)) ?? emptyContent(place);
      const edited = this.#edit(place, content);
      note(edited.content, written);
      const sealed =
        edited.touched || content.records.length === 0
          ? sealBlock(header, place, edited.content, key, random)
          : sealPackedBlock(header, place, await this.#reader.packedBlock(this.#segment, i), key, random);
      index.add(place.firstRank, sealed);
      yield sealed;
      freeBytes(sealed);
    }
    yield index.format();
  }

  async #content({ firstRank }: BlockPlace): Promise<BlockContent | undefined> {
    try {
      return (await this.#reader.block(this.#segment, firstRank)).content;
    } catch (error) {
      if ((error as VeiltrailError).code === 'segment_damaged') return undefined;
      throw error;
    }
  }

  #isMeant({ firstRank, endRank }: BlockPlace): boolean {
    return this.#finder.touches(this.#leaves[firstRank] as number, (this.#leaves[endRank - 1] as number) + 1);
  }

  #edit({ firstRank, endRank }: BlockPlace, content: BlockContent): { content: BlockContent; touched: boolean } {
    if (!this.#isMeant({ firstRank, endRank })) return { content, touched: false };
    const { offsets, records, receivedAtMs } = content;
    const parts: Uint8Array[] = [];
    const ends = new Uint32Array(offsets.length);
    let touched = false;
    for (let i = 0; i < receivedAtMs.length; i++) {
      const before = records.subarray(offsets[i], offsets[i + 1]);
      const after = this.#finder.edit(this.#leaves[firstRank + i] as number, before);
      // What stays is given back as it is.
      touched ||= after !== before && before.length > 0;
      parts.push(after);
      ends[i + 1] = (ends[i] as number) + after.length;
    }
    if (!touched) return { content, touched };
    return { content: { offsets: ends, records: Buffer.concat(parts), receivedAtMs }, touched };
  }
}

function emptyContent({ firstRank, endRank }: BlockPlace): BlockContent {
  const count = endRank - firstRank;
  return { offsets: new Uint32Array(count + 1), records: new Uint8Array(0), receivedAtMs: new Float64Array(count) };
}

/** Counts the records that are there. */
function note({ offsets, receivedAtMs }: BlockContent, written: WrittenSegment): void {
  for (let i = 0; i < receivedAtMs.length; i++) {
    if (offsets[i] === offsets[i + 1]) continue;
    if (written.records++ === 0) written.firstReceivedAtMs = receivedAtMs[i] as number;
    written.lastReceivedAtMs = receivedAtMs[i] as number;
  }
}

function nameOf({ log, class: of, bucket, generation }: StoredSegment): SegmentName {
  return { log, class: of, bucket, generation };
}
