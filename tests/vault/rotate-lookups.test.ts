/** Rotating the lookup key: every value keeps its token, wherever a crash comes; nothing is under the old version at the end. */
import { spawn } from 'node:child_process';
import { DatabaseSync } from 'node:sqlite';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteVaultStore } from '../../src/storage/sqlite/vault-store.ts';
import type { VaultStore } from '../../src/storage/vault-store.ts';
import { prepareKeyDirectory } from '../../src/vault/key-file.ts';
import { addSecretVersion, destroySecretVersion, openKeyring, type Secret } from '../../src/vault/keyring.ts';
import { Vault } from '../../src/vault/vault.ts';
import { keeperOf } from '../../src/vault/vault-thread.ts';
import { openSqliteVaultSource } from '../../src/storage/sqlite/vault-source.ts';
import { type TokenFinding, VaultReader, vaultSecrets, type VaultSecrets } from '../../src/vault/vault-reader.ts';
import { emails, errorOf, failingStore, makeVaultDirectory, openVault, settle, type VaultDirectory, verifyVault } from './open-vault.ts';

let at: VaultDirectory;
beforeEach(() => {
  at = makeVaultDirectory();
});
afterEach(() => at.remove());

const lookupsOf = (): readonly Secret[] => openKeyring(at.keyringDir, { create: false }).secrets('lookup');
const secretsNow = (): VaultSecrets => vaultSecrets(openKeyring(at.keyringDir, { create: false }));
const newestOnly = (): VaultSecrets => ({ ...secretsNow(), lookups: secretsNow().lookups.slice(0, 1) });

describe('a rotation', () => {
  it('leaves every value its token, and nothing under the old version', async () => {
    const vault = openVault(at, { recentRowsMin: 64 });
    const needs = emails(0, 700);
    const tokens = await settle(vault, needs.slice(0, 500));
    addSecretVersion(at.keyringDir, 'lookup');
    expect(await vault.rotateLookups(lookupsOf())).toEqual({ rows: 500, unreadable: 0 });
    tokens.push(...(await settle(vault, needs.slice(500))));
    await vault.forgetLookups();
    destroySecretVersion(at.keyringDir, 'lookup', 1);
    expect(await settle(vault, needs)).toEqual(tokens);
    await vault.close();
    expect(lookupsOf().map(({ version }) => version)).toEqual([2]);
    expect(await verifyVault(at, secretsNow())).toEqual({ tokens: 700, problems: [] });
    const again = openVault(at, { secrets: secretsNow(), recentRowsMin: 64 });
    expect(await settle(again, needs)).toEqual(tokens);
    await again.close();
  });

  it('keeps correlation while it is under way: old values, new ones, and those that come at the same time', async () => {
    const vault = openVault(at, { recentRowsMin: 32 });
    const needs = emails(0, 2_000);
    const tokens = await settle(vault, needs.slice(0, 1_500));
    addSecretVersion(at.keyringDir, 'lookup');
    const rotated = vault.rotateLookups(lookupsOf());
    let isUnderWay = true;
    void rotated.then(() => (isUnderWay = false));
    const during: string[][] = [];
    let answeredMeanwhile = 0;
    for (let from = 0; from < 2_000; from += 100) {
      during.push(await settle(vault, needs.slice(from, from + 100)));
      if (isUnderWay) answeredMeanwhile++;
    }
    expect((await rotated).rows).toBe(1_500);
    // Nobody waits for its end.
    expect(answeredMeanwhile).toBeGreaterThan(1);
    expect(during.flat().slice(0, 1_500)).toEqual(tokens);
    expect(new Set(during.flat()).size).toBe(2_000);
    await vault.close();
    expect(await verifyVault(at, newestOnly())).toEqual({ tokens: 2_000, problems: [] });
  });

  it('moves rows that the index has, that wait for it, and that are on their way into it', async () => {
    for (const recentRowsMin of [1, 100, 100_000]) {
      const vault = openVault(at, { recentRowsMin, secrets: secretsNow() });
      const needs = emails(0, 3_000);
      const tokens = await settle(vault, needs);
      addSecretVersion(at.keyringDir, 'lookup');
      await vault.rotateLookups(lookupsOf());
      await settle(vault, emails(3_000, 3_010));
      await vault.close();
      const reopened = openVault(at, { secrets: newestOnly() });
      expect(await settle(reopened, needs), String(recentRowsMin)).toEqual(tokens);
      await reopened.close();
      const database = new DatabaseSync(at.path, { readOnly: true });
      const stale = `SELECT count(*) AS n FROM by_lookup JOIN tokens USING (id)
        WHERE hex(substr(lookup, 1, 6)) <> printf('%012X', prefix)`;
      expect(database.prepare(stale).get()?.['n']).toBe(0);
      database.close();
    }
  });

  it('again rewraps nothing, and a third version is one more', async () => {
    const vault = openVault(at);
    const tokens = await settle(vault, emails(0, 10));
    expect(await vault.rotateLookups(lookupsOf())).toEqual({ rows: 0, unreadable: 0 });
    addSecretVersion(at.keyringDir, 'lookup');
    addSecretVersion(at.keyringDir, 'lookup');
    expect(lookupsOf().map(({ version }) => version)).toEqual([3, 2, 1]);
    expect(await vault.rotateLookups(lookupsOf())).toEqual({ rows: 10, unreadable: 0 });
    expect(await settle(vault, emails(0, 10))).toEqual(tokens);
    await vault.close();
  });
});

describe('whoever verifies beside it', () => {
  it('takes no row for damaged whose lookup was replaced meanwhile', async () => {
    const vault = openVault(at);
    await settle(vault, emails(0, 5_000));
    const fresh: VaultSecrets = { ...at.secrets, freshLookups: () => lookupsOf() };
    const source = openSqliteVaultSource(at.path);
    const reader = new VaultReader(source, fresh);
    const problems: TokenFinding[] = [];
    let rotated: Promise<unknown> | undefined;
    let tokens = 0;
    for await (const finding of reader.verifyTokens()) {
      if ('tokens' in finding) tokens = finding.tokens;
      else problems.push(finding);
      if (rotated) continue;
      addSecretVersion(at.keyringDir, 'lookup');
      rotated = vault.rotateLookups(lookupsOf());
      await rotated;
    }
    expect([tokens, problems]).toEqual([5_000, []]);
    await source.close();
    await vault.close();
  });
});

describe('a crash', () => {
  /** A store that takes `writes` replacements and then dies. */
  function dyingStore(store: VaultStore, writes: number): VaultStore {
    let left = writes;
    return new Proxy(store, {
      get(target, name) {
        const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
        return (...args: unknown[]) => {
          if (name === 'replaceLookups' && left-- <= 0) return Promise.reject(new Error('killed'));
          return method.apply(target, args);
        };
      },
    });
  }

  it.each([0, 1, 2])('after %i pages leaves a vault that goes on where it was', async (pages) => {
    const needs = emails(0, 700);
    const before = openVault(at);
    const tokens = await settle(before, needs);
    await before.close();
    addSecretVersion(at.keyringDir, 'lookup');
    const store = openSqliteVaultStore(at.path);
    const dying = new Vault(dyingStore(store, pages), at.secrets, { onFailure: () => undefined });
    await expect(dying.rotateLookups(lookupsOf())).rejects.toThrow('killed');
    await store.close();
    // Both versions are needed, and both are there.
    expect(await verifyVault(at, secretsNow())).toEqual({ tokens: 700, problems: [] });
    const after = openVault(at, { secrets: secretsNow() });
    expect(await settle(after, needs)).toEqual(tokens);
    expect(await after.rotateLookups(lookupsOf())).toEqual({ rows: 700 - 256 * pages, unreadable: 0 });
    await after.close();
    expect(await verifyVault(at, newestOnly())).toEqual({ tokens: 700, problems: [] });
  });

  it('of the disk is refused, and nothing is half done', async () => {
    const vault = openVault(at);
    await settle(vault, emails(0, 300));
    await vault.close();
    addSecretVersion(at.keyringDir, 'lookup');
    const fails = { write: 'replaceLookups' as const, when: 'before' as const, errcode: 13, on: true };
    const full = new Vault(failingStore(openSqliteVaultStore(at.path), fails), at.secrets);
    await expect(full.rotateLookups(lookupsOf())).rejects.toEqual(errorOf('disk_full'));
    expect(await settle(full, emails(0, 300))).toHaveLength(300);
    fails.on = false;
    expect(await full.rotateLookups(lookupsOf())).toEqual({ rows: 300, unreadable: 0 });
    await full.close();
  });
});

describe('kill -9', () => {
  it('at any moment of rotations of lookup key and root loses no value its token, and the next start goes on', async () => {
    const needs = emails(0, 1_500);
    const first = openVault(at);
    const tokens = await settle(first, needs);
    await first.close();
    let done = 0;
    for (const afterMs of [0, 15, 40, 90, 160]) {
      done += await killRotating(afterMs);
      // As a start does: what a destruction left is destroyed, then both versions are there, or one.
      openKeyring(at.keyringDir, { create: true });
      expect(readdirSync(at.keyringDir).filter((name) => name.startsWith('.tmp'))).toEqual([]);
      const vault = openVault(at, { secrets: secretsNow(), keeper: keeperOf(at.keyringDir) });
      expect(await settle(vault, needs)).toEqual(tokens);
      expect((await vault.rotateLookups(lookupsOf())).unreadable).toBe(0);
      await vault.forgetLookups();
      for (const { version } of lookupsOf().slice(1)) destroySecretVersion(at.keyringDir, 'lookup', version);
      await vault.finishErasure([]);
      await vault.close();
      const { roots, lookups } = secretsNow();
      expect([roots.length, lookups.length]).toEqual([1, 1]);
      expect(await verifyVault(at, secretsNow())).toEqual({ tokens: 1_500, problems: [] });
    }
    expect(done).toBeGreaterThan(0);
  });

  /** @returns how many rotations came to an end */
  async function killRotating(afterMs: number): Promise<number> {
    const child = spawn(process.execPath, [new URL('./rotating-process.ts', import.meta.url).pathname, at.dir, at.keyringDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (output === '') setTimeout(() => child.kill('SIGKILL'), afterMs);
      output += chunk.toString();
    });
    await new Promise((resolve) => child.on('close', resolve));
    return output.split('\n').length - 1;
  }
});

describe('a row that does not open', () => {
  it('keeps the old version needed', async () => {
    const vault = openVault(at);
    await settle(vault, emails(0, 3));
    await vault.close();
    const database = new DatabaseSync(at.path);
    database.exec("UPDATE tokens SET sealed = x'01020304' WHERE id = 2");
    database.close();
    addSecretVersion(at.keyringDir, 'lookup');
    const damaged = openVault(at);
    expect(await damaged.rotateLookups(lookupsOf())).toEqual({ rows: 2, unreadable: 1 });
    await damaged.close();
  });
});

describe('versions of a secret', () => {
  it('are made one by one, and the newest stays', () => {
    const made = addSecretVersion(at.keyringDir, 'pseudonym');
    expect(made.version).toBe(2);
    expect(openKeyring(at.keyringDir, { create: false }).secret('pseudonym').key).toEqual(made.key);
    expect(() => destroySecretVersion(at.keyringDir, 'pseudonym', 2)).toThrow(errorOf('key_in_use') as unknown as Error);
    expect(() => destroySecretVersion(at.keyringDir, 'pseudonym', 7)).toThrow(errorOf('key_file_missing') as unknown as Error);
    const file = readdirSync(at.keyringDir).find((name) => name.startsWith('pseudonym.v1')) as string;
    const bytes = readFileSync(join(at.keyringDir, file), 'utf8');
    destroySecretVersion(at.keyringDir, 'pseudonym', 1);
    const secret = bytes.split('+').at(-1)?.trim() as string;
    for (const name of readdirSync(at.keyringDir)) expect(readFileSync(join(at.keyringDir, name), 'utf8')).not.toContain(secret);
    expect(
      openKeyring(at.keyringDir, { create: false })
        .secrets('pseudonym')
        .map(({ version }) => version),
    ).toEqual([2]);
  });

  it('whose destruction was cut short are destroyed at the next start', () => {
    writeFileSync(join(at.keyringDir, '.tmp-0123456789abcdef'), 'VEILTRAIL+SECRET+lookup+1+00000000+secret\n', { mode: 0o600 });
    prepareKeyDirectory(at.keyringDir);
    expect(readdirSync(at.keyringDir).filter((name) => name.startsWith('.tmp'))).toEqual([]);
  });
});
