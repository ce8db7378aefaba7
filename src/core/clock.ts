/** Time, as a port: tests and simulations bring their own. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. May jump; whoever needs order keeps the largest it saw. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
