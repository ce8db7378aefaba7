/** A vault in a directory of its own, with its keyring; and a store that fails on command, before or after it did what it was asked. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openSqliteVaultSource } from '../../src/storage/sqlite/vault-source.ts';
import { openSqliteVaultStore, type SqliteVaultOptions } from '../../src/storage/sqlite/vault-store.ts';
import { storageError } from '../../src/storage/storage-error.ts';
import type { VaultStore } from '../../src/storage/vault-store.ts';
import { openKeyring } from '../../src/vault/keyring.ts';
import type { TokenNeed } from '../../src/vault/token.ts';
import { type TokenFinding, VaultReader, type VaultSecrets, vaultSecrets } from '../../src/vault/vault-reader.ts';
import { Vault, type VaultOptions } from '../../src/vault/vault.ts';

export const origin = 'localhost/veiltrail/test';
export const scope = 'installation';

export interface VaultDirectory {
  dir: string;
  keyringDir: string;
  path: string;
  secrets: VaultSecrets;
  remove(): void;
}

export function makeVaultDirectory(): VaultDirectory {
  const dir = mkdtempSync(join(tmpdir(), 'vault-'));
  const keyringDir = join(dir, 'keys');
  const secrets = vaultSecrets(openKeyring(keyringDir, { create: true }));
  return { dir, keyringDir, path: join(dir, 'vault.db'), secrets, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

export function openVault(at: VaultDirectory, options: VaultOptions & SqliteVaultOptions & { secrets?: VaultSecrets } = {}): Vault {
  return new Vault(openSqliteVaultStore(at.path, options), options.secrets ?? at.secrets, options);
}

/** Reads beside whoever writes, as another process would. */
export async function readVault<T>(at: VaultDirectory, read: (reader: VaultReader) => Promise<T>, secrets = at.secrets): Promise<T> {
  const source = openSqliteVaultSource(at.path);
  try {
    return await read(new VaultReader(source, secrets));
  } finally {
    await source.close();
  }
}

export async function verifyVault(
  at: VaultDirectory,
  secrets = at.secrets,
): Promise<{ tokens: number; problems: Exclude<TokenFinding, { tokens: number }>[] }> {
  return readVault(
    at,
    async (reader) => {
      let tokens = 0;
      const problems = [];
      for await (const finding of reader.verifyTokens()) {
        if ('tokens' in finding) tokens = finding.tokens;
        else problems.push(finding);
      }
      return { tokens, problems };
    },
    secrets,
  );
}

export function email(name: string): TokenNeed {
  return { kind: 'email', canonical: `${name.toLowerCase()}@example.org`, value: `${name}@Example.org` };
}

export function emails(from: number, to: number): TokenNeed[] {
  return Array.from({ length: to - from }, (_, i) => email(`person.${from + i}`));
}

export function settle(vault: Pick<Vault, 'settle'>, needs: readonly TokenNeed[], as: { origin?: string; scope?: string } = {}): Promise<string[]> {
  return vault.settle({ origin: as.origin ?? origin, scope: as.scope ?? scope, needs });
}

export function errorOf(code: string): Error {
  return expect.objectContaining({ name: 'VeiltrailError', code }) as Error;
}

type Writing = 'addTokens' | 'addBucketKey' | 'addSegmentKey' | 'replaceLookups' | 'tidy';

/**
 * The real store, of which one kind of write fails as long as `fails` says so.
 * @param errcode SQLite's result code: 13 full, 8 read-only, 10 I/O error
 */
export function failingStore(store: VaultStore, fails: { write: Writing; when: 'before' | 'after'; errcode: number; on: boolean }): VaultStore {
  return new Proxy(store, {
    get(target, name) {
      const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        const failing = fails.on && name === fails.write;
        if (failing && fails.when === 'before') throw storageError({ errcode: fails.errcode }, 'a test');
        const result = await method.apply(target, args);
        if (failing) throw storageError({ errcode: fails.errcode }, 'a test');
        return result;
      };
    },
  });
}
