/** Forwarders, seen from the server's main thread: a thread (forward-thread.ts) that is started with the first, and again when it dies. */
import { Worker } from 'node:worker_threads';
import { VeiltrailError } from '../core/errors.ts';
import { sleep } from '../sdk/retry.ts';
import { Caller } from '../thread/port-call.ts';
import { threadMemory } from '../thread/thread-memory.ts';
import type { ForwardNotice, ForwardThreadSettings } from './forward-thread.ts';
import type { ForwarderRun } from './forwarding.ts';
import type { LaneFigures } from './lane.ts';

export interface ForwardClientOptions {
  /** Each time a thread starts: its own port to the vault. */
  settings: () => ForwardThreadSettings;
  /** Leaves of a log that are published now. */
  treeSizeOf(log: string): number;
  /** A forwarder's destination refuses for good; it has stopped. */
  onRefused(id: string, reason: string): void;
  /** Starts a thread [a Worker of forward-thread.ts]. */
  startThread?: (settings: ForwardThreadSettings) => Worker;
}

const restartMs = 1_000;
/** A lane gives what is under way a second; a thread that takes longer waits for something that never comes, and its cursors are behind by a batch. */
const endMs = 5_000;

export class ForwardClient {
  readonly #options: ForwardClientOptions;
  readonly #runs = new Map<string, ForwarderRun>();
  #thread: { worker: Worker; caller: Caller } | undefined;
  #restart: NodeJS.Timeout | undefined;
  #closing = false;

  constructor(options: ForwardClientOptions) {
    this.#options = options;
  }

  async run(run: ForwarderRun): Promise<void> {
    this.#runs.set(run.id, run);
    await this.#call('run', this.#current(run));
  }

  /** Its cursors are on disk when it returns. */
  async drop(id: string): Promise<void> {
    if (!this.#runs.delete(id)) return;
    await this.#call('drop', { id });
    if (this.#runs.size === 0) await this.#end();
  }

  /** A log has grown and everybody may see it. Does not wait, and does not fail: a thread that starts again is told the size. */
  published(log: string, treeSize: number): void {
    if (!this.#thread || ![...this.#runs.values()].some(({ logs }) => logs.some((one) => one.log === log))) return;
    this.#thread.caller.call('published', { log, treeSize }).catch(() => undefined);
  }

  /** Records of a log were rewritten: when it returns, nothing that was read before is on its way. A thread that starts again has read nothing. */
  async forget(log: string): Promise<void> {
    if (this.#thread) await this.#call('forget', { log });
  }

  /** By id; empty where the thread is just starting again. */
  async figures(): Promise<Record<string, LaneFigures[]>> {
    return (await this.#call<Record<string, LaneFigures[]>>('figures', undefined)) ?? {};
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#restart);
    this.#runs.clear();
    await this.#end();
  }

  /** Undefined where the thread died: it is started again, with all that shall run. */
  async #call<T>(method: string, argument: unknown): Promise<T | undefined> {
    if (!this.#thread && !this.#restart && this.#runs.size > 0 && !this.#closing) this.#start();
    try {
      return await this.#thread?.caller.call<T>(method, argument);
    } catch (error) {
      if (error instanceof VeiltrailError && error.code === 'forward_stopped') return undefined;
      throw error;
    }
  }

  async #end(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    if (!thread) return;
    const late = new AbortController();
    await Promise.race([thread.caller.call('close', undefined).catch(() => undefined), sleep(endMs, late.signal).catch(() => undefined)]);
    late.abort();
    await thread.worker.terminate();
  }

  #start(): void {
    const settings = this.#options.settings();
    const worker = (this.#options.startThread ?? startForwardThread)(settings);
    const caller = new Caller(worker);
    const thread = { worker, caller };
    this.#thread = thread;
    worker.on('message', (message: ForwardNotice) => {
      if (message.notice !== 'refused' || !this.#runs.delete(message.id)) return;
      this.#options.onRefused(message.id, message.reason);
      if (this.#runs.size === 0) void this.#end();
    });
    worker.on('error', () => undefined); // it ends, and is started again
    worker.on('exit', () => {
      caller.fail(new VeiltrailError('forward_stopped', 'the thread of forwarders ended'));
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      this.#restart = setTimeout(() => {
        this.#restart = undefined;
        for (const run of this.#runs.values()) void this.#call('run', this.#current(run)).catch(() => undefined);
      }, restartMs);
    });
  }

  #current(run: ForwarderRun): ForwarderRun {
    return { ...run, logs: run.logs.map((one) => ({ ...one, treeSize: this.#options.treeSizeOf(one.log) })) };
  }
}

/** Starts a thread from the file beside this one: TypeScript from the source, JavaScript from the package. */
function startForwardThread(settings: ForwardThreadSettings): Worker {
  const file = new URL(`./forward-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
  return new Worker(file, { workerData: settings, transferList: [settings.vaultPort], name: settings.runs, resourceLimits: threadMemory.calm });
}
