/**
 * One memory with the lanes of `lane-sha256.ts` for everything that hashes many messages at once. Whoever uses it lays it out anew from
 * `start` on in every call and leaves nothing behind: calls are synchronous, so they never meet.
 */
import { createLaneSha256, laneMemoryStart, type LaneSha256 } from './lane-sha256.ts';

/** Units of 65,536 bytes. */
const pages = 24;

export interface LaneWorkspace {
  readonly lanes: LaneSha256;
  readonly bytes: Uint8Array;
  /** The same memory as little-endian words. */
  readonly words: Int32Array;
}

export const workspaceStart = laneMemoryStart;
export const workspaceEnd = pages * 65_536;

let workspace: LaneWorkspace | false | undefined;

/** Made at first use; undefined where there are no lanes to be had: the caller hashes one by one then. */
export function laneWorkspace(): LaneWorkspace | undefined {
  workspace ??= open() ?? false;
  return workspace === false ? undefined : workspace;
}

function open(): LaneWorkspace | undefined {
  const lanes = createLaneSha256(pages);
  return lanes && { lanes, bytes: new Uint8Array(lanes.memory.buffer), words: new Int32Array(lanes.memory.buffer) };
}
