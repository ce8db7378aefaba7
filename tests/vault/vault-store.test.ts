import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toHex } from '../../src/core/bytes.ts';
import { openSqliteVaultSource } from '../../src/storage/sqlite/vault-source.ts';
import { openSqliteVaultStore } from '../../src/storage/sqlite/vault-store.ts';
import { emails, errorOf, makeVaultDirectory, openVault, readVault, settle, type VaultDirectory, verifyVault } from './open-vault.ts';

let at: VaultDirectory;
beforeEach(() => {
  at = makeVaultDirectory();
});
afterEach(() => at.remove());

function entered(): { upTo: number; byLookup: number; byToken: number } {
  const database = new DatabaseSync(at.path, { readOnly: true });
  const count = (sql: string): number => database.prepare(sql).get()?.['n'] as number;
  const counts = {
    upTo: count('SELECT id AS n FROM entered'),
    byLookup: count('SELECT count(*) AS n FROM by_lookup'),
    byToken: count('SELECT count(*) AS n FROM by_token'),
  };
  database.close();
  return counts;
}

const hexOf = (tokens: readonly (Uint8Array | undefined)[]): (string | undefined)[] => tokens.map((token) => token && toHex(token));

describe('the indexes of vault.db', () => {
  it('take rows in steps, and every value is found at each', async () => {
    const vault = openVault(at, { recentRowsMin: 5_000 });
    const tokens: string[] = [];
    const steps = new Set<number>();
    for (let from = 0; from < 12_000; from += 500) {
      tokens.push(...(await settle(vault, emails(from, from + 500))));
      await vault.reveal(tokens[0] as string); // behind the tidying
      steps.add(entered().byToken);
      expect(await settle(vault, emails(0, from + 500))).toEqual(tokens);
      await readVault(at, async (reader) => {
        for (const i of [0, from, from + 499]) expect((await reader.reveal(tokens[i] as string))?.canonical).toBe(`person.${i}@example.org`);
      });
    }
    expect(steps.size).toBeGreaterThan(4);
    await vault.close();
    expect(await verifyVault(at)).toEqual({ tokens: 12_000, problems: [] });
  });

  it('need not be whole: a start in the middle of entering goes on from the rows', async () => {
    let vault = openVault(at, { recentRowsMin: 3_000 });
    const tokens = await settle(vault, emails(0, 3_000));
    await vault.reveal(tokens[0] as string);
    await vault.close();
    // Two thousand entries more than `entered` says, as a crash in the middle leaves them.
    const database = new DatabaseSync(at.path);
    database.exec('UPDATE entered SET id = 1000; DELETE FROM by_lookup WHERE id > 2500; DELETE FROM by_token WHERE id > 2200');
    database.close();
    vault = openVault(at, { recentRowsMin: 1_000 });
    expect(await settle(vault, emails(0, 3_000))).toEqual(tokens);
    for (let i = 0; i < 4; i++) await settle(vault, emails(0, 1));
    await vault.reveal(tokens[0] as string);
    expect(entered()).toEqual({ upTo: 3_000, byLookup: 3_000, byToken: 3_000 });
    expect(await settle(vault, emails(0, 3_000))).toEqual(tokens);
    await vault.close();
    expect(await verifyVault(at)).toEqual({ tokens: 3_000, problems: [] });
  });

  it('are no matter to a new row after the last ones are gone', async () => {
    let vault = openVault(at, { recentRowsMin: 10 });
    await settle(vault, emails(0, 20));
    await vault.close();
    const database = new DatabaseSync(at.path);
    database.exec('DELETE FROM tokens WHERE id > 15');
    database.close();
    vault = openVault(at);
    await settle(vault, emails(30, 31));
    await vault.close();
    const after = new DatabaseSync(at.path, { readOnly: true });
    expect(after.prepare('SELECT max(id) AS id FROM tokens').get()?.['id']).toBe(21); // 16 to 20 have entries that are not its own
    after.close();
  });
});

describe('a reader beside the writer', () => {
  it('sees what is committed, however it moves', async () => {
    const vault = openVault(at, { recentRowsMin: 100 });
    await settle(vault, emails(0, 10));
    const source = openSqliteVaultSource(at.path, 200);
    for (let from = 10; from < 1_000; from += 45) {
      const tokens = await settle(vault, emails(from, from + 45));
      await readVault(at, async (reader) => expect(await reader.reveal(tokens[44] as string)).toBeDefined());
      const page = await source.readTokens(from + 1, 45);
      expect(page.rows).toHaveLength(45);
      expect(hexOf(await source.findTokens(page.rows.map(({ lookup }) => lookup)))).toEqual(hexOf(page.rows.map(({ token }) => token)));
      for (const row of page.rows) expect((await source.findRow(row.token))?.sealed).toEqual(row.sealed);
    }
    expect(await source.findRow(new Uint8Array(20))).toBeUndefined();
    expect(await source.findTokens([new Uint8Array(32)])).toEqual([undefined]);
    await source.close();
    await vault.close();
  });

  it('is refused what is no vault, and one that is not there', async () => {
    expect(() => openSqliteVaultSource(at.path)).toThrow(errorOf('storage_failed'));
    const database = new DatabaseSync(at.path);
    database.exec('CREATE TABLE other (a)');
    database.close();
    expect(() => openSqliteVaultSource(at.path)).toThrow(errorOf('storage_damaged'));
    expect(() => openSqliteVaultStore(at.path)).toThrow(errorOf('storage_damaged'));
  });
});

describe('the files of vault.db', () => {
  it('stay bounded: the log is moved and cut, free pages are given back', async () => {
    const size = (suffix: string): number => statSync(`${at.path}${suffix}`).size;
    const large = (n: number) => ({ kind: 'k', canonical: `${n}${'c'.repeat(1_000_000)}`, value: `${n}${'v'.repeat(1_000_000)}` });
    const vault = openVault(at);
    for (let n = 0; n < 6; n++) await settle(vault, [large(n)]);
    await vault.reveal(`tok_${'A'.repeat(27)}`); // behind the tidying
    expect(size('')).toBeGreaterThan(8_000_000);
    expect(size('-wal')).toBeLessThan(12_000_000);
    await settle(
      vault,
      Array.from({ length: 36 }, (_, n) => large(10 + n)),
    );
    await vault.reveal(`tok_${'A'.repeat(27)}`);
    expect(size('-wal')).toBe(0);
    const full = size('');
    const other = new DatabaseSync(at.path);
    other.exec('DELETE FROM tokens WHERE id > 10');
    other.close();
    for (let n = 0; n < 12; n++) await settle(vault, emails(n, n + 1));
    await vault.close();
    expect(size('')).toBeLessThan(full - 4_000_000);
  });
});

describe('a commit', () => {
  it('is all or nothing', async () => {
    const store = openSqliteVaultStore(at.path);
    const bucket = { bucket: await store.nextTokenBucket(), scope: 's', origin: 'o', sealedKey: new Uint8Array(1) };
    const row = (n: number) => ({
      token: new Uint8Array(20).fill(n),
      lookup: new Uint8Array(32).fill(n),
      bucket: 1,
      kind: 'k',
      sealed: new Uint8Array(1),
    });
    await store.addTokens([bucket], [row(1)]);
    await expect(store.addTokens([bucket], [row(2)])).rejects.toThrow(errorOf('storage_failed')); // the bucket is there already
    await expect(store.addTokens([], [row(2), { ...row(3), bucket: 9 }])).rejects.toThrow(errorOf('storage_failed')); // no such bucket
    expect(hexOf(await store.findTokens([row(1).lookup, row(2).lookup]))).toEqual(hexOf([row(1).token, undefined]));
    expect(await store.findRow(row(2).token)).toBeUndefined();
    await store.addTokens([], [row(2)]);
    expect((await store.readTokens(0, 10)).rows).toHaveLength(2);
    expect((await store.readTokens(0, 2)).next).toBe(3);
    expect(await store.nextTokenBucket()).toBe(2);
    await store.addBucketKey({ log: 'l', bucket: 0, generation: 1, sealedKey: new Uint8Array(1) });
    await expect(store.addBucketKey({ log: 'l', bucket: 0, generation: 1, sealedKey: new Uint8Array(2) })).rejects.toThrow(errorOf('storage_failed'));
    expect(await store.findBucketKey('l', 1, 1)).toBeUndefined();
    await store.close();
    await expect(store.readTokens(0, 1)).rejects.toThrow(errorOf('storage_failed'));
  });
});
