/**
 * Puts the parts together; the only place that picks drivers and starts threads. `openTrail` is the one writer of a data directory; what reads
 * beside it is in `open-reader.ts`.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { removeTemporaryFiles } from '../access/access-file.ts';
import { AnchorStore } from '../anchor/anchor-store.ts';
import { createFirstKeys } from '../access/first-keys.ts';
import { isSystemLog } from '../access/roles.ts';
import { judgeReadiness } from '../app/readiness.ts';
import { AppendEvents } from '../app/append-events.ts';
import type { PublishedLog } from '../app/read-log.ts';
import { createTrailReading } from '../app/read-trail.ts';
import { FieldTeller } from '../app/tell-fields.ts';
import { ToldEvents } from '../app/told-events.ts';
import type { Trail } from '../app/trail.ts';
import { systemClock } from '../core/clock.ts';
import { utf8 } from '../core/bytes.ts';
import type { JsonObject } from '../core/json.ts';
import { VeiltrailError } from '../core/errors.ts';
import { systemRandom } from '../core/random.ts';
import { LedgerClient } from '../ledger/ledger-client.ts';
import type { Alert } from '../alerts/alert.ts';
import type { AlertSettings } from '../alerts/rules-file.ts';
import { openRecordReader } from './open-records.ts';
import type { Compactor } from '../ledger/compactor.ts';
import { WorkerPool } from '../pipeline/pool.ts';
import { SearchClient } from '../search/search-client.ts';
import { dataDirPaths, lockDataDir } from '../storage/data-dir.ts';
import { openFileTileSource } from '../storage/files/tile-store.ts';
import { openSqliteRecordSource } from '../storage/sqlite/record-source.ts';
import { openKeyring } from '../vault/keyring.ts';
import { VaultClient } from '../vault/vault-client.ts';
import { openAccess } from './access.ts';
import { openAlerting } from './alerting.ts';
import { createCompactor } from './compaction.ts';
import { checkVaultFits } from './check-vault.ts';
import { openDataConfig } from './data-config.ts';
import { createCanaryRunner } from './canary.ts';
import { type OpenDataProtection, openDataProtection } from './data-protection.ts';
import { checkNothingLost, indexFileName, keysDirectory, removalFileName, systemLog } from './data-files.ts';
import { openPolicy, openSystemPolicy, policyChangeEvent, recordPolicy } from './policy-in-force.ts';
import { createPolicyGate, createRequestDesk, openRequests } from './requests.ts';
import { createEvidenceExporter } from './evidence.ts';
import { createFreeSpaceGuard } from './free-space.ts';
import { createClassifier, openFields } from './fields.ts';
import { openForwarding, type OpenForwarding } from './forwarding.ts';
import type { ForwardConfig } from './forward-config.ts';
import { logFigures } from './log-figures.ts';
import { createVkeys } from './log-vkeys.ts';
import { openLookUps, type OpenLookUps } from './look-ups.ts';
import { startPipelineWorker } from './pipeline-worker.ts';
import { parsePublicUrl } from './public-url.ts';
import { type AppendOwnRecord, createOwnRecords } from './own-records.ts';
import { openRemovals } from './removals.ts';
import { createTurns, openRotation } from './rotation.ts';
import { sealAtRest, unsealAtRest } from './seal-at-rest.ts';
import { signingKeyEvents } from './signing-key-events.ts';
import { Undo } from './undo.ts';
import { finishUnfinishedLogs } from './unfinished-logs.ts';
import { Witnessing, type WitnessOptions } from './witnessing.ts';

export { systemLog } from './data-files.ts';

export interface TrailOptions extends WitnessOptions {
  dataDir: string;
  /** Puts this policy in force; without it the one in the directory, or the default. */
  policyFile?: string;
  /** For a directory that is made now. */
  origin?: string;
  /** Where browsers reach the server: `https://host[:port]`. Approvers' keys of other pages are not enrolled then. */
  publicUrl?: string;
  /** Pipeline workers [one less than the machine has cores, at least one]. */
  workers?: number;
  /** Told what somebody should look at: who revealed how much, whose sweep was stopped. A line, without values. */
  onAlert?: (line: string) => void;
  /** What is on disk is not known any more, and the process must end. */
  onFatal?: (error: Error) => void;
}

export interface OpenTrail extends Trail {
  readonly origin: string;
  /** Where the first API keys were put, if this was the first start. */
  readonly firstKeys: { role: string; path: string }[];
  /** What in the policy should be looked at; each names file and line. */
  readonly policyWarnings: string[];
  /** Whether so much waits to be appended that what is not urgent should wait. */
  isBusy(): boolean;
  /** Begins to deliver what forwarders forward. */
  startForwarding(config: ForwardConfig): Promise<void>;
  /** Begins to look at records with these rules, and raises alerts. */
  startAlerts(settings: AlertSettings, onRaised?: (alert: Alert) => void): Promise<void>;
  /** A login's token was checked, and says whose it is. */
  recognised(principal: string, person: string): void;
  /** Resolves when every published record was looked at and every alert is told. */
  alertsIdle(): Promise<void>;
  /** For the server's own records about a log, in that log. */
  readonly appendOwn: AppendOwnRecord;
}

/** Bytes of bodies under way from which on a server is busy: about two full batches. */
const busyBytes = 1_048_576;

/**
 * Opens a data directory for writing; makes it when there is none.
 * @throws VeiltrailError `data_dir_in_use` when another process has it, and whatever its parts refuse
 */
export async function openTrail(options: TrailOptions): Promise<OpenTrail> {
  const { dataDir } = options;
  const undo = new Undo();
  try {
    const lock = lockDataDir(dataDir);
    undo.push(() => lock.release());
    return await openLocked(options, undo);
  } catch (error) {
    await undo.run();
    throw error;
  }
}

async function openLocked(options: TrailOptions, undo: Undo): Promise<OpenTrail> {
  const { dataDir } = options;
  const onFatal = options.onFatal ?? throwLater;
  Witnessing.check(options);
  const paths = dataDirPaths(dataDir);
  const keyringDir = join(dataDir, keysDirectory);
  removeTemporaryFiles(dataDir);
  const config = openDataConfig(dataDir, options.origin, systemRandom);
  const { origin, approvals: mode } = config;
  checkNothingLost(dataDir);
  const keyring = openKeyring(keyringDir, { create: true });
  await checkVaultFits(dataDir, keyring);
  // Before anything else changes: a start that is cut short must not look like tampering.
  await unsealAtRest(dataDir, keyring);
  const firstKeys = createFirstKeys(dataDir, { clock: systemClock, random: systemRandom });
  const requests = openRequests(dataDir, keyring, config);
  undo.push(() => requests.close());
  const gate = createPolicyGate(requests.book, mode);
  const policy = openPolicy(dataDir, options.policyFile, existsSync(paths.records) ? gate : undefined);
  const systemPolicy = openSystemPolicy(policy);

  const vault = await VaultClient.open({ dataDir, keyringDir, onFatal });
  undo.push(() => vault.close());
  let search: SearchClient | undefined;
  let witnessing: Witnessing | undefined;
  let compacting: Compactor | undefined;
  let alerting: ReturnType<typeof openAlerting> | undefined;
  let forwarding: OpenForwarding | undefined;
  let exporting: Pick<OpenLookUps, 'forget'> | undefined;
  const ledger = await LedgerClient.open({
    dataDir,
    keyringDir,
    bucketKeys: vault.newPort(),
    onFatal,
    onPublished(info) {
      search?.published(info.log, info.published.treeSize);
      alerting?.published(info.log, info.published.treeSize);
      witnessing?.published(info);
      forwarding?.published(info.log, info.published.treeSize);
      compacting?.look();
    },
  });
  undo.push(() => ledger.close());
  const records = openSqliteRecordSource(paths.records);
  undo.push(() => records.close());
  const states = await records.logs();
  await finishUnfinishedLogs(dataDir, { keyring, records, ledger });
  const compactor = createCompactor({
    dataDir,
    records,
    ledger,
    vault,
    retention: () => dataProtection.retentionTable(),
    alert: (line) => options.onAlert?.(line),
  });
  undo.push(() => compactor.close());
  compacting = compactor;
  const tiles = openFileTileSource(paths.logs);
  const reader = openRecordReader(dataDir, records, vault);
  const searcher = new SearchClient({
    recordsPath: paths.records,
    segmentsPath: paths.segments,
    indexPath: join(dataDir, indexFileName),
    indexKey: keyring.secret('index').key,
    openVaultPort: () => vault.newPort(),
  });
  undo.push(() => searcher.close());
  search = searcher;

  const fields = openFields(dataDir, keyring);
  undo.push(() => fields.close());
  const { registry } = fields;

  const pool = new WorkerPool({
    workers: options.workers ?? Math.max(1, availableParallelism() - 1),
    startWorker: () => startPipelineWorker({ vault, keyring, policy, systemPolicy, origin, classified: registry.classified() }),
  });
  undo.push(() => pool.close());
  const freeSpace = createFreeSpaceGuard(dataDir);
  const appending = new AppendEvents({
    pipeline: pool,
    append: (batch) => ledger.append(batch),
    learn(log, seen) {
      if (registry.learn(log, seen)) teller.soon();
    },
    originOf: (log) => ledger.originOf(log),
    lastReceivedAtMs: Math.max(0, ...states.map(({ lastReceivedAtMs }) => lastReceivedAtMs)),
    clock: systemClock,
  });
  const vkeyOf = createVkeys(keyring);
  const reading = createTrailReading({
    logs: () => ledger.logs().map(({ log, origin }) => ({ log, origin, vkey: vkeyOf(log) })),
    isWitnessRequired: (log) => witnessing?.witnesses?.isRequired(log) ?? false,
    tiles,
    records: reader,
    search: (log, { q, query, ...request }) => searcher.search({ log, query: query ?? q ?? '', ...request }),
    restore: (token) => vault.restore(token),
    fields: (filter) => registry.list(filter),
    tombstones: () => vault.tombstones(),
  });
  const publishedLog = (log: string): PublishedLog => {
    const ofLog = ledger.originOf(log);
    if (ofLog === undefined) throw new VeiltrailError('log_unknown', 'there is no log of that name');
    return { log, origin: ofLog, vkey: vkeyOf(log) };
  };
  const creating = new Map<string, Promise<void>>();
  const createLog = async (log: string): Promise<void> => {
    if (ledger.originOf(log) !== undefined) return creating.get(log);
    // Whoever comes second waits for the first.
    const created = creating.get(log) ?? ledger.createLog(log, `${origin}/${log}`).then(() => witnessing?.stopIfForked(log));
    creating.set(log, created);
    await created.finally(() => creating.delete(log));
  };
  /** Appends events of the server's own. */
  const told = new ToldEvents();
  const tellAll = async (events: readonly JsonObject[]): Promise<void> => {
    await createLog(systemLog);
    await appending.append({ log: systemLog, principal: 'system', body: utf8(JSON.stringify(events)), format: 'json' });
    told.note(events);
  };
  const tell = (event: JsonObject): Promise<void> => tellAll([{ time: nowText(), ...event }]);
  const appendOwn = createOwnRecords({ ledger, appending, keyring, policyLabel: systemPolicy.label });
  const alerts = (alerting = openAlerting({
    dataDir,
    keyring,
    reader,
    records,
    logs: () => ledger.logs().map(({ log, published }) => ({ log, treeSize: published.treeSize })),
    async appendOwn(record) {
      await createLog(systemLog);
      const leaf = await appendOwn(systemLog, record);
      told.note([{ action: record.action, outcome: 'success', ...record.members }]);
      return leaf;
    },
    tell,
    record: (entry) => access.write(entry),
    onFatal,
  }));
  undo.push(() => alerts.close());
  const rootTurns = createTurns();
  const removals = await openRemovals({
    dataDir,
    keyring,
    vault,
    ledger,
    pool,
    appending,
    records,
    reader,
    searcher,
    compactor,
    rootTurns,
    systemLog,
    createLog,
    policyLabel: systemPolicy.label,
    rewriteSegments: (log, edits) => compactor.rewrite(log, edits),
    forgetAlerts: (gone) => alerts.forget(gone),
    forgetExported: async (gone) => exporting?.forget(gone),
    forgetForwarded: async (log) => forwarding?.forget(log),
    isHeld: (removal) => dataProtection.refuseHeld(removal),
  });
  undo.push(() => removals.close());
  const { access, keyChanges } = await openAccess({ dataDir, keyring, append: tellAll, isNew: states.length === 0 });
  const signing = new Map<string, readonly string[]>();
  const vkeysOf = (log: string): readonly string[] => {
    const known = signing.get(log) ?? keyring.signers(log).map(({ vkey }) => vkey);
    signing.set(log, known);
    return known;
  };
  const witnesses = (witnessing = await Witnessing.open({ ...options, ledger, tiles, vkeysOf, tell }));
  undo.push(() => witnesses.close());
  const signingKeys = signingKeyEvents(
    dataDir,
    ledger.logs().map(({ log }) => log),
  );
  for (const event of signingKeys.events) await tell(event);
  signingKeys.record();
  const desk = createRequestDesk({
    dataDir,
    book: requests.book,
    mode,
    append: tellAll,
    access,
    origin: options.publicUrl === undefined ? undefined : parsePublicUrl(options.publicUrl),
    search: (q) => reading.search(systemLog, { q }),
  });
  undo.push(() => desk.close());
  await desk.start();
  const alert = options.onAlert ?? (() => undefined);
  const shared = { keyring, vault, recorder: access, desk, alert };
  const forwards = (forwarding = openForwarding({ ...shared, dataDir, ledger, createSystemLog: () => createLog(systemLog) }));
  undo.push(() => forwards.close());
  const lookUps = (exporting = openLookUps({
    ...shared,
    dataDir,
    policy: policy.policy,
    published: publishedLog,
    tiles,
    records: reader,
    search: (log, request, query) => reading.search(log, { ...request, query }),
  }));
  const change = policyChangeEvent(dataDir, policy, states.length === 0);
  if (change) await tell(change);
  recordPolicy(dataDir, policy);
  gate.done();
  const teller = new FieldTeller(registry, tell);
  const classifier = createClassifier({ registry, pool, policy: policy.policy, tell, desk });
  // What a crash left undone.
  await teller.now();
  await classifier.finish();
  await forwards.forwarders.finish();
  const rotation = openRotation({
    ...shared,
    keyringDir,
    rootTurns,
    isRemovalUnfinished: () => existsSync(join(dataDir, removalFileName)),
    async rekey(keys) {
      await pool.rekey(keys);
      lookUps.rekey(keys);
    },
  });
  const dataProtection: OpenDataProtection = openDataProtection({
    ...shared,
    dataDir,
    origin,
    records,
    reader,
    reading,
    lookUps,
    searcher,
    logs: () => ledger.logs(),
    systemLog,
    createSystemLog: () => createLog(systemLog),
    remove: (removal) => removals.remove(removal),
  });
  await dataProtection.finish();
  const canaries = createCanaryRunner({
    dataDir,
    policy,
    appending,
    readEvent: reading.readEvent,
    createLog,
    isLog: (log) => ledger.originOf(log) !== undefined,
    tell,
  });
  compactor.start();
  return {
    ...reading,
    origin,
    firstKeys,
    isBusy: () => appending.waitingBytes > busyBytes,
    policyWarnings: policy.warnings.map(({ message }) => message),
    appendOwn,
    alerts: alerts.alerts,
    startAlerts: (settings, onRaised) => alerts.start(settings, onRaised),
    recognised: (principal, person) => alerts.recognised(principal, person),
    alertsIdle: () => alerts.idle(),
    access,
    keyChanges,
    requests: desk,
    lookUps,
    rotation,
    async append(request) {
      const refused = isSystemLog(request.log) ? ownLogRefused() : freeSpace.refusal();
      if (refused) throw refused;
      const answer = await appending.append(request);
      const witnessed = await witnesses.witnesses?.require(request.log, answer.treeSize);
      return witnessed ? { ...answer, ...witnessed } : answer;
    },
    async createLog(log) {
      if (isSystemLog(log)) throw ownLogRefused();
      await createLog(log);
    },
    ready() {
      const logs = ledger.logs().map(({ log }) => log);
      return judgeReadiness({ refusal: freeSpace.refusal()?.message, witnesses: witnesses.troubles(), logs, systemLog });
    },
    async figures() {
      return {
        events: appending.counts,
        logs: await logFigures(ledger.logs(), paths.logs, searcher, registry, (log) => witnesses.witnesses?.figuresOf(log)),
        withheld: await vault.countWithheld(),
        waitingBytes: appending.waitingBytes,
        policy: policy.label,
        canary: canaries.last,
        lookUps: lookUps.figures,
        access: access.figures,
        told: told.counts,
        alerts: alerts.figures,
        forwarders: await forwards.forwarders.list(),
      };
    },
    runCanary: (request) => canaries.run(request),
    classifyField: (request) => classifier.classify(request),
    exportEvidence: createEvidenceExporter({
      keyring,
      policy,
      published: publishedLog,
      tiles,
      records: reader,
      search: reading.search,
      anchors: new AnchorStore(dataDir),
      witnesses: () => witnesses.witnesses?.vkeys ?? [],
      access,
    }),
    forwarders: forwards.forwarders,
    startForwarding: (config) => forwards.start(config),
    acknowledgeFork: (log, by) => witnesses.acknowledge(log, by),
    dataProtection,
    remove: (removal) => dataProtection.remove(removal),
    async close() {
      await alerts.stop();
      await lookUps.close();
      await access.close();
      await appending.settled();
      // What cannot be told, on a full disk, is told at the next start.
      await teller.now().catch(() => undefined);
      await undo.runBut(1); // the lock goes last
      await sealAtRest(dataDir, keyring);
      await undo.run();
    },
  };
}

function ownLogRefused(): VeiltrailError {
  return new VeiltrailError('log_name', 'logs whose names begin with _ are kept for the server itself');
}

function nowText(): string {
  return new Date(systemClock.now()).toISOString();
}

function throwLater(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}
