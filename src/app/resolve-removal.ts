/** From what shall be removed to exactly what goes: which leaves are there, and which of their values. */
import { VeiltrailError } from '../core/errors.ts';
import { bucketOf } from '../ledger/chunk.ts';
import { type OpenedChunk, type RecordReader, recordOf } from '../ledger/reader.ts';
import { fieldsOf, isKept } from '../log/redacted-record.ts';
import { wholePointer } from '../log/record.ts';
import { tombstonePrefix } from '../verify/tombstone.ts';
import { rangesOf } from './leaf-ranges.ts';
import type { LogRemoval } from './removal-journal.ts';
import type { RemovedFields } from './remove-records.ts';

/** Reads records of a log in the order of their leaves, and notes the buckets of what holds those that go. */
export class LeafReader {
  readonly #reader: Pick<RecordReader, 'openChunkFrom'>;
  readonly #log: string;
  #chunk: OpenedChunk | undefined;
  /** Of the chunks that hold what goes. */
  readonly buckets = new Set<number>();

  constructor(reader: Pick<RecordReader, 'openChunkFrom'>, log: string) {
    this.#reader = reader;
    this.#log = log;
  }

  /**
   * The leaves of some ranges whose records are there and may go: a tombstone stays.
   * @param ranges from, to, from, to, … ascending and apart
   * @throws VeiltrailError as `RecordReader.openChunkFrom`
   */
  async present(ranges: readonly number[], tombstones: ReadonlySet<number>): Promise<number[]> {
    const present: number[] = [];
    for (let i = 0; i < ranges.length; i += 2) {
      const to = ranges[i + 1] as number;
      for (let next = ranges[i] as number; next < to;) {
        const chunk = await this.#from(next);
        if (!chunk || chunk.firstLeaf >= to) break;
        const end = Math.min(to, chunk.firstLeaf + chunk.count);
        for (let leaf = Math.max(next, chunk.firstLeaf); leaf < end; leaf++) {
          if (recordOf(chunk, leaf).packed.length === 0 || tombstones.has(leaf)) continue;
          present.push(leaf);
          this.buckets.add(bucketOf(chunk.firstLeaf));
        }
        next = end;
      }
    }
    return rangesOf(present);
  }

  /** The record of a leaf, as stored; empty where it was removed. @throws VeiltrailError `removal_invalid` where there is none, and as `openChunkFrom` */
  async packed(leafIndex: number): Promise<Uint8Array> {
    const chunk = await this.#from(leafIndex);
    if (!chunk || chunk.firstLeaf > leafIndex) throw invalid('there is no record of that leaf', leafIndex);
    this.buckets.add(bucketOf(chunk.firstLeaf));
    return recordOf(chunk, leafIndex).packed;
  }

  /** What holds a leaf, or the first one behind it. */
  async #from(leafIndex: number): Promise<OpenedChunk | undefined> {
    const at = this.#chunk;
    if (at && leafIndex >= at.firstLeaf && leafIndex < at.firstLeaf + at.count) return at;
    return (this.#chunk = await this.#reader.openChunkFrom(this.#log, leafIndex));
  }
}

/**
 * The values of one record that are there and go.
 * @returns undefined where nothing of it is there any more
 * @throws VeiltrailError `removal_invalid` for a field that the record does not have, the length of an array, or what accounts for a removal
 */
export function resolveFields(
  packed: Uint8Array,
  { leafIndex, pointers, hidePointers = false }: RemovedFields,
): LogRemoval['redactions'][number] | undefined {
  const fields = fieldsOf(packed);
  const named = fields.flatMap((field) => ('fieldDigest' in field ? [] : [field]));
  const all = new Set(pointers);
  for (const pointer of pointers) {
    if (pointer.startsWith(tombstonePrefix)) throw invalid('what accounts for a removal cannot be redacted', leafIndex);
    if (named.some((field) => field.pointer.startsWith(`${pointer}/`))) throw invalid('the length of an array cannot be redacted', leafIndex);
    // A field whose pointer is gone may be the one that is meant.
    if (!named.some((field) => field.pointer === pointer) && named.length === fields.length) throw invalid('the record has no such field', leafIndex);
  }
  // What was done to a field says where it stood.
  if (hidePointers) for (const field of named) if (isKept(field) && tellsOf(field.pointer, field.value, pointers)) all.add(field.pointer);
  const going = named.filter(({ pointer }) => all.has(pointer));
  const count = going.filter(isKept).length;
  if (count === 0 && !(hidePointers && going.length > 0)) return undefined;
  return { leafIndex, pointers: going.map(({ pointer }) => pointer), hidePointers, count };
}

function tellsOf(pointer: string, value: string, pointers: readonly string[]): boolean {
  if (pointer !== wholePointer && pointer !== '/ingestNotes') return false;
  return pointers.some((one) => value.includes(JSON.stringify(one).slice(1, -1)));
}

function invalid(what: string, leafIndex: number): VeiltrailError {
  return new VeiltrailError('removal_invalid', what, { leafIndex });
}
