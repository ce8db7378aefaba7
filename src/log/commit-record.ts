/**
 * The write path's form of `record.ts`, `commitment.ts` and `packed-record.ts` in one pass: a record is flattened, committed to and packed
 * without a string being made of any value, and without a pointer being put together twice. Tests hold every byte against those three,
 * which say what it does.
 *
 * What makes it fast: records of one source have the same members, so their paths are kept as a tree whose nodes hold the message that is
 * hashed for the field (0x10 ‖ length ‖ pointer ‖ room for the value digest); values are written as bytes behind their salt, hashed there, and
 * copied to where they are stored.
 */
import { compareUtf8, utf8 } from '../core/bytes.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import { limits } from '../core/limits.ts';
import { sha256Into, shake256Into } from '../core/sha256.ts';
import { digestBytes, saltBytes, seedBytes } from './commitment.ts';
import { packedForm } from './packed-record.ts';
import { escapePointer, wholePointer } from './record.ts';

/** Paths that are remembered; a log whose events never look alike must not fill the memory. */
const pathsMax = 20_000;
/** Nearly sorted lists up to this length are sorted by insertion, longer ones by the engine's sort. */
const insertionMax = 64;

interface PathNode {
  pointer: string;
  /** 0x10 ‖ uint16be(length) ‖ pointer ‖ 32 bytes for the value digest. */
  message: Uint8Array;
  /** Where the value digest goes. */
  digestAt: number;
  /** UTF-16 order is not UTF-8 order for this pointer. */
  astral: boolean;
  members: Map<string, PathNode>;
}

export class RecordCommitter {
  readonly #origin: Uint8Array;
  #root = createNode('');
  #paths = 1;
  #nodes: PathNode[] = [];
  #values: JsonValue[] = [];
  #salts = new Uint8Array(saltBytes * 64);
  /** 0x12 ‖ salt ‖ value. */
  #scratch = new Uint8Array(4096);
  #views: Uint8Array[] = [];
  #message = new Uint8Array(4096);
  #out = new Uint8Array(65_536);
  #end = 0;

  /** @param origin the log's, 1 to 255 bytes */
  constructor(origin: string) {
    this.#origin = utf8(origin);
    if (this.#origin.length === 0 || this.#origin.length > limits.originBytesMax) {
      throw new VeiltrailError('commitment_origin', `an origin has 1 to ${limits.originBytesMax} bytes`);
    }
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
      const length = this.#hashFields(seed);
      sha256Into(this.#message.subarray(0, length), commitments, at);
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

  /** Hashes and packs every field; returns the length of the commitment's message. */
  #hashFields(seed: Uint8Array): number {
    const count = this.#nodes.length;
    this.#deriveSalts(seed, count);
    const origin = this.#origin;
    const headBytes = 7 + origin.length;
    const length = headBytes + digestBytes * count;
    if (this.#message.length < length) this.#message = new Uint8Array(2 * length);
    const message = this.#message;
    message[0] = 0x11;
    message[1] = origin.length >>> 8;
    message[2] = origin.length & 0xff;
    message.set(origin, 3);
    writeUint32(message, 3 + origin.length, count);
    for (let i = 0; i < count; i++) {
      const node = this.#nodes[i] as PathNode;
      const end = this.#writeValue(this.#values[i] as JsonValue, saltBytes * i);
      sha256Into(this.#view(end), node.message, node.digestAt);
      sha256Into(node.message, message, headBytes + digestBytes * i);
      this.#packField(node, end);
    }
    return length;
  }

  #deriveSalts(seed: Uint8Array, count: number): void {
    const length = saltBytes * count;
    if (this.#salts.length < length) this.#salts = new Uint8Array(2 * length);
    shake256Into(seed, this.#salts, length);
  }

  /** Writes 0x12 ‖ salt ‖ value to the scratch buffer; returns the end. */
  #writeValue(value: JsonValue, saltAt: number): number {
    const from = 1 + saltBytes;
    const end = typeof value === 'string' ? this.#writePlain(value, from) : this.#writeText(canonicalJson(value), from);
    const scratch = this.#scratch;
    const salts = this.#salts;
    scratch[0] = 0x12;
    for (let i = 0; i < saltBytes; i++) scratch[1 + i] = salts[saltAt + i] as number;
    return end;
  }

  /** A string whose JSON is its characters between quotes: nearly all are. The others take the long way. */
  #writePlain(value: string, from: number): number {
    const units = value.length;
    this.#reserveScratch(from + units + 2);
    const scratch = this.#scratch;
    let at = from;
    scratch[at++] = 0x22;
    for (let i = 0; i < units; i++) {
      const unit = value.charCodeAt(i);
      if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) return this.#writeText(canonicalJson(value), from);
      scratch[at++] = unit;
    }
    scratch[at++] = 0x22;
    return at;
  }

  #writeText(text: string, from: number): number {
    this.#reserveScratch(from + 3 * text.length);
    const scratch = this.#scratch;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return from + encoder.encodeInto(text, scratch.subarray(from)).written;
      scratch[from + i] = unit;
    }
    return from + text.length;
  }

  #packField(node: PathNode, end: number): void {
    const { message, digestAt } = node;
    const from = 1 + saltBytes;
    const valueBytes = end - from;
    this.#reserve(digestAt - 1 + 4 + valueBytes);
    const out = this.#out;
    let at = this.#end;
    for (let i = 1; i < digestAt; i++) out[at++] = message[i] as number;
    writeUint32(out, at, valueBytes);
    at += 4;
    if (valueBytes > 64) out.set(this.#scratch.subarray(from, end), at);
    else for (let i = 0; i < valueBytes; i++) out[at + i] = this.#scratch[from + i] as number;
    this.#end = at + valueBytes;
  }

  /** The first bytes of the scratch buffer; for short lengths always the same object. */
  #view(length: number): Uint8Array {
    if (length > 1024) return this.#scratch.subarray(0, length);
    return (this.#views[length] ??= this.#scratch.subarray(0, length));
  }

  #reserveScratch(bytes: number): void {
    if (bytes <= this.#scratch.length) return;
    this.#scratch = new Uint8Array(2 * bytes);
    this.#views = [];
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
  const message = new Uint8Array(3 + bytes.length + digestBytes);
  message[0] = 0x10;
  message[1] = bytes.length >>> 8;
  message[2] = bytes.length & 0xff;
  message.set(bytes, 3);
  return { pointer, message, digestAt: 3 + bytes.length, astral: /[\ud800-\udfff]/.test(pointer), members: new Map() };
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
