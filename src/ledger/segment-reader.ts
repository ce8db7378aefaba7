/** Reading segments: their headers and indexes, and blocks of them. Keeps a bounded number of both. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { VeiltrailError } from '../core/errors.ts';
import { type SegmentName, type SegmentSource, sameSegment } from '../storage/segment-store.ts';
import type { LeafSet } from './leaf-set.ts';
import {
  type BlockContent,
  indexEntryBytes,
  indexTailBytes,
  openBlock,
  openPackedBlock,
  parseSegmentHeader,
  parseSegmentIndex,
  type SegmentIndex,
  segmentHeaderBytes,
} from './segment.ts';

/** The keys of segments. */
export interface SegmentKeys {
  /** 32 bytes. @throws VeiltrailError `segment_key_missing` */
  segmentKey(name: SegmentName): Promise<Uint8Array>;
}

/** A segment that can be read. */
export interface OpenSegment {
  readonly name: SegmentName;
  readonly leaves: LeafSet;
  readonly records: number;
  readonly header: Uint8Array;
  readonly index: SegmentIndex;
  readonly key: KeyObject;
}

/** A block, opened: records with the ranks from `firstRank` up to, not including, `endRank`. */
export interface OpenBlock {
  firstRank: number;
  endRank: number;
  content: BlockContent;
}

interface KeptBlock {
  segment: OpenSegment;
  block: OpenBlock;
}

const segmentsKeptMax = 16;
const blocksKeptMax = 8;
const blockBytesKeptMax = 8 * 1_048_576;

export class SegmentReader {
  readonly #source: SegmentSource;
  readonly #keys: SegmentKeys;
  /** The one used last comes last. */
  readonly #open: OpenSegment[] = [];
  readonly #blocks: KeptBlock[] = [];

  constructor(source: SegmentSource, keys: SegmentKeys) {
    this.#source = source;
    this.#keys = keys;
  }

  /**
   * Opens a segment that is registered; one that is open already is given again.
   * @throws VeiltrailError `segment_missing`, `segment_damaged`, `segment_version`, `segment_key_missing`, and what the vault and the store throw
   */
  async open(name: SegmentName, origin: string): Promise<OpenSegment> {
    const at = this.#open.findIndex((one) => sameSegment(one.name, name));
    if (at >= 0) {
      const [found] = this.#open.splice(at, 1) as [OpenSegment];
      this.#open.push(found);
      return found;
    }
    // Another generation of the same segment is of no use to anybody any more.
    this.forget(({ log, class: of, bucket }) => log === name.log && of === name.class && bucket === name.bucket);
    const opened = await this.#load(name, origin);
    this.#open.push(opened);
    if (this.#open.length > segmentsKeptMax) this.#open.shift();
    return opened;
  }

  /** The block of a record. @throws VeiltrailError `segment_damaged` where it does not open, `segment_missing` */
  async block(segment: OpenSegment, rank: number): Promise<OpenBlock> {
    const at = this.#blocks.findIndex(
      (one) => sameSegment(one.segment.name, segment.name) && one.block.firstRank <= rank && rank < one.block.endRank,
    );
    if (at >= 0) {
      const [found] = this.#blocks.splice(at, 1) as [KeptBlock];
      this.#blocks.push(found);
      return found.block;
    }
    const block = await this.blockOnce(segment, rank);
    this.#blocks.push({ segment, block });
    let bytes = this.#blocks.reduce((sum, one) => sum + one.block.content.records.length, 0);
    while (this.#blocks.length > 1 && (this.#blocks.length > blocksKeptMax || bytes > blockBytesKeptMax))
      bytes -= (this.#blocks.shift() as KeptBlock).block.content.records.length;
    return block;
  }

  /** The same, and nobody else has it: the caller may give its memory back. */
  async blockOnce(segment: OpenSegment, rank: number): Promise<OpenBlock> {
    const i = blockOf(segment, rank);
    const place = blockPlace(segment, i);
    const content =
      place.firstRank <= rank && rank < place.endRank ? openBlock(segment.header, place, await this.#read(segment, i), segment.key) : undefined;
    if (!content) throw damagedBlock(segment, i);
    return { ...place, content };
  }

  /** A block as it is compressed, by its number. @throws as {@link block} */
  async packedBlock(segment: OpenSegment, i: number): Promise<Uint8Array> {
    const place = blockPlace(segment, i);
    const packed = place.firstRank < place.endRank ? openPackedBlock(segment.header, place, await this.#read(segment, i), segment.key) : undefined;
    if (!packed) throw damagedBlock(segment, i);
    return packed;
  }

  /** Lets go of segments, with their keys and what was read of them. */
  forget(isMeant: (name: SegmentName) => boolean): void {
    for (let i = this.#open.length - 1; i >= 0; i--) if (isMeant((this.#open[i] as OpenSegment).name)) this.#open.splice(i, 1);
    for (let i = this.#blocks.length - 1; i >= 0; i--) if (isMeant((this.#blocks[i] as KeptBlock).segment.name)) this.#blocks.splice(i, 1);
  }

  async #load(name: SegmentName, origin: string): Promise<OpenSegment> {
    const place = { origin, class: name.class, bucket: name.bucket, generation: name.generation };
    const size = await this.#source.size(name);
    if (size === undefined) throw missing(name);
    const header = await this.#part(name, 0, segmentHeaderBytes(place));
    const leaves = parseSegmentHeader(header, place);
    const tail = await this.#part(name, size - indexTailBytes, size);
    const blocks = tail.length === indexTailBytes ? new DataView(tail.buffer, tail.byteOffset).getUint32(0) : 0;
    const indexAt = size - indexTailBytes - blocks * indexEntryBytes;
    if (blocks > leaves.count || indexAt < header.length) throw damaged(name);
    const index = parseSegmentIndex(await this.#part(name, indexAt, size), indexAt);
    return { name, leaves, records: leaves.count, header, index, key: createSecretKey(await this.#keys.segmentKey(name)) };
  }

  async #read({ name, index: { offsets } }: OpenSegment, i: number): Promise<Uint8Array> {
    return this.#part(name, offsets[i] as number, offsets[i + 1] as number);
  }

  async #part(name: SegmentName, from: number, to: number): Promise<Uint8Array> {
    if (from < 0 || from > to || !Number.isSafeInteger(to)) throw damaged(name);
    const bytes = await this.#source.read(name, from, to);
    if (!bytes) throw missing(name);
    return bytes;
  }
}

/** How many blocks a segment has. */
export function blocksOf({ index: { firstRanks } }: OpenSegment): number {
  return firstRanks.length;
}

/** The ranks of a block's records. */
export function blockPlace({ index: { firstRanks }, records }: OpenSegment, i: number): { firstRank: number; endRank: number } {
  return { firstRank: firstRanks[i] ?? 0, endRank: i + 1 < firstRanks.length ? (firstRanks[i + 1] as number) : records };
}

/** The number of the block of a record. */
function blockOf({ index: { firstRanks } }: OpenSegment, rank: number): number {
  let low = 0;
  let high = firstRanks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((firstRanks[middle] as number) <= rank) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

function missing({ class: of, bucket, generation }: SegmentName): VeiltrailError {
  return new VeiltrailError('segment_missing', 'the file of a segment is missing', { class: of, bucket, generation });
}

function damaged({ class: of, bucket, generation }: SegmentName): VeiltrailError {
  return new VeiltrailError('segment_damaged', 'a segment is not what it should be', { class: of, bucket, generation });
}

function damagedBlock({ name: { class: of, bucket, generation } }: OpenSegment, block: number): VeiltrailError {
  return new VeiltrailError('segment_damaged', 'a block of a segment does not open', { class: of, bucket, generation, block });
}
