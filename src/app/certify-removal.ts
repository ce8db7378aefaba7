/** The certificate of a removal: from what was removed, and from the tombstones in the logs, which anybody can be shown. */
import type { Clock } from '../core/clock.ts';
import type { JsonObject } from '../core/json.ts';
import type { NoteSigner } from '../log/note.ts';
import { flattenRecord } from '../log/record.ts';
import { signCertificate } from '../verify/certificate.ts';
import { type Permission, permissionFacts } from './asked-operation.ts';
import type { Removal, RemovalResult } from './remove-records.ts';
import type { TrailReader } from './trail.ts';

export interface CertifyParts {
  /** Origin and signers of the log that signs. */
  signer(): { origin: string; signers: readonly NoteSigner[] };
  originOf(log: string): string;
  trail: Pick<TrailReader, 'readEvent' | 'discloseEvent'>;
  clock: Clock;
}

/** Tombstones whose disclosures a certificate carries: the others are named. */
const disclosedMax = 1_000;

export async function certifyRemoval(
  parts: CertifyParts,
  { operation, reason, by }: Pick<Removal, 'operation' | 'reason' | 'by'>,
  { id, tombstones, tokens, records, fields }: RemovalResult,
  { permission, reference }: { permission: Permission; reference?: string | undefined },
): Promise<string> {
  const { origin, signers } = parts.signer();
  const disclosures: string[] = [];
  for (const { log, leafIndex } of tombstones.slice(0, disclosedMax)) {
    const record = (await parts.trail.readEvent(log, leafIndex))?.record;
    const disclosure = record && (await parts.trail.discloseEvent(log, leafIndex, tombstonePointers(record)));
    if (disclosure !== undefined) disclosures.push(disclosure);
  }
  const { permitted, request, digest } = permissionFacts(permission) as { permitted: string; request?: string; digest?: string };
  const body = {
    removal: id,
    operation,
    origin,
    completedAt: new Date(parts.clock.now()).toISOString(),
    reason,
    ...(reference === undefined ? {} : { reference }),
    by,
    permitted,
    ...(request === undefined || digest === undefined ? {} : { request: { id: request, digest } }),
    removed: { tokens, records, fields },
    tombstones: tombstones.map(({ log, leafIndex }) => ({ origin: parts.originOf(log), leafIndex })),
  };
  return signCertificate(body, disclosures, signers);
}

function tombstonePointers(record: JsonObject): string[] {
  return flattenRecord(record)
    .map(({ pointer }) => pointer)
    .filter((pointer) => pointer.startsWith('/tombstone/'));
}
