/**
 * The commitments to many packed records at once, as a verifier needs them: the fields of several records are hashed together, those of one
 * length in the same lanes, so no lane waits for another (`packed-commitment.ts` hashes one record at a time, and a third of its lanes do).
 * It gives the same 32 bytes for each record, and refuses the same records.
 */
import { VeiltrailError } from '../core/errors.ts';
import { sha256Into, shake256Into } from '../core/sha256.ts';
import { digestBytes, saltBytes, seedBytes, writeCommitmentHead } from './commitment.ts';
import { laneRowBytes } from './lane-sha256.ts';
import { laneWorkspace, workspaceEnd, workspaceStart, type LaneWorkspace } from './lane-workspace.ts';
import { commitPacked } from './packed-commitment.ts';
import { packedForm } from './packed-record.ts';

const headerBytes = 1 + seedBytes + 4;
/** A record beyond these goes the other way, alone. */
const recordBytesMax = 32_768;
const recordFieldsMax = 512;
/** What is hashed together: enough to fill the lanes, little enough to stay in the processor's cache. */
const batchRecordsMax = 48;
const batchBytesMax = 65_536;
const batchFieldsMax = 1_536;
/** Rows are kept by the number of blocks of their message; the last list takes all longer ones. */
const lists = [1, 2, 3, 4, 8, 16, Infinity] as const;
const listBytes = (batchFieldsMax + 4) * laneRowBytes;

const packedAt = workspaceStart;
const seedAt = packedAt + batchBytesMax + 16;
const saltsAt = seedAt + seedBytes;
const valueListsAt = saltsAt + recordFieldsMax * saltBytes;
const fieldListsAt = valueListsAt + lists.length * listBytes;
/** Lanes of a list's last group that have nothing to do put their digests there. */
const nowhereAt = fieldListsAt + lists.length * listBytes;
/** 0x11 ‖ origin ‖ number of fields ‖ field digests, of each record; a head has 262 bytes at the most. */
const recordsAt = nowhereAt + digestBytes;
const messagesAt = (recordsAt + batchRecordsMax * 264 + batchFieldsMax * digestBytes + 63) & ~63;
/** A message has at most 1 + 16 + 9 or 1 + 32 + 9 bytes and a block less one byte beyond what is in the record; lanes read on behind the last. */
const messagesEnd = messagesAt + batchBytesMax + batchFieldsMax * (26 + 63 + 42 + 63) + recordBytesMax + 1_024;

/** List of a message, by its blocks, as far as that has a table. */
const listOf = Uint8Array.from({ length: 18 }, (_, blocks) => lists.findIndex((most) => blocks <= most));

interface Batch {
  readonly space: LaneWorkspace;
  readonly salts: Uint8Array;
  readonly seed: Uint8Array;
  readonly values: Uint32Array;
  readonly fields: Uint32Array;
  readonly origin: string;
  readonly head: Uint8Array;
  /** Where the next message goes. */
  messageAt: number;
}

/**
 * Commits to records of a chunk.
 * @param offsets where each record begins in `records`, and where the last one ends; ascending
 * @param from,end the records to commit to: places in `offsets`
 * @param out takes 32 bytes for each, the first at 0; what it had stays where a record is refused
 * @param onRefused told of each record that is none, with the error of {@link commitPacked}
 * @throws VeiltrailError `commitment_origin`
 */
export function commitPackedMany(
  origin: string,
  records: Uint8Array,
  offsets: Uint32Array,
  from: number,
  end: number,
  out: Uint8Array,
  onRefused: (record: number, error: VeiltrailError) => void,
): void {
  const batch = openBatch(origin);
  for (let next = from; next < end;) {
    const last = batch === undefined ? next : batchEnd(records, offsets, next, end);
    if (batch === undefined || last === next) {
      attempt(next, onRefused, () => {
        out.set(commitPacked(origin, records.subarray(offsets[next], offsets[next + 1])), digestBytes * (next - from));
      });
      next++;
    } else {
      commitBatch(batch, records, offsets, next, last, out.subarray(digestBytes * (next - from)), onRefused);
      next = last;
    }
  }
}

function attempt(record: number, onRefused: (record: number, error: VeiltrailError) => void, work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (!(error instanceof VeiltrailError) || error.code === 'commitment_origin') throw error;
    onRefused(record, error);
    return false;
  }
}

function openBatch(origin: string): Batch | undefined {
  const space = laneWorkspace();
  if (space === undefined || messagesEnd > workspaceEnd) return undefined;
  const { bytes } = space;
  const head = new Uint8Array(264);
  return {
    space,
    salts: bytes.subarray(saltsAt, valueListsAt),
    seed: bytes.subarray(seedAt, saltsAt),
    values: new Uint32Array(lists.length),
    fields: new Uint32Array(lists.length),
    origin,
    head: head.subarray(0, writeCommitmentHead(origin, head, 0)),
    messageAt: messagesAt,
  };
}

/** Where the batch ends that begins with this record: at the record itself, if that is not for a batch. */
function batchEnd(records: Uint8Array, offsets: Uint32Array, from: number, end: number): number {
  const start = offsets[from] as number;
  let fields = 0;
  let to = from;
  for (; to < end && to - from < batchRecordsMax; to++) {
    const at = offsets[to] as number;
    const behind = offsets[to + 1] as number;
    if (behind - at < headerBytes || behind - at > recordBytesMax || records[at] !== packedForm || behind - start > batchBytesMax) break;
    const count = readUint32(records, at + 1 + seedBytes);
    if (count === 0 || count > recordFieldsMax || fields + count > batchFieldsMax) break;
    fields += count;
  }
  return to;
}

function commitBatch(
  batch: Batch,
  records: Uint8Array,
  offsets: Uint32Array,
  from: number,
  end: number,
  out: Uint8Array,
  onRefused: (record: number, error: VeiltrailError) => void,
): void {
  const { space, values, fields, head } = batch;
  const { bytes } = space;
  const start = offsets[from] as number;
  bytes.set(records.subarray(start, offsets[end]), packedAt);
  values.fill(0);
  fields.fill(0);
  const framed: { record: number; at: number; length: number }[] = [];
  batch.messageAt = messagesAt;
  let recordAt = recordsAt;
  for (let record = from; record < end; record++) {
    const at = packedAt + (offsets[record] as number) - start;
    const count = readUint32(bytes, at + 1 + seedBytes);
    bytes.set(head, recordAt);
    bytes.copyWithin(recordAt + head.length, at + 1 + seedBytes, at + headerBytes);
    const digestsAt = recordAt + head.length + 4;
    bytes.copyWithin(seedAt, at + 1, at + 1 + seedBytes);
    shake256Into(batch.seed, batch.salts, saltBytes * count);
    const good = attempt(record, onRefused, () =>
      frameFields(batch, at + headerBytes, packedAt + (offsets[record + 1] as number) - start, count, digestsAt),
    );
    const length = digestsAt + digestBytes * count - recordAt;
    if (good) framed.push({ record, at: recordAt, length });
    recordAt += length;
  }
  digestLists(space, valueListsAt, values);
  digestLists(space, fieldListsAt, fields);
  for (const { record, at, length } of framed) sha256Into(bytes.subarray(at, at + length), out, digestBytes * (record - from));
}

/**
 * Writes the messages of a record's fields, and their rows into the lists. Those of a record that is refused in its middle stay, and are hashed
 * for nobody: their places are not given to others.
 */
function frameFields(batch: Batch, from: number, end: number, count: number, digestsAt: number): void {
  const { space, values, fields } = batch;
  const { lanes, bytes } = space;
  let at = from;
  let previousAt = 0;
  let previousBytes = -1;
  for (let i = 0; i < count; i++) {
    const pointerBytes = at + 2 <= end ? ((bytes[at] as number) << 8) | (bytes[at + 1] as number) : Infinity;
    const valueAt = at + 2 + pointerBytes + 4;
    const valueBytes = valueAt <= end ? readUint32(bytes, valueAt - 4) : Infinity;
    if (valueAt + valueBytes > end) throw bad('cut short');
    if (compareBytes(bytes, previousAt, previousBytes, at + 2, pointerBytes) >= 0) throw bad('fields out of order');
    previousAt = at + 2;
    previousBytes = pointerBytes;
    const to = batch.messageAt;
    const valueBlocks = lanes.frameValue(to, saltsAt + saltBytes * i, valueAt, valueBytes);
    const fieldAt = to + 64 * valueBlocks;
    const fieldBlocks = lanes.frameField(fieldAt, at, 2 + pointerBytes);
    addRow(space, valueListsAt, values, to, valueBlocks, fieldAt + 3 + pointerBytes);
    addRow(space, fieldListsAt, fields, fieldAt, fieldBlocks, digestsAt + digestBytes * i);
    batch.messageAt = fieldAt + 64 * fieldBlocks;
    at = valueAt + valueBytes;
  }
  if (at !== end) throw bad('bytes behind its end');
}

function addRow({ words }: LaneWorkspace, listsAt: number, rows: Uint32Array, at: number, blocks: number, digestAt: number): void {
  const list = listOf[Math.min(blocks, 17)] as number;
  const row = (listsAt + list * listBytes) / 4 + 3 * (rows[list] as number);
  words[row] = at;
  words[row + 1] = blocks;
  words[row + 2] = digestAt;
  rows[list] = (rows[list] as number) + 1;
}

function digestLists({ lanes, words }: LaneWorkspace, listsAt: number, rows: Uint32Array): void {
  for (let list = 0; list < lists.length; list++) {
    const count = rows[list] as number;
    if (count === 0) continue;
    const groups = Math.ceil(count / 4);
    const table = listsAt + list * listBytes;
    for (let row = count; row < 4 * groups; row++) {
      words[table / 4 + 3 * row] = messagesAt;
      words[table / 4 + 3 * row + 1] = 0;
      words[table / 4 + 3 * row + 2] = nowhereAt;
    }
    lanes.digest(table, groups);
  }
}

/** As `compareUtf8` of the texts: below zero when the first comes first. A length below zero comes before everything. */
function compareBytes(bytes: Uint8Array, aAt: number, aBytes: number, bAt: number, bBytes: number): number {
  const length = Math.min(aBytes, bBytes);
  for (let i = 0; i < length; i++) {
    const difference = (bytes[aAt + i] as number) - (bytes[bAt + i] as number);
    if (difference !== 0) return difference;
  }
  return aBytes - bBytes;
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) * 0x100_0000 + (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
}

function bad(what: string): VeiltrailError {
  return new VeiltrailError('bad_record', `not a packed record: ${what}`);
}
