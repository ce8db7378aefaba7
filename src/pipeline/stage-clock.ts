/**
 * What an event costs by stage, for the benchmark: `start`, then `lap(stage)` adds what has passed to that stage. Counts time or garbage, whichever
 * it is given to read. Absent in normal running.
 */
import { getHeapStatistics } from 'node:v8';

export type Stage = 'parse' | 'privacy' | 'commit';

export interface StageClock {
  start(): void;
  lap(stage: Stage): void;
  /** So far, in the unit of what is read. */
  readonly totals: Readonly<Record<Stage, number>>;
}

/** @param read rises with what is counted; where it falls, that lap is left out */
export function createStageClock(read: () => number = microseconds): StageClock {
  const totals: Record<Stage, number> = { parse: 0, privacy: 0, commit: 0 };
  const own = costOf(read);
  let at = 0;
  return {
    totals,
    start() {
      at = read();
    },
    lap(stage) {
      const now = read();
      if (now >= at) totals[stage] += now - at - own;
      at = now;
    },
  };
}

function microseconds(): number {
  return performance.now() * 1000;
}

/** Bytes on the heap and of array buffers: falls when the collector has run. */
export function allocatedBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

/** What reading adds by itself. */
function costOf(read: () => number): number {
  let least = Infinity;
  for (let i = 0; i < 100; i++) {
    const before = read();
    const cost = read() - before;
    if (cost >= 0) least = Math.min(least, cost);
  }
  return least;
}
