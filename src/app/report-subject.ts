/**
 * Everything that is held about a person, how long it stays, and who touched it (GDPR art. 15). Values are in it only where whoever makes the
 * report asks for them: that is a reveal, on record as one.
 */
import type { JsonObject, JsonValue } from '../core/json.ts';
import { isJsonObject } from '../core/json.ts';
import type { OpenRecord } from '../log/open-record.ts';
import { recordOfFields } from '../log/open-record.ts';
import type { AskedBy } from './asked-operation.ts';
import { whoAndWhy } from './look-up-report.ts';
import {
  asPairs,
  type FindSubjectParts,
  type FoundSubject,
  findSubject,
  placesOfSubject,
  type SubjectRequest,
  type SubjectToken,
} from './find-subject.ts';
import { dueAtMs, formatKeep, type RetentionTable, ruleOf } from './retention-table.ts';

export interface ReportRequest extends SubjectRequest {
  /** Show the values behind the tokens: a reveal. */
  reveal?: boolean;
}

/** (Types, because they are JSON.) */
export type ReportedRecord = {
  log: string;
  leafIndex: number;
  receivedAt?: string;
  time?: string;
  action?: string;
  outcome?: string;
  category?: string;
  /** Paths at which the person stands in it. */
  paths: string[];
  /** When retention lets it go; absent: kept without end. */
  keptUntil?: string;
};

export type Touch = {
  at: string;
  action: string;
  by: string;
  outcome?: string;
  purpose?: string;
  reference?: string;
  /** Records of the person that it was about, where it was about some. */
  records?: number;
  /** Leaf of `_system` that says so. */
  leafIndex: number;
};

export type SubjectReport = {
  madeAt: string;
  madeBy: string;
  installation: string;
  tokens: (SubjectToken & { value?: string })[];
  notMeant: { token: string; paths: string[]; because: string }[];
  hashes: FoundSubject['hashes'];
  ids: { records: number; paths: string[] };
  logs: { log: string; records: number; keeps: { rule: string; keep: string; basis: string; records: number }[] }[];
  /** Newest first. */
  records: ReportedRecord[];
  /** There are more records than the report lists. */
  moreRecords: number;
  /** Newest first: who read, searched for, revealed or removed something of it. */
  touched: Touch[];
  moreTouched: number;
};

export interface ReportParts extends FindSubjectParts {
  /** Records of a log from one leaf up to another, opened; without those that are gone. */
  records(log: string, from: number, to: number): AsyncIterable<{ leafIndex: number; receivedAtMs: number; open: OpenRecord }>;
  /** What tokens stand for; on record as a reveal when it returns. Those that open no more are left out. */
  reveal(tokens: readonly string[], asked: AskedBy): Promise<Map<string, string>>;
  retention(): RetentionTable;
  installation: string;
  nowMs(): number;
}

const recordsShown = 10_000;
const touchesShown = 10_000;
/** Events of `_system` that are looked through for reads of the person's records. */
const readsLookedThrough = 500_000;
const pageMax = 1_000;
const systemLog = '_system';
/** What tells of leaves, in ranges. */
const readsQuery = ['event.read', 'event.search', 'event.prove', 'event.stream', 'evidence.export', 'export.raw', 'export.leaves']
  .map((action) => `action:${action}`)
  .join(' OR ');
const noRule = 'no rule';

/**
 * Makes a report. On record when it returns.
 * @throws VeiltrailError as `findSubject` and revealing
 */
export async function reportSubject(parts: ReportParts, request: ReportRequest, asked: AskedBy): Promise<SubjectReport> {
  const found = await findSubject(parts, request, asked);
  const tokens = found.tokens.map(({ token }) => token);
  const known = found.tokens.filter(({ kind }) => kind !== undefined).map(({ token }) => token);
  const values = request.reveal && known.length > 0 ? await parts.reveal(known, asked) : new Map<string, string>();
  const records: ReportedRecord[] = [];
  const logs: SubjectReport['logs'] = [];
  const table = parts.retention();
  for (const { log, records: count, leaves } of found.records) {
    const keeps = new Map<string, SubjectReport['logs'][number]['keeps'][number]>();
    for (const [from, to] of asPairs(leaves)) {
      for await (const one of parts.records(log, from, to)) {
        const reported = reportedRecord(log, one, [...tokens, ...found.hashes.map(({ hash }) => hash)], request);
        const rule = ruleOf(table, { log, category: reported.category });
        const keep = keeps.get(rule?.name ?? noRule) ?? {
          rule: rule?.name ?? noRule,
          keep: formatKeep(rule?.keep ?? 'forever'),
          basis: rule?.basis ?? '',
          records: 0,
        };
        keep.records++;
        keeps.set(keep.rule, keep);
        const dueMs = rule && dueAtMs(rule.keep, one.receivedAtMs);
        records.push({ ...reported, ...(dueMs === undefined ? {} : { keptUntil: new Date(dueMs).toISOString() }) });
      }
    }
    logs.push({ log, records: count, keeps: [...keeps.values()] });
  }
  const newest = records.toSorted((a, b) => compare(b.receivedAt ?? '', a.receivedAt ?? '') || b.leafIndex - a.leafIndex);
  const touched = await touchesOf(parts, tokens, new Map(found.records.map(({ log, leaves }) => [log, leaves])));
  await parts.recorder.write({
    action: 'subject.report',
    category: 'data_export',
    severity: 3,
    ...whoAndWhy(asked),
    outcome: 'success',
    metadata: { tokens, records: records.length, logs: logs.map(({ log, records: count }) => ({ log, records: count })), revealed: values.size },
  });
  return {
    madeAt: new Date(parts.nowMs()).toISOString(),
    madeBy: asked.principal,
    installation: parts.installation,
    tokens: found.tokens.map((one) => {
      const value = values.get(one.token);
      return { ...one, ...(value === undefined ? {} : { value }) };
    }),
    notMeant: found.notMeant.map(({ token, paths, because }) => ({ token, paths, because })),
    hashes: found.hashes,
    ids: found.ids,
    logs,
    records: newest.slice(0, recordsShown),
    moreRecords: Math.max(0, newest.length - recordsShown),
    touched: touched.slice(0, touchesShown),
    moreTouched: Math.max(0, touched.length - touchesShown),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function reportedRecord(
  log: string,
  { leafIndex, open }: { leafIndex: number; open: OpenRecord },
  tokens: readonly string[],
  request: ReportRequest,
): ReportedRecord {
  const record = recordOfFields(open);
  const text = (name: string): JsonObject => (typeof record[name] === 'string' ? { [name]: record[name] } : {});
  const paths = placesOfSubject(open, tokens, request);
  return { log, leafIndex, ...text('receivedAt'), ...text('time'), ...text('action'), ...text('outcome'), ...text('category'), paths };
}

/** Events of `_system` that name one of the tokens, or tell of reading one of the records. Newest first. */
async function touchesOf(parts: ReportParts, tokens: readonly string[], leaves: ReadonlyMap<string, number[]>): Promise<Touch[]> {
  if (!parts.logs().includes(systemLog)) return [];
  const touches = new Map<number, Touch>();
  for (const token of tokens) {
    for await (const { leafIndex, record } of systemEvents(parts, `"${token}"`)) touches.set(leafIndex, touchOf(leafIndex, record));
  }
  let looked = 0;
  for await (const { leafIndex, record } of systemEvents(parts, readsQuery)) {
    if (++looked > readsLookedThrough) break;
    const log = logIn(record);
    const metadata = record['metadata'];
    const of = log === undefined ? undefined : leaves.get(log);
    if (!of || !isJsonObject(metadata)) continue;
    const count = overlap(of, Array.isArray(metadata['leaves']) ? metadata['leaves'] : metadata['ranges']);
    if (count > 0) touches.set(leafIndex, { ...touchOf(leafIndex, record), records: count });
  }
  return [...touches.values()].toSorted((a, b) => b.leafIndex - a.leafIndex);
}

async function* systemEvents(parts: ReportParts, q: string): AsyncGenerator<{ leafIndex: number; record: JsonObject }> {
  let cursor: string | undefined;
  do {
    const page = await parts.search(systemLog, { q, limit: pageMax, ...(cursor === undefined ? {} : { cursor }) });
    for (const { leafIndex, ...open } of page.hits) yield { leafIndex, record: recordOfFields(open) };
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

function touchOf(leafIndex: number, record: JsonObject): Touch {
  const { time, receivedAt, action, actor, outcome, purpose, metadata } = record;
  const reference = isJsonObject(metadata) ? metadata['reference'] : undefined;
  const by = isJsonObject(actor) && typeof actor['id'] === 'string' ? actor['id'] : 'unknown';
  return {
    at: textOf(time) ?? textOf(receivedAt) ?? '',
    action: textOf(action) ?? '',
    by,
    ...(typeof outcome === 'string' ? { outcome } : {}),
    ...(typeof purpose === 'string' ? { purpose } : {}),
    ...(typeof reference === 'string' ? { reference } : {}),
    leafIndex,
  };
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function logIn({ targets }: JsonObject): string | undefined {
  if (!Array.isArray(targets)) return undefined;
  const log = targets.find((target) => isJsonObject(target) && target['type'] === 'log');
  return isJsonObject(log) ? textOf(log['id']) : undefined;
}

/** How many leaves two lists of ranges have in common. */
function overlap(own: readonly number[], others: unknown): number {
  if (!Array.isArray(others)) return 0;
  let count = 0;
  for (const [from, to] of asPairs(own)) {
    for (let i = 0; i + 1 < others.length; i += 2) count += Math.max(0, Math.min(to, Number(others[i + 1])) - Math.max(from, Number(others[i])));
  }
  return count;
}
