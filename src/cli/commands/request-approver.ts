/** `request approver-key` makes an approver's own key; `request approver` says whose keys count. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { VeiltrailError } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { verifyCard } from '../../verify/enrolment.ts';
import { cardOf, createApproverFile, openApproverFile } from '../approver-file.ts';
import { print, printJson, say } from '../output.ts';
import { addDeskOptions, type DeskOptions, type PermitOptions, readDesk, useDesk } from '../request-desk.ts';

interface EnrolOptions extends DeskOptions, PermitOptions {
  owner: string;
  name?: string;
}

export function addApproverCommands(request: Command): void {
  const key = request
    .command('approver-key')
    .description('Your own key, to approve with. It stays with you: the server only ever sees its public half.');
  const passphrase = ['--passphrase-file <file>', 'its passphrase: the first line of a file, or of - (standard input)'] as const;
  key
    .command('create')
    .description('Make the key (mode 0600), and print the card that whoever enrols it needs.')
    .argument('<file>', 'where to put it; it must not be there yet')
    .option(...passphrase)
    .action(createKey);
  key
    .command('card')
    .description('Print the card again.')
    .argument('<file>', 'the key')
    .option(...passphrase)
    .action(async (file: string, options: { passphraseFile?: string }) => printJson(cardOf(await openApproverFile(file, options.passphraseFile))));

  const approver = request
    .command('approver')
    .description('Whose keys count. The first is enrolled by an admin; from then on it takes one who is there.');
  addDeskOptions(approver.command('list').description('Approvers, those removed too.'), 'any that asks, decides or audits').action(listApprovers);
  addPermitOptions(
    addDeskOptions(approver.command('enrol').description("Enrol an approver's key.").argument('<card>', 'the file with the card, or -'), 'admin')
      .requiredOption('--owner <who>', 'what names the person elsewhere (an address, a staff number); only a keyed digest of it is stored')
      .option('--name <name>', 'what they are called in the list'),
  ).action(enrol);
  addPermitOptions(
    addDeskOptions(approver.command('remove').description('Remove an approver, for good.').argument('<id>', 'as the list shows it'), 'admin'),
  ).action(remove);
}

function addPermitOptions(command: Command): Command {
  return command
    .option('--request <id>', 'the request that a second person approved')
    .option('--purpose <text>', 'why: makes the request where one is needed')
    .option('--reference <text>', 'of a case, a ticket')
    .option('--by <name>', 'who you are, on a data directory [your name on this machine]');
}

async function createKey(file: string, options: { passphraseFile?: string }): Promise<void> {
  const card = await createApproverFile(file, options.passphraseFile);
  printJson(card);
  say(`${file} is your own: keep it to yourself. An admin enrols the line above: veiltrail request approver enrol CARD --owner YOU`);
}

async function listApprovers(options: DeskOptions): Promise<void> {
  const { mode, approvers } = await readDesk(options, (desk) => desk.approvers());
  for (const info of approvers) {
    if (options.json) printJson(info);
    else {
      const state = info.removedAt === undefined ? '' : `removed ${info.removedAt.slice(0, 10)}`;
      print([info.id, info.kind.padEnd(14), info.enrolledAt.slice(0, 10), info.name ?? info.owner, state].filter((part) => part !== '').join('  '));
    }
  }
  if (options.json) return;
  const active = approvers.filter(({ removedAt }) => removedAt === undefined).length;
  const isNeeded = mode === 'required' || (mode === 'auto' && active > 0);
  say(`${active} approver${active === 1 ? '' : 's'}; ${isNeeded ? 'a second person is needed' : 'a single person may act'} (approvals: ${mode})`);
}

async function enrol(cardFile: string, options: EnrolOptions): Promise<void> {
  const { owner, name } = options;
  const { card } = verifyCard(parseJson(readCard(cardFile)).value);
  const info = await useDesk(options, (desk) => desk.enrol({ card, owner, ...(name === undefined ? {} : { name }) }, options));
  if (options.json) printJson(info);
  else say(`${info.id} may approve from now on${card.assertion ? `, in a browser at ${card.assertion.origin}/approve` : ''}`);
}

async function remove(id: string, options: DeskOptions & PermitOptions): Promise<void> {
  const info = await useDesk(options, (desk) => desk.remove(id, options));
  if (options.json) printJson(info);
  else say(`${info.id} approves nothing any more, nor does what it approved before and nobody used`);
}

function readCard(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch {
    throw new VeiltrailError('input_unreadable', `${file}: cannot be read`);
  }
}
