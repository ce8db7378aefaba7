/** CPU time by stage, for the benchmark: `start`, then `lap(stage)` adds what has passed to that stage. Absent in normal running. */
export type Stage = 'parse' | 'privacy' | 'commit';

export interface StageClock {
  start(): void;
  lap(stage: Stage): void;
  /** Microseconds so far. */
  readonly us: Readonly<Record<Stage, number>>;
}

export function createStageClock(): StageClock {
  const us: Record<Stage, number> = { parse: 0, privacy: 0, commit: 0 };
  let at = 0;
  return {
    us,
    start() {
      at = performance.now();
    },
    lap(stage) {
      const now = performance.now();
      us[stage] += (now - at) * 1000;
      at = now;
    },
  };
}
