/** What a data protection officer works with, put together for a data directory: holds, retention, erasure, redaction, reports. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AccessRecorder } from '../app/access-recorder.ts';
import { certifyAgain, type CertifyParts } from '../app/certify-removal.ts';
import type { DataProtection } from '../app/data-protection.ts';
import { eraseSubject, type EraseSubjectParts, planErasure } from '../app/erase-subject.ts';
import type { FindSubjectParts } from '../app/find-subject.ts';
import { type HoldParts, Holds } from '../app/holds.ts';
import { planRedaction, type RedactParts, redactValues } from '../app/redact-values.ts';
import type { Removal, RemovalResult, ResolvedRemoval } from '../app/remove-records.ts';
import { type ReportParts, reportSubject } from '../app/report-subject.ts';
import type { RequestDesk } from '../app/requests.ts';
import { Retention } from '../app/retention.ts';
import type { LookUps } from '../app/look-ups.ts';
import type { TrailReader } from '../app/trail.ts';
import { systemClock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject } from '../core/json.ts';
import { systemRandom } from '../core/random.ts';
import type { RecordReader, StoredRecord } from '../ledger/reader.ts';
import { isRemoved, openRecord, recordOfFields } from '../log/open-record.ts';
import type { SearchClient } from '../search/search-client.ts';
import type { RecordSource } from '../storage/record-store.ts';
import { storageError } from '../storage/storage-error.ts';
import { replaceKeyFile } from '../vault/key-file.ts';
import type { Keyring } from '../vault/keyring.ts';
import { createTextSealer } from '../vault/sealed-text.ts';
import type { VaultClient } from '../vault/vault-client.ts';
import { openSealedFile } from './sealed-file.ts';

export const holdsFileName = 'holds.sealed';
export const retentionFileName = 'retention.yaml';
export const retentionStateFileName = 'retention.sealed';

export interface DataProtectionParts {
  dataDir: string;
  origin: string;
  keyring: Keyring;
  vault: Pick<VaultClient, 'kindsOf'>;
  lookUps: Pick<LookUps, 'find' | 'reveal' | 'kindsAskedFor'>;
  searcher: Pick<SearchClient, 'search'>;
  records: Pick<RecordSource, 'logs'>;
  reader: Pick<RecordReader, 'records' | 'record'>;
  reading: Pick<TrailReader, 'readEvent' | 'discloseEvent'>;
  /** All of them, those of the server too. */
  logs(): { log: string; origin: string }[];
  systemLog: string;
  createSystemLog(): Promise<void>;
  recorder: Pick<AccessRecorder, 'write'>;
  desk: Pick<RequestDesk, 'permit' | 'needsTwo'>;
  /** The removal engine; asks {@link OpenDataProtection.refuseHeld} itself. */
  remove(removal: Removal): Promise<RemovalResult>;
}

export interface OpenDataProtection extends DataProtection {
  /** Removes; holds that are set meanwhile wait for it. */
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
export function openDataProtection(parts: DataProtectionParts): OpenDataProtection {
  const { dataDir, keyring, recorder, desk, systemLog } = parts;
  const sealerOf = (purpose: string): ReturnType<typeof createTextSealer> => createTextSealer(keyring.secrets('seal'), purpose, systemRandom);
  const holdSealer = sealerOf('holds');
  const blind = (text: string): Uint8Array => holdSealer.lookup(text);
  const logs = (): string[] => parts.logs().map(({ log }) => log);
  const treeSize = async (log: string): Promise<number> => (await parts.records.logs()).find((one) => one.log === log)?.treeSize ?? 0;
  const search: RedactParts['search'] = (log, { q, ...request }) => parts.searcher.search({ log, query: q, ...request });
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
    bearing: (log, token) => bearing(search, log, token),
    logs,
    kindsAskedFor: (query) => parts.lookUps.kindsAskedFor(query),
    told: () => toldHolds(search, systemLog, logs()),
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
    recorder,
    logs,
    search,
    async findValue(kind, value, asked) {
      const { tokens, hashes, sha256 } = await parts.lookUps.find({ ...asked, kind, value });
      return { tokens: tokens.map(({ token }) => token), hashes: [...hashes, sha256] };
    },
    kindsOf: (tokens) => parts.vault.kindsOf(tokens),
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
  const openRecords: ReportParts['records'] = async function* (log, from, to) {
    for await (const { leafIndex, receivedAtMs, packed } of records(log, from, to)) yield { leafIndex, receivedAtMs, open: openRecord(packed) };
  };
  const erasing: EraseSubjectParts = { ...finding, holds, desk, remove, certify, blind, treeSize, records: openRecords };
  const redacting: RedactParts = {
    logs,
    treeSize,
    search,
    kindsAskedFor: (query) => parts.lookUps.kindsAskedFor(query),
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
    records: openRecords,
    async reveal(tokens, asked) {
      const { tokens: revealed } = await parts.lookUps.reveal({ ...asked, tokens });
      return new Map(revealed.map(({ token, value }) => [token, value]));
    },
    retention: () => retention.table,
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
    planRedaction: (request, asked) => planRedaction(redacting, request, asked),
    async redactValues(request, asked) {
      await parts.createSystemLog();
      return redactValues(redacting, request, asked);
    },
    certificateOf: (removal) =>
      certifyAgain(
        {
          ...certify,
          logs,
          async find(log, q) {
            const { hits } = await search(log, { q: `"${q}"`, limit: pageMax });
            return hits.map(({ leafIndex, ...open }) => ({ leafIndex, record: recordOfFields(open) }));
          },
        },
        removal,
      ),
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

async function* bearing(search: RedactParts['search'], log: string, token: string): AsyncGenerator<number> {
  let cursor: string | undefined;
  do {
    const page = await search(log, { q: `"${token}"`, limit: pageMax, ...(cursor === undefined ? {} : { cursor }) });
    for (const { leafIndex } of page.hits) yield leafIndex;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

/** Holds that were set and not lifted, as far as the server's own log tells. */
async function toldHolds(search: RedactParts['search'], systemLog: string, logs: readonly string[]): ReturnType<HoldParts['told']> {
  if (!logs.includes(systemLog)) return [];
  const told = new Map<string, { name: string; stands: boolean }>();
  let cursor: string | undefined;
  do {
    const page = await search(systemLog, { q: 'action:hold.set OR action:hold.lift', limit: pageMax, ...(cursor === undefined ? {} : { cursor }) });
    for (const hit of page.hits) {
      const { action, outcome, targets, metadata } = recordOfFields(hit);
      const digest = isJsonObject(metadata) ? metadata['holdDigest'] : undefined;
      const hold = Array.isArray(targets) ? targets.find((target) => isJsonObject(target) && target['type'] === 'hold') : undefined;
      const name = isJsonObject(hold) && typeof hold['id'] === 'string' ? hold['id'] : '';
      // Newest first: what was told last counts.
      if (outcome === 'success' && typeof digest === 'string' && !told.has(digest)) told.set(digest, { name, stands: action === 'hold.set' });
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return [...told].filter(([, { stands }]) => stands).map(([digest, { name }]) => ({ digest, name }));
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
