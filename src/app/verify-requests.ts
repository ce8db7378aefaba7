/**
 * Verification of what took two persons: the book of requests against itself, and against `_system`, which nobody can rewrite.
 *
 *   every approver was approved by one who was there before, and the log tells of it, and of who was removed
 *   every decision in the book bears a signature that fits
 *   every use that the log tells of bears one, too; no request was used twice; and the book has it that it was used
 *
 * What the last line finds is a book that somebody put back to an older one.
 */
import { utf8 } from '../core/bytes.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import type { StoredRecord } from '../ledger/reader.ts';
import { openRecord, recordOfFields } from '../log/open-record.ts';
import { isApprovedBy } from '../verify/approval.ts';
import type { Problem } from '../verify/problem.ts';
import type { RequestBook } from './request-book.ts';
import { type ApprovalMode, requestActions } from './requests.ts';

export interface RequestChecks {
  book: RequestBook;
  mode: ApprovalMode;
  /** `_system` as it is when this is called: its leaves, and all records that are left. */
  readLog: () => Promise<{ treeSize: number; records: AsyncIterable<StoredRecord> }>;
}

export interface RequestFindings {
  problems: Problem[];
  /** What was verified, in words. */
  detail: string;
  /** What is as it may be, and should be known. */
  notices: string[];
}

const where = 'requests.db';
const weighty = requestActions.filter((action) => !action.startsWith('approver.'));

/** @throws VeiltrailError what reading records throws */
export async function verifyRequests({ book, mode, readLog }: RequestChecks): Promise<RequestFindings> {
  const problems: Problem[] = [];
  const report = (code: string, message: string): void => void problems.push({ code, where, message });
  // A server may go on meanwhile. What is in the book before the log is read is in the log, or waits to be told; what is in the log is in the
  // book afterwards. A book that is damaged says so below.
  const enrolled = attempt(() => book.approverInfos()) ?? [];
  const waiting = attempt(() => book.untold().map(({ event }) => event)) ?? [];
  const { treeSize, records } = await readLog();
  const told = await readEvents(records);
  const now = attempt(() => book.approverInfos()) ?? enrolled;
  // An event that was told twice, for a crash came between, is one: it has one id.
  const events = [
    ...new Map<unknown, ToldEvent>([...waiting.map((event) => ({ event })), ...told.events].map((one) => [one.event['id'], one])).values(),
  ];
  const approvers = new Set(now.map(({ id }) => id));

  for (const { code, message } of book.audit()) report(code, message);
  const targetsOf = (action: string): Set<string> =>
    new Set(events.filter(({ event }) => event['action'] === action).map(({ event }) => targetOf(event)));
  const enrolments = targetsOf('approver.enrol');
  const removals = targetsOf('approver.remove');
  // Where retention let records of the log go, nobody can say what they told.
  const isWhole = told.count === treeSize;
  for (const { id } of enrolled)
    if (isWhole && !enrolments.has(id)) report('approver_unrecorded', `${id} is an approver, and the log _system does not tell of it`);
  for (const { id, removedAt } of enrolled)
    if (isWhole && removedAt !== undefined && !removals.has(id))
      report('approver_unrecorded', `${id} was removed in the book, and the log _system does not tell of it`);
  for (const { id, removedAt } of now)
    if (removedAt === undefined && removals.has(id))
      report('request_rolled_back', `the log _system tells that the approver ${id} was removed, and the book has it still`);
  for (const id of enrolments)
    if (!approvers.has(id)) report('approver_missing', `the log _system tells of the approver ${id}, whom the book does not have any more`);

  const uses = Map.groupBy(
    events.filter(({ event }) => event['action'] === 'request.use'),
    ({ event }) => targetOf(event),
  );
  for (const [id, used] of uses) {
    if (used.length > 1) report('request_used_twice', `${id} was used ${used.length} times: leaves ${used.map((one) => one.leafIndex).join(', ')}`);
    if (!used.every(({ event }) => isSigned(event, id, approvers)))
      report('approval_signature', `the use of ${id} bears no approval that an approver signed`);
    const state = attempt(() => book.show(id).state);
    if (state !== 'used') report('request_rolled_back', `the log _system tells that ${id} was used, and the book says ${state ?? 'nothing of it'}`);
  }
  const isSingle = mode === 'single' || (mode === 'auto' && !enrolled.some(({ removedAt }) => removedAt === undefined));
  return {
    problems,
    detail: isSingle
      ? 'single-person installation'
      : `${enrolled.filter(({ removedAt }) => removedAt === undefined).length} approvers, ${uses.size} requests used, each signed and once`,
    notices: isSingle ? [`single-person installation: no second person is needed for ${weighty.join(', ')}`] : [],
  };
}

interface ToldEvent {
  event: JsonObject;
  /** Absent: not in the log yet. */
  leafIndex?: number;
}

interface Told {
  events: ToldEvent[];
  /** Records that are left. */
  count: number;
}

const actions = ['"request.use"', '"approver.enrol"', '"approver.remove"'].map((text) => Buffer.from(utf8(text)));

async function readEvents(records: AsyncIterable<StoredRecord>): Promise<Told> {
  const told: Told = { events: [], count: 0 };
  for await (const { leafIndex, packed } of records) {
    told.count++;
    const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.length);
    if (!actions.some((action) => bytes.includes(action))) continue;
    const event = attempt(() => recordOfFields(openRecord(packed)));
    if (event?.['outcome'] === 'success') told.events.push({ event, leafIndex });
  }
  return told;
}

function isSigned({ metadata }: JsonObject, request: string, approvers: ReadonlySet<string>): boolean {
  if (!isJsonObject(metadata) || typeof metadata['digest'] !== 'string' || !Array.isArray(metadata['approvals'])) return false;
  const { digest, approvals } = metadata as { digest: string; approvals: JsonValue[] };
  return isApprovedBy({ id: request, digest, approvals }, approvers);
}

function targetOf({ targets }: JsonObject): string {
  const [target] = Array.isArray(targets) ? targets : [];
  return isJsonObject(target) && typeof target['id'] === 'string' ? target['id'] : '';
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
