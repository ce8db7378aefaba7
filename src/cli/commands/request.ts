/** `request ask | list | show | approve | deny | approver-key | approver`: what takes two persons. */
import { readFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { requestActions, type RequestAction, type RequestInfo, requestStates, type RequestState } from '../../app/requests.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { isJsonObject, type JsonObject, parseJson } from '../../core/json.ts';
import type { Decision } from '../../verify/approval.ts';
import { openApproverFile, signDecision } from '../approver-file.ts';
import { colors, errorColors } from '../colors.ts';
import { print, printJson, say } from '../output.ts';
import { addDeskOptions, type DeskOptions, readDesk, useDesk } from '../request-desk.ts';
import { addApproverCommands } from './request-approver.ts';

interface AskOptions extends DeskOptions {
  detail?: string;
  policy?: string;
  purpose: string;
  reference?: string;
}

interface DecideOptions extends DeskOptions {
  approverKey: string;
  passphraseFile?: string;
}

export function addRequest(program: Command): void {
  const request = program
    .command('request')
    .description('What takes two persons: one asks, an approver signs exactly that, and it may be done once, within a day.')
    .addHelpText(
      'after',
      '\nA command that needs two makes the request itself, says its id, and exits 3; once it is approved, run it again with --request ID.',
    );
  addDeskOptions(request.command('ask').description('Ask for something ahead of time.'), 'investigator, officer or admin')
    .argument('<action>', requestActions.join(', '))
    .option('--detail <json>', 'exactly what will be done, as JSON, or @FILE that holds it')
    .option('--policy <file>', 'with policy.change: the policy that shall come into force')
    .requiredOption('--purpose <text>', 'why')
    .option('--reference <text>', 'of a case, a ticket, a court order')
    .option('--by <name>', 'who you are, on a data directory [your name on this machine]')
    .action(askFor);
  addDeskOptions(request.command('list').description('Requests, newest first.'), 'any that asks, decides or audits')
    .option('--state <state>', `only these: ${requestStates.join(', ')}`)
    .action(listRequests);
  addDeskOptions(
    request.command('show').description('A request, with the signatures it bears.').argument('<id>'),
    'any that asks, decides or audits',
  ).action(showRequest);
  for (const [decision, summary] of [
    ['approve', 'Approve a request: signs its id and digest with your own key.'],
    ['deny', 'Deny a request for good, also one that was approved and not used yet.'],
  ] as const)
    addDeskOptions(request.command(decision).description(summary).argument('<id>'), 'approver')
      .addOption(
        new Option('--approver-key <file>', 'your own key, as `request approver-key create` made it')
          .env('VEILTRAIL_APPROVER_KEY')
          .makeOptionMandatory(),
      )
      .option('--passphrase-file <file>', 'its passphrase: the first line of a file, or of - (standard input)')
      .option('--by <name>', 'who you are, on a data directory [your name on this machine]')
      .action((id: string, options: DecideOptions) => decide(decision, id, options));
  addApproverCommands(request);
}

async function askFor(action: string, options: AskOptions): Promise<void> {
  const known = requestActions.find((one) => one === action);
  if (known === undefined) throw new VeiltrailError('request_syntax', `an action is one of ${requestActions.join(', ')}`);
  const detail = await detailOf(known, options);
  const { purpose, reference } = options;
  const info = await useDesk(options, (desk) => desk.ask({ action: known, detail, purpose, ...(reference === undefined ? {} : { reference }) }));
  if (options.json) return printJson(info);
  print(info.id);
  say(`until ${info.expiresAt} an approver may run: veiltrail request approve ${info.id}`);
}

async function detailOf(action: RequestAction, { detail, policy }: AskOptions): Promise<JsonObject> {
  if (policy !== undefined && action === 'policy.change') {
    const { policyDetail } = await import('../../server/requests.ts');
    const { parsePolicy } = await import('../../privacy/policy-file.ts');
    const text = readText(policy);
    return policyDetail(text, parsePolicy(text, policy));
  }
  if (detail === undefined) throw new VeiltrailError('request_syntax', action === 'policy.change' ? '--policy is missing' : '--detail is missing');
  const { value } = parseJson(detail.startsWith('@') ? readText(detail.slice(1)) : detail);
  if (!isJsonObject(value)) throw new VeiltrailError('request_syntax', 'a detail is a JSON object');
  return value;
}

async function listRequests(options: DeskOptions & { state?: string }): Promise<void> {
  const state = requestStates.find((one) => one === options.state);
  if (options.state !== undefined && state === undefined) throw new VeiltrailError('request_syntax', `a state is one of ${requestStates.join(', ')}`);
  const requests = await readDesk(options, (desk) => desk.list(state === undefined ? {} : { state }));
  for (const info of requests) {
    if (options.json) printJson(info);
    else print([info.id, stateInColor(info.state), info.action.padEnd(17), info.createdAt.slice(0, 16), info.by, oneLine(info.purpose)].join('  '));
  }
  if (!options.json) say(errorColors.dim(`${requests.length} request${requests.length === 1 ? '' : 's'}`));
}

async function showRequest(id: string, options: DeskOptions): Promise<void> {
  const info = await readDesk(options, (desk) => desk.show(id));
  if (options.json) printJson(info);
  else printRequest(info, print);
}

function printRequest(info: RequestInfo, line: (text: string) => void): void {
  const { id, state, action, detail, digest, by, owner, purpose, reference, createdAt, expiresAt, usableUntil, usedAt, usedBy, decisions } = info;
  line(`${colors.bold(id)}  ${stateInColor(state).trimEnd()}`);
  line(`  action     ${action}`);
  line(`  detail     ${JSON.stringify(detail)}`);
  line(`  digest     ${digest}`);
  line(`  purpose    ${oneLine(purpose)}`);
  if (reference !== undefined) line(`  reference  ${oneLine(reference)}`);
  line(`  asked      ${createdAt} by ${by}${owner === undefined ? '' : ` (${owner})`}, good until ${expiresAt}`);
  for (const { decision, approver, time } of decisions) line(`  ${decision === 'approve' ? 'approved' : 'denied  '}   ${time} by ${approver}`);
  if (usableUntil !== undefined && state === 'approved') line(`  usable     once, until ${usableUntil}`);
  if (usedAt !== undefined) line(`  used       ${usedAt} by ${usedBy ?? ''}`);
}

async function decide(decision: Decision, id: string, options: DecideOptions): Promise<void> {
  const key = await openApproverFile(options.approverKey, options.passphraseFile);
  const asked = await readDesk(options, (desk) => desk.show(id));
  // What is signed is what is shown.
  if (!options.json) printRequest(asked, say);
  const approval = signDecision(key, asked, decision);
  const info = await useDesk(options, (desk) => desk.decide(id, decision, approval));
  if (options.json) return printJson(info);
  say(decision === 'approve' ? `approved; ${info.by} may do it once, until ${info.usableUntil}` : 'denied');
}

function stateInColor(state: RequestState): string {
  const paint = { pending: colors.yellow, approved: colors.green, denied: colors.red, used: colors.dim, expired: colors.dim }[state];
  return paint(state.padEnd(8));
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new VeiltrailError('input_unreadable', `${file}: cannot be read`);
  }
}
