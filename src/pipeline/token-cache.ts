/**
 * Tokens that a worker has seen, so that the vault is asked once for a value and not once an event. Bounded; the oldest go first. The values
 * live in this process's memory only, as the events do while they are processed.
 */
import type { TokenNeed } from '../privacy/plan.ts';

/** Settles needs with the vault: one token each, in order, durable when it returns. */
export type SettleTokens = (needs: readonly TokenNeed[]) => Promise<string[]>;

export interface TokenCache {
  /** Returns a function that knows the token of each of `needs`. */
  settle(needs: readonly TokenNeed[]): Promise<(need: TokenNeed) => string>;
}

export function createTokenCache(settleTokens: SettleTokens, entriesMax = 50_000): TokenCache {
  // Two generations instead of a list by age: when the young one is full it becomes the old one, and the old one is forgotten.
  let young = new Map<string, string>();
  let old = new Map<string, string>();

  const remember = (key: string, token: string): void => {
    if (young.size >= entriesMax / 2) {
      old = young;
      young = new Map();
    }
    young.set(key, token);
  };
  const recall = (key: string): string | undefined => {
    const token = young.get(key);
    if (token !== undefined) return token;
    const aged = old.get(key);
    if (aged !== undefined) remember(key, aged);
    return aged;
  };

  return {
    async settle(needs) {
      const tokens = new Map<string, string>();
      const missing = new Map<string, TokenNeed>();
      for (const need of needs) {
        const key = keyOf(need);
        if (tokens.has(key) || missing.has(key)) continue;
        const known = recall(key);
        if (known === undefined) missing.set(key, need);
        else tokens.set(key, known);
      }
      if (missing.size > 0) {
        const settled = await settleTokens([...missing.values()]);
        [...missing.keys()].forEach((key, at) => {
          tokens.set(key, settled[at] as string);
          remember(key, settled[at] as string);
        });
      }
      return (need) => tokens.get(keyOf(need)) as string;
    },
  };
}

function keyOf(need: TokenNeed): string {
  return `${need.kind}\0${need.canonical}`;
}
