/** What is worth an alert: a rule over the records of some logs. Records are anonymised before any rule sees them, and so are groups. */
import type { Severity } from '../event/audit-event.ts';

/** From the least to the most. */
export const alertSeverities = ['low', 'medium', 'high', 'critical'] as const;
export type AlertSeverity = (typeof alertSeverities)[number];

export interface AlertRule {
  name: string;
  severity: AlertSeverity;
  /** Names of logs; `*`: every log but the server's own. */
  logs: readonly string[];
  /** What a record must be: the query language of search. */
  q: string;
  /** So many records [1] … */
  count: number;
  /** … within so long by their times of receipt; 0 where the count is 1. */
  withinMs: number;
  /** RFC 6901 pointer: counted, and kept quiet, for each value there; without it all records of a log are one group. */
  by?: string;
  /** So long after an alert, what else is found of its group is counted on it and raises none of its own. */
  quietMs: number;
  /** Why somebody should look. */
  why: string;
  /** One that comes with the program. */
  builtIn: boolean;
}

export const ruleLimits = {
  /** Own rules. */
  rulesMax: 200,
  nameMax: 60,
  logsMax: 100,
  whyMax: 300,
  countMax: 1_000,
  withinMsMax: 24 * 3_600_000,
  quietMsMax: 7 * 24 * 3_600_000,
  pointerMax: 512,
} as const;

export const ruleNamePattern = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

/** As events have it. */
export function severityNumber(severity: AlertSeverity): Severity {
  return (alertSeverities.indexOf(severity) + 2) as Severity;
}

/** Whether a rule looks at a log. */
export function isOfLog({ logs }: Pick<AlertRule, 'logs'>, log: string): boolean {
  return logs.includes(log) || (logs.includes('*') && !log.startsWith('_'));
}

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90s`, `10m`, `2h`, `1d` in milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = /^([1-9]\d{0,5})([smhd])$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * units[unit as keyof typeof units];
}

export function formatDuration(ms: number): string {
  const unit = (['d', 'h', 'm', 's'] as const).find((one) => ms % units[one] === 0) ?? 's';
  return `${Math.round(ms / units[unit])}${unit}`;
}
