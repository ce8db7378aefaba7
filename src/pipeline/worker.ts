/** The thread in which events are anonymised and committed: bytes in, packed batches out. Nothing here touches a disk. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { createPrivacyEngine } from '../privacy/engine.ts';
import { parsePolicy } from '../privacy/policy-file.ts';
import { Caller, serveCalls, Transferred } from '../thread/port-call.ts';
import { createIdempotency } from './idempotency.ts';
import { batchBuffers } from './packed-batch.ts';
import { processBatch, type BatchContext, type BatchRequest, type ProcessedBatch } from './process-batch.ts';
import { createTokenCache } from './token-cache.ts';

export interface WorkerSettings {
  policyText: string;
  /** As records show it: name, version, digest. */
  policyLabel: string;
  /** The installation's origin: what tokens are bound to. */
  tokenOrigin: string;
  tokenScope: string;
  pseudonymKey: { version: number; key: Uint8Array };
  idempotencyKey: Uint8Array;
  vaultPort: MessagePort;
}

/** What became of one request: its batch, or why it was refused. */
export type Outcome =
  | { processed: ProcessedBatch }
  | { refused: { code: string; message: string; detail: Record<string, string | number | boolean> } };

/** Makes what a worker needs out of its settings. */
export function createBatchContext(settings: WorkerSettings): BatchContext {
  const vault = new Caller(settings.vaultPort);
  return {
    engine: createPrivacyEngine(parsePolicy(settings.policyText), { pseudonymKey: settings.pseudonymKey }),
    policy: settings.policyLabel,
    tokens: createTokenCache((needs) => vault.call<string[]>('settle', { origin: settings.tokenOrigin, scope: settings.tokenScope, needs })),
    idempotency: createIdempotency(settings.idempotencyKey),
    committers: new Map(),
  };
}

/** Answers the pool's calls on the thread's own port. */
export function serveBatches(context: BatchContext, process: typeof processBatch = processBatch): void {
  if (!parentPort) throw new Error('serveBatches runs in a worker thread');
  serveCalls(parentPort, {
    process: async (requests: BatchRequest[]) => {
      const outcomes = await Promise.all(requests.map((request) => outcomeOf(request, context, process)));
      const transfer = outcomes.flatMap((outcome) => ('processed' in outcome ? batchBuffers(outcome.processed.batch) : []));
      return new Transferred(outcomes, transfer);
    },
  });
}

async function outcomeOf(request: BatchRequest, context: BatchContext, process: typeof processBatch): Promise<Outcome> {
  try {
    return { processed: await process(request, context) };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'detail' in error)) throw error;
    const { code, message, detail } = error as Error & { code: string; detail: Record<string, string | number | boolean> };
    return { refused: { code, message, detail } };
  }
}

// A worker thread of the pool runs this file; whoever imports it in the main thread gets the functions only.
if (parentPort && (workerData as { runs?: string } | null)?.runs === 'pipeline') serveBatches(createBatchContext(workerData as WorkerSettings));
