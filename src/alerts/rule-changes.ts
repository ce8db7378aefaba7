/** What became of the rules since the server last told of them: one that is gone, or that finds less, is what somebody should hear of. */
import { canonicalJson } from '../core/canonical-json.ts';
import { isJsonObject, type JsonObject, parseJson } from '../core/json.ts';
import { type AlertRule, alertSeverities, severityNumber } from './rule.ts';

export interface RuleChanges {
  added: string[];
  /** Disabled, or taken away. */
  removed: string[];
  /** A lower severity, a higher count, a shorter window, a longer quiet, fewer logs, or another query or group, which may be anything. */
  weakened: string[];
  changed: string[];
}

/** For {@link ruleChanges} of a later start. */
export function formatRules(rules: readonly AlertRule[]): string {
  return canonicalJson(
    rules.map(({ name, severity, logs, q, count, withinMs, by, quietMs }) => ({
      name,
      severity,
      logs: logs.toSorted(),
      q,
      count,
      withinMs,
      ...(by === undefined ? {} : { by }),
      quietMs,
    })),
  );
}

/** @param before of {@link formatRules} */
export function ruleChanges(before: string, rules: readonly AlertRule[]): RuleChanges {
  const old = rulesByName(before);
  const now = rulesByName(formatRules(rules));
  const changes: RuleChanges = { added: [], removed: [], weakened: [], changed: [] };
  for (const name of old.keys()) if (!now.has(name)) changes.removed.push(name);
  for (const [name, rule] of now) {
    const was = old.get(name);
    if (!was) changes.added.push(name);
    else if (canonicalJson(was) !== canonicalJson(rule)) changes[isWeaker(was, rule) ? 'weakened' : 'changed'].push(name);
  }
  return changes;
}

/** The event that tells of changes; undefined where there are none. */
export function rulesEvent({ added, removed, weakened, changed }: RuleChanges): JsonObject | undefined {
  if (added.length + removed.length + weakened.length + changed.length === 0) return undefined;
  const isLess = removed.length + weakened.length > 0;
  return {
    source: 'veiltrail',
    action: 'alert.rules',
    category: 'config_change',
    crud: 'u',
    outcome: 'success',
    severity: severityNumber(isLess ? 'high' : 'low'),
    actor: { type: 'system', id: 'veiltrail' },
    targets: [{ type: 'rules', id: 'alerts' }],
    message: isLess ? 'alerts: rules are gone, or find less than before' : 'alerts: rules were added, or find more than before',
    metadata: { added, removed, weakened, changed },
  };
}

function rulesByName(text: string): Map<string, JsonObject> {
  const { value } = parseJson(text);
  const rules = (Array.isArray(value) ? value : []).filter(isJsonObject);
  return new Map(rules.map((rule) => [rule['name'] as string, rule]));
}

function isWeaker(before: JsonObject, after: JsonObject): boolean {
  const rank = ({ severity }: JsonObject): number => alertSeverities.findIndex((one) => one === severity);
  const logs = ({ logs: of }: JsonObject): string[] => (Array.isArray(of) ? of.map(String) : []);
  const [count, withinMs, quietMs] = (['count', 'withinMs', 'quietMs'] as const).map((name) => Number(after[name]) - Number(before[name])) as [
    number,
    number,
    number,
  ];
  // A window is nothing to a rule that counts one.
  const isShorter = withinMs < 0 && Number(after['count']) > 1;
  const isFewer = !logs(after).includes('*') && logs(before).some((log) => !logs(after).includes(log));
  return rank(after) < rank(before) || count > 0 || isShorter || quietMs > 0 || isFewer || after['q'] !== before['q'] || after['by'] !== before['by'];
}
