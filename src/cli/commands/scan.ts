import { type Command, Option } from 'commander';
import { decodeUtf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { isJsonObject, parseJson, type JsonValue } from '../../core/json.ts';
import type { PrivacyEngine } from '../../privacy/engine.ts';
import type { Finding } from '../../privacy/finding.ts';
import { addConnectionOptions } from '../connection.ts';
import { inputNames, openInput, readLines } from '../input.ts';
import { print, printJson, say } from '../output.ts';
import { createPassingEngine } from '../policy-option.ts';
import type { ScanStoredOptions } from './scan-stored.ts';

interface ScanOptions extends ScanStoredOptions {
  object?: boolean;
  stored?: boolean;
}

export function addScan(program: Command): void {
  const scan = program
    .command('scan')
    .description('Show what personal data is found in texts or events; with --stored, in what is stored already. Changes nothing.')
    .argument('[FILE...]', 'files to read, .gz and .zst included; none or - is standard input')
    .option('--policy <file>', 'the policy to scan with [the default one; with --stored, the one in force]')
    .option('--object', 'a line is any JSON value; findings bear a pointer')
    .option('--stored', 'read the stored records instead, and say what an older policy let through: exit 1 if there is any')
    .addOption(new Option('--newest <n>', 'with --stored: only so many of the newest records').argParser(parseCount))
    .option(
      '--json',
      'one line of JSON a line: {"line","findings":[{"kind","start","end","confidence"}]}; a finding: {"leafIndex","pointer","kind","transform","policy"}',
    )
    .addHelpText(
      'after',
      `
A line is a text, or a JSON object whose member \`text\` is the text. Offsets are UTF-16 units. Values are never shown.

  echo "call Jane at +1 415 555 0132" | veiltrail scan
  veiltrail scan --stored --data ./veiltrail-data`,
    );
  addConnectionOptions(scan).action(async (files: string[], options: ScanOptions) => {
    if (!options.stored) {
      if (options.newest !== undefined) throw new VeiltrailError('option_missing', '--newest is for --stored');
      return runScan(files, options);
    }
    if (files.length > 0) throw new VeiltrailError('input_twice', 'name files, or --stored, not both');
    return (await import('./scan-stored.ts')).runScanStored(options);
  });
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new VeiltrailError('number_invalid', 'a whole number is wanted, such as 100');
  return Number(text);
}

/** Nothing is stored, so a line may be longer than an event. */
const lineBytesMax = 16 * 1_048_576;

async function runScan(files: string[], options: ScanOptions): Promise<void> {
  const engine = await createPassingEngine(options.policy);
  const counts = new Map<string, number>();
  let lines = 0;
  for (const name of inputNames(files)) {
    for await (const { line, bytes } of readLines(openInput(name), lineBytesMax)) {
      lines++;
      // Part of a line is never looked through in the place of all of it.
      if (bytes.length > lineBytesMax) throw new VeiltrailError('input_too_large', `line ${line}: longer than ${lineBytesMax} bytes`);
      const findings = scanLine(engine, decodeUtf8(bytes), line, options.object ?? false);
      for (const { kind } of findings) counts.set(kind, (counts.get(kind) ?? 0) + 1);
      if (options.json)
        printJson({
          line,
          findings: findings.map(({ kind, start, end, confidence, pointer }) => ({
            kind,
            start,
            end,
            confidence,
            ...(pointer === undefined ? {} : { pointer }),
          })),
        });
      else
        for (const one of findings)
          print(`${line}:${one.pointer ?? ''}${one.pointer ? ':' : ''}${one.start}-${one.end} ${one.kind} (${one.confidence.toFixed(2)})`);
    }
  }
  const summary = [...counts].toSorted((a, b) => b[1] - a[1]).map(([kind, count]) => `${count} ${kind}`);
  say(`${lines} lines; ${summary.length === 0 ? 'nothing personal found' : summary.join(', ')}`);
}

function scanLine(engine: PrivacyEngine, text: string, line: number, whole: boolean): Finding[] {
  if (whole) return engine.scanObject(parseLine(text, line));
  if (text.startsWith('{')) {
    let value: JsonValue;
    try {
      ({ value } = parseJson(text));
    } catch {
      return engine.scanText(text); // a text that begins with a brace is a text
    }
    if (isJsonObject(value) && typeof value['text'] === 'string') return engine.scanText(value['text']);
  }
  return engine.scanText(text);
}

function parseLine(text: string, line: number): JsonValue {
  try {
    return parseJson(text).value;
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    throw new VeiltrailError(error.code, `line ${line}: ${error.message}`, { ...error.detail, line });
  }
}
