/** `policy preview`: events before and after. */
import { exampleTokens, previewEvent } from '../preview-event.ts';
import { eventsToTry, type TryOptions } from '../events-to-try.ts';
import { createPassingEngine } from '../policy-option.ts';

interface PreviewOptions extends TryOptions {
  policy?: string;
  json?: boolean;
}

export async function runPolicyPreview(files: readonly string[], options: PreviewOptions, stored: boolean): Promise<void> {
  const engine = await createPassingEngine(options.policy, { explain: true, log: options.log });
  const token = exampleTokens();
  for await (const { where, event } of eventsToTry(files, options, stored)) previewEvent(engine, event, where, token, options.json ?? false);
}
