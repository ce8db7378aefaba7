/** `token`: what tokens stand for, and what stands for values. */
import type { Command } from 'commander';
import { VeiltrailError } from '../../core/errors.ts';
import type { RevealedToken } from '../../verify/token-opening.ts';
import { errorColors } from '../colors.ts';
import { readWhole } from '../input.ts';
import { print, printJson, say } from '../output.ts';
import { addProtectionOptions, addWhyOptions, type ProtectionOptions, type WhyOptions } from '../protection.ts';
import { withTokens } from '../tokens.ts';

export function addToken(program: Command): void {
  const token = program.command('token').description('Tokens: what they stand for, and what stands for a value.');
  const reveal = token
    .command('reveal')
    .description('Show what a token stands for. Takes a purpose and a reference, by policy a second person; on record before it is shown.')
    .argument('<token...>', 'as records have it; several take a second person, where there is one');
  addWhyOptions(addProtectionOptions(reveal, 'investigator'))
    .addHelpText(
      'after',
      "\n  veiltrail token reveal tok_… --purpose 'fraud inquiry' --reference CASE-17 --json > opening.json\n  veiltrail token check opening.json",
    )
    .action(revealTokens);
  token
    .command('check')
    .description('Verify, without a server, that tokens commit to what a reveal showed.')
    .argument('[file]', 'what `token reveal --json` or POST /api/v1/tokens/reveal printed [-]', '-')
    .option('--json', 'as JSON, one line each')
    .action(checkOpenings);
  const find = token
    .command('find')
    .description('Tokens and hashes that stand for a value, which is read from standard input: no process list shows it.')
    .argument('[value]', '- [standard input]', '-')
    .requiredOption('--kind <kind>', 'what the value is: email, person_name … (see `policy kinds`)');
  addProtectionOptions(find, 'investigator')
    .option('--purpose <text>', 'why; on record')
    .option('--reference <text>', 'of a case, a ticket, a court order; on record')
    .action(findPseudonyms);
  addProtectionOptions(
    token.command('stops').description('Who was stopped for looking up too many different tokens or values.'),
    'approver or admin',
  ).action(listStops);
  addProtectionOptions(
    token.command('resume').description('Let somebody go on who was stopped.').argument('<principal>', 'as `token stops` shows it'),
    'approver or admin',
  ).action(resume);
}

type Options = ProtectionOptions & WhyOptions;

async function revealTokens(tokens: string[], options: Options): Promise<void> {
  const { purpose, reference, request } = options;
  const reasons = {
    ...(purpose === undefined ? {} : { purpose }),
    ...(reference === undefined ? {} : { reference }),
    ...(request === undefined ? {} : { request }),
  };
  const answer = await withTokens(options, (desk) => desk.reveal(tokens, reasons));
  for (const revealed of answer.tokens) {
    if (options.json) printJson(revealed);
    else print(tokens.length === 1 ? revealed.value : `${revealed.token}  ${revealed.kind}  ${revealed.value}`);
  }
  for (const missing of answer.missing) say(`${errorColors.yellow('missing')} ${missing} stands for nothing any more`);
  if (!options.json && tokens.length === 1)
    say(errorColors.dim(`a value of kind ${(answer.tokens[0] as RevealedToken).kind}; --json prints the opening that "token check" verifies`));
}

async function checkOpenings(file: string, options: { json?: boolean }): Promise<void> {
  const { verifyRevealed } = await import('../../verify/token-opening.ts');
  const { canonicalForms } = await import('../../privacy/canonical-of.ts');
  const { canonicalOf, kinds } = canonicalForms({ custom: [] });
  for (const { token, kind, value, opening } of verifyRevealed(await readWhole(file))) {
    // Kinds of a policy's own have rules that are not at hand.
    const isSpelling = !kinds.has(kind) || canonicalOf(kind, value) === opening.canonical;
    if (!isSpelling) throw new VeiltrailError('opening_mismatch', `${token}: the value is no spelling of what the token commits to`);
    if (options.json) printJson({ ok: true, token, kind });
    else print(`${token}  ${kind}  commits to the value that is shown`);
  }
}

async function findPseudonyms(value: string, options: Options & { kind: string }): Promise<void> {
  if (value !== '-') throw new VeiltrailError('value_argument', 'the value is read from standard input, so that no process list shows it: write -');
  const text = (await readWhole('-')).replace(/\r?\n$/, '');
  const { purpose, reference } = options;
  const reasons = { ...(purpose === undefined ? {} : { purpose }), ...(reference === undefined ? {} : { reference }) };
  const found = await withTokens(options, (desk) => desk.find(options.kind, text, reasons));
  if (options.json) return printJson(found);
  for (const { token, scope } of found.tokens) print(`${token}  ${scope}`);
  for (const hash of found.hashes) print(hash);
  print(found.sha256);
  say(
    errorColors.dim(
      `${found.tokens.length} ${found.tokens.length === 1 ? 'token' : 'tokens'}; whether hashes are in records, a search for them says`,
    ),
  );
}

async function listStops(options: Options): Promise<void> {
  const stops = await withTokens(options, (desk) => desk.stops());
  for (const stop of stops) {
    if (options.json) printJson(stop);
    else print(`${stop.principal}  ${stop.use}  ${stop.count} within ${stop.window === 'hour' ? 'an hour' : 'a day'}  until ${stop.until}`);
  }
  if (stops.length === 0) say('nobody is stopped');
}

async function resume(principal: string, options: Options): Promise<void> {
  const lifted = await withTokens(options, (desk) => desk.lift(principal));
  for (const stop of lifted) if (options.json) printJson(stop);
  if (!options.json) say(`${principal} may go on`);
}
