/** A desk on a real store, with approvers and time of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApproverKey, type ApproverKey } from '../../src/access/approver-key.ts';
import type { AccessEntry } from '../../src/app/access-event.ts';
import { RequestBook } from '../../src/app/request-book.ts';
import { StoredRequestDesk } from '../../src/app/request-desk.ts';
import type { ApprovalMode, Ask, RequestInfo } from '../../src/app/requests.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { systemRandom } from '../../src/core/random.ts';
import { openSqliteRequestStore } from '../../src/storage/sqlite/request-store.ts';
import type { RequestStore } from '../../src/storage/request-store.ts';
import { createTextSealer, type TextSealer } from '../../src/vault/sealed-text.ts';
import { type Approval, type Decision, statementBytes } from '../../src/verify/approval.ts';
import { type ApproverCard, enrolmentBytes } from '../../src/verify/enrolment.ts';

export const dayMs = 86_400_000;
export const hourMs = 3_600_000;

export interface TestDesk {
  desk: StoredRequestDesk;
  book: RequestBook;
  store: RequestStore;
  sealer: TextSealer;
  clock: { now: () => number; nowMs: number };
  /** What went to `_system`, in its order; repetitions of an id once. */
  events: JsonObject[];
  path: string;
  /** Closes the file, to be looked at or changed by others. */
  shut: () => void;
  /** Opens the same file again, as after a crash. */
  reopen: (change?: DeskOptions) => TestDesk;
  close: () => void;
}

export interface DeskOptions {
  mode?: ApprovalMode;
  /** Instead of appending an event. */
  tell?: (event: JsonObject) => Promise<void>;
  /** The book is as an older copy of the file has it. */
  wasUsed?: boolean;
}

export function openDesk(options: DeskOptions = {}): TestDesk {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-requests-'));
  const clock = { nowMs: Date.parse('2026-11-22T12:00:00Z'), now: () => clock.nowMs };
  const secrets = [{ version: 1, key: systemRandom.bytes(32) }];
  const sealer = createTextSealer(secrets, 'requests', systemRandom);
  const events: JsonObject[] = [];
  const path = join(dir, 'requests.db');
  const open = ({ mode = 'auto', tell, wasUsed }: DeskOptions): TestDesk => {
    const store = openSqliteRequestStore(path);
    const book = new RequestBook({ store, sealer, clock, random: systemRandom, expiryMs: 7 * dayMs, usableMs: 24 * hourMs });
    const append = async (event: JsonObject): Promise<void> => {
      if (!events.some(({ id }) => id === event['id'])) events.push(event);
    };
    const desk = new StoredRequestDesk({
      book,
      mode,
      tell: tell ?? append,
      record: async (entry: AccessEntry) => void events.push(JSON.parse(JSON.stringify(entry)) as JsonObject),
      personOf: (identity) => `person:${identity.trim().toLowerCase()}`,
      wasUsed: async (id) => wasUsed ?? events.some((event) => event['action'] === 'request.use' && targetOf(event) === id),
    });
    let isOpen = true;
    const shut = (): void => {
      if (isOpen) store.close();
      isOpen = false;
    };
    const reopen = (change: DeskOptions = {}): TestDesk => {
      shut();
      return open(change);
    };
    const close = (): void => {
      shut();
      rmSync(dir, { recursive: true, force: true });
    };
    return { desk, book, store, sealer, clock, events, path, shut, reopen, close };
  };
  return open(options);
}

export function targetOf(event: JsonObject): unknown {
  const [target] = (event['targets'] ?? [event['target']]) as JsonObject[];
  return target?.['id'];
}

export function cardOf(key: ApproverKey, time = '2026-11-22T11:00:00.000Z'): ApproverCard {
  const { id, kind, publicKey } = key;
  return { id, kind, publicKey, time, signature: key.sign(enrolmentBytes({ id, time })) };
}

export function newApprover(): ApproverKey {
  return createApproverKey(systemRandom).key;
}

/** An approver's signed word. */
export function decisionOf(key: ApproverKey, { id, digest }: { id: string; digest: string }, decision: Decision, nowMs: number): Approval {
  const statement = { request: id, digest, decision, approver: key.id, time: new Date(nowMs).toISOString() };
  return { ...statement, kind: key.kind, publicKey: key.publicKey, signature: key.sign(statementBytes(statement)) };
}

export const anAsk: Ask = {
  action: 'token.reveal',
  detail: { token: 'tok_AAAAAAAAAAAAAAAAAAAAAAAAAAA' },
  principal: 'askeraaaaaaa',
  owner: 'person:asker',
  purpose: 'fraud inquiry',
  reference: 'CASE-7',
};

/** Enrols the first approver, and asks. */
export async function askedOf(test: TestDesk, more: Partial<Ask> = {}): Promise<{ approver: ApproverKey; asked: RequestInfo }> {
  const approver = newApprover();
  await test.desk.enrol({ principal: 'adminaaaaaaa', card: cardOf(approver), approverOwner: 'Second', name: 'the second person' });
  return { approver, asked: await test.desk.ask({ ...anAsk, ...more }) };
}

export async function approve(test: TestDesk, approver: ApproverKey, asked: RequestInfo): Promise<RequestInfo> {
  return test.desk.decide({
    id: asked.id,
    decision: 'approve',
    principal: 'approveraaaa',
    approval: decisionOf(approver, asked, 'approve', test.clock.now()),
  });
}
