/** `policy preview`: events before and after. */
import { exampleTokens, previewEvent } from '../preview-event.ts';
import { eventsToTry, type TryOptions } from '../events-to-try.ts';
import { say } from '../output.ts';
import { createPassingEngine } from '../policy-option.ts';

interface PreviewOptions extends TryOptions {
  policy?: string;
  json?: boolean;
}

/** Names of fields that are told at the end. */
const unknownShown = 50;

export async function runPolicyPreview(files: readonly string[], options: PreviewOptions, stored: boolean): Promise<void> {
  const engine = await createPassingEngine(options.policy, { explain: true, log: options.log });
  const token = exampleTokens();
  const unknown = new Set<string>();
  for await (const { where, event } of eventsToTry(files, options, stored)) {
    for (const { path, type } of engine.plan(structuredClone(event)).unknown) unknown.add(`${path} (${type})`);
    previewEvent(engine, event, where, token, options.json ?? false);
  }
  if (unknown.size === 0) return;
  const more = unknown.size > unknownShown ? ` and ${unknown.size - unknownShown} more` : '';
  say(`fields that no rule names: ${[...unknown].slice(0, unknownShown).join(', ')}${more}`);
}
