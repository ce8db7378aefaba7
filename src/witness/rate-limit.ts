/** A bucket of tokens for each name: so many at once, and so many a second from there on. Names are those of logs that are known: few. */
import type { Clock } from '../core/clock.ts';

export interface RateLimit {
  /** Takes a token: 0, or the milliseconds until there is one. */
  take(name: string): number;
}

export function createRateLimit({ burst, perSecond, clock }: { burst: number; perSecond: number; clock: Clock }): RateLimit {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  return {
    take(name) {
      const now = clock.now();
      const bucket = buckets.get(name) ?? { tokens: burst, atMs: now };
      buckets.set(name, bucket);
      // A clock that was set back gives nothing, and takes nothing.
      const passedMs = Math.max(0, now - bucket.atMs);
      bucket.tokens = Math.min(burst, bucket.tokens + (passedMs / 1_000) * perSecond);
      bucket.atMs = now;
      if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / perSecond) * 1_000);
      bucket.tokens--;
      return 0;
    },
  };
}
