/** Search, seen from the server's main thread: two threads (see search-thread.ts), started again when one dies. */
import { Worker, type MessagePort } from 'node:worker_threads';
import { VeiltrailError } from '../core/errors.ts';
import { Caller } from '../thread/port-call.ts';
import { threadMemory } from '../thread/thread-memory.ts';
import type { LeafRange } from './index-store.ts';
import type { IndexState } from './indexer.ts';
import type { SearchNotice, SearchThreadSettings } from './search-thread.ts';
import type { Searcher, SearchPage, SearchQuery } from './search.ts';

export interface SearchClientOptions {
  recordsPath: string;
  /** The directory of segments. */
  segmentsPath: string;
  indexPath: string;
  /** 32 bytes. */
  indexKey: Uint8Array;
  /** A new port to the vault's thread, which answers `bucketKey` and `segmentKey` on it. Asked once for each thread that starts. */
  openVaultPort: () => MessagePort;
  /** Told about what failed and is tried again. */
  onError?: (error: Error) => void;
  /** Starts a thread [a Worker of search-thread.ts]. */
  startThread?: (settings: SearchThreadSettings) => Worker;
}

const restartMs = 1_000;

/** Start it when `records.db` is open for writing. */
export class SearchClient implements Searcher {
  readonly #options: SearchClientOptions;
  readonly #index: SearchThread;
  /** Started by the first search: many servers are never asked anything, and a thread takes 17 MB. */
  #query: SearchThread | undefined;
  #closing = false;
  /** Settled when the indexing thread has looked at what a crash may have left, so that the other one may trust the file. */
  readonly #opened: Promise<void>;

  constructor(options: SearchClientOptions) {
    this.#options = options;
    this.#index = new SearchThread('search-index', options, () => undefined);
    const nothing = (): void => undefined;
    this.#opened = this.state('').then(nothing, nothing);
  }

  async search(request: SearchQuery): Promise<SearchPage> {
    await this.#opened;
    if (this.#closing) throw new VeiltrailError('search_stopped', 'the search is closed');
    this.#query ??= new SearchThread('search-query', this.#options, ({ log, partition }) => this.#distrust(log, partition));
    return this.#query.call<SearchPage>('search', request);
  }

  /** A log has grown and everybody may see it. Does not wait, and does not fail: what is missed is found when there is more. */
  published(log: string, treeSize: number): void {
    this.#index.call('published', { log, treeSize }).catch((error: Error) => this.#options.onError?.(error));
  }

  /**
   * Makes the index forget these leaves, and what shared a partition with them, and indexes again what is there then.
   * @throws VeiltrailError `storage_busy`: forgotten, but traces may still be on disk; call it again
   */
  async forget(log: string, range: LeafRange): Promise<void> {
    await this.#index.call('forget', { log, range });
  }

  /** Chunks of a log were rewritten: forgets those that are open. A thread that is just starting again has none. */
  async forgetRecords(log: string): Promise<void> {
    const ignoreStopped = (error: Error): void => {
      if ((error as VeiltrailError).code !== 'search_stopped') throw error;
    };
    for (const thread of [this.#index, this.#query]) await thread?.call('forgetRecords', { log }).catch(ignoreStopped);
  }

  state(log: string): Promise<IndexState> {
    return this.#index.call<IndexState>('state', { log });
  }

  /** Resolves when everything published is indexed, or what is not waits for its next trial. */
  async idle(): Promise<void> {
    await this.#index.call('idle', undefined);
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([this.#query?.close(), this.#index.close()]);
  }

  #distrust(log: string, partition: number): void {
    this.#index.call('distrust', { log, partition }).catch((error: Error) => this.#options.onError?.(error));
  }
}

class SearchThread {
  readonly #runs: SearchThreadSettings['runs'];
  readonly #options: SearchClientOptions;
  readonly #onDamage: (damage: { log: string; partition: number }) => void;
  #worker: Worker;
  #caller: Caller;
  #closing = false;
  #restart: NodeJS.Timeout | undefined;

  constructor(runs: SearchThreadSettings['runs'], options: SearchClientOptions, onDamage: (damage: { log: string; partition: number }) => void) {
    this.#runs = runs;
    this.#options = options;
    this.#onDamage = onDamage;
    [this.#worker, this.#caller] = this.#start();
  }

  call<T>(method: string, argument: unknown): Promise<T> {
    return this.#caller.call<T>(method, argument);
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#restart);
    try {
      await this.#caller.call('close', undefined);
    } catch (error) {
      this.#options.onError?.(error as Error);
    }
    await this.#worker.terminate();
  }

  #start(): [Worker, Caller] {
    const { recordsPath, segmentsPath, indexPath, indexKey } = this.#options;
    const vaultPort = this.#options.openVaultPort();
    const settings: SearchThreadSettings = { runs: this.#runs, recordsPath, segmentsPath, indexPath, indexKey, vaultPort };
    const worker = (this.#options.startThread ?? startSearchThread)(settings);
    const caller = new Caller(worker);
    let reason: Error = new VeiltrailError('search_stopped', 'the search thread ended; try again in a moment');
    worker.on('error', (error: Error) => {
      reason = new VeiltrailError('search_stopped', 'the search thread failed; try again in a moment', {}, { cause: error });
    });
    worker.on('message', (message: SearchNotice) => {
      if (message.notice === 'damage') this.#onDamage(message);
      else if (message.notice === 'error') this.#options.onError?.(message.error);
    });
    worker.on('exit', () => {
      caller.fail(reason);
      if (this.#closing) return;
      this.#options.onError?.(reason);
      this.#restart = setTimeout(() => ([this.#worker, this.#caller] = this.#start()), restartMs);
    });
    return [worker, caller];
  }
}

/** Starts a thread from the file beside this one: TypeScript from the source, JavaScript from the package. */
export function startSearchThread(settings: SearchThreadSettings): Worker {
  const file = new URL(`./search-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
  return new Worker(file, { workerData: settings, transferList: [settings.vaultPort], name: settings.runs, resourceLimits: threadMemory.calm });
}
