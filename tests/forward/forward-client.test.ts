/** The thread of forwarders, on real records: it dies, and whoever runs goes on. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { makeCursors, readCursor } from '../../src/forward/cursor-file.ts';
import { ForwardClient } from '../../src/forward/forward-client.ts';
import type { ForwardThreadSettings } from '../../src/forward/forward-thread.ts';
import { parseForwarderSetting } from '../../src/forward/setting.ts';
import { serveCalls } from '../../src/thread/port-call.ts';
import { bucketKeys, pack, TestRecords } from '../search/records.ts';
import { receiveHttp, until } from './receivers.ts';

test('a thread that dies is started again, with what shall run, from where the cursors are', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'forward-client-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const receiver = await receiveHttp();
  const records = new TestRecords(join(dir, 'records.db'));
  await records.createLog('a');
  let treeSize = await records.append('a', [pack({ n: 0 }), pack({ n: 1 })]);
  const cursorsPath = join(dir, 'forwarders');
  mkdirSync(cursorsPath);
  makeCursors(cursorsPath, 'one');
  const workers: Worker[] = [];
  const refused: [string, string][] = [];
  const client = new ForwardClient({
    settings(): ForwardThreadSettings {
      const { port1, port2 } = new MessageChannel();
      serveCalls(port1, { bucketKey: ({ log, bucket }: { log: string; bucket: number }) => bucketKeys.bucketKey(log, bucket) });
      return { runs: 'forward', recordsPath: records.path, segmentsPath: join(dir, 'segments'), cursorsPath, secrets: {}, vaultPort: port2 };
    },
    treeSizeOf: () => treeSize,
    onRefused: (id, reason) => refused.push([id, reason]),
    startThread(settings) {
      const worker = new Worker(new URL('../../src/forward/forward-thread.ts', import.meta.url), {
        workerData: settings,
        transferList: [settings.vaultPort],
      });
      workers.push(worker);
      return worker;
    },
  });
  const setting = parseForwarderSetting({ name: 'one', logs: ['a'], destination: { kind: 'http', url: receiver.url, private: true, waitMs: 0 } });
  await client.run({ id: 'one', setting, logs: [{ log: 'a', origin: 'test.example/a', treeSize: 0, start: 1 }] });
  await receiver.had(1);
  expect(receiver.leaves()).toEqual([1]);
  await until(() => readCursor(cursorsPath, 'one', 'a') === 2);
  await workers[0]?.terminate();
  // Nothing waits for it, and nothing fails, while it is away.
  treeSize = await records.append('a', [pack({ n: 2 })]);
  client.published('a', treeSize);
  await client.forget('a');
  expect(await client.figures()).toEqual({});
  await receiver.had(2);
  expect([receiver.leaves(), workers.length]).toEqual([[1, 2], 2]);
  // A receiver that refuses for good ends it; with the last forwarder the thread goes, too.
  receiver.answer = { status: 401 };
  treeSize = await records.append('a', [pack({ n: 3 })]);
  client.published('a', treeSize);
  await until(() => refused.length === 1);
  expect(refused).toEqual([['one', 'http_401']]);
  await until(() => workers[1]?.threadId === -1);
  expect(readCursor(cursorsPath, 'one', 'a')).toBe(3);
  await client.close();
  await records.close();
});
