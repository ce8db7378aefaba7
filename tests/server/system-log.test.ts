/** `_system`: what changed in the policy is an event of a log that nobody writes from outside, and that those read who keep watch. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openKeys } from '../../src/access/manage-keys.ts';
import { openAuthenticator } from '../../src/access/authenticate.ts';
import { roles } from '../../src/access/roles.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { systemRandom } from '../../src/core/random.ts';
import { defaultPolicyYaml } from '../../src/privacy/default-policy.ts';
import { openTrail, type OpenTrail, systemLog } from '../../src/server/compose.ts';
import { createHttpServer } from '../../src/server/http.ts';

const timeout = 300_000;

function directory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-system-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'data');
}

async function withTrail<T>(dataDir: string, use: (trail: OpenTrail) => Promise<T>, policyFile?: string): Promise<T> {
  const trail = await openTrail({ dataDir, workers: 1, ...(policyFile === undefined ? {} : { policyFile }) });
  try {
    return await use(trail);
  } finally {
    await trail.close();
  }
}

async function systemRecords(trail: OpenTrail): Promise<JsonObject[]> {
  if (!trail.logs().includes(systemLog)) return [];
  return (await trail.search(systemLog, {})).events.map(({ record }) => record);
}

test(
  'a change of policy is an event that says what changed, once, by rule and never by value',
  async () => {
    const dataDir = directory();
    expect(await withTrail(dataDir, systemRecords)).toEqual([]);

    const changed = join(dataDir, '../mine.yaml');
    writeFileSync(
      changed,
      `${defaultPolicyYaml
        .replace('version: 1', 'version: 2\nowner: Jane Doe\napprover: the board')
        .replace('  email: tokenize', '  email: keep')
        .replace('  person_name: tokenize', '  person_name: hash')
        .replace('  phone: tokenize', '  phone: redact')}allow: [{values: [secret-guest@example.com]}]\n`,
    );
    const [event, ...more] = await withTrail(dataDir, systemRecords, changed);
    expect(more).toEqual([]);
    expect(event).toMatchObject({ action: 'policy.change', actor: { type: 'system', id: 'veiltrail' }, receivedFrom: 'system', severity: 4 });
    const changes = event?.['changes'] as { field: string; before: string | null; after: string | null; effect: string }[];
    expect(changes).toContainEqual({ field: 'version', before: '1', after: '2', effect: 'other' });
    expect(changes).toContainEqual({ field: 'kinds.email/rule', before: 'tokenize', after: 'keep', effect: 'weaker' });
    expect(changes).toContainEqual({ field: 'kinds.phone/rule', before: 'tokenize', after: 'redact', effect: 'stronger' });
    expect(changes).toContainEqual({ field: 'kinds.person_name/rule', before: 'tokenize', after: 'hash', effect: 'other' });
    expect(changes).toContainEqual({ field: 'allow', before: '0 that stay', after: '1 that stay: 1 added, 0 removed', effect: 'weaker' });
    expect(JSON.stringify(event)).not.toContain('secret-guest');
    // The owner is a person: her name goes through the default policy, whatever the new one would do.
    expect(JSON.stringify(event)).not.toContain('Jane Doe');
    expect(event).toMatchObject({ privacy: { policy: expect.stringMatching(/^default@1#/) } });

    // Nothing changed: nothing to tell. Edited in place: told.
    expect(await withTrail(dataDir, systemRecords)).toHaveLength(1);
    const kept = join(dataDir, 'policy.yaml');
    writeFileSync(kept, readFileSync(kept, 'utf8').replace('phone: redact', 'phone: keep'));
    const after = await withTrail(dataDir, (trail) => {
      expect(trail.policyWarnings).toEqual([expect.stringContaining('its version is still 2')]);
      return systemRecords(trail);
    });
    expect(after).toHaveLength(2);
    expect(after[0]?.['changes']).toEqual([{ field: 'kinds.phone/rule', before: 'redact', after: 'keep', effect: 'weaker' }]);

    // Whoever takes away what was on record is told of, too.
    rmSync(join(dataDir, 'policy.recorded.yaml'));
    const [missing] = await withTrail(dataDir, systemRecords);
    expect(missing?.['message']).toContain('a policy that is not on record');
  },
  timeout,
);

test(
  'nobody writes it from outside, and only admin and auditor read it',
  async () => {
    const dataDir = directory();
    const policyFile = join(dataDir, '../mine.yaml');
    await withTrail(dataDir, () => Promise.resolve());
    writeFileSync(policyFile, defaultPolicyYaml.replace('version: 1', 'version: 2'));
    await withTrail(
      dataDir,
      async (trail) => {
        await expect(trail.append({ log: systemLog, principal: 'local', body: Buffer.from('{"action":"x"}'), format: 'json' })).rejects.toThrow(
          expect.objectContaining({ code: 'log_name' }),
        );
        await expect(trail.createLog('_other')).rejects.toThrow(expect.objectContaining({ code: 'log_name' }));
        const keys = openKeys(dataDir, { clock: systemClock, random: systemRandom });
        const app = await createHttpServer({ trail, keys, authenticator: openAuthenticator(dataDir, systemClock), version: '0.0.0' });
        const path = `/api/v1/logs/${systemLog}/events`;
        const made = roles.map((role) => ({ role, headers: { authorization: `Bearer ${keys.create({ role }).key}` } }));
        for (const { role, headers } of made) {
          const watches = role === 'admin' || role === 'auditor';
          expect((await app.inject({ method: 'GET', url: path, headers })).statusCode, role).toBe(watches ? 200 : 403);
          const post = await app.inject({ method: 'POST', url: path, headers, payload: '{"action":"x"}' });
          expect(post.statusCode, role).toBe(403);
          const list = (await app.inject({ method: 'GET', url: '/api/v1/logs', headers })).body;
          expect(list.includes(systemLog), role).toBe(watches);
        }
        await app.close();
      },
      policyFile,
    );
  },
  timeout,
);

test(
  'a log has rules of its own, and what is unknown there is withheld as what it was',
  async () => {
    const dataDir = directory();
    const policyFile = join(dataDir, '../mine.yaml');
    await withTrail(dataDir, () => Promise.resolve());
    writeFileSync(policyFile, `${defaultPolicyYaml}logs: {held: {unknown: quarantine, kinds: {email: redact}}}\n`);
    const body = Buffer.from('{"action":"read","actor":{"type":"user","id":"u-1","email":"jane@example.com"},"metadata":{"flag":true}}');
    await withTrail(
      dataDir,
      async (trail) => {
        const stored: Record<string, JsonObject> = {};
        for (const log of ['default', 'held']) {
          await trail.createLog(log);
          await trail.append({ log, principal: 'local', body, format: 'json' });
          stored[log] = (await trail.readEvent(log, 0))?.record as JsonObject;
        }
        expect(stored['default']).toMatchObject({ actor: { email: expect.stringMatching(/^tok_/) }, metadata: { flag: true } });
        expect(stored['held']).toMatchObject({ actor: { email: '[REDACTED]' }, metadata: { flag: expect.stringMatching(/^tok_/) } });
      },
      policyFile,
    );
  },
  timeout,
);

test(
  'the first events of all may come at once: the log is made once',
  async () => {
    const actions = await withTrail(directory(), async (trail) => {
      await Promise.all(['one', 'two', 'three'].map((action) => trail.access.write({ action, principal: 'local', outcome: 'success' })));
      await Promise.all(['default', 'default'].map((log) => trail.createLog(log)));
      return (await systemRecords(trail)).map(({ action }) => action);
    });
    expect(new Set(actions)).toEqual(new Set(['one', 'two', 'three']));
    expect(actions).toHaveLength(3);
  },
  timeout,
);
