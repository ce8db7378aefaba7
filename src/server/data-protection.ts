/** What a data protection officer works with, put together for a data directory: holds, retention, erasure, redaction, reports. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AccessRecorder } from '../app/access-recorder.ts';
import type { AskedBy } from '../app/asked-operation.ts';
import type { CertifyParts } from '../app/certify-removal.ts';
import { type Erasure, type ErasurePlan, eraseSubject, type EraseSubjectParts, type EraseSubjectRequest, planErasure } from '../app/erase-subject.ts';
import type { FindSubjectParts } from '../app/find-subject.ts';
import { type HoldInfo, type HoldRequest, Holds } from '../app/holds.ts';
import { planRedaction, type Redaction, type RedactionPlan, type RedactParts, type RedactRequest, redactValues } from '../app/redact-values.ts';
import type { Removal, RemovalResult, ResolvedRemoval } from '../app/remove-records.ts';
import { type ReportParts, type ReportRequest, reportSubject, type SubjectReport } from '../app/report-subject.ts';
import type { RequestDesk } from '../app/requests.ts';
import { Retention, type RetentionInfo, type RetentionReport } from '../app/retention.ts';
import type { RetentionChange, RetentionTable } from '../app/retention-table.ts';
import type { SearchRequest, TrailReader } from '../app/trail.ts';
import { systemClock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { systemRandom } from '../core/random.ts';
import type { RecordReader, StoredRecord } from '../ledger/reader.ts';
import { isRemoved, openRecord, type OpenRecord } from '../log/open-record.ts';
import { storageError } from '../storage/storage-error.ts';
import { replaceKeyFile } from '../vault/key-file.ts';
import type { Keyring } from '../vault/keyring.ts';
import { createTextSealer } from '../vault/sealed-text.ts';
import { openSealedFile } from './sealed-file.ts';

export const holdsFileName = 'holds.sealed';
export const retentionFileName = 'retention.yaml';
export const retentionStateFileName = 'retention.sealed';

export interface DataProtectionParts {
  dataDir: string;
  origin: string;
  keyring: Keyring;
  kindsOf(tokens: readonly string[]): Promise<(string | undefined)[]>;
  /** A look-up of a real value. */
  findValue: FindSubjectParts['findValue'];
  reader: Pick<RecordReader, 'records' | 'record'>;
  reading: Pick<TrailReader, 'readEvent' | 'discloseEvent'>;
  search(log: string, request: SearchRequest): Promise<{ hits: (OpenRecord & { leafIndex: number })[]; nextCursor?: string }>;
  /** Names of all logs, those of the server too; and the log of its own, made where there is none. */
  logs(): { log: string; origin: string; treeSize: number }[];
  systemLog: string;
  createSystemLog(): Promise<void>;
  recorder: Pick<AccessRecorder, 'write'>;
  desk: Pick<RequestDesk, 'permit' | 'needsTwo'>;
  /** The removal engine; asks {@link DataProtection.refuseHeld} itself. */
  remove(removal: Removal): Promise<RemovalResult>;
  reveal(tokens: readonly string[], asked: AskedBy): Promise<Map<string, string>>;
}

export interface DataProtection {
  holds(): HoldInfo[];
  setHold(request: HoldRequest, by: string): Promise<HoldInfo>;
  liftHold(name: string, asked: AskedBy): Promise<HoldInfo>;
  retention(): RetentionInfo;
  /** In force. */
  retentionTable(): RetentionTable;
  applyRetention(text: string, asked: AskedBy): Promise<{ changes: RetentionChange[]; info: RetentionInfo }>;
  dueRecords(): Promise<RetentionReport>;
  runRetention(by: string): Promise<RetentionReport>;
  runScheduledRetention(): Promise<RetentionReport | undefined>;
  planErasure(request: EraseSubjectRequest, asked: AskedBy): Promise<ErasurePlan>;
  eraseSubject(request: EraseSubjectRequest, asked: AskedBy): Promise<Erasure>;
  planRedaction(request: RedactRequest): Promise<RedactionPlan>;
  redactValues(request: RedactRequest, asked: AskedBy): Promise<Redaction>;
  reportSubject(request: ReportRequest, asked: AskedBy): Promise<SubjectReport>;
  /** Removes; what holds set meanwhile wait for. */
  remove(removal: Removal): Promise<RemovalResult>;
  /** For the engine. @throws VeiltrailError `held` */
  refuseHeld(removal: ResolvedRemoval): Promise<undefined>;
  /** Tells of what a crash left untold. */
  finish(): Promise<void>;
}

/** Work on this thread between two breaths of the event loop. */
const breathMs = 10;
const pageMax = 1_000;

/** @throws VeiltrailError `sealed_text_damaged`, `newer_format`, and those of `storage-error.ts` */
export function openDataProtection(parts: DataProtectionParts): DataProtection {
  const { dataDir, keyring, recorder, desk, systemLog } = parts;
  const sealerOf = (purpose: string): ReturnType<typeof createTextSealer> => createTextSealer(keyring.secrets('seal'), purpose, systemRandom);
  const holdSealer = sealerOf('holds');
  const blind = (text: string): Uint8Array => holdSealer.lookup(text);
  const logs = (): string[] => parts.logs().map(({ log }) => log);
  const treeSize = async (log: string): Promise<number> => parts.logs().find((one) => one.log === log)?.treeSize ?? 0;
  const records = (log: string, from: number, to: number): AsyncGenerator<StoredRecord> => breathing(parts.reader.records(log, from, to));
  let underWay: Promise<unknown> = Promise.resolve();
  const remove = (removal: Removal): Promise<RemovalResult> => {
    const done = parts.remove(removal);
    underWay = Promise.allSettled([underWay, done]);
    return done;
  };

  const holds = new Holds({
    file: openSealedFile(dataDir, holdsFileName, holdSealer),
    sealer: holdSealer,
    clock: systemClock,
    recorder,
    desk,
    records,
    bearing: (log, token) => bearing(parts, log, token),
    logs,
    settled: async () => void (await underWay),
  });
  const retention = new Retention({
    file: openSealedFile(dataDir, retentionStateFileName, sealerOf('retention')),
    copy: {
      read: () => readIfThere(join(dataDir, retentionFileName)),
      write: (text) => replaceKeyFile(dataDir, retentionFileName, text),
    },
    clock: systemClock,
    recorder,
    desk,
    holds,
    logs,
    treeSize,
    records,
    remove,
  });

  const finding: FindSubjectParts = {
    logs,
    search: (log, request) => parts.search(log, request),
    findValue: (kind, value, asked) => parts.findValue(kind, value, asked),
    kindsOf: (tokens) => parts.kindsOf(tokens),
  };
  const certify: CertifyParts = {
    signer() {
      const signer = keyring.signer(systemLog);
      if (!signer) throw new VeiltrailError('signing_key_missing', 'the keyring has no signing key for the log _system');
      return { origin: signer.name, signers: [signer] };
    },
    originOf: (log) => parts.logs().find((one) => one.log === log)?.origin ?? log,
    trail: parts.reading,
    clock: systemClock,
  };
  const erasing: EraseSubjectParts = { ...finding, holds, desk, remove, certify, recorder, blind };
  const redacting: RedactParts = {
    logs,
    treeSize,
    search: (log, request) => parts.search(log, request),
    async fieldsOf(log, leafIndex) {
      for await (const { packed } of parts.reader.records(log, leafIndex, leafIndex + 1)) return isRemoved(packed) ? undefined : openRecord(packed);
      return undefined;
    },
    holds,
    desk,
    remove,
    certify,
    recorder,
    blind,
  };
  const reporting: ReportParts = {
    ...finding,
    async *records(log, from, to) {
      for await (const { leafIndex, receivedAtMs, packed } of records(log, from, to)) {
        if (!isRemoved(packed)) yield { leafIndex, receivedAtMs, open: openRecord(packed) };
      }
    },
    reveal: (tokens, asked) => parts.reveal(tokens, asked),
    retention: () => retention.table,
    recorder,
    installation: parts.origin,
    nowMs: () => systemClock.now(),
  };
  return {
    holds: () => holds.list(),
    setHold: (request, by) => holds.set(request, by),
    async liftHold(name, asked) {
      const info = await holds.lift(name, asked);
      await retention.lookAgain();
      return info;
    },
    retention: () => retention.info(),
    retentionTable: () => retention.table,
    applyRetention: (text, asked) => retention.apply(text, asked),
    dueRecords: () => retention.due(),
    runRetention: (by) => retention.run(by),
    runScheduledRetention: () => retention.runScheduled(),
    planErasure: (request, asked) => planErasure(erasing, request, asked),
    async eraseSubject(request, asked) {
      await parts.createSystemLog();
      return eraseSubject(erasing, request, asked);
    },
    planRedaction: (request) => planRedaction(redacting, request),
    async redactValues(request, asked) {
      await parts.createSystemLog();
      return redactValues(redacting, request, asked);
    },
    reportSubject: (request, asked) => reportSubject(reporting, request, asked),
    remove,
    async refuseHeld(removal) {
      await holds.refuseHeld(removal);
      return undefined;
    },
    async finish() {
      await holds.finish();
      await retention.finish();
    },
  };
}

async function* bearing(parts: DataProtectionParts, log: string, token: string): AsyncGenerator<number> {
  let cursor: string | undefined;
  do {
    const page = await parts.search(log, { q: `"${token}"`, limit: pageMax, ...(cursor === undefined ? {} : { cursor }) });
    for (const { leafIndex } of page.hits) yield leafIndex;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

/** Records as they come, without those that are gone; whoever else wants this thread gets it between them. */
async function* breathing(records: AsyncIterable<StoredRecord>): AsyncGenerator<StoredRecord> {
  let since = performance.now();
  for await (const record of records) {
    if (!isRemoved(record.packed)) yield record;
    if (performance.now() - since < breathMs) continue;
    await new Promise((resolve) => setImmediate(resolve));
    since = performance.now();
  }
}

function readIfThere(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw storageError(error, 'read the retention table');
  }
}
