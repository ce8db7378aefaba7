/**
 * Appending: bytes of requests → pipeline → ledger, in the order of arrival. `receivedAt` is given at the door and never goes backwards;
 * because batches reach the ledger in that same order, it never goes backwards along the log either.
 */
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { Format } from '../ingest/incoming.ts';
import { type AppendResult, type PackedBatch, placing, requestEndsOf } from '../pipeline/packed-batch.ts';
import type { BatchRequest } from '../pipeline/process-batch.ts';
import type { GroupOutcome } from '../pipeline/worker.ts';
import type { SeenField } from '../privacy/field-watch.ts';
import { RequestQueue } from './request-queue.ts';

export interface AppendRequest {
  log: string;
  /** The API key's public id, or `local`. */
  principal: string;
  body: Uint8Array;
  format: Format;
  contentType?: string;
  /** With `content`, events without an id get one that follows from their content, so that a repetition makes duplicates. */
  dedupe?: 'id' | 'content';
  /** See `BatchRequest.repeats`. */
  repeats?: ReadonlyMap<number, number>;
  onConflict?: 'refuse' | 'append';
}

export interface AppendedEvent {
  id: string;
  leafIndex: number;
  duplicate: boolean;
  /** Appended, although its id was used before with another body. */
  conflict?: true;
  /** Why the event is not stored and a stub stands for it. */
  stub?: string;
}

export interface AppendAnswer {
  receipts: AppendedEvent[];
  treeSize: number;
  checkpoint: string;
}

/** What became of events since the start: plain numbers, read when somebody asks. */
export interface AppendCounts {
  /** Appended, those that a stub stands for included. */
  accepted: number;
  /** There already. */
  duplicates: number;
  /** Appended, although their id was used before with another content. */
  conflicts: number;
  /** Events that could not be processed, by the code that says why. */
  stubs: Map<string, number>;
}

/** Where requests are processed; `pipeline/pool.ts`. */
export interface Pipeline {
  readonly hasRoom: boolean;
  onRoom(listener: () => void): void;
  process(requests: readonly BatchRequest[]): Promise<GroupOutcome[]>;
}

export interface AppendParts {
  pipeline: Pipeline;
  append(batch: PackedBatch): Promise<AppendResult>;
  /** News of a log's fields: on disk when it returns. @throws VeiltrailError those of storage */
  learn?: (log: string, fields: readonly SeenField[]) => void;
  originOf(log: string): string | undefined;
  /** Of the newest record of any log, so that a clock set back cannot make time run backwards. */
  lastReceivedAtMs: number;
  clock: Clock;
  /** Bytes of bodies under way. Beyond it requests are refused. */
  bytesMax?: number;
}

/** A request, and who waits for what becomes of it. */
interface Waiting {
  request: BatchRequest;
  resolve: (answer: AppendAnswer) => void;
  reject: (error: Error) => void;
}

const bytesMax = 67_108_864;

/** The use case. */
export class AppendEvents {
  readonly #parts: AppendParts;
  readonly #queue = new RequestQueue<Waiting>();
  #lastReceivedAtMs: number;
  #bytes = 0;
  #underWay = 0;
  /** Requests that were handed to the pipeline and are not answered yet. */
  #sent = 0;
  /** While anything holds it up, requests wait. */
  #paused = 0;
  #onQuiet: (() => void)[] = [];
  #onResumed: (() => void)[] = [];
  #scheduled = false;
  /** Groups enter the ledger one behind the other, however many workers process them at once. */
  #line: Promise<void> = Promise.resolve();
  #onSettled: (() => void)[] = [];
  readonly counts: AppendCounts = { accepted: 0, duplicates: 0, conflicts: 0, stubs: new Map() };

  constructor(parts: AppendParts) {
    this.#parts = parts;
    this.#lastReceivedAtMs = parts.lastReceivedAtMs;
    parts.pipeline.onRoom(() => this.#send());
  }

  /** @throws VeiltrailError `log_unknown`, `queue_full`, `id_conflict`, and whatever pipeline and ledger refuse */
  append(asked: AppendRequest): Promise<AppendAnswer> {
    return new Promise((resolve, reject) => {
      const { log, principal, body, format, contentType, dedupe, repeats, onConflict = 'refuse' } = asked;
      const origin = this.#parts.originOf(log);
      if (origin === undefined) throw new VeiltrailError('log_unknown', 'there is no log of that name');
      if (this.#bytes > 0 && this.#bytes + body.length > (this.#parts.bytesMax ?? bytesMax)) {
        throw new VeiltrailError('queue_full', 'too many requests are waiting; try again in a moment');
      }
      const receivedAtMs = this.receivedNow();
      const request: BatchRequest = { log, origin, principal, receivedAtMs, body, format, onConflict, dedupeByContent: dedupe === 'content' };
      if (contentType !== undefined) request.contentType = contentType;
      if (repeats) request.repeats = repeats;
      this.#bytes += body.length;
      this.#underWay++;
      this.#queue.push({ request, resolve, reject });
      this.#sendSoon();
    });
  }

  /**
   * Runs work while no event is between being read and being committed; requests that come meanwhile wait for it to end.
   * @throws what `work` throws
   */
  async whileQuiet<T>(work: () => Promise<T>): Promise<T> {
    this.#paused++;
    try {
      if (this.#sent > 0) await new Promise<void>((resolve) => this.#onQuiet.push(resolve));
      return await work();
    } finally {
      this.#paused--;
      if (this.#paused === 0) for (const resume of this.#onResumed.splice(0)) resume();
      this.#send();
    }
  }

  /**
   * Appends records of the server's own that go round the pipeline, in their turn: behind what was handed to it before, and not while somebody wants
   * it quiet.
   * @param append is told when they are received
   * @throws what `append` throws
   */
  async appendOwn<T>(log: string, append: (receivedAtMs: number) => Promise<T>): Promise<T> {
    while (this.#paused > 0) await new Promise<void>((resolve) => this.#onResumed.push(resolve));
    this.#sent++;
    this.#underWay++;
    // Whoever waits for a worker comes later, and was received earlier.
    const receivedAtMs = this.#queue.firstOf(log)?.request.receivedAtMs ?? this.receivedNow();
    try {
      return await new Promise<T>((resolve, reject) => {
        // Whatever it throws is its caller's: the line goes on.
        this.#line = this.#line.then(() => void startedWith(append, receivedAtMs).then(resolve, reject));
      });
    } finally {
      this.#ended();
    }
  }

  /** When a record of the server's own is received that does not go through the pipeline: never before another. */
  receivedNow(): number {
    return (this.#lastReceivedAtMs = Math.max(this.#lastReceivedAtMs, this.#parts.clock.now()));
  }

  /** Bytes of bodies under way. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#onSettled.push(resolve));
  }

  /** Not before the event loop has come round: whatever else has arrived by then travels in the same group. */
  #sendSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  #send(): void {
    while (this.#paused === 0 && this.#queue.length > 0 && this.#parts.pipeline.hasRoom) {
      const group = this.#queue.takeGroup();
      this.#sent += group.length;
      const processing = this.#parts.pipeline.process(group.map(({ request }) => request));
      processing.catch(() => undefined); // its turn will see it
      this.#line = this.#line.then(() => this.#enter(group, processing));
    }
  }

  /** Hands a group to the ledger when it is processed; does not wait for its answer, because the ledger keeps the order of its calls. */
  async #enter(group: Waiting[], processing: Promise<GroupOutcome[]>): Promise<void> {
    try {
      let from = 0;
      for (const outcome of await processing) {
        const to = from + requestEndsOf(outcome.batch).length;
        this.#learnAndAppend(group.slice(from, to), outcome);
        from = to;
      }
    } catch (error) {
      this.#rejectAll(group, error as Error);
    }
  }

  /** A field is known before the first event that has it is stored. */
  #learnAndAppend(group: Waiting[], outcome: GroupOutcome): void {
    try {
      if (outcome.fields) this.#parts.learn?.(outcome.batch.log, outcome.fields);
    } catch (error) {
      this.#rejectAll(group, error as Error);
      return;
    }
    void this.#append(group, outcome);
  }

  async #append(group: Waiting[], outcome: GroupOutcome): Promise<void> {
    // Before its buffers move.
    const ends = requestEndsOf(outcome.batch).slice();
    let result: AppendResult | undefined;
    try {
      if (outcome.batch.count > 0) result = await this.#parts.append(outcome.batch);
    } catch (error) {
      const { refused } = outcome;
      this.#rejectAll(
        group.filter((_, i) => !refused.has(i)),
        error as Error,
      );
      for (const i of refused.keys()) this.#settle(group[i] as Waiting, i, ends, outcome, undefined);
      return;
    }
    group.forEach((waiting, i) => this.#settle(waiting, i, ends, outcome, result));
  }

  #settle(waiting: Waiting, i: number, ends: Uint32Array, outcome: GroupOutcome, result: AppendResult | undefined): void {
    this.#done(waiting);
    const refusal = outcome.refused.get(i);
    const from = ends[i - 1] ?? 0;
    if (refusal) waiting.reject(new VeiltrailError(refusal.code, refusal.message, refusal.detail));
    else if (result?.placings[from] === placing.refused) {
      waiting.reject(new VeiltrailError('id_conflict', 'an id of this request was used before, with another body'));
    } else {
      const answer = answerOf(from, ends[i] as number, outcome, result as AppendResult);
      count(answer.receipts, this.counts);
      waiting.resolve(answer);
    }
  }

  #rejectAll(group: readonly Waiting[], error: Error): void {
    for (const waiting of group) {
      this.#done(waiting);
      waiting.reject(error);
    }
  }

  #done({ request }: Waiting): void {
    this.#bytes -= request.body.length;
    this.#ended();
  }

  #ended(): void {
    if (--this.#sent === 0) for (const quiet of this.#onQuiet.splice(0)) quiet();
    if (--this.#underWay > 0) return;
    const settled = this.#onSettled;
    this.#onSettled = [];
    for (const resolve of settled) resolve();
  }
}

async function startedWith<T>(work: (ms: number) => Promise<T>, ms: number): Promise<T> {
  return work(ms);
}

function count(receipts: readonly AppendedEvent[], counts: AppendCounts): void {
  for (const { duplicate, conflict, stub } of receipts) {
    if (duplicate) {
      counts.duplicates++;
      continue;
    }
    counts.accepted++;
    if (conflict) counts.conflicts++;
    if (stub !== undefined) counts.stubs.set(stub, (counts.stubs.get(stub) ?? 0) + 1);
  }
}

/** The answer to the request whose records are `from` to `to - 1` of the batch. */
function answerOf(from: number, to: number, { ids, stubs }: GroupOutcome, result: AppendResult): AppendAnswer {
  const { leafIndexes, placings, treeSize, checkpoint } = result;
  const receipts: AppendedEvent[] = [];
  for (let i = from; i < to; i++) {
    const receipt: AppendedEvent = { id: ids[i] as string, leafIndex: leafIndexes[i] as number, duplicate: placings[i] === placing.duplicate };
    if (placings[i] === placing.conflicting) receipt.conflict = true;
    const stub = stubs.get(i);
    if (stub !== undefined) receipt.stub = stub;
    receipts.push(receipt);
  }
  return { receipts, treeSize, checkpoint };
}
