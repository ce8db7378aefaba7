/**
 * The policy in force is kept in the data directory (`policy.yaml`), so that every command works under the same one. `--policy FILE` puts another
 * one in its place.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex, utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { sha256 } from '../core/sha256.ts';
import { defaultPolicyYaml } from '../privacy/default-policy.ts';
import { parsePolicy } from '../privacy/policy-file.ts';
import { replaceKeyFile } from '../vault/key-file.ts';

export const policyFileName = 'policy.yaml';

export interface PolicyInForce {
  text: string;
  /** As records show it: name, version, and the beginning of the text's digest. */
  label: string;
}

/** @throws VeiltrailError `policy_unreadable`, and what `parsePolicy` throws, naming file and line */
export function openPolicy(dataDir: string, policyFile: string | undefined): PolicyInForce {
  const kept = join(dataDir, policyFileName);
  const source = policyFile ?? (existsSync(kept) ? kept : undefined);
  const text = source === undefined ? defaultPolicyYaml : readText(source);
  const { name, version } = parsePolicy(text, source);
  if (!existsSync(kept) || readText(kept) !== text) replaceKeyFile(dataDir, policyFileName, text);
  return { text, label: `${name}@${version}#${toHex(sha256(utf8(text)).subarray(0, 6))}` };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new VeiltrailError('policy_unreadable', `${file}: cannot be read`);
  }
}
