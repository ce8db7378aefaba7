/**
 * Runs the threads of a trail in the thread that starts them: the same functions, calls and messages, without the second of CPU that six threads take to
 * start and stop. For who opens thousands of trails one after the other. Where it matters that they are threads, a sample is done with real ones
 * (control.ts).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { MessageChannel, MessagePort, type Transferable, Worker, type WorkerOptions } from 'node:worker_threads';
import { serveForwarding } from '../../../src/forward/forward-thread.ts';
import { serveLedger } from '../../../src/ledger/ledger-thread.ts';
import { servePipeline } from '../../../src/pipeline/worker.ts';
import { serveIndexing, serveSearching, type SearchThreadSettings } from '../../../src/search/search-thread.ts';
import { serveCompaction, type CompactThreadData } from '../../../src/server/compact-thread.ts';
import { serveVault } from '../../../src/vault/vault-thread.ts';

type Body = (port: MessagePort, data: never) => void;

const bodies: Readonly<Record<string, Body>> = {
  'vault-thread.ts': serveVault,
  'ledger-thread.ts': serveLedger,
  'worker.ts': servePipeline,
  'forward-thread.ts': serveForwarding,
  'search-thread.ts': (port, settings: SearchThreadSettings) => (settings.runs === 'search-index' ? serveIndexing : serveSearching)(port, settings),
  // Its priority would be everybody's.
  'compact-thread.ts': (port, data: CompactThreadData) => serveCompaction(port, { ...data, isInBackground: false }),
};

/** What ends with a thread, when it has not ended it itself. */
interface Belongings {
  close(): void;
}

const running = new AsyncLocalStorage<Set<Belongings>>();
const ended = 'the thread has ended';
const endsMs = 30_000;

class ThreadHere extends EventEmitter {
  readonly #port: MessagePort;
  readonly #theirs: MessagePort;
  readonly #belongings = new Set<Belongings>();
  /** Calls that were not answered yet. */
  #underWay = 0;
  #isOver = false;

  constructor(body: Body, { workerData, transferList = [] }: WorkerOptions) {
    super();
    const channel = new MessageChannel();
    [this.#port, this.#theirs] = [channel.port1, channel.port2];
    const data = structuredClone(workerData as Record<string, unknown>, { transfer: [...transferList] as ArrayBuffer[] });
    for (const value of Object.values(data)) if (value instanceof MessagePort) this.#belongings.add(value);
    this.#port.on('message', (message: unknown) => {
      if (message === ended) return this.#end();
      if (typeof (message as { reply?: unknown }).reply === 'number') this.#underWay--;
      this.emit('message', message);
    });
    const theirs = this.#theirs;
    const on = theirs.on.bind(theirs);
    theirs.on = ((event: string, listener: (...given: unknown[]) => void) =>
      on(event as 'message', (...given: unknown[]) => running.run(this.#belongings, () => listener(...given)))) as typeof theirs.on;
    // It listens to nothing any more, and ends once its answers are out.
    theirs.unref = () => void setImmediate(() => theirs.postMessage(ended));
    setImmediate(() => {
      if (!this.#isOver) running.run(this.#belongings, () => body(theirs, data as never));
    });
  }

  postMessage(message: unknown, transfer: readonly Transferable[] = []): void {
    if (typeof (message as { call?: unknown }).call === 'number') this.#underWay++;
    this.#port.postMessage(message, transfer);
  }

  /** A thread stops in its middle. What runs here finds its databases and lines closed, and must have ended before anybody relies on it. */
  async terminate(): Promise<number> {
    for (const one of this.#belongings) one.close();
    const untilMs = performance.now() + endsMs;
    do await turn();
    while (this.#underWay > 0 && !this.#isOver && performance.now() < untilMs);
    this.#end();
    return 1;
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const one of this.#belongings) one.close();
    this.#theirs.close();
    this.#port.close();
    this.emit('exit', 1);
  }
}

/** From now on, in this process. Others than those of a trail stay threads. */
export function runThreadsHere(): void {
  const require = createRequire(import.meta.url);
  const threads = require('node:worker_threads') as { Worker: typeof Worker };
  const sqlite = require('node:sqlite') as typeof import('node:sqlite');
  threads.Worker = new Proxy(Worker, {
    construct(real, [file, options]: [URL, WorkerOptions]) {
      const body = bodies[basename(file.pathname)];
      return body ? new ThreadHere(body, options) : new real(file, options);
    },
  });
  const { DatabaseSync } = sqlite;
  sqlite.DatabaseSync = class extends DatabaseSync {
    constructor(...given: ConstructorParameters<typeof DatabaseSync>) {
      super(...given);
      running.getStore()?.add({ close: () => this.isOpen && this.close() });
    }
  };
  syncBuiltinESMExports();
}
