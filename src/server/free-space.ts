/** Below 5 % of free disk no event is taken any more, so that reading, and later erasing, still have room to work. */
import { statfsSync } from 'node:fs';
import { VeiltrailError } from '../core/errors.ts';

const freeShareMin = 0.05;
/** A large disk is not full at 5 %: this much is always enough. */
const freeBytesEnough = 2 * 1024 ** 3;
const lookAgainMs = 1_000;

/** Looks at the disk once a second at the most. */
export function createFreeSpaceGuard(dir: string): { refusal(): VeiltrailError | undefined } {
  let lookedMs = -Infinity;
  let refused: VeiltrailError | undefined;
  return {
    refusal() {
      const nowMs = performance.now();
      if (nowMs - lookedMs < lookAgainMs) return refused;
      lookedMs = nowMs;
      const { bavail, blocks, bsize } = statfsSync(dir);
      const full = bavail < blocks * freeShareMin && bavail * bsize < freeBytesEnough;
      refused = full ? new VeiltrailError('disk_full', 'less than 5 % of the disk is free: no event is taken until there is room') : undefined;
      return refused;
    },
  };
}
