/**
 * Forgetting a person (GDPR art. 17): first what it would touch, then, when somebody says so, doing it. Either the vault's rows go (*unlink*: the
 * records stay, and nobody can tell any more whom they are about), or the records, too (*erase*).
 *
 * Afterwards there is a certificate: what, when, on whose request, how much; never whom.
 */
import { toHex } from '../core/bytes.ts';
import type { JsonObject } from '../core/json.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { OpenRecord } from '../log/open-record.ts';
import { type AskedBy, permissionFacts, permitOperation, type Permission } from './asked-operation.ts';
import { certifyRemoval, type CertifyParts } from './certify-removal.ts';
import { asPairs, bearsIds, findEntry, type FindSubjectParts, findSubject, type FoundSubject, type SubjectRequest } from './find-subject.ts';
import type { Blind } from './hold-scope.ts';
import type { Holds } from './holds.ts';
import { rangesOf } from './leaf-ranges.ts';
import { whoAndWhy } from './look-up-report.ts';
import type { Removal, RemovalResult, RemovedRecords } from './remove-records.ts';
import type { RequestDesk } from './requests.ts';

export interface EraseSubjectRequest extends SubjectRequest {
  /** `unlink`: the vault's rows. `erase`: the records as well. */
  mode: 'unlink' | 'erase';
  /** A stable code or a legal basis [gdpr-art-17]; never personal. */
  reason?: string;
}

/** What an erasure would touch. (A type, because it is JSON.) */
export type ErasurePlan = {
  mode: 'unlink' | 'erase';
  subject: FoundSubject;
  /** Vault rows that go. */
  tokens: number;
  /** Records that go; with `unlink` none does. */
  records: number;
  /** The hold that forbids it. */
  held?: string;
  /** Whether a second person is asked. */
  needsTwo: boolean;
  /** What that person is asked to approve. */
  detail: JsonObject;
};

export type Erasure = {
  plan: ErasurePlan;
  removal: RemovalResult;
  /** The text of the certificate's file. */
  certificate: string;
};

export interface EraseSubjectParts extends FindSubjectParts {
  holds: Pick<Holds, 'refuseHeld'>;
  desk: Pick<RequestDesk, 'permit' | 'needsTwo'>;
  remove(removal: Removal): Promise<RemovalResult>;
  certify: CertifyParts;
  /** Keyed digest of an id. */
  blind: Blind;
  /** Leaves of a log that are there now. */
  treeSize(log: string): Promise<number>;
  /** Records of a log from one leaf up to another, opened; without those that are gone. */
  records(log: string, from: number, to: number): AsyncIterable<{ leafIndex: number; open: OpenRecord }>;
}

const reasonDefault = 'gdpr-art-17';
const reasonPattern = /^[A-Za-z0-9][A-Za-z0-9 .,:;()§/_-]{0,99}$/;
/** Records with an id may come in while others go: so often it is looked again. */
const roundsMax = 5;

/** What an erasure would touch; changes nothing. @throws VeiltrailError as `findSubject` */
export async function planErasure(parts: EraseSubjectParts, request: EraseSubjectRequest, asked: AskedBy): Promise<ErasurePlan> {
  const { plan } = await look(parts, request, asked);
  const tokens = plan.subject.tokens.map(({ token }) => token);
  await parts.recorder.write(findEntry(asked, { mode: plan.mode, tokens, ids: request.ids?.length ?? 0, records: plan.records }));
  return plan;
}

/**
 * Erases or unlinks. Done for good when it returns.
 * @throws VeiltrailError `held`, what `findSubject`, `RequestDesk.permit` and removing throw
 */
export async function eraseSubject(parts: EraseSubjectParts, request: EraseSubjectRequest, asked: AskedBy): Promise<Erasure> {
  const reason = request.reason ?? reasonDefault;
  if (!reasonPattern.test(reason))
    throw new VeiltrailError('subject_request', 'a reason is a code or a legal basis in at most 100 characters, such as gdpr-art-17');
  const seen = await sizesOf(parts, request);
  const { plan, records } = await lookOrRefuse(parts, request, asked);
  if (plan.tokens === 0 && records.length === 0)
    throw new VeiltrailError('subject_unknown', 'there is nothing to unlink: no token of this person is in the vault; --erase removes the records');
  const permission = await permitOperation(parts.desk, 'subject.erase', plan.detail, asked);
  const removal: Removal = {
    operation: request.mode,
    // Those that the vault does not have (any more) are in records at most, and those are named.
    tokens: plan.subject.tokens.filter(({ kind }) => kind !== undefined).map(({ token }) => token),
    bearing: request.mode === 'erase' ? 'records' : 'nothing',
    logs: logsOf(parts, request),
    reason,
    by: asked.principal,
    ...(records.length > 0 ? { records } : {}),
    ...(permission ? { request: permission } : {}),
  };
  let result = await parts.remove(removal);
  if (request.mode === 'erase' && (request.ids ?? []).length > 0) result = await removeLate(parts, request, { removal, seen }, result);
  const certificate = await certifyRemoval(parts.certify, removal, result, { permission, reference: asked.reference });
  await tell(parts, plan, result, certificate, { asked, permission });
  return { plan, removal: result, certificate };
}

/** Records with an id that came in while the others went. */
async function removeLate(
  parts: EraseSubjectParts,
  request: EraseSubjectRequest,
  { removal, seen }: { removal: Removal; seen: Map<string, number> },
  done: RemovalResult,
): Promise<RemovalResult> {
  let result = done;
  for (let round = 0; round < roundsMax; round++) {
    const late = await lateRecords(parts, request, seen);
    if (late.length === 0) return result;
    const { tokens: _tokens, bearing: _bearing, logs: _logs, ...rest } = removal;
    const more = await parts.remove({ ...rest, records: late });
    result = { ...result, tombstones: [...result.tombstones, ...more.tombstones], records: result.records + more.records };
  }
  return result;
}

/** Records with an id beyond what was there when the subject was looked for; `seen` goes on to what there is now. */
async function lateRecords(parts: EraseSubjectParts, request: EraseSubjectRequest, seen: Map<string, number>): Promise<RemovedRecords[]> {
  const late: RemovedRecords[] = [];
  for (const [log, from] of seen) {
    const to = await parts.treeSize(log);
    const leaves: number[] = [];
    for await (const { leafIndex, open } of parts.records(log, from, to)) if (bearsIds(open, request)) leaves.push(leafIndex);
    if (leaves.length > 0) late.push({ log, ranges: asPairs(rangesOf(leaves)) });
    seen.set(log, to);
  }
  return late;
}

async function sizesOf(parts: EraseSubjectParts, request: SubjectRequest): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const log of logsOf(parts, request)) sizes.set(log, await parts.treeSize(log));
  return sizes;
}

/** As {@link look}; what is held is refused, and the refusal is on record. */
async function lookOrRefuse(parts: EraseSubjectParts, request: EraseSubjectRequest, asked: AskedBy): ReturnType<typeof look> {
  const found = await look(parts, request, asked);
  const { held, subject } = found.plan;
  if (held === undefined) return found;
  await parts.recorder.write({
    ...whoAndWhy(asked),
    action: request.mode === 'erase' ? 'subject.erase' : 'subject.unlink',
    category: 'log_control',
    severity: 3,
    outcome: 'denied',
    reason: 'held',
    target: { type: 'hold', id: held },
    metadata: { tokens: subject.tokens.map(({ token }) => token) },
  });
  throw new VeiltrailError('held', `the hold ${held} covers something of this; nothing was removed`, { hold: held });
}

async function look(
  parts: EraseSubjectParts,
  request: EraseSubjectRequest,
  asked: AskedBy,
): Promise<{ plan: ErasurePlan; records: RemovedRecords[] }> {
  const subject = await findSubject(parts, request, asked);
  const erases = request.mode === 'erase';
  const records = erases ? subject.records.map(({ log, leaves }) => ({ log, ranges: asPairs(leaves) })) : [];
  const tokens = subject.tokens.filter(({ kind }) => kind !== undefined).map(({ token }) => token);
  const held = await holdOn(parts, { tokens: subject.tokens.map(({ token }) => token), records });
  const plan: ErasurePlan = {
    mode: request.mode,
    subject,
    tokens: tokens.length,
    records: erases ? subject.records.reduce((sum, one) => sum + one.records, 0) : 0,
    ...(held === undefined ? {} : { held }),
    needsTwo: parts.desk.needsTwo(),
    // Not how many records: some may come in until somebody has approved it, and they are meant, too.
    detail: {
      operation: request.mode,
      tokens: subject.tokens.map(({ token }) => token).toSorted(),
      ids: [...(request.ids ?? []), ...subject.hashes.map(({ hash }) => hash)].map((id) => toHex(parts.blind(id))).toSorted(),
      ...(request.field === undefined ? {} : { field: request.field }),
      logs: logsOf(parts, request).toSorted(),
      reason: request.reason ?? reasonDefault,
    },
  };
  return { plan, records };
}

async function holdOn(
  { holds }: EraseSubjectParts,
  { tokens, records }: { tokens: string[]; records: RemovedRecords[] },
): Promise<string | undefined> {
  try {
    await holds.refuseHeld({ tokens, records, fields: [] });
    return undefined;
  } catch (error) {
    if (error instanceof VeiltrailError && error.code === 'held') return error.detail['hold'] as string;
    throw error;
  }
}

function logsOf(parts: EraseSubjectParts, { logs }: SubjectRequest): string[] {
  return logs ? [...logs] : parts.logs().filter((log) => !log.startsWith('_'));
}

async function tell(
  { recorder }: EraseSubjectParts,
  { mode }: ErasurePlan,
  { id, tombstones, tokens, records }: RemovalResult,
  certificate: string,
  { asked, permission }: { asked: AskedBy; permission: Permission },
): Promise<void> {
  const { body, signatures } = JSON.parse(certificate) as { body: JsonObject; signatures: string[] };
  await recorder.write({
    action: mode === 'erase' ? 'subject.erase' : 'subject.unlink',
    category: 'log_control',
    severity: 4,
    ...whoAndWhy(asked),
    outcome: 'success',
    target: { type: 'removal', id },
    metadata: {
      removed: { tokens, records },
      tombstones: tombstones.length,
      ...permissionFacts(permission),
      certificate: { body, signatures },
    },
  });
}
