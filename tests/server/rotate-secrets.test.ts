/** Secrets are rotated while everything goes on: equal values keep their tokens, old versions go, a crash at any step is gone on with. */
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { FoundEvent } from '../../src/app/trail.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { defaultPolicyYaml } from '../../src/privacy/default-policy.ts';
import { type OpenTrail, openTrail } from '../../src/server/compose.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';
import { addSecretVersion, openKeyring, type SecretPurpose } from '../../src/vault/keyring.ts';
import { cardOf, newApprover } from '../app/second-person.ts';

const timeout = 300_000;
const by = { principal: 'adminaaaaaaa', role: 'admin' };
const policy = `${defaultPolicyYaml.replace('  phone: tokenize', '  phone: hash')}\n`;

function directory(): { dataDir: string; policyFile: string } {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-rotate-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const policyFile = join(dir, 'policy.yaml');
  writeFileSync(policyFile, policy);
  return { dataDir: join(dir, 'data'), policyFile };
}

async function withTrail<T>(place: { dataDir: string; policyFile: string }, use: (trail: OpenTrail) => Promise<T>): Promise<T> {
  const trail = await openTrail({ ...place, workers: 1 });
  try {
    await trail.createLog('default');
    return await use(trail);
  } finally {
    await trail.close();
  }
}

/** Appends an event of somebody, and returns the token of the address and the hash of the number. */
async function append(trail: OpenTrail, name: string): Promise<{ token: string; hash: string }> {
  const event = { action: 'call', actor: { type: 'user', id: 'u-1', email: `${name}@example.com` }, metadata: { phone: '+49 30 901820' } };
  const { receipts } = await trail.append({ log: 'default', principal: 'test', body: Buffer.from(JSON.stringify(event)), format: 'json' });
  const found = await trail.readEvent('default', receipts[0]?.leafIndex as number);
  const { actor, metadata } = (found as FoundEvent).record as { actor: JsonObject; metadata: JsonObject };
  return { token: actor['email'] as string, hash: metadata['phone'] as string };
}

const versionsOf = (dataDir: string, purpose: SecretPurpose): number[] =>
  openKeyring(join(dataDir, 'keys'), { create: false })
    .secrets(purpose)
    .map(({ version }) => version);

async function problemsOf(dataDir: string): Promise<string[]> {
  const { problems } = await verifyStoredLog(dataDir, { log: 'default', others: true });
  return problems.map(({ code, where }) => `${code} ${where}`);
}

async function told(trail: OpenTrail, action: string): Promise<JsonObject[]> {
  return (await trail.search('_system', { q: `action:${action}`, limit: 100 })).events.map(({ record }) => record);
}

const known = (trail: OpenTrail, purpose: SecretPurpose): [number, string][] =>
  trail.rotation.list().flatMap((one) => (one.purpose === purpose ? [[one.version, one.state]] : []));

it(
  'the lookup key and the root are rotated under traffic; old versions go by themselves, and correlation stays',
  async () => {
    const place = directory();
    await withTrail(place, async (trail) => {
      const before = await append(trail, 'jane');
      for (let i = 0; i < 30; i++) await append(trail, `p${i}`);
      expect(await trail.rotation.rotate('lookup', by)).toEqual({ purpose: 'lookup', version: 2, state: 'newest' });
      const during = await Promise.all([append(trail, 'jane'), append(trail, 'p7'), append(trail, 'new')]);
      expect(during[0]?.token).toBe(before.token);
      await trail.rotation.idle();
      expect((await append(trail, 'jane')).token).toBe(before.token);
      expect(versionsOf(place.dataDir, 'lookup')).toEqual([2]);
      expect(known(trail, 'lookup')).toEqual([[2, 'newest']]);
      expect((await told(trail, 'secret.rotate'))[0]).toMatchObject({ targets: [{ type: 'secret', id: 'lookup.v2' }], actor: { roles: ['admin'] } });
      expect((await told(trail, 'secret.destroy'))[0]).toMatchObject({
        targets: [{ type: 'secret', id: 'lookup.v1' }],
        metadata: { reason: 'rotated', rows: 31 },
      });
      expect((await trail.lookUps.find({ kind: 'email', value: 'Jane@example.com', principal: 'x' })).tokens).toEqual([
        { token: before.token, scope: 'installation' },
      ]);
      const [root, after] = await Promise.all([trail.rotation.rotate('root', by), append(trail, 'jane')]);
      expect(root).toMatchObject({ purpose: 'root', version: 2 });
      expect(after.token).toBe(before.token);
      expect(versionsOf(place.dataDir, 'root')).toEqual([2]);
      expect((await trail.search('default', { q: before.token })).events).toHaveLength(4);
    });
    expect(readdirSync(join(place.dataDir, 'keys')).filter((name) => name.startsWith('root'))).toEqual(['root.v2.secret']);
    expect(await problemsOf(place.dataDir)).toEqual([]);
  },
  timeout,
);

it(
  'a rotation that a crash cut short, at any step, is gone on with by the next start',
  async () => {
    const place = directory();
    const keys = join(place.dataDir, 'keys');
    const before = await withTrail(place, (trail) => append(trail, 'jane'));
    const old = `${place.dataDir}-old`;
    cpSync(keys, old, { recursive: true });
    // The new versions are on disk, and nothing else happened.
    addSecretVersion(keys, 'root');
    addSecretVersion(keys, 'lookup');
    await withTrail(place, async (trail) => {
      expect((await append(trail, 'jane')).token).toBe(before.token);
      await trail.rotation.idle();
      expect([versionsOf(place.dataDir, 'root'), versionsOf(place.dataDir, 'lookup')]).toEqual([[2], [2]]);
      expect((await append(trail, 'jane')).token).toBe(before.token);
    });
    // Everything is under the new versions, and the old ones are still there.
    for (const name of ['root.v1.secret', 'lookup.v1.secret']) cpSync(join(old, name), join(keys, name));
    await withTrail(place, async (trail) => {
      await trail.rotation.idle();
      expect([versionsOf(place.dataDir, 'root'), versionsOf(place.dataDir, 'lookup')]).toEqual([[2], [2]]);
      expect((await append(trail, 'jane')).token).toBe(before.token);
    });
    expect(await problemsOf(place.dataDir)).toEqual([]);
  },
  timeout,
);

it(
  'the pseudonym key goes on correlating under its oldest version until that is destroyed, which takes two persons where there are two',
  async () => {
    const place = directory();
    const why = { ...by, purpose: 'the retention period is over' };
    await withTrail(place, async (trail) => {
      const first = await append(trail, 'jane');
      expect(first.hash).toMatch(/^hash_v1_/);
      expect(await trail.rotation.rotate('pseudonym', by)).toMatchObject({ version: 2 });
      expect((await append(trail, 'jane')).hash).toBe(first.hash);
      const { hashes } = await trail.lookUps.find({ kind: 'phone', value: '+49 30 901820', principal: 'x' });
      expect(hashes).toEqual([expect.stringMatching(/^hash_v2_/), first.hash]);
      expect((await trail.lookUps.search('default', { q: 'phone:"+49 30 901820"' }, { principal: 'x' })).events).toHaveLength(2);
      expect(known(trail, 'pseudonym')).toEqual([
        [2, 'newest'],
        [1, 'kept'],
      ]);
      await expect(trail.rotation.destroy('pseudonym', 2, why)).rejects.toMatchObject({ code: 'key_in_use' });
      await expect(trail.rotation.destroy('pseudonym', 9, why)).rejects.toMatchObject({ code: 'key_version' });
      await expect(trail.rotation.destroy('lookup', 1, why)).rejects.toMatchObject({ code: 'key_rotation' });
      await expect(trail.rotation.destroy('pseudonym', 1, { ...by, purpose: ' ' })).rejects.toMatchObject({ code: 'purpose_needed' });
      await trail.rotation.destroy('pseudonym', 1, why);
      const after = await append(trail, 'jane');
      expect(after.hash).toMatch(/^hash_v2_/);
      expect(after.token).toBe(first.token);
      expect(versionsOf(place.dataDir, 'pseudonym')).toEqual([2]);
      expect((await told(trail, 'secret.destroy'))[0]).toMatchObject({
        targets: [{ type: 'secret', id: 'pseudonym.v1' }],
        purpose: why.purpose,
        metadata: { permitted: 'single-person' },
      });
      const approver = newApprover();
      await trail.requests.enrol({ ...by, card: cardOf(approver, new Date().toISOString()), approverOwner: 'Second', name: 'second' });
      await trail.rotation.rotate('pseudonym', by);
      await expect(trail.rotation.destroy('pseudonym', 2, why)).rejects.toMatchObject({ code: 'approval_needed' });
      expect(versionsOf(place.dataDir, 'pseudonym')).toEqual([3, 2]);
      for (const purpose of ['idempotency', 'nonsense', ''])
        await expect(trail.rotation.rotate(purpose, by)).rejects.toMatchObject({ code: 'key_rotation' });
      expect(await trail.rotation.rotate('seal', by)).toMatchObject({ version: 2 });
    });
    // What was sealed under the old version opens after the restart.
    await withTrail(place, async (trail) => {
      expect((await trail.fields({})).length).toBeGreaterThan(3);
      expect(trail.requests.list()).toHaveLength(1);
      expect(known(trail, 'seal')).toEqual([
        [2, 'newest'],
        [1, 'kept'],
      ]);
    });
  },
  timeout,
);

it(
  'what is on record of a search is no way back to the value once the root is gone',
  async () => {
    const place = directory();
    await withTrail(place, async (trail) => {
      await append(trail, 'jane');
      const digestOf = async (): Promise<unknown> => {
        await trail.lookUps.search('default', { q: 'email:jane@example.com' }, { principal: 'k' });
        const [event] = (await told(trail, 'token.search')) as [{ metadata: { terms: [{ digest: string }] } }];
        return event.metadata.terms[0].digest;
      };
      const before = await digestOf();
      expect(await digestOf()).toBe(before);
      await trail.rotation.rotate('root', by);
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      expect(await digestOf()).not.toBe(before);
    });
  },
  timeout,
);
