/**
 * How much young memory a thread may use before it collects. V8's default (48 MB a thread) is meant for programs of one thread; ours has six.
 * Less is not better: with 12 MB a thread the server collected 609 times for 65,000 events, with 48 MB 181 times for 76,000, and each
 * time copied what a batch still held (docs/decisions/0013-memory.md).
 */
export const threadMemory = {
  /** Threads that make much garbage: the pipeline's workers. */
  busy: { maxYoungGenerationSizeMb: 36 },
  /** Those that verify: they read and hash as fast as they can, and nobody else does much meanwhile. */
  verifying: { maxYoungGenerationSizeMb: 9 },
  /** The others. */
  calm: { maxYoungGenerationSizeMb: 3 },
} as const;
