import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { VeiltrailError } from '../../core/errors.ts';
import { type Defence, defences } from '../../server/drill/attack.ts';
import type { DrillResult } from '../../server/drill/run-drill.ts';
import { colors } from '../colors.ts';
import { exitCodes } from '../exit.ts';
import { formatJunit, type TestResult } from '../junit.ts';
import { print, printJson, say } from '../output.ts';

interface DrillOptions {
  data?: string;
  only?: string;
  json?: boolean;
  junit?: string;
}

export function addDrill(program: Command): void {
  program
    .command('drill')
    .description('Rehearse attacks on a copy of a directory and on an export, and show which check finds each: what SECURITY.md claims, tried out.')
    .option('--data <dir>', 'a stopped data directory, of which a copy is attacked [one is made]')
    .option('--only <text>', 'attacks whose class holds this text')
    .option('--json', 'as JSON, one line each')
    .option('--junit <file>', 'the results as JUnit XML')
    .addHelpText(
      'after',
      '\nFound "alone": by `verify` on the directory itself. "kept": with a checkpoint that was kept elsewhere. "witnesses": by their\ncosignatures. "prevented": it has no effect. "nobody": not detectable, and shown as such.\nExits 1 when a claim does not come true.',
    )
    .action(runDrillCommand);
}

async function runDrillCommand(options: DrillOptions): Promise<void> {
  const { drillClasses, runDrill } = await import('../../server/drill/run-drill.ts');
  const results = await runDrill({
    ...(options.data === undefined ? {} : { dataDir: options.data }),
    ...(options.only === undefined ? {} : { only: options.only }),
    onResult: (result) => (options.json ? printJson(result) : print(lineOf(result))),
  });
  if (results.length === 0) throw new VeiltrailError('drill_unknown', `no attack is of such a class; there are ${drillClasses().join(', ')}`);
  if (options.junit !== undefined) writeFileSync(options.junit, formatJunit(results.flatMap(testsOf), 'veiltrail drill'));
  const failed = results.filter(({ ok }) => !ok).length;
  if (failed > 0) process.exitCode = exitCodes.wrong;
  if (!options.json)
    say(failed === 0 ? `${results.length} attacks, all as SECURITY.md claims` : `${failed} of ${results.length} attacks not as SECURITY.md claims`);
}

const inWords: Readonly<Record<DrillResult['foundBy'], string>> = {
  alone: 'found by verify alone',
  kept: 'found with a kept checkpoint',
  witnesses: 'found by whoever demands both witnesses',
  prevented: 'prevented',
  nobody: 'found by nobody',
};

/** Whom an attack deceives: the administrators of SECURITY.md, by what somebody else has against them. */
const defenceWords: Readonly<Record<Defence, string>> = {
  nothing: 'nothing kept elsewhere',
  checkpoint: 'a checkpoint kept elsewhere',
  witnesses: 'witnesses demanded',
};

function lineOf({ ok, class: of, name, by, foundBy, claim, checks, firstBadLeaf, against, seconds }: DrillResult): string {
  const found = foundBy === 'alone' ? `${inWords.alone} in ${seconds.toFixed(1)} s` : inWords[foundBy];
  const how = [...checks, ...(firstBadLeaf === null ? [] : [`leaf ${firstBadLeaf}`])].join(', ');
  const head = `${ok ? colors.green('✓') : colors.red('✗')} ${of.padEnd(22)} ${name}`;
  const line = `${head}\n  ${colors.dim(by)}: ${found}${how === '' ? '' : ` (${how})`}${ok ? '' : colors.red(`, claimed: ${claim}`)}`;
  // Where all of them find it, or there is nothing to find, the line says so already.
  if (ok && (foundBy === 'alone' || foundBy === 'prevented')) return line;
  return `${line}\n${defences.map((defence) => defenceLine(defence, against[defence])).join('\n')}`;
}

function defenceLine(defence: Defence, { found, claimed, checks }: DrillResult['against'][Defence]): string {
  const what = found ? `found (${checks.join(', ')})` : 'not found';
  return `    ${colors.dim(`${defenceWords[defence]}:`)} ${found === claimed ? what : colors.red(`${what}, claimed otherwise`)}`;
}

/** One for each defence, so that a report shows what is not detectable as well as what is. */
function testsOf({ class: suite, name, by, claim, foundBy, against, seconds }: DrillResult): TestResult[] {
  return defences.map((defence) => {
    const { found, claimed } = against[defence];
    const outcome = claim === 'prevented' ? 'no effect' : claimed ? 'found' : 'not detectable';
    const isAsClaimed = found === claimed && (claim !== 'prevented' || foundBy === 'prevented');
    const title = `${name} (${by}; ${defenceWords[defence]}): ${outcome}`;
    return { suite, name: title, seconds, ...(isAsClaimed ? {} : { failure: `claimed: ${claim}, found by: ${foundBy}` }) };
  });
}
