/** The commands and what they share. Facts go to standard output, words for people to standard error; the exit code says what happened (see exit.ts). */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addAnchor } from './commands/anchor.ts';
import { addCanary } from './commands/canary.ts';
import { addCheckpoint } from './commands/checkpoint.ts';
import { addDrill } from './commands/drill.ts';
import { addEvidencePage } from './commands/evidence-page.ts';
import { addExport } from './commands/export.ts';
import { addField } from './commands/field.ts';
import { addHold } from './commands/hold.ts';
import { addIngest } from './commands/ingest.ts';
import { addKey } from './commands/key.ts';
import { addPolicy } from './commands/policy.ts';
import { addPreview } from './commands/preview.ts';
import { addProve } from './commands/prove.ts';
import { addRedact } from './commands/redact.ts';
import { addRedactValue } from './commands/redact-value.ts';
import { addReport } from './commands/report.ts';
import { addRestore } from './commands/restore.ts';
import { addRetention } from './commands/retention.ts';
import { addRequest } from './commands/request.ts';
import { addScan } from './commands/scan.ts';
import { addSearch } from './commands/search.ts';
import { addServe } from './commands/serve.ts';
import { addShow } from './commands/show.ts';
import { addSubject } from './commands/subject.ts';
import { addToken } from './commands/token.ts';
import { addVerify } from './commands/verify.ts';
import { addWitness } from './commands/witness.ts';
import { exitCodes, exitCodeOf } from './exit.ts';
import { printError } from './output.ts';

function createProgram(): Command {
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
  for (const add of [
    addServe,
    addIngest,
    addScan,
    addPreview,
    addRedact,
    addSearch,
    addShow,
    addProve,
    addExport,
    addEvidencePage,
    addVerify,
    addCheckpoint,
    addAnchor,
    addCanary,
    addDrill,
    addKey,
    addPolicy,
    addField,
    addToken,
    addRequest,
    addSubject,
    addRedactValue,
    addHold,
    addRestore,
    addRetention,
    addReport,
    addWitness,
  ])
    add(program);
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
    await createProgram().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    else {
      printError(error);
      process.exitCode = exitCodeOf(error);
    }
  }
}
