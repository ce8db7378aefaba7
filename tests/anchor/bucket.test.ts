/** A log in a bucket under Object Lock: published to a real S3 service, attacked with everybody's keys, and verified from the bucket alone. */
import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Anchor, Anchored, AnchorTarget } from '../../src/anchor/anchor.ts';
import { Anchoring } from '../../src/anchor/anchoring.ts';
import { Bucket, type StoredObject } from '../../src/anchor/bucket.ts';
import { type KeptSegment, listSegments, type SegmentCopies } from '../../src/anchor/bucket-segments.ts';
import { openKeptLog } from '../../src/anchor/bucket-log.ts';
import { openTarget, readTargets, type TargetSettings } from '../../src/anchor/targets.ts';
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import { checkSeal } from '../../src/ledger/seal.ts';
import { createNoteVerifier } from '../../src/log/note-key.ts';
import { createTrust } from '../../src/log/trust.ts';
import { openAnchors } from '../../src/server/anchors.ts';
import { sealedPaths } from '../../src/server/data-files.ts';
import { fetchSegments } from '../../src/server/fetch-segments.ts';
import { verifyAnchors } from '../../src/server/verify-anchors.ts';
import { verifyBucketLog } from '../../src/server/verify-bucket.ts';
import { verifyLogFrom } from '../../src/server/verify.ts';
import { run } from '../e2e/product.ts';
import { allKeys, createSealedTrail, openedBy, planted, retention, type SealedTrail, subject, treeSize } from './bucket-segments.ts';
import { hasObjectStore, type ObjectStore, startObjectStore } from './object-store.ts';
import { createTestLog, type TestLog } from './test-log.ts';

const place = { name: 's3', prefix: 'prod' };

describe.skipIf(!hasObjectStore())('a bucket under Object Lock (needs radosgw)', () => {
  let store: ObjectStore;
  let log: TestLog;
  let bucket: Bucket;
  const target = (over: Record<string, unknown> = {}): ReturnType<typeof readTargets> => {
    const credentials = join(log.dataDir, '..', 's3.json');
    writeFileSync(credentials, JSON.stringify(store.writer), { mode: 0o600 });
    return readTargets([
      {
        kind: 's3',
        name: 's3',
        endpoint: store.endpoint,
        region: 'us-east-1',
        bucket: 'locked',
        prefix: 'prod',
        credentials,
        retainDays: 2,
        every: '1h',
        ...over,
      },
    ]);
  };
  const anchor = async (over: Record<string, unknown> = {}): ReturnType<Anchoring['anchorNow']> => {
    const opened = openAnchors(log.dataDir, target(over));
    return new Anchoring({ ...opened, clock: systemClock, onResult: () => undefined }).anchorNow(opened.targets[0] as never);
  };

  beforeAll(async () => {
    store = await startObjectStore();
    log = createTestLog();
    expect((await store.request('writer', 'PUT', 'locked', { 'x-amz-bucket-object-lock-enabled': 'true' })).status).toBe(200);
    expect((await store.request('writer', 'PUT', 'plain')).status).toBe(200);
    bucket = new Bucket({ name: 's3', endpoint: store.endpoint, region: 'us-east-1', bucket: 'locked', ...store.writer });
  }, 420_000);
  afterAll(async () => {
    await store?.close();
    log?.remove();
  });

  test('one without versions or a lock is refused, and what to switch on is said', async () => {
    await log.grow(1);
    const [plain] = await anchor({ bucket: 'plain' });
    expect(plain).toMatchObject({ error: { code: 'anchor_refused', message: expect.stringMatching(/switch on Bucket Versioning and Object Lock/) } });
    const versioned = '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>';
    expect((await store.request('writer', 'PUT', 'plain?versioning', {}, versioned)).status).toBe(200);
    expect((await anchor({ bucket: 'plain' }))[0]).toMatchObject({
      error: { code: 'anchor_refused', message: expect.stringContaining('switch on Object Lock') },
    });
    expect((await anchor({ bucket: 'nobodys' }))[0]).toMatchObject({
      error: { code: 'anchor_refused', message: expect.stringContaining('there is no bucket nobodys') },
    });
    expect((await anchor({ endpoint: 'http://127.0.0.1:4' }))[0]).toMatchObject({
      error: { code: 'anchor_failed', message: expect.stringContaining('out of reach (ECONNREFUSED)') },
    });
  });

  test('the log is published as it grows, partial tiles never, and verified from the bucket alone', async () => {
    for (const size of [1, 255, 256, 257, 700]) {
      await log.grow(size - log.treeSize);
      const [result] = await anchor();
      expect(result, `${size} leaves`).toMatchObject({ anchor: { treeSize: size, proof: { mode: 'COMPLIANCE' } } });
      expect(await anchor(), 'the same one again').toEqual([]);
      const kept = await openKeptLog(bucket, place, 'default');
      const report = await verifyLogFrom(kept, { log: 'default', vkey: log.vkey });
      expect(report, JSON.stringify(report.problems)).toMatchObject({ ok: true, treeSize: size });
      expect(kept.changed).toEqual([]);
      expect(await kept.unlocked(Date.now())).toEqual([]);
      expect(await kept.unlocked(Date.now() + 3 * 86_400_000)).not.toEqual([]);
    }
    // Made to point elsewhere, it begins anew: what is kept must be whole by itself.
    await log.grow(1);
    expect((await anchor({ prefix: 'moved' }))[0]).toMatchObject({ anchor: { proof: { objects: 5 } } });
    expect(
      await verifyLogFrom(await openKeptLog(bucket, { name: 's3', prefix: 'moved' }, 'default'), { log: 'default', vkey: log.vkey }),
    ).toMatchObject({
      ok: true,
      treeSize: 701,
    });
    rmSync(join(log.dataDir, 'anchors/default/0000000000000701-s3.json'));
    const keys: string[] = [];
    for await (const { key } of bucket.versions('prod/')) keys.push(key);
    expect(keys.filter((key) => key.includes('.p/'))).toEqual([]);
    expect(keys.filter((key) => key.includes('/tile/')).length).toBe(4);
    expect(keys.filter((key) => key.includes('/checkpoint/')).length).toBe(5);
  });

  test('locks of tiles and checkpoints are made longer before half of their time is over', async () => {
    const opened = openAnchors(log.dataDir, target());
    const dayMs = 86_400_000;
    const later = async (days: number): Promise<unknown[]> => {
      const clock = { ...systemClock, now: () => Date.now() + days * dayMs };
      const renewing = openTarget(target()[0] as TargetSettings, { clock, random: systemRandom, tiles: opened.tiles, newest: async () => undefined });
      const checkpoints = async (): Promise<Anchored[]> => [{ ...((await opened.store.newest('default', 's3'))?.anchor as Anchor) }];
      return new Anchoring({ ...opened, checkpoints, targets: [renewing], clock, onResult: () => undefined }).anchorNow(renewing);
    };
    // A stranger's objects are not kept at our cost.
    const strange = await store.request('writer', 'PUT', 'locked/prod/default/tile/x', {}, 'mine');
    expect(strange.status).toBe(200);
    const ends = async (): Promise<number[]> => {
      const found: number[] = [];
      for await (const { key, versionId } of bucket.versions('prod/default/')) {
        const until = (await bucket.head(key, versionId))?.retainUntil;
        expect(until === undefined, key).toBe(key.endsWith('/x'));
        if (until !== undefined) found.push((Date.parse(until) - Date.now()) / dayMs);
      }
      return found;
    };
    expect(await later(0.4)).toEqual([]);
    for (const days of await ends()) expect(days).toBeCloseTo(2, 1);
    expect(await later(1.1)).toMatchObject([{ log: 'default', target: 's3', locks: { objects: 9, extended: 9, lapsed: 0 } }]);
    expect(await later(1.1), 'nothing is due any more').toEqual([]);
    for (const days of await ends()) expect(days).toBeCloseTo(3.1, 1);
    expect((await opened.store.locks('default', 's3'))?.lockedUntil?.slice(0, 10)).toBe(
      new Date(Date.now() + 3.1 * dayMs).toISOString().slice(0, 10),
    );
    // Left alone for too long they were all open to deletion for a while, which is said.
    expect(await later(4)).toMatchObject([{ locks: { objects: 9, extended: 9, lapsed: 9 } }]);
    for (const days of await ends()) expect(days).toBeCloseTo(6, 1);
    const mine = `locked/prod/default/tile/x?versionId=${strange.headers.get('x-amz-version-id')}`;
    expect((await store.request('writer', 'DELETE', mine)).status).toBe(204);
    const { code, out } = await run(['anchor', 'list', '--data', log.dataDir]);
    expect([code, out]).toEqual([0, expect.stringMatching(/default +locks  s3 +9 objects, locked until 20\d\d-\d\d-\d\d at least/)]);
  });

  test('nobody deletes or overwrites what is there, with whatever keys', async () => {
    const versions: { key: string; versionId: string }[] = [];
    for await (const version of bucket.versions('prod/')) versions.push(version);
    expect(versions.length).toBeGreaterThan(8);
    for (const { key, versionId } of versions) {
      for (const as of ['writer', 'administrator'] as const) {
        for (const headers of [{}, { 'x-amz-bypass-governance-retention': 'true' }]) {
          const { status } = await store.request(as, 'DELETE', `locked/${key}?versionId=${versionId}`, headers);
          expect([400, 403], `${as} ${key}`).toContain(status);
        }
        const sooner = `<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Mode>COMPLIANCE</Mode><RetainUntilDate>2026-01-01T00:00:00Z</RetainUntilDate></Retention>`;
        expect((await store.request(as, 'PUT', `locked/${key}?retention&versionId=${versionId}`, {}, sooner)).ok).toBe(false);
      }
      expect(await bucket.get(key, versionId), key).toBeDefined();
    }
  });

  test('a marker in front of an object, and another version on top of it, fool nobody and are reported', async () => {
    const tile = 'prod/default/tile/0/000';
    expect((await store.request('administrator', 'DELETE', `locked/${tile}`)).status).toBe(204);
    expect((await store.request('writer', 'PUT', 'locked/prod/default/tile/entries/000', {}, 'another history')).status).toBe(200);
    const kept = await openKeptLog(bucket, place, 'default');
    expect(kept.changed.toSorted((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
      { key: tile, what: 'deleted' },
      { key: 'prod/default/tile/entries/000', what: 'overwritten' },
    ]);
    expect(await verifyLogFrom(kept, { log: 'default', vkey: log.vkey })).toMatchObject({ ok: true, treeSize: 700 });
  });

  test('anchors in the bucket are checked against the log: rollback and rewriting are found', async () => {
    const opened = openAnchors(log.dataDir, target());
    const { anchors: checked } = await verifyAnchors('default', log.vkey, opened);
    expect(checked.map(({ ok, treeSize }) => [ok, treeSize])).toEqual([1, 255, 256, 257, 700].map((size) => [true, size]));
    expect(checked.every(({ provedAt }) => Math.abs(Date.parse(provedAt as string) - Date.now()) < 300_000)).toBe(true);
    const rolledBack = log.fork(300);
    const other = openAnchors(rolledBack, target());
    expect((await verifyAnchors('default', log.vkey, { ...opened, tiles: other.tiles })).anchors.at(-1)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('rolled back'),
    });
    const rewritten = openAnchors(log.fork(800, 'another history'), target());
    const { anchors: found } = await verifyAnchors('default', log.vkey, { ...opened, tiles: rewritten.tiles });
    expect(found.every(({ ok }) => ok === false)).toBe(true);
    expect(found.at(-1)?.detail).toContain('rewritten');
  });

  test('a version that came in parts has the time at which it was announced: it proves no presence by then', async () => {
    const opened = openAnchors(log.dataDir, target());
    const { anchor: kept } = (await opened.store.newest('default', 's3')) as { anchor: Anchor };
    const [key, first] = [kept.proof['key'] as string, kept.proof['versionId'] as string];
    const whole = (await bucket.get(key, first)) as StoredObject;
    expect(whole.isWhole).toBe(true);
    const begun = await store.request('writer', 'POST', `locked/${key}?uploads`);
    const upload = /<UploadId>([^<]+)<\/UploadId>/.exec(await begun.text())?.[1] ?? '';
    const part = await store.request('writer', 'PUT', `locked/${key}?partNumber=1&uploadId=${upload}`, {}, Buffer.from(whole.bytes).toString());
    const parts = `<Part><PartNumber>1</PartNumber><ETag>${part.headers.get('etag') ?? ''}</ETag></Part>`;
    const body = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts}</CompleteMultipartUpload>`;
    expect((await store.request('writer', 'POST', `locked/${key}?uploadId=${upload}`, {}, body)).status).toBe(200);
    let versionId = '';
    for await (const one of bucket.versions(key)) if (one.versionId !== first) ({ versionId } = one);
    await bucket.extend(key, versionId, { mode: 'COMPLIANCE', retainUntil: new Date(Date.now() + 86_400_000) });
    const [s3] = opened.targets as [AnchorTarget];
    const check = await s3.check({ ...kept, proof: { ...kept.proof, versionId } });
    expect(check).toMatchObject({ ok: true, detail: expect.stringContaining('in parts'), notBefore: expect.any(String) });
    expect(check).not.toHaveProperty('provedAt');
    expect(await s3.check(kept)).toMatchObject({ ok: true, provedAt: expect.any(String), notBefore: expect.any(String) });
  });

  describe('with sealed segments', () => {
    let sealed: SealedTrail;
    const settings = (): TargetSettings => target({ prefix: 'sealed', segments: true })[0] as TargetSettings;
    let anchoring: Anchoring;
    const copy = async (): Promise<SegmentCopies | undefined> => {
      const results = await anchoring.anchorNow(only(anchoring));
      expect(results.filter((result) => 'error' in result)).toEqual([]);
      return results.flatMap((result) => ('copies' in result && result.log === 'default' ? [result.copies] : []))[0];
    };
    const objects = async (): Promise<KeptSegment[]> => [...(await listSegments(bucket, 'sealed', 'default')).values()];
    const locks = async (): Promise<Record<string, StoredObject['lock'] | undefined>> =>
      Object.fromEntries(
        await Promise.all(
          (await objects()).map(async (one) => [`${one.class}.${one.generation}`, await bucket.head(one.key, one.versionId)] as const),
        ),
      );
    let only: (of: Anchoring) => AnchorTarget;
    const vkeyOf = (): string => sealed.trail.vkeyOf('default');
    beforeAll(async () => {
      sealed = await createSealedTrail();
      const opened = openAnchors(sealed.dataDir, [settings()]);
      only = () => opened.targets[0] as AnchorTarget;
      anchoring = new Anchoring({ ...opened, clock: systemClock, onResult: () => undefined });
    });
    afterAll(() => sealed?.remove());

    test('one object a class, locked until the last of its records is due; nothing is copied twice', async () => {
      expect(await copy()).toMatchObject({ segments: 2, objects: 2, held: 0 });
      expect((await anchoring.figures()).find(({ log: of }) => of === 'default')).toMatchObject({ segments: 2, behind: 0 });
      expect(await copy()).toBe(undefined);
      const days = Date.now() / 86_400_000;
      const until = Object.entries(await locks()).map(([name, lock]) => [
        name,
        lock?.mode,
        Math.round(Date.parse(lock?.retainUntil ?? '') / 86_400_000 - days),
      ]);
      expect(until).toEqual([
        ['kept.1', 'COMPLIANCE', 2],
        ['logins.1', 'COMPLIANCE', 90],
      ]);
      for (const { key, versionId } of await objects())
        for (const as of ['writer', 'administrator'] as const)
          expect([400, 403]).toContain((await store.request(as, 'DELETE', `locked/${key}?versionId=${versionId}`)).status);
    });

    test('the records are verified from the bucket, by whoever has vault and keyring; others are told that they are sealed', async () => {
      const { report, problems } = await verifyBucketLog(settings(), 'default', vkeyOf(), sealed.dataDir);
      expect(problems).toEqual([]);
      expect(report, JSON.stringify(report.problems)).toMatchObject({ ok: true, treeSize, records: { verified: 65_536 } });
      expect(report.steps.at(-1)).toMatchObject({ step: 'records', ok: true, detail: '65536 in 2 sealed segments open their commitments' });
      expect(report.notChecked).toContain('the records of 64 leaves: they are in no sealed segment yet');
      const stranger = await verifyBucketLog(settings(), 'default', vkeyOf());
      expect(stranger.report).toMatchObject({ ok: true, records: { verified: 0 } });
      expect(stranger.report.notChecked.join()).toContain('the records in 2 sealed segments');
    });

    test('a hold puts its legal hold on what it may be about, and takes it away', async () => {
      const { dataProtection } = sealed.trail;
      await dataProtection.setHold({ name: 'elsewhere', why: 'w', log: '_system' }, 'x');
      expect(await copy()).toBe(undefined);
      await dataProtection.setHold({ name: 'case-1', why: 'w', subject: ['u-178'] }, 'x');
      expect(await copy()).toMatchObject({ objects: 0, held: 2, lifted: 0 });
      expect(Object.values(await locks()).map((lock) => lock?.legalHold)).toEqual([true, true]);
      await dataProtection.liftHold('case-1', { principal: 'local:test', purpose: 'over' });
      expect(await copy()).toMatchObject({ objects: 0, held: 0, lifted: 2 });
      expect(Object.values(await locks()).map((lock) => lock?.legalHold)).toEqual([false, false]);
      // A table that keeps a class longer makes its lock longer; one that keeps it shorter cannot make it shorter.
      const table = (keep: string): string => retention.replace('90 days', keep);
      const asked = { principal: 'local:test', purpose: 'a test' };
      await dataProtection.applyRetention(table('120 days'), asked);
      expect(await copy()).toMatchObject({ objects: 0, extended: 1 });
      await dataProtection.applyRetention(table('30 days'), asked);
      expect(await copy()).toBe(undefined);
      const until = Date.parse((await locks())['logins.1']?.retainUntil ?? '');
      expect(Math.round((until - Date.now()) / 86_400_000)).toBe(120);
    });

    test('an erasure leaves an object that no key opens, and a new one without what was erased', async () => {
      const [old] = (await objects()).filter((one) => one.class === 'kept') as [KeptSegment];
      const bytes = (await bucket.read(old.key, old.versionId, 0, old.size)) as Uint8Array;
      const before = sealed.copy();
      const origin = createTrust([vkeyOf()]).origin;
      const opened = openedBy(await allKeys([before], [old]), bytes, origin, old, planted);
      expect(opened, 'who has the keys reads it').toEqual({ blocks: 224, found: true });

      const { dataProtection } = sealed.trail;
      const asked = { principal: 'local:test', purpose: 'a test' };
      await dataProtection.setHold({ name: 'case-2', why: 'w', subject: ['u-178'] }, 'x');
      expect(await copy()).toMatchObject({ held: 2 });
      await dataProtection.eraseSubject({ mode: 'erase', ids: [subject] }, asked);
      // What the hold protects is in the next generation; the one before is let go of.
      expect(await copy()).toMatchObject({ segments: 2, objects: 1, held: 1, lifted: 1 });
      const held = Object.entries(await locks()).map(([name, lock]) => [name, lock?.legalHold]);
      expect(Object.fromEntries(held)).toEqual({ 'kept.1': false, 'kept.2': true, 'logins.1': true });
      await dataProtection.liftHold('case-2', asked);
      expect(await copy()).toMatchObject({ held: 0, lifted: 2 });

      // Write-once: it is still there, byte for byte. Everything but the keyring of before is at hand, the vault of before among it.
      expect(await bucket.read(old.key, old.versionId, 0, old.size)).toEqual(bytes);
      expect((await store.request('administrator', 'DELETE', `locked/${old.key}?versionId=${old.versionId}`)).ok).toBe(false);
      cpSync(join(sealed.dataDir, 'keys'), join(before, 'keys-now'), { recursive: true });
      rmSync(join(before, 'keys'), { recursive: true });
      renameSync(join(before, 'keys-now'), join(before, 'keys'));
      const keys = await allKeys([before, sealed.dataDir], [old]);
      expect(keys.length).toBeGreaterThan(8);
      expect(openedBy(keys, bytes, origin, old, planted)).toEqual({ blocks: 0, found: false });
      const [next] = (await objects()).filter((one) => one.class === 'kept' && one.generation === 2) as [KeptSegment];
      const rewritten = (await bucket.read(next.key, next.versionId, 0, next.size)) as Uint8Array;
      expect(openedBy(keys, rewritten, origin, next, planted)).toEqual({ blocks: 224, found: false });

      const { report, problems } = await verifyBucketLog(settings(), 'default', vkeyOf(), sealed.dataDir);
      expect(problems).toEqual([]);
      expect(report, JSON.stringify(report.problems)).toMatchObject({ ok: true, records: { verified: 65_535 } });
      expect(report.steps.at(-1)?.detail).toContain('1 objects have no key any more');
    });

    test('what is lost or damaged here is fetched, byte for byte', async () => {
      await sealed.stop();
      try {
        const path = (name: string): string => join(sealed.dataDir, 'segments/default', name);
        const [logins, kept] = [readFileSync(path('logins/00000000.1')), readFileSync(path('kept/00000000.2'))];
        expect(await fetchSegments(sealed.dataDir, settings())).toEqual({ checked: 2, fetched: [], absent: [] });
        rmSync(path('logins/00000000.1'));
        const bent = Uint8Array.from(kept);
        bent[kept.length >> 1] = (bent[kept.length >> 1] as number) ^ 1;
        writeFileSync(path('kept/00000000.2'), bent);
        expect(await fetchSegments(sealed.dataDir, settings())).toEqual({
          checked: 2,
          fetched: ['segments/default/kept/00000000.2', 'segments/default/logins/00000000.1'],
          absent: [],
        });
        expect(readFileSync(path('logins/00000000.1')).equals(logins)).toBe(true);
        expect(readFileSync(path('kept/00000000.2')).equals(kept)).toBe(true);
        // What was closed in an orderly way is sealed again, and looks it.
        expect(
          await checkSeal({ dataDir: sealed.dataDir, paths: sealedPaths(sealed.dataDir), verifiers: [createNoteVerifier(vkeyOf())], clean: true }),
        ).toEqual([]);
        rmSync(path('logins/00000000.1'));
        expect(await fetchSegments(sealed.dataDir, { ...settings(), settings: { ...settings().settings, prefix: 'prod' } })).toMatchObject({
          absent: ['segments/default/logins/00000000.1'],
        });
        await fetchSegments(sealed.dataDir, settings());
      } finally {
        await sealed.start();
      }
    });
  });
});
