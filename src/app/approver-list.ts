/**
 * The approvers, as they are kept: every one but the first was approved by one who was there before, and that approval is kept with it. So one
 * that was only written into the file counts for nothing, and `verify` says so.
 */
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import type { ApproverRow } from '../storage/request-store.ts';
import type { TextSealer } from '../vault/sealed-text.ts';
import { type Approval, approverIdOf, isApprovedBy } from '../verify/approval.ts';
import type { ApproverCard } from '../verify/enrolment.ts';
import { digestRequest } from '../verify/request.ts';
import type { ApproverInfo } from './requests.ts';

/** What was approved, and by whom. */
export type Approved = { id: string; digest: string; detail: JsonObject; approvals: Approval[] };

/** As it is sealed. */
export type Approver = {
  card: ApproverCard;
  /** Whose key it is: see access/person.ts. */
  owner: string;
  /** For people. */
  name?: string;
  enrolledAt: string;
  enrolledBy: string;
  /** Absent where there was nobody to approve it: the first. */
  enrolment?: Approved;
  removedAt?: string;
  removal?: Approved;
  /** Of the authenticator, at its last signature. */
  counter: number;
};

/** @throws VeiltrailError `request_damaged` */
export function openApprover({ id, sealed }: ApproverRow, sealer: TextSealer): Approver {
  try {
    const approver = JSON.parse(sealer.open(sealed)) as Approver;
    const { kind, publicKey, assertion } = approver.card;
    if (approver.card.id === id && approverIdOf(kind, publicKey, assertion?.rpId) === id) return approver;
  } catch {
    // not what was sealed here
  }
  throw new VeiltrailError('request_damaged', 'an approver is not as it was written');
}

export function sealApprover(approver: Approver, sealer: TextSealer): ApproverRow {
  return { id: approver.card.id, sealed: sealer.seal(JSON.stringify(approver)) };
}

/**
 * Those whose enrolment holds: the first, and those whom an approver that counted before them approved. One without an approval is a first only
 * if nobody is left of those before it.
 * @param approvers in the order of their enrolment
 */
export function countedApprovers(approvers: readonly Approver[]): Approver[] {
  const counted: Approver[] = [];
  for (const approver of approvers) {
    const { enrolment, card } = approver;
    const isFirst = counted.every(({ removedAt }) => removedAt !== undefined && removedAt <= approver.enrolledAt);
    if (enrolment ? isApproved('approver.enrol', enrolment, card.id, counted) : isFirst) counted.push(approver);
  }
  return counted;
}

/** Whether an approver that counts approved this for this key. */
export function isApproved(action: string, { id, digest, detail, approvals }: Approved, approver: string, counted: readonly Approver[]): boolean {
  if (!isJsonObject(detail) || detail['approver'] !== approver || digestRequest(action, detail) !== digest) return false;
  const others = counted.filter(({ card }) => card.id !== approver);
  return approvals.some((approval) => {
    const approvers = new Set(others.filter(({ removedAt = '9' }) => approval.time < removedAt).map(({ card }) => card.id));
    return isApprovedBy({ id, digest, approvals: [approval] }, approvers);
  });
}

export function approverInfo({ card, owner, name, enrolledAt, enrolledBy, enrolment, removedAt }: Approver): ApproverInfo {
  return {
    id: card.id,
    kind: card.kind,
    publicKey: card.publicKey,
    owner,
    ...(name === undefined ? {} : { name }),
    enrolledAt,
    enrolledBy,
    ...(enrolment ? { request: enrolment.id } : {}),
    ...(removedAt === undefined ? {} : { removedAt }),
  };
}
