/**
 * The worker pool. Requests that wait while every worker is busy travel together in one message, so single posts become batches by themselves.
 *
 * A worker may die (out of memory, a fault in a library). Then every request it had is run again alone; a request that kills again is
 * halved down to the event that does it, which becomes a stub: one event never stops its batch, and one batch never stops the server.
 */
import type { Worker } from 'node:worker_threads';
import { VeiltrailError } from '../core/errors.ts';
import { Caller } from '../thread/port-call.ts';
import { limits } from '../core/limits.ts';
import type { BatchRequest, ProcessedBatch } from './process-batch.ts';
import type { Outcome } from './worker.ts';

export interface PoolOptions {
  workers: number;
  /** Starts one worker; called again when one dies. */
  startWorker: () => Worker;
  /** Bytes of requests under way and waiting, together. */
  queueBytesMax?: number;
}

interface Job {
  request: BatchRequest;
  resolve: (processed: ProcessedBatch) => void;
  reject: (error: Error) => void;
}

interface Member {
  worker: Worker;
  caller: Caller;
  busy: number;
}

const messageBytesMax = 4_194_304;
const messageJobsMax = 256;
/** One message being worked on and one waiting behind it, so that a worker never idles between two. */
const messagesPerWorker = 2;
/** A message that takes longer than this has met a fault; its worker is ended and its requests are tried alone. */
const messageMsMax = 60_000;
/** Workers that may die while the killing events of one request are sought; what is not cleared by then becomes stubs. */
const trialsMax = 64;

export class WorkerDied extends Error {}

export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #members: Member[] = [];
  #waiting: Job[] = [];
  #queuedBytes = 0;
  #closing = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    for (let i = 0; i < options.workers; i++) this.#members.push(this.#hire());
  }

  /**
   * Processes one request.
   * @throws VeiltrailError `queue_full` when too many bytes wait, or what {@link processBatch} refuses
   */
  submit(request: BatchRequest): Promise<ProcessedBatch> {
    const bytesMax = this.#options.queueBytesMax ?? 4 * limits.bodyBytesMax;
    if (this.#queuedBytes + request.body.length > bytesMax) {
      return Promise.reject(new VeiltrailError('queue_full', 'too many requests are waiting; try again in a moment'));
    }
    this.#queuedBytes += request.body.length;
    const done = new Promise<ProcessedBatch>((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
    }).finally(() => {
      this.#queuedBytes -= request.body.length;
    });
    // Not before the event loop has come round: whatever else has arrived by then travels in the same message.
    setImmediate(() => this.#dispatch());
    return done;
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
  }

  #hire(): Member {
    const worker = this.#options.startWorker();
    const member: Member = { worker, caller: new Caller(worker), busy: 0 };
    let reason = 'it ended';
    worker.on('error', (error: Error) => (reason = error.message));
    worker.on('exit', () => {
      member.caller.fail(new WorkerDied(`a pipeline worker died: ${reason}`));
      if (this.#closing) return;
      this.#members[this.#members.indexOf(member)] = this.#hire();
      this.#dispatch();
    });
    return member;
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const member = this.#members.reduce((least, other) => (other.busy < least.busy ? other : least));
      if (member.busy >= messagesPerWorker) return;
      void this.#send(member, this.#takeJobs());
    }
  }

  #takeJobs(): Job[] {
    let bytes = 0;
    let count = 0;
    for (const { request } of this.#waiting) {
      bytes += request.body.length;
      if (count > 0 && (bytes > messageBytesMax || count === messageJobsMax)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #send(member: Member, jobs: Job[]): Promise<void> {
    member.busy++;
    const watchdog = setTimeout(() => void member.worker.terminate(), messageMsMax).unref();
    try {
      const outcomes = await member.caller.call<Outcome[]>(
        'process',
        jobs.map((job) => job.request),
      );
      outcomes.forEach((outcome, at) => settle(jobs[at] as Job, outcome));
    } catch (error) {
      if (!(error instanceof WorkerDied)) for (const job of jobs) job.reject(error as Error);
      else for (const job of jobs) void this.#retryAlone(job);
    } finally {
      clearTimeout(watchdog);
      member.busy--;
      this.#dispatch();
    }
  }

  /** A job whose worker died. Alone first; then by halves, until the events that kill are known; then with those as stubs. */
  async #retryAlone(job: Job): Promise<void> {
    try {
      const condemned = new Set<number>();
      const alone = await this.#trial(job.request);
      if (alone) return settle(job, alone);
      await this.#findKillers(job.request, 0, eventsAtMost(job.request.body), condemned, { left: trialsMax });
      const rest = await this.#trial({ ...job.request, condemned });
      if (rest) return settle(job, rest);
      job.reject(new VeiltrailError('processing_failed', 'the body cannot be processed'));
    } catch (error) {
      job.reject(error as Error);
    }
  }

  async #findKillers(request: BatchRequest, from: number, to: number, condemned: Set<number>, trials: { left: number }): Promise<void> {
    if (trials.left > 0) {
      trials.left--;
      if (await this.#trial({ ...request, only: { from, to } })) return;
    }
    if (to - from === 1 || trials.left === 0) {
      for (let position = from; position < to; position++) condemned.add(position);
      return;
    }
    const middle = (from + to) >>> 1;
    await this.#findKillers(request, from, middle, condemned, trials);
    await this.#findKillers(request, middle, to, condemned, trials);
  }

  /** Runs a request in a worker of its own, so that its death takes nothing else along; undefined when it died. */
  async #trial(request: BatchRequest): Promise<Outcome | undefined> {
    const worker = this.#options.startWorker();
    const caller = new Caller(worker);
    worker.on('error', () => undefined); // what it died of was reported when it died first
    worker.on('exit', () => caller.fail(new WorkerDied('a worker died on trial')));
    try {
      const [outcome] = await caller.call<Outcome[]>('process', [request]);
      return outcome;
    } catch (error) {
      if (error instanceof WorkerDied) return undefined;
      throw error;
    } finally {
      await worker.terminate();
    }
  }
}

/** No body holds more events than this: each begins with a brace or ends a line. */
function eventsAtMost(body: Uint8Array): number {
  let count = 1;
  for (const byte of body) if (byte === 0x7b || byte === 0x0a) count++;
  return Math.min(count, limits.batchEventsMax);
}

function settle(job: Job, outcome: Outcome): void {
  if ('processed' in outcome) job.resolve(outcome.processed);
  else job.reject(new VeiltrailError(outcome.refused.code, outcome.refused.message, outcome.refused.detail));
}
