import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import { openSqliteVaultStore } from '../../src/storage/sqlite/vault-store.ts';
import { openSqliteVaultSource, prefixOf } from '../../src/storage/sqlite/vault-source.ts';
import { openKeyring } from '../../src/vault/keyring.ts';
import { createLookup, parseToken } from '../../src/vault/token.ts';
import { VaultReader, vaultSecrets } from '../../src/vault/vault-reader.ts';
import { keeperOf } from '../../src/vault/vault-thread.ts';
import { Vault } from '../../src/vault/vault.ts';
import { errorOf, makeVaultDirectory, openVault, origin, scope, type VaultDirectory, verifyVault } from './open-vault.ts';

let at: VaultDirectory;
let vault: Vault;

beforeEach(() => {
  at = makeVaultDirectory();
  vault = open();
});
afterEach(async () => {
  await vault.close().catch(() => undefined);
  at.remove();
});

function open(recentRowsMin?: number): Vault {
  return openVault(at, {
    bucketTokensMax: 8,
    keeper: keeperOf(at.keyringDir),
    ...(recentRowsMin === undefined ? {} : { recentRowsMin }),
    secrets: vaultSecrets(openKeyring(at.keyringDir, { create: false })),
  });
}

const need = (name: string, kind = 'email'): { kind: string; canonical: string; value: string } => ({ kind, canonical: name, value: name });
const settle = (names: string[], kind?: string): Promise<string[]> => vault.settle({ origin, scope, needs: names.map((name) => need(name, kind)) });
const people = Array.from({ length: 40 }, (_, i) => `person-${i}@example.com`);

async function erase(tokens: string[], buckets: { log: string; bucket: number; generation: number }[] = []): Promise<void> {
  const { root } = await vault.keyVersions([]);
  await vault.eraseTokens('rem_1', tokens);
  await vault.renewKeys({ rootBefore: root, buckets, tokens });
  await vault.finishErasure(buckets);
}

test('what is erased opens no more, and everything else does', async () => {
  const tokens = await settle(people);
  const key = await vault.bucketKey('a', 0);
  await erase([tokens[3] as string, tokens[30] as string]);
  expect(await vault.statesOf([tokens[3] as string, tokens[4] as string, `tok_${'A'.repeat(27)}`])).toEqual(['destroyed', 'there', 'unknown']);
  for (const [i, token] of tokens.entries()) {
    const revealed = await vault.reveal(token);
    expect(revealed?.value).toBe(i === 3 || i === 30 ? undefined : people[i]);
  }
  expect(await vault.bucketKey('a', 0)).toEqual(key);
  // Whoever is met again is somebody new; the others stay who they were.
  const again = await settle(people);
  expect(again.filter((token, i) => token !== tokens[i])).toHaveLength(2);
  await vault.close();
  const secrets = vaultSecrets(openKeyring(at.keyringDir, { create: false }));
  expect(secrets.roots.map(({ version }) => version)).toEqual([2]);
  expect(await verifyVault(at, secrets)).toEqual({ tokens: 40, problems: [] });
});

test('a copy of the database made before opens nothing with the keys that are left', async () => {
  const tokens = await settle(people);
  await vault.close();
  const copy = join(at.dir, 'copy.db');
  copyFileSync(at.path, copy);
  const opens = async (path: string): Promise<number> => {
    const source = openSqliteVaultSource(path);
    const reader = new VaultReader(source, vaultSecrets(openKeyring(at.keyringDir, { create: false })));
    let opened = 0;
    for (const token of tokens) opened += (await reader.reveal(token).catch(() => undefined)) ? 1 : 0;
    await source.close();
    return opened;
  };
  expect(await opens(copy)).toBe(40);
  vault = open();
  await erase([tokens[0] as string]);
  await vault.close();
  expect(await opens(copy)).toBe(0);
  expect(await opens(at.path)).toBe(39);
  // Nor with the keys of the buckets as they are now: rows of the old file under today's bucket keys.
  const mixed = new DatabaseSync(copy);
  mixed.exec(`ATTACH '${at.path}' AS now`);
  mixed.exec('UPDATE token_buckets SET sealed_key = (SELECT sealed_key FROM now.token_buckets AS n WHERE n.bucket = token_buckets.bucket)');
  mixed.close();
  const source = openSqliteVaultSource(copy);
  const reader = new VaultReader(source, vaultSecrets(openKeyring(at.keyringDir, { create: false })));
  await expect(reader.reveal(tokens[0] as string)).rejects.toThrow(errorOf('token_damaged'));
  expect((await reader.reveal(tokens[20] as string))?.value).toBe(people[20]); // of another bucket: nothing was removed from it
  await source.close();
});

test.each([
  ['recent rows', undefined],
  ['rows in the indexes', 1],
])('no byte on disk says that a guess was right: %s', async (_, recentRowsMin) => {
  await vault.close();
  vault = open(recentRowsMin);
  const tokens = await settle(people);
  await settle(['another@example.com']); // tidies
  await settle(['and-another@example.com']);
  const key = openKeyring(at.keyringDir, { create: false }).secret('lookup').key;
  const lookup = Buffer.from(createLookup(key)(scope, 'email', people[5] as string));
  const source = openSqliteVaultSource(at.path);
  const sealed = Buffer.from((await source.findRow(parseToken(tokens[5] as string)))?.sealed as Uint8Array);
  await source.close();
  const findings = (): string[] => {
    const found: string[] = [];
    for (const name of readdirSync(at.dir).filter((one) => one.startsWith('vault.db'))) {
      const bytes = readFileSync(join(at.dir, name));
      if (bytes.includes(lookup)) found.push(`${name}: lookup`);
      if (bytes.includes(sealed.subarray(13, 40))) found.push(`${name}: sealed`);
    }
    return found;
  };
  const entered = (): number => {
    const database = new DatabaseSync(at.path, { readOnly: true });
    const row = database.prepare('SELECT count(*) AS n FROM by_lookup WHERE prefix = ?').get(prefixOf(lookup));
    database.close();
    return row?.['n'] as number;
  };
  expect(findings()).not.toEqual([]);
  expect(entered()).toBe(recentRowsMin === undefined ? 0 : 1);
  await erase([tokens[5] as string]);
  expect(findings()).toEqual([]);
  expect(entered()).toBe(0);
  await settle(Array.from({ length: 20 }, (__, i) => `later-${i}@example.com`));
  expect(findings()).toEqual([]);
  expect(entered()).toBe(0);
});

test('withheld values and what took their place are sealed anew, too', async () => {
  const [gone, stays, replaced] = (await settle(['"a"', '"b"', '"c"'], 'quarantine')) as [string, string, string];
  await vault.settleWithheld([
    { token: stays, becomes: 'itself' },
    { token: replaced, becomes: 'text', json: '"c of another form"' },
    { token: gone, becomes: 'text', json: '"a of another form"' },
  ]);
  await erase([gone]);
  expect(await vault.restore(gone)).toEqual({ removed: true });
  expect(await vault.restore(stays)).toMatchObject({ json: '"b"' });
  expect(await vault.restore(replaced)).toEqual({ json: '"c of another form"' });
  expect(await vault.countWithheld()).toBe(0);
});

test('buckets of chunks get keys of the next generation, and lose those before', async () => {
  const old = await vault.bucketKey('a', 3);
  const other = await vault.bucketKey('b', 3);
  const { root, generations } = await vault.keyVersions([
    { log: 'a', bucket: 3 },
    { log: 'a', bucket: 4 },
  ]);
  expect({ root, generations }).toEqual({ root: 1, generations: [1, 0] });
  const renewal = { rootBefore: root, buckets: [{ log: 'a', bucket: 3, generation: 2 }], tokens: [] };
  await vault.renewKeys(renewal);
  const next = await vault.bucketKey('a', 3, 2);
  expect(next).not.toEqual(old);
  expect(await vault.bucketKey('a', 3)).toEqual(old); // until its chunks are rewritten
  await vault.renewKeys(renewal); // after a crash
  expect(await vault.bucketKey('a', 3, 2)).toEqual(next);
  await vault.finishErasure(renewal.buckets);
  await vault.finishErasure(renewal.buckets);
  await expect(vault.bucketKey('a', 3)).rejects.toThrow(errorOf('bucket_key_missing'));
  await expect(vault.bucketKey('a', 3, 3)).rejects.toThrow(errorOf('bucket_key_missing'));
  expect(await vault.bucketKey('a', 3, 2)).toEqual(next);
  expect(await vault.bucketKey('b', 3)).toEqual(other);
  expect(openKeyring(at.keyringDir, { create: false }).secrets('root')).toHaveLength(1);
  expect(existsSync(join(at.keyringDir, 'root.v1.secret'))).toBe(false);
  await vault.close();
  vault = open();
  expect(await vault.bucketKey('a', 3, 2)).toEqual(next);
});

test('a vault of the version before has its bucket keys under the first generation', async () => {
  const key = await vault.bucketKey('a', 0);
  await vault.close();
  const database = new DatabaseSync(at.path);
  database.exec(`
    DROP TABLE erased; DROP TABLE tombstones;
    CREATE TABLE before (log TEXT NOT NULL, bucket INTEGER NOT NULL, sealed_key BLOB NOT NULL, PRIMARY KEY (log, bucket)) STRICT, WITHOUT ROWID;
    INSERT INTO before SELECT log, bucket, sealed_key FROM bucket_keys;
    DROP TABLE bucket_keys; ALTER TABLE before RENAME TO bucket_keys; PRAGMA user_version = 3`);
  database.close();
  vault = open();
  expect(await vault.bucketKey('a', 0)).toEqual(key);
  expect((await vault.keyVersions([{ log: 'a', bucket: 0 }])).generations).toEqual([1]);
});

test('a failure at any write is made good by doing it again', async () => {
  const tokens = await settle(people);
  await vault.bucketKey('a', 0);
  await vault.makeSegmentKey({ log: 'a', class: 'default', bucket: 0, generation: 1 });
  await vault.close();
  let generation = 1;
  for (let failing = 0; ; failing++) {
    const store = openSqliteVaultStore(at.path);
    let writes = 0;
    let armed = true;
    const broken = new Proxy(store, {
      get(target, name) {
        const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
        if (!['eraseTokens', 'addBucketKey', 'resealBucket', 'replaceKeys', 'dropBucketKey', 'scrub'].includes(String(name)))
          return method.bind(target);
        return async (...args: unknown[]) => {
          const n = writes++;
          // Every other time it is done all the same.
          if (armed && n === failing && failing % 2 === 0) throw new VeiltrailError('disk_full', 'a test');
          const result = await method.apply(target, args);
          if (armed && n === failing) throw new VeiltrailError('disk_full', 'a test');
          return result;
        };
      },
    });
    const opened = (): Vault => {
      const secrets = vaultSecrets(openKeyring(at.keyringDir, { create: false }));
      return new Vault(broken, secrets, { bucketTokensMax: 8, keeper: keeperOf(at.keyringDir) });
    };
    vault = opened();
    const gone = [tokens[failing] as string];
    const { root } = await vault.keyVersions([]);
    const buckets = [{ log: 'a', bucket: 0, generation: ++generation }];
    const once = async (): Promise<void> => {
      await vault.eraseTokens(`rem_${failing}`, gone);
      await vault.renewKeys({ rootBefore: root, buckets, tokens: gone });
      await vault.finishErasure(buckets);
    };
    const isThrough = await once().then(
      () => true,
      () => false,
    );
    // As the next start does, with nothing in memory.
    armed = false;
    vault = opened();
    await once();
    const revealed = await Promise.all(tokens.map((token) => vault.reveal(token)));
    expect(revealed.map((one) => one?.value)).toEqual(people.map((name, i) => (i > failing ? name : undefined)));
    expect(await vault.bucketKey('a', 0, generation)).toHaveLength(32);
    expect(await vault.segmentKey({ log: 'a', class: 'default', bucket: 0, generation: 1 })).toHaveLength(32);
    expect(openKeyring(at.keyringDir, { create: false }).secrets('root')).toHaveLength(1);
    await vault.close();
    if (isThrough) break;
  }
  expect((await verifyVault(at, vaultSecrets(openKeyring(at.keyringDir, { create: false })))).problems).toEqual([]);
});

test('whoever reads beside it learns of the new root', async () => {
  const [token, stays] = (await settle(['a@example.com', 'b@example.com'])) as [string, string];
  const key = await vault.bucketKey('a', 0);
  const keyring = openKeyring(at.keyringDir, { create: false });
  const source = openSqliteVaultSource(at.path);
  const stale = new VaultReader(source, vaultSecrets(keyring));
  const reader = new VaultReader(source, { ...vaultSecrets(keyring), freshRoots: () => keyring.readAgain('root') });
  await erase([token]);
  expect(await reader.bucketKey('a', 0)).toEqual(key);
  expect((await reader.reveal(stays))?.value).toBe('b@example.com');
  expect(await reader.reveal(token)).toBeUndefined();
  await expect(stale.bucketKey('a', 0)).rejects.toThrow(errorOf('root_missing'));
  await source.close();
});

test('a row that was emptied by somebody else is missing', async () => {
  await settle(['a@example.com']);
  await vault.close();
  const database = new DatabaseSync(at.path);
  database.exec("UPDATE tokens SET sealed = x''");
  database.close();
  expect((await verifyVault(at)).problems).toEqual([expect.objectContaining({ code: 'token_missing' })]);
});
