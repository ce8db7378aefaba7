/**
 * Tokens that a worker has seen, so that the vault is asked once for a value and not once an event. Bounded; the oldest go first. The values
 * live in this process's memory only, as the events do while they are processed.
 */
import type { TokenNeed } from '../privacy/plan.ts';

/** Settles needs with the vault: one token each, in order, durable when it returns. */
export type SettleTokens = (needs: readonly TokenNeed[], scope: string) => Promise<string[]>;

export interface TokenCache {
  /**
   * Returns a function that knows the token of each of `needs`.
   * @param scope where the same value has the same token; '' is the whole installation
   */
  settle(needs: readonly TokenNeed[], scope?: string): Promise<(need: TokenNeed) => string>;
}

export function createTokenCache(settleTokens: SettleTokens, entriesMax = 50_000): TokenCache {
  // Two generations instead of a list by age: when the young one is full it becomes the old one, and the old one is forgotten. Never while needs
  // are looked up: what was found then stays in the generations at hand.
  let young = new Generation();
  let old = new Generation();

  return {
    async settle(needs, scope = '') {
      if (young.size >= entriesMax / 2) {
        old = young;
        young = new Generation();
      }
      const found = young;
      const missing: TokenNeed[] = [];
      const asked = new Generation();
      for (const need of needs) {
        if (found.get(need, scope) !== undefined) continue;
        const aged = old.get(need, scope);
        if (aged !== undefined) found.set(need, scope, aged);
        else if (asked.get(need, scope) === undefined) {
          asked.set(need, scope, '');
          missing.push(need);
        }
      }
      if (missing.length === 0) return (need) => found.get(need, scope) as string;
      const tokens = await settleTokens(missing, scope);
      // Others may have come and gone in the meantime.
      const settled = young;
      missing.forEach((need, at) => settled.set({ ...need, canonical: copyOf(need.canonical) }, scope, tokens[at] as string));
      return (need) => settled.get(need, scope) ?? (found.get(need, scope) as string);
    },
  };
}

/** Tokens by scope, kind and canonical value. */
class Generation {
  readonly #scopes = new Map<string, Map<string, Map<string, string>>>();
  size = 0;

  get({ kind, canonical }: TokenNeed, scope: string): string | undefined {
    return this.#scopes.get(scope)?.get(kind)?.get(canonical);
  }

  set({ kind, canonical }: TokenNeed, scope: string, token: string): void {
    let kinds = this.#scopes.get(scope);
    if (kinds === undefined) this.#scopes.set(scope, (kinds = new Map()));
    let tokens = kinds.get(kind);
    if (tokens === undefined) kinds.set(kind, (tokens = new Map()));
    if (!tokens.has(canonical)) this.size++;
    tokens.set(canonical, token);
  }
}

/** The same text in memory of its own: a part of a text keeps all of that text alive, and it may be a whole body. */
function copyOf(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}
