/**
 * The desk: the book of requests, with everything that happens at it on record in `_system`. A step is durable in the book first, with the event
 * that tells of it; then the event is appended; then the caller goes on. A crash in between: the next start tells it, and what was marked as used
 * stays used, whether or not the action came about.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { Approval } from '../verify/approval.ts';
import { verifyCard } from '../verify/enrolment.ts';
import { digestRequest } from '../verify/request.ts';
import type { AccessEntry } from './access-event.ts';
import { type Approver, approverInfo } from './approver-list.ts';
import { checkText, type RequestBook, type Usable } from './request-book.ts';
import { approvalsEntry, approverEntry, refusalEntry } from './request-events.ts';
import type {
  ApprovalMode,
  ApproverInfo,
  Ask,
  DecisionRequest,
  Enrolment,
  Permit,
  Person,
  Removal,
  RequestDesk,
  RequestInfo,
  RequestState,
} from './requests.ts';

export interface DeskParts {
  book: RequestBook;
  mode: ApprovalMode;
  /** Appends an event to `_system`; durable and published when it resolves. An event of the same id is appended once. */
  tell(event: JsonObject): Promise<void>;
  /** Records a refusal, durably where the disk takes it. */
  record(entry: AccessEntry): Promise<void>;
  /** A person by what names them elsewhere: see access/person.ts. @throws VeiltrailError `key_owner` */
  personOf: (identity: string) => string;
  /** `https://host[:port]`: see `RequestDesk.origin`. */
  origin?: string | undefined;
  /** Whether `_system` has it that this request was used: the book may be an older one. */
  wasUsed: (request: string) => Promise<boolean>;
}

const nameLengthMax = 100;
const sweepMs = 3_600_000;

export class StoredRequestDesk implements RequestDesk {
  readonly #parts: DeskParts;
  #telling: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** Tells what a crash left untold, and writes down what has expired, now and each hour. */
  async start(): Promise<void> {
    const { book, mode } = this.#parts;
    const known = book.fact('approvals');
    if (known !== mode && !(known === undefined && mode === 'auto')) {
      const event = book.event(approvalsEntry(known ?? 'auto', mode));
      book.commit({ fact: { name: 'approvals', value: mode }, untold: [event] });
    }
    book.sweep();
    await this.#tell();
    this.#timer = setInterval(() => {
      book.sweep();
      void this.#tell().catch(() => undefined); // told with the next one, or at the next start
    }, sweepMs).unref();
  }

  /** What cannot be told, on a full disk, is told at the next start. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#tell().catch(() => undefined);
  }

  mode(): ApprovalMode {
    return this.#parts.mode;
  }

  get origin(): string | undefined {
    return this.#parts.origin;
  }

  permitsStill(request: string | undefined): void {
    if (!this.needsTwo()) return;
    if (request === undefined) throw new VeiltrailError('approval_needed', 'this needs a second person by now');
    this.#parts.book.stands(request);
  }

  needsTwo(): boolean {
    return this.#parts.book.needsTwo(this.#parts.mode);
  }

  async ask(ask: Ask): Promise<RequestInfo> {
    return this.#onRecord({ action: 'request.ask', principal: ask.principal, requested: ask.action }, () => this.#parts.book.ask(this.#known(ask)));
  }

  async decide(decision: DecisionRequest): Promise<RequestInfo> {
    const action = `request.${decision.decision}`;
    return this.#onRecord({ action, principal: decision.principal, request: decision.id }, () => this.#parts.book.decide(this.#known(decision)));
  }

  async permit(permit: Permit): Promise<Approval[]> {
    if (!this.needsTwo()) return [];
    return (await this.#use(this.#known(permit), () => ({}))).approvals;
  }

  list(filter?: { state?: RequestState }): RequestInfo[] {
    return this.#parts.book.list(filter);
  }

  show(id: string): RequestInfo {
    return this.#parts.book.show(id);
  }

  approvers(): ApproverInfo[] {
    return this.#parts.book.approverInfos();
  }

  async enrol(enrolment: Enrolment): Promise<ApproverInfo> {
    const { principal, owner, approverOwner, name, request, ask } = enrolment;
    const { book, personOf, origin } = this.#parts;
    const attempt = { action: 'approver.enrol', principal, ...(request === undefined ? {} : { request }) };
    const verified = await this.#orRecorded(attempt, () => {
      if (name !== undefined) checkText(name, 'name', nameLengthMax);
      const { card, assertion } = verifyCard(enrolment.card);
      // Somebody else's page could show one thing and have another signed.
      if (assertion && origin !== undefined && assertion.origin !== origin)
        throw new VeiltrailError('approver_origin', `this key was made on another page than this server's own, which is ${origin}/approve`);
      if (book.approvers().some((one) => one.card.id === card.id)) throw new VeiltrailError('approver_exists', 'this key was enrolled before');
      return { card, counter: assertion?.counter ?? 0, person: personOf(approverOwner) };
    });
    const { card, counter, person } = verified;
    const detail = { approver: card.id, kind: card.kind, owner: person };
    const make = (used?: Usable): Approver => ({
      card,
      owner: person,
      ...(name === undefined ? {} : { name }),
      enrolledAt: book.nowText(),
      enrolledBy: principal,
      ...(used ? { enrolment: { id: used.id, digest: used.digest, detail, approvals: used.approvals } } : {}),
      counter,
    });
    return this.#change('approver.enrol', detail, make, {
      principal,
      ...(owner === undefined ? {} : { owner }),
      ...(request === undefined ? {} : { request }),
      ...(ask ? { ask } : {}),
    });
  }

  async remove(removal: Removal): Promise<ApproverInfo> {
    const { principal, owner, approver: id, request, ask } = removal;
    const { book } = this.#parts;
    const attempt = { action: 'approver.remove', principal, ...(request === undefined ? {} : { request }) };
    const approver = await this.#orRecorded(attempt, () => {
      const found = this.#parts.book.active().find(({ card }) => card.id === id);
      if (!found) throw new VeiltrailError('approver_unknown', 'no approver has this key');
      if (this.#parts.book.active().length === 1 && this.#parts.mode !== 'single')
        throw new VeiltrailError('approver_last', 'the last approver stays: enrol another one first');
      return found;
    });
    const detail = { approver: id };
    const make = (used?: Usable): Approver => ({
      ...approver,
      removedAt: book.nowText(),
      ...(used ? { removal: { id: used.id, digest: used.digest, detail, approvals: used.approvals } } : {}),
    });
    return this.#change('approver.remove', detail, make, {
      principal,
      ...(owner === undefined ? {} : { owner }),
      ...(request === undefined ? {} : { request }),
      ...(ask ? { ask } : {}),
    });
  }

  /** Changes the list of approvers: with a request where there is somebody to approve it. */
  async #change(
    action: 'approver.enrol' | 'approver.remove',
    detail: JsonObject,
    make: (used?: Usable) => Approver,
    by: Person & { request?: string; ask?: { purpose: string; reference?: string } },
  ): Promise<ApproverInfo> {
    const { book, mode } = this.#parts;
    // Whoever is there has a say about who comes, even where a single person may do everything else.
    const alone = this.#parts.book.active().length === 0 || (action === 'approver.remove' && mode === 'single');
    let made: Approver | undefined;
    const write = (used?: Usable): { approver: ReturnType<RequestBook['sealApprover']>; untold: Uint8Array[] } => {
      made = make(used);
      const approvals = used?.approvals ?? [];
      const entry = approverEntry(action, approverInfo(made), { principal: by.principal, approvals, ...(used ? { request: used.id } : {}) });
      return { approver: book.sealApprover(made), untold: [book.event(entry)] };
    };
    if (alone) {
      book.commit(write());
      await this.#tell();
    } else await this.#use(this.#known({ ...by, action, detail }), write);
    return approverInfo(made as Approver);
  }

  /** Uses a request, and writes down with it what belongs to it. */
  async #use(permit: Permit, more: (used: Usable) => { approver?: ReturnType<RequestBook['sealApprover']>; untold?: Uint8Array[] }): Promise<Usable> {
    const { book, wasUsed } = this.#parts;
    const { action, principal, request } = permit;
    const attempt = { action, principal, digest: digestRequest(action, permit.detail), ...(request === undefined ? {} : { request }) };
    if (request === undefined) return this.#orRecorded(attempt, () => this.#refuseUnasked(permit));
    return this.#orRecorded(attempt, async () => {
      // Before the book is looked at: from there on, nothing may come in between.
      const isReplayed = await wasUsed(request);
      const usable = book.usable({ ...permit, request });
      if (isReplayed) throw new VeiltrailError('request_used', 'the request was used: the log _system has it');
      const { approver, untold = [] } = more(usable);
      const change = { ...usable.change, untold: [...usable.change.untold, ...untold], ...(approver ? { approver } : {}) };
      if (!book.commit(change)) throw new VeiltrailError('request_used', 'the request was used: it is good for once');
      await this.#tell();
      return usable;
    });
  }

  async #refuseUnasked({ ask, action, detail, principal, owner }: Permit): Promise<never> {
    if (this.#parts.book.active().length === 0)
      throw new VeiltrailError('approval_needed', 'this needs a second person, and there is no approver yet: an admin enrols the first one');
    if (!ask) throw new VeiltrailError('approval_needed', 'this needs a second person: ask for it first, and name the request that was approved');
    const { id } = await this.ask({ action, detail, principal, ...(owner === undefined ? {} : { owner }), ...ask });
    throw new VeiltrailError(
      'approval_needed',
      `this needs a second person: request ${id} was made; an approver runs "veiltrail request approve ${id}", or opens /approve on the server; then do this again with the request named`,
      { request: id },
    );
  }

  /** Whoever works at the machine itself is the person of that name. */
  #known<T extends Person>(by: T): T {
    const name = by.owner === undefined ? /^local:(.+)$/s.exec(by.principal)?.[1] : undefined;
    return name === undefined ? by : { ...by, owner: this.#parts.personOf(name) };
  }

  /** A step of the book, on record before it is answered; and a refusal, too. */
  #onRecord<T>(attempt: Parameters<typeof refusalEntry>[0], step: () => T): Promise<T> {
    return this.#orRecorded(attempt, async () => {
      const done = step();
      await this.#tell();
      return done;
    });
  }

  async #orRecorded<T>(attempt: Parameters<typeof refusalEntry>[0], step: () => T | Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      if (error instanceof VeiltrailError && refusalCodes.has(error.code)) {
        // An expiry that was noticed on the way is told as well.
        await this.#tell().catch(() => undefined);
        await this.#parts.record(refusalEntry(attempt, error.code));
      }
      throw error;
    }
  }

  /** Tells all that is untold, in order. @throws VeiltrailError what appending throws */
  #tell(): Promise<void> {
    const telling = this.#telling
      .catch(() => undefined)
      .then(async () => {
        for (const { seq, event } of this.#parts.book.untold()) {
          await this.#parts.tell(event);
          // A crash before this line tells it again, and the log takes an event of the same id once.
          this.#parts.book.told(seq);
        }
      });
    this.#telling = telling;
    return telling;
  }
}

/** What is a person's doing, not the disk's. */
const refusalCodes: ReadonlySet<string> = new Set([
  'approval_needed',
  'approval_mismatch',
  'approval_signature',
  'approval_syntax',
  'approval_time',
  'approver_card',
  'approver_exists',
  'approver_last',
  'approver_origin',
  'approver_removed',
  'approver_unknown',
  'key_owner',
  'request_damaged',
  'request_decided',
  'request_denied',
  'request_expired',
  'request_mismatch',
  'request_own',
  'request_pending',
  'request_syntax',
  'request_unknown',
  'request_used',
  'requests_full',
]);
