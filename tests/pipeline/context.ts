/** A batch context with a real engine and a vault that is a map: what the pipeline needs, without a disk. */
import type { Policy } from '../../src/privacy/policy-model.ts';
import type { BatchContext, BatchRequest } from '../../src/pipeline/process-batch.ts';
import { createIdempotency } from '../../src/pipeline/idempotency.ts';
import { createTokenCache } from '../../src/pipeline/token-cache.ts';
import { unpackRecord } from '../../src/log/packed-record.ts';
import { unflattenRecord } from '../../src/log/record.ts';
import type { PackedBatch } from '../../src/pipeline/packed-batch.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { defaultPolicyYaml } from '../../src/privacy/default-policy.ts';
import { createPrivacyEngine } from '../../src/privacy/engine.ts';
import { parsePolicy } from '../../src/privacy/policy-file.ts';

/** @param policy the default one; parsing it takes longer than all else here */
export function createContext(policy: Policy = parsePolicy(defaultPolicyYaml)): BatchContext {
  const tokens = new Map<string, string>();
  return {
    engine: createPrivacyEngine(policy, { pseudonymKey: { version: 1, key: new Uint8Array(32).fill(1) } }),
    policy: 'default@1#test',
    idempotency: createIdempotency(new Uint8Array(32).fill(2)),
    committers: new Map(),
    tokens: createTokenCache(async (needs) =>
      needs.map(({ kind, canonical }) => {
        const key = `${kind} ${canonical}`;
        if (!tokens.has(key)) tokens.set(key, `tok_${String(tokens.size).padStart(27, 'A')}`);
        return tokens.get(key) as string;
      }),
    ),
  };
}

export function createRequest(body: string | Uint8Array, more: Partial<BatchRequest> = {}): BatchRequest {
  return {
    log: 'default',
    origin: 'example.com/default',
    principal: 'k1',
    receivedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    body: typeof body === 'string' ? Buffer.from(body) : body,
    format: 'auto',
    onConflict: 'refuse',
    dedupeByContent: false,
    ...more,
  };
}

export function recordsOf(batch: PackedBatch): JsonObject[] {
  return Array.from({ length: batch.count }, (_, i) =>
    unflattenRecord(unpackRecord(batch.records.subarray(batch.recordOffsets[i], batch.recordOffsets[i + 1])).fields),
  );
}
