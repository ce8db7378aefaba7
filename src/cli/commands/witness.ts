import { type Command, Option } from 'commander';
import { VeiltrailError } from '../../core/errors.ts';
import { isLoopback, parseListen } from '../../server/listen.ts';
import { errorColors } from '../colors.ts';
import { dataDefault, dataDirOf, readKey } from '../connection.ts';
import { exitCodeOf } from '../exit.ts';
import { print, printError, printJson, say } from '../output.ts';
import { stopAsked } from '../stop-asked.ts';
import { readVkey } from '../vkey-option.ts';

const listenDefault = '127.0.0.1:7421';
const directoryDefault = './veiltrail-witness';

interface WitnessOptions {
  data: string;
  json?: boolean;
}

interface ServeOptions extends WitnessOptions {
  listen: string;
  name?: string;
  log?: string[];
}

/** `witness …`: cosign other people's logs. */
export function addWitness(program: Command): void {
  const witness = program.command('witness').description("Cosign other people's logs (C2SP tlog-witness), so that nobody is shown another history.");
  withDirectory(witness.command('serve').description('Run a witness; its key is made on the first start.'))
    .option('--listen <host:port>', 'where to listen', listenDefault)
    .option('--name <name>', 'what it is called, a URL without its scheme; fixed from the first start on [localhost/witness/<random>]')
    .option('--log <vkey...>', 'logs to add: their public keys, or @FILE')
    .addHelpText(
      'after',
      "\n  veiltrail witness serve --name witness.example.com/laptop --log audit.example.com/default+1a2b3c4d+AbCd…\n\nThe start of the log's own `veiltrail serve` prints the key, and `veiltrail key export-public --url URL` to whoever may list logs.",
    )
    .action(serve);
  withDirectory(
    witness.command('add-log').description('Add a log, or the next key of one that is there.').argument('<vkey>', "the log's public key, or @FILE"),
  ).action(addLog);
  withDirectory(
    witness
      .command('remove-key')
      .description('Believe a key of a log no longer; what was seen of the log stays.')
      .argument('<vkey>', 'the key, or @FILE'),
  ).action(removeKey);
  withDirectory(witness.command('list').description('The logs, and how far each was seen.')).option('--json', 'one JSON object a line').action(list);
  withDirectory(
    witness
      .command('checkpoint')
      .description('The newest checkpoint of a log that was cosigned here; `witness list` shows which there are.')
      .argument('<origin>', 'the origin of the log'),
  ).action(printCheckpoint);
  witness
    .command('acknowledge')
    .description('Let a log of ours go on that was stopped because a witness holds another history of it. That witness is asked no more.')
    .argument('<log>', 'the name of the log')
    .option('--data <dir>', `the data directory, while no server has it [${dataDefault}, or VEILTRAIL_DATA]`)
    .addOption(new Option('--url <url>', 'a server instead').env('VEILTRAIL_URL'))
    .addOption(new Option('--key <key>', 'its API key, of the role admin, or @FILE that holds it').env('VEILTRAIL_KEY'))
    .action(acknowledge);
  for (const command of witness.commands) command.exitOverride();
}

function withDirectory(command: Command): Command {
  return command.option('--data <dir>', "the witness's directory", directoryDefault);
}

async function serve({ data, listen, name, log = [] }: ServeOptions): Promise<void> {
  const { serveWitness } = await import('../../witness/serve-witness.ts');
  const address = parseListen(listen);
  const asked = stopAsked();
  const witness = await serveWitness({
    dir: data,
    ...address,
    ...(name === undefined ? {} : { name }),
    logs: log.map((vkey, i) => readVkey(vkey, log.length === 1 ? '--log' : `--log, number ${i + 1}`)),
    report(error) {
      printError(error);
      // What is on disk is not known any more: the next start finds out, and nothing is cosigned meanwhile.
      if ((error as VeiltrailError).code === 'storage_failed') process.exit(exitCodeOf(error));
    },
  });
  say(`${errorColors.bold('veiltrail witness')} ${witness.name} serves ${data} at ${errorColors.bold(witness.url)}`);
  say(`  public key ${witness.vkey}`);
  if (!isLoopback(address.host)) say(errorColors.yellow('  reachable from other machines: put something in front that speaks TLS'));
  await asked;
  await witness.close();
}

async function acknowledge(log: string, { data, url, key }: { data?: string; url?: string; key?: string }): Promise<void> {
  let fork: { witness: string; witnessSize: number };
  if (url !== undefined) {
    const { createClient } = await import('../../sdk/client.ts');
    fork = await createClient({ url, key: readKey(key) }).acknowledgeFork(log);
  } else {
    const { acknowledgeStoredFork } = await import('../../server/acknowledge-fork.ts');
    fork = await acknowledgeStoredFork(dataDirOf(data === undefined ? {} : { data }), log);
  }
  say(`log ${log} goes on; witness ${fork.witness}, which holds another history of ${fork.witnessSize} leaves, is asked no more`);
}

async function addLog(vkey: string, { data }: WitnessOptions): Promise<void> {
  const { addWitnessedLog, openWitnessDirectory } = await import('../../witness/witness-directory.ts');
  const { store } = openWitnessDirectory(data);
  try {
    say(`added ${addWitnessedLog(store, readVkey(vkey, 'VKEY'))}`);
  } finally {
    store.close();
  }
}

async function removeKey(vkey: string, { data }: WitnessOptions): Promise<void> {
  const { openWitnessDirectory } = await import('../../witness/witness-directory.ts');
  const { createNoteVerifier } = await import('../../log/note-key.ts');
  const text = readVkey(vkey, 'VKEY');
  const { name } = createNoteVerifier(text);
  const { store } = openWitnessDirectory(data, { create: false });
  try {
    if (!store.removeKey(name, text)) throw new VeiltrailError('not_found', `${name} has no such key here`);
    say(`removed a key of ${name}`);
  } finally {
    store.close();
  }
}

async function list({ data, json }: WitnessOptions): Promise<void> {
  const { openWitnessDirectory } = await import('../../witness/witness-directory.ts');
  const { store } = openWitnessDirectory(data, { create: false });
  try {
    for (const { origin, treeSize, timeSeconds, vkeys } of store.logs()) {
      const cosignedAt = timeSeconds === 0 ? undefined : new Date(timeSeconds * 1_000).toISOString();
      if (json) printJson({ origin, treeSize, cosignedAt, vkeys });
      else print(`${origin}  ${cosignedAt === undefined ? 'never cosigned' : `${treeSize} leaves, cosigned ${cosignedAt}`}`);
    }
  } finally {
    store.close();
  }
}

async function printCheckpoint(origin: string, { data }: WitnessOptions): Promise<void> {
  const { openWitnessDirectory } = await import('../../witness/witness-directory.ts');
  const { store } = openWitnessDirectory(data, { create: false });
  try {
    const checkpoint = store.log(origin)?.checkpoint;
    if (checkpoint === undefined) throw new VeiltrailError('not_found', `no checkpoint of ${origin} was cosigned here`);
    process.stdout.write(checkpoint);
  } finally {
    store.close();
  }
}
