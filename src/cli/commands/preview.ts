import type { Command } from 'commander';
import pc from 'picocolors';
import { encodeBase64url } from '../../core/base64.ts';
import type { JsonObject } from '../../core/json.ts';
import { systemRandom } from '../../core/random.ts';
import { createMac } from '../../core/sha256.ts';
import { utf8 } from '../../core/bytes.ts';
import type { Format } from '../../ingest/incoming.ts';
import { readEvents } from '../../ingest/read-events.ts';
import { flattenRecord } from '../../log/record.ts';
import type { PrivacyEngine } from '../../privacy/engine.ts';
import type { TokenNeed } from '../../privacy/plan.ts';
import { inputNames, openInput, readLines } from '../input.ts';
import { print, printJson, say } from '../output.ts';
import { createPassingEngine } from '../policy-option.ts';

interface PreviewOptions {
  policy?: string;
  json?: boolean;
  format: Format;
}

export function addPreview(program: Command): void {
  program
    .command('preview')
    .description('Show events before → after the policy. Stores nothing.')
    .argument('[FILE...]', 'files to read; none or - is standard input')
    .option('--policy <file>', 'the policy to preview [the default one]')
    .option('--format <format>', 'auto, ndjson, cloudtrail or text', 'auto')
    .option('--json', 'one line of JSON an event: {"line","event","applied"}, the event after the policy')
    .addHelpText(
      'after',
      '\nTokens shown are examples: they are made for this run and kept nowhere. The values before stand in your own file; only this command shows them.',
    )
    .action(runPreview);
}

async function runPreview(files: string[], options: PreviewOptions): Promise<void> {
  const engine = createPassingEngine(options.policy);
  const token = exampleTokens();
  for (const name of inputNames(files)) {
    for await (const { line, bytes } of readLines(openInput(name))) {
      if (bytes.length === 0) continue;
      for (const one of readEvents(bytes, options.format === 'auto' ? 'ndjson' : options.format)) {
        if ('stub' in one) say(`line ${line}: would become a stub (${one.stub.reason}, ${one.stub.bytes} bytes)`);
        else previewEvent(engine, one.event, line, token, options.json ?? false);
      }
    }
  }
}

function previewEvent(engine: PrivacyEngine, event: JsonObject, line: number, token: (need: TokenNeed) => string, json: boolean): void {
  const before = new Map(flattenRecord(event).map(({ pointer, value }) => [pointer, value]));
  const { event: after, applied } = engine.apply(engine.plan(event), token);
  if (json) return printJson({ line, event: after, applied });
  const kinds = new Map(applied.map((one) => [one.pointer, one]));
  print(pc.bold(`line ${line}`));
  const fields = flattenRecord(after);
  for (const { pointer, value } of fields) {
    const was = before.get(pointer);
    if (was === value) continue;
    const done = kinds.get(pointer);
    print(
      `  ${pointer}  ${was === undefined ? pc.dim('(renamed)') : pc.red(was)} → ${pc.green(value)}  ${pc.dim(done ? `${done.kind}, ${done.transform}` : '')}`,
    );
  }
  const kept = new Set(fields.map(({ pointer }) => pointer));
  for (const [pointer, was] of before) if (!kept.has(pointer)) print(`  ${pointer}  ${pc.red(was)} → ${pc.dim('(gone)')}`);
}

/** Tokens that look and correlate like real ones within this run. */
function exampleTokens(): (need: TokenNeed) => string {
  const mac = createMac(systemRandom.bytes(32));
  return ({ kind, canonical }) => `tok_${encodeBase64url(mac(utf8(`${kind}\0${canonical}`)).subarray(0, 20))}`;
}
