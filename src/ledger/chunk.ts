/**
 * A chunk: the packed records that one tick appended to one log, compressed and sealed under a key of its own, so that destroying one key
 * destroys exactly these bytes wherever copies of them are.
 *
 * ```
 * chunk           = 0x01 ‖ wrapped key[60] ‖ nonce[12] ‖ AES-256-GCM(data key, nonce, associated data, content) ‖ tag[16]
 * wrapped key     = nonce[12] ‖ AES-256-GCM(bucket key, nonce, associated data, data key[32]) ‖ tag[16]
 * content         = zstd( uint32be(offset) × (count + 1) ‖ packed records )      offsets count from the first packed record; the first is 0
 * associated data = 0x01 ‖ uint16be(length) ‖ origin ‖ uint64be(first leaf) ‖ uint32be(count) ‖ uint64be(received at, ms)
 * ```
 * The bucket key is shared by the chunks whose first leaf is in the same {@link bucketLeaves}; nonces are random, and a bucket seals at most
 * that many keys. Packed records are `log/packed-record.ts`. Golden vectors: tests/vectors/chunk.json.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { concatBytes, uint16be, uint32be, uint64be, utf8 } from '../core/bytes.ts';
import { invariant, VeiltrailError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import { freeBuffer } from '../thread/free-buffer.ts';

/** Leaves whose chunks share a bucket key. */
export const bucketLeaves = 65_536;

const version = 0x01;
const cipher = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const wrappedBytes = nonceBytes + keyBytes + tagBytes;
/** What a chunk may grow to when opened: far above what a tick gathers. */
const contentBytesMax = 1 << 30;
/** Records are mostly names that repeat and values that do not: higher levels take twice the time and save nothing. */
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** The keys under which chunks' own keys are sealed. */
export interface BucketKeys {
  /** 32 bytes; made where there was none, and then durable when it returns. */
  bucketKey(log: string, bucket: number): Promise<Uint8Array>;
}

/** Where a chunk belongs: it opens nowhere else. */
export interface ChunkPlace {
  origin: string;
  firstLeaf: number;
  count: number;
  receivedAtMs: number;
}

export interface ChunkContent {
  /** `count + 1` offsets into `records`. */
  offsets: Uint32Array;
  /** Packed records, one behind the other. */
  records: Uint8Array;
}

export function bucketOf(firstLeaf: number): number {
  return Math.floor(firstLeaf / bucketLeaves);
}

/** Seals a chunk under a fresh data key. */
export function sealChunk(place: ChunkPlace, content: ChunkContent, bucketKey: Uint8Array, random: Random): Uint8Array {
  invariant(content.offsets.length === place.count + 1, 'a chunk has an offset more than records');
  const associated = associatedData(place);
  const dataKey = random.bytes(keyBytes);
  const formatted = formatContent(content);
  const packed = zstdCompressSync(formatted, { ...compression, chunkSize: packedBytesOf(formatted.length) });
  discard(formatted);
  const wrapped = seal(bucketKey, random.bytes(nonceBytes), associated, dataKey);
  const body = seal(dataKey, random.bytes(nonceBytes), associated, packed);
  discard(packed);
  const sealed = concatBytes(Uint8Array.of(version), ...wrapped, ...body);
  discard(body[1]);
  return sealed;
}

/**
 * Opens a chunk at its place.
 * @throws VeiltrailError `chunk_damaged` for other bytes, another place, or another key; `chunk_version`
 */
export function openChunk(place: ChunkPlace, sealed: Uint8Array, bucketKey: Uint8Array): ChunkContent {
  if (sealed[0] !== version) throw new VeiltrailError('chunk_version', 'a chunk of an unknown version', { firstLeaf: place.firstLeaf });
  const associated = associatedData(place);
  try {
    const dataKey = open(bucketKey, sealed.subarray(1, 1 + wrappedBytes), associated);
    const packed = open(dataKey, sealed.subarray(1 + wrappedBytes), associated);
    const content = zstdDecompressSync(packed, { maxOutputLength: contentBytesMax, chunkSize: outputBytesOf(packed.length) });
    return parseContent(content, place.count);
  } catch (error) {
    throw new VeiltrailError('chunk_damaged', 'a chunk does not open', { firstLeaf: place.firstLeaf, count: place.count }, { cause: error });
  }
}

/** Gives back the memory of what nobody reads any more: waiting for the collector costs more than opening a chunk. Its records are gone then. */
export function discardContent({ records }: ChunkContent): void {
  discard(records);
}

/** The same for a sealed chunk that is stored. */
export function discardChunk(sealed: Uint8Array): void {
  discard(sealed);
}

function discard({ buffer }: Uint8Array): void {
  // A small one may share its memory with others (`Buffer.poolSize`).
  if (buffer instanceof ArrayBuffer && buffer.byteLength > sharedBytesMax) freeBuffer(buffer);
}

const sharedBytesMax = 65_536;

/** Room for nearly every packed content at once. */
function packedBytesOf(contentBytes: number): number {
  return Math.min(1 << 20, Math.max(1 << 14, contentBytes >>> 2));
}

/** Room for nearly every content at once: pieces would be put together by copying them. */
function outputBytesOf(packedBytes: number): number {
  return Math.min(1 << 22, Math.max(1 << 14, 12 * packedBytes));
}

function formatContent({ offsets, records }: ChunkContent): Uint8Array {
  const out = new Uint8Array(4 * offsets.length + records.length);
  const words = new DataView(out.buffer);
  for (let i = 0; i < offsets.length; i++) words.setUint32(4 * i, offsets[i] as number);
  out.set(records, 4 * offsets.length);
  return out;
}

function parseContent(content: Uint8Array, count: number): ChunkContent {
  const words = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const offsets = new Uint32Array(count + 1);
  for (let i = 0; i <= count; i++) offsets[i] = words.getUint32(4 * i);
  const records = content.subarray(4 * (count + 1));
  let ascending = offsets[0] === 0 && offsets[count] === records.length;
  for (let i = 0; i < count; i++) ascending &&= (offsets[i] as number) <= (offsets[i + 1] as number);
  if (!ascending) throw new Error('offsets that do not cover the records');
  return { offsets, records };
}

function associatedData({ origin, firstLeaf, count, receivedAtMs }: ChunkPlace): Uint8Array {
  const name = utf8(origin);
  return concatBytes(Uint8Array.of(version), uint16be(name.length), name, uint64be(firstLeaf), uint32be(count), uint64be(receivedAtMs));
}

/** In pieces, to be put together once. */
function seal(
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  plain: Uint8Array,
): [nonce: Uint8Array, bytes: Uint8Array, rest: Uint8Array, tag: Uint8Array] {
  const sealing = createCipheriv(cipher, key, nonce);
  sealing.setAAD(associated);
  return [nonce, sealing.update(plain), sealing.final(), sealing.getAuthTag()];
}

function open(key: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Uint8Array {
  if (sealed.length < nonceBytes + tagBytes) throw new Error('cut short');
  const opening = createDecipheriv(cipher, key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
  opening.setAAD(associated);
  opening.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  return concatBytes(opening.update(sealed.subarray(nonceBytes, sealed.length - tagBytes)), opening.final());
}
