/** Drivers and threads for `app/verify-log.ts`: a data directory, a directory of tiles, a URL. */
import { readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { verifyLog, type StoreParts, type VerifyOptions, type VerifyReport } from '../app/verify-log.ts';
import { verifyRange, type RangeResult, type RangeTask } from '../app/verify-range.ts';
import { VeiltrailError } from '../core/errors.ts';
import { createNoteVerifier } from '../log/note-key.ts';
import { checkSeal } from '../ledger/seal.ts';
import { createClient } from '../sdk/client.ts';
import { dataDirPaths, isDataDirInUse } from '../storage/data-dir.ts';
import { openFileTileSource } from '../storage/files/tile-store.ts';
import { openSqliteRecordSource } from '../storage/sqlite/record-source.ts';
import { checkDatabase } from '../storage/sqlite/check-database.ts';
import type { RecordSource } from '../storage/record-store.ts';
import type { TileSource } from '../storage/tile-store.ts';
import { Caller } from '../thread/port-call.ts';
import { openKeyring, type Keyring } from '../vault/keyring.ts';
import type { Problem } from '../verify/problem.ts';
import { readDataConfig } from './data-config.ts';
import { keysDirectory, listTileFiles, sealedPaths } from './data-files.ts';
import { openStoredVault, vaultFileName, type StoredVault } from './stored-vault.ts';
import type { VerifyThreadData } from './verify-thread.ts';

/**
 * Verifies one log of a data directory, whether or not a server runs on it.
 * @throws VeiltrailError `log_unknown`, and what makes verification impossible: no configuration, no keyring
 */
export async function verifyStoredLog(dataDir: string, options: VerifyOptions): Promise<VerifyReport> {
  readDataConfig(dataDir);
  const paths = dataDirPaths(dataDir);
  const keyring = openKeyring(join(dataDir, keysDirectory), { create: false });
  const records = openSqliteRecordSource(paths.records);
  const vault = openStoredVault(dataDir, keyring);
  const threads = new RangeThreads({ thread: 'verify', dataDir });
  try {
    const store = await storeParts(dataDir, options.log, keyring, records, vault);
    return await verifyLog(options, {
      tiles: openFileTileSource(paths.logs),
      listTiles: (log) => listTileFiles(join(paths.logs, log)),
      verifyRange: (task) => threads.verify(task),
      threads: threads.count,
      store,
    });
  } finally {
    await threads.close();
    await vault.close();
    await records.close();
  }
}

async function storeParts(dataDir: string, log: string, keyring: Keyring, records: RecordSource, vault: StoredVault): Promise<StoreParts> {
  const state = (await records.logs()).find((one) => one.log === log);
  if (!state) throw new VeiltrailError('log_unknown', `there is no log ${log} in ${dataDir}`);
  const vkeys = keyring.logs().flatMap((name) => keyring.signer(name)?.vkey ?? []);
  const own = keyring.signer(log)?.vkey;
  if (own === undefined) throw new VeiltrailError('signing_key_missing', `the keyring has no signing key for log ${log}`);
  return {
    state,
    vkey: own,
    async checkSeal() {
      if (isDataDirInUse(dataDir)) return { problems: [], absent: 'a server is running on it' };
      if (!(await records.isClean())) return { problems: [], absent: 'it was not stopped in an orderly way; starting and stopping it seals it' };
      const found = await checkSeal({ dataDir, paths: sealedPaths(dataDir), verifiers: vkeys.map(createNoteVerifier), clean: true });
      return { problems: found.map(({ code, path, message }) => ({ code, where: path, message: `${path}: ${message}` })) };
    },
    async checkDatabases() {
      return ['records.db', vaultFileName].flatMap((file) =>
        checkDatabase(join(dataDir, file)).map((message): Problem => ({ code: 'database_damaged', where: file, message: `${file}: ${message}` })),
      );
    },
    verifyVault: () => vault.verifyTokens(),
  };
}

/** Verifies a log by its public files: a directory of them, or a URL of a server, or of the log itself. */
export async function verifyPublishedLog(where: string, options: VerifyOptions): Promise<VerifyReport> {
  const tiles = /^https?:\/\//.test(where) ? openUrlTileSource(where) : openDirectoryTileSource(where);
  return verifyLog(options, { tiles, verifyRange: (task) => verifyRange(task, { tiles }), threads: 4 });
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

/** The static files of a log at a URL: `https://host` (the log by its name, as our server has them) or `https://host/…/logs/name`. */
function openUrlTileSource(url: string): TileSource {
  const match = /^(.*)\/logs\/([^/]+)\/?$/.exec(url);
  const client = createClient({ url: match?.[1] ?? url });
  return {
    async read(log, path) {
      const name = match ? decodeURIComponent(match[2] as string) : log;
      if (path !== 'checkpoint') return client.fetchTile(path, { log: name });
      const checkpoint = await client.checkpoint({ log: name });
      return checkpoint === undefined ? undefined : Buffer.from(checkpoint);
    },
  };
}

/** Threads that verify ranges, each with its own connections to the stores. */
class RangeThreads {
  readonly count = Math.max(1, Math.min(8, availableParallelism()));
  readonly #data: VerifyThreadData;
  readonly #idle: { worker: Worker; caller: Caller }[] = [];
  readonly #all: Worker[] = [];

  constructor(data: VerifyThreadData) {
    this.#data = data;
  }

  async verify(task: RangeTask): Promise<RangeResult> {
    const member = this.#idle.pop() ?? this.#start();
    const result = await member.caller.call<RangeResult>('verify', task);
    this.#idle.push(member);
    return result;
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.terminate()));
  }

  #start(): { worker: Worker; caller: Caller } {
    const url = new URL(import.meta.url.endsWith('.ts') ? './verify-thread.ts' : './verify-thread.js', import.meta.url);
    const worker = new Worker(url, { workerData: this.#data, name: 'verify' });
    const caller = new Caller(worker);
    worker.on('error', (error) => caller.fail(error as Error));
    this.#all.push(worker);
    return { worker, caller };
  }
}
