/**
 * An alert: what a rule found, and what became of it. It names leaves and principals; of values, at most the pseudonymous one that it is grouped by,
 * and that one leaves `alerts.db` only where it says nothing by itself: a token, or what the server's own log has anyway.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import { textOfJson } from './record-fields.ts';
import { type AlertSeverity, alertSeverities, severityNumber } from './rule.ts';

export type AlertState = 'open' | 'acknowledged';
export const alertStates = ['open', 'acknowledged'] as const;

/** As it is kept. */
export interface Alert {
  /** `al_` and 32 hex digits: a keyed digest of rule, log and the leaf that decided, so that finding it again makes no second one. */
  id: string;
  rule: string;
  severity: AlertSeverity;
  log: string;
  /** The first of its leaves, ascending. */
  leaves: number[];
  /** How many records there are by now, and the newest of them. */
  count: number;
  lastLeaf: number;
  /** By times of receipt: of its first record, of the one that decided, of the newest. */
  sinceMs: number;
  raisedMs: number;
  lastMs: number;
  /** No second alert of its group until then. */
  quietUntilMs: number;
  /** The pointer that it is grouped by, and canonical JSON of the value there. */
  by?: string;
  group: string;
  /** Principals who made it happen, as events of the server's own log name them. */
  actors: string[];
  /** The leaf of `_system` that tells of it; absent until it does. */
  toldLeaf?: number;
  /** Who has dealt with it. */
  acknowledged?: { by: string; atMs: number; leaf?: number; purpose?: string; reference?: string };
}

/** Leaves that an alert names. */
export const leavesMax = 100;
/** Principals that an alert names. */
export const actorsMax = 20;

export const alertIdPattern = /^al_[0-9a-f]{32}$/;
export const raiseAction = 'alert.raise';
export const acknowledgeAction = 'alert.acknowledge';
/** Events that the engine itself makes: no rule looks at them. */
export const ownActions: ReadonlySet<string> = new Set([raiseAction, 'alert.limit', 'alert.follow']);

/** As people see it. (A type, because it is JSON.) */
export type AlertInfo = {
  id: string;
  rule: string;
  severity: AlertSeverity;
  state: AlertState;
  log: string;
  leaves: number[];
  count: number;
  since: string;
  raisedAt: string;
  lastAt: string;
  by?: string;
  group?: string;
  actors: string[];
  /** The leaf of `_system` that tells of it. */
  leaf?: number;
  acknowledged?: { by: string; at: string; leaf?: number; purpose?: string; reference?: string };
};

export function stateOf({ acknowledged }: Alert): AlertState {
  return acknowledged ? 'acknowledged' : 'open';
}

const wholeToken = /^"[^\s"\\]{0,80}tok_[A-Za-z0-9_-]{27}[^\s"\\]{0,20}"$/;

/** The value of the group, where it says nothing by itself. */
function shownGroup({ log, group }: Pick<Alert, 'log' | 'group'>): string | undefined {
  return group !== '' && (log.startsWith('_') || wholeToken.test(group)) ? textOfJson(group) : undefined;
}

export function alertInfo(alert: Alert): AlertInfo {
  const { id, rule, severity, log, leaves, count, by, actors, toldLeaf, acknowledged } = alert;
  const group = shownGroup(alert);
  return {
    id,
    rule,
    severity,
    state: stateOf(alert),
    log,
    leaves,
    count,
    since: timeText(alert.sinceMs),
    raisedAt: timeText(alert.raisedMs),
    lastAt: timeText(alert.lastMs),
    ...(by === undefined ? {} : { by }),
    ...(group === undefined ? {} : { group }),
    actors,
    ...(toldLeaf === undefined ? {} : { leaf: toldLeaf }),
    ...(acknowledged ? { acknowledged: acknowledgedInfo(acknowledged) } : {}),
  };
}

function acknowledgedInfo({ atMs, ...rest }: NonNullable<Alert['acknowledged']>): NonNullable<AlertInfo['acknowledged']> {
  return { ...rest, at: timeText(atMs) };
}

/** What the event of an alert says, besides what every record of the server's own does. */
export function raiseMembers(alert: Alert): JsonObject {
  const { rule, severity, log, leaves, count, by, actors } = alert;
  const group = shownGroup(alert);
  return {
    category: 'alert',
    severity: severityNumber(severity),
    targets: [{ type: 'log', id: log }],
    message: `alert ${rule}: ${count === 1 ? 'a record' : `${count} records`} of log ${log}`,
    metadata: {
      rule,
      level: severity,
      leaves,
      count,
      since: timeText(alert.sinceMs),
      raisedAt: timeText(alert.raisedMs),
      ...(by === undefined ? {} : { by }),
      ...(group === undefined ? {} : { group }),
      actors,
    },
  };
}

/** The alert that an event of {@link raiseAction} tells of; undefined for what {@link raiseMembers} did not write. */
export function alertOfEvent(record: JsonObject, toldLeaf: number): Alert | undefined {
  const { id, targets, metadata } = record;
  const log = Array.isArray(targets) && isJsonObject(targets[0]) ? targets[0]['id'] : undefined;
  if (typeof id !== 'string' || !alertIdPattern.test(id) || typeof log !== 'string' || !isJsonObject(metadata)) return undefined;
  const { rule, level, count, since, raisedAt, by, group, actors } = metadata;
  const severity = alertSeverities.find((one) => one === level);
  const leaves = numbersOf(metadata['leaves']);
  const [sinceMs, raisedMs] = [since, raisedAt].map((one) => (typeof one === 'string' ? Date.parse(one) : Number.NaN)) as [number, number];
  if (typeof rule !== 'string' || !severity || leaves.length === 0 || typeof count !== 'number' || Number.isNaN(sinceMs + raisedMs)) return undefined;
  return {
    id,
    rule,
    severity,
    log,
    leaves,
    count,
    lastLeaf: leaves.at(-1) as number,
    sinceMs,
    raisedMs,
    lastMs: raisedMs,
    // When it was to be quiet is not in the event: another alert is better than none.
    quietUntilMs: 0,
    ...(typeof by === 'string' ? { by } : {}),
    group: log.startsWith('_') && typeof group === 'string' ? JSON.stringify(group) : '',
    actors: (Array.isArray(actors) ? actors : []).filter((one) => typeof one === 'string'),
    toldLeaf,
  };
}

function numbersOf(value: JsonValue | undefined): number[] {
  return (Array.isArray(value) ? value : []).filter((one) => typeof one === 'number' && Number.isSafeInteger(one) && one >= 0) as number[];
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
