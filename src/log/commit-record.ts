/**
 * The write path's form of `record.ts`, `commitment.ts` and `packed-record.ts` in one pass: a record is flattened, packed and committed to
 * without a string being made of any value, and without a pointer being put together twice. Tests hold every byte against those three,
 * which say what it does.
 *
 * What makes it fast: records of one source have the same members, so their paths are kept as a tree whose nodes hold the pointer as it is
 * packed; values are written as bytes where they are stored, and `packed-commitment.ts` hashes them from there.
 */
import { compareUtf8, concatBytes, uint16be, utf8 } from '../core/bytes.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import { limits } from '../core/limits.ts';
import { seedBytes } from './commitment.ts';
import { commitPacked } from './packed-commitment.ts';
import { packedForm } from './packed-record.ts';
import { escapePointer, wholePointer } from './record.ts';

/** Paths that are remembered; a log whose events never look alike must not fill the memory. */
const pathsMax = 20_000;
/** Nearly sorted lists up to this length are sorted by insertion, longer ones by the engine's sort. */
const insertionMax = 64;
/** Up to here a loop over the units is faster than the encoder. */
const loopUnitsMax = 16;

interface PathNode {
  pointer: string;
  /** uint16be(length) ‖ pointer. */
  packed: Uint8Array;
  /** UTF-16 order is not UTF-8 order for this pointer. */
  astral: boolean;
  members: Map<string, PathNode>;
}

export class RecordCommitter {
  readonly #origin: string;
  #root = createNode('');
  #paths = 1;
  #nodes: PathNode[] = [];
  #values: JsonValue[] = [];
  #out = new Uint8Array(65_536);
  #end = 0;

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
    return this.#out.subarray(0, this.#end);
  }

  /** Forgets what was packed. */
  reset(): void {
    this.#end = 0;
  }

  /**
   * Packs a record behind those before it, and writes its commitment.
   * @param seed 32 random bytes of this record only
   * @param commitments where the 32 bytes go, from `at` on
   * @throws VeiltrailError as `flattenRecord` and `commitFields`; nothing was packed then
   */
  commit(record: JsonObject, seed: Uint8Array, commitments: Uint8Array, at: number): void {
    if (this.#paths > pathsMax) this.#forgetPaths();
    if (seed.length !== seedBytes) throw new VeiltrailError('commitment_seed', `a seed has ${seedBytes} bytes`);
    if (!isJsonObject(record)) throw new VeiltrailError('record_not_object', 'a record is a JSON object');
    this.#nodes.length = 0;
    this.#values.length = 0;
    this.#walk(this.#root, record, 0);
    this.#sort();
    const begin = this.#end;
    try {
      this.#packHead(seed);
      for (let i = 0; i < this.#nodes.length; i++) this.#packField(this.#nodes[i] as PathNode, this.#values[i] as JsonValue);
      commitments.set(commitPacked(this.#origin, this.#out.subarray(begin, this.#end)), at);
    } catch (error) {
      this.#end = begin;
      throw error;
    }
  }

  #walk(node: PathNode, value: JsonValue, depth: number): void {
    if (depth > limits.depthMax) throw new VeiltrailError('record_too_deep', `nested deeper than ${limits.depthMax}`);
    if (typeof value !== 'object' || value === null || node.pointer === wholePointer) return this.#emit(node, value);
    if (Array.isArray(value)) {
      if (!value.some(isContainer)) return this.#emit(node, value);
      this.#emit(node, value.length);
      for (let i = 0; i < value.length; i++) this.#walk(this.#member(node, String(i)), value[i] as JsonValue, depth + 1);
      return;
    }
    let empty = true;
    for (const name of Object.keys(value)) {
      empty = false;
      const member = value[name] as JsonValue;
      const below = node.members.get(name) ?? this.#member(node, name);
      if (typeof member === 'object' && member !== null) this.#walk(below, member, depth + 1);
      else if (depth < limits.depthMax) this.#emit(below, member);
      else this.#walk(below, member, depth + 1);
    }
    if (empty) this.#emit(node, value);
  }

  #emit(node: PathNode, value: JsonValue): void {
    this.#nodes.push(node);
    this.#values.push(value);
  }

  #member(node: PathNode, name: string): PathNode {
    const known = node.members.get(name);
    if (known) return known;
    const made = createNode(`${node.pointer}/${escapePointer(name)}`);
    node.members.set(name, made);
    this.#paths++;
    return made;
  }

  #forgetPaths(): void {
    this.#root = createNode('');
    this.#paths = 1;
  }

  /** Sorts nodes, and values with them, by the UTF-8 bytes of their pointers. */
  #sort(): void {
    const nodes = this.#nodes;
    const values = this.#values;
    if (nodes.length > insertionMax || nodes.some(({ astral }) => astral)) return this.#sortAny();
    for (let i = 1; i < nodes.length; i++) {
      const node = nodes[i] as PathNode;
      const value = values[i] as JsonValue;
      let at = i;
      for (; at > 0 && (nodes[at - 1] as PathNode).pointer > node.pointer; at--) {
        nodes[at] = nodes[at - 1] as PathNode;
        values[at] = values[at - 1] as JsonValue;
      }
      nodes[at] = node;
      values[at] = value;
    }
  }

  #sortAny(): void {
    const pairs = this.#nodes.map((node, i) => ({ node, value: this.#values[i] as JsonValue }));
    pairs.sort((a, b) => compareUtf8(a.node.pointer, b.node.pointer));
    this.#nodes = pairs.map(({ node }) => node);
    this.#values = pairs.map(({ value }) => value);
  }

  #packHead(seed: Uint8Array): void {
    this.#reserve(1 + seedBytes + 4);
    this.#out[this.#end] = packedForm;
    this.#out.set(seed, this.#end + 1);
    writeUint32(this.#out, this.#end + 1 + seedBytes, this.#nodes.length);
    this.#end += 1 + seedBytes + 4;
  }

  #packField(node: PathNode, value: JsonValue): void {
    const { packed } = node;
    this.#reserve(packed.length + 4);
    const out = this.#out;
    for (let i = 0; i < packed.length; i++) out[this.#end + i] = packed[i] as number;
    const lengthAt = this.#end + packed.length;
    this.#end = lengthAt + 4;
    if (typeof value === 'string') this.#packString(value);
    else this.#packText(canonicalJson(value));
    writeUint32(this.#out, lengthAt, this.#end - lengthAt - 4);
  }

  /** A string whose JSON is its characters between quotes: nearly all are. The others take the long way. */
  #packString(value: string): void {
    const units = value.length;
    this.#reserve(units + 2);
    const out = this.#out;
    let at = this.#end;
    out[at++] = 0x22;
    for (let i = 0; i < units; i++) {
      const unit = value.charCodeAt(i);
      if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) return this.#packText(canonicalJson(value));
      out[at++] = unit;
    }
    out[at++] = 0x22;
    this.#end = at;
  }

  #packText(text: string): void {
    this.#reserve(3 * text.length);
    if (text.length > loopUnitsMax || /[^\u0020-\u007e]/.test(text)) {
      this.#end += encoder.encodeInto(text, this.#out.subarray(this.#end)).written;
      return;
    }
    for (let i = 0; i < text.length; i++) this.#out[this.#end + i] = text.charCodeAt(i);
    this.#end += text.length;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#out.length) return;
    const grown = new Uint8Array(Math.max(this.#end + bytes, 2 * this.#out.length));
    grown.set(this.#out.subarray(0, this.#end));
    this.#out = grown;
  }
}

const encoder = new TextEncoder();

function createNode(pointer: string): PathNode {
  if (!pointer.isWellFormed()) throw new VeiltrailError('not_canonical', 'half of a surrogate pair in a name');
  const bytes = utf8(pointer);
  if (bytes.length > limits.pointerBytesMax) throw new VeiltrailError('pointer_too_long', `a pointer longer than ${limits.pointerBytesMax} bytes`);
  return {
    pointer,
    packed: concatBytes(uint16be(bytes.length), bytes),
    astral: /[\ud800-\udfff]/.test(pointer),
    members: new Map(),
  };
}

function isContainer(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null;
}

function writeUint32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = (value >>> 16) & 0xff;
  out[at + 2] = (value >>> 8) & 0xff;
  out[at + 3] = value & 0xff;
}
