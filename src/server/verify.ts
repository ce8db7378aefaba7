/** Drivers and threads for `app/verify-log.ts`: a data directory, a directory of tiles, a URL. */
import { readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { TokenSet } from '../app/token-set.ts';
import { verifyLog, type StoreParts, type VerifyOptions, type VerifyParts, type VerifyReport } from '../app/verify-log.ts';
import { verifyRange, type RangeResult, type RangeTask } from '../app/verify-range.ts';
import { VeiltrailError } from '../core/errors.ts';
import { createNoteVerifier } from '../log/note-key.ts';
import { parseWitnessPolicy } from '../log/witness-policy.ts';
import { checkRecoverable } from '../ledger/publish.ts';
import { checkSeal } from '../ledger/seal.ts';
import { dataDirPaths, isDataDirInUse } from '../storage/data-dir.ts';
import { openFileTileSource } from '../storage/files/tile-store.ts';
import { openSqliteRecordSource } from '../storage/sqlite/record-source.ts';
import { checkDatabase, checkDatabaseInSteps } from '../storage/sqlite/check-database.ts';
import type { RecordSource } from '../storage/record-store.ts';
import type { TileSource } from '../storage/tile-store.ts';
import { Caller } from '../thread/port-call.ts';
import { threadMemory } from '../thread/thread-memory.ts';
import { openKeyring, type Keyring } from '../vault/keyring.ts';
import type { Problem } from '../verify/problem.ts';
import { configFileName, readDataConfig } from './data-config.ts';
import { keysDirectory, listTileFiles, recordsFileName, sealedPaths } from './data-files.ts';
import { openRecordReader } from './open-records.ts';
import { readForks, readWitnessPolicy } from './witness-files.ts';
import { openStoredVault, vaultFileName, type StoredVault } from './stored-vault.ts';
import { openUrlTileSource } from './url-tiles.ts';
import { verifyUnmoved } from './verify-at-rest.ts';
import { addRecorded, addUnfinished, otherLogs } from './verify-known-logs.ts';
import { removalChecks, verifyErasures } from './verify-removals.ts';
import { addRequests } from './verify-requests.ts';
import type { VerifyThreadData } from './verify-thread.ts';

export interface StoredOptions extends VerifyOptions {
  /** Verify the directory's other logs as well, with their own keys [false]. */
  others?: boolean;
  /** Verify what is on record of requests, which `others` does, too. */
  requests?: boolean;
  /**
   * In this thread alone and in little memory. Waited for after each step of some ten milliseconds, so that whoever has other things to do decides how
   * fast it goes.
   */
  pace?: () => Promise<void>;
}

/**
 * Verifies a log of a data directory, or all of them, whether or not a server runs on it, or is started meanwhile. A directory that cannot even be opened is a
 * finding, too.
 * @throws VeiltrailError `data_dir_missing`, `log_unknown` where nothing says that there ever was such a log, and what marks wrong use
 */
export async function verifyStoredLog(dataDir: string, options: StoredOptions): Promise<VerifyReport> {
  return verifyUnmoved(dataDir, () => verifyOnce(dataDir, options));
}

async function verifyOnce(dataDir: string, options: StoredOptions): Promise<VerifyReport> {
  const closing: (() => Promise<void>)[] = [];
  try {
    const { origin } = at(configFileName, () => readDataConfig(dataDir));
    try {
      return await verifyOpened(dataDir, options, closing);
    } catch (error) {
      if (!(error instanceof VeiltrailError) || usageCodes.has(error.code)) throw error;
      return cannotOpen(`${origin}/${options.log}`, error);
    }
  } catch (error) {
    if (!(error instanceof VeiltrailError) || usageCodes.has(error.code)) throw error;
    return cannotOpen('', error);
  } finally {
    for (const close of closing.toReversed()) await close();
  }
}

/** Tokens that threads share: 40 MB of them. Those beyond are looked up in the vault one by one. */
const tokensAtHandMax = 1_000_000;
const pagesNotChecked =
  'pages of the databases that are in no table, or in two: tables were checked one by one (run `veiltrail verify` for the rest)';
/** Leaves that take longer to verify than threads take to start. */
const worthThreads = 8_192;

/** What a person did wrong, not what is wrong with the data. */
const usageCodes = new Set(['data_dir_missing', 'vkey_missing', 'vkey_syntax', 'vkey_type']);

async function verifyOpened(dataDir: string, options: StoredOptions, closing: (() => Promise<void>)[]): Promise<VerifyReport> {
  const paths = dataDirPaths(dataDir);
  const keyring = at(keysDirectory, () => openKeyring(join(dataDir, keysDirectory), { create: false }));
  const records = at(recordsFileName, () => openSqliteRecordSource(paths.records));
  closing.push(() => records.close());
  const vault = at(vaultFileName, () => openStoredVault(dataDir, keyring));
  closing.push(() => vault.close());
  const store = await storeParts(dataDir, options.log, keyring, records, vault, options.pace);
  // For few leaves it takes less to look each token up than to hold them all.
  const few = options.pace !== undefined || store.state.treeSize - (options.resume?.verifiedTo ?? 0) < worthThreads;
  const atHand = few && !options.others ? TokenSet.for(0) : await tokensAtHand(vault);
  const tiles = openFileTileSource(paths.logs);
  let threads: RangeThreads | undefined;
  const verify = (one: VerifyOptions, of: StoreParts): Promise<VerifyReport> => {
    const common = { tiles, listTiles: (log: string) => listTileFiles(join(paths.logs, log)), store: of };
    if (options.pace || of.state.treeSize - (one.resume?.verifiedTo ?? 0) < worthThreads) {
      const tokens = { atHand, hasToken: (token: string) => vault.hasToken(token) };
      const parts = { tiles, store: { reader: openRecordReader(dataDir, records, vault), tokens } };
      const alone = { ...common, verifyRange: (task: RangeTask) => verifyRange(task, parts), overlap: 1 };
      return verifyLog(one, options.pace ? paced(alone, options.pace) : alone);
    }
    const started = (threads ??= new RangeThreads({ thread: 'verify', dataDir, tokens: atHand.memory }));
    return verifyLog(one, { ...common, verifyRange: (task) => started.verify(task), overlap: started.overlap });
  };
  closing.push(async () => threads?.close());
  const report = await verify(options, store);
  if (options.others || !options.leavesOnly) addRecorded(report, dataDir);
  if (options.requests) await addRequests(report, dataDir, records, openRecordReader(dataDir, records, vault));
  if (!options.others) return report;
  for (const log of await otherLogs(dataDir, options.log, keyring, records, vault)) {
    let other: VerifyReport;
    try {
      other = await verify(
        { log, ...(options.seen ? { seen: options.seen } : {}), ...(options.askWitness ? { askWitness: options.askWitness } : {}) },
        withoutShared(await storeParts(dataDir, log, keyring, records, vault)),
      );
    } catch (error) {
      if (!(error instanceof VeiltrailError) || usageCodes.has(error.code)) throw error;
      other = cannotOpen(log, error);
    }
    addOther(report, log, other);
  }
  await addUnfinished(report, dataDir, keyring, records);
  await addRequests(report, dataDir, records, openRecordReader(dataDir, records, vault));
  return report;
}

/** The same parts, with a rest after each step; ranges are as small as they can be. */
function paced(parts: VerifyParts, pace: () => Promise<void>): VerifyParts {
  const { listTiles, store } = parts;
  async function* after<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const item of items) {
      yield item;
      await pace();
    }
  }
  return {
    ...parts,
    rangeLeavesMax: 1_024,
    async verifyRange(task) {
      const result = await parts.verifyRange(task);
      await pace();
      return result;
    },
    ...(listTiles ? { listTiles: (log: string) => after(listTiles(log)) } : {}),
    ...(store ? { store: { ...store, verifyVault: () => after(store.verifyVault()) } } : {}),
  };
}

/** Seal, databases and vault are those of the whole directory: the first log's verification has checked them. */
function withoutShared(store: StoreParts): StoreParts {
  return {
    ...store,
    checkSeal: () => Promise.resolve({ problems: [] }),
    checkDatabases: () => Promise.resolve({ problems: [] }),
    async *verifyVault() {},
  };
}

/** Takes what is wrong with another log into the report; leaf indexes stay those of the first log. */
function addOther(report: VerifyReport, log: string, other: VerifyReport): void {
  report.ok &&= other.ok;
  report.problems.push(...other.problems.map((one) => ({ ...one, message: `log ${log}: ${one.message}` })));
  report.problemCount += other.problemCount;
  const bad = other.firstBadLeaf === null ? 'something is wrong' : `first bad leaf: ${other.firstBadLeaf}`;
  report.steps.push({ step: `log ${log}`, ok: other.ok, detail: `${other.treeSize} leaves: ${other.ok ? 'all well' : bad}` });
}

/** None where the vault cannot be read: the steps that follow say what is wrong with it, and check everything else. */
async function tokensAtHand(vault: StoredVault): Promise<TokenSet> {
  try {
    return await vault.tokensAtHand(tokensAtHandMax);
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    return TokenSet.for(0);
  }
}

/** Adds to an error the file that was being opened. */
function at<T>(where: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    const file = typeof error.detail['file'] === 'string' ? `${where}/${error.detail['file']}` : where;
    throw new VeiltrailError(
      error.code,
      error.message.includes(file) ? error.message : `${file}: ${error.message}`,
      { where: file, ...error.detail },
      { cause: error },
    );
  }
}

/** The report on a directory, or a published log, that cannot be read: one problem, and nothing proved. */
export function cannotOpen(origin: string, error: VeiltrailError, what = 'data directory'): VerifyReport {
  const where = typeof error.detail['where'] === 'string' ? error.detail['where'] : what;
  return {
    ok: false,
    origin,
    treeSize: 0,
    root: '',
    records: { verified: 0, erased: 0, redacted: 0 },
    firstBadLeaf: null,
    unwitnessedFrom: 0,
    problems: [{ code: error.code, where, message: error.message }],
    problemCount: 1,
    steps: [{ step: 'open', ok: false, detail: error.message }],
    notChecked: [`everything: the ${what} cannot be opened`],
  };
}

async function storeParts(
  dataDir: string,
  log: string,
  keyring: Keyring,
  records: RecordSource,
  vault: StoredVault,
  pace?: () => Promise<void>,
): Promise<StoreParts> {
  const state = (await records.logs()).find((one) => one.log === log);
  if (!state) throw new VeiltrailError('log_unknown', `${recordsFileName} has no log ${log}`, { where: `logs/${log}` });
  const vkeys = at(keysDirectory, () => keyring.logs().flatMap((name) => keyring.signer(name)?.vkey ?? []));
  const own = keyring.signer(log)?.vkey;
  const where = `${keysDirectory}/${log}.signing-key`;
  if (own === undefined) throw new VeiltrailError('signing_key_missing', `${where} is missing`, { where });
  const { origin } = readDataConfig(dataDir);
  return {
    state,
    mayGrow: isDataDirInUse(dataDir),
    readState: async () => (await records.logs()).find((one) => one.log === log) ?? state,
    vkey: own,
    async checkSeal() {
      const running = { problems: [], absent: 'a server is running on it' };
      if (isDataDirInUse(dataDir)) return running;
      if (!(await records.isClean())) return { problems: [], absent: 'it was not stopped in an orderly way; starting and stopping it seals it' };
      const found = await checkSeal({ dataDir, paths: sealedPaths(dataDir), verifiers: vkeys.map(createNoteVerifier), clean: true });
      // Started meanwhile, where one ran when the verification began.
      if (isDataDirInUse(dataDir)) return running;
      if (found === 'cut short') return { problems: [], absent: 'its sealing was cut short; starting and stopping it seals it' };
      return {
        problems: found.map(({ code, path, message }) => ({
          code,
          where: path,
          message: path === 'seal.json' ? `${path}: ${message}` : `${path}: ${message} (or seal.json is an older one)`,
        })),
      };
    },
    async checkDatabases() {
      const problems: Problem[] = [];
      for (const file of [recordsFileName, vaultFileName]) {
        const path = join(dataDir, file);
        for (const messages of pace ? checkDatabaseInSteps(path) : [checkDatabase(path)]) {
          problems.push(...messages.map((message) => ({ code: 'database_damaged', where: file, message: `${file}: ${message}` })));
          await pace?.();
        }
      }
      return { problems, ...(pace ? { absent: pagesNotChecked } : {}) };
    },
    stateChecks: {
      strays: () => records.strays(log),
      ...(state.origin === `${origin}/${log}` ? {} : { otherOrigin: origin }),
      ...(isDataDirInUse(dataDir)
        ? {}
        : { checkRecoverable: () => checkRecoverable(state, records, openFileTileSource(dataDirPaths(dataDir).logs)) }),
    },
    ...witnessesOf(dataDir, log, own),
    removals: removalChecks(dataDir, log, vault, openRecordReader(dataDir, records, vault)),
    async *verifyVault() {
      yield* vault.verifyTokens();
      yield* verifyErasures(dataDir, vault, openRecordReader(dataDir, records, vault));
    },
  };
}

/** The witness policy in force, where it is about the log. */
function witnessesOf(dataDir: string, log: string, vkey: string): Pick<StoreParts, 'witnesses'> {
  const stored = at('witnesses.json', () => readWitnessPolicy(dataDir));
  const forks = at('forks.json', () => readForks(dataDir)).filter((one) => one.log === log && one.acknowledged === undefined);
  const policy = stored && at('witnesses.json', () => parseWitnessPolicy(stored.policy));
  const isAbout = policy && (policy.logs.length === 0 || policy.logs.some((one) => one.vkey === vkey));
  if (isAbout) return { witnesses: { policy, forks } };
  return forks.length > 0 ? { witnesses: { policy: parseWitnessPolicy('quorum none\n'), forks } } : {};
}

/** Verifies a log by its public files: a directory of them, or a URL of a server, or of the log itself. */
export async function verifyPublishedLog(where: string, options: VerifyOptions): Promise<VerifyReport> {
  const tiles = /^https?:\/\//.test(where) ? openUrlTileSource(where) : openDirectoryTileSource(where);
  return verifyLogFrom(tiles, options);
}

/** Verifies a log as whatever gives its public files has it. */
export function verifyLogFrom(tiles: TileSource, options: VerifyOptions): Promise<VerifyReport> {
  return verifyLog(options, { tiles, verifyRange: (task) => verifyRange(task, { tiles }), overlap: 4 });
}

/** A directory that holds `checkpoint` and `tile/`. */
function openDirectoryTileSource(dir: string): TileSource {
  if (!statSync(join(dir, 'checkpoint'), { throwIfNoEntry: false })) {
    throw new VeiltrailError('not_found', `${dir} is neither a data directory nor a log: it has no checkpoint`);
  }
  return {
    async read(_log, path) {
      const file = join(dir, path);
      return statSync(file, { throwIfNoEntry: false })?.isFile() ? readFileSync(file) : undefined;
    },
  };
}

/** Threads that verify ranges, each with its own connections to the stores. They start at once. */
class RangeThreads {
  /** Each thread has its next range waiting, so that it never waits for this thread, which has work of its own. */
  readonly overlap: number;
  readonly #members: { worker: Worker; caller: Caller; ranges: number }[];

  constructor(data: VerifyThreadData) {
    const count = Math.max(1, Math.min(8, availableParallelism()));
    this.overlap = 2 * count;
    this.#members = Array.from({ length: count }, () => {
      const url = new URL(import.meta.url.endsWith('.ts') ? './verify-thread.ts' : './verify-thread.js', import.meta.url);
      const worker = new Worker(url, { workerData: data, name: 'verify', resourceLimits: threadMemory.verifying });
      const caller = new Caller(worker);
      worker.on('error', (error) => caller.fail(error as Error));
      return { worker, caller, ranges: 0 };
    });
  }

  /** Gives a range to the thread that has fewest. */
  async verify(task: RangeTask): Promise<RangeResult> {
    const member = this.#members.reduce((least, one) => (one.ranges < least.ranges ? one : least));
    member.ranges++;
    const result = await member.caller.call<RangeResult>('verify', task);
    member.ranges--;
    return result;
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
  }
}
