/**
 * Requests that need two: what somebody wants to do is written down exactly, an approver signs it with a key of their own, and it may be done
 * once, by who asked, within a day. See docs/decisions/0025-two-persons.md.
 *
 * An operation that needs two calls {@link RequestDesk.permit} right before it acts, with the same action and detail that were asked; what it
 * gets belongs into the operation's own event, or its tombstone.
 */
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { Approval, ApproverKind, Decision } from '../verify/approval.ts';
import type { RequestFacts } from '../verify/request.ts';

export const requestActions = [
  'token.reveal',
  'token.reveal-bulk',
  'subject.erase',
  'value.redact',
  'hold.lift',
  'retention.shorten',
  'policy.change',
  'export.raw',
  'key.create',
  'key.destroy',
  'forwarder.set',
  'approver.enrol',
  'approver.remove',
] as const;
export type RequestAction = (typeof requestActions)[number];

/** When a second person is needed: from the first approver on, always, or never. */
export const approvalModes = ['auto', 'required', 'single'] as const;
export type ApprovalMode = (typeof approvalModes)[number];

export const requestStates = ['pending', 'approved', 'denied', 'used', 'expired'] as const;
export type RequestState = (typeof requestStates)[number];

/** Whoever asks, decides or acts. */
export interface Person {
  /** The principal: an API key's public id, a subject of the identity provider, `local:NAME` at the machine itself. */
  principal: string;
  /** Whom that principal belongs to, where it is known (see access/person.ts): two keys of one owner are one person. */
  owner?: string;
}

export interface Ask extends Person {
  action: RequestAction;
  /** States exactly what will be done: tokens, leaf indexes, digests, and never a real value. RFC 8785 decides whether two are the same. */
  detail: JsonObject;
  /** 1 to 500 characters. */
  purpose: string;
  /** 1 to 200 characters. */
  reference?: string;
}

export interface Permit extends Person {
  action: RequestAction;
  detail: JsonObject;
  /** The id of the request that was approved. */
  request?: string;
  /** Where no request is named: make one for this purpose, and name it in the refusal (`detail.request`). */
  ask?: AskFor;
  /** Where given, they must be those that were approved. */
  purpose?: string;
  reference?: string;
}

/** As people see it; with the facts anybody can work out id and digest anew. A type, because it is JSON. */
export type RequestInfo = RequestFacts & {
  id: string;
  digest: string;
  state: RequestState;
  /** With the approver's signatures; that of a denial, too. */
  decisions: Approval[];
  /** RFC 3339: once approved, it may be used before this time. */
  usableUntil?: string;
  usedAt?: string;
  usedBy?: string;
};

/** As people see it. A type, because it is JSON. */
export type ApproverInfo = {
  id: string;
  kind: ApproverKind;
  /** base64, see `Approval`. */
  publicKey: string;
  /** Whose key it is: see access/person.ts. */
  owner: string;
  /** For people. */
  name?: string;
  enrolledAt: string;
  enrolledBy: string;
  /** The request that was approved for it; absent for the first. */
  request?: string;
  removedAt?: string;
};

/** What a person sends to decide. */
export type DecisionRequest = Person & {
  id: string;
  decision: Decision;
  /** An `Approval`, of that decision. */
  approval: JsonObject;
};

/** Where no request is named: one is made for this purpose, and named in the refusal. */
export interface AskFor {
  purpose: string;
  reference?: string;
}

export interface Enrolment extends Person {
  /** An `ApproverCard`. */
  card: JsonValue;
  /** What names the person whose key it is (see access/person.ts): nobody approves what a key of the same owner asked. */
  approverOwner: string;
  /** For people, 1 to 100 characters. */
  name?: string;
  request?: string;
  ask?: AskFor;
}

export interface Removal extends Person {
  /** The approver's id. */
  approver: string;
  request?: string;
  ask?: AskFor;
}

export interface RequestDesk {
  /**
   * Writes a request down, durably and on record.
   * @throws VeiltrailError `request_syntax`, `requests_full`
   */
  ask(ask: Ask): Promise<RequestInfo>;
  /**
   * To be called right before the action: marks the request used, durably, and returns the approvals; none where a single person may act.
   * @throws VeiltrailError `approval_needed`, `request_unknown`, `request_pending`, `request_expired`, `request_used`, `request_denied`,
   * `request_mismatch` (another action, detail, purpose or person), `request_damaged`, `approver_removed`; each is on record
   */
  permit(permit: Permit): Promise<Approval[]>;
  /**
   * For what goes on for long: whether what was permitted still is.
   * @param request as `permit` was given it
   * @throws VeiltrailError `approval_needed` where a single person may not act any more, `approver_removed`, `request_unknown`, `request_damaged`
   */
  permitsStill(request: string | undefined): void;
  /** Whether `permit` wants a request now. */
  needsTwo(): boolean;
  /**
   * Approves or denies.
   * @throws VeiltrailError `request_unknown`, `request_own`, `request_expired`, `request_used`, `request_denied`, `request_decided`,
   * `request_damaged`, `approval_syntax`, `approval_mismatch`, `approval_signature`, `approval_time`, `approver_unknown`, `approver_removed`;
   * each is on record
   */
  decide(decision: DecisionRequest): Promise<RequestInfo>;
  /** Newest first, 1,000 at the most. */
  list(filter?: { state?: RequestState }): RequestInfo[];
  /** @throws VeiltrailError `request_unknown`, `request_damaged` */
  show(id: string): RequestInfo;
  /** Those that count, and those that did and were removed, in the order of their enrolment. */
  approvers(): ApproverInfo[];
  /**
   * Enrols an approver's key: the first by whoever may, any other with the approval of one who is there.
   * @throws VeiltrailError `approver_card`, `approver_origin`, `approval_signature` (of the card), `approver_exists`, `request_syntax`, and as {@link permit}
   */
  enrol(enrolment: Enrolment): Promise<ApproverInfo>;
  /** @throws VeiltrailError `approver_unknown`, `approver_last`, and as {@link permit} */
  remove(removal: Removal): Promise<ApproverInfo>;
  mode(): ApprovalMode;
  /** Of the pages on which browsers' keys are made, where the server knows its own address: others are not enrolled. */
  readonly origin?: string | undefined;
}
