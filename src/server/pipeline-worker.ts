/** A thread of the pipeline, with what it needs of the data directory. */
import type { Worker } from 'node:worker_threads';
import type { ClassifiedField } from '../pipeline/classified-fields.ts';
import { startWorker } from '../pipeline/start-worker.ts';
import { type Keyring, tenantKeyOf } from '../vault/keyring.ts';
import type { VaultClient } from '../vault/vault-client.ts';
import { systemLog } from './data-files.ts';
import type { openSystemPolicy, PolicyInForce } from './policy-in-force.ts';

interface WorkerParts {
  vault: VaultClient;
  keyring: Keyring;
  policy: PolicyInForce;
  systemPolicy: ReturnType<typeof openSystemPolicy>;
  origin: string;
  classified: readonly ClassifiedField[];
}

export function startPipelineWorker({ vault, keyring, policy, systemPolicy, origin, classified }: WorkerParts): Worker {
  return startWorker({
    policy: policy.policy,
    policyLabel: policy.label,
    systemPolicy: { log: systemLog, ...systemPolicy },
    tokenOrigin: origin,
    tenantKey: tenantKeyOf(keyring),
    pseudonymKeys: keyring.readAgain('pseudonym'),
    idempotencyKey: keyring.secret('idempotency').key,
    vaultPort: vault.newPort(),
    classified,
  });
}
