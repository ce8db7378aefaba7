/** `--policy FILE` for the commands that need no data directory. */
import { readFileSync } from 'node:fs';
import { VeiltrailError } from '../core/errors.ts';
import type { PrivacyEngine } from '../privacy/engine.ts';

/** The text of the policy: the file's, or the default's. */
export async function readPolicyText(file: string | undefined): Promise<string> {
  if (file === undefined) return (await import('../privacy/default-policy.ts')).defaultPolicyYaml;
  const { policyTextOf } = await import('../privacy/policy-file.ts');
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch {
    throw new VeiltrailError('policy_unreadable', `${file}: cannot be read`);
  }
  return policyTextOf(bytes, file);
}

/**
 * An engine that stores nothing: its pseudonym key is made for this run and forgotten after it.
 * @param options.explain let `applied` say why; @param options.log whose own rules hold
 */
export async function createPassingEngine(file: string | undefined, options: { explain?: boolean; log?: string } = {}): Promise<PrivacyEngine> {
  const { createPrivacyEngine } = await import('../privacy/engine.ts');
  const { parsePolicy } = await import('../privacy/policy-file.ts');
  const { policyOfLog } = await import('../privacy/policy-model.ts');
  const { systemRandom } = await import('../core/random.ts');
  const policy = parsePolicy(await readPolicyText(file), file);
  return createPrivacyEngine(options.log === undefined ? policy : policyOfLog(policy, options.log), {
    pseudonymKey: { version: 1, key: systemRandom.bytes(32) },
    explain: options.explain ?? false,
  });
}
