/**
 * The thread of forwarders: it reads, matches and formats records, and waits for receivers, so that nobody else does. It opens `records.db` and segments
 * itself; their keys come from the vault's thread.
 */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { systemClock } from '../core/clock.ts';
import type { BucketKeys } from '../ledger/chunk.ts';
import { RecordReader } from '../ledger/reader.ts';
import { SegmentReader } from '../ledger/segment-reader.ts';
import { openFileSegmentSource } from '../storage/files/segment-store.ts';
import { openSqliteRecordSource } from '../storage/sqlite/record-source.ts';
import { Caller, serveCalls } from '../thread/port-call.ts';
import { Forwarding, type ForwarderRun } from './forwarding.ts';
import type { SecretPlaces } from './secrets.ts';

export interface ForwardThreadSettings {
  runs: 'forward';
  recordsPath: string;
  segmentsPath: string;
  cursorsPath: string;
  secrets: SecretPlaces;
  filesPath?: string;
  /** Answers `bucketKey` and `segmentKey` with 32 bytes. */
  vaultPort: MessagePort;
}

/** What the thread says without being asked. */
export interface ForwardNotice {
  notice: 'refused';
  id: string;
  reason: string;
}

/** Answers the calls that `forward-client.ts` makes. */
export function serveForwarding(port: MessagePort, settings: ForwardThreadSettings): void {
  const { recordsPath, segmentsPath, cursorsPath, secrets, filesPath, vaultPort } = settings;
  const records = openSqliteRecordSource(recordsPath);
  const vault = new Caller(vaultPort);
  const bucketKeys: BucketKeys = { bucketKey: (log, bucket, generation) => vault.call<Uint8Array>('bucketKey', { log, bucket, generation }) };
  const segments = new SegmentReader(openFileSegmentSource(segmentsPath), { segmentKey: (name) => vault.call<Uint8Array>('segmentKey', name) });
  const reader = new RecordReader(records, bucketKeys, { segments });
  const forwarding = new Forwarding({
    reader,
    cursorsPath,
    secrets,
    ...(filesPath === undefined ? {} : { filesPath }),
    clock: systemClock,
    onRefused: (id, reason) => port.postMessage({ notice: 'refused', id, reason } satisfies ForwardNotice),
  });
  serveCalls(port, {
    run: (run: ForwarderRun) => forwarding.run(run),
    drop: ({ id }: { id: string }) => forwarding.drop(id),
    published: ({ log, treeSize }: { log: string; treeSize: number }) => forwarding.published(log, treeSize),
    forget: async ({ log }: { log: string }) => {
      reader.forget(log);
      await forwarding.forget(log);
    },
    figures: () => forwarding.figures(),
    close: async () => {
      await forwarding.close();
      await records.close();
      vaultPort.close();
    },
  });
}

const settings = workerData as ForwardThreadSettings | null;
if (parentPort && settings?.runs === 'forward') serveForwarding(parentPort, settings);
