/** `report subject`: everything that is held about a person, and who touched it (GDPR art. 15). */
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { SubjectReport } from '../../app/report-subject.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { colors } from '../colors.ts';
import { print, printJson, say } from '../output.ts';
import { addProtectionOptions, addWhyOptions, counted, type ProtectionOptions, type WhyOptions, withProtection } from '../protection.ts';
import { addSubjectOptions, type SubjectOptions, subjectOf } from '../subject-options.ts';

interface ReportOptions extends ProtectionOptions, WhyOptions, SubjectOptions {
  reveal?: boolean;
  html?: string;
}

const linesShown = 20;

export function addReport(program: Command): void {
  const report = program.command('report').description('Reports for people whom the log is about.');
  addWhyOptions(
    addProtectionOptions(
      addSubjectOptions(
        report
          .command('subject')
          .description(
            'Everything that is held about a person: pseudonyms, values, records, how long they stay and why, and who touched them (GDPR art. 15).',
          )
          .argument('[id]', 'an id as it stands in records: the same as --id'),
      ),
    ),
  )
    .option('--reveal', 'show the values behind the pseudonyms: a reveal, on record as one')
    .option('--html <file>', 'write it as one self-contained page, fit for printing')
    .addHelpText('after', '\n  veiltrail report subject u-17 --purpose "request of 3 May" --reference T-204 --reveal --html jane.html')
    .action(reportSubject);
}

async function reportSubject(id: string | undefined, options: ReportOptions): Promise<void> {
  if ((options.purpose ?? '').trim() === '') throw new VeiltrailError('purpose_needed', 'say why: --purpose');
  const ids = [...(id === undefined ? [] : [id]), ...(options.id ?? [])];
  const subject = await subjectOf({ ...options, ...(ids.length > 0 ? { id: ids } : {}) });
  const { report, page } = await withProtection(options, (protection) =>
    protection.reportSubject({ ...subject, ...(options.reveal ? { reveal: true } : {}) }, options),
  );
  if (options.html !== undefined) {
    writeFileSync(options.html, page, { mode: 0o600 });
    say(`written to ${options.html}`);
  }
  if (options.json) printJson(report);
  else if (options.html === undefined) printReport(report);
}

function printReport({ tokens, logs, records, touched, ids, moreRecords, moreTouched }: SubjectReport): void {
  print(colors.bold('Personal values'));
  for (const { token, kind, value, records: count, paths } of tokens) {
    print(`  ${(kind ?? 'gone').padEnd(14)} ${value ?? colors.dim('not revealed')}  ${token}  ${counted(count, 'record')}  ${paths.join(', ')}`);
  }
  if (ids.records > 0) print(`  the id itself stands in ${counted(ids.records, 'record')}: ${ids.paths.join(', ')}`);
  print(colors.bold('Kept'));
  for (const { log, keeps } of logs)
    for (const { rule, keep, basis, records: count } of keeps)
      print(`  ${log}: ${counted(count, 'record')}, ${keep} (${[rule, basis].filter((one) => one !== '').join(': ')})`);
  print(colors.bold('Records'));
  for (const { log, leafIndex, receivedAt = '', action = '', outcome = '', paths } of records.slice(0, linesShown)) {
    print(`  ${receivedAt}  ${log} ${leafIndex}  ${action}  ${outcome}  ${colors.dim(paths.join(', '))}`);
  }
  printMore(records.length + moreRecords);
  print(colors.bold('Who touched it'));
  for (const { at, by, action, outcome = '', purpose = '', records: count } of touched.slice(0, linesShown)) {
    print(`  ${at}  ${by}  ${action}  ${outcome}  ${purpose}${count === undefined ? '' : colors.dim(`  ${counted(count, 'record')}`)}`);
  }
  printMore(touched.length + moreTouched);
}

function printMore(count: number): void {
  if (count > linesShown) print(colors.dim(`  … and ${count - linesShown} more: --json or --html has them`));
}
