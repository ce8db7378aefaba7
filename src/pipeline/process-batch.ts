/**
 * Requests' bytes in, a packed batch out: read the events, plan what the policy does to them, settle the tokens, apply, and commit each
 * record. Everything personal ends here; what leaves is pseudonyms, digests and counts.
 *
 * An event that cannot be processed never stops its request: it becomes a stub. Only bytes that cannot be told apart into events are refused,
 * and then of the requests that share a batch this one alone.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { limits } from '../core/limits.ts';
import { systemRandom, type Random } from '../core/random.ts';
import type { Format, Incoming, Unprocessable } from '../ingest/incoming.ts';
import { frameEvents, type FramedEvents } from '../ingest/read-events.ts';
import { RecordCommitter } from '../log/commit-record.ts';
import { seedBytes } from '../log/commitment.ts';
import type { PrivacyEngine } from '../privacy/engine.ts';
import type { FieldWatch, SeenField } from '../privacy/field-watch.ts';
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
  /** Why an event is a stub, by position in the batch. */
  stubs: Map<number, string>;
  /** News of the log's fields, where there are any. */
  fields?: SeenField[];
}

/** Requests that share a batch. */
export interface ProcessedGroup extends ProcessedBatch {
  /** Why a request is refused, by its place in the group: it has no records in the batch then. */
  refused: Map<number, VeiltrailError>;
}

export interface BatchContext {
  engine: PrivacyEngine;
  /** Name, version and digest of the policy, as records show it. */
  policy: string;
  tokens: TokenCache;
  idempotency: Idempotency;
  /** By origin, kept from batch to batch: they remember the paths of records. */
  committers: Map<string, RecordCommitter[]>;
  /** The scope of an event's tokens, told by the event as it was sent; absent: one for all. */
  scopeOf?: (event: JsonObject, log: string) => string;
  /** What learns which fields a log has; undefined where nobody wants to know. */
  watchOf?: (log: string) => FieldWatch | undefined;
  random?: Random;
  stages?: StageClock;
}

interface Item {
  incoming: Incoming;
  id: string;
  plan: Plan;
  scope: string;
}

/**
 * Events that are planned, settled and committed together. A whole batch at once would keep the plans of thousands of events alive until their
 * tokens are settled, long enough for the collector to copy them around: a slice is gone while it is young.
 */
const sliceEvents = 64;

/** @throws VeiltrailError when the body as a whole cannot be read (`json_syntax`, `invalid_utf8`, `batch_empty`, `batch_too_large`, …) */
export async function processBatch(request: BatchRequest, context: BatchContext): Promise<ProcessedBatch> {
  const { refused, ...processed } = await processGroup([request], context);
  const refusal = refused.get(0);
  if (refusal) throw refusal;
  return processed;
}

/**
 * Processes requests of one log together, in their order; a request that cannot be read is refused alone.
 * @param requests all with the same `log`, `origin` and `onConflict`; each is read whole unless it is the only one
 */
export async function processGroup(requests: readonly BatchRequest[], context: BatchContext): Promise<ProcessedGroup> {
  const { stages } = context;
  stages?.start();
  const group = new EventGroup(requests);
  const [first] = requests as [BatchRequest];
  const committer = takeCommitter(first.origin, context);
  const watch = context.watchOf?.(first.log);
  try {
    const writer = new BatchWriter(first, group.eventsMax, context, committer);
    for (let slice = group.next(); slice.length > 0; slice = group.next()) {
      stages?.lap('parse');
      const items = slice.map((one) => planItem(one, context, watch));
      stages?.lap('privacy');
      const token = await settleItems(items, context);
      stages?.start();
      items.forEach((item, at) => writer.add(item, slice[at] as ReadEvent, token(item)));
      writer.endSlice();
    }
    const { refused } = group;
    const fields = watch?.takeNews() ?? [];
    const finished = writer.finish(group.requestEnds, (requests.at(-1) as BatchRequest).receivedAtMs);
    return { ...finished, refused, ...(fields.length > 0 ? { fields } : {}) };
  } finally {
    giveBack(committer, first.origin, context);
  }
}

/** Settles the tokens of events that are processed together: together too, or scope by scope. */
async function settleItems(
  items: readonly (Item | { stub: StubCause })[],
  { tokens, scopeOf }: BatchContext,
): Promise<(item: Item | { stub: StubCause }) => (need: TokenNeed) => string> {
  if (!scopeOf) {
    const token = await tokens.settle(items.flatMap((item) => ('plan' in item ? item.plan.tokens : [])));
    return () => token;
  }
  const byScope = Map.groupBy(
    items.flatMap((item) => ('plan' in item ? item : [])),
    ({ scope }) => scope,
  );
  const settled = new Map<string, (need: TokenNeed) => string>();
  await Promise.all(
    [...byScope].map(async ([scope, some]) => {
      settled.set(
        scope,
        await tokens.settle(
          some.flatMap(({ plan }) => plan.tokens),
          scope,
        ),
      );
    }),
  );
  return (item) => ('plan' in item ? (settled.get(item.scope) as (need: TokenNeed) => string) : noToken);
}

function noToken(): string {
  throw new Error('a stub has no tokens');
}

/** An event, and where it stands. */
interface ReadEvent {
  one: Incoming | Unprocessable;
  request: BatchRequest;
  /** In the request's body. */
  position: number;
}

/** The events of a group's requests, a slice at a time. */
class EventGroup {
  readonly #requests: readonly BatchRequest[];
  readonly #framed: (FramedEvents | undefined)[];
  readonly refused = new Map<number, VeiltrailError>();
  /** For each request the events up to its end that were read. */
  readonly requestEnds: Uint32Array<ArrayBuffer>;
  readonly eventsMax: number;
  #request = 0;
  /** In the body of the only request. */
  #position = 0;
  #count = 0;

  constructor(requests: readonly BatchRequest[]) {
    this.#requests = requests;
    this.#framed = requests.map((request, i) => this.#orRefuse(i, () => frameRequest(request)));
    this.requestEnds = new Uint32Array(requests.length);
    this.eventsMax = this.#framed.reduce((sum, framed) => sum + (framed?.count ?? 0), 0);
  }

  /** Some events more; none when there are no more. */
  next(): ReadEvent[] {
    const slice: ReadEvent[] = [];
    while (this.#request < this.#requests.length && slice.length < sliceEvents) this.#read(slice);
    return slice;
  }

  /** Reads a request to its end; the only one a slice at a time, for a mistake in it leaves nothing to be kept. */
  #read(slice: ReadEvent[]): void {
    const i = this.#request;
    const framed = this.#framed[i];
    const request = this.#requests[i] as BatchRequest;
    const from = this.#position;
    const end = framed?.count ?? 0;
    const to = this.#requests.length === 1 ? Math.min(end, from + sliceEvents) : end;
    const before = slice.length;
    const read = this.#orRefuse(i, () => {
      for (let position = from; position < to; position++) slice.push({ one: (framed as FramedEvents).read(position), request, position });
      return true;
    });
    if (read) this.#count += slice.length - before;
    else {
      slice.length = before;
      // What was read of the only request before it is none any more.
      this.#count -= from;
    }
    this.requestEnds[i] = this.#count;
    this.#position = to;
    if (read && to < end) return;
    this.#position = 0;
    this.#request++;
  }

  #orRefuse<T>(i: number, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof VeiltrailError)) throw error;
      this.refused.set(i, error);
      return undefined;
    }
  }
}

function frameRequest({ body, format, contentType }: BatchRequest): FramedEvents {
  const events = frameEvents(body, format, contentType);
  if (events.count === 0) throw new VeiltrailError('batch_empty', 'the body holds no event');
  if (events.count > limits.batchEventsMax) {
    throw new VeiltrailError('batch_too_large', `more than ${limits.batchEventsMax} events in one request`, { max: limits.batchEventsMax });
  }
  return events;
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
function planItem({ one, request, position }: ReadEvent, context: BatchContext, watch: FieldWatch | undefined): Item | { stub: StubCause } {
  if ('stub' in one) return one;
  const { condemned, only } = request;
  if (condemned?.has(position) || (only && (position < only.from || position >= only.to))) return stubOf(one, 'processing_failed');
  const id = one.id ?? idWithout(one.content, position, request, context);
  try {
    const scope = context.scopeOf?.(one.event, request.log) ?? '';
    return { incoming: one, id, plan: context.engine.plan(noteOnEvent(one.event, one.notes), watch), scope };
  } catch (error) {
    return stubOf(one, error instanceof VeiltrailError ? error.code : 'processing_failed');
  }
}

/** As ingest gives it, and for what fails behind ingest: any code. */
type StubCause = Omit<Partial<Unprocessable['stub']>, 'reason' | 'bytes'> & { reason: string; bytes: number };

function stubOf(incoming: Incoming, reason: string): { stub: StubCause } {
  return { stub: { reason, bytes: incoming.bytes, ...(incoming.id === undefined ? {} : { id: incoming.id }) } };
}

function idWithout(content: string, position: number, request: BatchRequest, context: BatchContext): string {
  if (!request.dedupeByContent) return randomId(context);
  return context.idempotency.idOfContent(request.log, request.principal, content, request.repeats?.get(position) ?? 0);
}

/** Packs records into one growing buffer, and keeps commitments and idempotency rows beside it. */
class BatchWriter {
  readonly #first: BatchRequest;
  readonly #context: BatchContext;
  readonly #commitments: Uint8Array;
  readonly #idempotency: Uint8Array;
  readonly #offsets: Uint32Array;
  readonly #seeds: Uint8Array;
  readonly #committer: RecordCommitter;
  readonly #ids: string[] = [];
  readonly #stubs = new Map<number, string>();
  #position = 0;

  /** @param eventsMax room is made for so many */
  constructor(first: BatchRequest, eventsMax: number, context: BatchContext, committer: RecordCommitter) {
    this.#first = first;
    this.#context = context;
    this.#commitments = new Uint8Array(32 * eventsMax);
    this.#idempotency = new Uint8Array(idempotencyBytes * eventsMax);
    this.#offsets = new Uint32Array(eventsMax + 1);
    this.#seeds = (context.random ?? systemRandom).bytes(seedBytes * eventsMax);
    this.#committer = committer;
  }

  /** Commits one event, or the stub that stands for it. */
  add(item: Item | { stub: StubCause }, from: ReadEvent, token: (need: TokenNeed) => string): void {
    if (!('plan' in item)) return this.#stub(item.stub, from);
    try {
      this.#event(item, from.request, token);
    } catch (error) {
      if (!(error instanceof VeiltrailError)) throw error;
      // Such as a pointer longer than the commitment can hold.
      this.#stub({ reason: error.code, bytes: item.incoming.bytes, id: item.incoming.id ?? item.id }, from);
    }
  }

  #event(item: Item, request: BatchRequest, token: (need: TokenNeed) => string): void {
    const { engine, stages } = this.#context;
    const { event, applied } = engine.apply(item.plan, token);
    // A personal id was replaced by the engine like any other value; the record and the receipt show what it became.
    const id = typeof event['id'] === 'string' ? event['id'] : item.id;
    stages?.lap('privacy');
    this.#commit(recordOfEvent(event, applied, this.#factsOf(id, request)), request, item.id, item.incoming.timeMs ?? 0, item.incoming.content);
    this.#ids.push(id);
  }

  /** What is stored of what could not be processed is its size and the reason, and never what was sent. */
  #stub(stub: StubCause, { request, position }: ReadEvent): void {
    const { log, principal, dedupeByContent, repeats } = request;
    const { idempotency } = this.#context;
    const content = `${stub.reason} ${stub.bytes} ${stub.id ?? ''} ${stub.contentDigest ?? ''}`;
    const stable = stub.id !== undefined || dedupeByContent;
    const id = stable ? idempotency.idOfContent(log, principal, content, repeats?.get(position) ?? 0) : randomId(this.#context);
    this.#stubs.set(this.#position, stub.reason);
    this.#commit(recordOfStub(stub, this.#factsOf(id, request)), request, id, 0, content);
    this.#ids.push(id);
  }

  #factsOf(id: string, { receivedAtMs, principal }: BatchRequest): RecordFacts {
    return { id, receivedAtMs, principal, policy: this.#context.policy };
  }

  #commit(record: JsonObject, { log, principal }: BatchRequest, id: string, timeMs: number, content: string): void {
    const position = this.#position;
    this.#committer.commit(record, this.#seeds, seedBytes * position, this.#commitments, 32 * position);
    this.#offsets[position + 1] = this.#committer.packedBytes;
    this.#context.idempotency.writeRow({ log, principal, id, timeMs, content }, this.#idempotency, idempotencyBytes * position);
    this.#position++;
    this.#context.stages?.lap('commit');
  }

  /** Commits what was added, together. */
  endSlice(): void {
    this.#committer.flush();
    this.#context.stages?.lap('commit');
  }

  /** @param receivedAtMs of the last request */
  finish(requestEnds: Uint32Array, receivedAtMs: number): ProcessedBatch {
    const { log, onConflict } = this.#first;
    const count = requestEnds.at(-1) as number;
    const batch: PackedBatch = {
      log,
      receivedAtMs,
      count,
      requestEnds,
      commitments: this.#commitments.subarray(0, 32 * count),
      records: this.#committer.packed.slice(0, this.#offsets[count]),
      recordOffsets: this.#offsets.subarray(0, count + 1),
      idempotency: this.#idempotency.subarray(0, idempotencyBytes * count),
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
