/** `retention check | show | apply | run`: how long records are kept, on what grounds, and letting them go. */
import type { Command } from 'commander';
import type { DueRecords, RetentionReport } from '../../app/retention.ts';
import { formatKeep, parseRetention } from '../../app/retention-table.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { colors, errorColors } from '../colors.ts';
import { print, printJson, say } from '../output.ts';
import { addProtectionOptions, addWhyOptions, counted, type ProtectionOptions, type WhyOptions, withProtection } from '../protection.ts';
import { readText } from '../vkey-option.ts';

export function addRetention(program: Command): void {
  const retention = program
    .command('retention')
    .description('How long records are kept, on what grounds, and what goes when.')
    .addHelpText(
      'after',
      `
A table:  version: 1
          rules:
            - {name: logins, category: authentication, keep: 90 days, basis: "GDPR art. 5(1)(e)"}
            - {name: books, log: payments, keep: 10 years, basis: "HGB § 257"}

The first rule that fits a record decides; what no rule fits is kept. Time is when a record was received. docs/guide/retention.md tells more.`,
    );
  retention
    .command('check')
    .description('Read a table and say what is wrong with it, or what it does.')
    .argument('<file>', 'the table')
    .option('--json', 'as JSON, one line a rule')
    .action(checkTable);
  addProtectionOptions(
    retention.command('show').description('The table in force; and under each rule what is due now, what is held, and when the next records go.'),
    'officer, auditor, approver or admin',
  ).action(show);
  addWhyOptions(
    addProtectionOptions(
      retention
        .command('apply')
        .description('Put a table in force. Takes a second person where records would go earlier than before.')
        .argument('<file>', 'the table'),
    ),
  ).action(apply);
  addProtectionOptions(retention.command('run').description('Let go what is due: records expire, their entries stay. A server does this daily.'))
    .option('--dry-run', 'say what would go, and change nothing')
    .action(run);
}

function checkTable(file: string, { json }: { json?: boolean }): void {
  const { rules } = parseRetention(readText(file), file);
  for (const { name, logs, categories, keep, basis } of rules) {
    if (json) printJson({ name, logs: logs ?? 'all', categories: categories ?? 'all', keep: formatKeep(keep), basis });
    else
      print(
        [name.padEnd(16), formatKeep(keep).padEnd(10), (logs ?? ['every log']).join(', '), (categories ?? ['every category']).join(', '), basis].join(
          '  ',
        ),
      );
  }
  if (!json) say(errorColors.dim(`${rules.length} rule${rules.length === 1 ? '' : 's'}; what none of them fits is kept`));
}

async function show(options: ProtectionOptions): Promise<void> {
  const { info, report } = await withProtection(options, async (protection) => ({
    info: await protection.retention(),
    report: await protection.dueRecords(),
  }));
  if (options.json) return printJson({ ...info, due: report.due });
  if (info.rules.length === 0) say('no retention table is in force: records are kept until somebody removes them');
  for (const { name, logs, categories, keep, basis } of info.rules) {
    print(
      `${colors.bold(name)}  kept ${keep}  ${logs === 'all' ? 'every log' : logs.join(', ')}, ${categories === 'all' ? 'every category' : categories.join(', ')}`,
    );
    print(colors.dim(`  because ${basis}`));
    for (const due of report.due.filter(({ rule }) => rule === name)) printDue(due);
  }
  if (info.appliedAt !== undefined) say(errorColors.dim(`in force since ${info.appliedAt}, applied by ${info.appliedBy}`));
  if (info.changedByHand) say(errorColors.yellow('retention.yaml was changed and is not what is in force: `veiltrail retention apply` it'));
}

function printDue({ log, records, from, to, held, nextAt }: DueRecords): void {
  const due = records === 0 ? 'nothing is due' : `${records} due, received ${from?.slice(0, 10)} to ${to?.slice(0, 10)}`;
  const holds = held.map((one) => `${one.records} kept by the hold ${one.hold}`);
  print(`  ${log}: ${[due, ...holds, ...(nextAt === undefined ? [] : [`the next goes ${nextAt.slice(0, 10)}`])].join('; ')}`);
}

async function apply(file: string, options: ProtectionOptions & WhyOptions): Promise<void> {
  if (options.purpose === undefined) throw new VeiltrailError('purpose_needed', 'say why: --purpose');
  const text = readText(file);
  parseRetention(text, file);
  const { changes, info } = await withProtection(options, (protection) => protection.applyRetention(text, options));
  if (options.json) return printJson({ changes, ...info });
  for (const { log, category, before, after, effect } of changes) {
    const where = `${log === '*' ? 'other logs' : log}, ${category === '*' ? 'other categories' : category}`;
    print(`${effect === 'shorter' ? '-' : '+'} ${where}: ${formatKeep(before)} → ${formatKeep(after)}`);
  }
  say(`in force: ${counted(info.rules.length, 'rule')}. A server lets nothing go under it before a day has passed; see \`veiltrail retention show\``);
}

async function run(options: ProtectionOptions & { dryRun?: boolean }): Promise<void> {
  const report = await withProtection(options, (protection) => (options.dryRun ? protection.dueRecords() : protection.runRetention()));
  if (options.json) return printJson(report);
  printReport(report);
}

function printReport({ due, expired, dryRun }: RetentionReport): void {
  for (const one of due) {
    print(`${colors.bold(one.rule)}  ${one.keep}`);
    printDue(one);
  }
  const all = due.reduce((sum, { records }) => sum + records, 0);
  say(
    dryRun
      ? `${counted(all, 'record')} would go; nothing was changed`
      : `${counted(expired, 'record')} gone; their entries stay, and a tombstone says why`,
  );
}
