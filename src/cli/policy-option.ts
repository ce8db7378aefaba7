/** `--policy FILE` for the commands that need no data directory. */
import { readFileSync } from 'node:fs';
import { VeiltrailError } from '../core/errors.ts';
import { systemRandom } from '../core/random.ts';
import { createPrivacyEngine, type PrivacyEngine } from '../privacy/engine.ts';
import { defaultPolicyYaml } from '../privacy/default-policy.ts';
import { parsePolicy } from '../privacy/policy-file.ts';

/** The text of the policy: the file's, or the default's. */
export function readPolicyText(file: string | undefined): string {
  if (file === undefined) return defaultPolicyYaml;
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new VeiltrailError('policy_unreadable', `${file}: cannot be read`);
  }
}

/** An engine that stores nothing: its pseudonym key is made for this run and forgotten after it. */
export function createPassingEngine(file: string | undefined): PrivacyEngine {
  const policy = parsePolicy(readPolicyText(file), file);
  return createPrivacyEngine(policy, { pseudonymKey: { version: 1, key: systemRandom.bytes(32) } });
}
