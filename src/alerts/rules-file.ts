/**
 * `alerts:` of the configuration file: rules of one's own, and built-in rules that are replaced (by their name) or disabled. Everything wrong is
 * reported at once, each with file, line and column and what would be right.
 *
 *     alerts:
 *       disable: [backup-made]
 *       rules:
 *         - name: exports-by-one
 *           severity: high
 *           logs: [default]
 *           q: action:export outcome:success
 *           count: 20
 *           within: 10m
 *           by: /actor/id
 *           quiet: 1h
 *           why: nobody needs twenty exports in ten minutes
 */
import { isMap, LineCounter } from 'yaml';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { Shape } from '../privacy/policy-shape.ts';
import { ShapeChecker } from '../privacy/shape-checker.ts';
import { readYaml } from '../privacy/yaml-text.ts';
import { parseQuery } from '../search/query.ts';
import { builtInRules } from './built-in-rules.ts';
import { type AlertRule, type AlertSeverity, alertSeverities, parseDuration, ruleLimits, ruleNamePattern } from './rule.ts';

export interface AlertSettings {
  /** Those in force: own ones first, then the built-in ones that are neither replaced nor disabled. */
  rules: readonly AlertRule[];
  /** Built-in rules that are not. */
  disabled: readonly string[];
}

/** Without a configuration. */
export const defaultAlertSettings: AlertSettings = { rules: builtInRules, disabled: [] };

/** A rule as it is written. */
interface WrittenRule {
  name: string;
  severity: AlertSeverity;
  logs?: string[];
  q: string;
  count?: number;
  within?: string;
  by?: string;
  quiet?: string;
  why?: string;
}

const builtInNames = builtInRules.map(({ name }) => name);
const logPattern = /^[a-z0-9_][a-z0-9_-]{0,63}$/;
const durationWords = 'a whole number and s, m, h or d: `90s`, `10m`, `2h`';

const ruleShape: Shape = {
  is: 'map',
  about: 'A rule',
  members: {
    name: { is: 'text', about: 'Its name', test: checkName },
    severity: { is: 'one-of', about: 'How much it matters', values: alertSeverities },
    logs: { is: 'list', orOne: true, about: 'Logs', of: { is: 'text', about: 'A log', test: checkLog } },
    q: { is: 'text', about: 'What a record must be', test: checkQuery },
    count: { is: 'number', about: 'So many records', min: 1, max: ruleLimits.countMax, whole: true },
    within: { is: 'text', about: 'Within so long', test: (text) => checkDuration(text, ruleLimits.withinMsMax, '24h') },
    by: { is: 'text', about: 'For each value at this pointer', test: checkPointer },
    quiet: { is: 'text', about: 'So long after an alert none of the same group', test: (text) => checkDuration(text, ruleLimits.quietMsMax, '7d') },
    why: {
      is: 'text',
      about: 'Why somebody should look',
      test: (text) => (text.length > ruleLimits.whyMax ? `at most ${ruleLimits.whyMax} characters` : undefined),
    },
  },
  required: ['name', 'severity', 'q'],
};

const alertsShape: Shape = {
  is: 'map',
  about: 'Alerts',
  members: {
    rules: { is: 'list', about: 'Rules of one’s own', of: ruleShape, empty: true },
    disable: {
      is: 'list',
      orOne: true,
      about: 'Built-in rules that are not wanted',
      of: { is: 'one-of', about: 'A built-in rule', values: builtInNames },
      empty: true,
    },
  },
  required: [],
};

/**
 * Reads the member `alerts` of a configuration file.
 * @param text of the whole file
 * @param file what to call it in messages
 * @throws VeiltrailError `config_invalid`
 */
export function readAlertSettings(text: string, file: string): AlertSettings {
  const lines = new LineCounter();
  const document = readYaml(text, lines);
  const checker = new ShapeChecker(file, lines, { code: 'config_invalid' });
  const node = isMap(document.contents) ? document.contents.get('alerts', true) : undefined;
  if (document.errors.length > 0) throw new VeiltrailError('config_invalid', `${file}: not YAML`);
  const value = checker.check(node, alertsShape, 'alerts', 0, 'alerts') as JsonObject | undefined;
  checker.throwIfAny();
  const written = (value?.['rules'] ?? []) as unknown as WrittenRule[];
  const disabled = (value?.['disable'] ?? []) as string[];
  checkTogether(checker, written, disabled);
  checker.throwIfAny();
  const own = written.map(ruleOf);
  const names = new Set([...own.map(({ name }) => name), ...disabled]);
  return { rules: [...own, ...builtInRules.filter(({ name }) => !names.has(name))], disabled };
}

/** What is right by itself and wrong beside the rest. */
function checkTogether(checker: ShapeChecker, written: readonly WrittenRule[], disabled: readonly string[]): void {
  if (written.length > ruleLimits.rulesMax) checker.report(checker.placeOf('alerts.rules'), `there are at most ${ruleLimits.rulesMax} rules`);
  const seen = new Set<string>();
  for (const [i, { name, count = 1, within }] of written.entries()) {
    const report = (member: string, message: string): void => checker.report(checker.placeOf(`alerts.rules[${i}].${member}`), message);
    if (seen.has(name)) report('name', `there is another rule of the name ${JSON.stringify(name)}`);
    if (disabled.includes(name))
      report('name', `a rule of the name ${JSON.stringify(name)} cannot be disabled and be there: leave it out of "disable"`);
    if (count > 1 && within === undefined) report('count', 'a count takes "within": so many records within so long, such as `within: 10m`');
    if (count === 1 && within !== undefined) report('within', '"within" takes a "count" of 2 or more');
    seen.add(name);
  }
}

function ruleOf({ name, severity, logs, q, count = 1, within, by, quiet, why }: WrittenRule): AlertRule {
  const withinMs = within === undefined ? 0 : (parseDuration(within) ?? 0);
  const quietMs = quiet === undefined ? withinMs : (parseDuration(quiet) ?? 0);
  const builtIn = builtInRules.find((one) => one.name === name);
  return {
    name,
    severity,
    logs: logs ?? builtIn?.logs ?? ['*'],
    q,
    count,
    withinMs,
    ...(by === undefined ? {} : { by }),
    quietMs,
    why: why ?? builtIn?.why ?? '',
    builtIn: false,
  };
}

function checkName(text: string): string | undefined {
  if (text.length > ruleLimits.nameMax) return `a name has at most ${ruleLimits.nameMax} characters`;
  return ruleNamePattern.test(text) ? undefined : "lower-case letters and digits with - between them, such as exports-by-one; never a person's name";
}

function checkLog(text: string): string | undefined {
  return text === '*' || logPattern.test(text) ? undefined : 'the name of a log, or * for all but the server’s own';
}

function checkQuery(text: string): string | undefined {
  try {
    parseQuery(text);
    return undefined;
  } catch (error) {
    return (error as VeiltrailError).message;
  }
}

function checkDuration(text: string, max: number, maxText: string): string | undefined {
  const ms = parseDuration(text);
  if (ms === undefined) return `write ${durationWords}`;
  return ms > max ? `at most ${maxText}` : undefined;
}

function checkPointer(text: string): string | undefined {
  if (text.length > ruleLimits.pointerMax) return `a pointer has at most ${ruleLimits.pointerMax} characters`;
  return /^(?:\/(?:[^~/]|~[01])+)+$/.test(text) ? undefined : 'write a JSON pointer (RFC 6901), such as /actor/id';
}
