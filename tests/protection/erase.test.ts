/** Forgetting a person, and taking values out: what goes, what stays, what is on record, and what the certificate proves. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import type { OpenTrail } from '../../src/server/compose.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';
import { createTrust, verifyCertificate, verifyDisclosure, verifyReceipt } from '../../src/verify/index.ts';
import { append, asked, directory, event, told, tokenAt, withTrail } from './protected-trail.ts';

const timeout = 300_000;

async function verified(dataDir: string): Promise<{ erased: number; redacted: number }> {
  const report = await verifyStoredLog(dataDir, { log: 'default', others: true });
  expect(report.problems).toEqual([]);
  return report.records;
}

/** Whether bytes stand in any file of a directory. */
function standsOnDisk(dir: string, text: string): string[] {
  const needle = Buffer.from(text);
  return readdirSync(dir, { recursive: true })
    .map((name) => join(dir, String(name)))
    .filter((path) => statSync(path).isFile() && readFileSync(path).includes(needle));
}

const vkeys = (trail: OpenTrail): string[] => trail.logs().map((log) => trail.vkeyOf(log));

test(
  'erased: records and values are gone, everything else verifies, and the certificate proves it without saying whom',
  async () => {
    const dataDir = directory();
    await withTrail(dataDir, async (trail) => {
      const [jane = -1, omar = -1, about = -1] = await append(trail, [
        event('jane'),
        event('omar'),
        event('omar', { message: 'mail to jane.roe@example.com, who is u-17' }),
      ]);
      await append(trail, [event('jane'), event('omar')], 'payments');
      const [email, name] = [await tokenAt(trail, jane, 'email'), await tokenAt(trail, jane, 'name')];
      const omars = await tokenAt(trail, omar, 'email');
      await trail.lookUps.reveal({ ...asked, tokens: [email], purpose: 'p', reference: 'r' });

      const plan = await trail.dataProtection.planErasure({ mode: 'erase', ids: ['u-17'] }, asked);
      expect(plan).toMatchObject({ tokens: 2, records: 3, needsTwo: false });
      expect(plan.detail).toMatchObject({ operation: 'erase', logs: ['default', 'payments'], reason: 'gdpr-art-17' });
      expect(JSON.stringify(plan.detail)).not.toContain('u-17');
      expect((await trail.readEvent('default', jane))?.record['action']).toBe('file.read'); // nothing happened

      const { removal, certificate } = await trail.dataProtection.eraseSubject({ mode: 'erase', ids: ['u-17'] }, asked);
      expect(removal).toMatchObject({ tokens: 2, records: 3 });
      expect(removal.tombstones.map(({ log }) => log).toSorted()).toEqual(['_system', 'default', 'payments']);
      for (const [log, leaf] of [
        ['default', jane],
        ['default', about],
        ['payments', 0],
      ] as const)
        await expect(readable(trail, log, leaf), `${log} ${leaf}`).resolves.toBe(false);
      expect(await readable(trail, 'default', omar)).toBe(true);
      for (const token of [email, name])
        await expect(trail.lookUps.reveal({ ...asked, tokens: [token] })).rejects.toThrow(expect.objectContaining({ code: 'token_unknown' }));
      expect((await trail.lookUps.reveal({ ...asked, tokens: [omars] })).tokens[0]?.value).toBe('omar.haddad@example.com');
      expect((await trail.search('default', { q: 'u-17' })).events).toEqual([]);
      // Who revealed it is on record still.
      expect((await told(trail, 'token.reveal')).length).toBeGreaterThan(0);

      const { body, proved, unproved } = verifyCertificate(certificate, vkeys(trail));
      expect(body).toMatchObject({
        operation: 'erase',
        reason: 'gdpr-art-17',
        by: 'local:test',
        reference: 'T-1',
        permitted: 'single-person',
        removed: { tokens: 2, records: 3, fields: 0 },
      });
      expect(proved).toHaveLength(3);
      expect(unproved).toEqual([]);
      for (const secret of ['jane', 'Jane', 'u-17', email, name]) expect(certificate).not.toContain(secret);
      // The same again, from the tombstones.
      const again1 = verifyCertificate(await trail.dataProtection.certificateOf(removal.id), vkeys(trail));
      expect(again1.body).toEqual({ ...body, tombstones: expect.any(Array) as unknown[] });
      expect(again1.proved).toHaveLength(3);
      await expect(trail.dataProtection.certificateOf('rem_x')).rejects.toThrow(expect.objectContaining({ code: 'removal_unknown' }));
      // The event has the same certificate, unharmed by the policy of `_system`.
      const [event1] = await told(trail, 'subject.erase');
      expect((event1 as { metadata: JsonObject }).metadata['certificate']).toEqual({
        body,
        signatures: (JSON.parse(certificate) as JsonObject)['signatures'],
      });
      expect(JSON.stringify(event1)).not.toContain(email);
      await expect(trail.dataProtection.planErasure({ mode: 'erase', ids: ['u-17'] }, asked)).rejects.toThrow(
        expect.objectContaining({ code: 'subject_unknown' }),
      );
      // The same person again is somebody else.
      const [again = -1] = await append(trail, [event('jane')]);
      expect(await tokenAt(trail, again, 'email')).not.toBe(email);
    });
    expect(await verified(dataDir)).toMatchObject({ erased: 2 });
  },
  timeout,
);

async function readable(trail: OpenTrail, log: string, leafIndex: number): Promise<boolean> {
  try {
    return (await trail.readEvent(log, leafIndex)) !== undefined;
  } catch {
    return false;
  }
}

test(
  'unlinked: the records stay, and nobody can tell any more whom they are about',
  async () => {
    const dataDir = directory();
    await withTrail(dataDir, async (trail) => {
      const [jane = -1, omar = -1] = await append(trail, [event('jane'), event('omar')]);
      const email = await tokenAt(trail, jane, 'email');
      const { removal, certificate } = await trail.dataProtection.eraseSubject(
        { mode: 'unlink', values: [{ kind: 'email', value: 'jane.roe@example.com' }] },
        asked,
      );
      expect(removal).toMatchObject({ tokens: 1, records: 0 });
      expect(verifyCertificate(certificate, vkeys(trail)).body).toMatchObject({ operation: 'unlink', removed: { tokens: 1, records: 0 } });
      expect(await tokenAt(trail, jane, 'email')).toBe(email);
      await expect(trail.lookUps.reveal({ ...asked, tokens: [email] })).rejects.toThrow(expect.objectContaining({ code: 'token_unknown' }));
      expect((await trail.lookUps.reveal({ ...asked, tokens: [await tokenAt(trail, omar, 'email')] })).tokens).toHaveLength(1);
      await expect(trail.dataProtection.eraseSubject({ mode: 'unlink', tokens: [email] }, asked)).rejects.toThrow(
        expect.objectContaining({ code: 'subject_unknown' }),
      );
      // Unlinked first, erased later: the records still can go.
      expect((await trail.dataProtection.eraseSubject({ mode: 'erase', tokens: [email] }, asked)).removal).toMatchObject({ records: 1 });
    });
    expect(await verified(dataDir)).toMatchObject({ erased: 1 });
    expect(standsOnDisk(dataDir, 'jane.roe')).toEqual([]);
  },
  timeout,
);

test(
  'what a hold covers is refused, by name and on record, whoever asks and however',
  async () => {
    await withTrail(directory(), async (trail) => {
      const [jane = -1] = await append(trail, [event('jane'), event('omar')]);
      const email = await tokenAt(trail, jane, 'email');
      await trail.dataProtection.setHold({ name: 'case-9', why: 'order 9', subject: ['u-17'] }, 'officer-1');
      const held = expect.objectContaining({ code: 'held', message: expect.stringContaining('case-9') as string, detail: { hold: 'case-9' } });
      const { dataProtection } = trail;
      await expect(dataProtection.eraseSubject({ mode: 'erase', ids: ['u-17'] }, asked)).rejects.toThrow(held);
      await expect(dataProtection.eraseSubject({ mode: 'unlink', tokens: [email] }, asked)).rejects.toThrow(held);
      await expect(dataProtection.redactValues({ places: [{ leafIndex: jane, pointers: ['/actor'] }] }, asked)).rejects.toThrow(held);
      // The engine itself asks, so there is no way round.
      const removal = { reason: 'r', by: 'x' } as const;
      await expect(trail.remove({ ...removal, operation: 'erase', tokens: [email] })).rejects.toThrow(held);
      await expect(trail.remove({ ...removal, operation: 'expire', records: [{ log: 'default', ranges: [[0, 2]] }] })).rejects.toThrow(held);
      await expect(
        trail.remove({ ...removal, operation: 'redact', fields: [{ log: 'default', leafIndex: jane, pointers: ['/action'] }] }),
      ).rejects.toThrow(held);
      expect(await readable(trail, 'default', jane)).toBe(true);
      expect((await told(trail, 'subject.erase'))[0]).toMatchObject({ outcome: 'denied', reason: 'held', targets: [{ type: 'hold', id: 'case-9' }] });
      expect((await told(trail, 'value.redact'))[0]).toMatchObject({ outcome: 'denied', reason: 'held' });
      await dataProtection.liftHold('case-9', asked);
      expect((await dataProtection.eraseSubject({ mode: 'erase', ids: ['u-17'] }, asked)).removal.records).toBe(1);
    });
  },
  timeout,
);

test(
  'redacted: the value is gone, its receipt and the disclosures beside it verify, by leaf, by search and by findings',
  async () => {
    const dataDir = directory();
    await withTrail(dataDir, async (trail) => {
      const leaves = await append(trail, [
        event('jane', { message: 'the word is xyzzy-4711', metadata: { tags: ['a', 'b'] }, changes: [{ field: 'pin', after: 'zork-1' }] }),
        event('omar', { message: 'the word is plugh-4712' }),
        event('omar', { message: 'nothing here' }),
      ]);
      const [first = -1, second = -1, third = -1] = leaves;
      const receipt = (await trail.proveEvent('default', first)) as string;
      const plan = await trail.dataProtection.planRedaction(
        {
          places: [{ leafIndex: first, pointers: ['/message', '/metadata/tags/1', '/changes', '/none'] }],
        },
        asked,
      );
      expect((await told(trail, 'value.find'))[0]).toMatchObject({ metadata: { fields: 4, places: 1 } });
      expect(plan).toMatchObject({ fields: 4, absent: [{ leafIndex: first, pointer: '/none' }], values: [{ leaves: [first, first + 1] }] });
      expect(plan.values[0]?.pointers).toEqual(['/changes/0/after', '/changes/0/field', '/message', '/metadata/tags']);

      const { removal, certificate } = await trail.dataProtection.redactValues(
        { places: [{ leafIndex: first, pointers: ['/message', '/metadata/tags/1', '/changes'] }] },
        asked,
      );
      expect(removal).toMatchObject({ fields: 4, records: 0 });
      const tombstone = removal.tombstones[0]?.leafIndex;
      const { record } = (await trail.readEvent('default', first)) as { record: JsonObject };
      expect(record).toMatchObject({
        message: `[REDACTED leaf ${tombstone}]`,
        metadata: { tags: `[REDACTED leaf ${tombstone}]` },
        action: 'file.read',
      });
      const trust = createTrust([trail.vkeyOf('default')]);
      const disclosed = verifyDisclosure((await trail.discloseEvent('default', first, ['/action'])) as string, trust);
      expect(disclosed.shown).toEqual([{ pointer: '/action', value: 'file.read' }]);
      expect(verifyReceipt(receipt, disclosed.entry, trust).leafIndex).toBe(first); // the one from before
      expect(verifyCertificate(certificate, vkeys(trail)).proved).toHaveLength(1);
      expect((await trail.search('default', { q: 'xyzzy' })).events).toEqual([]);

      // By a search, as scan --stored would find it, and pointer and all.
      const found = await trail.dataProtection.redactValues({ query: { q: '"the word is"', pointers: ['/message'] }, hidePointers: true }, asked);
      expect(found.plan.values).toEqual([{ pointers: ['/message'], leaves: [second, second + 1] }]);
      expect((await trail.readEvent('default', second))?.record).not.toHaveProperty('message');
      expect((await trail.readEvent('default', third))?.record['message']).toBe('nothing here');
      expect(JSON.stringify(found.plan.detail)).not.toContain('/message'); // the pointers were personal

      for (const [request, code] of [
        [{ places: [{ leafIndex: first, pointers: ['/message'] }] }, 'redact_nothing'],
        [{ places: [{ leafIndex: 9_999, pointers: ['/message'] }] }, 'redact_nothing'],
        [{ places: [{ leafIndex: tombstone, pointers: ['/tombstone/reason'] }] }, 'redact_request'],
        [{ places: [{ leafIndex: first, pointers: ['message'] }] }, 'redact_request'],
        [{ places: [] }, 'redact_request'],
        [{ query: { q: 'x', pointers: [] } }, 'redact_request'],
        [{ query: { q: 'email:"jane@example.com"', pointers: ['/message'] } }, 'redact_request'],
        [{ log: 'none', places: [{ leafIndex: 0, pointers: ['/a'] }] }, 'log_unknown'],
      ] as [Parameters<typeof trail.dataProtection.redactValues>[0], string][]) {
        await expect(trail.dataProtection.redactValues(request, asked), JSON.stringify(request)).rejects.toThrow(expect.objectContaining({ code }));
      }
    });
    expect(await verified(dataDir)).toMatchObject({ redacted: 2 });
  },
  timeout,
);

test(
  'while events keep coming in: no record bears an erased token afterwards, and those that were acknowledged before are gone',
  async () => {
    const dataDir = directory();
    await withTrail(dataDir, async (trail) => {
      const before = await append(
        trail,
        Array.from({ length: 30 }, () => event('jane')),
      );
      const erased = [await tokenAt(trail, 0, 'email'), await tokenAt(trail, 0, 'name')];
      const stop = new AbortController();
      const sender = (async () => {
        while (!stop.signal.aborted) {
          await append(trail, [event('jane'), event('omar')]);
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      })();
      await new Promise((resolve) => setTimeout(resolve, 100));
      const { removal } = await trail.dataProtection.eraseSubject({ mode: 'erase', ids: ['u-17'] }, asked);
      stop.abort();
      await sender;
      expect(removal.records).toBeGreaterThanOrEqual(before.length);
      for (const leafIndex of before) expect(await readable(trail, 'default', leafIndex)).toBe(false);
      for (const token of erased) expect((await trail.search('default', { q: `"${token}"` })).events).toEqual([]);
    });
    const { erased } = await verified(dataDir);
    expect(erased).toBeGreaterThanOrEqual(30);
  },
  timeout,
);
