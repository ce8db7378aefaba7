/** From a value to its tokens, in every scope and under every version of the lookup key: for whoever may search by real values. */
import type { VaultSource } from '../storage/vault-store.ts';
import { formatToken, type Lookup } from './token.ts';

export interface FoundToken {
  token: string;
  /** See `formatScope`. */
  scope: string;
}

/** Lookups asked for at once. */
const lookupsEach = 4_096;
/** One value in more scopes than this is told of in the first ones only. */
export const foundTokensMax = 1_000;

/** @param lookups of all versions of the key that are left */
export async function findValue(source: VaultSource, lookups: readonly Lookup[], kind: string, canonical: string): Promise<FoundToken[]> {
  const found = new Map<string, FoundToken>();
  const scopes = await source.scopes();
  const scopesEach = Math.max(1, Math.floor(lookupsEach / lookups.length));
  for (let from = 0; from < scopes.length && found.size < foundTokensMax; from += scopesEach) {
    const some = scopes.slice(from, from + scopesEach);
    const asked = some.flatMap((scope) => lookups.map((lookup) => ({ scope, lookup: lookup(scope, kind, canonical) })));
    const tokens = await source.findTokens(asked.map(({ lookup }) => lookup));
    asked.forEach(({ scope }, i) => {
      const bytes = tokens[i];
      if (!bytes) return;
      const token = formatToken(bytes);
      found.set(token, { token, scope });
    });
  }
  return [...found.values()].slice(0, foundTokensMax);
}
