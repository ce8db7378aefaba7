/**
 * How much young memory a thread may use before it collects. V8's default (48 MB a thread) is meant for programs of one thread; ours has six,
 * whose short-lived objects are gone within a batch. Measured with the benchmark: a third less memory, no difference in events a second.
 */
export const threadMemory = {
  /** Threads that make much garbage: the pipeline's workers. */
  busy: { maxYoungGenerationSizeMb: 32 },
  /** The others. */
  calm: { maxYoungGenerationSizeMb: 6 },
} as const;
