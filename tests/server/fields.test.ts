/** Fields: every one that was ever seen is registered and told of; what nobody knows is withheld until somebody says what it is. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { decodeBase64 } from '../../src/core/base64.ts';
import type { RestoredValue } from '../../src/app/restore-withheld.ts';
import type { FoundEvent } from '../../src/app/trail.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { defaultPolicyYaml } from '../../src/privacy/default-policy.ts';
import { openTrail, type OpenTrail, systemLog } from '../../src/server/compose.ts';
import { openTrailReader } from '../../src/server/open-reader.ts';
import { createClient } from '../../src/sdk/client.ts';
import { openFields } from '../../src/server/fields.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';
import { openKeyring } from '../../src/vault/keyring.ts';
import { checkToken, parseToken } from '../../src/vault/token.ts';
import { runServer } from './running-server.ts';

const timeout = 300_000;
const quarantine = defaultPolicyYaml.replace('unknown: scan', 'unknown: quarantine');

function directory(policy = defaultPolicyYaml): { dataDir: string; policyFile: string } {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-fields-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const policyFile = join(dir, 'policy.yaml');
  writeFileSync(policyFile, policy);
  return { dataDir: join(dir, 'data'), policyFile };
}

async function withTrail<T>({ dataDir, policyFile }: ReturnType<typeof directory>, use: (trail: OpenTrail) => Promise<T>): Promise<T> {
  const trail = await openTrail({ dataDir, policyFile, workers: 2 });
  try {
    await trail.createLog('default');
    return await use(trail);
  } finally {
    await trail.close();
  }
}

function append(trail: OpenTrail, metadata: JsonObject, log = 'default'): Promise<number> {
  const event = { action: 'read', actor: { type: 'user', id: 'u-1' }, metadata };
  return trail
    .append({ log, principal: 'local', body: Buffer.from(JSON.stringify(event)), format: 'json' })
    .then(({ receipts }) => receipts[0]?.leafIndex as number);
}

async function told(trail: OpenTrail, action: string): Promise<JsonObject[]> {
  if (!trail.logs().includes(systemLog)) return [];
  return (await trail.search(systemLog, {})).events.map(({ record }) => record).filter((record) => record['action'] === action);
}

function pathsIn(events: readonly JsonObject[]): string[] {
  return events.flatMap((event) => (event['changes'] as { field: string }[]).map(({ field }) => field)).toSorted();
}

/** Every byte of every file, searched for a text plain, in hex and in base64 at each of the three offsets. */
function holds(dataDir: string, text: string): string[] {
  const plain = Buffer.from(text);
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), plain])
      .toString('base64')
      .slice(shift + 1, -4 + (shift ? -1 : 0)),
  );
  const forms = [text, plain.toString('hex'), plain.toString('hex').toUpperCase(), ...base64];
  return readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => {
      const bytes = readFileSync(file);
      return forms.some((form) => bytes.includes(form));
    });
}

test(
  'a new field is registered and told of once, across restarts, without its value',
  async () => {
    const place = directory();
    const seen = await withTrail(place, async (trail) => {
      await append(trail, { colour: 'zinnober', deep: [{ n: 1 }], 'jane@example.com': 'x' });
      return trail.fields({ log: 'default' });
    });
    const paths = seen.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['action', 'actor.id', 'metadata.colour', 'metadata.deep.*.n']));
    expect(JSON.stringify(seen)).not.toContain('jane');
    expect(seen.find(({ path }) => path === 'metadata.colour')).toMatchObject({ types: ['string'], seen: 1, settledBy: 'scan' });
    await withTrail(place, async (trail) => {
      const before = await told(trail, 'field.new');
      expect(pathsIn(before)).toEqual(paths.toSorted());
      expect(JSON.stringify(before)).not.toMatch(/zinnober|jane/);
      await append(trail, { colour: 'rot', deep: [{ n: 2 }] });
      await append(trail, { colour: 7 });
      expect((await trail.fields({ log: 'default' })).find(({ path }) => path === 'metadata.colour')?.types).toEqual(['string', 'number']);
    });
    await withTrail(place, async (trail) => {
      const after = await told(trail, 'field.new');
      expect(pathsIn(after)).toEqual([...paths, 'metadata.colour'].toSorted());
    });
    // Names of fields may say something: nobody reads them off the disk.
    expect(holds(place.dataDir, 'metadata.colour')).toEqual([]);
    const reader = await openTrailReader(place.dataDir);
    expect((await reader.fields({ unclassified: true })).map(({ path }) => path)).toEqual(expect.arrayContaining(['metadata.colour']));
    expect((await reader.fields({ unclassified: true })).map(({ path }) => path)).not.toContain('action');
    await reader.close();
  },
  timeout,
);

test(
  'what nobody knows is withheld; kept, it can be read and proven; dropped, it is gone; and the log says who said so',
  async () => {
    const place = directory(quarantine);
    const secrets = {
      keep: 'Zitronenfalter im Sommer',
      drop: 'Admiral auf der Wiese',
      ref: 'jane.roe@example.net',
      note: 'call kim.lee@example.org',
    };
    const leaf = await withTrail(place, async (trail) => {
      const at = await append(trail, { ...secrets, flag: true, same: secrets.drop });
      const found = await trail.readEvent('default', at);
      for (const value of Object.values(found?.record['metadata'] as JsonObject)) expect(value).toMatch(/^tok_/);
      expect(found?.restored).toBeUndefined();
      return at;
    });
    for (const secret of Object.values(secrets)) expect(holds(place.dataDir, secret), secret).toEqual([]);

    await withTrail(place, async (trail) => {
      expect((await trail.figures()).withheld).toBe(6);
      const by = 'Kim Lee';
      const classify = (path: string, as: string): Promise<unknown> =>
        trail.classifyField({ path, as, by, log: 'default' }).then(({ values }) => values);
      expect(await classify('metadata.keep', 'keep')).toEqual({ itself: 1, text: 0, nothing: 0 });
      expect(await classify('metadata.flag', 'keep')).toEqual({ itself: 1, text: 0, nothing: 0 });
      expect(await classify('metadata.drop', 'drop')).toEqual({ itself: 0, text: 0, nothing: 1 });
      expect(await classify('metadata.ref', 'email')).toEqual({ itself: 0, text: 1, nothing: 0 });
      expect(await classify('metadata.note', 'scan')).toEqual({ itself: 0, text: 1, nothing: 0 });
      expect((await trail.figures()).withheld).toBe(1);

      const found = await trail.readEvent('default', leaf);
      const restored = Object.fromEntries((found?.restored ?? []).map((one) => [one.pointer, one]));
      expect(Object.keys(restored).toSorted()).toEqual(['/metadata/drop', '/metadata/flag', '/metadata/keep', '/metadata/note', '/metadata/ref']);
      const kept = restored['/metadata/keep'];
      expect(kept?.value).toBe(secrets.keep);
      const { r, ...opening } = (kept as RestoredValue).opening as NonNullable<RestoredValue['opening']>;
      expect(opening.canonical).toContain(secrets.keep);
      expect(checkToken(parseToken(kept?.token as string), { ...opening, r: decodeBase64(r) })).toBe(true);
      expect(restored['/metadata/flag']?.value).toBe(true);
      expect(restored['/metadata/drop']).toEqual({ pointer: '/metadata/drop', token: expect.any(String), removed: true });
      expect(restored['/metadata/ref']).toEqual({ pointer: '/metadata/ref', token: expect.any(String), value: expect.stringMatching(/^tok_/) });
      expect(restored['/metadata/note']?.value).toMatch(/^call tok_/);
      expect((await trail.search('default', {})).events[0]?.restored).toHaveLength(5);

      // From now on, in every worker.
      for (let i = 0; i < 4; i++) {
        const next = await trail.readEvent('default', await append(trail, { ...secrets, same: 'x' }));
        const metadata = next?.record['metadata'] as JsonObject;
        expect(metadata).toMatchObject({ keep: secrets.keep, ref: restored['/metadata/ref']?.value, same: expect.stringMatching(/^tok_/) });
        expect(metadata['drop']).toBeUndefined();
        expect(metadata['note']).toBe(restored['/metadata/note']?.value);
      }
      const events = await told(trail, 'field.classify');
      expect(events).toHaveLength(5);
      expect(events.at(-1)).toMatchObject({
        targets: [{ type: 'field', id: 'metadata.keep' }],
        severity: 4,
        metadata: { log: 'default', values: { readable: 1, replaced: 0, destroyed: 0 } },
      });
      // Who said so is a person: a pseudonym, the same in each.
      expect(JSON.stringify(events)).not.toContain('Kim Lee');
      expect(new Set(events.map(({ actor }) => (actor as JsonObject)['id'])).size).toBe(1);
      expect((await trail.fields({})).find(({ path }) => path === 'metadata.keep')).toMatchObject({
        settledBy: 'classification',
        classification: { as: 'keep', by },
      });
      expect((await trail.fields({ unclassified: true })).map(({ path }) => path)).toEqual(['metadata.same']);
    });

    await withTrail(place, async (trail) => {
      const again = await trail.readEvent('default', await append(trail, { keep: secrets.keep, same: secrets.drop }));
      expect(again?.record['metadata']).toMatchObject({ keep: secrets.keep, same: expect.stringMatching(/^tok_/) });
    });
    for (const secret of [secrets.drop, secrets.ref, secrets.note]) expect(holds(place.dataDir, secret)).toEqual([]);
    const report = await verifyStoredLog(place.dataDir, { log: 'default' });
    expect(report.problems).toEqual([]);
    const reader = await openTrailReader(place.dataDir);
    expect((await reader.readEvent('default', leaf))?.restored).toHaveLength(5);
    await reader.close();
  },
  timeout,
);

test(
  'a field is classified for the log it is in, by a path that was seen, as something there is',
  async () => {
    const place = directory(quarantine);
    await withTrail(place, async (trail) => {
      await trail.createLog('other');
      await append(trail, { x: 'one', map: { a: 'b' } });
      await append(trail, { x: 'two' }, 'other');
      const refused = async (path: string, as: string, code: string): Promise<void> =>
        expect(trail.classifyField({ path, as, by: 'me' })).rejects.toThrow(expect.objectContaining({ code }));
      await refused('metadata.never', 'keep', 'field_unknown');
      await refused('**', 'keep', 'field_path');
      await refused('metadata.x', 'nonsense', 'field_kind');
      await refused('actor.email', 'keep', 'field_unknown');
      await trail.classifyField({ path: 'metadata.x', as: 'keep', by: 'me', log: 'other' });
      const value = async (log: string): Promise<unknown> =>
        ((await trail.readEvent(log, await append(trail, { x: 'three' }, log))) as FoundEvent).record['metadata'];
      expect(await value('other')).toEqual({ x: 'three' });
      expect(await value('default')).toEqual({ x: expect.stringMatching(/^tok_/) });
      expect((await trail.readEvent('default', 0))?.restored).toBeUndefined();
      expect(await trail.classifyField({ path: 'metadata.map.*', as: 'keep', by: 'me' })).toMatchObject({ values: { itself: 1 } });
    });
  },
  timeout,
);

test(
  'a classification that a crash cut short is finished by the next start',
  async () => {
    const place = directory(quarantine);
    await withTrail(place, async (trail) => {
      await append(trail, { x: 'Distelfalter', y: 'Kaisermantel' });
    });
    const keyring = openKeyring(join(place.dataDir, 'keys'), { create: false });
    const fields = openFields(place.dataDir, keyring);
    fields.registry.classify({ path: 'metadata.x', log: '', as: 'drop', by: 'me' });
    fields.close();
    await withTrail(place, async (trail) => {
      expect((await trail.figures()).withheld).toBe(1);
      expect((await trail.readEvent('default', 0))?.restored).toEqual([{ pointer: '/metadata/x', token: expect.any(String), removed: true }]);
      expect(await told(trail, 'field.classify')).toMatchObject([{ metadata: { values: { destroyed: 1 } } }]);
    });
    await withTrail(place, async (trail) => expect(await told(trail, 'field.classify')).toHaveLength(1));
  },
  timeout,
);

test(
  'over HTTP, admin lists and classifies; figures tell how much is new',
  async () => {
    const server = await runServer();
    onTestFinished(() => server.close());
    await append(server.trail, { colour: 'rot' });
    const admin = createClient({ url: server.url, key: server.key.admin });
    expect(await admin.listFields({ log: 'default', unclassified: true })).toMatchObject([{ path: 'metadata.colour', settledBy: 'scan' }]);
    expect(await admin.classifyField({ path: 'metadata.colour', as: 'redact', why: 'a test' })).toMatchObject({
      classification: { as: 'redact', by: expect.stringMatching(/^[a-z2-7]{12}$/) },
      values: { itself: 0, text: 0, nothing: 0 },
    });
    const leaf = await append(server.trail, { colour: 'rot' });
    expect((await server.trail.readEvent('default', leaf))?.record['metadata']).toEqual({ colour: '[REDACTED]' });
    await expect(admin.classifyField({ path: 'metadata.colour', as: 'nonsense' })).rejects.toThrow(expect.objectContaining({ code: 'field_kind' }));
    const bad = await server.send('POST', '/api/v1/fields/classify', { key: server.key.admin, body: '{"path":"x"}' });
    expect([bad.status, bad.json['code']]).toEqual([400, 'classify_request']);
    const { text } = await server.send('GET', '/metrics', { key: server.key.operator });
    expect(text).toMatch(/^veiltrail_log_fields_new_total\{log="default"\} [1-9]/m);
    expect(text).toMatch(/^veiltrail_withheld_values 0$/m);
    expect(text).not.toContain('colour');
  },
  timeout,
);
