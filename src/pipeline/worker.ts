/** The thread in which events are anonymised and committed: bytes in, packed batches out. Nothing here touches a disk. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { createPrivacyEngine, type PseudonymKey } from '../privacy/engine.ts';
import { canaryLogOf, type Policy, policyOfLog } from '../privacy/policy-model.ts';
import { freeBuffer } from '../thread/free-buffer.ts';
import { Caller, serveCalls, Transferred } from '../thread/port-call.ts';
import { groupBuffers, type GroupMessage, openGroup } from './group-message.ts';
import { createIdempotency } from './idempotency.ts';
import { batchBuffers } from './packed-batch.ts';
import { processGroup, type BatchContext, type ProcessedBatch, type ProcessedGroup } from './process-batch.ts';
import { createTokenCache } from './token-cache.ts';

export interface WorkerSettings {
  /** Parsed: a thread that starts need not read it again. */
  policy: Policy;
  /** As records show it: name, version, digest. */
  policyLabel: string;
  /** The policy of the server's own events, whatever the one in force says. */
  systemPolicy: { log: string; policy: Policy; label: string };
  /** The installation's origin: what tokens are bound to. */
  tokenOrigin: string;
  tokenScope: string;
  /** All versions that are left. */
  pseudonymKeys: readonly PseudonymKey[];
  idempotencyKey: Uint8Array;
  vaultPort: MessagePort;
}

/** Why a request is refused. */
export interface Refusal {
  code: string;
  message: string;
  detail: Record<string, string | number | boolean>;
}

/** What became of the requests of one message. */
export interface GroupOutcome extends ProcessedBatch {
  /** By the request's place in the message: it has no records in the batch then. */
  refused: Map<number, Refusal>;
}

/** A context, and those of logs that have rules of their own. */
export interface WorkerContext extends BatchContext {
  ofLog?: ReadonlyMap<string, BatchContext>;
}

/** Makes what a worker needs out of its settings. */
export function createWorkerContext(settings: WorkerSettings): WorkerContext {
  const vault = new Caller(settings.vaultPort);
  const { policy } = settings;
  const options = { pseudonymKey: settings.pseudonymKeys };
  const context: BatchContext = {
    engine: createPrivacyEngine(policy, options),
    policy: settings.policyLabel,
    tokens: createTokenCache((needs) => vault.call<string[]>('settle', { origin: settings.tokenOrigin, scope: settings.tokenScope, needs })),
    idempotency: createIdempotency(settings.idempotencyKey),
    committers: new Map(),
  };
  const ofLog = new Map<string, BatchContext>();
  for (const log of Object.keys(policy.logs)) {
    const own = { ...context, engine: createPrivacyEngine(policyOfLog(policy, log), options) };
    ofLog.set(log, own).set(canaryLogOf(policy, log), own);
  }
  const { log, policy: own, label } = settings.systemPolicy;
  if (label !== settings.policyLabel) ofLog.set(log, { ...context, engine: createPrivacyEngine(own, options), policy: label });
  return { ...context, ofLog };
}

/** Answers the pool's calls on the thread's own port, and ends the thread when it is told to. */
export function serveBatches(context: WorkerContext, close: () => void = () => undefined): void {
  if (!parentPort) throw new Error('serveBatches runs in a worker thread');
  const port = parentPort;
  serveCalls(port, {
    process: async (message: GroupMessage) => {
      const requests = openGroup(message);
      const ofLog = requests[0] && context.ofLog?.get(requests[0].log);
      const outcome = outcomeOf(await processGroup(requests, ofLog ?? context));
      groupBuffers(message).forEach(freeBuffer);
      return new Transferred(outcome, batchBuffers(outcome.batch));
    },
    // With nothing left to listen to, the thread ends by itself once its answer is out.
    close: () => {
      close();
      port.unref();
    },
  });
}

/** Errors lose their code on the way to another thread. */
function outcomeOf({ refused, ...processed }: ProcessedGroup): GroupOutcome {
  return { ...processed, refused: new Map([...refused].map(([at, { code, message, detail }]) => [at, { code, message, detail: { ...detail } }])) };
}

// A worker thread of the pool runs this file; whoever imports it in the main thread gets the functions only.
if (parentPort && (workerData as { runs?: string } | null)?.runs === 'pipeline') {
  const settings = workerData as WorkerSettings;
  serveBatches(createWorkerContext(settings), () => settings.vaultPort.close());
}
