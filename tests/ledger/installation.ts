/** A data directory of a test, and ledgers that are opened and closed on it. Stores and keys are the real ones. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VeiltrailError } from '../../src/core/errors.ts';
import { sha256 } from '../../src/core/sha256.ts';
import { utf8 } from '../../src/core/bytes.ts';
import type { BucketKeys } from '../../src/ledger/chunk.ts';
import { Ledger, type LedgerOptions } from '../../src/ledger/ledger.ts';
import { createNoteSigner } from '../../src/log/note-key.ts';
import { type AppendResult, placing } from '../../src/pipeline/packed-batch.ts';
import { dataDirPaths } from '../../src/storage/data-dir.ts';
import { openFileTileSource, openFileTileStore } from '../../src/storage/files/tile-store.ts';
import { openSqliteRecordSource } from '../../src/storage/sqlite/record-source.ts';
import { openSqliteRecordStore } from '../../src/storage/sqlite/record-store.ts';
import { packBatch, testNowMs, type TestBatch, type TestEvent } from './batches.ts';
import { checkLog } from './check-log.ts';

/** Bucket keys that follow from their names. */
export const testBucketKeys: BucketKeys = { bucketKey: async (log, bucket) => sha256(utf8(`${log} ${bucket}`)) };

export function originOf(log: string): string {
  return `test.example/${log}`;
}

export function testSigner(log: string): ReturnType<typeof createNoteSigner> {
  return createNoteSigner(originOf(log), sha256(utf8(`key of ${log}`)));
}

/** What a ledger answered, for the records one by one. */
export interface TestAnswer {
  appended: { leafIndex: number; duplicate: boolean; conflict?: true }[];
  treeSize: number;
  checkpoint: string;
}

/** @throws VeiltrailError `id_conflict` where all was refused: so is the one request of a test's batch */
function answerOf({ leafIndexes, placings, treeSize, checkpoint }: AppendResult): TestAnswer {
  if (placings.length > 0 && placings.every((one) => one === placing.refused)) throw new VeiltrailError('id_conflict', 'refused');
  const appended = Array.from(placings, (one, i) => ({
    leafIndex: leafIndexes[i] as number,
    duplicate: one === placing.duplicate,
    ...(one === placing.conflicting ? { conflict: true as const } : {}),
  }));
  return { appended, treeSize, checkpoint };
}

export class Installation {
  readonly dataDir: string;
  readonly #owned: boolean;
  /** By log: what was answered. */
  readonly acknowledged = new Map<string, Map<number, TestEvent>>();

  /** @param dataDir a directory that stays; without it a temporary one that {@link Installation.remove} removes */
  constructor(dataDir?: string) {
    this.#owned = dataDir === undefined;
    this.dataDir = dataDir ?? mkdtempSync(join(tmpdir(), 'veiltrail-test-'));
  }

  openRecords(): ReturnType<typeof openSqliteRecordStore> {
    return openSqliteRecordStore(dataDirPaths(this.dataDir).records);
  }

  openTiles(): ReturnType<typeof openFileTileStore> {
    return openFileTileStore(dataDirPaths(this.dataDir).logs);
  }

  /** Opens a ledger; `options` replace real parts by wrapped ones. A fatal error is thrown where nobody listens. */
  async open(options: Partial<LedgerOptions> = {}): Promise<Ledger> {
    const records = options.records ?? this.openRecords();
    const tiles = options.tiles ?? this.openTiles();
    const signers = async (log: string) => [testSigner(log)];
    return Ledger.open({ bucketKeys: testBucketKeys, clock: { now: () => testNowMs }, signers, onFatal: (error) => { throw error; }, ...options, records, tiles }); // prettier-ignore
  }

  /** Opens a ledger that has these logs. */
  async openWith(logs: readonly string[], options: Partial<LedgerOptions> = {}): Promise<Ledger> {
    const ledger = await this.open(options);
    const there = new Set(ledger.logs().map(({ log }) => log));
    for (const log of logs) if (!there.has(log)) await ledger.createLog(log, originOf(log));
    return ledger;
  }

  /** Appends, and remembers what was answered for {@link Installation.check}. */
  async append(ledger: Pick<Ledger, 'append'>, batch: Omit<TestBatch, 'origin'>): Promise<TestAnswer> {
    const result = answerOf(await ledger.append(packBatch({ ...batch, origin: originOf(batch.log) })));
    const answered = this.acknowledged.get(batch.log) ?? new Map<number, TestEvent>();
    this.acknowledged.set(batch.log, answered);
    for (const [i, { leafIndex }] of result.appended.entries()) answered.set(leafIndex, batch.events[i] as TestEvent);
    return result;
  }

  /** Re-verifies a log and every event of it that was answered; returns its tree size. */
  async check(log: string): Promise<number> {
    const records = openSqliteRecordSource(dataDirPaths(this.dataDir).records);
    try {
      return await checkLog({
        records,
        tiles: openFileTileSource(dataDirPaths(this.dataDir).logs),
        bucketKeys: testBucketKeys,
        vkey: testSigner(log).vkey,
        log,
        origin: originOf(log),
        acknowledged: this.acknowledged.get(log) ?? new Map(),
      });
    } finally {
      await records.close();
    }
  }

  remove(): void {
    if (this.#owned) rmSync(this.dataDir, { recursive: true, force: true });
  }
}
