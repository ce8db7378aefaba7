/** What is removed is gone for whoever has the disk, copies of it made before, and all keys that are left; and every proof still verifies. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { LedgerClient } from '../../src/ledger/ledger-client.ts';
import { VaultClient } from '../../src/vault/vault-client.ts';
import { createIdempotency } from '../../src/pipeline/idempotency.ts';
import { valueDigest } from '../../src/log/commitment.ts';
import { fieldsOf, isKept } from '../../src/log/redacted-record.ts';
import { createTrust } from '../../src/log/trust.ts';
import { IndexReader } from '../../src/search/index-reader.ts';
import { parseQuery } from '../../src/search/query.ts';
import type { OpenTrail } from '../../src/server/compose.ts';
import { openTrailReader } from '../../src/server/open-reader.ts';
import { openKeyring } from '../../src/vault/keyring.ts';
import { verifyDisclosure } from '../../src/verify/disclosure.ts';
import {
  append,
  bearsText,
  bucketKeysOf,
  copyOf,
  event,
  filesOf,
  loot,
  makeDataDir,
  openOn,
  recordsOf,
  sealedChunks,
  tokenOf,
  verify,
} from './trail.ts';

const timeout = 300_000;
const gdpr = { reason: 'gdpr-art-17', by: 'local' };
const errorOf = (code: string): unknown => expect.objectContaining({ code });

test('a subject is erased: vault rows and every record that bears the token, and nothing else', { timeout }, async () => {
  const dataDir = makeDataDir();
  const trail = await openOn(dataDir);
  const leaves = await append(trail, [event('jane'), event('joe'), event('jane', '1111', { note: 'of jane' }), event('ann')]);
  await append(trail, [event('jane'), event('joe')], 'second');
  const token = await tokenOf(trail, 0);
  const other = await tokenOf(trail, 1);
  await append(trail, [{ ...event('joe'), metadata: { note: `${token} was seen` } }]); // what a sender writes counts, too
  const result = await trail.remove({ operation: 'erase', tokens: [token], ...gdpr });
  expect(result).toEqual({
    id: expect.stringMatching(/^rem_[a-z2-7]{26}$/),
    tombstones: [
      { log: 'default', leafIndex: 5 },
      { log: 'second', leafIndex: 2 },
      { log: '_system', leafIndex: expect.any(Number) },
    ],
    tokens: 1,
    records: 4,
    fields: 0,
  });
  for (const leaf of [0, 2, 4])
    await expect(trail.readEvent('default', leaf)).rejects.toMatchObject({ code: 'record_removed', detail: { leafIndex: leaf, tombstone: 5 } });
  expect(await tokenOf(trail, 1)).toBe(other);
  expect((await trail.search('default', { q: token })).events).toEqual([]);
  expect((await trail.search('default', {})).events.map(({ leafIndex }) => leafIndex)).toEqual([5, 3, 1]);
  // The entry stays, and its receipt; who comes again is somebody new.
  expect(await trail.proveEvent('default', leaves[0] as number)).toContain('tlog-proof');
  const [again] = await append(trail, [event('jane')]);
  expect(await tokenOf(trail, again as number)).not.toBe(token);
  const tombstone = (await trail.readEvent('default', 5))?.record;
  expect(tombstone).toMatchObject({
    action: 'removal.erase',
    tombstone: { operation: 'erase', removal: result.id, reason: 'gdpr-art-17', generation: 2, ranges: [0, 1, 2, 3, 4, 5] },
  });
  expect(JSON.stringify(tombstone)).not.toContain(token);
  await trail.close();
  const report = await verify(dataDir);
  expect(report.problems).toEqual([]);
  expect(report.records).toMatchObject({ erased: 3, redacted: 0, verified: 4 });
  expect(readdirSync(join(dataDir, 'keys')).filter((name) => name.startsWith('root'))).toEqual(['root.v2.secret']);
});

test('nothing of it opens any more, on the disk or in a copy made before, with all keys that are left', { timeout }, async () => {
  const dataDir = makeDataDir();
  let trail = await openOn(dataDir);
  await append(trail, [event('jane', '1', { note: 'a secret of hers' }), event('joe')]);
  await append(trail, [event('ann')]);
  await append(trail, [event('ann', 'of another log')], 'second');
  const token = await tokenOf(trail, 0);
  const running = copyOf(dataDir); // with a write-ahead log beside each database
  const sealed = sealedChunks(running);
  await trail.close();
  const before = copyOf(dataDir);
  for (const copy of [before, running]) {
    const all = loot(copy);
    expect(bearsText(all.records, 'a secret of hers')).toBe(1);
    expect(all.values).toContain('jane@example.com');
  }
  trail = await openOn(dataDir);
  await trail.remove({ operation: 'erase', tokens: [token], ...gdpr });
  const during = copyOf(dataDir);
  await trail.close();
  for (const dir of [dataDir, during]) {
    const left = loot(copyOf(dir));
    expect(bearsText(left.records, 'a secret of hers')).toBe(0);
    expect(bearsText(left.records, 'joe')).toBe(0); // a pseudonym
    expect(left.records.filter(({ length }) => length > 0).length).toBeGreaterThan(2);
    expect(left.values).toContain('joe@example.com');
    expect(left.values).not.toContain('jane@example.com');
  }
  // The old files with the new keyring: nothing at all.
  for (const copy of [before, running]) expect(loot(copy, [dataDir])).toEqual({ records: [], values: [] });
  // Nor the old chunks under the bucket keys of today; of a log that lost nothing those are the same.
  const mixed = recordsOf(copyOf(before), bucketKeysOf(copyOf(dataDir)));
  expect([bearsText(mixed, 'a secret of hers'), bearsText(mixed, 'of another log')]).toEqual([0, 1]);
  // Bytes of the old chunks are nowhere on the disk, free pages and write-ahead logs included, nor is the root that they were under.
  const pieces = sealed.flatMap((chunk) => [chunk.subarray(1, 33), chunk.subarray(chunk.length - 40, chunk.length - 8)]);
  expect(pieces.length).toBeGreaterThanOrEqual(4);
  const holding = (dir: string): string[] =>
    [...filesOf(dir)].filter(({ bytes }) => pieces.some((piece) => bytes.includes(Buffer.from(piece)))).map(({ path }) => path.slice(dir.length));
  expect(holding(running)).not.toEqual([]);
  // The second chunk lost nothing: its body stays, its wrapped key does not.
  pieces.splice(3, 1);
  expect(holding(during)).toEqual([]);
  const root = openKeyring(join(before, 'keys'), { create: false }).secret('root').key;
  for (const { path, bytes } of filesOf(during)) {
    expect(`${path} ${bytes.includes(Buffer.from(root))}`).toBe(`${path} false`);
    expect(`${path} ${bytes.includes(Buffer.from(root).toString('base64'))}`).toBe(`${path} false`);
  }
});

/** Where a value is found on the disk, or a guess of it can be checked, by somebody who has all keys: names of the ways. */
async function waysToGuess(dataDir: string, leafIndex: number, guesses: readonly string[], whole: (guess: string) => JsonObject): Promise<string[]> {
  const dir = copyOf(dataDir);
  const keyring = openKeyring(join(dir, 'keys'), { create: false });
  const { records, values } = loot(dir);
  const ways = new Set<string>();
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const fields = records.filter(({ length }) => length > 0).map(fieldsOf);
  const salts = fields.flat().flatMap((field) => (isKept(field) ? [field.salt] : []));
  const digests = new Set(fields.flat().flatMap((field) => ('valueDigest' in field ? [hex(field.valueDigest)] : [])));
  const database = new DatabaseSync(join(dir, 'records.db'));
  const ids = new Set(
    database
      .prepare('SELECT key, body FROM idempotency')
      .all()
      .map((row) => hex(row['key'] as Uint8Array) + hex(row['body'] as Uint8Array)),
  );
  database.close();
  const idempotency = createIdempotency(keyring.secret('idempotency').key);
  const index = new IndexReader({ path: join(dir, 'index.db'), indexKey: keyring.secret('index').key, isLive: () => true });
  for (const guess of guesses) {
    const json = JSON.stringify(guess);
    if (values.includes(guess)) ways.add('vault');
    if (bearsText(records, json) > 0) ways.add('record');
    if (digests.size > 0 && salts.some((salt) => digests.has(hex(valueDigest(salt, json))))) ways.add('digest');
    const row = new Uint8Array(32);
    idempotency.writeRow({ log: 'default', principal: 'local', id: 'payment-1', timeMs: 0, content: JSON.stringify(whole(guess)) }, row, 0);
    if (ids.has(hex(row))) ways.add('id');
    const candidates = [...index.parts('default', parseQuery(`slot:${guess}`)).values()].flatMap((part) => part.candidates(0, 10, 10));
    if (candidates.includes(leafIndex)) ways.add('index');
  }
  index.close();
  return [...ways];
}

test('a 4-digit PIN that was redacted is not found among 10,000 guesses, with the disk and all keys', { timeout }, async () => {
  const dataDir = makeDataDir();
  const whole = (pin: string): JsonObject => ({ id: 'payment-1', ...event('jane', pin) });
  let trail = await openOn(dataDir);
  await append(trail, [whole('4711'), { id: 'payment-2', ...event('jane', 'a longer text') }]);
  // The index follows: without it one way to guess would be missing from the start.
  await expect
    .poll(async () => {
      const { indexedTo, treeSize } = await trail.search('default', { limit: 1 });
      return treeSize - indexedTo;
    })
    .toBe(0);
  await trail.close();
  const guesses = Array.from({ length: 10_000 }, (_, i) => String(i).padStart(4, '0'));
  const pinOnly = ['4711'];
  // So it could be found.
  expect((await waysToGuess(dataDir, 0, pinOnly, whole)).toSorted()).toEqual(['id', 'index', 'record']);
  expect(
    await waysToGuess(
      dataDir,
      0,
      guesses.filter((guess) => guess !== '4711'),
      whole,
    ),
  ).toEqual([]);
  trail = await openOn(dataDir);
  await trail.remove({ operation: 'redact', fields: [{ log: 'default', leafIndex: 0, pointers: ['/metadata/slot'] }], reason: 'r', by: 'local' });
  await trail.close();
  expect(await waysToGuess(dataDir, 0, guesses, whole)).toEqual([]);
  expect((await verify(dataDir)).problems).toEqual([]);
  // The record that was redacted is there, and says so.
  expect(loot(copyOf(dataDir)).records.filter((packed) => packed[0] === 2)).toHaveLength(1);
});

test('events that come while a subject is erased are all there, and none bears the token', { timeout }, async () => {
  const dataDir = makeDataDir();
  const trail = await openOn(dataDir);
  await append(trail, [event('jane')]);
  const token = await tokenOf(trail, 0);
  let appended = 0;
  const ending = new AbortController();
  const writing = (async () => {
    while (!ending.signal.aborted) appended += (await append(trail, [event('jane'), event('joe')])).length;
  })();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { records, tombstones } = await trail.remove({ operation: 'erase', tokens: [token], ...gdpr });
  await new Promise((resolve) => setTimeout(resolve, 100));
  ending.abort();
  await writing;
  await trail.close();
  const left = loot(copyOf(dataDir)).records.filter(({ length }) => length > 0);
  expect(bearsText(left, token)).toBe(0);
  expect(left.length).toBeGreaterThan(0);
  const report = await verify(dataDir);
  expect(report.problems).toEqual([]);
  expect(report.records.erased).toBe(records);
  expect(report.treeSize).toBe(1 + appended + tombstones.filter(({ log }) => log === 'default').length);
});

describe('in one directory', () => {
  let parent: string;
  let dataDir: string;
  let trail: OpenTrail;
  beforeAll(async () => {
    parent = mkdtempSync(join(tmpdir(), 'removal-'));
    dataDir = join(parent, 'data');
    trail = await openOn(dataDir);
  }, timeout);
  afterAll(async () => {
    await trail.close();
    rmSync(parent, { recursive: true, force: true });
  });

  test('a record whose value was redacted still verifies, and so do its neighbours and their disclosures', { timeout }, async () => {
    await append(trail, [event('jane', '4711'), event('joe', '1234')], 'redacting');
    const shown = (await trail.discloseEvent('redacting', 0, ['/action'])) as string;
    const neighbour = (await trail.discloseEvent('redacting', 1, ['/metadata/slot'])) as string;
    const result = await trail.remove({
      operation: 'redact',
      fields: [{ log: 'redacting', leafIndex: 0, pointers: ['/metadata/slot'] }],
      reason: 'found later',
      by: 'local',
    });
    expect(result).toMatchObject({ tombstones: [{ log: 'redacting', leafIndex: 2 }], tokens: 0, records: 0, fields: 1 });
    const found = await trail.readEvent('redacting', 0);
    expect(found?.record['metadata']).toEqual({ slot: '[REDACTED leaf 2]' });
    expect(found?.redacted).toEqual([{ pointer: '/metadata/slot', tombstone: 2 }]);
    expect((await trail.search('redacting', { q: 'slot:4711' })).events).toEqual([]);
    expect((await trail.search('redacting', { q: 'slot:1234' })).events).toHaveLength(1);
    expect((await trail.search('redacting', { q: 'action:payment.make' })).events).toHaveLength(2);
    const trust = createTrust([trail.vkeyOf('redacting')]);
    const after = (await trail.discloseEvent('redacting', 0, ['/action'])) as string;
    for (const disclosure of [shown, neighbour, after]) expect(() => verifyDisclosure(disclosure, trust)).not.toThrow();
    await expect(trail.discloseEvent('redacting', 0, ['/metadata/slot'])).rejects.toThrow(errorOf('disclosure_pointer'));
    // Again: there is nothing left to redact.
    expect(
      await trail.remove({
        operation: 'redact',
        fields: [{ log: 'redacting', leafIndex: 0, pointers: ['/metadata/slot'] }],
        reason: 'again',
        by: 'local',
      }),
    ).toMatchObject({
      tombstones: [],
      fields: 0,
    });
    // Its pointer goes, too.
    await trail.remove({
      operation: 'redact',
      fields: [{ log: 'redacting', leafIndex: 0, pointers: ['/metadata/slot'], hidePointers: true }],
      reason: 'again',
      by: 'local',
    });
    expect((await trail.readEvent('redacting', 0))?.record).not.toHaveProperty('metadata');
    const report = await verify(dataDir, 'redacting');
    expect(report.problems).toEqual([]);
    expect(report.records).toMatchObject({ erased: 0, redacted: 1 });
    const reader = await openTrailReader(dataDir);
    expect((await reader.search('redacting', { q: '4711' })).events).toEqual([]);
    await reader.close();
  });

  test('tokens are unlinked, and the records stay', { timeout }, async () => {
    await append(trail, [event('uma'), event('ugo')], 'unlinking');
    const token = await tokenOf(trail, 0, 'unlinking');
    const result = await trail.remove({ operation: 'unlink', tokens: [token], ...gdpr });
    expect(result).toMatchObject({ tokens: 1, records: 0, tombstones: [{ log: '_system', leafIndex: expect.any(Number) }] });
    expect(await tokenOf(trail, 0, 'unlinking')).toBe(token);
    // Once more, with nothing left of it: nothing happens, and nobody is told that something did.
    expect(await trail.remove({ operation: 'unlink', tokens: [token], ...gdpr })).toMatchObject({ tokens: 0, tombstones: [] });
    // Its records can be erased later on.
    expect(await trail.remove({ operation: 'erase', tokens: [token], ...gdpr })).toMatchObject({ tokens: 0, records: 1 });
    const { values } = loot(copyOf(dataDir));
    expect(values).toContain('ugo@example.com');
    expect(values).not.toContain('uma@example.com');
    const report = await verify(dataDir, 'unlinking');
    expect(report.problems).toEqual([]);
    expect(report.records).toMatchObject({ erased: 1 });
  });

  test('ranges expire; tombstones stay, whatever is asked', { timeout }, async () => {
    await append(
      trail,
      Array.from({ length: 10 }, (_, i) => event(`person-${i}`)),
      'expiring',
    );
    const expire = (from: number, to: number): ReturnType<typeof trail.remove> =>
      trail.remove({ operation: 'expire', records: [{ log: 'expiring', ranges: [[from, to]] }], reason: 'retention: 1 year', by: 'retention' });
    expect(await expire(0, 4)).toMatchObject({ records: 4, tombstones: [{ log: 'expiring', leafIndex: 10 }] });
    expect(await expire(2, 11)).toMatchObject({ records: 6, tombstones: [{ log: 'expiring', leafIndex: 11 }] });
    expect(await expire(0, 12)).toMatchObject({ records: 0, tombstones: [] });
    await append(trail, [event('late')], 'expiring');
    expect((await trail.search('expiring', {})).events.map(({ leafIndex }) => leafIndex)).toEqual([12, 11, 10]);
    const report = await verify(dataDir, 'expiring');
    expect(report.problems).toEqual([]);
    expect(report.records).toMatchObject({ erased: 10, verified: 3 });
  });

  test('what cannot be is refused, and nothing is removed', { timeout }, async () => {
    await append(trail, [event('jane', '1', { list: [{ a: 1 }] })], 'refusing');
    const redact = (pointers: string[], leafIndex = 0, log = 'refusing'): Promise<unknown> =>
      trail.remove({ operation: 'redact', fields: [{ log, leafIndex, pointers }], reason: 'r', by: 'local' });
    for (const [removal, code] of [
      [redact(['/metadata/nothing']), 'removal_invalid'],
      [redact(['/metadata/list']), 'removal_invalid'],
      [redact(['/action'], 7), 'removal_invalid'],
      [redact(['/action'], -1), 'removal_invalid'],
      [redact(['/action'], 0, 'nowhere'), 'removal_invalid'],
      [redact([]), 'removal_invalid'],
      [trail.remove({ operation: 'erase', ...gdpr }), 'removal_invalid'],
      [trail.remove({ operation: 'erase', tokens: [`tok_${'A'.repeat(27)}`], ...gdpr }), 'token_unknown'],
      [trail.remove({ operation: 'erase', tokens: ['jane'], ...gdpr }), 'token_syntax'],
      [
        trail.remove({ operation: 'erase', tokens: [await tokenOf(trail, 0, 'refusing')], reason: 'asked by jane@example.com', by: 'local' }),
        'removal_invalid',
      ],
      [trail.remove({ operation: 'expire', records: [{ log: 'refusing', ranges: [[1, 0]] }], ...gdpr }), 'removal_invalid'],
      [trail.remove({ operation: 'expire', records: [{ log: 'refusing', ranges: [[0, 9]] }], ...gdpr }), 'removal_invalid'],
    ] as const) {
      await expect(removal).rejects.toThrow(errorOf(code));
    }
    const { leafIndex } = (
      await trail.remove({ operation: 'redact', fields: [{ log: 'refusing', leafIndex: 0, pointers: ['/metadata/slot'] }], reason: 'r', by: 'local' })
    ).tombstones[0] as { leafIndex: number };
    await expect(redact(['/tombstone/reason'], leafIndex)).rejects.toThrow(errorOf('removal_invalid'));
    expect(readdirSync(dataDir)).not.toContain('removal.json');
    expect((await verify(dataDir, 'refusing')).problems).toEqual([]);
  });

  test('a pointer that is personal goes from its record with its value', { timeout }, async () => {
    await append(trail, [event('jane', '1', { 'zone b 77': 'x' })], 'pointing');
    const pointer = '/metadata/zone b 77';
    expect(
      await trail.remove({
        operation: 'redact',
        fields: [{ log: 'pointing', leafIndex: 0, pointers: [pointer], hidePointers: true }],
        reason: 'r',
        by: 'l',
      }),
    ).toMatchObject({ fields: 1 });
    // The log _system goes on telling that there once was such a field.
    const own = loot(copyOf(dataDir)).records.filter((packed) => bearsText([packed], 'field.new') === 0);
    expect(bearsText(own, 'zone b')).toBe(0);
    expect((await verify(dataDir, 'pointing')).problems).toEqual([]);
  });

  test('what a full disk keeps from being finished is under way, and finished before the next one', { timeout }, async () => {
    await append(trail, [event('fay'), event('fritz')], 'filling');
    const [fay, fritz] = [await tokenOf(trail, 0, 'filling'), await tokenOf(trail, 1, 'filling')];
    const full = vi.spyOn(LedgerClient.prototype, 'rewrite').mockRejectedValueOnce(new VeiltrailError('disk_full', 'the disk is full'));
    await expect(trail.remove({ operation: 'erase', tokens: [fay], ...gdpr })).rejects.toThrow(errorOf('removal_unfinished'));
    full.mockRestore();
    expect(readdirSync(dataDir)).toContain('removal.json');
    expect((await verify(dataDir, 'filling')).problems).toEqual([]);
    // Her token is gone already, and events go on.
    const [late] = await append(trail, [event('fay')], 'filling');
    expect(await tokenOf(trail, late as number, 'filling')).not.toBe(fay);
    await trail.remove({ operation: 'unlink', tokens: [fritz], ...gdpr });
    expect(readdirSync(dataDir)).not.toContain('removal.json');
    await expect(trail.readEvent('filling', 0)).rejects.toThrow(errorOf('record_removed'));
    // What is refused before anything was destroyed has not begun.
    const refusing = vi.spyOn(VaultClient.prototype, 'eraseTokens').mockRejectedValueOnce(new VeiltrailError('disk_full', 'the disk is full'));
    await expect(trail.remove({ operation: 'erase', tokens: [await tokenOf(trail, late as number, 'filling')], ...gdpr })).rejects.toThrow(
      errorOf('disk_full'),
    );
    refusing.mockRestore();
    expect(readdirSync(dataDir)).not.toContain('removal.json');
    const report = await verify(dataDir, 'filling');
    expect(report.problems).toEqual([]);
    expect(report.records.erased).toBe(1);
  });

  test('no format of ingest makes a tombstone', { timeout }, async () => {
    await trail.createLog('ingesting');
    const tombstone = { operation: 'erase', removal: 'rem_x', reason: 'r', generation: 1, ranges: [0, 1] };
    for (const format of ['json', 'cloudtrail', 'lines', 'any', 'auto'] as const) {
      const body = Buffer.from(JSON.stringify({ Records: [{ eventName: 'x', tombstone }], action: 'x', tombstone }));
      await trail.append({ log: 'ingesting', principal: 'local', body, format: format as 'json' }).catch(() => undefined);
    }
    for (const { record } of (await trail.search('ingesting', {})).events) expect(record).not.toHaveProperty('tombstone');
    expect((await trail.search('ingesting', {})).events.length).toBeGreaterThan(1);
    const report = await verify(dataDir, 'ingesting');
    expect(report.problems).toEqual([]);
  });
});
