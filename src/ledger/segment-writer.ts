/** Writing a segment: records in the order of their leaves go in, sealed blocks come out. Holds one block at a time. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { invariant } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import { freeBytes } from '../thread/free-buffer.ts';
import type { LeafSet } from './leaf-set.ts';
import type { StoredRecord } from './reader.ts';
import { blockBytesMax, blockRecordsMax, formatSegmentHeader, formatSegmentIndex, sealBlock, type SegmentPlace } from './segment.ts';

/** What a segment came to, once all of it was read. */
export interface WrittenSegment {
  records: number;
  /** 0 where it holds none. */
  firstReceivedAtMs: number;
  lastReceivedAtMs: number;
}

/** The offsets of blocks, as they come. */
export class IndexWriter {
  readonly #firstRanks: number[] = [];
  readonly #offsets: number[] = [];
  #offset: number;

  constructor(headerBytes: number) {
    this.#offset = headerBytes;
  }

  add(firstRank: number, sealed: Uint8Array): void {
    this.#firstRanks.push(firstRank);
    this.#offsets.push(this.#offset);
    this.#offset += sealed.length;
  }

  format(): Uint8Array {
    return formatSegmentIndex({ firstRanks: Uint32Array.from(this.#firstRanks), offsets: Float64Array.of(...this.#offsets, this.#offset) });
  }
}

/**
 * The bytes of a segment, part by part.
 * @param leaves whose records it holds
 * @param records exactly those, in the order of their leaves
 * @param written is told what came of it
 */
export async function* writeSegment(
  place: SegmentPlace,
  leaves: LeafSet,
  records: AsyncIterable<StoredRecord>,
  { key, random }: { key: Uint8Array; random: Random },
  written: WrittenSegment,
): AsyncGenerator<Uint8Array> {
  const header = formatSegmentHeader(place, leaves);
  const index = new IndexWriter(header.length);
  const block = new GrowingBlock(header, createSecretKey(key), random);
  yield header;
  for await (const record of records) {
    block.add(record);
    if (written.records++ === 0) written.firstReceivedAtMs = record.receivedAtMs;
    written.lastReceivedAtMs = record.receivedAtMs;
    if (block.isFull) yield* finish();
  }
  if (!block.isEmpty) yield* finish();
  invariant(written.records === leaves.count, 'a segment has a record for each of its leaves');
  yield index.format();

  function* finish(): Generator<Uint8Array> {
    const { firstRank } = block;
    const sealed = block.finish();
    index.add(firstRank, sealed);
    yield sealed;
    // It is written.
    freeBytes(sealed);
  }
}

class GrowingBlock {
  readonly #header: Uint8Array;
  readonly #key: KeyObject;
  readonly #random: Random;
  /** Of one block after the other: what each would leave behind is not collected soon. */
  #bytes = new Uint8Array(roomAtFirst);
  readonly #offsets = new Uint32Array(blockRecordsMax + 1);
  readonly #receivedAtMs = new Float64Array(blockRecordsMax);
  #count = 0;
  firstRank = 0;

  constructor(header: Uint8Array, key: KeyObject, random: Random) {
    this.#header = header;
    this.#key = key;
    this.#random = random;
  }

  get isFull(): boolean {
    return this.#count === blockRecordsMax || this.#length >= blockBytesMax;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  get #length(): number {
    return this.#offsets[this.#count] as number;
  }

  /** A copy: what the record is a part of may be given back before the block is sealed. */
  add({ packed, receivedAtMs }: StoredRecord): void {
    const from = this.#length;
    const to = from + packed.length;
    if (to > this.#bytes.length) this.#grow(to);
    this.#bytes.set(packed, from);
    this.#receivedAtMs[this.#count++] = receivedAtMs;
    this.#offsets[this.#count] = to;
  }

  /** Seals it, and begins the next one. */
  finish(): Uint8Array {
    const content = {
      offsets: this.#offsets.subarray(0, this.#count + 1),
      records: this.#bytes.subarray(0, this.#length),
      receivedAtMs: this.#receivedAtMs.subarray(0, this.#count),
    };
    const endRank = this.firstRank + this.#count;
    const sealed = sealBlock(this.#header, { firstRank: this.firstRank, endRank }, content, this.#key, this.#random);
    this.firstRank = endRank;
    this.#count = 0;
    return sealed;
  }

  #grow(bytes: number): void {
    const grown = new Uint8Array(2 * bytes);
    grown.set(this.#bytes);
    freeBytes(this.#bytes);
    this.#bytes = grown;
  }
}

const roomAtFirst = 262_144;
