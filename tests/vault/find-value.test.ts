/** From a value to its tokens: in every scope, whatever version of the lookup key they were met under. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Vault } from '../../src/vault/vault.ts';
import type { VaultSecrets } from '../../src/vault/vault-reader.ts';
import { email, emails, errorOf, makeVaultDirectory, openVault, settle, type VaultDirectory } from './open-vault.ts';

let at: VaultDirectory;
let vault: Vault;
beforeEach(() => {
  at = makeVaultDirectory();
  vault = openVault(at);
});
afterEach(async () => {
  await vault.close();
  at.remove();
});

const ada = email('ada');

describe('a value', () => {
  it('is found in every scope, and in no other kind', async () => {
    const [here] = await settle(vault, [ada]);
    const [there] = await settle(vault, [ada, email('eve')], { scope: 'log:payments' });
    const [other] = await settle(vault, [email('eve')], { scope: 'log:other' });
    expect(await vault.findValue('email', ada.canonical)).toEqual([
      { token: here, scope: 'installation' },
      { token: there, scope: 'log:payments' },
    ]);
    expect((await vault.findValue('email', email('eve').canonical)).map(({ token }) => token)).toContain(other);
    expect(await vault.findValue('phone', ada.canonical)).toEqual([]);
    expect(await vault.findValue('email', 'nobody@example.org')).toEqual([]);
  });

  it('is found under an older version of the lookup key', async () => {
    const [token] = await settle(vault, [ada]);
    await vault.close();
    const newer: VaultSecrets = { ...at.secrets, lookups: [{ version: 2, key: new Uint8Array(32).fill(7) }, ...at.secrets.lookups] };
    vault = openVault(at, { secrets: newer });
    expect(await vault.findValue('email', ada.canonical)).toEqual([{ token, scope: 'installation' }]);
    expect(await settle(vault, [ada])).toEqual([token]);
  });

  it('is found in thousands of scopes, a thousand at the most', async () => {
    const scopes = Array.from({ length: 1_100 }, (_, i) => `tenant:${i}`);
    await Promise.all(scopes.map((scope) => settle(vault, [ada], { scope })));
    await settle(vault, emails(0, 10), { scope: 'tenant:other' });
    const found = await vault.findValue('email', ada.canonical);
    expect(found).toHaveLength(1_000);
    expect(new Set(found.map(({ token }) => token)).size).toBe(1_000);
  });
});

describe('the kinds of tokens', () => {
  it('are told without opening them; of one that never was, nothing', async () => {
    const [token] = await settle(vault, [ada]);
    const unknown = `tok_${'A'.repeat(27)}`;
    expect(await vault.kindsOf([token as string, unknown])).toEqual(['email', undefined]);
    await expect(vault.kindsOf(['jane@example.com'])).rejects.toEqual(errorOf('token_syntax'));
  });
});
