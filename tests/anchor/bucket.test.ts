/** A log in a bucket under Object Lock: published to a real S3 service, attacked with everybody's keys, and verified from the bucket alone. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Anchoring } from '../../src/anchor/anchoring.ts';
import { Bucket } from '../../src/anchor/bucket.ts';
import { openKeptLog } from '../../src/anchor/bucket-log.ts';
import { readTargets } from '../../src/anchor/targets.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openAnchors } from '../../src/server/anchors.ts';
import { verifyAnchors } from '../../src/server/verify-anchors.ts';
import { verifyLogFrom } from '../../src/server/verify.ts';
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
    expect((await anchor({ bucket: 'nobodys' }))[0]).toMatchObject({ error: { code: 'anchor_failed' } });
  });

  test('the log is published as it grows, partial tiles never, and verified from the bucket alone', { timeout: 120_000 }, async () => {
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
    const keys: string[] = [];
    for await (const { key } of bucket.versions('prod/')) keys.push(key);
    expect(keys.filter((key) => key.includes('.p/'))).toEqual([]);
    expect(keys.filter((key) => key.includes('/tile/')).length).toBe(4);
    expect(keys.filter((key) => key.includes('/checkpoint/')).length).toBe(5);
  });

  test('nobody deletes or overwrites what is there, with whatever keys', { timeout: 120_000 }, async () => {
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

  test('a marker in front of an object, and another version on top of it, fool nobody and are reported', { timeout: 120_000 }, async () => {
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

  test('anchors in the bucket are checked against the log: rollback and rewriting are found', { timeout: 60_000 }, async () => {
    const opened = openAnchors(log.dataDir, target());
    const checked = await verifyAnchors('default', log.vkey, opened);
    expect(checked.map(({ ok, treeSize }) => [ok, treeSize])).toEqual([1, 255, 256, 257, 700].map((size) => [true, size]));
    expect(checked.every(({ provedAt }) => Math.abs(Date.parse(provedAt as string) - Date.now()) < 300_000)).toBe(true);
    const rolledBack = log.fork(300);
    const other = openAnchors(rolledBack, target());
    expect((await verifyAnchors('default', log.vkey, { ...opened, tiles: other.tiles })).at(-1)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('rolled back'),
    });
    const rewritten = openAnchors(log.fork(800, 'another history'), target());
    const found = await verifyAnchors('default', log.vkey, { ...opened, tiles: rewritten.tiles });
    expect(found.every(({ ok }) => ok === false)).toBe(true);
    expect(found.at(-1)?.detail).toContain('rewritten');
  });
});
