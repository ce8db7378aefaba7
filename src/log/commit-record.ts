/**
 * The write path's form of `record.ts`, `commitment.ts` and `packed-record.ts` in one pass: a record is flattened, packed and committed to
 * without a string being made of any value, and without a pointer being put together twice. Tests hold every byte against those three,
 * which say what it does.
 *
 * What makes it fast: records of one source have the same members in the same order, so their paths are kept as a tree whose nodes hold the
 * pointer as it is packed, and the order of a record's fields is kept by its list of nodes (`record-paths.ts`); values are written as bytes where
 * they are stored (`canonical-bytes.ts`); and the records of a batch are hashed together (`commit-many.ts`).
 */
import { utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import { limits } from '../core/limits.ts';
import { CanonicalBytes } from './canonical-bytes.ts';
import { commitPackedMany } from './commit-many.ts';
import { digestBytes, seedBytes } from './commitment.ts';
import { packedForm } from './packed-record.ts';
import { wholePointer } from './record.ts';
import { type PathNode, RecordPaths } from './record-paths.ts';

/** Records that are hashed together, at the most. */
const pendingMax = 64;

export class RecordCommitter {
  readonly #origin: string;
  readonly #paths = new RecordPaths();
  readonly #out = new CanonicalBytes();
  /** Fields of the record at hand, as they come. */
  readonly #nodes: PathNode[] = [];
  readonly #values: JsonValue[] = [];
  #fields = 0;
  /** Packed and not yet hashed: where each begins and the last one ends, and where its commitment goes. */
  readonly #offsets = new Uint32Array(pendingMax + 1);
  readonly #targets: { commitments: Uint8Array; at: number }[] = [];
  readonly #digests = new Uint8Array(digestBytes * pendingMax);

  /** @param origin the log's, 1 to 255 bytes */
  constructor(origin: string) {
    const { length } = utf8(origin);
    if (length === 0 || length > limits.originBytesMax) {
      throw new VeiltrailError('commitment_origin', `an origin has 1 to ${limits.originBytesMax} bytes`);
    }
    this.#origin = origin;
  }

  /** Packed records so far, one behind the other: a view that the next {@link commit} may move. */
  get packed(): Uint8Array {
    return this.#out.bytes.subarray(0, this.#out.end);
  }

  /** Bytes of {@link packed}. */
  get packedBytes(): number {
    return this.#out.end;
  }

  /** Forgets what was packed. */
  reset(): void {
    this.#targets.length = 0;
    this.#out.clear();
  }

  /**
   * Packs a record behind those before it. Its commitment is written by the next {@link flush} at the latest.
   * @param seeds holds 32 random bytes of this record only, from `seedAt` on
   * @param commitments where the 32 bytes of the commitment go, from `at` on
   * @throws VeiltrailError as `flattenRecord` and `packRecord`; nothing was packed then
   */
  commit(record: JsonObject, seeds: Uint8Array, seedAt: number, commitments: Uint8Array, at: number): void {
    if (seedAt + seedBytes > seeds.length) throw new VeiltrailError('commitment_seed', `a seed has ${seedBytes} bytes`);
    if (!isJsonObject(record)) throw new VeiltrailError('record_not_object', 'a record is a JSON object');
    this.#fields = 0;
    this.#paths.begin();
    this.#walk(this.#paths.root, record, 0);
    const order = this.#paths.orderOf(this.#nodes, this.#fields);
    const begin = this.#out.end;
    try {
      this.#packHead(seeds, seedAt);
      for (let i = 0; i < this.#fields; i++) {
        const field = order[i] as number;
        this.#out.writeField((this.#nodes[field] as PathNode).packed, this.#values[field] as JsonValue);
      }
    } catch (error) {
      this.#out.truncate(begin);
      throw error;
    }
    this.#offsets[this.#targets.length] = begin;
    this.#targets.push({ commitments, at });
    this.#offsets[this.#targets.length] = this.#out.end;
    if (this.#targets.length === pendingMax) this.flush();
  }

  /** Writes the commitments that are not written yet. */
  flush(): void {
    const count = this.#targets.length;
    if (count === 0) return;
    commitPackedMany(this.#origin, this.#out.bytes, this.#offsets, 0, count, this.#digests);
    for (let i = 0; i < count; i++) {
      const { commitments, at } = this.#targets[i] as { commitments: Uint8Array; at: number };
      for (let k = 0; k < digestBytes; k++) commitments[at + k] = this.#digests[digestBytes * i + k] as number;
    }
    this.#targets.length = 0;
  }

  #walk(node: PathNode, value: JsonValue, depth: number): void {
    if (depth > limits.depthMax) throw new VeiltrailError('record_too_deep', `nested deeper than ${limits.depthMax}`);
    if (typeof value !== 'object' || value === null || node.pointer === wholePointer) return this.#emit(node, value);
    if (Array.isArray(value)) {
      if (!value.some(isContainer)) return this.#emit(node, value);
      this.#emit(node, value.length);
      for (let i = 0; i < value.length; i++) this.#walk(this.#paths.member(node, String(i), i), value[i] as JsonValue, depth + 1);
      return;
    }
    let place = 0;
    // `for … in` makes no list of the names; what JSON gives inherits none.
    for (const name in value) {
      const member = value[name] as JsonValue;
      const below = this.#paths.member(node, name, place++);
      if ((typeof member === 'object' && member !== null) || depth === limits.depthMax) this.#walk(below, member, depth + 1);
      else this.#emit(below, member);
    }
    if (place === 0) this.#emit(node, value);
  }

  #emit(node: PathNode, value: JsonValue): void {
    this.#nodes[this.#fields] = node;
    this.#values[this.#fields] = value;
    this.#fields++;
  }

  #packHead(seeds: Uint8Array, seedAt: number): void {
    const out = this.#out;
    out.reserve(1 + seedBytes + 4);
    const { bytes, end } = out;
    bytes[end] = packedForm;
    for (let i = 0; i < seedBytes; i++) bytes[end + 1 + i] = seeds[seedAt + i] as number;
    out.end += 1 + seedBytes;
    out.writeUint32(this.#fields);
  }
}

function isContainer(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null;
}
