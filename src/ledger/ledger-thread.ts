/**
 * The ledger in a thread of its own: hashing, sealing, SQLite and files never hold up the thread that answers requests. It opens the data
 * directory that its process has locked, takes signing keys from the keyring, and asks the vault's thread for bucket keys over a port.
 *
 * Only `ledger-client.ts` starts it.
 */
import { isMainThread, parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { VeiltrailError } from '../core/errors.ts';
import type { NoteKeySigner } from '../log/note-key.ts';
import { type AppendResult, batchBuffers, type PackedBatch } from '../pipeline/packed-batch.ts';
import { dataDirPaths } from '../storage/data-dir.ts';
import { openFileTileStore } from '../storage/files/tile-store.ts';
import { openSqliteRecordStore } from '../storage/sqlite/record-store.ts';
import type { Compaction } from '../storage/record-store.ts';
import { freeBuffer } from '../thread/free-buffer.ts';
import { Caller, serveCalls } from '../thread/port-call.ts';
import { type Keyring, openKeyring } from '../vault/keyring.ts';
import type { BucketKeys } from './chunk.ts';
import { Ledger, type LedgerBounds, type LogInfo } from './ledger.ts';
import type { RecordEdits, Rewriting } from './rewrite.ts';
import type { SegmentReplacement } from './rewrite-segments.ts';

/** What the thread is started with. */
export interface LedgerThreadData {
  thread: 'ledger';
  dataDir: string;
  keyringDir: string;
  /** The other end answers `bucketKey` of `{log, bucket, generation}` with 32 bytes. */
  bucketKeys: MessagePort;
  bounds: Partial<LedgerBounds>;
}

/** What the thread says without being asked. */
export interface LedgerNews {
  published?: LogInfo;
  fatal?: { code?: string; message: string };
}

/** What became of one batch of many. */
export type AppendOutcome = { result: AppendResult } | { code: string | undefined; message: string; detail: VeiltrailError['detail'] };

if (!isMainThread && parentPort && (workerData as Partial<LedgerThreadData> | null)?.thread === 'ledger')
  serveLedger(parentPort, workerData as LedgerThreadData);

/** Opens a ledger and answers the calls that arrive at `main`. */
export function serveLedger(main: MessagePort, data: LedgerThreadData): void {
  const tell = (news: LedgerNews): void => main.postMessage(news);
  const opened = openLedger(data, tell);
  // Told to whoever calls `open`.
  opened.catch(() => undefined);
  serveCalls(main, {
    open: async () => (await opened).ledger.logs(),
    append: async (batches: PackedBatch[]) => {
      const { ledger } = await opened;
      const outcomes = await Promise.all(batches.map(async (batch) => appendOne(ledger, batch)));
      for (const batch of batches) batchBuffers(batch).forEach(freeBuffer);
      return outcomes;
    },
    createLog: async ({ log, origin }: { log: string; origin: string }) => {
      const { ledger, keyring } = await opened;
      // The key says that the log is being made until all of it is there: a crash in between must not look as if somebody had deleted it.
      keyring.beginSigner(log, origin);
      await ledger.createLog(log, origin);
      keyring.finishSigner(log);
    },
    cosigned: async ({ log, note }: { log: string; note: string }) => (await opened).ledger.cosigned(log, note),
    halt: async ({ log, halted }: { log: string; halted: boolean }) => (await opened).ledger.halt(log, halted),
    rewrite: async (rewriting: Rewriting) => (await opened).ledger.rewrite(rewriting),
    forgetIds: async ({ log, edits }: { log: string; edits: RecordEdits }) => (await opened).ledger.forgetIds(log, edits),
    scrub: async () => (await opened).ledger.scrub(),
    chunkChanges: async () => (await opened).ledger.chunkChanges(),
    compact: async (compaction: Compaction) => (await opened).ledger.compact(compaction),
    replaceSegments: async (replacements: SegmentReplacement[]) => (await opened).ledger.replaceSegments(replacements),
    dropLeftOver: async ({ log, bytesMax }: { log: string; bytesMax: number }) => (await opened).ledger.dropLeftOver(log, bytesMax),
    close: async () => {
      await (await opened).ledger.close();
      // With nothing left to listen to, the thread ends by itself once its answer is out.
      data.bucketKeys.close();
      main.unref();
    },
  });
}

async function openLedger(data: LedgerThreadData, tell: (news: LedgerNews) => void): Promise<{ ledger: Ledger; keyring: Keyring }> {
  const paths = dataDirPaths(data.dataDir);
  const keyring = openKeyring(data.keyringDir, { create: false });
  const ledger = await Ledger.open({
    records: openSqliteRecordStore(paths.records),
    tiles: openFileTileStore(paths.logs),
    bucketKeys: callBucketKeys(data.bucketKeys),
    signers: async (log, origin) => signersOf(keyring, log, origin),
    bounds: data.bounds,
    onPublished: (published) => tell({ published }),
    onFatal: (error) => tell({ fatal: { message: error.message, ...(error instanceof VeiltrailError ? { code: error.code } : {}) } }),
  });
  // A crash came when all but the last step of making a log was done.
  const unfinished = new Set(keyring.unfinished().map(({ log }) => log));
  for (const { log } of ledger.logs()) if (unfinished.has(log)) keyring.finishSigner(log);
  return { ledger, keyring };
}

function signersOf(keyring: Keyring, log: string, origin: string): readonly NoteKeySigner[] {
  const signers = keyring.signers(log);
  if (signers.length === 0 || signers.some(({ name }) => name !== origin)) {
    throw new VeiltrailError('signing_key_missing', `the keyring has no signing key for log ${log}`, { log });
  }
  return signers;
}

/** Bucket keys from the vault's thread; the newest are kept, because every tick asks for one. */
export function callBucketKeys(port: MessagePort): BucketKeys {
  const caller = new Caller(port);
  port.on('close', () => caller.fail(new VeiltrailError('vault_closed', 'the vault is gone')));
  const kept = new Map<string, Uint8Array>();
  return {
    async bucketKey(log, bucket, generation = 1) {
      const name = `${log} ${bucket} ${generation}`;
      const known = kept.get(name);
      if (known) return known;
      const key = await caller.call<Uint8Array>('bucketKey', { log, bucket, generation });
      if (kept.size >= keptKeysMax) kept.clear();
      kept.set(name, key);
      return key;
    },
  };
}

const keptKeysMax = 64;

async function appendOne(ledger: Ledger, batch: PackedBatch): Promise<AppendOutcome> {
  try {
    return { result: await ledger.append(batch) };
  } catch (error) {
    const { code, message, detail } = error as VeiltrailError;
    return { code, message, detail: { ...detail } };
  }
}
