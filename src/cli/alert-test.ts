/** `alert test`: rules over records that are stored, or over events of files as the policy would leave them. A dry run, by the code that raises alerts. */
import { setImmediate as turn } from 'node:timers/promises';
import { type AlertRule, isOfLog } from '../alerts/rule.ts';
import { type Finding, RuleWatch, type WatchedRecord } from '../alerts/rule-watch.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { RecordReader } from '../ledger/reader.ts';
import { parseTimestamp } from '../event/timestamp.ts';
import { seedBytes } from '../log/commitment.ts';
import { packedBytesMax, packRecord } from '../log/packed-record.ts';
import { flattenRecord } from '../log/record.ts';
import { searchableForm } from '../search/searchable-form.ts';
import { settingsOf, type TestOptions } from './commands/alert.ts';
import { dataDirOf } from './connection.ts';
import { eventsToTry } from './events-to-try.ts';
import { errorColors } from './colors.ts';
import { print, printJson, say } from './output.ts';
import { createPassingEngine } from './policy-option.ts';
import { exampleTokens } from './preview-event.ts';

/** An alert that would have been raised. (A type, because it is JSON.) */
type TestedAlert = {
  rule: string;
  severity: AlertRule['severity'];
  log: string;
  /** Leaves; of files, numbers of events from 1 on. */
  leaves: number[];
  /** Records, with those that would have been counted on it. */
  count: number;
  since: string;
  raisedAt: string;
};

const leavesShown = 100;

export async function testAlerts(files: readonly string[], options: TestOptions): Promise<void> {
  // A server's URL may stand in the environment, and files need none.
  if (options.url !== undefined && files.length === 0)
    throw new VeiltrailError('alert_request', 'rules are tested on a data directory, or on files: leave out --url (VEILTRAIL_URL), or name files');
  const { rules } = await settingsOf(options.config);
  const { log } = options;
  const watch = new RuleWatch(rules.filter((rule) => isOfLog(rule, log)));
  const alerts: TestedAlert[] = [];
  const newest = new Map<string, TestedAlert>();
  let records = 0;
  const take = async (all: AsyncIterable<WatchedRecord>): Promise<void> => {
    for await (const record of all) {
      records++;
      for (const finding of watch.take(log, record, watch.matching(log, record.searchable))) note(finding, alerts, newest);
      if (records % 256 === 0) await turn();
    }
  };
  await (files.length > 0 ? take(fileRecords(files, options)) : withStored(options, take));
  for (const alert of alerts) {
    if (options.json) printJson(alert);
    else print(lineOf(alert, files.length > 0 ? 'event' : 'leaf'));
  }
  if (!options.json) say(errorColors.dim(`${records} records, ${alerts.length} ${alerts.length === 1 ? 'alert' : 'alerts'}`));
}

function note({ rule, log, group, leafIndex, receivedAtMs, raises }: Finding, alerts: TestedAlert[], newest: Map<string, TestedAlert>): void {
  const key = `${rule.name}\n${group}`;
  const known = newest.get(key) ?? newest.get(rule.name);
  if (!raises) {
    if (!known) return;
    known.count++;
    if (known.leaves.length < leavesShown) known.leaves.push(leafIndex);
    return;
  }
  const alert: TestedAlert = {
    rule: rule.name,
    severity: rule.severity,
    log,
    leaves: raises.leaves.slice(0, leavesShown),
    count: raises.leaves.length,
    since: new Date(raises.sinceMs).toISOString(),
    raisedAt: new Date(receivedAtMs).toISOString(),
  };
  alerts.push(alert);
  for (const one of [key, rule.name]) newest.set(one, alert);
}

async function withStored(options: TestOptions, take: (all: AsyncIterable<WatchedRecord>) => Promise<void>): Promise<void> {
  const { withRecords } = await import('../server/open-records.ts');
  const { readDataConfig } = await import('../server/data-config.ts');
  const dataDir = dataDirOf(options);
  readDataConfig(dataDir);
  await withRecords(dataDir, (reader) => take(storedRecords(reader, options.log)));
}

async function* storedRecords(reader: RecordReader, log: string): AsyncGenerator<WatchedRecord> {
  for await (const { leafIndex, receivedAtMs, packed } of reader.records(log, 0, Number.MAX_SAFE_INTEGER))
    yield { leafIndex, receivedAtMs, searchable: searchableForm(packed) };
}

async function* fileRecords(files: readonly string[], { policy, format, log }: TestOptions): AsyncGenerator<WatchedRecord> {
  const engine = await createPassingEngine(policy, { log });
  const token = exampleTokens();
  const nowMs = Date.now();
  let leafIndex = 0;
  for await (const { event } of eventsToTry(files, { log, format, newest: 0 }, false)) {
    const { event: after } = engine.apply(engine.plan(event), token);
    const time = after['time'];
    const receivedAtMs = (typeof time === 'string' ? parseTimestamp(time)?.ms : undefined) ?? nowMs;
    const fields = flattenRecord(after);
    const packed = new Uint8Array(packedBytesMax(fields));
    yield { leafIndex: ++leafIndex, receivedAtMs, searchable: packed.subarray(0, packRecord(packed, 0, new Uint8Array(seedBytes), fields)) };
  }
}

function lineOf({ rule, severity, leaves, count, raisedAt }: TestedAlert, what: 'event' | 'leaf'): string {
  const places = `${what} ${leaves.slice(0, 10).join(', ')}${count > 10 ? ' …' : ''}`;
  return [raisedAt.slice(0, 19), severity.padEnd(8), rule.padEnd(30), `${count} ${count === 1 ? 'record' : 'records'}`.padEnd(12), places].join('  ');
}
