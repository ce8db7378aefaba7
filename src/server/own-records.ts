/** Records that the server makes itself and that no policy is applied to, appended in their turn with what senders send. */
import type { AppendEvents } from '../app/append-events.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { systemRandom } from '../core/random.ts';
import type { LedgerClient } from '../ledger/ledger-client.ts';
import { createIdempotency } from '../pipeline/idempotency.ts';
import { packOwnBatch } from '../pipeline/own-batch.ts';
import type { Keyring } from '../vault/keyring.ts';

export interface OwnRecordsParts {
  ledger: Pick<LedgerClient, 'append' | 'originOf'>;
  appending: Pick<AppendEvents, 'appendOwn'>;
  keyring: Pick<Keyring, 'secret'>;
  /** As records show it. */
  policyLabel: string;
}

export interface OwnRecord {
  /** The same again within three days is not appended again. */
  id: string;
  action: string;
  /** Facts of ours: no value of anybody's, since nothing looks at them. */
  members: JsonObject;
}

/** Appends one; published when it returns. Returns its leaf. */
export type AppendOwnRecord = (log: string, record: OwnRecord) => Promise<number>;

/** The function throws `log_unknown`, and what the ledger refuses. */
export function createOwnRecords({ ledger, appending, keyring, policyLabel }: OwnRecordsParts): AppendOwnRecord {
  const idempotency = createIdempotency(keyring.secret('idempotency').key);
  return async (log, { id, action, members }) => {
    const origin = ledger.originOf(log);
    if (origin === undefined) throw new VeiltrailError('log_unknown', 'there is no log of that name');
    const { leafIndexes } = await appending.appendOwn(log, (receivedAtMs) => {
      const time = new Date(receivedAtMs).toISOString();
      const record: JsonObject = {
        id,
        time,
        source: 'veiltrail',
        action,
        category: 'log_control',
        outcome: 'success',
        actor: { type: 'system', id: 'veiltrail' },
        receivedAt: time,
        receivedFrom: 'system',
        ...members,
        privacy: { policy: policyLabel, applied: [] },
      };
      return ledger.append(packOwnBatch({ log, origin, receivedAtMs, records: [{ id, record }] }, idempotency, systemRandom));
    });
    return leafIndexes[0] as number;
  };
}
