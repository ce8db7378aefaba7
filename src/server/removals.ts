/** The removal engine of a data directory that is open for writing: its drivers, and the records that tombstones are. */
import { join } from 'node:path';
import type { GoneRecords } from '../alerts/alert-book.ts';
import type { AppendEvents } from '../app/append-events.ts';
import { type IsHeld, RemoveRecords } from '../app/remove-records.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { systemRandom } from '../core/random.ts';
import type { Compactor } from '../ledger/compactor.ts';
import type { LedgerClient } from '../ledger/ledger-client.ts';
import type { RecordReader } from '../ledger/reader.ts';
import type { RecordEdits } from '../ledger/rewrite.ts';
import { createIdempotency } from '../pipeline/idempotency.ts';
import { packOwnBatch } from '../pipeline/own-batch.ts';
import type { WorkerPool } from '../pipeline/pool.ts';
import type { SearchClient } from '../search/search-client.ts';
import { openJournalFile } from '../storage/files/journal-file.ts';
import type { RecordSource } from '../storage/record-store.ts';
import { isRefusal } from '../storage/storage-error.ts';
import type { Keyring } from '../vault/keyring.ts';
import type { VaultClient } from '../vault/vault-client.ts';
import { removalFileName } from './data-files.ts';
import type { Turns } from './rotation.ts';

export interface RemovalsParts {
  dataDir: string;
  keyring: Keyring;
  vault: VaultClient;
  ledger: LedgerClient;
  pool: Pick<WorkerPool, 'forgetTokens'>;
  appending: AppendEvents;
  records: RecordSource;
  reader: RecordReader;
  searcher: SearchClient;
  systemLog: string;
  createLog: (log: string) => Promise<void>;
  /** As records show it. */
  policyLabel: string;
  rewriteSegments(log: string, edits: RecordEdits): Promise<void>;
  compactor: Pick<Compactor, 'pause'>;
  /** See `RemovalParts.forgetAlerts`. */
  forgetAlerts(gone: GoneRecords): void;
  /** See `RemovalParts.forgetExported`. */
  forgetExported(gone: GoneRecords): Promise<void>;
  /** Nothing that was read of a log before is on its way to anybody when it resolves. */
  forgetForwarded(log: string): Promise<void>;
  /** Shared with the rotation of roots. */
  rootTurns: Turns;
  isHeld?: IsHeld;
  onUnfinished?: (error: Error) => void;
}

/**
 * Opens the engine, and finishes what a crash left unfinished: before anything else is appended. What a full disk keeps it from is gone on with later.
 * @throws VeiltrailError `removal_journal`
 */
export async function openRemovals(parts: RemovalsParts): Promise<RemoveRecords> {
  const removals = createRemovals(parts);
  try {
    await removals.finish();
  } catch (error) {
    if (!isRefusal((error as Error).cause)) throw error;
  }
  return removals;
}

function createRemovals(parts: RemovalsParts): RemoveRecords {
  const { dataDir, keyring, vault, ledger, pool, appending, records, reader, searcher, systemLog, createLog, policyLabel } = parts;
  const idempotency = createIdempotency(keyring.secret('idempotency').key);
  return new RemoveRecords({
    journal: openJournalFile(join(dataDir, removalFileName)),
    vault,
    ledger,
    rewriteSegments: (log, edits) => parts.rewriteSegments(log, edits),
    reader,
    logs: () => records.logs(),
    async openSystemLog() {
      try {
        await createLog(systemLog);
      } catch (error) {
        // Somebody else had something to tell at the same time.
        if ((error as VeiltrailError).code !== 'log_exists') throw error;
      }
      return systemLog;
    },
    async appendTombstones(log, tombstones) {
      const origin = ledger.originOf(log);
      if (origin === undefined) throw new VeiltrailError('log_unknown', 'there is no log of that name');
      const receivedAtMs = appending.receivedNow();
      const made = tombstones.map(({ id, action, tombstone }) => ({
        id,
        record: tombstoneRecord({ id, action, tombstone, receivedAtMs, policyLabel }),
      }));
      const { leafIndexes } = await ledger.append(packOwnBatch({ log, origin, receivedAtMs, records: made }, idempotency, systemRandom));
      return [...leafIndexes];
    },
    whileNothingIsAppended: (work) =>
      appending.whileQuiet(async () => {
        try {
          return await work();
        } finally {
          await pool.forgetTokens();
        }
      }),
    async forgetRecords(log) {
      reader.forget(log);
      await searcher.forgetRecords(log);
      await parts.forgetForwarded(log);
    },
    forgetAlerts: (gone) => parts.forgetAlerts(gone),
    forgetExported: (gone) => parts.forgetExported(gone),
    forgetTerms: (log, from, to) => searcher.forget(log, { from, to }),
    exclusively: (work) =>
      parts.rootTurns(async () => {
        const resume = await parts.compactor.pause();
        try {
          return await work();
        } finally {
          resume();
        }
      }),
    random: systemRandom,
    ...(parts.isHeld ? { isHeld: parts.isHeld } : {}),
    ...(parts.onUnfinished ? { onUnfinished: parts.onUnfinished } : {}),
  });
}

interface TombstoneFacts {
  id: string;
  action: string;
  tombstone: JsonObject;
  receivedAtMs: number;
  policyLabel: string;
}

/** The record of a tombstone: see `verify/tombstone.ts`. */
function tombstoneRecord({ id, action, tombstone, receivedAtMs, policyLabel }: TombstoneFacts): JsonObject {
  const time = new Date(receivedAtMs).toISOString();
  return {
    id,
    time,
    source: 'veiltrail',
    action,
    category: 'log_control',
    crud: 'd',
    outcome: 'success',
    actor: { type: 'system', id: 'veiltrail' },
    receivedAt: time,
    receivedFrom: 'system',
    tombstone,
    privacy: { policy: policyLabel, applied: [] },
  };
}
