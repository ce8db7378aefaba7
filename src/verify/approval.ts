/**
 * An approver's word on a request, verified offline: by the server when it is given, by whoever uses it, and by an auditor from a tombstone or
 * an event of `_system`.
 *
 *     statement   = "veiltrail-approval/1\n" ‖ RFC 8785 of {approver, decision, digest, request, time}
 *     ed25519     signature of the statement (RFC 8032)
 *     webauthn    assertion whose challenge is SHA-256(statement), see approval-webauthn.ts
 *     approver    = "a_" ‖ base32 of the first 16 bytes of SHA-256("veiltrail-approver/1\n" ‖ RFC 8785 of {kind, publicKey, rpId?})
 *
 * An approval carries its public key, and the approver's id commits to that key: a list of ids is all that an auditor has to trust.
 */
import { decodeBase64 } from '../core/base64.ts';
import { utf8 } from '../core/bytes.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonValue } from '../core/json.ts';
import { sha256 } from '../core/sha256.ts';
import { parseTimestamp } from '../event/timestamp.ts';
import { createEd25519Verifier } from '../log/ed25519.ts';
import { type Assertion, type AssertionAlgorithm, parseAssertion, type VerifiedAssertion, verifyAssertion } from './approval-webauthn.ts';
import { publicId, requestIdPattern } from './request.ts';

export const approverKinds = ['ed25519', 'webauthn-es256', 'webauthn-eddsa', 'webauthn-rs256'] as const;
export type ApproverKind = (typeof approverKinds)[number];

export type Decision = 'approve' | 'deny';

/** What is signed. */
export type Statement = {
  request: string;
  /** See `digestRequest`: 64 hex digits. */
  digest: string;
  decision: Decision;
  /** The approver key's id. */
  approver: string;
  /** RFC 3339, canonical: when the approver decided, by their own clock. */
  time: string;
};

/** A type, not an interface, because it is JSON that is kept in requests, tombstones and events. */
export type Approval = Statement & {
  kind: ApproverKind;
  /** base64: the 32 bytes of an Ed25519 key, the 65 of an uncompressed point of P-256. */
  publicKey: string;
  /** base64: 64 bytes, or DER (ES256). */
  signature: string;
  /** What the authenticator signed around the challenge. */
  assertion?: Assertion;
};

/** base64 of 32, 65 or 256 bytes. */
export const publicKeyPattern = /^[A-Za-z0-9+/]{43}=$|^[A-Za-z0-9+/]{87}=$|^[A-Za-z0-9+/]{342}==$/;
export const signaturePattern = /^[A-Za-z0-9+/]{80,100}={0,2}$|^[A-Za-z0-9+/]{342}==$/;
export const approverIdPattern = /^a_[a-z2-7]{26}$/;

/** The id of an approver's key; that of a WebAuthn credential is bound to its relying party. */
export function approverIdOf(kind: ApproverKind, publicKey: string, rpId?: string): string {
  const key = canonicalJson({ kind, publicKey, ...(rpId === undefined ? {} : { rpId }) });
  return `a_${publicId(sha256(utf8(`veiltrail-approver/1\n${key}`)))}`;
}

/** The bytes that an Ed25519 approver signs, and whose SHA-256 is the challenge of a WebAuthn one. */
export function statementBytes({ approver, decision, digest, request, time }: Statement): Uint8Array {
  return utf8(`veiltrail-approval/1\n${canonicalJson({ approver, decision, digest, request, time })}`);
}

/**
 * Reads an approval from JSON, strictly.
 * @throws VeiltrailError `approval_syntax`
 */
export function parseApproval(value: JsonValue | undefined): Approval {
  if (!isJsonObject(value)) throw syntax();
  const { request, digest, decision, approver, time, kind, publicKey, signature, assertion, ...rest } = value;
  const known = approverKinds.find((one) => one === kind);
  if (Object.keys(rest).length > 0 || known === undefined || (decision !== 'approve' && decision !== 'deny')) throw syntax();
  if ((assertion === undefined) !== (known === 'ed25519')) throw syntax();
  const approval: Approval = {
    request: text(request, requestIdPattern),
    digest: text(digest, /^[0-9a-f]{64}$/),
    decision,
    approver: text(approver, approverIdPattern),
    time: text(time, /^.{20,40}$/),
    kind: known,
    publicKey: text(publicKey, publicKeyPattern),
    signature: text(signature, signaturePattern),
    ...(assertion === undefined ? {} : { assertion: parseAssertion(assertion) }),
  };
  if (parseTimestamp(approval.time)?.canonical !== approval.time) throw syntax();
  return approval;
}

/** What must be so besides the signature: the approvers that count, and what the approval is looked for. */
export interface ApprovalTrust {
  /** Ids of the approvers that count. */
  approvers: ReadonlySet<string>;
  request: string;
  digest: string;
  decision: Decision;
}

/** An approval whose signature fits; with the counter of the authenticator where there is one. */
export interface VerifiedApproval {
  readonly approval: Approval;
  readonly assertion?: VerifiedAssertion;
}

/**
 * Verifies an approval against what it should be for.
 * @throws VeiltrailError `approval_syntax`, `approval_mismatch` (another request, digest or decision), `approver_unknown` (nobody who counts),
 * `approval_signature`
 */
export function verifyApproval(value: JsonValue | undefined, trust: ApprovalTrust): VerifiedApproval {
  const approval = parseApproval(value);
  if (approval.request !== trust.request || approval.digest !== trust.digest || approval.decision !== trust.decision)
    throw new VeiltrailError('approval_mismatch', 'the approval is for another request, another action or another decision');
  if (!trust.approvers.has(approval.approver)) throw new VeiltrailError('approver_unknown', 'no approver has this key');
  return verifyApprovalSignature(approval);
}

/**
 * Verifies that the key in the approval is the one its id names, and signed it. Says nothing about whose key that is.
 * @throws VeiltrailError `approval_signature`
 */
export function verifyApprovalSignature(approval: Approval): VerifiedApproval {
  if (approverIdOf(approval.kind, approval.publicKey, approval.assertion?.rpId) !== approval.approver) throw unsigned();
  const assertion = verifySigned(statementBytes(approval), approval);
  return { approval, ...(assertion ? { assertion } : {}) };
}

/**
 * Whether one of these approvers signed that this may be done: for `request` of a tombstone, or of an event.
 * @param approvers ids of those that count, or did when it was done
 */
export function isApprovedBy(
  { id, digest, approvals }: { id: string; digest: string; approvals: readonly JsonValue[] },
  approvers: ReadonlySet<string>,
): boolean {
  return approvals.some((approval) => {
    try {
      verifyApproval(approval, { approvers, request: id, digest, decision: 'approve' });
      return true;
    } catch {
      return false;
    }
  });
}

/** A signature of one of the approvers' kinds over any statement of ours. */
export interface Signed {
  kind: ApproverKind;
  publicKey: string;
  signature: string;
  assertion?: Assertion;
}

/**
 * Verifies a signature; of a WebAuthn key it returns what the authenticator said.
 * @throws VeiltrailError `approval_signature`
 */
export function verifySigned(statement: Uint8Array, { kind, publicKey, signature, assertion }: Signed): VerifiedAssertion | undefined {
  const [key, bytes] = [decoded(publicKey), decoded(signature)];
  if (kind === 'ed25519') {
    if (!isSignedEd25519(key, statement, bytes)) throw unsigned();
    return undefined;
  }
  if (!assertion) throw unsigned();
  return verifyAssertion(assertion, { challenge: sha256(statement), algorithm: algorithmOf[kind], publicKey: key, signature: bytes });
}

/** With which keys of a kind sign. */
export const algorithmOf: Readonly<Record<ApproverKind, AssertionAlgorithm>> = {
  ed25519: 'EdDSA',
  'webauthn-es256': 'ES256',
  'webauthn-eddsa': 'EdDSA',
  'webauthn-rs256': 'RS256',
};

function isSignedEd25519(key: Uint8Array, statement: Uint8Array, signature: Uint8Array): boolean {
  try {
    return createEd25519Verifier(key)(statement, signature);
  } catch {
    return false;
  }
}

function decoded(value: string): Uint8Array {
  try {
    return decodeBase64(value);
  } catch {
    throw unsigned();
  }
}

function text(value: JsonValue | undefined, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw syntax();
  return value;
}

function syntax(): VeiltrailError {
  return new VeiltrailError('approval_syntax', 'not an approval');
}

function unsigned(): VeiltrailError {
  return new VeiltrailError('approval_signature', 'the signature is not that of the approver named');
}
