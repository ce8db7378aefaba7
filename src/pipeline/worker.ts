/** The thread in which events are anonymised and committed: bytes in, packed batches out. Nothing here touches a disk. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { createPrivacyEngine, type PrivacyEngine, type PseudonymKey } from '../privacy/engine.ts';
import { FieldWatch } from '../privacy/field-watch.ts';
import { canaryLogOf, type Policy, policyOfLog } from '../privacy/policy-model.ts';
import { vaultRulesOf } from '../privacy/vault-rules.ts';
import { freeBuffer } from '../thread/free-buffer.ts';
import { Caller, serveCalls, Transferred } from '../thread/port-call.ts';
import { type ClassifiedField, classifiedRules, createPathMatcher, settleRows, type WithheldRow } from './classified-fields.ts';
import { groupBuffers, type GroupMessage, openGroup } from './group-message.ts';
import { createIdempotency } from './idempotency.ts';
import { batchBuffers } from './packed-batch.ts';
import { processGroup, type BatchContext, type ProcessedBatch, type ProcessedGroup } from './process-batch.ts';
import { createScopes, installationScope } from './token-scope.ts';
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
  /** What tenants are called in scopes is made with: 32 bytes. */
  tenantKey: Uint8Array;
  /** All versions that are left. */
  pseudonymKeys: readonly PseudonymKey[];
  idempotencyKey: Uint8Array;
  vaultPort: MessagePort;
  /** Fields that somebody has classified, the newest first. */
  classified?: readonly ClassifiedField[];
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
  /** The context in which other fields are classified. */
  classify?: (classified: readonly ClassifiedField[]) => WorkerContext;
  /** The context in which values are hashed under other versions of the pseudonym key. */
  rekey?: (pseudonymKeys: readonly PseudonymKey[]) => WorkerContext;
  /** The context in which no token is known yet. */
  forgetTokens?: () => WorkerContext;
  vault?: Caller;
}

/** Logs whose fields are watched at a time. */
const watchesMax = 1_024;
/** Withheld values that are settled at a time. */
const withheldRowsMax = 256;

/** Makes what a worker needs out of its settings. */
export function createWorkerContext(settings: WorkerSettings): WorkerContext {
  const vault = new Caller(settings.vaultPort);
  const idempotency = createIdempotency(settings.idempotencyKey);
  let watches = new Map<string, FieldWatch>();
  const watchOf = (log: string): FieldWatch | undefined => {
    if (log.startsWith('_')) return undefined; // the server's own events have the fields we gave them
    const known = watches.get(log);
    if (known) return known;
    if (watches.size >= watchesMax) watches = new Map();
    const watch = new FieldWatch(log);
    watches.set(log, watch);
    return watch;
  };
  const scopeOf = createScopes(vaultRulesOf(settings.policy), settings.tenantKey);
  let { pseudonymKeys, classified = [] } = settings;
  const make = (): WorkerContext => {
    const { policy } = settings;
    const engineOf = (own: Policy, log: string): PrivacyEngine =>
      createPrivacyEngine(own, { pseudonymKey: pseudonymKeys, fieldRules: classifiedRules(classified, log) });
    const context: BatchContext = {
      engine: engineOf(policy, ''),
      policy: settings.policyLabel,
      // A new one: tokens of values that were settled since are not to be given again.
      tokens: createTokenCache((needs, scope) =>
        vault.call<string[]>('settle', { origin: settings.tokenOrigin, scope: scope === '' ? installationScope : scope, needs }),
      ),
      ...(scopeOf ? { scopeOf } : {}),
      idempotency,
      committers: new Map(),
      watchOf,
    };
    const ofLog = new Map<string, BatchContext>();
    for (const log of new Set([...Object.keys(policy.logs), ...classified.map((field) => field.log)])) {
      if (log === '') continue;
      const own = { ...context, engine: engineOf(policyOfLog(policy, log), log) };
      ofLog.set(log, own).set(canaryLogOf(policy, log), own);
    }
    const { log, policy: own, label } = settings.systemPolicy;
    if (label !== settings.policyLabel || classified.length > 0 || scopeOf) {
      // What the server tells of itself is about no tenant.
      const { scopeOf: _scopeOf, ...unscoped } = context;
      ofLog.set(log, { ...unscoped, engine: createPrivacyEngine(own, { pseudonymKey: pseudonymKeys }), policy: label });
    }
    return {
      ...context,
      ofLog,
      classify: (others) => {
        classified = others;
        return make();
      },
      rekey: (others) => {
        pseudonymKeys = others;
        return make();
      },
      // The token cache is a new one.
      forgetTokens: make,
      vault,
    };
  };
  return make();
}

/** Answers the pool's calls on the thread's own port, and ends the thread when it is told to. */
export function serveBatches(given: WorkerContext, close: () => void = () => undefined, port: MessagePort | null = parentPort): void {
  if (!port) throw new Error('serveBatches runs in a worker thread');
  let context = given;
  const underWay = new Set<Promise<unknown>>();
  const contextOf = (log: string | undefined): BatchContext => (log === undefined ? undefined : context.ofLog?.get(log)) ?? context;
  serveCalls(port, {
    process: async (message: GroupMessage) => {
      const requests = openGroup(message);
      const processing = processGroup(requests, contextOf(requests[0]?.log));
      underWay.add(processing);
      try {
        const outcome = outcomeOf(await processing);
        groupBuffers(message).forEach(freeBuffer);
        return new Transferred(outcome, batchBuffers(outcome.batch));
      } finally {
        underWay.delete(processing);
      }
    },
    // When this returns, nothing is processed under the rules before any more.
    classify: async (classified: readonly ClassifiedField[]) => {
      context = context.classify?.(classified) ?? context;
      await Promise.allSettled(underWay);
    },
    rekey: async (pseudonymKeys: readonly PseudonymKey[]) => {
      context = context.rekey?.(pseudonymKeys) ?? context;
      await Promise.allSettled(underWay);
    },
    // When this returns, no token that was known before is given again without the vault being asked.
    forgetTokens: async () => {
      context = context.forgetTokens?.() ?? context;
      await Promise.allSettled(underWay);
    },
    settleWithheld: (field: ClassifiedField) => settleWithheld(field, context, contextOf),
    // With nothing left to listen to, the thread ends by itself once its answer is out.
    close: () => {
      close();
      port.unref();
    },
  });
}

/** How many withheld values of a field became what. */
export interface SettledCounts {
  itself: number;
  text: number;
  nothing: number;
}

/** Settles with the vault what was withheld of a field, a page at a time; what was settled before a crash is not met again. */
async function settleWithheld(
  { log, rule }: ClassifiedField,
  context: WorkerContext,
  contextOf: (log: string) => BatchContext,
): Promise<SettledCounts> {
  const vault = context.vault as Caller;
  const fits = createPathMatcher(rule.path);
  const counts: SettledCounts = { itself: 0, text: 0, nothing: 0 };
  for (let from: number | undefined = 0; from !== undefined;) {
    const page: { rows: WithheldRow[]; next?: number } = await vault.call('withheld', { from, rowsMax: withheldRowsMax });
    const settled = await settleRows(
      page.rows,
      (one) => (log === '' || one.log === log) && fits(one.path),
      (of) => contextOf(of).engine,
      // Whose tenant's it was is not known any more: it belongs to nobody's.
      (needs, of) => context.tokens.settle(needs, context.scopeOf?.({}, of)),
    );
    if (settled.length > 0) await vault.call('settleWithheld', settled);
    for (const { becomes } of settled) counts[becomes]++;
    from = page.next;
  }
  return counts;
}

/** Errors lose their code on the way to another thread. */
function outcomeOf({ refused, ...processed }: ProcessedGroup): GroupOutcome {
  return { ...processed, refused: new Map([...refused].map(([at, { code, message, detail }]) => [at, { code, message, detail: { ...detail } }])) };
}

/** What a thread of the pool does. */
export function servePipeline(port: MessagePort, settings: WorkerSettings): void {
  serveBatches(createWorkerContext(settings), () => settings.vaultPort.close(), port);
}

// A worker thread of the pool runs this file; whoever imports it in the main thread gets the functions only.
if (parentPort && (workerData as { runs?: string } | null)?.runs === 'pipeline') servePipeline(parentPort, workerData as WorkerSettings);
