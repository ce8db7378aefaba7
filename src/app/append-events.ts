/**
 * Appending: bytes of one request → pipeline → ledger, in the order of arrival. `receivedAt` is given at the door and never goes backwards;
 * because batches reach the ledger in that same order, it never goes backwards along the log either.
 */
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { Format } from '../ingest/incoming.ts';
import type { AppendResult, PackedBatch } from '../pipeline/packed-batch.ts';
import type { BatchRequest, ProcessedBatch } from '../pipeline/process-batch.ts';

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
  /** Why the event is not stored and a stub stands for it. */
  stub?: string;
}

export interface AppendAnswer {
  receipts: AppendedEvent[];
  treeSize: number;
  checkpoint: string;
}

export interface AppendParts {
  process(request: BatchRequest): Promise<ProcessedBatch>;
  append(batch: PackedBatch): Promise<AppendResult>;
  originOf(log: string): string | undefined;
  /** Of the newest record of any log, so that a clock set back cannot make time run backwards. */
  lastReceivedAtMs: number;
  clock: Clock;
}

interface Turn {
  processed: Promise<ProcessedBatch>;
  start(processed: ProcessedBatch): void;
  fail(error: unknown): void;
}

/** @returns the use case; it rejects with `log_unknown`, and with whatever pipeline and ledger refuse */
export function createAppendEvents(parts: AppendParts): (request: AppendRequest) => Promise<AppendAnswer> {
  let lastReceivedAtMs = parts.lastReceivedAtMs;
  const line = new Line((batch) => parts.append(batch));
  return async (request) => {
    const origin = parts.originOf(request.log);
    if (origin === undefined) throw new VeiltrailError('log_unknown', 'there is no log of that name');
    lastReceivedAtMs = Math.max(lastReceivedAtMs, parts.clock.now());
    const { processed, result } = await line.take(
      parts.process({
        log: request.log,
        origin,
        principal: request.principal,
        receivedAtMs: lastReceivedAtMs,
        body: request.body,
        format: request.format,
        ...(request.contentType === undefined ? {} : { contentType: request.contentType }),
        onConflict: request.onConflict ?? 'refuse',
        dedupeByContent: request.dedupe === 'content',
        ...(request.repeats ? { repeats: request.repeats } : {}),
      }),
    );
    const receipts = result.appended.map(({ leafIndex, duplicate }, at) => {
      const stub = processed.stubs.get(at);
      return { id: processed.ids[at] as string, leafIndex, duplicate, ...(stub === undefined ? {} : { stub }) };
    });
    return { receipts, treeSize: result.treeSize, checkpoint: result.checkpoint };
  };
}

/** A line at the ledger's door: workers finish in any order, batches enter in the order in which they came. */
class Line {
  readonly #append: AppendParts['append'];
  readonly #turns: Turn[] = [];
  #serving = false;

  constructor(append: AppendParts['append']) {
    this.#append = append;
  }

  take(processing: Promise<ProcessedBatch>): Promise<{ processed: ProcessedBatch; result: AppendResult }> {
    processing.catch(() => undefined); // its turn will see it
    return new Promise((resolve, reject) => {
      this.#turns.push({
        processed: processing,
        start: (processed) => {
          // Not awaited: the ledger keeps the order of its calls, and gathers them.
          const { ids, stubs, batch } = processed;
          this.#append(batch).then((result) => resolve({ processed: { ids, stubs, batch }, result }), reject);
        },
        fail: reject,
      });
      if (!this.#serving) void this.#serve();
    });
  }

  async #serve(): Promise<void> {
    this.#serving = true;
    for (let turn = this.#turns.shift(); turn; turn = this.#turns.shift()) {
      try {
        turn.start(await turn.processed);
      } catch (error) {
        turn.fail(error);
      }
    }
    this.#serving = false;
  }
}
