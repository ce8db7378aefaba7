/**
 * A run: the terms of a range of leaves, sorted, never changed once it is written. It is a list of blocks, which are rows of `index.db`:
 *
 *     block     = entries, in ascending order of their terms
 *     entry     = varint(term − term of the entry before; 0 for the first one of a block) ‖ varint(length of list) ‖ list
 *     list      = steps from leaf to leaf, the first from −1; leaves are counted from the run's first
 *     step      = varint(distance), which is 1 or more; or 0 ‖ varint(n): n leaves, each one behind the one before
 *     directory = uint32be(first term of a block), for every block
 *
 * A varint is unsigned LEB128. No list is in two blocks, so that a block is larger than {@link blockBytes} when one list is.
 */
import { VeiltrailError } from '../core/errors.ts';

/** With its row's header it fills a page of SQLite, and no more. */
export const blockBytes = 4_040;
/** More than any partition has: what says that a run has more is damaged. */
const leavesMax = 1 << 30;
/** Consecutive leaves that are worth a step of their own. */
const followingMin = 3;

export interface Run {
  readonly firstLeaf: number;
  /** One behind its last leaf. */
  readonly endLeaf: number;
  /** The id of its first block; the others follow. */
  readonly firstBlock: number;
  readonly directory: Uint8Array;
}

/** Reads one block. */
export type ReadBlock = (id: number) => Uint8Array;

/** Writes the blocks of a run. */
export class RunWriter {
  readonly #write: (block: Uint8Array) => void;
  readonly #block = new Bytes(2 * blockBytes);
  readonly #list = new Bytes(blockBytes);
  readonly #firstTerms: number[] = [];
  #term = -1;
  /** The term of the last entry of the block. */
  #lastTerm = 0;
  #leaf = -1;
  /** Leaves that follow one another and are not written yet. */
  #following = 0;

  constructor(write: (block: Uint8Array) => void) {
    this.#write = write;
  }

  /** In ascending order of terms, and of leaves within a term; the same pair may come twice in a row. */
  add(term: number, leaf: number): void {
    if (term !== this.#term) this.#beginTerm(term);
    this.#step(leaf - this.#leaf);
    this.#leaf = leaf;
  }

  /**
   * Adds the leaves of a list of another run, which begins `base` leaves behind this one; they come behind those that were added before. How
   * they follow one another stays as it is written.
   * @throws VeiltrailError `storage_damaged`
   */
  addList(term: number, { block, at, end }: List, base: number): void {
    if (term !== this.#term) this.#beginTerm(term);
    // The steps that say how many follow have a 0 before them, which adds nothing.
    const last = base - 1 + sumOfVarints(block, at, end);
    const following = block[at] === 0;
    const from = following ? at + 1 : at;
    const rest = endOfVarint(block, from, end);
    const first = sumOfVarints(block, from, rest);
    this.#step(base + (following ? 0 : first - 1) - this.#leaf);
    if (following) this.#following += first - 1;
    if (rest < end) {
      this.#endFollowing();
      this.#list.append(block, rest, end);
    }
    this.#leaf = last;
  }

  #step(distance: number): void {
    if (distance === 1) this.#following++;
    else if (distance > 1) {
      this.#endFollowing();
      this.#list.varint(distance);
    }
  }

  #beginTerm(term: number): void {
    this.#endTerm();
    this.#term = term;
    this.#leaf = -1;
  }

  /** Writes what is left; returns the directory. */
  end(): Uint8Array {
    this.#endTerm();
    this.#endBlock();
    const directory = new Uint8Array(4 * this.#firstTerms.length);
    const view = new DataView(directory.buffer);
    this.#firstTerms.forEach((term, i) => view.setUint32(4 * i, term));
    return directory;
  }

  #endFollowing(): void {
    if (this.#following === 0) return;
    if (this.#following >= followingMin) {
      this.#list.varint(0);
      this.#list.varint(this.#following);
    } else for (let i = 0; i < this.#following; i++) this.#list.varint(1);
    this.#following = 0;
  }

  #endTerm(): void {
    if (this.#term < 0) return;
    this.#endFollowing();
    const list = this.#list;
    const block = this.#block;
    if (block.length > 0 && block.length + list.length + 10 > blockBytes) this.#endBlock();
    if (block.length === 0) {
      this.#firstTerms.push(this.#term);
      this.#lastTerm = this.#term;
    }
    block.varint(this.#term - this.#lastTerm);
    block.varint(list.length);
    block.append(list.room, 0, list.length);
    this.#lastTerm = this.#term;
    list.length = 0;
  }

  #endBlock(): void {
    if (this.#block.length > 0) this.#write(this.#block.view());
    this.#block.length = 0;
  }
}

/** Bytes that grow. */
class Bytes {
  #bytes: Uint8Array;
  length = 0;

  constructor(room: number) {
    this.#bytes = new Uint8Array(room);
  }

  varint(value: number): void {
    if (this.length + 5 > this.#bytes.length) this.#reserve(this.length + 5);
    const bytes = this.#bytes;
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) bytes[this.length++] = (rest & 0x7f) | 0x80;
    bytes[this.length++] = rest;
  }

  append(from: Uint8Array, at: number, end: number): void {
    const count = end - at;
    if (this.length + count > this.#bytes.length) this.#reserve(this.length + count);
    const to = this.#bytes;
    // Most lists are a few bytes, for which a call of `set` is dear.
    if (count > 64) to.set(from.subarray(at, end), this.length);
    else for (let i = 0; i < count; i++) to[this.length + i] = from[at + i] as number;
    this.length += count;
  }

  /** All bytes, those behind `length` too. */
  get room(): Uint8Array {
    return this.#bytes;
  }

  view(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  #reserve(room: number): void {
    const bytes = new Uint8Array(2 * room);
    bytes.set(this.#bytes.subarray(0, this.length));
    this.#bytes = bytes;
  }
}

/** A list, in the block that holds it. */
export interface List {
  readonly block: Uint8Array;
  readonly at: number;
  readonly end: number;
}

/** The list of a term; `undefined` where no leaf of the run has it. @throws VeiltrailError `storage_damaged` */
export function findList({ directory, firstBlock }: Run, term: number, readBlock: ReadBlock): List | undefined {
  const firstTerms = new DataView(directory.buffer, directory.byteOffset, directory.length);
  let low = 0;
  let high = directory.length >>> 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (firstTerms.getUint32(4 * middle) <= term) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return undefined;
  const entries = new Entries(readBlock(firstBlock + low - 1), firstTerms.getUint32(4 * (low - 1)));
  while (entries.next()) if (entries.term >= term) return entries.term === term ? entries : undefined;
  return undefined;
}

/** The entries of a block, one after the other: the list is that of the one it is at. */
class Entries implements List {
  readonly block: Uint8Array;
  term: number;
  at = 0;
  end = 0;

  constructor(block: Uint8Array, firstTerm: number) {
    this.block = block;
    this.term = firstTerm;
  }

  next(): boolean {
    this.at = this.end;
    if (this.at >= this.block.length) return false;
    this.term += this.#varint();
    this.end = this.#varint() + this.at;
    if (this.end > this.block.length) throw damaged();
    return true;
  }

  #varint(): number {
    const { block } = this;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = block[this.at++];
      if (byte === undefined) throw damaged();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw damaged();
  }
}

/**
 * Reads a list.
 * @param room as many places as the run has leaves; they are overwritten
 * @returns how many leaves there are
 * @throws VeiltrailError `storage_damaged`
 */
export function readList({ block, at: start, end }: List, room: Uint32Array): number {
  let count = 0;
  let leaf = -1;
  for (let at = start; at < end;) {
    let byte = block[at++] as number;
    let step = byte & 0x7f;
    const following = step === 0 && byte === 0;
    if (following) {
      byte = at < end ? (block[at++] as number) : 0xff;
      step = byte & 0x7f;
    }
    for (let shift = 7; byte > 0x7f; shift += 7) {
      if (at >= end || shift > 28) throw damaged();
      byte = block[at++] as number;
      step |= (byte & 0x7f) << shift;
    }
    const last = leaf + step;
    if (step <= 0 || last >= room.length) throw damaged();
    if (following) while (leaf < last) room[count++] = ++leaf;
    else room[count++] = leaf = last;
  }
  return count;
}

/**
 * Writes several runs, each beginning where the one before it ends, as one.
 * @throws VeiltrailError `storage_damaged`
 */
export function mergeRuns(runs: readonly Run[], readBlock: ReadBlock, writer: RunWriter): void {
  const cursors = runs.map((run) => new RunCursor(run, readBlock));
  const firstLeaf = runs[0]?.firstLeaf ?? 0;
  for (;;) {
    let term = Infinity;
    for (let i = 0; i < cursors.length; i++) term = Math.min(term, (cursors[i] as RunCursor).term);
    if (term === Infinity) return;
    for (let i = 0; i < cursors.length; i++) {
      const cursor = cursors[i] as RunCursor;
      if (cursor.term !== term) continue;
      writer.addList(term, cursor.entries as List, cursor.run.firstLeaf - firstLeaf);
      cursor.next();
    }
  }
}

/** Goes through the terms of a run. */
class RunCursor {
  readonly run: Run;
  readonly #readBlock: ReadBlock;
  readonly #firstTerms: DataView;
  #block = 0;
  entries: Entries | undefined;
  /** Infinity behind the last one. */
  term = Infinity;

  constructor(run: Run, readBlock: ReadBlock) {
    this.run = run;
    this.#readBlock = readBlock;
    this.#firstTerms = new DataView(run.directory.buffer, run.directory.byteOffset, run.directory.length);
    this.next();
  }

  next(): void {
    while (!this.entries?.next()) {
      if (4 * this.#block >= this.#firstTerms.byteLength) {
        this.term = Infinity;
        return;
      }
      this.entries = new Entries(this.#readBlock(this.run.firstBlock + this.#block), this.#firstTerms.getUint32(4 * this.#block));
      this.#block++;
    }
    this.term = this.entries.term;
  }
}

/** Where the varint ends that begins at a place. */
function endOfVarint(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && (bytes[at] as number) > 0x7f) at++;
  return at + 1;
}

function sumOfVarints(bytes: Uint8Array, from: number, end: number): number {
  let sum = 0;
  let value = 0;
  let shift = 0;
  for (let at = from; at < end; at++) {
    const byte = bytes[at] as number;
    value |= (byte & 0x7f) << shift;
    shift += 7;
    if (byte > 0x7f) continue;
    sum += value;
    value = 0;
    shift = 0;
  }
  // Cut short, or no distance between leaves of one partition.
  if (shift > 0 || sum <= 0 || sum > leavesMax) throw damaged();
  return sum;
}

function damaged(): VeiltrailError {
  return new VeiltrailError('storage_damaged', 'a run of the index is damaged');
}
