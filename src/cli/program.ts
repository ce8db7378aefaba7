/** The commands and what they share. Facts go to standard output, words for people to standard error; the exit code says what happened (see exit.ts). */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { exitCodes, exitCodeOf } from './exit.ts';
import { printError } from './output.ts';

/** By name, in the order in which help lists them. Only the one that was asked for is loaded: all of them are 70 ms of a start. */
export const commands: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  serve: async () => (await import('./commands/serve.ts')).addServe,
  ingest: async () => (await import('./commands/ingest.ts')).addIngest,
  scan: async () => (await import('./commands/scan.ts')).addScan,
  preview: async () => (await import('./commands/preview.ts')).addPreview,
  redact: async () => (await import('./commands/redact.ts')).addRedact,
  search: async () => (await import('./commands/search.ts')).addSearch,
  show: async () => (await import('./commands/show.ts')).addShow,
  prove: async () => (await import('./commands/prove.ts')).addProve,
  export: async () => (await import('./commands/export.ts')).addExport,
  'evidence-page': async () => (await import('./commands/evidence-page.ts')).addEvidencePage,
  verify: async () => (await import('./commands/verify.ts')).addVerify,
  checkpoint: async () => (await import('./commands/checkpoint.ts')).addCheckpoint,
  anchor: async () => (await import('./commands/anchor.ts')).addAnchor,
  alert: async () => (await import('./commands/alert.ts')).addAlert,
  canary: async () => (await import('./commands/canary.ts')).addCanary,
  drill: async () => (await import('./commands/drill.ts')).addDrill,
  key: async () => (await import('./commands/key.ts')).addKey,
  policy: async () => (await import('./commands/policy.ts')).addPolicy,
  field: async () => (await import('./commands/field.ts')).addField,
  token: async () => (await import('./commands/token.ts')).addToken,
  request: async () => (await import('./commands/request.ts')).addRequest,
  subject: async () => (await import('./commands/subject.ts')).addSubject,
  'redact-value': async () => (await import('./commands/redact-value.ts')).addRedactValue,
  forwarder: async () => (await import('./commands/forwarder.ts')).addForwarder,
  hold: async () => (await import('./commands/hold.ts')).addHold,
  restore: async () => (await import('./commands/restore.ts')).addRestore,
  retention: async () => (await import('./commands/retention.ts')).addRetention,
  report: async () => (await import('./commands/report.ts')).addReport,
  witness: async () => (await import('./commands/witness.ts')).addWitness,
};

async function createProgram(asked = ''): Promise<Command> {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  const program = new Command('veiltrail')
    .description('The audit trail that proves everything and leaks nothing.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(try --help)')
    .addHelpText(
      'after',
      `\nExit codes: 0 done, all well · 1 something is wrong with what was checked · 2 wrong use or bad input · 3 refused or out of reach`,
    );
  const loading = Object.hasOwn(commands, asked) ? [commands[asked]] : asked === '--version' ? [] : Object.values(commands);
  for (const load of loading) (await load?.())?.(program);
  for (const command of program.commands) command.exitOverride();
  return program;
}

/** Runs the command that the process was started with, and sets its exit code. */
export async function runCommandLine(): Promise<void> {
  // A closed pipe (`veiltrail search … | head`) is the reader's way of saying enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.done);
    throw error;
  });
  try {
    await (await createProgram(process.argv[2])).parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    else {
      printError(error);
      process.exitCode = exitCodeOf(error);
    }
  }
}
