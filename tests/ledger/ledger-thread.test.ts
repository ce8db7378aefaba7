/** The ledger in its real thread: real keyring, real port to whoever has the bucket keys. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel, type Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import { LedgerClient, type LedgerClientOptions } from '../../src/ledger/ledger-client.ts';
import { callBucketKeys, type LedgerNews, serveLedger } from '../../src/ledger/ledger-thread.ts';
import type { LogInfo } from '../../src/ledger/ledger.ts';
import type { PackedBatch } from '../../src/pipeline/packed-batch.ts';
import { dataDirPaths, lockDataDir } from '../../src/storage/data-dir.ts';
import { openFileTileSource } from '../../src/storage/files/tile-store.ts';
import { openSqliteRecordSource } from '../../src/storage/sqlite/record-source.ts';
import { Caller, serveCalls } from '../../src/thread/port-call.ts';
import { type Keyring, openKeyring } from '../../src/vault/keyring.ts';
import { numbered, packBatch } from './batches.ts';
import { checkLog } from './check-log.ts';
import { Installation, originOf, testBucketKeys } from './installation.ts';

let at: Installation;
let keyringDir: string;
let keyring: Keyring;
let client: LedgerClient | undefined;
let lock: ReturnType<typeof lockDataDir>;
let bucketsAsked: string[];
beforeEach(() => {
  at = new Installation();
  lock = lockDataDir(at.dataDir);
  keyringDir = join(at.dataDir, 'keys');
  keyring = openKeyring(keyringDir, { create: true });
  bucketsAsked = [];
});
afterEach(async () => {
  await client?.close().catch(() => undefined);
  client = undefined;
  lock.release();
  at.remove();
});

async function open(more: Partial<LedgerClientOptions> = {}): Promise<LedgerClient> {
  const { port1, port2 } = new MessageChannel();
  serveCalls(port1, {
    bucketKey: ({ log, bucket }: { log: string; bucket: number }) => {
      bucketsAsked.push(`${log} ${bucket}`);
      if (log === 'locked') throw new VeiltrailError('vault_locked', 'the vault is locked');
      if (log === 'broken') throw new TypeError('nobody foresaw this');
      return testBucketKeys.bucketKey(log, bucket);
    },
  });
  client = await LedgerClient.open({ dataDir: at.dataDir, keyringDir, bucketKeys: port2, ...more });
  return client;
}

/** The size that is published and verifies. */
async function check(log: string): Promise<number> {
  const records = openSqliteRecordSource(dataDirPaths(at.dataDir).records);
  try {
    return await checkLog({
      records,
      tiles: openFileTileSource(dataDirPaths(at.dataDir).logs),
      bucketKeys: testBucketKeys,
      vkey: keyring.signer(log)?.vkey ?? '',
      log,
      origin: originOf(log),
      acknowledged: at.acknowledged.get(log) ?? new Map(),
    });
  } finally {
    await records.close();
  }
}

test('appends across the border, tells of what is published, and survives a restart', async () => {
  const published: string[] = [];
  const onPublished = ({ log, published: { treeSize } }: LogInfo): void => void published.push(`${log} ${treeSize}`);
  let ledger = await open({ onPublished });
  await ledger.createLog('main', originOf('main'));
  const answers = await Promise.all([0, 1, 2].map((i) => at.append(ledger, { log: 'main', events: numbered(100 * i, 100) })));
  expect(answers.map(({ treeSize }) => treeSize)).toEqual([300, 300, 300]);
  expect(published).toEqual(['main 0', 'main 300']);
  expect(ledger.logs()).toMatchObject([{ log: 'main', origin: originOf('main'), published: { treeSize: 300, checkpoint: answers[0]?.checkpoint } }]);
  await ledger.close();
  expect(await check('main')).toBe(300);

  ledger = await open();
  expect(ledger.logs()).toMatchObject([{ log: 'main', published: { treeSize: 300 } }]);
  expect((await at.append(ledger, { log: 'main', events: numbered(299, 2) })).appended).toEqual([
    { leafIndex: 299, duplicate: true },
    { leafIndex: 300, duplicate: false },
  ]);
  await ledger.close();
  expect(await check('main')).toBe(301);
  expect(bucketsAsked).toEqual(['main 0', 'main 0']);
});

test('a batch’s buffers move', async () => {
  const ledger = await open();
  await ledger.createLog('main', originOf('main'));
  const batch = packBatch({ log: 'main', origin: originOf('main'), events: numbered(0, 1) });
  await ledger.append(batch);
  expect(batch.records.length).toBe(0);
});

test('errors keep their code; a batch that is refused is refused alone', async () => {
  const ledger = await open();
  await ledger.createLog('main', originOf('main'));
  await ledger.createLog('locked', originOf('locked'));
  await expect(ledger.createLog('main', originOf('main'))).rejects.toMatchObject({ code: 'log_exists' });
  await at.append(ledger, { log: 'main', events: numbered(0, 1) });
  const answers = await Promise.allSettled([
    at.append(ledger, { log: 'none', events: numbered(0, 1) }),
    at.append(ledger, { log: 'main', events: [{ id: 'event-0', body: 'another' }] }),
    at.append(ledger, { log: 'main', events: numbered(1, 1) }),
  ]);
  expect(answers.map((answer) => (answer.status === 'rejected' ? (answer.reason as VeiltrailError).code : answer.value.treeSize))).toEqual([
    'log_not_found',
    'id_conflict',
    2,
  ]);
  await expect(at.append(ledger, { log: 'locked', events: numbered(0, 1) })).rejects.toMatchObject({ code: 'vault_locked' });
  expect((await at.append(ledger, { log: 'main', events: numbered(2, 1) })).treeSize).toBe(3);
});

test('what waits when it is closed is answered, what comes later is refused', async () => {
  const ledger = await open();
  await ledger.createLog('main', originOf('main'));
  const waiting = at.append(ledger, { log: 'main', events: numbered(0, 1) });
  await Promise.all([ledger.close(), ledger.close()]);
  expect((await waiting).treeSize).toBe(1);
  await expect(at.append(ledger, { log: 'main', events: numbered(1, 1) })).rejects.toMatchObject({ code: 'ledger_closed' });
});

test('closing is no death, also when a busy process hears of the answer and of the end at once', async () => {
  const fatal: Error[] = [];
  const ledger = await open({ onFatal: (error) => void fatal.push(error) });
  await ledger.createLog('main', originOf('main'));
  const closed = ledger.close();
  // Until the thread has been asked; then nothing is heard of it until it is gone.
  await new Promise((resolve) => setImmediate(resolve));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
  await closed;
  expect(fatal).toEqual([]);
});

test('a directory that must not be opened is refused with its code', async () => {
  let ledger = await open();
  await ledger.createLog('main', originOf('main'));
  await ledger.close();
  const key = join(keyringDir, 'main.signing-key');
  const kept = readFileSync(key);
  rmSync(key);
  await expect(open()).rejects.toMatchObject({ code: 'signing_key_missing' });
  writeFileSync(key, kept, { mode: 0o600 });
  ledger = await open();
  await ledger.close();
  writeFileSync(dataDirPaths(at.dataDir).records, 'garbage'.repeat(1_000));
  await expect(open()).rejects.toMatchObject({ code: 'storage_damaged' });
});

test('a fatal error rejects what waits and all that comes, and is told once', async () => {
  const fatal: Error[] = [];
  const ledger = await open({ onFatal: (error) => void fatal.push(error) });
  await ledger.createLog('main', originOf('main'));
  await at.append(ledger, { log: 'main', events: numbered(0, 1) });
  writeFileSync(join(dataDirPaths(at.dataDir).logs, 'main/tile/0/000.p/2'), 'other bytes');
  await expect(at.append(ledger, { log: 'main', events: numbered(1, 1) })).rejects.toMatchObject({ code: 'tile_conflict' });
  await expect(at.append(ledger, { log: 'main', events: numbered(2, 1) })).rejects.toMatchObject({ code: 'tile_conflict' });
  expect(fatal).toMatchObject([{ code: 'tile_conflict' }]);
});

test('an error that nobody foresaw is fatal too, and has no code', async () => {
  const fatal: Error[] = [];
  const ledger = await open({ onFatal: (error) => void fatal.push(error) });
  await ledger.createLog('broken', originOf('broken'));
  await expect(at.append(ledger, { log: 'broken', events: numbered(0, 1) })).rejects.toThrow('nobody foresaw this');
  expect(fatal).toHaveLength(1);
  expect(fatal[0]).not.toHaveProperty('code');
});

test('a thread that dies rejects what waits, what comes, and is told once', async () => {
  const fatal: Error[] = [];
  const started = new Promise<Worker>((resolve) => {
    process.once('worker', resolve);
  });
  const ledger = await open({ onFatal: (error) => void fatal.push(error) });
  await ledger.createLog('main', originOf('main'));
  const worker = await started;
  const waiting = at.append(ledger, { log: 'main', events: numbered(0, 1) });
  await Promise.all([expect(waiting).rejects.toThrow('the thread of the ledger ended'), worker.terminate()]);
  await expect(at.append(ledger, { log: 'main', events: numbered(1, 1) })).rejects.toThrow('the thread of the ledger ended');
  expect(fatal).toHaveLength(1);
  await ledger.close();
});

test('closing while the thread dies says so', async () => {
  const started = new Promise<Worker>((resolve) => {
    process.once('worker', resolve);
  });
  const ledger = await open();
  const worker = await started;
  await Promise.all([expect(ledger.close()).rejects.toThrow('the thread of the ledger ended'), worker.terminate()]);
});

describe('the thread’s own code, served without a thread', () => {
  /** A caller of a ledger that is served in this thread, and what it says without being asked. */
  function serveHere(bucketKey: (log: string, bucket: number) => Promise<Uint8Array>): { caller: Caller; news: LedgerNews[] } {
    const main = new MessageChannel();
    const vault = new MessageChannel();
    const news: LedgerNews[] = [];
    serveCalls(vault.port1, { bucketKey: ({ log, bucket }: { log: string; bucket: number }) => bucketKey(log, bucket) });
    serveLedger(main.port1, { thread: 'ledger', dataDir: at.dataDir, keyringDir, bucketKeys: vault.port2, bounds: {} });
    main.port2.on('message', (message: LedgerNews) => message.fatal && news.push(message));
    main.port2.unref();
    return { caller: new Caller(main.port2), news };
  }

  const origin = originOf('main');
  const batch = (i: number, log = 'main'): PackedBatch => packBatch({ log, origin, events: numbered(i, 1) });

  test('answers', async () => {
    const { caller } = serveHere((log, bucket) => {
      bucketsAsked.push(`${log} ${bucket}`);
      return testBucketKeys.bucketKey(log, bucket);
    });
    expect(await caller.call('open', undefined)).toEqual([]);
    await caller.call('createLog', { log: 'main', origin });
    const outcomes = await caller.call<{ result?: { treeSize: number }; code?: string }[]>('append', [batch(0), batch(1, 'none'), batch(0)]);
    expect(outcomes.map(({ result, code }) => result?.treeSize ?? code)).toEqual([1, 'log_not_found', 1]);
    // One key serves many ticks.
    await caller.call('append', [batch(2)]);
    expect(bucketsAsked).toEqual(['main 0']);
    await caller.call('close', undefined);
    expect(await check('main')).toBe(2);
  });

  test('tells what stopped it, with a code where there is one', async () => {
    const { caller, news } = serveHere(async (log, bucket) => testBucketKeys.bucketKey(log, bucket));
    await caller.call('createLog', { log: 'main', origin });
    mkdirSync(join(dataDirPaths(at.dataDir).logs, 'main/tile/0/000.p/1'), { recursive: true });
    expect(await caller.call('append', [batch(0)])).toMatchObject([{ code: 'storage_failed' }]);
    await caller.call('close', undefined);
    rmSync(join(dataDirPaths(at.dataDir).logs, 'main/tile'), { recursive: true });
    const broken = serveHere(() => Promise.reject(new TypeError('nobody foresaw this')));
    expect(await broken.caller.call('append', [batch(1)])).toMatchObject([{ code: undefined }]);
    await broken.caller.call('close', undefined);
    expect([news, broken.news]).toMatchObject([
      [{ fatal: { code: 'storage_failed' } }],
      [{ fatal: { message: expect.stringContaining('nobody foresaw') as string } }],
    ]);
  });

  test('opens no log whose key is missing', async () => {
    const { caller } = serveHere(async (log, bucket) => testBucketKeys.bucketKey(log, bucket));
    await caller.call('createLog', { log: 'main', origin });
    await caller.call('close', undefined);
    rmSync(join(keyringDir, 'main.signing-key'));
    const again = serveHere(async (log, bucket) => testBucketKeys.bucketKey(log, bucket));
    await expect(again.caller.call('open', undefined)).rejects.toMatchObject({ code: 'signing_key_missing' });
  });
});

test('bucket keys that are kept are bounded, and a vault that is gone is an error', async () => {
  const { port1, port2 } = new MessageChannel();
  let asked = 0;
  serveCalls(port1, { bucketKey: () => new Uint8Array(32).fill(++asked) });
  const keys = callBucketKeys(port2);
  for (let bucket = 0; bucket < 65; bucket++) await keys.bucketKey('main', bucket);
  await keys.bucketKey('main', 64);
  expect(asked).toBe(65);
  expect((await keys.bucketKey('main', 0))[0]).toBe(66);
  port1.close();
  await expect(keys.bucketKey('main', 999)).rejects.toMatchObject({ code: 'vault_closed' });
});
