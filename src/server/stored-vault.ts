/** The vault of a data directory, for reading, with the driver it has. */
import { join } from 'node:path';
import { tokenBytes, TokenSet } from '../app/token-set.ts';
import type { SegmentName } from '../storage/segment-store.ts';
import { openSqliteVaultSource } from '../storage/sqlite/vault-source.ts';
import type { Keyring } from '../vault/keyring.ts';
import { parseToken } from '../vault/token.ts';
import { type Restored, type TokenFinding, VaultReader, vaultSecrets } from '../vault/vault-reader.ts';

export interface StoredVault {
  bucketKey(log: string, bucket: number, generation?: number): Promise<Uint8Array>;
  segmentKey(name: SegmentName): Promise<Uint8Array>;
  hasToken(token: string): Promise<boolean>;
  /** Tokens of the vault's rows in memory, `max` at the most: for who has many to look for. */
  tokensAtHand(max: number): Promise<TokenSet>;
  restore(token: string): Promise<Restored | undefined>;
  verifyTokens(): AsyncIterable<TokenFinding>;
  close(): Promise<void>;
}

export const vaultFileName = 'vault.db';

/** Works beside the process that writes the vault. @throws VeiltrailError those of `storage-error.ts` */
export function openStoredVault(dataDir: string, keyring: Keyring): StoredVault {
  const source = openSqliteVaultSource(join(dataDir, vaultFileName));
  // A server beside us may make another root, and destroy the one that we know.
  const reader = new VaultReader(source, { ...vaultSecrets(keyring), freshRoots: () => keyring.readAgain('root') });
  return {
    bucketKey: (log, bucket, generation) => reader.bucketKey(log, bucket, generation),
    segmentKey: (name) => reader.segmentKey(name),
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
    verifyTokens: () => reader.verifyTokens(),
    close: () => source.close(),
  };
}

/** Undefined for what only looks like a token: a sender may write such a thing. */
function tokenOrNothing(text: string): Uint8Array | undefined {
  try {
    return parseToken(text);
  } catch {
    return undefined;
  }
}
