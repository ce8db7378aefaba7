/** The ledger in its real thread: real keyring, real port to whoever has the bucket keys. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel, type Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import { LedgerClient, type LedgerClientOptions } from '../../src/ledger/ledger-client.ts';
import type { LogInfo } from '../../src/ledger/ledger.ts';
import { sealDataDir } from '../../src/ledger/seal.ts';
import { dataDirPaths, lockDataDir } from '../../src/storage/data-dir.ts';
import { openFileTileSource } from '../../src/storage/files/tile-store.ts';
import { openSqliteRecordSource } from '../../src/storage/sqlite/record-source.ts';
import { serveCalls } from '../../src/thread/port-call.ts';
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

test('opening breaks the seal', async () => {
  let ledger = await open();
  await ledger.createLog('main', originOf('main'));
  await ledger.close();
  await sealDataDir({
    dataDir: at.dataDir,
    paths: ['records.db'],
    signers: [keyring.signer('main') as NonNullable<ReturnType<Keyring['signer']>>],
    nowMs: 0,
  });
  ledger = await open();
  expect(existsSync(dataDirPaths(at.dataDir).seal)).toBe(false);
  await ledger.close();
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
