/** Leaf and node hashes (RFC 6962) of whole tiles, four at a time; a third of the time that one by one takes. See `lane-workspace.ts`. */
import { laneRowBytes } from './lane-sha256.ts';
import { laneWorkspace, workspaceStart, type LaneWorkspace } from './lane-workspace.ts';

const hashBytes = 32;
const blockBytes = 64;
/** Messages at a time: a tile of leaves, or the lowest level of nodes in one. */
const messagesMax = 256;
/** Fewer are not worth the framing. */
const worthwhile = 8;

const rowsAt = workspaceStart;
const hashesAt = rowsAt + (messagesMax + 4) * laneRowBytes;
/** Lanes of the last group that have nothing to do put their digests there. */
const nowhereAt = hashesAt + 2 * messagesMax * hashBytes;
const messagesAt = (nowhereAt + hashBytes + 63) & ~63;

/**
 * Leaf hashes of entries that are a version byte and a commitment.
 * @param commitments 32 bytes each; the answer is laid out the same
 * @returns undefined where this is not the way to do it
 */
export function hashEntriesInLanes(commitments: Uint8Array, version: number): Uint8Array | undefined {
  const count = commitments.length / hashBytes;
  const space = count < worthwhile ? undefined : laneWorkspace();
  if (space === undefined) return undefined;
  const { bytes } = space;
  const hashes = new Uint8Array(commitments.length);
  for (let from = 0; from < count; from += messagesMax) {
    const some = Math.min(messagesMax, count - from);
    bytes.fill(0, messagesAt, messagesAt + some * blockBytes);
    for (let i = 0, at = messagesAt, taken = from * hashBytes; i < some; i++, at += blockBytes, taken += hashBytes) {
      bytes[at + 1] = version;
      for (let k = 0; k < hashBytes; k++) bytes[at + 2 + k] = commitments[taken + k] as number;
      endMessage(bytes, at, 2 + hashBytes, 1);
    }
    digest(space, some, 1);
    hashes.set(bytes.subarray(hashesAt, hashesAt + some * hashBytes), from * hashBytes);
  }
  return hashes;
}

/**
 * The root over the hashes of a tile, 32 bytes each, 256 at the most.
 * @returns undefined where this is not the way to do it
 */
export function hashTileInLanes(tile: Uint8Array): Uint8Array | undefined {
  let count = tile.length / hashBytes;
  const space = count < worthwhile || count > messagesMax ? undefined : laneWorkspace();
  if (space === undefined) return undefined;
  const { bytes } = space;
  bytes.set(tile, hashesAt);
  bytes.fill(0, messagesAt, messagesAt + 2 * blockBytes * (count >> 1));
  for (let i = 0; i < count >> 1; i++) {
    const at = messagesAt + 2 * blockBytes * i;
    bytes[at] = 0x01;
    endMessage(bytes, at, 1 + 2 * hashBytes, 2);
  }
  while (count > 1) {
    const pairs = count >> 1;
    for (let i = 0, to = messagesAt + 1, from = hashesAt; i < pairs; i++, to += 2 * blockBytes, from += 2 * hashBytes)
      bytes.copyWithin(to, from, from + 2 * hashBytes);
    const odd = hashesAt + (count - 1) * hashBytes;
    digest(space, pairs, 2);
    // One left over goes up as it is: RFC 6962 gives the left side a power of two.
    if (count % 2 === 1) bytes.copyWithin(hashesAt + pairs * hashBytes, odd, odd + hashBytes);
    count -= pairs;
  }
  return bytes.slice(hashesAt, hashesAt + hashBytes);
}

/** Padding of a message whose blocks are zero behind its `length` bytes, up to 8,191 bits. */
function endMessage(bytes: Uint8Array, at: number, length: number, blocks: number): void {
  bytes[at + length] = 0x80;
  bytes[at + blocks * blockBytes - 2] = (8 * length) >>> 8;
  bytes[at + blocks * blockBytes - 1] = (8 * length) & 0xff;
}

/** Hashes `count` messages of so many blocks each; their digests go to `hashesAt`, one behind the other. */
function digest({ lanes, words }: LaneWorkspace, count: number, blocks: number): void {
  const groups = Math.ceil(count / 4);
  for (let i = 0, row = rowsAt / 4; i < 4 * groups; i++, row += 3) {
    const idle = i >= count;
    words[row] = messagesAt + (idle ? 0 : i * blocks * blockBytes);
    words[row + 1] = idle ? 0 : blocks;
    words[row + 2] = idle ? nowhereAt : hashesAt + i * hashBytes;
  }
  lanes.digest(rowsAt, groups);
}
