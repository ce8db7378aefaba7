/** Writing a segment: records in the order of their leaves go in, sealed blocks come out. Holds one block at a time. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { concatBytes } from '../core/bytes.ts';
import { invariant } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
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
    if (block.isFull) yield finish();
  }
  if (!block.isEmpty) yield finish();
  invariant(written.records === leaves.count, 'a segment has a record for each of its leaves');
  yield index.format();

  function finish(): Uint8Array {
    const { firstRank } = block;
    const sealed = block.finish();
    index.add(firstRank, sealed);
    return sealed;
  }
}

class GrowingBlock {
  readonly #header: Uint8Array;
  readonly #key: KeyObject;
  readonly #random: Random;
  #records: Uint8Array[] = [];
  #receivedAtMs: number[] = [];
  #bytes = 0;
  firstRank = 0;

  constructor(header: Uint8Array, key: KeyObject, random: Random) {
    this.#header = header;
    this.#key = key;
    this.#random = random;
  }

  get isFull(): boolean {
    return this.#records.length === blockRecordsMax || this.#bytes >= blockBytesMax;
  }

  get isEmpty(): boolean {
    return this.#records.length === 0;
  }

  add({ packed, receivedAtMs }: StoredRecord): void {
    // A copy: what it is a part of is given back before the block is sealed.
    this.#records.push(new Uint8Array(packed));
    this.#receivedAtMs.push(receivedAtMs);
    this.#bytes += packed.length;
  }

  /** Seals it, and begins the next one. */
  finish(): Uint8Array {
    const offsets = new Uint32Array(this.#records.length + 1);
    this.#records.forEach(({ length }, i) => (offsets[i + 1] = (offsets[i] as number) + length));
    const content = { offsets, records: concatBytes(...this.#records), receivedAtMs: Float64Array.from(this.#receivedAtMs) };
    const endRank = this.firstRank + this.#records.length;
    const sealed = sealBlock(this.#header, { firstRank: this.firstRank, endRank }, content, this.#key, this.#random);
    this.firstRank = endRank;
    this.#records = [];
    this.#receivedAtMs = [];
    this.#bytes = 0;
    return sealed;
  }
}
