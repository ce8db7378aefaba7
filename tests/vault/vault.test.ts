import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteVaultStore } from '../../src/storage/sqlite/vault-store.ts';
import { checkToken, parseToken } from '../../src/vault/token.ts';
import { Vault } from '../../src/vault/vault.ts';
import {
  email,
  emails,
  errorOf,
  failingStore,
  makeVaultDirectory,
  openVault,
  origin,
  readVault,
  settle,
  type VaultDirectory,
  verifyVault,
} from './open-vault.ts';

let at: VaultDirectory;
beforeEach(() => {
  at = makeVaultDirectory();
});
afterEach(() => at.remove());

/** Changes the file of a closed vault. */
function tamper(sql: string, ...values: (string | number | Uint8Array)[]): void {
  const database = new DatabaseSync(at.path, { enableForeignKeyConstraints: false });
  expect(database.prepare(sql).run(...values).changes).toBeGreaterThan(0);
  database.close();
}

describe('settling', () => {
  it('gives a value one token for ever, and the token its value', async () => {
    let vault = openVault(at);
    const first = await settle(vault, [email('Ada'), email('Grace'), email('Ada')]);
    expect(first[0]).toBe(first[2]);
    expect(new Set(first).size).toBe(2);
    expect(await settle(vault, [email('grace'), email('Ada')])).toEqual([first[1], first[0]]);
    expect(await settle(vault, [])).toEqual([]);
    await vault.close();
    vault = openVault(at);
    expect(await settle(vault, [email('Ada'), email('Grace')])).toEqual(first.slice(0, 2));
    const revealed = await vault.reveal(first[0] as string);
    expect(revealed).toMatchObject({ kind: 'email', value: 'Ada@Example.org', canonical: 'ada@example.org', origin });
    expect(revealed && checkToken(parseToken(first[0] as string), revealed)).toBe(true);
    expect(await vault.reveal(`tok_${'A'.repeat(27)}`)).toBeUndefined();
    await expect(vault.reveal('tok_')).rejects.toThrow(errorOf('token_syntax'));
    await vault.close();
  });

  it('keeps scopes and kinds apart', async () => {
    const vault = openVault(at);
    const needs = [email('Ada'), { ...email('Ada'), kind: 'username' }];
    const all = [
      ...(await settle(vault, needs)),
      ...(await settle(vault, needs, { scope: 'tenant:a' })),
      ...(await settle(vault, needs, { scope: 'log:a' })),
    ];
    expect(new Set(all).size).toBe(6);
    expect(await settle(vault, needs, { scope: 'tenant:a' })).toEqual(all.slice(2, 4));
    await vault.close();
    expect(await verifyVault(at)).toEqual({ tokens: 6, problems: [] });
  });

  it('is safe when many ask at once, for the same and for other values', async () => {
    const vault = openVault(at, { bucketTokensMax: 50 });
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => settle(vault, emails(i * 5, i * 5 + 40))));
    const token = new Map<string, string>();
    for (const [i, tokens] of answers.entries()) {
      emails(i * 5, i * 5 + 40).forEach(({ canonical }, j) => {
        expect(token.get(canonical) ?? tokens[j]).toBe(tokens[j]);
        token.set(canonical, tokens[j] as string);
      });
    }
    expect(new Set(token.values()).size).toBe(token.size);
    await vault.close();
    expect(await verifyVault(at)).toEqual({ tokens: token.size, problems: [] });
  });

  it('takes more at once than one transaction does', async () => {
    const vault = openVault(at);
    const answers = await Promise.all([settle(vault, emails(0, 9_000)), settle(vault, emails(5_000, 14_000)), settle(vault, emails(0, 3_000))]);
    expect(answers[1]?.slice(0, 4_000)).toEqual(answers[0]?.slice(5_000));
    expect(answers[2]).toEqual(answers[0]?.slice(0, 3_000));
    const last = settle(vault, emails(13_990, 14_010));
    await vault.close(); // settles what waits
    expect((await last).slice(0, 10)).toEqual(answers[1]?.slice(-10));
    await expect(settle(vault, [email('Ada')])).rejects.toThrow(errorOf('vault_closed'));
  });

  it('serves more scopes and buckets than it keeps at hand', async () => {
    const vault = openVault(at, { bucketTokensMax: 1 });
    const scopes = Array.from({ length: 1_100 }, (_, i) => `tenant:${i}`);
    const tokens = await Promise.all(scopes.map((scope) => settle(vault, [email('Ada')], { scope })));
    await settle(vault, emails(0, 30));
    expect(new Set(tokens.flat()).size).toBe(1_100);
    expect(await Promise.all(scopes.map((scope) => settle(vault, [email('Ada')], { scope })))).toEqual(tokens);
    await vault.close();
    expect(await verifyVault(at)).toEqual({ tokens: 1_130, problems: [] });
  });

  it('refuses a bad request alone', async () => {
    const vault = openVault(at);
    const good = settle(vault, [email('Ada')]);
    await expect(settle(vault, [{ ...email('Ada'), canonical: '\ud800' }])).rejects.toThrow(errorOf('token_need'));
    expect(await good).toHaveLength(1);
    await vault.close();
  });

  it('finds values of an older lookup key, and opens what an older root sealed', async () => {
    let vault = openVault(at);
    const [old] = await settle(vault, [email('Ada')]);
    const key = await vault.bucketKey('default', 0);
    await vault.close();
    const newer = { version: 2, key: new Uint8Array(32).fill(2) };
    const secrets = { roots: [newer, ...at.secrets.roots], lookups: [newer, ...at.secrets.lookups] };
    vault = openVault(at, { secrets });
    expect((await settle(vault, [email('Ada'), email('Grace')]))[0]).toBe(old);
    expect(await vault.bucketKey('default', 0)).toEqual(key);
    expect((await vault.reveal(old as string))?.value).toBe('Ada@Example.org');
    await vault.close();
    expect(await verifyVault(at, secrets)).toEqual({ tokens: 2, problems: [] });
    expect((await verifyVault(at, { ...secrets, roots: [newer] })).problems).toMatchObject([{ code: 'root_missing', where: old }]);
    expect((await verifyVault(at, { ...secrets, lookups: [newer] })).problems).toMatchObject([{ code: 'token_lookup', where: old }]);
  });
});

describe('bucket keys', () => {
  it('are made once and read again, one a place', async () => {
    let vault = openVault(at);
    const keys = await Promise.all([vault.bucketKey('a', 0), vault.bucketKey('a', 0), vault.bucketKey('a', 1), vault.bucketKey('b', 0)]);
    expect(keys[0]).toEqual(keys[1]);
    expect(new Set(keys.map(String)).size).toBe(3);
    await vault.close();
    vault = openVault(at);
    expect(await vault.bucketKey('a', 1)).toEqual(keys[2]);
    await readVault(at, async (reader) => {
      expect(await reader.bucketKey('b', 0)).toEqual(keys[3]);
      expect(await reader.bucketKey('b', 0)).toEqual(keys[3]);
      await expect(reader.bucketKey('b', 1)).rejects.toThrow(errorOf('bucket_key_missing'));
    });
    await vault.close();
    tamper("UPDATE bucket_keys SET sealed_key = (SELECT sealed_key FROM bucket_keys WHERE log = 'b') WHERE bucket = 1");
    vault = openVault(at);
    await expect(vault.bucketKey('a', 1)).rejects.toThrow(errorOf('bucket_key_damaged'));
    expect(await vault.bucketKey('a', 0)).toEqual(keys[0]); // one bad key does not stop the vault
    await vault.close();
  });
});

describe('a crash or a fault', () => {
  for (const when of ['before', 'after'] as const) {
    for (const errcode of [13, 8]) {
      it(`${errcode} ${when} the commit is told, and the next call settles`, async () => {
        const fails = { write: 'addTokens', when, errcode, on: false } as const;
        const failing = { ...fails, on: true };
        const vault = new Vault(failingStore(openSqliteVaultStore(at.path), failing), at.secrets);
        await expect(Promise.all([settle(vault, emails(0, 10)), settle(vault, emails(5, 15))])).rejects.toThrow(
          errorOf(errcode === 13 ? 'disk_full' : 'storage_readonly'),
        );
        failing.on = false;
        const tokens = await settle(vault, emails(0, 15));
        expect(await settle(vault, emails(0, 15))).toEqual(tokens);
        await vault.close();
        expect(await verifyVault(at)).toEqual({ tokens: 15, problems: [] });
      });
    }

    it(`of the disk ${when} the commit ends the vault, once, and the next start is well`, async () => {
      const failures: Error[] = [];
      const failing = { write: 'addTokens', when, errcode: 10, on: false } as const;
      const control = { ...failing, on: false };
      const store = openSqliteVaultStore(at.path);
      const vault = new Vault(failingStore(store, control), at.secrets, { onFailure: (error) => failures.push(error) });
      const [known] = await settle(vault, [email('Ada')]);
      control.on = true;
      const calls = [settle(vault, emails(0, 10)), settle(vault, [email('Ada'), email('Grace')])];
      for (const call of calls) await expect(call).rejects.toThrow(errorOf('storage_failed'));
      control.on = false;
      await expect(settle(vault, [email('Ada')])).rejects.toThrow(errorOf('storage_failed'));
      await expect(vault.bucketKey('a', 0)).rejects.toThrow(errorOf('storage_failed'));
      await expect(vault.reveal(known as string)).rejects.toThrow(errorOf('storage_failed'));
      await expect(vault.close()).rejects.toThrow(errorOf('storage_failed'));
      expect(failures).toHaveLength(1);
      await store.close();
      const again = openVault(at);
      expect((await settle(again, [email('Ada'), ...emails(0, 10)]))[0]).toBe(known);
      await again.close();
      expect((await verifyVault(at)).problems).toEqual([]);
    });
  }

  it('while tidying is no news to who has tokens already', async () => {
    const fails = { write: 'tidy', when: 'before', errcode: 13, on: true } as const;
    const vault = new Vault(failingStore(openSqliteVaultStore(at.path), fails), at.secrets);
    const tokens = await settle(vault, emails(0, 10));
    expect(await settle(vault, emails(0, 10))).toEqual(tokens);
    await vault.close();
  });

  it('of a bucket key is told, and nothing is kept of it', async () => {
    const fails = { write: 'addBucketKey', when: 'before', errcode: 13, on: true } as const;
    const control = { ...fails, on: true };
    const vault = new Vault(failingStore(openSqliteVaultStore(at.path), control), at.secrets);
    await expect(vault.bucketKey('a', 0)).rejects.toThrow(errorOf('disk_full'));
    control.on = false;
    const key = await vault.bucketKey('a', 0);
    expect(await vault.bucketKey('a', 0)).toEqual(key);
    await vault.close();
  });

  it('of our own making ends the vault too', async () => {
    const vault = new Vault(openSqliteVaultStore(at.path), { ...at.secrets, roots: [] });
    await expect(settle(vault, [email('Ada')])).rejects.toThrow(TypeError);
    await expect(settle(vault, [email('Ada')])).rejects.toThrow(TypeError);
  });
});

describe('verifying', () => {
  const flip = (column: string): string =>
    `UPDATE tokens SET ${column} = CAST(substr(${column}, 1, 30) || x'00' || substr(${column}, 32) AS BLOB) WHERE id = 3`;

  async function settled(): Promise<string[]> {
    const vault = openVault(at, { recentRowsMin: 10 });
    const tokens = await settle(vault, emails(0, 600));
    await vault.bucketKey('a', 0);
    await vault.close();
    expect(await verifyVault(at)).toEqual({ tokens: 600, problems: [] });
    return tokens;
  }

  it('counts as it goes, and is content with an empty vault', async () => {
    await openVault(at).close();
    expect(await verifyVault(at)).toEqual({ tokens: 0, problems: [] });
  });

  it('names the row that does not open', async () => {
    const tokens = await settled();
    tamper(flip('sealed'));
    expect((await verifyVault(at)).problems).toMatchObject([{ code: 'token_damaged', where: tokens[2] }]);
    tamper('UPDATE tokens SET sealed = (SELECT sealed FROM tokens WHERE id = 4) WHERE id = 3');
    expect((await verifyVault(at)).problems).toMatchObject([{ code: 'token_damaged', where: tokens[2] }]);
    tamper("UPDATE tokens SET kind = 'phone' WHERE id = 5");
    expect((await verifyVault(at)).problems).toMatchObject([{ where: tokens[2] }, { code: 'token_damaged', where: tokens[4] }]);
    tamper('UPDATE tokens SET bucket = (SELECT bucket FROM token_buckets LIMIT 1) + 70 WHERE id = 6');
    expect((await verifyVault(at)).problems[2]).toMatchObject({ code: 'bucket_key_missing', where: tokens[5] });
  });

  it('names rows whose token, lookup or index entry leads elsewhere', async () => {
    const tokens = await settled();
    tamper(flip('lookup'));
    expect((await verifyVault(at)).problems).toMatchObject([{ code: 'token_lookup', where: tokens[2] }]);
    tamper('DELETE FROM by_token WHERE id = 5');
    tamper('DELETE FROM by_lookup WHERE id = 6');
    expect((await verifyVault(at)).problems.slice(1)).toMatchObject([
      { code: 'token_lost', where: tokens[4] },
      { code: 'token_lost', where: tokens[5] },
    ]);
  });

  it('notices a row that is gone, one that is there twice, and a key that is not the one', async () => {
    const tokens = await settled();
    tamper('DELETE FROM tokens WHERE id = 5');
    expect((await verifyVault(at)).problems).toMatchObject([{ code: 'token_row_missing', where: 'vault' }]);
    tamper('INSERT INTO tokens (id, token, lookup, bucket, kind, sealed) SELECT 5, token, lookup, bucket, kind, sealed FROM tokens WHERE id = 4');
    expect((await verifyVault(at)).problems).toMatchObject([{ code: 'token_lost', where: tokens[3] }]);
    tamper("UPDATE tokens SET token = CAST(x'00' || substr(token, 2) AS BLOB) WHERE id = 5");
    expect((await verifyVault(at)).problems).toMatchObject([{ code: 'token_damaged' }]);
    tamper("UPDATE token_buckets SET sealed_key = x'01'");
    expect((await verifyVault(at)).problems).toHaveLength(600);
    expect((await verifyVault(at)).problems[0]).toMatchObject({ code: 'bucket_key_damaged', where: tokens[0] });
  });

  it('stops where the file cannot be read', async () => {
    await settled();
    const database = new DatabaseSync(at.path, { enableForeignKeyConstraints: false });
    database.exec('DROP TABLE token_buckets');
    database.close();
    await expect(verifyVault(at)).rejects.toThrow(errorOf('storage_failed'));
  });
});

describe('on disk', () => {
  it('no value is found, in no encoding, while the vault is open and after', async () => {
    const names = ['Zyxwvut.Qponmlk', 'Ärgerlich-Ünique', 'plain_localpart_77'];
    const needs = names.map((name) => ({ kind: 'person', canonical: `${name.toLowerCase()}@secret.example`, value: `${name}@Secret.example` }));
    const vault = openVault(at, { recentRowsMin: 1 });
    await settle(vault, needs);
    await settle(vault, needs, { scope: 'tenant:a' });
    const look = (): void => {
      const files = readdirSync(at.dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      expect(files.length).toBeGreaterThan(7);
      for (const file of files) {
        const bytes = readFileSync(join(file.parentPath, file.name));
        for (const needle of needs.flatMap(({ canonical, value }) => needlesOf(canonical).concat(needlesOf(value))))
          expect(bytes.includes(needle)).toBe(false);
        expect(bytes.includes(Buffer.from('person')) || file.name !== 'vault.db').toBe(true); // what is in clear is found
      }
    };
    await vault.close();
    look();
    const again = openVault(at);
    await settle(again, [...needs, { kind: 'person', canonical: 'other', value: 'other' }]);
    look();
    await again.close();
  });
});

/** A text in every form in which it might have slipped through, without what depends on its neighbours. */
function needlesOf(text: string): Buffer[] {
  const utf8 = Buffer.from(text);
  const utf16 = Buffer.from(text, 'utf16le');
  const base64 = [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), utf8]).toString('base64');
    return Buffer.from(encoded.slice(4, -4));
  });
  const base64url = base64.map((one) => Buffer.from(one.toString().replaceAll('+', '-').replaceAll('/', '_')));
  const hex = utf8.toString('hex');
  return [utf8, utf16, Buffer.from(utf16).swap16(), Buffer.from(hex), Buffer.from(hex.toUpperCase()), ...base64, ...base64url];
}
