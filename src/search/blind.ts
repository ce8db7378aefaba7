/**
 * Blinded terms: what stands in the index instead of words.
 *
 *     partition key = the first 16 bytes of HMAC-SHA-256(index key, "veiltrail index partition 2\n" ‖ salt[32])
 *                     salt: random, one a partition, in the index
 *     blinded term  = uint32be: the first 32 bits of SHA-256(partition key ‖ tag ‖ term)
 *     tag ‖ term    = "w" ‖ word, or "v" ‖ name ‖ "=" ‖ text; UTF-8
 *
 * Whoever has the index without the index key learns which leaves of one partition share a term, and no more; once the salt is overwritten,
 * the index key does not help any more either. A key in front of the message is a sound MAC here: what an extension would need, all 256 bits
 * of a digest, is never shown. Of a million terms in a partition one in four thousand shares its 32 bits with another: such a leaf is
 * proposed, compared with the query, and left out.
 */
import { concatBytes, utf8 } from '../core/bytes.ts';
import { type NativeCrypto, nativeCrypto } from '../core/native-crypto.ts';
import { hmacSha256 } from '../core/sha256.ts';
import { createLaneSha256, laneMemoryStart, laneRowBytes, type LaneSha256 } from '../log/lane-sha256.ts';

export const saltBytes = 32;

/** Short, so that nearly every message is one block of SHA-256. */
const keyBytes = 16;

/** Search runs in Node only. */
const crypto = nativeCrypto as NativeCrypto;

/** How a partition blinds words, and values with the names of their fields, one by one. */
export interface Blinding {
  readonly word: (word: string) => number;
  readonly value: (name: string, text: string) => number;
}

/** The blinding of one partition. */
export function createBlinding(indexKey: Uint8Array, salt: Uint8Array): Blinding {
  const key = partitionKey(indexKey, salt);
  return {
    word: (word) => digest(key, `w${word}`),
    value: (name, text) => digest(key, `v${name}=${text}`),
  };
}

function partitionKey(indexKey: Uint8Array, salt: Uint8Array): Uint8Array {
  return hmacSha256(indexKey, concatBytes(utf8('veiltrail index partition 2\n'), salt)).slice(0, keyBytes);
}

/** The digest comes as UTF-16: native calls return strings at a quarter of the cost of bytes (see core/sha256.ts). */
function digest(key: Uint8Array, term: string): number {
  const units = crypto.hash('sha256', concatBytes(key, utf8(term)), 'utf16le');
  const [a, b] = [units.charCodeAt(0), units.charCodeAt(1)];
  return (((a & 0xff) << 24) | ((a >>> 8) << 16) | ((b & 0xff) << 8) | (b >>> 8)) >>> 0;
}

const wordTag = 0x77;
const valueTag = 0x76;
const equals = 0x3d;

/** Messages of one length in blocks that wait to be hashed four at a time. */
interface Lane {
  readonly messageBytes: number;
  readonly messages: number;
  readonly messagesAt: number;
  readonly rowsAt: number;
  /** Where each of their terms goes. */
  readonly targets: Uint32Array;
  waiting: number;
}

interface Workspace {
  readonly lanes: LaneSha256;
  readonly bytes: Uint8Array;
  readonly one: Lane;
  readonly two: Lane;
  owner: BlindingQueue | undefined;
}

const oneBlock = 64;
const messagesOfOne = 1024;
const messagesOfTwo = 512;
const digestsAt = laneMemoryStart + laneRowBytes * (messagesOfOne + messagesOfTwo);
const messagesOfOneAt = digestsAt + 32 * messagesOfOne;
const messagesOfTwoAt = messagesOfOneAt + oneBlock * messagesOfOne;
const pages = Math.ceil((messagesOfTwoAt + 2 * oneBlock * messagesOfTwo) / 65_536);

/** Made at first use; `false` where there are no lanes to be had. One for all queues: the one that is used takes it over. */
let workspace: Workspace | false | undefined;

/** Blinds many terms for one partition at a third of the cost of {@link createBlinding}: what was asked for is there behind `flush`. */
export class BlindingQueue {
  readonly #key: Uint8Array;
  /** Where the blinded terms are written. */
  terms: Uint32Array;

  constructor(indexKey: Uint8Array, salt: Uint8Array, terms: Uint32Array) {
    this.#key = partitionKey(indexKey, salt);
    this.terms = terms;
  }

  /** Blinds the word that is `text` from `start` up to, not including, `end`, for place `target`. */
  word(text: string, start: number, end: number, target: number): void {
    const at = this.#begin(1 + end - start, target);
    if (at >= 0) {
      const { bytes } = workspace as Workspace;
      bytes[at] = wordTag;
      if (writeAscii(bytes, at + 1, text, start, end)) return;
      this.#takeBack(1 + end - start);
    }
    this.terms[target] = digest(this.#key, `w${text.slice(start, end)}`);
  }

  value(name: string, text: string, target: number): void {
    const length = 2 + name.length + text.length;
    const at = this.#begin(length, target);
    if (at >= 0) {
      const { bytes } = workspace as Workspace;
      bytes[at] = valueTag;
      bytes[at + 1 + name.length] = equals;
      if (writeAscii(bytes, at + 1, name, 0, name.length) && writeAscii(bytes, at + 2 + name.length, text, 0, text.length)) return;
      this.#takeBack(length);
    }
    this.terms[target] = digest(this.#key, `v${name}=${text}`);
  }

  /** Writes every term that waits. */
  flush(): void {
    const space = workspace;
    if (!space || space.owner !== this) return;
    hashLane(space, space.one, this.terms);
    hashLane(space, space.two, this.terms);
  }

  /** The address for `length` bytes behind the key, the padding being written already; below zero when they are too many, or there are no lanes. */
  #begin(length: number, target: number): number {
    const total = keyBytes + length;
    if (total + 9 > 2 * oneBlock) return -1;
    workspace ??= openWorkspace();
    if (workspace === false) return -1;
    if (workspace.owner !== this) this.#takeOver(workspace);
    const { bytes, one, two } = workspace;
    const lane = total + 9 > oneBlock ? two : one;
    if (lane.waiting === lane.messages) hashLane(workspace, lane, this.terms);
    const at = lane.messagesAt + lane.messageBytes * lane.waiting;
    lane.targets[lane.waiting++] = target;
    const end = at + lane.messageBytes;
    bytes[at + total] = 0x80;
    for (let zero = at + total + 1; zero < end - 2; zero++) bytes[zero] = 0;
    bytes[end - 2] = total >>> 5;
    bytes[end - 1] = (total << 3) & 0xff;
    return at + keyBytes;
  }

  /** The message begun last is not hashed. */
  #takeBack(length: number): void {
    const { one, two } = workspace as Workspace;
    (keyBytes + length + 9 > oneBlock ? two : one).waiting--;
  }

  /** Every message begins with the key: it is written once. */
  #takeOver(space: Workspace): void {
    space.owner?.flush();
    space.owner = this;
    for (const { messagesAt, messageBytes, messages } of [space.one, space.two]) {
      for (let i = 0; i < messages; i++) space.bytes.set(this.#key, messagesAt + messageBytes * i);
    }
  }
}

/** False at the first character beyond ASCII. */
function writeAscii(bytes: Uint8Array, to: number, text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return false;
    bytes[to + i - start] = unit;
  }
  return true;
}

function hashLane({ lanes, bytes }: Workspace, lane: Lane, terms: Uint32Array): void {
  if (lane.waiting === 0) return;
  // What stands behind the last message in its group of four is hashed too, and not read.
  lanes.digest(lane.rowsAt, Math.ceil(lane.waiting / 4));
  for (let i = 0; i < lane.waiting; i++) {
    const at = digestsAt + 32 * i;
    terms[lane.targets[i] as number] =
      ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  }
  lane.waiting = 0;
}

function openWorkspace(): Workspace | false {
  const lanes = createLaneSha256(pages);
  if (lanes === undefined) return false;
  const words = new Uint32Array(lanes.memory.buffer);
  const openLane = (blocks: number, messages: number, rowsAt: number, messagesAt: number): Lane => {
    const messageBytes = oneBlock * blocks;
    for (let i = 0; i < messages; i++) {
      const row = (rowsAt + laneRowBytes * i) / 4;
      words[row] = messagesAt + messageBytes * i;
      words[row + 1] = blocks;
      words[row + 2] = digestsAt + 32 * i;
    }
    return { messageBytes, messages, messagesAt, rowsAt, targets: new Uint32Array(messages), waiting: 0 };
  };
  return {
    lanes,
    bytes: new Uint8Array(lanes.memory.buffer),
    one: openLane(1, messagesOfOne, laneMemoryStart, messagesOfOneAt),
    two: openLane(2, messagesOfTwo, laneMemoryStart + laneRowBytes * messagesOfOne, messagesOfTwoAt),
    owner: undefined,
  };
}
