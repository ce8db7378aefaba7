/** Events of `_system` that tell what became of a request: ids, digests and signatures. Purpose and reference go through the strict policy there. */
import type { JsonObject } from '../core/json.ts';
import type { Approval } from '../verify/approval.ts';
import type { AccessEntry } from './access-event.ts';
import type { ApproverInfo, RequestInfo } from './requests.ts';

function entryOf(info: RequestInfo, action: string, principal: string, metadata: JsonObject = {}): AccessEntry {
  const { id, digest, action: requested } = info;
  return {
    action,
    principal,
    outcome: 'success',
    category: 'privilege',
    severity: 3,
    target: { type: 'request', id },
    metadata: { requested, digest, ...metadata },
  };
}

export function askEntry(info: RequestInfo): AccessEntry {
  const { by, purpose, reference, expiresAt } = info;
  return { ...entryOf(info, 'request.ask', by, { expiresAt }), purpose, ...(reference === undefined ? {} : { reference }) };
}

export function decideEntry(info: RequestInfo, approval: Approval, { principal }: { principal: string }): AccessEntry {
  const isApproved = approval.decision === 'approve';
  const usable = info.usableUntil === undefined ? {} : { usableUntil: info.usableUntil };
  return {
    ...entryOf(info, isApproved ? 'request.approve' : 'request.deny', principal, { by: info.by, ...usable, approvals: [approval] }),
    severity: 3,
  };
}

export function useEntry(info: RequestInfo, approvals: Approval[]): AccessEntry {
  return { ...entryOf(info, 'request.use', info.usedBy ?? info.by, { approvals }), severity: 4 };
}

export function expireEntry(info: RequestInfo): AccessEntry {
  return { ...entryOf(info, 'request.expire', 'system'), severity: 2 };
}

/** A refusal: by whoever asks, decides or acts. */
export function refusalEntry(
  attempt: { action: string; principal: string; request?: string; digest?: string; requested?: string },
  reason: string,
): AccessEntry {
  const { action, principal, request, digest, requested } = attempt;
  return {
    action,
    principal,
    outcome: 'denied',
    severity: 4,
    reason,
    ...(request === undefined ? {} : { target: { type: 'request', id: request } }),
    metadata: { ...(requested === undefined ? {} : { requested }), ...(digest === undefined ? {} : { digest }) },
  };
}

/** @param approvals empty: nobody was needed */
export function approverEntry(
  action: 'approver.enrol' | 'approver.remove',
  { id, kind, publicKey, owner }: ApproverInfo,
  by: { principal: string; request?: string; approvals: Approval[] },
): AccessEntry {
  return {
    action,
    principal: by.principal,
    outcome: 'success',
    category: 'privilege',
    severity: 4,
    target: { type: 'approver', id },
    metadata: { kind, publicKey, person: owner, ...approvedBy(by.approvals, by.request) },
  };
}

/** That the server starts with another rule for when a second person is needed. */
export function approvalsEntry(before: string, after: string): AccessEntry {
  return {
    action: 'approvals.change',
    principal: 'system',
    outcome: 'success',
    category: 'config_change',
    severity: after === 'single' ? 5 : 4,
    metadata: { before, after },
  };
}

/** What an event says of the second person: the request and the approvals, or that none was needed. */
export function approvedBy(approvals: readonly Approval[], request?: string): JsonObject {
  return approvals.length === 0 ? { approvals: 'single-person' } : { ...(request === undefined ? {} : { request }), approvals: [...approvals] };
}
