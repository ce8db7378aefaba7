/**
 * Trying again: after 429 and 503, when the server says so (`Retry-After`, seconds) or else with waits that double, each drawn at random from
 * its upper half so that many clients do not come back together. Everything else is final, but for a request that may be repeated without
 * harm, which is also tried again when no answer came.
 */

export interface RetryOptions {
  /** Tries after the first [6]. */
  retriesMax: number;
  /** Of the first wait; it doubles from there [250]. */
  waitMs: number;
  /** No wait is longer [30,000]. */
  waitMsMax: number;
}

export const retryDefaults: RetryOptions = { retriesMax: 6, waitMs: 250, waitMsMax: 30_000 };

/** Milliseconds before try number `tried` + 1; `undefined` when it is not to be tried again. */
export function waitBeforeRetry(
  tried: number,
  retryAfter: string | null,
  { retriesMax, waitMs, waitMsMax }: RetryOptions,
  chance = Math.random(),
): number | undefined {
  if (tried > retriesMax) return undefined;
  if (retryAfter !== null && /^\d{1,6}$/.test(retryAfter)) return Math.min(waitMsMax, Number(retryAfter) * 1000) + chance * waitMs;
  return Math.min(waitMsMax, waitMs * 2 ** (tried - 1)) * (0.5 + chance / 2);
}

/** Waits; ends early, with the signal's reason, when it is aborted. */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
