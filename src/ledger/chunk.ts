/**
 * A chunk: the packed records that one tick appended to one log, compressed and sealed under a key of its own, so that destroying one key
 * destroys exactly these bytes wherever copies of them are.
 *
 * ```
 * chunk           = 0x01 ‖ wrapped key[60] ‖ body                                     (generation 1 of its bucket's key)
 *                 | 0x02 ‖ uint32be(generation) ‖ wrapped key[60] ‖ body              (the later ones)
 * wrapped key     = nonce[12] ‖ AES-256-GCM(bucket key, nonce, key data, data key[32]) ‖ tag[16]
 * body            = nonce[12] ‖ AES-256-GCM(data key, nonce, associated data, content) ‖ tag[16]
 * content         = zstd( uint32be(offset) × (count + 1) ‖ packed records )      offsets count from the first packed record; the first is 0
 * associated data = 0x01 ‖ uint16be(length) ‖ origin ‖ uint64be(first leaf) ‖ uint32be(count) ‖ uint64be(received at, ms)
 * key data        = associated data; of a later generation 0x02 ‖ uint32be(generation) ‖ associated data
 * ```
 * The bucket key is shared by the chunks whose first leaf is in the same {@link bucketLeaves}; nonces are random, and a bucket seals at most
 * that many keys. Where something is removed from a bucket, the bucket gets a key of the next generation: chunks that stay as they are have
 * their data keys wrapped anew, the others are sealed anew, and the old key is destroyed. Packed records are `log/packed-record.ts` and
 * `log/redacted-record.ts`; an empty one was removed. Golden vectors: tests/vectors/chunk.json.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { concatBytes, uint16be, uint32be, uint64be, utf8 } from '../core/bytes.ts';
import { invariant, VeiltrailError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import { bucketLeaves } from '../storage/record-store.ts';
import { freeBuffer } from '../thread/free-buffer.ts';

const version = 0x01;
const laterVersion = 0x02;
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
  /**
   * 32 bytes; the first one is made where the bucket has none, and then durable when it returns.
   * @param generation [1]
   * @throws VeiltrailError `bucket_key_missing` for a generation that is not there yet, or any more
   */
  bucketKey(log: string, bucket: number, generation?: number): Promise<Uint8Array>;
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

/** Seals a chunk under a fresh data key. @param generation of the bucket key [1] */
export function sealChunk(place: ChunkPlace, content: ChunkContent, bucketKey: Uint8Array, random: Random, generation = 1): Uint8Array {
  invariant(content.offsets.length === place.count + 1, 'a chunk has an offset more than records');
  const associated = associatedData(place);
  const dataKey = random.bytes(keyBytes);
  const formatted = formatContent(content);
  const packed = zstdCompressSync(formatted, { ...compression, chunkSize: packedBytesOf(formatted.length) });
  discard(formatted);
  const head = headOf(place, dataKey, bucketKey, random, generation);
  const body = seal(dataKey, random.bytes(nonceBytes), associated, packed);
  discard(packed);
  const sealed = concatBytes(...head, ...body);
  discard(body[1]);
  return sealed;
}

/** What stands before a chunk's body: its version, and its data key, wrapped. */
function headOf(place: ChunkPlace, dataKey: Uint8Array, bucketKey: Uint8Array, random: Random, generation: number): Uint8Array[] {
  const wrapped = seal(bucketKey, random.bytes(nonceBytes), keyData(place, generation), dataKey);
  return generation === 1 ? [Uint8Array.of(version), ...wrapped] : [Uint8Array.of(laterVersion), uint32be(generation), ...wrapped];
}

/** The generation of the bucket key that a chunk needs. @throws VeiltrailError `chunk_version` */
export function generationOf(sealed: Uint8Array, firstLeaf: number): number {
  if (sealed[0] === version) return 1;
  const generation = sealed[0] === laterVersion && sealed.length > 5 ? new DataView(sealed.buffer, sealed.byteOffset).getUint32(1) : 0;
  if (generation > 1) return generation;
  throw new VeiltrailError('chunk_version', 'a chunk of an unknown version', { firstLeaf });
}

/** Where the wrapped key begins. */
function wrappedAt(sealed: Uint8Array): number {
  return sealed[0] === version ? 1 : 5;
}

/**
 * The same chunk with its data key wrapped under another generation's bucket key; its body is neither opened nor changed.
 * @throws VeiltrailError `chunk_damaged`, `chunk_version`
 */
export function rewrapChunk(
  place: ChunkPlace,
  sealed: Uint8Array,
  oldKey: Uint8Array,
  newKey: Uint8Array,
  generation: number,
  random: Random,
): Uint8Array {
  const dataKey = openDataKey(place, sealed, oldKey);
  return concatBytes(...headOf(place, dataKey, newKey, random, generation), sealed.subarray(wrappedAt(sealed) + wrappedBytes));
}

/** What stands before a chunk's body: its wrapped key, and under which generation. */
export function chunkHead(sealed: Uint8Array): Uint8Array {
  return sealed.slice(0, wrappedAt(sealed) + wrappedBytes);
}

/** The body of a chunk behind another head: one that wraps the same data key under another generation. */
export function withChunkHead(head: Uint8Array, sealed: Uint8Array): Uint8Array {
  return concatBytes(head, sealed.subarray(wrappedAt(sealed) + wrappedBytes));
}

function openDataKey(place: ChunkPlace, sealed: Uint8Array, bucketKey: Uint8Array): Uint8Array {
  const generation = generationOf(sealed, place.firstLeaf);
  const at = wrappedAt(sealed);
  try {
    return open(bucketKey, sealed.subarray(at, at + wrappedBytes), keyData(place, generation));
  } catch (cause) {
    throw damaged(place, cause);
  }
}

/**
 * Opens a chunk at its place.
 * @param bucketKey of its generation
 * @throws VeiltrailError `chunk_damaged` for other bytes, another place, or another key; `chunk_version`
 */
export function openChunk(place: ChunkPlace, sealed: Uint8Array, bucketKey: Uint8Array): ChunkContent {
  const dataKey = openDataKey(place, sealed, bucketKey);
  try {
    const packed = open(dataKey, sealed.subarray(wrappedAt(sealed) + wrappedBytes), associatedData(place));
    const content = zstdDecompressSync(packed, { maxOutputLength: contentBytesMax, chunkSize: outputBytesOf(packed.length) });
    return parseContent(content, place.count);
  } catch (error) {
    throw damaged(place, error);
  }
}

function damaged({ firstLeaf, count }: ChunkPlace, cause: unknown): VeiltrailError {
  return new VeiltrailError('chunk_damaged', 'a chunk does not open', { firstLeaf, count }, { cause });
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

/** What the wrapping of a data key is bound to. */
function keyData(place: ChunkPlace, generation: number): Uint8Array {
  const associated = associatedData(place);
  return generation === 1 ? associated : concatBytes(Uint8Array.of(laterVersion), uint32be(generation), associated);
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
