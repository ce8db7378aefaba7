import type { Command } from 'commander';
import type { CanaryReport } from '../../app/run-canary.ts';
import { addConnectionOptions, type ConnectionOptions, dataDirOf, readKey } from '../connection.ts';
import { exitCodes } from '../exit.ts';
import { print, printJson, say } from '../output.ts';

interface CanaryOptions extends ConnectionOptions {
  json?: boolean;
}

export function addCanary(program: Command): void {
  addConnectionOptions(
    program.command('canary').description('Send made-up values of every kind through the live policy, and look for them in all that is stored.'),
  )
    .option('--json', 'the report as one line of JSON')
    .addHelpText(
      'after',
      `
The values are in every position (message, nested, member's name, JSON in a string, URL …) and encoding (percent, base64, hex, HTML …) of
events of the log _canary. Exits 1 on a leak. A server does this by itself once a day, with some of the encodings.`,
    )
    .action(runCanaryCommand);
}

async function runCanaryCommand(options: CanaryOptions): Promise<void> {
  const report = await (options.url === undefined ? runHere(options) : runThere(options.url, options));
  if (options.json) printJson(report);
  else printReport(report);
  if (!report.ok) process.exitCode = exitCodes.wrong;
}

async function runHere(options: CanaryOptions): Promise<CanaryReport> {
  const { openTrail } = await import('../../server/compose.ts');
  const trail = await openTrail({ dataDir: dataDirOf(options) });
  try {
    await trail.createLog(options.log);
    return await trail.runCanary({ log: options.log });
  } finally {
    await trail.close();
  }
}

async function runThere(url: string, { key, log }: CanaryOptions): Promise<CanaryReport> {
  const { createClient } = await import('../../sdk/client.ts');
  return createClient({ url, key: readKey(key) }).runCanary({ log });
}

function printReport({ planted, kinds, files, seconds, leaks, kept, unseen }: CanaryReport): void {
  for (const { kind, position, encoding, where } of leaks)
    print(`leak  ${kind}, ${encoding}, ${position}: in ${where === 'record' ? 'the stored record' : where}`);
  if (unseen > 0) print(`${unseen} events did not come back as they should: nothing can be said about them`);
  if (kept.length > 0) say(`not planted, because the policy keeps them: ${kept.join(', ')}`);
  say(
    `${planted} canaries of ${kinds} kinds in ${seconds.toFixed(1)} s, ${files} files looked through: ${leaks.length === 0 ? 'no leak' : `${leaks.length} leaked`}`,
  );
}
