/** `subject erase`: forgetting a person, in the vault or in the records, too. Lists what would go; `--yes` does it. */
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Erasure, ErasurePlan, EraseSubjectRequest } from '../../app/erase-subject.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { colors } from '../colors.ts';
import { print, printJson, say } from '../output.ts';
import { addProtectionOptions, addWhyOptions, counted, type ProtectionOptions, type WhyOptions, withProtection } from '../protection.ts';
import { addSubjectOptions, type SubjectOptions, subjectOf } from '../subject-options.ts';

interface EraseOptions extends ProtectionOptions, WhyOptions, SubjectOptions {
  unlink?: boolean;
  erase?: boolean;
  reason?: string;
  dryRun?: boolean;
  yes?: boolean;
  out?: string;
}

export function addSubject(program: Command): void {
  const subject = program.command('subject').description('People whom the log is about: forgetting them.');
  addWhyOptions(
    addProtectionOptions(
      addSubjectOptions(subject.command('erase').description('Forget a person (GDPR art. 17). Lists what would go; --yes does it, for good.')),
    ),
  )
    .option('--unlink', 'destroy the values in the vault: the records stay, and nobody can tell any more whom they are about')
    .option('--erase', 'destroy the records as well; their entries stay in the log, and a tombstone says why')
    .option('--reason <code>', 'a code or a legal basis, never personal', 'gdpr-art-17')
    .option('--dry-run', 'list what would go, and change nothing: also what happens without --yes')
    .option('--yes', 'do it')
    .option('--out <file>', 'where the certificate goes [certificate-ID.json]')
    .addHelpText(
      'after',
      `
  echo jane@example.com | veiltrail subject erase --kind email --unlink
  veiltrail subject erase --id u-17 --erase --yes --purpose "request of 3 May" --reference T-204

What a hold covers is refused (exit 3). Where two are needed, the first try makes a request; run the same again with --request once it is
approved. docs/guide/erasure.md says what erasure does and does not do.`,
    )
    .action(erase);
  addProtectionOptions(
    subject
      .command('certificate')
      .description('The certificate of a removal again, from its tombstones: where the file was lost, or a crash came before it was written.')
      .argument('<removal>', 'its id, as a tombstone has it: rem_…'),
  )
    .option('--out <file>', 'where it goes [standard output]')
    .action(certificate);
}

async function certificate(removal: string, options: ProtectionOptions & { out?: string }): Promise<void> {
  const text = await withProtection(options, (protection) => protection.certificateOf(removal));
  if (options.out === undefined) process.stdout.write(text);
  else writeFileSync(options.out, text, { mode: 0o600 });
}

async function erase(options: EraseOptions): Promise<void> {
  if (Boolean(options.unlink) === Boolean(options.erase))
    throw new VeiltrailError('subject_request', 'say which: --unlink (the vault) or --erase (the records, too)');
  if (options.yes && options.dryRun) throw new VeiltrailError('subject_request', '--yes and --dry-run: which?');
  if (options.yes && (options.purpose ?? '').trim() === '') throw new VeiltrailError('purpose_needed', 'say why: --purpose');
  const request: EraseSubjectRequest = {
    ...(await subjectOf(options)),
    mode: options.erase ? 'erase' : 'unlink',
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  };
  if (!options.yes) {
    const plan = await withProtection(options, (protection) => protection.planErasure(request, options));
    if (options.json) printJson(plan);
    else printPlan(plan);
    return;
  }
  const done = await withProtection(options, (protection) => protection.eraseSubject(request, options));
  const file = options.out ?? `certificate-${done.removal.id}.json`;
  writeFileSync(file, done.certificate, { mode: 0o600 });
  if (options.json) printJson({ ...done.removal, certificate: file });
  else printErasure(done, file);
}

function printPlan({ mode, subject, tokens, records, held, needsTwo }: ErasurePlan): void {
  for (const { token, kind, records: count, paths, by } of subject.tokens) {
    print(
      `${token}  ${(kind ?? 'not in the vault').padEnd(16)} ${counted(count, 'record').padStart(15)}  ${paths.join(', ')}${by === 'beside' ? colors.dim('  (beside the id)') : ''}`,
    );
  }
  for (const { hash, records: count, paths } of subject.hashes)
    print(`${hash}  ${'hash'.padEnd(16)} ${counted(count, 'record').padStart(15)}  ${paths.join(', ')}`);
  if (subject.ids.records > 0) print(`the id itself stands in ${counted(subject.ids.records, 'record')}: ${subject.ids.paths.join(', ')}`);
  for (const { token, paths, because } of subject.notMeant) print(colors.dim(`not meant: ${token}  ${paths.join(', ')}  (${because})`));
  for (const { log, records: count } of subject.records) print(`${log}: ${counted(count, 'record')}`);
  if (subject.from !== undefined) print(colors.dim(`received ${subject.from} to ${subject.to}`));
  if (mode === 'erase') say(`would destroy ${counted(records, 'record')}, and ${counted(tokens, 'value')} in the vault; nothing was changed`);
  else {
    say(`would destroy ${counted(tokens, 'value')} in the vault; nothing was changed. The records stay`);
    if (subject.hashes.length > 0)
      say('the hashes stay linked with each other, and with the value for whoever has the key: --erase destroys their records');
    if (subject.ids.records > 0) say('the id itself stays in the records: --erase destroys them');
  }
  if (held !== undefined) say(`it would be refused: the hold ${held} covers something of it`);
  else if (needsTwo) say('it takes a second person');
}

function printErasure({ plan, removal }: Erasure, file: string): void {
  const { tokens, records, tombstones } = removal;
  say(
    plan.mode === 'erase'
      ? `gone: ${counted(records, 'record')} and ${counted(tokens, 'value')} in the vault`
      : `gone: ${counted(tokens, 'value')} in the vault; the records stay`,
  );
  for (const { log, leafIndex } of tombstones) print(`tombstone  ${log}  leaf ${leafIndex}`);
  say(`certificate: ${file}`);
}
