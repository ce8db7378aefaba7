/** Requests and approvers as the server sends them, read strictly: nothing is shown or signed that is not of this shape. */
import { type Approval, approverIdOf, checkRequest, parseApproval, type ShownRequest, verifyApproval } from '../../src/verify/index.ts';

export type RequestShown = ShownRequest & {
  state: string;
  decisions: Approval[];
  usableUntil?: string;
  usedAt?: string;
  usedBy?: string;
};

export interface ApproverShown {
  id: string;
  kind: Approval['kind'];
  publicKey: string;
  owner: string;
  name?: string;
  removedAt?: string;
}

type Facts = Record<string, unknown>;

/** @throws Error for anything that is no request */
export function readRequest(value: Facts): RequestShown {
  const { detail, decisions } = value;
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail) || !Array.isArray(decisions)) throw new Error('not a request');
  const request: RequestShown = {
    id: text(value['id']),
    digest: text(value['digest']),
    action: text(value['action']),
    detail: detail as RequestShown['detail'],
    by: text(value['by']),
    purpose: text(value['purpose']),
    createdAt: text(value['createdAt']),
    expiresAt: text(value['expiresAt']),
    nonce: text(value['nonce']),
    state: text(value['state']),
    decisions: decisions.map((one) => parseApproval(one as Parameters<typeof parseApproval>[0])),
  };
  for (const name of ['owner', 'reference', 'usableUntil', 'usedAt', 'usedBy'] as const)
    if (value[name] !== undefined) request[name] = text(value[name]);
  return request;
}

/** @throws Error for anything that is no approver */
export function readApprover(value: Facts): ApproverShown {
  const { kind, name, removedAt } = value;
  if (kind !== 'ed25519' && kind !== 'webauthn-es256' && kind !== 'webauthn-eddsa' && kind !== 'webauthn-rs256') throw new Error('not an approver');
  return {
    id: text(value['id']),
    kind,
    publicKey: text(value['publicKey']),
    owner: text(value['owner']),
    ...(name === undefined ? {} : { name: text(name) }),
    ...(removedAt === undefined ? {} : { removedAt: text(removedAt) }),
  };
}

/** Whether id and digest are those of what is shown. */
export function isAsShown(request: RequestShown): boolean {
  try {
    checkRequest(request);
    return true;
  } catch {
    return false;
  }
}

/** Whether a decision was signed for this request, by the key of an approver in the list. */
export function isSignedBy(request: RequestShown, decision: Approval, approvers: readonly ApproverShown[]): boolean {
  try {
    const { id, digest } = request;
    verifyApproval(decision, { approvers: new Set(approvers.map((one) => one.id)), request: id, digest, decision: decision.decision });
    return true;
  } catch {
    return false;
  }
}

/** Keys that can sign on pages of a host: they are in force, and were made there. */
export function keysAt(host: string, approvers: readonly ApproverShown[]): ApproverShown[] {
  return approvers.filter(
    ({ id, kind, publicKey, removedAt }) => kind !== 'ed25519' && removedAt === undefined && approverIdOf(kind, publicKey, host) === id,
  );
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error('not a text');
  return value;
}
