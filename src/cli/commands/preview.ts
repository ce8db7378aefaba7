import type { Command } from 'commander';
import type { Format } from '../../ingest/incoming.ts';
import { inputNames, openInput, readLines } from '../input.ts';
import { say } from '../output.ts';
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
  const { readEvents } = await import('../../ingest/read-events.ts');
  const { exampleTokens, previewEvent } = await import('../preview-event.ts');
  const engine = await createPassingEngine(options.policy, { explain: true });
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
