/**
 * The commitments to many packed records at once: the fields of all of them are hashed in the lanes of `lane-sha256.ts`, those of one length
 * together, so that no lane waits for another. No text is decoded. It gives the same 32 bytes for each record as `commitFields` of what `unpackRecord`
 * reads, and refuses the same records; but invalid UTF-8, which no record has that was packed here, it may take.
 */
import { VeiltrailError } from '../core/errors.ts';
import { sha256Into } from '../core/sha256.ts';
import { commitFields, digestBytes, saltBytes, seedBytes, writeCommitmentHead } from './commitment.ts';
import { fieldListsAt, laneRowBytes, listBlocksMax, valueListsAt } from './lane-frame.ts';
import { shakeBlockBytes } from './lane-shake.ts';
import { laneWorkspace, workspaceEnd, workspaceStart, type LaneWorkspace } from './lane-workspace.ts';
import { packedForm, unpackRecord } from './packed-record.ts';
import { commitRedacted, redactedForm } from './redacted-record.ts';

const headerBytes = 1 + seedBytes + 4;
/** A record beyond these goes the other way, alone. */
const recordBytesMax = 32_768;
const recordFieldsMax = 512;
/** What is hashed together: enough to fill the lanes, little enough to stay in the processor's cache. */
const batchRecordsMax = 64;
const batchBytesMax = 98_304;
const batchFieldsMax = 2_048;
const headMax = 264;

/** The memory of the lanes, in the order of addresses; messages last, with room behind them for what lanes read and write too much. */
const packedAt = workspaceStart;
const saltsAt = packedAt + batchBytesMax + 16;
/** Of two records, as many blocks for each as the one with more fields needs. */
const saltsMax = 2 * (recordFieldsMax * saltBytes + shakeBlockBytes);
/** Rows of messages are kept by their blocks; a list takes up to three that the one before has over. */
const listBytes = (batchFieldsMax + 8) * laneRowBytes;
const valueRowsAt = saltsAt + saltsMax;
const fieldRowsAt = valueRowsAt + (listBlocksMax + 1) * listBytes;
/** Where the lanes of a group that has fewer than four messages put their digest of nothing. */
const nowhereAt = fieldRowsAt + (listBlocksMax + 1) * listBytes;
/** 0x11 ‖ origin ‖ number of fields ‖ field digests, of each record. */
const recordsAt = nowhereAt + digestBytes;
const messagesAt = (recordsAt + batchRecordsMax * headMax + batchFieldsMax * digestBytes + 63) & ~63;
/** A message has at most 1 + 16 + 9 or 1 + 32 + 9 bytes and a block less one byte beyond what is in the record. */
const messagesEnd = messagesAt + batchBytesMax + batchFieldsMax * (26 + 63 + 42 + 63) + recordBytesMax + 1_024;

type OnRefused = (record: number, error: VeiltrailError) => void;

/** 0x11 ‖ uint16be(length) ‖ origin, of the origin that was committed to last. */
const head = new Uint8Array(headMax);
let headBytes = 0;
let headOrigin = '';

/**
 * Commits to records of a chunk.
 * @param offsets where each record begins in `records`, and where the last one ends; ascending
 * @param from,end the records to commit to: places in `offsets`
 * @param out takes 32 bytes for each, the first at 0; what it had stays where a record is refused
 * @param onRefused told of each record that is none, with the error of `unpackRecord` or `commitFields`. Absent where the records were packed just now, and
 * nothing about them is in doubt: then their order of fields is not checked, and what is no record after all throws.
 * @throws VeiltrailError `commitment_origin`
 */
export function commitPackedMany(
  origin: string,
  records: Uint8Array,
  offsets: Uint32Array,
  from: number,
  end: number,
  out: Uint8Array,
  onRefused?: OnRefused,
): void {
  const space = messagesEnd > workspaceEnd ? undefined : laneWorkspace();
  if (origin !== headOrigin || origin === '') {
    headBytes = writeCommitmentHead(origin, head, 0);
    headOrigin = origin;
  }
  for (let next = from; next < end;) {
    const last = space === undefined ? next : batchEnd(records, offsets, next, end);
    if (space === undefined || last === next) {
      commitAlone(origin, records.subarray(offsets[next], offsets[next + 1]), next, out, digestBytes * (next - from), onRefused);
      next++;
    } else {
      const refused = commitBatch(space, records, offsets, next, last, out, digestBytes * (next - from), onRefused !== undefined);
      for (const record of refused)
        commitAlone(origin, records.subarray(offsets[record], offsets[record + 1]), record, out, digestBytes * (record - from), onRefused);
      next = last;
    }
  }
}

function commitAlone(origin: string, packed: Uint8Array, record: number, out: Uint8Array, at: number, onRefused?: OnRefused): void {
  try {
    out.set(commitOne(origin, packed), at);
  } catch (error) {
    if (!(error instanceof VeiltrailError) || onRefused === undefined) throw error;
    // One code for what is no record, whichever way it was read.
    onRefused(record, error.code === 'invalid_utf8' ? new VeiltrailError('bad_record', 'not a packed record: not UTF-8') : error);
  }
}

function commitOne(origin: string, packed: Uint8Array): Uint8Array {
  if (packed[0] === redactedForm) return commitRedacted(origin, packed);
  const { fields, seed } = unpackRecord(packed);
  return commitFields(origin, fields, seed);
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
    const count = readUint32(records, at + headerBytes - 4);
    if (count === 0 || count > recordFieldsMax || fields + count > batchFieldsMax) break;
    fields += count;
  }
  return to;
}

/** Commits to what fits in memory together. Returns the records that are none. */
function commitBatch(
  space: LaneWorkspace,
  records: Uint8Array,
  offsets: Uint32Array,
  from: number,
  end: number,
  out: Uint8Array,
  outAt: number,
  checked: boolean,
): number[] {
  const { bytes, words, lanes } = space;
  const start = offsets[from] as number;
  const refused: number[] = [];
  bytes.set(records.subarray(start, offsets[end]), packedAt);
  for (let list = 0; list <= listBlocksMax; list++) {
    words[valueListsAt / 4 + list] = valueRowsAt + list * listBytes;
    words[fieldListsAt / 4 + list] = fieldRowsAt + list * listBytes;
  }
  let to = messagesAt;
  let recordAt = recordsAt;
  let secondSaltsAt = 0;
  for (let record = from; record < end; record++) {
    const at = packedAt + (offsets[record] as number) - start;
    const behind = packedAt + (offsets[record + 1] as number) - start;
    const count = readUint32(bytes, at + headerBytes - 4);
    const second = (record - from) % 2 === 1;
    if (!second) {
      const alone = record + 1 === end;
      const blocks = Math.ceil((saltBytes * Math.max(count, alone ? 0 : readUint32(bytes, behind + headerBytes - 4))) / shakeBlockBytes);
      secondSaltsAt = saltsAt + blocks * shakeBlockBytes;
      lanes.shake(at + 1, saltsAt, alone ? at + 1 : behind + 1, secondSaltsAt, blocks);
    }
    for (let i = 0; i < headBytes; i++) bytes[recordAt + i] = head[i] as number;
    for (let i = 0; i < 4; i++) bytes[recordAt + headBytes + i] = bytes[at + headerBytes - 4 + i] as number;
    const lists = checked ? words.slice(valueListsAt / 4, fieldListsAt / 4 + listBlocksMax + 1) : undefined;
    const salts = second ? secondSaltsAt : saltsAt;
    const framed = lanes.frameRecord(at + headerBytes, behind, count, salts, to, recordAt + headBytes + 4, checked ? 1 : 0);
    if (framed !== 0) to = framed;
    else {
      // The rows of its first fields are taken back, for the next record's messages go where theirs were.
      if (lists) words.set(lists, valueListsAt / 4);
      refused.push(record);
    }
    recordAt += headBytes + 4 + digestBytes * count;
  }
  digestLists(space, valueListsAt, valueRowsAt);
  digestLists(space, fieldListsAt, fieldRowsAt);
  recordAt = recordsAt;
  for (let record = from; record < end; record++) {
    const at = packedAt + (offsets[record] as number) - start;
    const length = headBytes + 4 + digestBytes * readUint32(bytes, at + headerBytes - 4);
    if (!refused.includes(record)) sha256Into(bytes.subarray(recordAt, recordAt + length), out, outAt + digestBytes * (record - from));
    recordAt += length;
  }
  return refused;
}

/** Hashes the messages of all lists; what does not fill a group is hashed with the next longer ones. */
function digestLists({ bytes, words, lanes }: LaneWorkspace, listsAt: number, rowsOfListsAt: number): void {
  for (let list = 1; list < listBlocksMax; list++) {
    const rowsAt = rowsOfListsAt + list * listBytes;
    let rows = ((words[listsAt / 4 + list] as number) - rowsAt) / laneRowBytes;
    const over = rows % 4;
    if (over > 0 && list < listBlocksMax - 1) {
      const nextAt = words[listsAt / 4 + list + 1] as number;
      words.copyWithin(nextAt / 4, (rowsAt + (rows - over) * laneRowBytes) / 4, (rowsAt + rows * laneRowBytes) / 4);
      words[listsAt / 4 + list + 1] = nextAt + over * laneRowBytes;
      rows -= over;
    }
    for (; rows % 4 !== 0; rows++) words.set([messagesAt, 0, nowhereAt], (rowsAt + rows * laneRowBytes) / 4);
    if (rows > 0) lanes.digest(rowsAt, rows / 4);
  }
  // The longest ones are better off with Node, which hashes twice as fast once it is called. Their length in bits stands at their end.
  const behind = (words[listsAt / 4 + listBlocksMax] as number) / 4;
  for (let row = (rowsOfListsAt + listBlocksMax * listBytes) / 4; row < behind; row += laneRowBytes / 4) {
    const at = words[row] as number;
    const length = readUint32(bytes, at + 64 * (words[row + 1] as number) - 4) / 8;
    sha256Into(bytes.subarray(at, at + length), bytes, words[row + 2] as number);
  }
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) * 0x100_0000 + (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
}
