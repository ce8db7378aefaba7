/** `policy test`: fixtures in somebody's own CI. */
import { readFileSync, writeFileSync } from 'node:fs';
import { colors } from '../colors.ts';
import { utf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { sha256 } from '../../core/sha256.ts';
import { createPrivacyEngine, type PrivacyEngine } from '../../privacy/engine.ts';
import { parsePolicy } from '../../privacy/policy-file.ts';
import { policyOfLog } from '../../privacy/policy-model.ts';
import { exitCodes } from '../exit.ts';
import { formatJunit, type TestResult } from '../junit.ts';
import { print, printJson, say } from '../output.ts';
import { type Difference, type Fixture, parseFixtures, runFixture } from '../policy-fixtures.ts';
import { readPolicyText } from '../policy-option.ts';
import { exampleTokens } from '../preview-event.ts';

interface TestOptions {
  policy?: string;
  log?: string;
  junit?: string;
  json?: boolean;
}

/** Not secret, and for nothing else: so that hashes and shifted dates come out the same in every run. */
const testKey = sha256(utf8('veiltrail policy test'));

export async function runPolicyTest(files: readonly string[], options: TestOptions): Promise<void> {
  const engineOf = createEngines(await readPolicyText(options.policy), options);
  // All are read before the first is run: a file that cannot be read is no failed test.
  const suites = files.map((file) => ({ file, fixtures: parseFixtures(readText(file), file) }));
  const results: TestResult[] = [];
  for (const { file, fixtures } of suites) for (const fixture of fixtures) results.push(runOne(file, fixture, engineOf(fixture.log), options));
  if (options.junit !== undefined) writeText(options.junit, formatJunit(results));
  const failed = results.filter(({ failure }) => failure !== undefined).length;
  say(`${results.length} ${results.length === 1 ? 'fixture' : 'fixtures'}: ${failed === 0 ? 'all well' : `${failed} failed`}`);
  if (failed > 0) process.exitCode = exitCodes.wrong;
}

function createEngines(text: string, options: TestOptions): (log: string | undefined) => PrivacyEngine {
  const policy = parsePolicy(text, options.policy);
  const engines = new Map<string, PrivacyEngine>();
  return (log = options.log ?? '') => {
    const known = engines.get(log);
    if (known) return known;
    const made = createPrivacyEngine(policyOfLog(policy, log), { pseudonymKey: { version: 1, key: testKey } });
    engines.set(log, made);
    return made;
  };
}

function runOne(file: string, fixture: Fixture, engine: PrivacyEngine, options: TestOptions): TestResult {
  const startMs = performance.now();
  const differences = runFixture(fixture, engine, exampleTokens());
  const result: TestResult = { suite: file, name: fixture.name, seconds: (performance.now() - startMs) / 1000 };
  if (differences.length > 0) result.failure = differences.map(inWords).join('\n');
  if (options.json) printJson({ file, name: fixture.name, ok: differences.length === 0, differences });
  else print(`${differences.length === 0 ? colors.green('✓') : colors.red('✗')} ${fixture.name}`);
  if (!options.json) for (const one of differences) print(`    ${inWords(one)}`);
  return result;
}

function inWords({ pointer, expected, got }: Difference): string {
  return `${pointer}: expected ${expected}, got ${got}`;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new VeiltrailError('input_unreadable', `${file}: cannot be read`);
  }
}

function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch {
    throw new VeiltrailError('output_unwritable', `${file}: cannot be written`);
  }
}
