/** The keyring's secrets: `key rotate PURPOSE`, `key destroy pseudonym VERSION`, and what `key list` shows of them. Never the secrets. */
import { join } from 'node:path';
import type { Command } from 'commander';
import type { SecretInfo } from '../../app/rotate-keys.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { dataDirOf } from '../connection.ts';
import { print, printJson, say } from '../output.ts';
import { addProtectionOptions, addWhyOptions, type ProtectionOptions, type WhyOptions } from '../protection.ts';
import { withTokens } from '../tokens.ts';

export function addKeyDestroy(key: Command): void {
  const destroy = key
    .command('destroy')
    .description(
      'Destroy an older version of the pseudonym key: what was hashed under it is never found or correlated again. Takes a second person, where there is one.',
    )
    .argument('<purpose>', 'pseudonym: other secrets go by themselves when they are rotated')
    .argument('<version>', 'as `key list` shows it');
  addWhyOptions(addProtectionOptions(destroy, 'admin')).action(destroySecret);
}

/** Makes another version of a secret; on a directory it returns when what is under the older ones was moved. */
export async function rotateSecret(purpose: string, options: ProtectionOptions & WhyOptions): Promise<void> {
  const { purpose: why, reference } = options;
  const reasons = { ...(why === undefined ? {} : { purpose: why }), ...(reference === undefined ? {} : { reference }) };
  await withTokens(options, async (tokens) => {
    const made = await tokens.rotate(purpose, reasons);
    await tokens.idle();
    if (options.json) printJson(made);
    else if (options.url === undefined) say(`the ${purpose} key is at version ${made.version}`);
    else
      say(
        `the ${purpose} key is at version ${made.version}; what is under older ones is moved in the background: "veiltrail key list" shows when they are gone`,
      );
  });
}

async function destroySecret(purpose: string, version: string, options: ProtectionOptions & WhyOptions): Promise<void> {
  if (purpose !== 'pseudonym')
    throw new VeiltrailError('key_rotation', 'versions of the pseudonym key are destroyed by hand; others go when they are rotated');
  if (!/^[1-9]\d{0,8}$/.test(version)) throw new VeiltrailError('key_version', 'a version is a number from 1');
  const { reference, request, purpose: why = '' } = options;
  await withTokens(options, async (tokens) => {
    const reasons = { purpose: why, ...(reference === undefined ? {} : { reference }), ...(request === undefined ? {} : { request }) };
    for (const secret of await tokens.destroy(Number(version), reasons))
      if (secret.purpose === 'pseudonym') showSecret(secret as SecretInfo, options);
  });
}

/** Shows the secrets of a data directory. */
export async function listSecrets(options: ProtectionOptions): Promise<void> {
  for (const secret of await secretsOf(options)) showSecret(secret as SecretInfo, options);
}

async function secretsOf(options: ProtectionOptions): Promise<{ purpose: string; version: number; state: string }[]> {
  if (options.url !== undefined) return withTokens(options, (tokens) => tokens.secrets());
  const { openKeyring, secretPurposes } = await import('../../vault/keyring.ts');
  const { describeSecrets } = await import('../../app/rotate-keys.ts');
  const keyring = openKeyring(join(dataDirOf(options), 'keys'), { create: false });
  return describeSecrets(secretPurposes, (purpose) => keyring.secrets(purpose));
}

function showSecret({ purpose, version, state }: SecretInfo, { json }: ProtectionOptions): void {
  if (json) printJson({ secret: purpose, version, state });
  else print(`secret ${purpose.padEnd(12)} v${version}  ${state}`);
}
