/** The certificate of a removal: from what was removed, and from the tombstones in the logs, which anybody can be shown. */
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import type { NoteSigner } from '../log/note.ts';
import { flattenRecord } from '../log/record.ts';
import { type CertificateBody, signCertificate } from '../verify/certificate.ts';
import { parseTombstone, type Tombstone, tombstonePrefix } from '../verify/tombstone.ts';
import { type Permission, permissionFacts } from './asked-operation.ts';
import { asPairs } from './find-subject.ts';
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
  const { permitted, request, digest } = permissionFacts(permission) as { permitted: string; request?: string; digest?: string };
  return sign(parts, tombstones, {
    removal: id,
    operation,
    completedAt: new Date(parts.clock.now()).toISOString(),
    reason,
    ...(reference === undefined ? {} : { reference }),
    by,
    permitted,
    ...(request === undefined || digest === undefined ? {} : { request: { id: request, digest } }),
    removed: { tokens, records, fields },
  });
}

/** Finds records of a log: a page, newest first. */
export type FindTombstones = (log: string, q: string) => Promise<{ leafIndex: number; record: JsonObject }[]>;

const removalPattern = /^rem_[a-z2-7]{26}$/;

/**
 * The certificate of a removal that was: made again from its tombstones, and, where there is one, from the event that told of it. It is signed
 * anew; who did it is `unknown` where no event says so, as after a crash in between, and for what retention let go.
 * @throws VeiltrailError `removal_unknown`
 */
export async function certifyAgain(parts: CertifyParts & { logs(): string[]; find: FindTombstones }, removal: string): Promise<string> {
  const unknown = new VeiltrailError('removal_unknown', 'there is no removal of that id');
  if (!removalPattern.test(removal)) throw unknown;
  const found: { log: string; leafIndex: number; completedAt: string; tombstone: Tombstone }[] = [];
  let told: JsonObject | undefined;
  for (const log of parts.logs()) {
    for (const { leafIndex, record } of await parts.find(log, removal)) {
      const { tombstone, receivedAt } = record;
      if (isJsonObject(tombstone) && tombstone['removal'] === removal)
        found.push({ log, leafIndex, completedAt: typeof receivedAt === 'string' ? receivedAt : '', tombstone: parseTombstone(tombstone) });
      else told ??= bodyIn(record, removal);
    }
  }
  const [newest] = found.toSorted((a, b) => (a.completedAt < b.completedAt ? 1 : -1));
  if (!newest) throw unknown;
  const { operation, reason, request } = newest.tombstone;
  const text = (name: string): string | undefined => (typeof told?.[name] === 'string' ? told[name] : undefined);
  const sum = (of: (tombstone: Tombstone) => number): number => found.reduce((all, { tombstone }) => all + of(tombstone), 0);
  const reference = text('reference');
  return sign(
    parts,
    found.map(({ log, leafIndex }) => ({ log, leafIndex })),
    {
      removal,
      operation,
      completedAt: text('completedAt') ?? newest.completedAt,
      reason,
      ...(reference === undefined ? {} : { reference }),
      by: text('by') ?? 'unknown',
      permitted: request ? 'two-persons' : 'single-person',
      ...(request ? { request: { id: request.id, digest: request.digest } } : {}),
      removed: {
        tokens: sum(({ tokens }) => tokens?.count ?? 0),
        records: sum(({ ranges }) => asPairs(ranges).reduce((count, [from, to]) => count + to - from, 0)),
        fields: sum(({ fields }) => asPairs(fields).reduce((count, [, values]) => count + values, 0)),
      },
    },
  );
}

/** The body of the certificate that an event of `_system` has. */
function bodyIn({ metadata }: JsonObject, removal: string): JsonObject | undefined {
  const certificate = isJsonObject(metadata) ? metadata['certificate'] : undefined;
  const body = isJsonObject(certificate) ? certificate['body'] : undefined;
  return isJsonObject(body) && body['removal'] === removal ? body : undefined;
}

async function sign(
  parts: CertifyParts,
  tombstones: readonly { log: string; leafIndex: number }[],
  facts: Omit<CertificateBody, 'format' | 'origin' | 'tombstones'>,
): Promise<string> {
  const { origin, signers } = parts.signer();
  const disclosures: string[] = [];
  for (const { log, leafIndex } of tombstones.slice(0, disclosedMax)) {
    const record = (await parts.trail.readEvent(log, leafIndex))?.record;
    const disclosure = record && (await parts.trail.discloseEvent(log, leafIndex, tombstonePointers(record)));
    if (disclosure !== undefined) disclosures.push(disclosure);
  }
  const named = tombstones.map(({ log, leafIndex }) => ({ origin: parts.originOf(log), leafIndex }));
  return signCertificate({ ...facts, origin, tombstones: named } as Omit<CertificateBody, 'format'>, disclosures, signers);
}

function tombstonePointers(record: JsonObject): string[] {
  return flattenRecord(record)
    .map(({ pointer }) => pointer)
    .filter((pointer) => pointer.startsWith(tombstonePrefix));
}
