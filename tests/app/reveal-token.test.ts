/** A reveal whose record cannot be written shows nothing; what is shown was on record before. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { AccessEntry } from '../../src/app/access-recorder.ts';
import { LookUpLimits } from '../../src/app/look-up-limits.ts';
import { plainToken, type RevealParts, revealTokens } from '../../src/app/reveal-token.ts';
import { findPseudonyms, searchByValue, type ValueSearchParts } from '../../src/app/search-by-value.ts';
import { VeiltrailError } from '../../src/core/errors.ts';
import { canonicalForms } from '../../src/privacy/canonical-of.ts';
import { vaultRulesOf } from '../../src/privacy/vault-rules.ts';
import type { Query } from '../../src/search/query.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { email, emails, makeVaultDirectory, openVault, settle, type VaultDirectory } from '../vault/open-vault.ts';

let at: VaultDirectory;
let vault: Vault;
let entries: AccessEntry[];
let diskFails: boolean;
/** What the vault was asked to open. */
let opened: string[];
const why = { principal: 'k', purpose: 'fraud inquiry', reference: 'CASE-17' };

beforeEach(() => {
  at = makeVaultDirectory();
  vault = openVault(at);
  [entries, diskFails, opened] = [[], false, []];
});
afterEach(async () => {
  await vault.close();
  at.remove();
});

function parts(): RevealParts & ValueSearchParts {
  const rules = vaultRulesOf({ vault: { search: { purpose: 'needed' } } });
  let written: string | undefined;
  return {
    vault: {
      kindsOf: (tokens) => vault.kindsOf(tokens),
      findValue: (kind, canonical) => vault.findValue(kind, canonical),
      reveal(token) {
        opened.push(token);
        return vault.reveal(token);
      },
    },
    rules,
    limits: new LookUpLimits({
      rules,
      clock: { now: () => 0 },
      digest: (text) => text,
      read: () => written,
      write(text) {
        if (diskFails) throw new VeiltrailError('disk_full', 'no room');
        written = text;
      },
    }),
    desk: { permit: () => Promise.resolve([]) },
    recorder: {
      note: (entry) => void entries.push(entry),
      async write(entry) {
        if (diskFails) throw new VeiltrailError('disk_full', 'no room');
        entries.push(entry);
      },
    },
    counts: { reveals: 0, revealsRefused: 0, searches: 0, searchesRefused: 0, sweeps: 0 },
    alert: () => undefined,
    ...canonicalForms({ custom: [] }),
    sought: new Set(['email']),
    hashesOf: () => [],
    digest: (text) => `d${text.length}`,
    search: (_log, _request, _query: Query) => Promise.resolve({ events: [], indexedTo: 0, treeSize: 0 }),
  };
}

it('nothing is opened before the limits are on disk, and nothing shown before the record is', async () => {
  const [token] = (await settle(vault, [email('ada')])) as [string];
  const all = parts();
  diskFails = true;
  await expect(revealTokens(all, { tokens: [token], ...why })).rejects.toMatchObject({ code: 'disk_full' });
  expect([opened, entries, all.counts.reveals]).toEqual([[], [], 0]);
  diskFails = false;
  const recorder = { ...all.recorder, write: () => Promise.reject(new VeiltrailError('disk_full', 'no room')) };
  await expect(revealTokens({ ...all, recorder }, { tokens: [token], ...why })).rejects.toMatchObject({ code: 'disk_full' });
  expect(all.counts.reveals).toBe(0);
  const { tokens } = await revealTokens(all, { tokens: [token, token], ...why });
  expect(tokens.map(({ value }) => value)).toEqual([email('ada').value]);
  expect(entries).toHaveLength(1);
});

it('a search whose record cannot be written tells nothing', async () => {
  await settle(vault, [email('ada')]);
  const all = parts();
  const recorder = { ...all.recorder, write: () => Promise.reject(new VeiltrailError('disk_full', 'no room')) };
  await expect(findPseudonyms({ ...all, recorder }, { kind: 'email', value: 'ada@example.org', ...why })).rejects.toMatchObject({
    code: 'disk_full',
  });
  await expect(searchByValue({ ...all, recorder }, 'default', { q: 'email:ada@example.org', ...why }, why)).rejects.toMatchObject({
    code: 'disk_full',
  });
});

it('a search says what it is for, where the policy wants it', async () => {
  await expect(findPseudonyms(parts(), { kind: 'email', value: 'x', principal: 'k' })).rejects.toMatchObject({ code: 'purpose_needed' });
  expect(entries).toMatchObject([{ action: 'token.find', outcome: 'denied', reason: 'purpose_needed' }]);
});

it('a value that stands for too many tokens at once is asked for in parts', async () => {
  for (let i = 0; i < 600; i++) await settle(vault, [email('ada')], { scope: `tenant:${i}` });
  await expect(searchByValue(parts(), 'default', { q: 'email:ada@example.org', ...why }, why)).rejects.toMatchObject({ code: 'query_too_complex' });
});

it('all keys of one person are counted as one', async () => {
  const tokens = await settle(vault, emails(0, 120));
  const all = parts();
  const ask = (from: number, to: number, by: object): Promise<unknown> => revealTokens(all, { tokens: tokens.slice(from, to), ...why, ...by });
  await ask(0, 60, { principal: 'first', owner: 'person:a' });
  await ask(0, 60, { principal: 'other', owner: 'person:b' });
  await expect(ask(60, 101, { principal: 'second', owner: 'person:a' })).rejects.toMatchObject({ code: 'look_up_stopped' });
  await expect(ask(0, 1, { principal: 'first', owner: 'person:a' })).rejects.toMatchObject({ code: 'look_up_stopped' });
  expect(all.limits.stops()).toMatchObject([{ principal: 'person:a' }]);
  await ask(60, 70, { principal: 'other', owner: 'person:b' });
});

it('a thousand tokens are as many as may be asked for', async () => {
  const tokens = await settle(vault, emails(0, 1_001));
  await expect(revealTokens(parts(), { tokens, ...why })).rejects.toMatchObject({ code: 'reveal_request' });
  expect(opened).toEqual([]);
});

it.each([
  '',
  'tok_',
  `tok_${'A'.repeat(26)}`,
  `tok_${'A'.repeat(28)}`,
  `x tok_${'A'.repeat(27)}`,
  `tok_${'A'.repeat(27)}@example.com`,
  'jane@example.com',
])('what is no token is not repeated: %s', (text) => {
  expect(() => plainToken(text)).toThrow(expect.objectContaining({ code: 'token_syntax' }));
  if (text.includes('jane')) expect(() => plainToken(text)).not.toThrow('jane');
});

it.each([
  ['', ''],
  ['phone:', ''],
  ['', '@token.invalid'],
  ['user-', '-token'],
  ['us-ssn-', '-token'],
])('a token is read as records have it: %s…%s', (before, behind) => {
  const token = `tok_${'A'.repeat(27)}`;
  expect(plainToken(before + token + behind)).toBe(token);
});
