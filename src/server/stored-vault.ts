/** The vault of a data directory, for reading, with the driver it has. */
import { join } from 'node:path';
import { tokenBytes, TokenSet } from '../app/token-set.ts';
import type { SegmentName } from '../storage/segment-store.ts';
import { openSqliteVaultSource } from '../storage/sqlite/vault-source.ts';
import type { Keyring } from '../vault/keyring.ts';
import type { TombstoneRow, VaultSource } from '../storage/vault-store.ts';
import { digestOfTokens, type ErasedTokens } from '../vault/erasure.ts';
import { parseToken } from '../vault/token.ts';
import { type Restored, type TokenFinding, VaultReader, vaultSecrets } from '../vault/vault-reader.ts';

export interface StoredVault {
  bucketKey(log: string, bucket: number, generation?: number): Promise<Uint8Array>;
  segmentKey(name: SegmentName): Promise<Uint8Array>;
  /** Logs of which there are keys of buckets: those that ever took an event. */
  bucketKeyLogs(): Promise<string[]>;
  /** Of which segments there are keys. */
  segmentKeyNames(): Promise<SegmentName[]>;
  hasToken(token: string): Promise<boolean>;
  /** Tokens of the vault's rows in memory, `max` at the most: for who has many to look for. */
  tokensAtHand(max: number): Promise<TokenSet>;
  restore(token: string): Promise<Restored | undefined>;
  /** Tokens that each removal destroyed: how many, and `digestOfTokens`. */
  erasures(): AsyncIterable<ErasedTokens & { removal: string }>;
  erasedBy(removal: string): Promise<ErasedTokens>;
  /** Leaves that tell of removals. */
  tombstones(): Promise<TombstoneRow[]>;
  verifyTokens(): AsyncIterable<TokenFinding>;
  close(): Promise<void>;
}

export const vaultFileName = 'vault.db';

/** Works beside the process that writes the vault. @throws VeiltrailError those of `storage-error.ts` */
export function openStoredVault(dataDir: string, keyring: Keyring): StoredVault {
  const source = openSqliteVaultSource(join(dataDir, vaultFileName));
  // A server beside us may make another root or lookup key, and destroy the one that we know.
  const secrets = { ...vaultSecrets(keyring), freshRoots: () => keyring.readAgain('root'), freshLookups: () => keyring.readAgain('lookup') };
  const reader = new VaultReader(source, secrets);
  return {
    bucketKey: (log, bucket, generation) => reader.bucketKey(log, bucket, generation),
    segmentKey: (name) => reader.segmentKey(name),
    bucketKeyLogs: async () => [...new Set((await source.bucketKeys()).map(({ log }) => log))],
    segmentKeyNames: async () =>
      (await source.segmentKeys()).map(({ log, class: of, bucket, generation }) => ({ log, class: of, bucket, generation })),
    async hasToken(token) {
      const bytes = tokenOrNothing(token);
      return bytes !== undefined && (await source.findRow(bytes)) !== undefined;
    },
    async tokensAtHand(max) {
      const count = Math.min(max, await source.countTokens());
      const tokens = TokenSet.for(count);
      await source.eachToken(count, (token) => {
        if (token.length === tokenBytes) tokens.add(token); // another length is found where rows are verified
      });
      return tokens;
    },
    restore: (token) => reader.restore(token),
    erasures: () => erasures(source, ''),
    async erasedBy(removal) {
      for await (const erased of erasures(source, removal)) if (erased.removal === removal) return erased;
      return { count: 0, digest: digestOfTokens([]) };
    },
    tombstones: () => source.tombstones(),
    verifyTokens: () => reader.verifyTokens(),
    close: () => source.close(),
  };
}

const erasedPage = 4_096;

/** From a removal on, in the order of their ids. */
async function* erasures(source: VaultSource, from: string): AsyncGenerator<ErasedTokens & { removal: string }> {
  let removal = from;
  let tokens: Uint8Array[] = [];
  for (let token = new Uint8Array(0); ;) {
    const page = await source.readErased({ removal, token }, erasedPage);
    for (const row of page) {
      if (row.removal !== removal && tokens.length > 0) {
        yield { removal, count: tokens.length, digest: digestOfTokens(tokens) };
        tokens = [];
      }
      removal = row.removal;
      token = new Uint8Array(row.token);
      tokens.push(token);
    }
    if (page.length < erasedPage) break;
  }
  if (tokens.length > 0) yield { removal, count: tokens.length, digest: digestOfTokens(tokens) };
}

/** Undefined for what only looks like a token: a sender may write such a thing. */
function tokenOrNothing(text: string): Uint8Array | undefined {
  try {
    return parseToken(text);
  } catch {
    return undefined;
  }
}
