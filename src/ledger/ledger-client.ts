/**
 * The ledger as other threads see it: the same calls, answered by `ledger-thread.ts`. Batches that are appended in the same turn of the event
 * loop travel in one message, their buffers moved; if the thread dies, everything that waits is rejected and `onFatal` is told.
 */
import { Worker, type MessagePort } from 'node:worker_threads';
import { VeiltrailError } from '../core/errors.ts';
import { type AppendResult, batchBuffers, type PackedBatch } from '../pipeline/packed-batch.ts';
import type { Compaction } from '../storage/record-store.ts';
import { Caller } from '../thread/port-call.ts';
import { threadMemory } from '../thread/thread-memory.ts';
import type { AppendOutcome, LedgerNews, LedgerThreadData } from './ledger-thread.ts';
import type { SegmentReplacement } from './rewrite-segments.ts';
import type { LedgerBounds, LogInfo } from './ledger.ts';
import type { RecordEdits, Rewriting } from './rewrite.ts';

export interface LedgerClientOptions {
  /** Locked by this process (`lockDataDir`). */
  dataDir: string;
  keyringDir: string;
  /** The other end answers `bucketKey` of `{log, bucket, generation}` with 32 bytes, durable when it does. */
  bucketKeys: MessagePort;
  bounds?: Partial<LedgerBounds>;
  onPublished?: (log: LogInfo) => void;
  /** The process must end. */
  onFatal?: (error: Error) => void;
}

interface WaitingAppend {
  batch: PackedBatch;
  resolve: (result: AppendResult) => void;
  reject: (error: Error) => void;
}

export class LedgerClient {
  readonly #worker: Worker;
  readonly #caller: Caller;
  readonly #ended: Promise<void>;
  readonly #logs = new Map<string, LogInfo>();
  readonly #options: LedgerClientOptions;
  #waiting: WaitingAppend[] = [];
  #closing: Promise<void> | undefined;
  #dead = false;

  private constructor(options: LedgerClientOptions) {
    this.#options = options;
    const { dataDir, keyringDir, bucketKeys, bounds = {} } = options;
    const data: LedgerThreadData = { thread: 'ledger', dataDir, keyringDir, bucketKeys, bounds };
    // This file is `.ts` in the sources and `.js` in the package; the thread's is beside it.
    const thread = new URL(import.meta.url.endsWith('.ts') ? './ledger-thread.ts' : './ledger-thread.js', import.meta.url);
    this.#worker = new Worker(thread, { workerData: data, transferList: [bucketKeys], name: 'ledger', resourceLimits: threadMemory.calm });
    this.#caller = new Caller(this.#worker);
    this.#worker.on('message', (news: LedgerNews) => this.#hear(news));
    this.#worker.on('error', (error) => this.#die(error as Error));
    this.#ended = new Promise((resolve) => {
      // A busy process hears of the thread's last answers and of its end in one turn: the answers count first, that of `close` above all.
      this.#worker.on('exit', () =>
        setImmediate(() => {
          this.#die(new Error('the thread of the ledger ended'));
          resolve();
        }),
      );
    });
  }

  /** Starts the thread and opens every log in it. @throws VeiltrailError what `Ledger.open` throws */
  static async open(options: LedgerClientOptions): Promise<LedgerClient> {
    const client = new LedgerClient(options);
    try {
      for (const log of await client.#caller.call<LogInfo[]>('open', undefined)) client.#logs.set(log.log, log);
      return client;
    } catch (error) {
      client.#dead = true;
      await client.#worker.terminate();
      throw error;
    }
  }

  /** As `Ledger.logs`. */
  logs(): LogInfo[] {
    return [...this.#logs.values()];
  }

  /** Of a log that is there. */
  originOf(log: string): string | undefined {
    return this.#logs.get(log)?.origin;
  }

  /** As `Ledger.createLog`; makes the log's signing key where the keyring has none. */
  createLog(log: string, origin: string): Promise<void> {
    return this.#caller.call('createLog', { log, origin });
  }

  /** As `Ledger.cosigned`. */
  cosigned(log: string, note: string): Promise<void> {
    return this.#caller.call('cosigned', { log, note });
  }

  /** As `Ledger.halt`. */
  halt(log: string, halted: boolean): Promise<void> {
    return this.#caller.call('halt', { log, halted });
  }

  /** As `Ledger.append`; the batch's buffers are gone afterwards. */
  append(batch: PackedBatch): Promise<AppendResult> {
    if (this.#closing) return Promise.reject(new VeiltrailError('ledger_closed', 'the ledger is closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => void this.#send());
    });
  }

  /** As `Ledger.rewrite`. */
  rewrite(rewriting: Rewriting): Promise<void> {
    return this.#caller.call('rewrite', rewriting);
  }

  /** As `Ledger.forgetIds`. */
  forgetIds(log: string, edits: RecordEdits): Promise<void> {
    return this.#caller.call('forgetIds', { log, edits });
  }

  /** As `Ledger.scrub`. */
  scrub(): Promise<void> {
    return this.#caller.call('scrub', undefined);
  }

  /** As `Ledger.chunkChanges`. */
  chunkChanges(): Promise<number> {
    return this.#caller.call('chunkChanges', undefined);
  }

  /** As `Ledger.compact`. */
  compact(compaction: Compaction): Promise<void> {
    return this.#caller.call('compact', compaction);
  }

  /** As `Ledger.replaceSegments`. */
  replaceSegments(replacements: readonly SegmentReplacement[]): Promise<void> {
    return this.#caller.call('replaceSegments', replacements);
  }

  /** As `Ledger.dropLeftOver`. */
  dropLeftOver(log: string, bytesMax: number): Promise<boolean> {
    return this.#caller.call('dropLeftOver', { log, bytesMax });
  }

  /** As `Ledger.close`, and ends the thread. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #send(): Promise<void> {
    const sent = this.#waiting;
    this.#waiting = [];
    if (sent.length === 0) return;
    try {
      const batches = sent.map(({ batch }) => batch);
      const outcomes = await this.#caller.call<AppendOutcome[]>('append', batches, [...new Set(batches.flatMap(batchBuffers))]);
      for (const [i, outcome] of outcomes.entries()) settle(sent[i] as WaitingAppend, outcome);
    } catch (error) {
      for (const { reject } of sent) reject(error as Error);
    }
  }

  async #close(): Promise<void> {
    await this.#send();
    if (this.#dead) return;
    try {
      await this.#caller.call('close', undefined);
      this.#dead = true;
      await this.#ended;
    } catch (error) {
      this.#dead = true;
      await this.#worker.terminate();
      throw error;
    }
  }

  #hear({ published, fatal }: LedgerNews): void {
    if (published) {
      this.#logs.set(published.log, published);
      this.#options.onPublished?.(published);
    }
    if (fatal) this.#die(fatal.code === undefined ? new Error(fatal.message) : new VeiltrailError(fatal.code, fatal.message));
  }

  #die(error: Error): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#caller.fail(error);
    this.#options.onFatal?.(error);
  }
}

function settle({ resolve, reject }: WaitingAppend, outcome: AppendOutcome): void {
  if ('result' in outcome) resolve(outcome.result);
  else reject(outcome.code === undefined ? new Error(outcome.message) : new VeiltrailError(outcome.code, outcome.message, { ...outcome.detail }));
}
