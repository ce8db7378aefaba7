/**
 * A segment: the records of one retention class in one bucket (65,536 leaves) of a log, sealed under a key of its own, so that dropping one key
 * and one file forgets them all. It is written once; a removal writes another generation under another key.
 *
 * ```
 * segment         = header ‖ blocks ‖ index
 * header          = 0x01 ‖ uint16be(length) ‖ origin ‖ uint8(length) ‖ class ‖ uint64be(first leaf of the bucket) ‖ uint32be(generation) ‖ leaves[8192]
 * leaves          = a bit a leaf, the first in the highest bit of the first byte: those whose records are here
 * block           = nonce[12] ‖ AES-256-GCM(segment key, nonce, associated data, zstd(content)) ‖ tag[16]
 * content         = uint32be(length) × n ‖ uint64be(received at: milliseconds since the record before, the first since 1970) × n ‖ packed records
 * associated data = header ‖ uint32be(first rank) ‖ uint32be(n)       the rank of a record counts those of the segment before it
 * index           = (uint32be(first rank) ‖ uint64be(offset)) × blocks ‖ uint32be(blocks)
 * ```
 * A block has 256 records, or fewer where they are large. A record of length 0 was removed since. Nothing has to vouch for the index: where it
 * says anything but the truth, the blocks it leads to do not open. Packed records are `log/packed-record.ts`. Golden vector:
 * tests/vectors/segment.json.
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { concatBytes, equalBytes, uint16be, uint32be, uint64be, utf8 } from '../core/bytes.ts';
import { invariant, VeiltrailError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import { bucketLeaves } from '../storage/record-store.ts';
import { freeBytes } from '../thread/free-buffer.ts';
import type { ChunkContent } from './chunk.ts';
import { LeafSet, leafSetBytes } from './leaf-set.ts';

/** Records of a block at the most, and bytes of records after which it ends: what opening one record may cost. */
export const blockRecordsMax = 256;
export const blockBytesMax = 4 * 1_048_576;
/** Bytes of what stands behind the index, and of an entry in it. */
export const indexTailBytes = 4;
export const indexEntryBytes = 12;

const version = 0x01;
const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
/** What a block may grow to when opened: the last record of one may be large. */
const contentBytesMax = 1 << 28;
/**
 * Blocks are small, so it takes more than for chunks: at level 3 they are 3 % larger, at 9 they are 2 % smaller and take half as long again. A
 * block is found in tables that hold it (2^17 and 2^16 entries): those of the level would be 3.7 MB, mapped and filled for each block.
 */
const compression = {
  params: { [constants.ZSTD_c_compressionLevel]: 6, [constants.ZSTD_c_hashLog]: 17, [constants.ZSTD_c_chainLog]: 16 },
};

/** Where a segment belongs: it opens nowhere else. */
export interface SegmentPlace {
  origin: string;
  class: string;
  bucket: number;
  generation: number;
}

/** Records of a block, and when each was received. */
export interface BlockContent extends ChunkContent {
  /** Milliseconds. */
  receivedAtMs: Float64Array;
}

/** Where a block is: its records have the ranks from `firstRank` up to, not including, `endRank`. */
export interface BlockPlace {
  firstRank: number;
  endRank: number;
}

export function formatSegmentHeader({ origin, class: of, bucket, generation }: SegmentPlace, leaves: LeafSet): Uint8Array {
  return concatBytes(fixedHeader({ origin, class: of, bucket, generation }), leaves.bits);
}

/** Bytes of the header of a segment at a place. */
export function segmentHeaderBytes(place: SegmentPlace): number {
  return fixedHeader(place).length + leafSetBytes;
}

/** The leaves that a header names. @throws VeiltrailError `segment_version`, `segment_damaged` for another header than that of the place */
export function parseSegmentHeader(header: Uint8Array, place: SegmentPlace): LeafSet {
  if (header.length > 0 && header[0] !== version) throw new VeiltrailError('segment_version', 'a segment of an unknown version', detailOf(place));
  const fixed = fixedHeader(place);
  if (header.length !== fixed.length + leafSetBytes || !equalBytes(header.subarray(0, fixed.length), fixed)) throw damaged(place);
  return new LeafSet(header.slice(fixed.length));
}

function fixedHeader({ origin, class: of, bucket, generation }: SegmentPlace): Uint8Array {
  const name = utf8(origin);
  const className = utf8(of);
  invariant(className.length < 256, 'a class has a short name');
  return concatBytes(
    Uint8Array.of(version),
    uint16be(name.length),
    name,
    Uint8Array.of(className.length),
    className,
    uint64be(bucket * bucketLeaves),
    uint32be(generation),
  );
}

/** Seals the records of a block. @param header of the segment */
export function sealBlock(header: Uint8Array, place: BlockPlace, content: BlockContent, key: KeyObject, random: Random): Uint8Array {
  invariant(content.offsets.length === place.endRank - place.firstRank + 1, 'a block has an offset more than records');
  const formatted = formatContent(content);
  const packed = zstdCompressSync(formatted, compression);
  freeBytes(formatted);
  const sealed = sealPackedBlock(header, place, packed, key, random);
  freeBytes(packed);
  return sealed;
}

/** Seals under another segment's key and header what {@link openPackedBlock} gave: nothing is compressed again. */
export function sealPackedBlock(header: Uint8Array, place: BlockPlace, packed: Uint8Array, key: KeyObject, random: Random): Uint8Array {
  const nonce = random.bytes(nonceBytes);
  const sealing = createCipheriv(cipher, key, nonce);
  sealing.setAAD(associatedData(header, place));
  return concatBytes(nonce, sealing.update(packed), sealing.final(), sealing.getAuthTag());
}

/** A block's content as it is compressed, opened and not unpacked; undefined where it does not open. */
export function openPackedBlock(header: Uint8Array, place: BlockPlace, sealed: Uint8Array, key: KeyObject): Uint8Array | undefined {
  if (sealed.length < nonceBytes + tagBytes) return undefined;
  const opening = createDecipheriv(cipher, key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
  opening.setAAD(associatedData(header, place));
  opening.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  const packed = opening.update(sealed.subarray(nonceBytes, sealed.length - tagBytes));
  try {
    opening.final();
    return packed;
  } catch {
    return undefined;
  }
}

/** The records of a block; undefined where it does not open, or is not what {@link sealBlock} writes. */
export function openBlock(header: Uint8Array, place: BlockPlace, sealed: Uint8Array, key: KeyObject): BlockContent | undefined {
  const packed = openPackedBlock(header, place, sealed, key);
  if (!packed) return undefined;
  try {
    const content = zstdDecompressSync(packed, { maxOutputLength: contentBytesMax, chunkSize: outputBytesOf(packed.length) });
    return parseContent(content, place.endRank - place.firstRank);
  } catch {
    return undefined;
  } finally {
    freeBytes(packed);
  }
}

export interface SegmentIndex {
  firstRanks: Uint32Array;
  /** One more than blocks: the last one's end. */
  offsets: Float64Array;
}

/** The end of a segment: where its blocks are. */
export function formatSegmentIndex({ firstRanks, offsets }: SegmentIndex): Uint8Array {
  const entries = Array.from(firstRanks, (rank, i) => concatBytes(uint32be(rank), uint64be(offsets[i] as number)));
  return concatBytes(...entries, uint32be(firstRanks.length));
}

/**
 * Reads an index. What it says is as good as the blocks that it leads to.
 * @param bytes the entries and the number behind them
 * @param end where the index begins
 */
export function parseSegmentIndex(bytes: Uint8Array, end: number): SegmentIndex {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks = Math.floor((bytes.length - indexTailBytes) / indexEntryBytes);
  const index: SegmentIndex = { firstRanks: new Uint32Array(blocks), offsets: new Float64Array(blocks + 1).fill(end) };
  for (let i = 0; i < blocks; i++) {
    index.firstRanks[i] = words.getUint32(i * indexEntryBytes);
    index.offsets[i] = words.getUint32(i * indexEntryBytes + 4) * 0x1_0000_0000 + words.getUint32(i * indexEntryBytes + 8);
  }
  return index;
}

function formatContent({ offsets, records, receivedAtMs }: BlockContent): Uint8Array {
  const count = receivedAtMs.length;
  const out = new Uint8Array(12 * count + records.length);
  const words = new DataView(out.buffer);
  let before = 0;
  for (let i = 0; i < count; i++) {
    const ms = receivedAtMs[i] as number;
    invariant(ms >= before, 'times of receipt never go backwards');
    words.setUint32(4 * i, (offsets[i + 1] as number) - (offsets[i] as number));
    words.setUint32(4 * count + 8 * i, Math.floor((ms - before) / 0x1_0000_0000));
    words.setUint32(4 * count + 8 * i + 4, (ms - before) % 0x1_0000_0000);
    before = ms;
  }
  out.set(records, 12 * count);
  return out;
}

function parseContent(content: Uint8Array, count: number): BlockContent {
  const words = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const offsets = new Uint32Array(count + 1);
  const receivedAtMs = new Float64Array(count);
  const records = content.subarray(12 * count);
  let end = 0;
  let ms = 0;
  for (let i = 0; i < count; i++) {
    end += words.getUint32(4 * i);
    ms += words.getUint32(4 * count + 8 * i) * 0x1_0000_0000 + words.getUint32(4 * count + 8 * i + 4);
    offsets[i + 1] = end;
    receivedAtMs[i] = ms;
  }
  if (end !== records.length || !Number.isSafeInteger(ms)) throw new Error('lengths that do not add up to the records');
  return { offsets, records, receivedAtMs };
}

/** Room for nearly every content at once: pieces would be put together by copying them. */
function outputBytesOf(packedBytes: number): number {
  return Math.min(1 << 21, Math.max(1 << 14, 12 * packedBytes));
}

function associatedData(header: Uint8Array, { firstRank, endRank }: BlockPlace): Uint8Array {
  return concatBytes(header, uint32be(firstRank), uint32be(endRank - firstRank));
}

function damaged(place: SegmentPlace): VeiltrailError {
  return new VeiltrailError('segment_damaged', 'a segment is not what it should be', detailOf(place));
}

function detailOf({ class: of, bucket, generation }: SegmentPlace): Record<string, string | number> {
  return { class: of, bucket, generation };
}
