/** `field list` and `field classify`: what fields there are, and what somebody says they are. */
import { Option, type Command } from 'commander';
import { userInfo } from 'node:os';
import { errorColors } from '../colors.ts';
import type { FieldFilter, FieldInfo } from '../../app/field-registry.ts';
import type { ClassifyRequest, Trail } from '../../app/trail.ts';
import { createClient } from '../../sdk/client.ts';
import { type ConnectionOptions, dataDefault, dataDirOf, readKey } from '../connection.ts';
import { print, printJson, say } from '../output.ts';
import { localPerson } from '../request-desk.ts';
import { withTrailHere } from '../trail-here.ts';

interface FieldOptions extends Omit<ConnectionOptions, 'log'> {
  log?: string;
  json?: boolean;
}

type Answer = Awaited<ReturnType<Trail['classifyField']>>;

export function addField(program: Command): void {
  const field = program.command('field').description('Fields that were ever seen in events, and what they are.');
  addOptions(field.command('list').description('Paths and types, since when, how often, how they are settled. Never a value.'))
    .option('--unclassified', 'only fields that neither a rule nor anybody has settled')
    .action(listFields);
  addOptions(
    field
      .command('classify')
      .description('Say what a field is: its values are treated so from now on, and those in quarantine are restored, replaced or destroyed.')
      .argument('<path>', 'as `field list` shows it, or a pattern as rules have it'),
  )
    .requiredOption('--as <kind>', 'keep, scan, redact, drop, or a kind of personal data (see `policy kinds`)')
    .option('--by <name>', 'who says so, on a data directory [the user of this machine]; on a server it is the key')
    .option('--why <reason>', 'why, for the record')
    .option('--request <id>', 'with keep and scan, where that takes two: the request that a second person approved')
    .action(classifyField);
}

function addOptions(command: Command): Command {
  return command
    .addOption(new Option('--data <dir>', `the data directory [${dataDefault}]`).env('VEILTRAIL_DATA'))
    .addOption(new Option('--url <url>', 'a server instead').env('VEILTRAIL_URL'))
    .addOption(new Option('--key <key>', 'its API key (role admin), or @FILE that holds it').env('VEILTRAIL_KEY'))
    .option('--log <name>', 'fields of this log [all]')
    .option('--json', 'as JSON, one line each');
}

async function listFields(options: FieldOptions & { unclassified?: boolean }): Promise<void> {
  const filter: FieldFilter = {};
  if (options.log !== undefined) filter.log = options.log;
  if (options.unclassified) filter.unclassified = true;
  const fields = await read(options, filter);
  for (const field of fields) {
    if (options.json) printJson(field);
    else printField(field);
  }
  if (!options.json) say(errorColors.dim(`${fields.length} field${fields.length === 1 ? '' : 's'}`));
}

async function read(options: FieldOptions, filter: FieldFilter): Promise<FieldInfo[]> {
  if (options.url !== undefined)
    return (await createClient({ url: options.url, key: readKey(options.key) }).listFields(filter)) as unknown as FieldInfo[];
  const { openTrailReader } = await import('../../server/open-reader.ts');
  const trail = await openTrailReader(dataDirOf(options));
  try {
    return await trail.fields(filter);
  } finally {
    await trail.close();
  }
}

function printField({ log, path, types, firstSeenAt, seen, settledBy, classification }: FieldInfo): void {
  const settled = classification ? `${classification.as} (${classification.by}, ${classification.at.slice(0, 10)})` : settledBy;
  print([log.padEnd(10), path.padEnd(36), types.join('|').padEnd(8), `${seen}+`.padStart(8), firstSeenAt, settled].join('  '));
}

async function classifyField(path: string, options: FieldOptions & { as: string; by?: string; why?: string; request?: string }): Promise<void> {
  const request: Omit<ClassifyRequest, 'by' | 'person'> = { path, as: options.as };
  if (options.log !== undefined) request.log = options.log;
  if (options.why !== undefined) request.why = options.why;
  if (options.request !== undefined) request.request = options.request;
  const answer = await write(options, request);
  if (options.json) return printJson(answer);
  const { itself, text, nothing } = answer.values;
  say(`${path} is ${options.as} from now on; of its values in quarantine ${itself} may be read, ${text} were replaced, ${nothing} destroyed`);
}

async function write(options: FieldOptions & { by?: string }, request: Omit<ClassifyRequest, 'by' | 'person'>): Promise<Answer> {
  if (options.url !== undefined)
    return (await createClient({ url: options.url, key: readKey(options.key) }).classifyField(request)) as unknown as Answer;
  return withTrailHere(dataDirOf(options), (trail) =>
    trail.classifyField({ ...request, by: options.by ?? userInfo().username, person: localPerson(options.by) }),
  );
}
