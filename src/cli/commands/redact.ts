import { readFileSync } from 'node:fs';
import { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { fromHex } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import type { PseudonymKey } from '../../privacy/engine.ts';
import { inputNames, openInput } from '../input.ts';
import { readPolicyText } from '../policy-option.ts';

interface RedactOptions {
  policy?: string;
  log?: string;
  hashKey?: string;
}

export function addRedact(program: Command): void {
  program
    .command('redact')
    .description('A filter: lines of JSON or text in, the same lines without personal data out. Stores nothing.')
    .argument('[FILE...]', 'files to read; none or - is standard input')
    .option('--policy <file>', 'the policy to follow [the default one]')
    .option('--log <name>', 'follow what the policy says for this log')
    .option('--hash-key <file>', 'a file with 64 hex digits: equal values have equal hashes in every run with it [a key of this run]')
    .addHelpText(
      'after',
      `
There is no vault here: what the policy tokenizes is hashed with the key.
  my-service | veiltrail redact >> service.log
  openssl rand -hex 32 > hash.key && veiltrail redact --hash-key hash.key old.log > clean.log`,
    )
    .action(runRedact);
}

async function runRedact(files: string[], options: RedactOptions): Promise<void> {
  const { redactLines } = await import('../../privacy/redact-lines.ts');
  const { parsePolicy } = await import('../../privacy/policy-file.ts');
  const policy = parsePolicy(await readPolicyText(options.policy), options.policy);
  const { systemRandom } = await import('../../core/random.ts');
  // One key for all files of the run.
  const key = options.hashKey === undefined ? { version: 1, key: systemRandom.bytes(32) } : readHashKey(options.hashKey);
  const settings = { policy, key, ...(options.log === undefined ? {} : { log: options.log }) };
  for (const name of inputNames(files)) await pipeline(openInput(name), Duplex.fromWeb(redactLines(settings)), process.stdout, { end: false });
}

/** @throws VeiltrailError `key_unreadable` */
function readHashKey(file: string): PseudonymKey {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch {
    throw new VeiltrailError('key_unreadable', `${file}: cannot be read`);
  }
  if (!/^[0-9a-fA-F]{64}$/.test(text))
    throw new VeiltrailError('key_unreadable', `${file}: not a key of 64 hex digits (openssl rand -hex 32 makes one)`);
  return { version: 1, key: fromHex(text) };
}
