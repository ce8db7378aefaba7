/** `alert list | show | ack | rules | test`: what somebody should look at, and that somebody did. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type AlertInfo, alertStates } from '../../alerts/alert.ts';
import type { AlertFilter } from '../../alerts/alert-book.ts';
import { alertSeverities } from '../../alerts/rule.ts';
import type { AlertSettings } from '../../alerts/rules-file.ts';
import type { RuleInfo } from '../../app/alerts.ts';
import { VeiltrailError } from '../../core/errors.ts';
import type { Format } from '../../ingest/incoming.ts';
import { colors, errorColors } from '../colors.ts';
import { dataDirOf, readKey } from '../connection.ts';
import { print, printJson, say } from '../output.ts';
import { addDeskOptions, type DeskOptions, localPerson } from '../request-desk.ts';
import { withTrailHere } from '../trail-here.ts';

interface ListOptions extends DeskOptions {
  state?: string;
  severity?: string;
  limit: string;
}

interface AcknowledgeOptions extends DeskOptions {
  purpose: string;
  reference?: string;
}

interface RulesOptions extends DeskOptions {
  config?: string;
}

export interface TestOptions extends RulesOptions {
  log: string;
  policy?: string;
  format: Format;
}

const who = 'operator or auditor';

export function addAlert(program: Command): void {
  const alert = program.command('alert').description('What somebody should look at: alerts, and the rules that raise them.');
  addDeskOptions(alert.command('list').description('Alerts, newest first.'), who)
    .option('--state <state>', alertStates.join(' or '))
    .option('--severity <severity>', `one of ${alertSeverities.join(', ')}`)
    .option('--limit <number>', 'at most so many, 1 to 1,000', '100')
    .action(listAlerts);
  addDeskOptions(alert.command('show').description('One alert.').argument('<id>', 'as `alert list` shows it'), who).action(showAlert);
  addDeskOptions(
    alert
      .command('ack')
      .description('Say that an alert was dealt with; on record. Not by whoever made it happen.')
      .argument('<id>', 'as `alert list` shows it'),
    who,
  )
    .requiredOption('--purpose <text>', 'what was done about it; on record')
    .option('--reference <text>', 'of a case or a ticket; on record')
    .action(acknowledgeAlert);
  addDeskOptions(alert.command('rules').description('The rules in force.'), who)
    .option('--config <file>', 'those that a server with this configuration file would have [those that come with the program]')
    .action(listRules);
  addDeskOptions(
    alert
      .command('test')
      .description(
        'Which alerts would have been raised: by what is stored, or by events of files. Stores and raises nothing; exits 0 whatever it finds.',
      )
      .argument('[FILE...]', 'files of events; none: what is stored'),
    'none: it works on a data directory',
  )
    .option('--config <file>', 'with the rules of this configuration file [those that come with the program]')
    .option('--log <name>', 'the log that is looked at, or that the events would be of', 'default')
    .option('--policy <file>', 'what is done to the events of files first [the default policy]')
    .option('--format <format>', 'of files: auto, ndjson, cloudtrail or text', 'auto')
    .addHelpText(
      'after',
      '\nEvents of files are counted by their own times, what is stored by the times of receipt.\n  veiltrail alert test --log _system',
    )
    .action(async (files: string[], options: TestOptions) => (await import('../alert-test.ts')).testAlerts(files, options));
}

async function listAlerts(options: ListOptions): Promise<void> {
  const alerts = await findAlerts(options, filterOf(options));
  for (const one of alerts) {
    if (options.json) printJson(one);
    else print(lineOf(one));
  }
  if (!options.json) say(errorColors.dim(`${alerts.filter(({ state }) => state === 'open').length} open, ${alerts.length} shown`));
}

async function showAlert(id: string, options: DeskOptions): Promise<void> {
  const found = await findAlert(id, options);
  if (options.json) return printJson(found);
  const { rule, severity, state, log, leaves, count, since, raisedAt, lastAt, by, group, actors, leaf, acknowledged } = found;
  print(`${colors.bold(rule)}  ${severity}, ${state}`);
  print(`  records     ${count} of log ${log}: leaves ${leaves.join(', ')}${count > leaves.length ? ' …' : ''}`);
  print(`  received    ${since} to ${lastAt}, raised at ${raisedAt}`);
  if (by !== undefined) print(`  group       ${by}${group === undefined ? ' (the value is in the records)' : ` = ${group}`}`);
  if (actors.length > 0) print(`  by          ${actors.join(', ')}`);
  print(`  on record   ${leaf === undefined ? 'not yet' : `leaf ${leaf} of _system`}`);
  if (acknowledged)
    print(`  dealt with  ${acknowledged.at} by ${acknowledged.by}${acknowledged.purpose === undefined ? '' : `: ${acknowledged.purpose}`}`);
}

async function acknowledgeAlert(id: string, options: AcknowledgeOptions): Promise<void> {
  const { purpose, reference } = options;
  const why = { purpose, ...(reference === undefined ? {} : { reference }) };
  const done = await (options.url === undefined ? acknowledgeHere(id, options, why) : acknowledgeThere(id, options.url, options.key, why));
  if (options.json) printJson(done);
  else say(`${done.rule}: dealt with, by ${done.acknowledged?.by ?? ''}`);
}

function acknowledgeHere(id: string, options: DeskOptions, why: { purpose: string; reference?: string }): Promise<AlertInfo> {
  return withTrailHere(dataDirOf(options), ({ alerts }) => alerts.acknowledge(id, { ...why, principal: localPerson(undefined).principal }));
}

async function acknowledgeThere(id: string, url: string, key: string | undefined, why: { purpose: string; reference?: string }): Promise<AlertInfo> {
  const { createAlertClient } = await import('../../sdk/alerts.ts');
  return (await createAlertClient({ url, key: readKey(key) }).acknowledge(id, why)) as unknown as AlertInfo;
}

async function listRules(options: RulesOptions): Promise<void> {
  const { rules, disabled } = await findRules(options);
  for (const rule of rules) {
    if (options.json) printJson(rule);
    else print(ruleLine(rule));
  }
  for (const name of disabled) {
    if (options.json) printJson({ name, disabled: true });
    else print(colors.dim(`${name.padEnd(30)} disabled`));
  }
}

async function findRules({ url, key, config }: RulesOptions): Promise<{ rules: RuleInfo[]; disabled: string[] }> {
  if (url !== undefined && config !== undefined) throw new VeiltrailError('alert_request', 'a server says which rules it has: leave --config out');
  if (url !== undefined) {
    const { createAlertClient } = await import('../../sdk/alerts.ts');
    return (await createAlertClient({ url, key: readKey(key) }).rules()) as unknown as { rules: RuleInfo[]; disabled: string[] };
  }
  const { ruleInfo } = await import('../../app/alerts.ts');
  const { rules, disabled } = await settingsOf(config);
  return { rules: rules.map(ruleInfo), disabled: [...disabled] };
}

/** @throws VeiltrailError `config_unreadable`, `config_invalid` */
export async function settingsOf(config: string | undefined): Promise<AlertSettings> {
  const { defaultAlertSettings, readAlertSettings } = await import('../../alerts/rules-file.ts');
  if (config === undefined) return defaultAlertSettings;
  let text: string;
  try {
    text = readFileSync(config, 'utf8');
  } catch {
    throw new VeiltrailError('config_unreadable', `${config}: cannot be read`);
  }
  return readAlertSettings(text, config);
}

async function findAlerts({ url, key, data }: DeskOptions, filter: AlertFilter): Promise<AlertInfo[]> {
  if (url !== undefined) {
    const { createAlertClient } = await import('../../sdk/alerts.ts');
    return (await createAlertClient({ url, key: readKey(key) }).list(filter)) as unknown as AlertInfo[];
  }
  const { readAlerts } = await import('../../server/alerting.ts');
  return readAlerts(dataDirOf(data === undefined ? {} : { data }), filter);
}

async function findAlert(id: string, options: DeskOptions): Promise<AlertInfo> {
  if (options.url !== undefined) {
    const { createAlertClient } = await import('../../sdk/alerts.ts');
    return (await createAlertClient({ url: options.url, key: readKey(options.key) }).show(id)) as unknown as AlertInfo;
  }
  const found = (await findAlerts(options, { limit: Infinity })).find((one) => one.id === id);
  if (!found) throw new VeiltrailError('alert_unknown', 'there is no alert of that id');
  return found;
}

function filterOf({ state, severity, limit }: ListOptions): AlertFilter {
  const [ofState, ofSeverity] = [alertStates.find((one) => one === state), alertSeverities.find((one) => one === severity)];
  if (state !== undefined && ofState === undefined) throw new VeiltrailError('alert_request', `a state is ${alertStates.join(' or ')}`);
  if (severity !== undefined && ofSeverity === undefined) throw new VeiltrailError('alert_request', `a severity is ${alertSeverities.join(', ')}`);
  if (!/^(?:[1-9]\d{0,2}|1000)$/.test(limit)) throw new VeiltrailError('alert_request', 'a limit is a number from 1 to 1,000');
  return {
    limit: Number(limit),
    ...(ofState === undefined ? {} : { state: ofState }),
    ...(ofSeverity === undefined ? {} : { severity: ofSeverity }),
  };
}

function lineOf({ id, rule, severity, state, log, count, raisedAt, actors }: AlertInfo): string {
  const records = `${count} ${count === 1 ? 'record' : 'records'} of ${log}`;
  return [raisedAt.slice(0, 19), severity.padEnd(8), rule.padEnd(30), state.padEnd(12), records.padEnd(24), actors.slice(0, 2).join(', '), id].join(
    '  ',
  );
}

function ruleLine({ name, severity, logs, q, count, within, by, quiet, builtIn }: RuleInfo): string {
  const often = count > 1 ? `${count} within ${within ?? ''}` : 'each';
  const more = [by === undefined ? '' : `by ${by}`, quiet === undefined ? '' : `quiet ${quiet}`].filter((one) => one !== '').join(', ');
  return [name.padEnd(30), severity.padEnd(8), logs.join(',').padEnd(10), often.padEnd(14), q, more, builtIn ? '' : '(own)'].join('  ').trimEnd();
}
