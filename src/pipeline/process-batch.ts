/**
 * One request's bytes in, a packed batch out: read the events, plan what the policy does to them, settle the tokens, apply, and commit each
 * record. Everything personal ends here; what leaves is pseudonyms, digests and counts.
 *
 * An event that cannot be processed never stops its batch: it becomes a stub. Only bytes that cannot be told apart into events are refused.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { limits } from '../core/limits.ts';
import { systemRandom, type Random } from '../core/random.ts';
import type { Format, Incoming, Unprocessable } from '../ingest/incoming.ts';
import { frameEvents } from '../ingest/read-events.ts';
import { RecordCommitter } from '../log/commit-record.ts';
import { seedBytes } from '../log/commitment.ts';
import type { PrivacyEngine } from '../privacy/engine.ts';
import type { Plan, TokenNeed } from '../privacy/plan.ts';
import { noteOnEvent, recordOfEvent, recordOfStub, type RecordFacts } from './build-record.ts';
import type { Idempotency } from './idempotency.ts';
import { idempotencyBytes, type PackedBatch } from './packed-batch.ts';
import type { StageClock } from './stage-clock.ts';
import type { TokenCache } from './token-cache.ts';

export interface BatchRequest {
  log: string;
  origin: string;
  principal: string;
  receivedAtMs: number;
  body: Uint8Array;
  format: Format;
  contentType?: string;
  onConflict: 'refuse' | 'append';
  /** Give events without an id one that follows from their content, so that sending them again makes duplicates and not new events. */
  dedupeByContent: boolean;
  /** For `dedupeByContent`: how many equal events stood before this one, by position in the body; absent means none. */
  repeats?: ReadonlyMap<number, number>;
  /** Positions of events that killed a worker before: they become stubs unread. */
  condemned?: ReadonlySet<number>;
  /** Process only positions `from` to `to - 1`, the others become stubs: how the pool finds the event that kills. */
  only?: { from: number; to: number };
}

export interface ProcessedBatch {
  batch: PackedBatch;
  /** The id under which each event is stored, in order. */
  ids: string[];
  /** Why an event is a stub, by position. */
  stubs: Map<number, string>;
}

export interface BatchContext {
  engine: PrivacyEngine;
  /** Name, version and digest of the policy, as records show it. */
  policy: string;
  tokens: TokenCache;
  idempotency: Idempotency;
  /** By origin, kept from batch to batch: they remember the paths of records. */
  committers: Map<string, RecordCommitter[]>;
  random?: Random;
  stages?: StageClock;
}

interface Item {
  incoming: Incoming;
  body: string;
  id: string;
  plan: Plan;
}

/**
 * Events that are planned, settled and committed together. A whole batch at once would keep the plans of thousands of events alive until their
 * tokens are settled, long enough for the collector to copy them around: a slice is gone while it is young.
 */
const sliceEvents = 64;

/** @throws VeiltrailError when the body as a whole cannot be read (`json_syntax`, `invalid_utf8`, `batch_empty`, `batch_too_large`, …) */
export async function processBatch(request: BatchRequest, context: BatchContext): Promise<ProcessedBatch> {
  const { stages } = context;
  stages?.start();
  const events = frameEvents(request.body, request.format, request.contentType);
  if (events.count === 0) throw new VeiltrailError('batch_empty', 'the body holds no event');
  if (events.count > limits.batchEventsMax) {
    throw new VeiltrailError('batch_too_large', `more than ${limits.batchEventsMax} events in one request`, { max: limits.batchEventsMax });
  }
  const committer = takeCommitter(request.origin, context);
  try {
    const writer = new BatchWriter(request, events.count, context, committer);
    for (let from = 0; from < events.count; from += sliceEvents) {
      const to = Math.min(events.count, from + sliceEvents);
      const read: (Incoming | Unprocessable)[] = [];
      for (let position = from; position < to; position++) read.push(events.read(position));
      stages?.lap('parse');
      const items = read.map((one, at) => planItem(one, from + at, request, context));
      const needs = items.flatMap((item) => ('plan' in item ? item.plan.tokens : []));
      stages?.lap('privacy');
      const token = await context.tokens.settle(needs);
      stages?.start();
      items.forEach((item, at) => writer.add(item, from + at, token));
    }
    return writer.finish();
  } finally {
    giveBack(committer, request.origin, context);
  }
}

/** A committer of its own for each batch under way: while one waits for tokens, another may be written. */
function takeCommitter(origin: string, { committers }: BatchContext): RecordCommitter {
  const committer = committers.get(origin)?.pop() ?? new RecordCommitter(origin);
  committer.reset();
  return committer;
}

function giveBack(committer: RecordCommitter, origin: string, { committers }: BatchContext): void {
  const idle = committers.get(origin) ?? [];
  if (idle.length < idleCommittersMax) idle.push(committer);
  committers.set(origin, idle);
}

const idleCommittersMax = 4;

/** The plan for one event, or a stub where reading or planning it fails. */
function planItem(one: Incoming | Unprocessable, position: number, request: BatchRequest, context: BatchContext): Item | { stub: StubCause } {
  if ('stub' in one) return one;
  const { condemned, only } = request;
  if (condemned?.has(position) || (only && (position < only.from || position >= only.to))) return stubOf(one, 'processing_failed');
  const body = JSON.stringify(one.event);
  const id = one.id ?? idWithout(body, position, request, context);
  try {
    return { incoming: one, body, id, plan: context.engine.plan(noteOnEvent(one.event, one.notes)) };
  } catch (error) {
    return stubOf(one, error instanceof VeiltrailError ? error.code : 'processing_failed');
  }
}

/** As ingest gives it, and for what fails behind ingest: any code. */
type StubCause = Omit<Partial<Unprocessable['stub']>, 'reason' | 'bytes'> & { reason: string; bytes: number };

function stubOf(incoming: Incoming, reason: string): { stub: StubCause } {
  return { stub: { reason, bytes: incoming.bytes, ...(incoming.id === undefined ? {} : { id: incoming.id }) } };
}

function idWithout(body: string, position: number, request: BatchRequest, context: BatchContext): string {
  if (!request.dedupeByContent) return randomId(context);
  return context.idempotency.idOfContent(request.log, request.principal, body, request.repeats?.get(position) ?? 0);
}

/** Packs records into one growing buffer, and keeps commitments and idempotency rows beside it. */
class BatchWriter {
  readonly #request: BatchRequest;
  readonly #context: BatchContext;
  readonly #count: number;
  readonly #commitments: Uint8Array;
  readonly #idempotency: Uint8Array;
  readonly #offsets: Uint32Array;
  readonly #seeds: Uint8Array;
  readonly #committer: RecordCommitter;
  readonly #facts: Omit<RecordFacts, 'id'>;
  readonly #ids: string[] = [];
  readonly #stubs = new Map<number, string>();
  #position = 0;

  constructor(request: BatchRequest, count: number, context: BatchContext, committer: RecordCommitter) {
    this.#request = request;
    this.#context = context;
    this.#count = count;
    this.#commitments = new Uint8Array(32 * count);
    this.#idempotency = new Uint8Array(idempotencyBytes * count);
    this.#offsets = new Uint32Array(count + 1);
    this.#seeds = (context.random ?? systemRandom).bytes(seedBytes * count);
    this.#committer = committer;
    this.#facts = { receivedAtMs: request.receivedAtMs, principal: request.principal, policy: context.policy };
  }

  /** Commits one event, or the stub that stands for it. */
  add(item: Item | { stub: StubCause }, position: number, token: (need: TokenNeed) => string): void {
    if (!('plan' in item)) return this.#stub(item.stub, position);
    try {
      this.#event(item, token);
    } catch (error) {
      if (!(error instanceof VeiltrailError)) throw error;
      // Such as a pointer longer than the commitment can hold.
      this.#stub({ reason: error.code, bytes: item.incoming.bytes, id: item.incoming.id ?? item.id }, position);
    }
  }

  #event(item: Item, token: (need: TokenNeed) => string): void {
    const { engine, stages } = this.#context;
    const { event, applied } = engine.apply(item.plan, token);
    // A personal id was replaced by the engine like any other value; the record and the receipt show what it became.
    const id = typeof event['id'] === 'string' ? event['id'] : item.id;
    stages?.lap('privacy');
    this.#commit(recordOfEvent(event, applied, { ...this.#facts, id }), item.id, item.incoming.timeMs ?? 0, item.body);
    this.#ids.push(id);
  }

  /** What is stored of what could not be processed is its size and the reason, and never what was sent. */
  #stub(stub: StubCause, position: number): void {
    const { log, principal, dedupeByContent, repeats } = this.#request;
    const { idempotency } = this.#context;
    const content = `${stub.reason} ${stub.bytes} ${stub.id ?? ''} ${stub.contentDigest ?? ''}`;
    const stable = stub.id !== undefined || dedupeByContent;
    const id = stable ? idempotency.idOfContent(log, principal, content, repeats?.get(position) ?? 0) : randomId(this.#context);
    this.#commit(recordOfStub(stub, { ...this.#facts, id }), id, 0, content);
    this.#ids.push(id);
    this.#stubs.set(position, stub.reason);
  }

  #commit(record: JsonObject, id: string, timeMs: number, body: string): void {
    const { log, principal } = this.#request;
    const position = this.#position;
    const seed = this.#seeds.subarray(seedBytes * position, seedBytes * (position + 1));
    this.#committer.commit(record, seed, this.#commitments, 32 * position);
    this.#offsets[position + 1] = this.#committer.packed.length;
    this.#idempotency.set(this.#context.idempotency.row({ log, principal, id, timeMs, body }), idempotencyBytes * position);
    this.#position++;
    this.#context.stages?.lap('commit');
  }

  finish(): ProcessedBatch {
    const { log, receivedAtMs, onConflict } = this.#request;
    const batch: PackedBatch = {
      log,
      receivedAtMs,
      count: this.#count,
      commitments: this.#commitments,
      records: this.#committer.packed.slice(),
      recordOffsets: this.#offsets,
      idempotency: this.#idempotency,
      onConflict,
    };
    return { batch, ids: this.#ids, stubs: this.#stubs };
  }
}

/** A random id in the form of a version 4 UUID. */
function randomId(context: BatchContext): string {
  if (!context.random) return globalThis.crypto.randomUUID();
  const hex = Buffer.from(context.random.bytes(16)).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}
