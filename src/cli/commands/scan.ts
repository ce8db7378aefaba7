import type { Command } from 'commander';
import { decodeUtf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { isJsonObject, parseJson, type JsonValue } from '../../core/json.ts';
import type { PrivacyEngine } from '../../privacy/engine.ts';
import type { Finding } from '../../privacy/finding.ts';
import { inputNames, openInput, readLines } from '../input.ts';
import { print, printJson, say } from '../output.ts';
import { createPassingEngine } from '../policy-option.ts';

interface ScanOptions {
  policy?: string;
  json?: boolean;
  object?: boolean;
}

export function addScan(program: Command): void {
  program
    .command('scan')
    .description('Show what personal data would be found in texts or events. Stores nothing.')
    .argument('[FILE...]', 'files to read, .gz and .zst included; none or - is standard input')
    .option('--policy <file>', 'the policy to scan with [the default one]')
    .option('--object', 'a line is any JSON value; findings bear a pointer')
    .option('--json', 'one line of JSON a line: {"line","findings":[{"kind","start","end","confidence"}]}')
    .addHelpText(
      'after',
      '\nA line is a text, or a JSON object whose member `text` is the text. Offsets are UTF-16 units.\n\n  echo "call Jane at +1 415 555 0132" | veiltrail scan',
    )
    .action(runScan);
}

async function runScan(files: string[], options: ScanOptions): Promise<void> {
  const engine = await createPassingEngine(options.policy);
  const counts = new Map<string, number>();
  let lines = 0;
  for (const name of inputNames(files)) {
    for await (const { line, bytes } of readLines(openInput(name))) {
      lines++;
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
