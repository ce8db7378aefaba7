/** `hold set | list | lift`: what must not be removed, whoever asks. */
import type { Command } from 'commander';
import type { HoldInfo, HoldRequest } from '../../app/holds.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { errorColors } from '../colors.ts';
import { print, printJson, say } from '../output.ts';
import { addProtectionOptions, addWhyOptions, type ProtectionOptions, type WhyOptions, withProtection } from '../protection.ts';

interface SetOptions extends ProtectionOptions {
  why?: string;
  reference?: string;
  subject?: string[];
  actor?: string[];
  log?: string;
  since?: string;
  until?: string;
  query?: string;
}

export function addHold(program: Command): void {
  const hold = program.command('hold').description('Legal holds: what they cover is not erased, redacted or let go by retention while they stand.');
  addProtectionOptions(
    hold
      .command('set')
      .description('Set a hold. It covers what is there and what comes; all that is named must be true of a record.')
      .argument('<name>', "the case's: lower-case letters, digits, dots, _ and -; never a person's name"),
  )
    .requiredOption('--why <text>', 'why, and by what order; on record')
    .option('--reference <text>', 'of a case, a ticket, a court order; on record')
    .option('--subject <who...>', 'tokens, or ids as they stand in records: what bears one of them (@FILE: one a line)')
    .option('--actor <who...>', 'the same, of whoever acted')
    .option('--log <name>', 'records of this log [all]')
    .option('--since <time>', 'what happened, or was received, from then on (RFC 3339)')
    .option('--until <time>', 'and before then')
    .option('--query <query>', 'what this search finds')
    .addHelpText(
      'after',
      '\nIds are kept as keyed digests only.\n  veiltrail hold set case-7 --why "claim 7/2026" --subject tok_… --since 2026-01-01T00:00:00Z',
    )
    .action(setHold);
  addProtectionOptions(
    hold.command('list').description('Holds: what they cover, who set them when and why. Those lifted, too.'),
    'officer, auditor or approver',
  ).action(listHolds);
  addWhyOptions(
    addProtectionOptions(
      hold.command('lift').description('Lift a hold. Takes a second person, where there is one.').argument('<name>', 'as `hold list` shows it'),
    ),
  ).action(liftHold);
}

async function setHold(name: string, options: SetOptions): Promise<void> {
  const { why = '', reference, subject, actor, log, since, until, query } = options;
  const request: HoldRequest = {
    name,
    why,
    ...(reference === undefined ? {} : { reference }),
    ...(subject === undefined ? {} : { subject: await readNames(subject) }),
    ...(actor === undefined ? {} : { actor: await readNames(actor) }),
    ...(log === undefined ? {} : { log }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(query === undefined ? {} : { query }),
  };
  const info = await withProtection(options, (protection) => protection.setHold(request));
  // Whoever holds an address means the person, and would not learn before it is too late that nothing was held.
  if ([...(request.subject ?? []), ...(request.actor ?? [])].some((one) => one.includes('@')))
    say('warning an address that the policy tokenizes stands in no record: hold its token, which "report subject --kind email" shows');
  if (options.json) printJson(info);
  else say(`the hold ${info.name} stands: ${coveredBy(info)}`);
}

async function listHolds(options: ProtectionOptions): Promise<void> {
  const holds = await withProtection(options, (protection) => protection.holds());
  for (const info of holds) {
    if (options.json) printJson(info);
    else {
      const state = info.liftedAt === undefined ? coveredBy(info) : `lifted ${info.liftedAt.slice(0, 10)} by ${info.liftedBy}`;
      print([info.name.padEnd(20), info.setAt.slice(0, 10), info.setBy, state, info.why].join('  '));
    }
  }
  if (!options.json) say(errorColors.dim(`${holds.filter(({ liftedAt }) => liftedAt === undefined).length} in force`));
}

async function liftHold(name: string, options: ProtectionOptions & WhyOptions): Promise<void> {
  if (options.purpose === undefined) throw new VeiltrailError('purpose_needed', 'say why the hold is lifted: --purpose');
  const info = await withProtection(options, (protection) => protection.liftHold(name, options));
  if (options.json) printJson(info);
  else say(`the hold ${name} is lifted`);
}

function coveredBy({ covers }: HoldInfo): string {
  const { tokens = [], ids = 0, actorTokens = [], actorIds = 0, log, since, until, query } = covers;
  return [
    // Apart, so that a token which lost a letter is seen to count as an id.
    namesOf('subject', tokens.length, ids),
    namesOf('actor', actorTokens.length, actorIds),
    log === undefined ? '' : `log ${log}`,
    since === undefined ? '' : `from ${since}`,
    until === undefined ? '' : `until ${until}`,
    query === undefined ? '' : `query ${query}`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function namesOf(what: string, tokens: number, ids: number): string {
  const counts = [tokens > 0 ? `${tokens} token${tokens === 1 ? '' : 's'}` : '', ids > 0 ? `${ids} id${ids === 1 ? '' : 's'}` : ''];
  const named = counts.filter((part) => part !== '').join(' and ');
  return named === '' ? '' : `${what}: ${named}`;
}

/** @FILE holds one a line, so that no id need stand in a list of processes. */
async function readNames(names: readonly string[]): Promise<string[]> {
  const { readText } = await import('../vkey-option.ts');
  return names.flatMap((name) =>
    name.startsWith('@')
      ? readText(name.slice(1))
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== '')
      : [name],
  );
}
