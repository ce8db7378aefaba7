/**
 * The worker pool: a group of requests is one message to a worker and one back.
 *
 * A worker may die (out of memory, a fault in a library). Then the group it had is halved down to the request that kills, and that request
 * down to the event, which becomes a stub: one event never stops its request, and one request never stops the others or the server.
 */
import type { Worker } from 'node:worker_threads';
import { VeiltrailError } from '../core/errors.ts';
import type { PseudonymKey } from '../privacy/engine.ts';
import { limits } from '../core/limits.ts';
import { Caller } from '../thread/port-call.ts';
import { groupBuffers, packGroup } from './group-message.ts';
import type { BatchRequest } from './process-batch.ts';
import type { ClassifiedField } from './classified-fields.ts';
import type { GroupOutcome, Refusal, SettledCounts } from './worker.ts';

export interface PoolOptions {
  workers: number;
  /** Starts one worker; called again when one dies. */
  startWorker: () => Worker;
}

interface Member {
  worker: Worker;
  caller: Caller;
  busy: number;
}

/** One message being worked on and one waiting behind it, so that a worker never idles between two. */
const messagesPerWorker = 2;
/** A message that takes longer than this has met a fault; its worker is ended and its requests are tried apart. */
const messageMsMax = 60_000;
/** Workers that may die while the killing events of one request are sought; what is not cleared by then becomes stubs. */
const trialsMax = 64;
/** A worker that dies this soon may be one that cannot start at all: the next one comes as much later. */
const shortLifeMs = 1_000;
/** A worker that does not end by itself within this time is ended. */
const closeMsMax = 5_000;

export class WorkerDied extends Error {}

export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #members: Member[] = [];
  #onRoom: () => void = () => undefined;
  #closing = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    for (let i = 0; i < options.workers; i++) this.#members.push(this.#hire());
  }

  /** Whether a worker would take a group soon. Sent all the same, it waits behind the others. */
  get hasRoom(): boolean {
    // Whoever still comes when it is closed is to be told so.
    return this.#closing || this.#leastBusy().busy < messagesPerWorker;
  }

  /** Calls `listener` whenever a worker has done a message. */
  onRoom(listener: () => void): void {
    this.#onRoom = listener;
  }

  /**
   * Processes requests that may be in one group (`mayShareGroup`).
   * @returns what became of them, in their order: one outcome, or several after a worker's death
   * @throws Error when the pool is closed
   */
  async process(requests: readonly BatchRequest[]): Promise<GroupOutcome[]> {
    const member = this.#leastBusy();
    member.busy++;
    const watchdog = setTimeout(() => void member.worker.terminate(), messageMsMax).unref();
    try {
      return [await call(member.caller, requests)];
    } catch (error) {
      if (this.#closing) throw error;
      if (error instanceof WorkerDied) return await this.#apart(requests, undefined);
      // A mistake of ours, and whose request met it is not known.
      return await this.#apart(requests, error as Error);
    } finally {
      clearTimeout(watchdog);
      member.busy--;
      this.#onRoom();
    }
  }

  /**
   * Puts other classified fields in force: when it returns, no worker processes under the ones before. Workers that start meanwhile are
   * given theirs by `startWorker`.
   */
  async classify(classified: readonly ClassifiedField[]): Promise<void> {
    // One that dies takes what it had under way to a worker of its own, which begins with the new ones.
    await Promise.all(this.#members.map(({ caller }) => caller.call<void>('classify', classified).catch(ignoreDeath)));
  }

  /** Forgets the tokens that workers hold ready: when it returns, the vault is asked for each. */
  async forgetTokens(): Promise<void> {
    await Promise.all(this.#members.map(({ caller }) => caller.call<void>('forgetTokens', undefined).catch(ignoreDeath)));
  }

  /** Hashes under other versions of the pseudonym key: when it returns, no worker does under those before. As {@link classify}. */
  async rekey(pseudonymKeys: readonly PseudonymKey[]): Promise<void> {
    await Promise.all(this.#members.map(({ caller }) => caller.call<void>('rekey', pseudonymKeys).catch(ignoreDeath)));
  }

  /** Settles what was withheld of a field, under the rules in force. @throws VeiltrailError those of the vault */
  settleWithheld(field: ClassifiedField): Promise<SettledCounts> {
    return this.#leastBusy().caller.call<SettledCounts>('settleWithheld', field);
  }

  /** Lets the workers finish what they have, and end. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#members.map(({ worker, caller }) => endWorker(worker, caller)));
  }

  #leastBusy(): Member {
    return this.#members.reduce((least, other) => (other.busy < least.busy ? other : least));
  }

  #hire(): Member {
    const worker = this.#options.startWorker();
    const member: Member = { worker, caller: new Caller(worker), busy: 0 };
    let reason = 'it ended';
    worker.on('error', (error: Error) => (reason = error.message));
    const startedMs = performance.now();
    worker.on('exit', () => {
      member.caller.fail(new WorkerDied(`a pipeline worker died: ${reason}`));
      // Nobody sends it anything while another is on its way.
      member.busy = Infinity;
      if (performance.now() - startedMs > shortLifeMs) this.#replace(member);
      else setTimeout(() => this.#replace(member), shortLifeMs).unref();
    });
    return member;
  }

  #replace(member: Member): void {
    if (this.#closing) return;
    this.#members[this.#members.indexOf(member)] = this.#hire();
    this.#onRoom();
  }

  /** Requests that a worker died of, or failed on with `failure`: by halves, until it is known which of them does it. */
  async #apart(requests: readonly BatchRequest[], failure: Error | undefined): Promise<GroupOutcome[]> {
    // What is ours and has a code (a vault whose disk is full) no trial would change.
    if (failure instanceof VeiltrailError) return requests.map((request) => failed(request, failure));
    if (requests.length === 1) return [failure ? failed(requests[0] as BatchRequest, failure) : await this.#alone(requests[0] as BatchRequest)];
    const middle = requests.length >>> 1;
    const outcomes: GroupOutcome[] = [];
    for (const half of [requests.slice(0, middle), requests.slice(middle)]) {
      const tried = await this.#trial(half);
      outcomes.push(...(tried instanceof Error || !tried ? await this.#apart(half, tried) : [tried]));
    }
    return outcomes;
  }

  /** A request whose worker died. As it is first; then by halves, until the events that kill are known; then with those as stubs. */
  async #alone(request: BatchRequest): Promise<GroupOutcome> {
    let outcome = await this.#trial([request]);
    if (!outcome) {
      const condemned = new Set<number>();
      await this.#findKillers(request, 0, eventsAtMost(request.body), condemned, { left: trialsMax });
      outcome = await this.#trial([{ ...request, condemned }]);
    }
    if (!outcome) return refused(request, { code: 'processing_failed', message: 'the body cannot be processed', detail: {} });
    return outcome instanceof Error ? failed(request, outcome) : outcome;
  }

  async #findKillers(request: BatchRequest, from: number, to: number, condemned: Set<number>, trials: { left: number }): Promise<void> {
    if (trials.left > 0) {
      trials.left--;
      if (await this.#trial([{ ...request, only: { from, to } }])) return;
    }
    if (to - from === 1 || trials.left === 0) {
      for (let position = from; position < to; position++) condemned.add(position);
      return;
    }
    const middle = (from + to) >>> 1;
    await this.#findKillers(request, from, middle, condemned, trials);
    await this.#findKillers(request, middle, to, condemned, trials);
  }

  /** Runs requests in a worker of their own, so that its death takes nothing else along; undefined when it died. */
  async #trial(requests: readonly BatchRequest[]): Promise<GroupOutcome | Error | undefined> {
    const worker = this.#options.startWorker();
    const caller = new Caller(worker);
    worker.on('error', () => undefined); // what it died of was reported when it died first
    worker.on('exit', () => caller.fail(new WorkerDied('a worker died on trial')));
    const watchdog = setTimeout(() => void worker.terminate(), messageMsMax).unref();
    try {
      return await call(caller, requests);
    } catch (error) {
      return error instanceof WorkerDied ? undefined : (error as Error);
    } finally {
      clearTimeout(watchdog);
      await endWorker(worker, caller);
    }
  }
}

function ignoreDeath(error: unknown): void {
  if (!(error instanceof WorkerDied)) throw error;
}

function call(caller: Caller, requests: readonly BatchRequest[]): Promise<GroupOutcome> {
  const message = packGroup(requests);
  return caller.call<GroupOutcome>('process', message, groupBuffers(message));
}

/** Asks a worker to end, which is kinder than ending it: V8 has been seen to abort the process when a thread is terminated while it compiles. */
async function endWorker(worker: Worker, caller: Caller): Promise<void> {
  const ended = new Promise<void>((resolve) => void worker.once('exit', () => resolve()));
  // Rejected when it has ended already, or ends before it answers.
  const asked = caller.call('close', undefined).then(
    () => ended,
    (error: unknown) => (error instanceof WorkerDied ? undefined : ended),
  );
  const late = setTimeout(() => void worker.terminate(), closeMsMax);
  await asked;
  clearTimeout(late);
}

/** A request that met trouble which has a code, or a mistake of ours. */
function failed(request: BatchRequest, failure: Error): GroupOutcome {
  const { code, detail } = failure instanceof VeiltrailError ? failure : { code: 'internal', detail: {} };
  return refused(request, { code, message: failure.message, detail: { ...detail } });
}

function refused({ log, receivedAtMs, onConflict }: BatchRequest, refusal: Refusal): GroupOutcome {
  const none = new Uint8Array(0);
  const batch = { log, receivedAtMs, count: 0, onConflict, commitments: none, records: none, idempotency: none };
  return {
    batch: { ...batch, requestEnds: new Uint32Array(1), recordOffsets: new Uint32Array(1) },
    ids: [],
    stubs: new Map(),
    refused: new Map([[0, refusal]]),
  };
}

/** No body holds more events than this: each begins with a brace or ends a line. */
function eventsAtMost(body: Uint8Array): number {
  let count = 1;
  for (const byte of body) if (byte === 0x7b || byte === 0x0a) count++;
  return Math.min(count, limits.batchEventsMax);
}
