import type { Command } from 'commander';
import { errorColors } from '../colors.ts';
import type { Config } from '../../server/config.ts';
import { isLoopback, listenDefault, parseListen } from '../../server/listen.ts';
import { dataDefault } from '../connection.ts';
import { exitCodeOf, exitCodes } from '../exit.ts';
import { printError, say } from '../output.ts';
import { stopAsked } from '../stop-asked.ts';

/** After everything is closed, a process with nothing to do ends by itself. */
const lingerMs = 2_000;

interface ServeOptions {
  data?: string;
  listen?: string;
  policy?: string;
  config?: string;
  origin?: string;
  publicUrl?: string;
  witnessPolicy?: string;
  witnessMode?: string;
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('Run the server on a data directory, which is made on the first start.')
    .option('--data <dir>', `the data directory [${dataDefault}, or VEILTRAIL_DATA]`)
    .option('--listen <host:port>', `where to listen [${listenDefault}]`)
    .option('--policy <file>', 'the policy to work under from now on [the one in the data directory]')
    .option('--witness-policy <file>', 'ask these witnesses from now on: a C2SP tlog-policy file [the one in the data directory]')
    .option('--witness-mode <mode>', 'what a missing quorum means: flag (shown) or require (receipts wait for it) [flag]')
    .option(
      '--config <file>',
      'these options in a YAML file: data, listen, policy, origin, publicUrl, logs, canaryHours, retentionHours, verifyHours, verifyShare, anchors, alerts, forwarding, oidc, trustedProxies, hides',
    )
    .option(
      '--public-url <url>',
      "where browsers reach the server, such as https://audit.example.com: approvers' security keys are made for it alone",
    )
    .option('--origin <origin>', 'the origin of a new data directory: a URL without its scheme, of your own')
    .action(runServe);
}

async function runServe(options: ServeOptions): Promise<void> {
  try {
    await serve(options);
  } catch (error) {
    printError(error);
    // What could not be closed would keep the process for ever.
    process.exit(exitCodeOf(error));
  }
}

async function serve(options: ServeOptions): Promise<void> {
  const { startServer } = await import('../../server/start.ts');
  const { parseWitnessMode } = await import('../../server/config.ts');
  const config = await configOf(options);
  const settings = { data: process.env['VEILTRAIL_DATA'] ?? dataDefault, listen: listenDefault, ...config, ...options };
  const address = parseListen(settings.listen);
  // Before the start: who is told that it serves may stop it the moment after.
  const asked = stopAsked();
  const server = await startServer({
    dataDir: settings.data,
    listen: address,
    logs: config.logs ?? ['default'],
    access: config,
    ...(settings.policy === undefined ? {} : { policyFile: settings.policy }),
    ...(config.canaryHours === undefined ? {} : { canaryHours: config.canaryHours }),
    ...(config.retentionHours === undefined ? {} : { retentionHours: config.retentionHours }),
    verification: {
      ...(config.verifyHours === undefined ? {} : { hours: config.verifyHours }),
      ...(config.verifyShare === undefined ? {} : { share: config.verifyShare }),
    },
    ...(config.anchors === undefined ? {} : { anchors: config.anchors }),
    ...(config.alerts === undefined ? {} : { alerts: config.alerts }),
    ...(config.forwarding === undefined ? {} : { forwarding: config.forwarding }),
    ...(settings.witnessPolicy === undefined ? {} : { witnessPolicyFile: settings.witnessPolicy }),
    ...(settings.witnessMode === undefined ? {} : { witnessMode: parseWitnessMode(settings.witnessMode, '--witness-mode') }),
    onFork: ({ log, witness, kind, witnessSize }) => {
      const what = kind === 'ahead' ? `a larger one, of ${witnessSize} leaves` : `one of ${witnessSize} leaves that this does not grow from`;
      say(
        `${errorColors.red('alarm')} history forked: witness ${witness} holds another history of log ${log}, ${what}. The log is stopped; see docs/guide/witness.md`,
      );
    },
    onCanary: (alarm) => say(`${errorColors.red('alarm')} ${alarm}`),
    onAlert: (line) => say(`${errorColors.yellow('alert')} ${line}`),
    ...(settings.origin === undefined ? {} : { origin: settings.origin }),
    ...(settings.publicUrl === undefined ? {} : { publicUrl: settings.publicUrl }),
    report: ({ code, route, stack }) => say(`${errorColors.red('error')} a mistake of ours: ${code}, in ${route}\n${stack}`),
    onFatal: (error) => {
      // What is on disk is not known any more; the next start finds out. Nothing may be answered meanwhile.
      printError(error);
      process.exit(exitCodes.refused);
    },
  });
  say(`${errorColors.bold('veiltrail')} serves ${settings.data} at ${errorColors.bold(server.url)}`);
  for (const { log, vkey } of server.logs) say(`  log ${log}, public key ${vkey}`);
  for (const { role, path } of server.firstKeys) say(`  first ${role} key: ${path}`);
  for (const warning of server.policyWarnings) say(`${errorColors.yellow('warning')} ${warning}`);
  if (!isLoopback(address.host))
    say(errorColors.yellow('  reachable from other machines: put something in front that speaks TLS, or keys travel in the clear'));
  await asked;
  await server.close();
  // All is closed and sealed. A connection that somebody else keeps open somewhere must not keep the process.
  setTimeout(() => process.exit(), lingerMs).unref();
}

async function configOf({ config }: ServeOptions): Promise<Config> {
  if (config === undefined) return {};
  const { readConfig } = await import('../../server/config.ts');
  return readConfig(config);
}
