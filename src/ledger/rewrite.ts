/**
 * Records of a bucket written anew without what is removed from them, under a key of the bucket's next generation. Chunks of which nothing is
 * removed keep their bodies, and get their data keys wrapped anew, because the bucket's old key is destroyed afterwards.
 *
 * A chunk names the generation that it is sealed under: so whoever goes on after a crash sees what is done.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import { redactRecord } from '../log/redacted-record.ts';
import type { StoredChunk } from '../storage/record-store.ts';
import { type ChunkContent, type ChunkPlace, discardContent, generationOf, openChunk, rewrapChunk, sealChunk } from './chunk.ts';

/** Values of one record that go. */
export interface RecordRedaction {
  leafIndex: number;
  pointers: readonly string[];
  hidePointers: boolean;
  /** The leaf that says why. */
  tombstone: number;
}

/** What is removed from the records of a log. */
export interface RecordEdits {
  /** Leaves whose records go: from, to, from, to, … half open, ascending. */
  removed: readonly number[];
  /** By leaf, ascending; several of one leaf in the order in which they are made. */
  redactions: readonly RecordRedaction[];
}

/** A bucket to be rewritten. */
export interface Rewriting {
  log: string;
  bucket: number;
  /** Of the bucket's new key. */
  generation: number;
  edits: RecordEdits;
}

/** Finds what is removed from a leaf, or from any leaf of a range, by halves. */
export class EditFinder {
  readonly #removed: readonly number[];
  readonly #redactions: readonly RecordRedaction[];

  constructor({ removed, redactions }: RecordEdits) {
    this.#removed = removed;
    this.#redactions = redactions;
  }

  /** Whether anything is removed from the leaves of a range. */
  touches(from: number, to: number): boolean {
    const range = this.#rangeBehind(from);
    if ((this.#removed[range] ?? Infinity) < to) return true;
    return (this.#redactions[this.#redactionFrom(from)]?.leafIndex ?? Infinity) < to;
  }

  /**
   * What is left of a record: nothing, when it goes.
   * @throws VeiltrailError `bad_record`
   */
  edit(leafIndex: number, packed: Uint8Array): Uint8Array {
    if (packed.length === 0 || (this.#removed[this.#rangeBehind(leafIndex)] ?? Infinity) <= leafIndex) return nothing;
    let left = packed;
    for (let i = this.#redactionFrom(leafIndex); this.#redactions[i]?.leafIndex === leafIndex; i++) {
      const { pointers, hidePointers, tombstone } = this.#redactions[i] as RecordRedaction;
      left = redactRecord(left, { pointers: new Set(pointers), hidePointers, tombstone }) ?? left;
    }
    return left;
  }

  /** The place of the first range that ends behind a leaf. */
  #rangeBehind(leafIndex: number): number {
    return 2 * lowest(this.#removed.length / 2, (i) => (this.#removed[2 * i + 1] as number) > leafIndex);
  }

  #redactionFrom(leafIndex: number): number {
    return lowest(this.#redactions.length, (i) => (this.#redactions[i] as RecordRedaction).leafIndex >= leafIndex);
  }
}

const nothing = new Uint8Array(0);

/** The first place for which something holds that holds for all behind it. */
function lowest(end: number, holds: (i: number) => boolean): number {
  let low = 0;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export interface RewriteKeys {
  /** Of a generation of the bucket. @throws VeiltrailError `bucket_key_missing` */
  key: (generation: number) => Promise<Uint8Array>;
  random: Random;
}

/**
 * A chunk under the key of a generation, without what is removed.
 * @returns undefined when it was done before; or where it is damaged, and nothing can be done: its key goes with the bucket's
 */
export async function rewriteChunk(
  origin: string,
  { firstLeaf, count, receivedAtMs, sealed }: StoredChunk,
  generation: number,
  edits: EditFinder,
  { key, random }: RewriteKeys,
): Promise<Uint8Array | undefined> {
  const place: ChunkPlace = { origin, firstLeaf, count, receivedAtMs };
  try {
    const before = generationOf(sealed, firstLeaf);
    if (before >= generation) return undefined;
    const oldKey = await key(before);
    const newKey = await key(generation);
    if (!edits.touches(firstLeaf, firstLeaf + count)) return rewrapChunk(place, sealed, oldKey, newKey, generation, random);
    const content = openChunk(place, sealed, oldKey);
    const left = editContent(content, firstLeaf, edits);
    discardContent(content);
    return sealChunk(place, left, newKey, random, generation);
  } catch (error) {
    if (error instanceof VeiltrailError && damages.has(error.code)) return undefined;
    throw error;
  }
}

const damages = new Set(['chunk_damaged', 'chunk_version', 'bad_record', 'invalid_utf8']);

function editContent({ offsets, records }: ChunkContent, firstLeaf: number, edits: EditFinder): ChunkContent {
  const parts: Uint8Array[] = [];
  const ends = new Uint32Array(offsets.length);
  let bytes = 0;
  for (let i = 0; i + 1 < offsets.length; i++) {
    const part = edits.edit(firstLeaf + i, records.subarray(offsets[i], offsets[i + 1]));
    parts.push(part);
    bytes += part.length;
    ends[i + 1] = bytes;
  }
  const left = new Uint8Array(bytes);
  for (const [i, part] of parts.entries()) left.set(part, ends[i]);
  return { offsets: ends, records: left };
}
