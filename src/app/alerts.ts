/**
 * What people do with alerts: look at them, and say that somebody has dealt with one. That is on record with who and why, and nobody says it of what
 * they did themselves: not with another key of theirs, nor as whoever has the disk.
 */
import { type Alert, alertIdPattern, alertInfo, type AlertInfo, stateOf } from '../alerts/alert.ts';
import type { AlertBook, AlertFilter } from '../alerts/alert-book.ts';
import { type AlertRule, formatDuration } from '../alerts/rule.ts';
import type { AlertSettings } from '../alerts/rules-file.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { Clock } from '../core/clock.ts';
import { type AccessEntry, actorIdOf } from './access-event.ts';
import { type Asker, checkReasons, isReason, purposeMax, type Reasons } from './look-up-report.ts';

/** As people see it. (A type, because it is JSON.) */
export type RuleInfo = {
  name: string;
  severity: AlertRule['severity'];
  logs: string[];
  q: string;
  count: number;
  within?: string;
  by?: string;
  quiet?: string;
  why: string;
  builtIn: boolean;
};

export interface Alerts {
  /** Newest first. @throws VeiltrailError `alert_unknown` for a `before` that there is not */
  list(filter?: AlertFilter): AlertInfo[];
  /** @throws VeiltrailError `alert_unknown` */
  show(id: string): AlertInfo;
  /** Those in force, and built-in ones that are not. */
  rules(): { rules: RuleInfo[]; disabled: string[] };
  /**
   * Somebody has dealt with it. On record when it returns.
   * @throws VeiltrailError `alert_unknown`, `alert_acknowledged`, `alert_own`, `purpose_needed`, `reference_needed`
   */
  acknowledge(id: string, asker: Asker & Reasons): Promise<AlertInfo>;
}

export interface AlertsParts {
  book: Pick<AlertBook, 'list' | 'get' | 'acknowledge'>;
  settings: () => AlertSettings;
  record(entry: AccessEntry): Promise<void>;
  /** The persons that a principal is or was, as events name it; empty where none is known. */
  personsOf(actor: string): readonly string[];
  clock: Clock;
  /** What comes now of the same group is new. */
  onAcknowledged(alert: Alert): void;
}

export function createAlerts(parts: AlertsParts): Alerts {
  const { book } = parts;
  const underWay = new Set<string>();
  const alertOf = (id: string): Alert => {
    const alert = alertIdPattern.test(id) ? book.get(id) : undefined;
    if (!alert) throw new VeiltrailError('alert_unknown', 'there is no alert of that id');
    return alert;
  };
  return {
    list(filter = {}) {
      if (filter.before !== undefined) alertOf(filter.before);
      return book.list(filter).map(alertInfo);
    },
    show: (id) => alertInfo(alertOf(id)),
    rules() {
      const { rules, disabled } = parts.settings();
      return { rules: rules.map(ruleInfo), disabled: [...disabled] };
    },
    async acknowledge(id, asker) {
      const alert = alertOf(id);
      const { purpose = '', reference } = asker;
      if (!isReason(purpose, purposeMax)) throw new VeiltrailError('purpose_needed', `a purpose says why, in 1 to ${purposeMax} characters`);
      if (reference !== undefined) checkReasons({ purpose, reference });
      if (stateOf(alert) === 'acknowledged' || underWay.has(id)) throw new VeiltrailError('alert_acknowledged', 'somebody has dealt with it already');
      const whose = whoseIs(alert, asker, parts);
      const entry = entryOf(alert, asker, whose);
      if (whose === 'own') {
        await parts.record({ ...entry, outcome: 'denied', reason: 'alert_own', severity: 3 });
        throw new VeiltrailError('alert_own', 'whoever made it happen cannot say that it was dealt with, with no key of theirs');
      }
      underWay.add(id);
      try {
        await parts.record(entry);
        // Why is learnt from the record, as the policy leaves it: see AlertBook.learnAcknowledged.
        const now = book.acknowledge(id, { by: actorIdOf(asker.principal), atMs: parts.clock.now() }) ?? alert;
        parts.onAcknowledged(now);
        return alertInfo(now);
      } finally {
        underWay.delete(id);
      }
    },
  };
}

function entryOf({ id, rule, severity }: Alert, { principal, role, purpose, reference }: Asker & Reasons, whose: Whose): AccessEntry {
  return {
    action: 'alert.acknowledge',
    principal,
    ...(role === undefined ? {} : { role }),
    outcome: 'success',
    category: 'log_control',
    severity: whose === 'unknown' ? 3 : 2,
    target: { type: 'alert', id },
    ...(purpose === undefined ? {} : { purpose }),
    ...(reference === undefined ? {} : { reference }),
    metadata: { rule, level: severity, ...(whose === 'unknown' ? { personsUnknown: true } : {}) },
  };
}

/** `unknown`: nothing says that the asker is not one of those who made it happen. */
type Whose = 'own' | 'other' | 'unknown';

function whoseIs({ actors }: Alert, { principal, owner }: Asker, parts: AlertsParts): Whose {
  const own = actorIdOf(principal);
  const all = actors.map((actor) => whoseOf(actor, own, owner, parts));
  return all.find((one) => one === 'own') ?? all.find((one) => one === 'unknown') ?? 'other';
}

function whoseOf(actor: string, own: string, owner: string | undefined, parts: AlertsParts): Whose {
  // Whoever has the disk may say to be anybody who has.
  if (actor === own || (isLocal(actor) && isLocal(own))) return 'own';
  if (actor === 'system') return 'other';
  const persons = parts.personsOf(actor);
  if (owner === undefined || persons.length === 0) return 'unknown';
  return persons.includes(owner) ? 'own' : 'other';
}

function isLocal(actor: string): boolean {
  return actor === 'local' || actor.startsWith('local:');
}

export function ruleInfo({ name, severity, logs, q, count, withinMs, by, quietMs, why, builtIn }: AlertRule): RuleInfo {
  return {
    name,
    severity,
    logs: [...logs],
    q,
    count,
    ...(withinMs > 0 ? { within: formatDuration(withinMs) } : {}),
    ...(by === undefined ? {} : { by }),
    ...(quietMs > 0 ? { quiet: formatDuration(quietMs) } : {}),
    why,
    builtIn,
  };
}
