/**
 * The book of requests: what state each is in, and what may become of it. Every step is one transaction, together with the event that tells of
 * it, which goes to `_system` right after (or at the next start, if a crash comes between):
 *
 *     pending ──approve──► approved ──use──► used
 *        │                    │
 *        ├──deny──► denied ◄──┤ deny
 *        └──────► expired ◄───┘              each for good but pending and approved
 *
 * Nothing is believed because it stands in the file: an id commits to who asked, why and until when; an approval is verified again when it is
 * used, against the approvers that count then. What is sealed opens with the keyring only.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import { toHex } from '../core/bytes.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import type { Random } from '../core/random.ts';
import type { RequestChange, RequestRow, RequestSource, RequestStore } from '../storage/request-store.ts';
import type { TextSealer } from '../vault/sealed-text.ts';
import { type Approval, parseApproval, verifyApproval } from '../verify/approval.ts';
import { digestRequest, requestIdOf, requestIdPattern } from '../verify/request.ts';
import type { RequestFacts } from '../verify/request.ts';
import { accessEvent, type AccessEntry } from './access-event.ts';
import { type Approver, approverInfo, countedApprovers, openApprover, sealApprover } from './approver-list.ts';
import {
  type ApprovalMode,
  type Ask,
  type DecisionRequest,
  type Permit,
  type Person,
  requestActions,
  type RequestInfo,
  type RequestState,
  type ApproverInfo,
} from './requests.ts';
import { expireEntry, decideEntry, askEntry, useEntry } from './request-events.ts';

export interface BookParts {
  store: RequestSource;
  sealer: TextSealer;
  clock: Clock;
  random: Random;
  /** After so long nobody may decide any more. */
  expiryMs: number;
  /** So long after it was signed, an approval may be used. */
  usableMs: number;
}

/** As it is sealed. */
interface Stored {
  facts: RequestFacts;
  state: RequestState;
  decisions: Approval[];
  usableUntil?: string;
  usedAt?: string;
  usedBy?: string;
}

/** A request that may be used now, and what writes it down. */
export interface Usable {
  id: string;
  digest: string;
  approvals: Approval[];
  change: RequestChange;
}

const limits = { purpose: 500, reference: 200, detailLength: 100_000, pendingMax: 10_000 } as const;
const listMax = 1_000;
/** The newest ones. */
const auditMax = 100_000;
/** Clocks differ. */
const skewMs = 5 * 60_000;
/** Done by the server as it starts, where whoever starts it has no key. */
const usableByAnyone: ReadonlySet<string> = new Set(['policy.change']);
const actions: ReadonlySet<string> = new Set(requestActions);

export class RequestBook {
  readonly #parts: BookParts;

  constructor(parts: BookParts) {
    this.#parts = parts;
  }

  /** @throws VeiltrailError `request_syntax`, `requests_full` */
  ask({ action, detail, principal, owner, purpose, reference }: Ask): RequestInfo {
    checkText(purpose, 'purpose', limits.purpose);
    if (reference !== undefined) checkText(reference, 'reference', limits.reference);
    if (!actions.has(action)) throw syntax(`an action is one of ${requestActions.join(', ')}`);
    if (!isJsonObject(detail) || canonicalJson(detail).length > limits.detailLength) {
      throw syntax(`a detail is a JSON object of ${limits.detailLength} characters at the most`);
    }
    if (this.#parts.store.count('pending') >= limits.pendingMax) throw new VeiltrailError('requests_full', 'too many requests wait for a decision');
    const nowMs = this.#parts.clock.now();
    const facts: RequestFacts = {
      action,
      detail,
      by: principal,
      ...(owner === undefined ? {} : { owner }),
      purpose,
      ...(reference === undefined ? {} : { reference }),
      createdAt: timeText(nowMs),
      expiresAt: timeText(nowMs + this.#parts.expiryMs),
      nonce: toHex(this.#parts.random.bytes(16)),
    };
    const stored: Stored = { facts, state: 'pending', decisions: [] };
    const info = infoOf(requestIdOf(facts), stored);
    this.commit({ added: this.#seal(info.id, stored), untold: [this.event(askEntry(info))] });
    return info;
  }

  /** @throws VeiltrailError as `RequestDesk.decide` */
  decide({ id, decision, approval: value, principal, owner }: DecisionRequest): RequestInfo {
    const stored = this.#current(id);
    const { facts } = stored;
    const approval = parseApproval(value);
    if (approval.decision !== decision) throw new VeiltrailError('approval_mismatch', 'another decision was signed');
    if (stored.state === 'approved' && approval.decision === 'approve')
      throw new VeiltrailError('request_decided', 'the request is approved already');
    if (stored.state !== 'approved') refuseUnless(stored.state, 'pending');
    if (isSame(optional({ principal, owner }), facts)) throw own();
    const approver = this.#verify(approval, id, facts);
    if (!isInTime(approval, facts) || Date.parse(approval.time) > this.#parts.clock.now() + skewMs)
      throw new VeiltrailError('approval_time', 'the approval was not signed while the request waited for it');
    const next: Stored = {
      ...stored,
      state: approval.decision === 'approve' ? 'approved' : 'denied',
      decisions: [...stored.decisions, approval],
    };
    if (next.state === 'approved') next.usableUntil = timeText(Date.parse(approval.time) + this.#parts.usableMs);
    const info = infoOf(id, next);
    const change = { ...this.#move(id, stored, next), untold: [this.event(decideEntry(info, approval, { principal }))] };
    const counted = approver.approver;
    if (
      !this.commit({
        ...change,
        ...(approver.counter === counted.counter ? {} : { approver: this.sealApprover({ ...counted, counter: approver.counter }) }),
      })
    )
      throw new VeiltrailError('request_decided', 'the request was decided meanwhile');
    return info;
  }

  /** The approver whose word it is, and their authenticator's counter. */
  #verify(approval: Approval, id: string, facts: RequestFacts): { approver: Approver; counter: number } {
    const all = this.approvers();
    const approver = countedApprovers(all).find(({ card }) => card.id === approval.approver);
    if (!approver) throw new VeiltrailError('approver_unknown', 'no approver has this key');
    if (approver.removedAt !== undefined) throw new VeiltrailError('approver_removed', 'this approver was removed');
    const digest = digestRequest(facts.action, facts.detail);
    const trust = { approvers: new Set([approver.card.id]), request: id, digest, decision: approval.decision };
    const { assertion } = verifyApproval(approval, trust);
    if (approver.owner === facts.owner) throw own();
    if (!assertion) return { approver, counter: approver.counter };
    const isCopy = (assertion.counter > 0 || approver.counter > 0) && assertion.counter <= approver.counter;
    if (assertion.origin !== approver.card.assertion?.origin || isCopy) {
      throw new VeiltrailError('approval_signature', 'the signature was made on another page, or by a copy of the authenticator');
    }
    return { approver, counter: assertion.counter };
  }

  /**
   * What it takes to use the request: the caller commits it, with what else belongs to it.
   * @throws VeiltrailError as `RequestDesk.permit`
   */
  usable({ request: id, action, detail, principal, owner, purpose, reference }: Permit & { request: string }): Usable {
    const stored = this.#current(id);
    const { facts } = stored;
    const digest = digestRequest(action, detail);
    refuseUnless(stored.state, 'approved');
    const isAsker = usableByAnyone.has(action) || isSame(optional({ principal, owner }), facts);
    const isAsAsked = (given: string | undefined, asked: string | undefined): boolean => given === undefined || given === asked;
    if (facts.action !== action || digestRequest(facts.action, facts.detail) !== digest)
      throw new VeiltrailError('request_mismatch', 'another action was approved', { request: id });
    if (!isAsker || !isAsAsked(purpose, facts.purpose) || !isAsAsked(reference, facts.reference))
      throw new VeiltrailError('request_mismatch', 'it was approved for somebody else, or for another purpose', { request: id });
    const approvals = this.#approvals(id, stored);
    const isOver = ({ time }: Approval): boolean => Date.parse(time) + this.#parts.usableMs <= this.#parts.clock.now();
    if (approvals.some(isOver)) throw new VeiltrailError('request_expired', 'the approval has expired');
    const next: Stored = { ...stored, state: 'used', usedAt: timeText(this.#parts.clock.now()), usedBy: principal };
    const change = { ...this.#move(id, stored, next), untold: [this.event(useEntry(infoOf(id, next), approvals))] };
    return { id, digest, approvals, change };
  }

  /** Whether who approved a request that was used would still be heard. @throws VeiltrailError `approver_removed`, `request_unknown`, `request_damaged` */
  stands(id: string): void {
    const row = this.#parts.store.request(id);
    if (!row) throw new VeiltrailError('request_unknown', 'there is no request of that id');
    this.#approvals(id, this.#open(row));
  }

  /** Those whose approvers count now. */
  #approvals(id: string, { facts, decisions }: Stored): Approval[] {
    const digest = digestRequest(facts.action, facts.detail);
    const counted = countedApprovers(this.approvers());
    const approvers = new Set(counted.map(({ card }) => card.id));
    const approvals = decisions.filter(({ decision }) => decision === 'approve');
    for (const approval of approvals) {
      try {
        verifyApproval(approval, { approvers, request: id, digest, decision: 'approve' });
      } catch {
        throw damaged();
      }
      if (!isInTime(approval, facts)) throw damaged();
      const { owner, removedAt } = counted.find(({ card }) => card.id === approval.approver) as Approver;
      if (owner === facts.owner) throw damaged();
      if (removedAt !== undefined) throw new VeiltrailError('approver_removed', 'who approved it was removed since');
    }
    if (approvals.length === 0) throw damaged();
    return approvals;
  }

  /** Writes down which ones have expired. */
  sweep(): void {
    for (const state of ['pending', 'approved'] as const) {
      for (const { id } of this.#parts.store.requests({ state, limit: limits.pendingMax })) {
        try {
          this.#current(id);
        } catch {
          // damaged: whoever asks for it is told
        }
      }
    }
  }

  /** @throws VeiltrailError `request_unknown`, `request_damaged` */
  show(id: string): RequestInfo {
    const row = requestIdPattern.test(id) ? this.#parts.store.request(id) : undefined;
    if (!row) throw new VeiltrailError('request_unknown', 'there is no request of that id');
    return infoOf(id, this.#asOfNow(this.#open(row)));
  }

  /** @throws VeiltrailError `request_damaged` */
  list({ state }: { state?: RequestState } = {}): RequestInfo[] {
    // What is stored as waiting may have expired meanwhile.
    const stored = state === 'expired' ? undefined : state;
    return this.#parts.store
      .requests({ ...(stored === undefined ? {} : { state: stored }), limit: listMax })
      .map((row) => infoOf(row.id, this.#asOfNow(this.#open(row))))
      .filter((info) => state === undefined || info.state === state);
  }

  /** What in the book is not as it was written, or bears no signature that fits. */
  *audit(): Generator<{ code: string; message: string }> {
    let known: Approver[] = [];
    try {
      const approvers = this.approvers();
      known = countedApprovers(approvers);
      for (const { card } of approvers)
        if (!known.some((one) => one.card.id === card.id)) yield { code: 'approver_unapproved', message: `nobody approved the approver ${card.id}` };
    } catch {
      yield { code: 'request_damaged', message: 'an approver is not as it was written' };
    }
    const approvers = new Set(known.map(({ card }) => card.id));
    for (const row of this.#parts.store.requests({ limit: auditMax })) {
      try {
        const { facts, state, decisions } = this.#open(row);
        const digest = digestRequest(facts.action, facts.detail);
        for (const approval of decisions) verifyApproval(approval, { approvers, request: row.id, digest, decision: approval.decision });
        const needed = state === 'approved' || state === 'used' ? 'approve' : state === 'denied' ? 'deny' : undefined;
        if (needed && !decisions.some(({ decision }) => decision === needed)) throw damaged();
      } catch {
        yield { code: 'request_damaged', message: `${row.id} is not as it was written` };
      }
    }
  }

  /** In the order of their enrolment. @throws VeiltrailError `request_damaged`, `sealed_text_damaged` */
  approvers(): Approver[] {
    return this.#parts.store.approvers().map((row) => openApprover(row, this.#parts.sealer));
  }

  sealApprover(approver: Approver): ReturnType<typeof sealApprover> {
    return sealApprover(approver, this.#parts.sealer);
  }

  /** Those that count, and those that did and were removed, as people see them. @throws VeiltrailError `request_damaged` */
  approverInfos(): ApproverInfo[] {
    return countedApprovers(this.approvers()).map(approverInfo);
  }

  /** Those who may approve now. @throws VeiltrailError `request_damaged` */
  active(): Approver[] {
    return countedApprovers(this.approvers()).filter(({ removedAt }) => removedAt === undefined);
  }

  /** Whether operations that may need two need two now. @throws VeiltrailError `request_damaged` */
  needsTwo(mode: ApprovalMode): boolean {
    return mode === 'required' || (mode === 'auto' && this.active().length > 0);
  }

  nowText(): string {
    return timeText(this.#parts.clock.now());
  }

  fact(name: string): string | undefined {
    return this.#parts.store.fact(name);
  }

  /** An event to be told, as it is kept until it is. */
  event(entry: AccessEntry): Uint8Array {
    return this.#parts.sealer.seal(JSON.stringify(accessEvent(entry, { id: randomUUID(), time: timeText(this.#parts.clock.now()) })));
  }

  /** @returns false where the request was moved by somebody else meanwhile */
  commit(change: RequestChange): boolean {
    return (this.#parts.store as RequestStore).commit(change);
  }

  /** Events that are not known to be in the log. */
  untold(): { seq: number; event: JsonObject }[] {
    return this.#parts.store.untold().map(({ seq, sealed }) => ({ seq, event: JSON.parse(this.#parts.sealer.open(sealed)) as JsonObject }));
  }

  told(seq: number): void {
    (this.#parts.store as RequestStore).told(seq);
  }

  /** As it is now; that it has expired is written down. */
  #current(id: string): Stored {
    const row = requestIdPattern.test(id) ? this.#parts.store.request(id) : undefined;
    if (!row) throw new VeiltrailError('request_unknown', 'there is no request of that id');
    const stored = this.#open(row);
    const now = this.#asOfNow(stored);
    if (now.state !== stored.state) this.commit({ ...this.#move(id, stored, now), untold: [this.event(expireEntry(infoOf(id, now)))] });
    return now;
  }

  #asOfNow(stored: Stored): Stored {
    const { state, facts, usableUntil } = stored;
    const until = state === 'pending' ? facts.expiresAt : state === 'approved' ? (usableUntil ?? facts.expiresAt) : undefined;
    return until !== undefined && this.#parts.clock.now() >= Date.parse(until) ? { ...stored, state: 'expired' } : stored;
  }

  #open({ id, state, sealed }: RequestRow): Stored {
    try {
      const stored = JSON.parse(this.#parts.sealer.open(sealed)) as Stored;
      if (stored.state === state && requestIdOf(stored.facts) === id) return { ...stored, decisions: stored.decisions.map(parseApproval) };
    } catch {
      // not what was sealed here
    }
    throw damaged();
  }

  #seal(id: string, stored: Stored): RequestRow {
    return { id, state: stored.state, sealed: this.#parts.sealer.seal(JSON.stringify(stored)) };
  }

  #move(id: string, { state }: Stored, next: Stored): Pick<RequestChange, 'moved'> {
    return { moved: { row: this.#seal(id, next), from: state } };
  }
}

function infoOf(id: string, { facts, state, decisions, usableUntil, usedAt, usedBy }: Stored): RequestInfo {
  return {
    id,
    digest: digestRequest(facts.action, facts.detail),
    ...facts,
    state,
    decisions,
    ...(usableUntil === undefined ? {} : { usableUntil }),
    ...(usedAt === undefined ? {} : { usedAt }),
    ...(usedBy === undefined ? {} : { usedBy }),
  };
}

const refusals: Readonly<Record<RequestState, readonly [code: string, message: string]>> = {
  pending: ['request_pending', 'nobody has approved it yet'],
  approved: ['request_decided', 'the request is approved already'],
  denied: ['request_denied', 'the request was denied'],
  used: ['request_used', 'the request was used: it is good for once'],
  expired: ['request_expired', 'the request has expired'],
};

function refuseUnless(state: RequestState, wanted: RequestState): void {
  if (state !== wanted) throw new VeiltrailError(...refusals[state]);
}

/** Signed while the request waited for it, by the approver's own clock. */
function isInTime({ time }: Approval, { createdAt, expiresAt }: RequestFacts): boolean {
  return Date.parse(time) >= Date.parse(createdAt) - skewMs && Date.parse(time) < Date.parse(expiresAt);
}

function optional({ principal, owner }: { principal: string; owner: string | undefined }): Person {
  return { principal, ...(owner === undefined ? {} : { owner }) };
}

/** Whether whoever this is asked for it: the same principal, or another one of the same owner. */
function isSame({ principal, owner }: Person, { by, owner: askedFor }: RequestFacts): boolean {
  return principal === by || (owner !== undefined && owner === askedFor);
}

/** @throws VeiltrailError `request_syntax` */
export function checkText(text: string, what: string, lengthMax: number): void {
  if (typeof text !== 'string' || text.trim().length === 0 || text.length > lengthMax || !text.isWellFormed() || /[\p{Cc}--[\n\t]]/v.test(text))
    throw syntax(`a ${what} is 1 to ${lengthMax} printable characters`);
}

function syntax(message: string): VeiltrailError {
  return new VeiltrailError('request_syntax', message);
}

function own(): VeiltrailError {
  return new VeiltrailError('request_own', 'whoever asked cannot decide: that takes a second person');
}

function damaged(): VeiltrailError {
  return new VeiltrailError('request_damaged', 'the request is not as it was written');
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
