/** Tokens in scopes: the same value has one token a tenant, after a restart and a rotation too, and whoever may finds them all. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import { defaultPolicyYaml } from '../../src/privacy/default-policy.ts';
import { type OpenTrail, openTrail } from '../../src/server/compose.ts';

const by = { principal: 'x', purpose: 'a test', reference: 'T-1' };

it('by tenant, and then by log', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-scope-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const dataDir = join(dir, 'data');
  const policyFile = join(dir, 'policy.yaml');
  const open = async (vault: string): Promise<OpenTrail> => {
    writeFileSync(policyFile, `${defaultPolicyYaml}\n${vault}\n`);
    const trail = await openTrail({ dataDir, policyFile, workers: 1 });
    for (const log of ['default', 'payments']) await trail.createLog(log);
    return trail;
  };
  const append = async (trail: OpenTrail, tenant: string | undefined, log = 'default'): Promise<string> => {
    const event = { action: 'login', actor: { type: 'user', id: 'u-1', email: 'jane@example.com' }, ...(tenant ? { tenant: { id: tenant } } : {}) };
    const { receipts } = await trail.append({ log, principal: 'test', body: Buffer.from(JSON.stringify(event)), format: 'json' });
    const found = await trail.readEvent(log, receipts[0]?.leafIndex as number);
    return ((found?.record['actor'] ?? {}) as JsonObject)['email'] as string;
  };

  const first = await open('vault: {scope: tenant, tenant: tenant.id}');
  const [acme, other, none] = [await append(first, 'acme'), await append(first, 'other'), await append(first, undefined)];
  expect(new Set([acme, other, none]).size).toBe(3);
  expect([await append(first, 'acme'), await append(first, 'acme', 'payments'), await append(first, undefined)]).toEqual([acme, acme, none]);
  await first.rotation.rotate('lookup', by);
  await first.rotation.idle();
  await first.close();

  const second = await open('vault: {scope: tenant, tenant: tenant.id}');
  expect([await append(second, 'acme'), await append(second, 'other')]).toEqual([acme, other]);
  const found = await second.lookUps.find({ kind: 'email', value: 'Jane@Example.com', ...by });
  expect(found.tokens.map(({ token }) => token).toSorted()).toEqual([acme, other, none].toSorted());
  expect(found.tokens.every(({ scope }) => /^tenant:(?:none|[\w-]{22})$/.test(scope))).toBe(true);
  expect((await second.lookUps.search('default', { q: 'email:jane@example.com' }, by)).events).toHaveLength(7);
  await second.close();
  expect(readFileSync(join(dataDir, 'vault.db')).includes('acme')).toBe(false);

  const third = await open('vault: {scope: log}');
  const [here, there] = [await append(third, 'acme'), await append(third, 'other', 'payments')];
  expect(new Set([acme, other, none, here, there]).size).toBe(5);
  expect(await append(third, undefined)).toBe(here);
  const { tokens } = await third.lookUps.reveal({ tokens: [there], ...by });
  expect(tokens[0]).toMatchObject({ value: 'jane@example.com', opening: { canonical: 'jane@example.com' } });
  await third.close();
});
