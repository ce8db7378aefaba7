import type { Command } from 'commander';
import type { KeyInfo, KeyRequest, Keys } from '../../access/manage-keys.ts';
import { roles, type Role } from '../../access/roles.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { dataDefault, dataDirOf } from '../connection.ts';
import { grantHere } from '../grant-key.ts';
import { print, printJson, say } from '../output.ts';
import { addProtectionOptions } from '../protection.ts';
import type { PermitOptions } from '../request-desk.ts';
import { addKeyDestroy, listSecrets, rotateSecret } from './key-secrets.ts';

interface KeyOptions {
  data?: string;
  json?: boolean;
}

/** Keys are managed where the data directory is; over the network, an admin key does the same at /api/v1/keys. */
export function addKey(program: Command): void {
  const key = program.command('key').description('API keys, and the public keys of logs.');
  const dataOption = ['--data <dir>', `the data directory [${dataDefault}, or VEILTRAIL_DATA]`] as const;
  const jsonOption = ['--json', 'as JSON, one line each'] as const;
  key
    .command('create')
    .description('Make an API key. It is printed once, on standard output, and stored as a digest only.')
    .requiredOption('--role <role>', roles.join(', '))
    .option('--for-log <name...>', 'the logs it is for [all]')
    .option('--expires <time>', 'when it ends (RFC 3339) [never]')
    .option('--name <name>', 'what it is called in the list')
    .option('--request <id>', 'the request that a second person approved, where one is needed')
    .option('--purpose <text>', 'why: makes the request where one is needed')
    .option('--reference <text>', 'of a case, a ticket')
    .option(...dataOption)
    .option(...jsonOption)
    .action(createKey);
  key
    .command('list')
    .description("All API keys: id, role, logs, and whether they still work; and the versions of the keyring's secrets. Never keys or secrets.")
    .option(...dataOption)
    .option(...jsonOption)
    .action(listKeys);
  key
    .command('revoke')
    .description('End an API key, by its id.')
    .argument('<id>', 'as `key list` shows it')
    .option(...dataOption)
    .option(...jsonOption)
    .action(revokeKey);
  addProtectionOptions(
    key
      .command('rotate')
      .description(
        'Make another version of a secret of the keyring. Nothing stops for it, equal values keep their tokens, and older versions go when nothing needs them.',
      )
      .argument('<purpose>', 'lookup, root, pseudonym or seal'),
    'admin',
  ).action(rotateSecret);
  addKeyDestroy(key);
  key
    .command('export-public')
    .description("Print a log's public key (vkey): what everyone needs who verifies it.")
    .option('--log <name>', 'the log', 'default')
    .option(...dataOption)
    .action(exportPublic);
}

interface CreateOptions extends KeyOptions, PermitOptions {
  role: string;
  forLog?: string[];
  expires?: string;
  name?: string;
}

async function createKey(options: CreateOptions): Promise<void> {
  const role = roles.find((one) => one === options.role) as Role | undefined;
  if (role === undefined) throw new VeiltrailError('key_role', `--role is one of ${roles.join(', ')}`);
  const request: KeyRequest = {
    role,
    ...(options.forLog ? { logs: options.forLog } : {}),
    ...(options.expires === undefined ? {} : { expiresAt: options.expires }),
    ...(options.name === undefined ? {} : { name: options.name }),
  };
  const granted = await grantHere(dataDirOf(options), request, options);
  const { key, info } = granted ?? (await manage(options, (keys) => keys.create(request)));
  if (options.json) printJson({ key, ...info });
  else {
    print(key);
    say(`key ${info.id}, role ${info.role}; keep it: it cannot be shown again`);
  }
}

async function listKeys(options: KeyOptions): Promise<void> {
  for (const info of await manage(options, (keys) => keys.list())) show(info, options);
  await listSecrets(options);
}

async function revokeKey(id: string, options: KeyOptions): Promise<void> {
  show(await manage(options, (keys) => keys.revoke(id)), options);
}

function show(info: KeyInfo, { json }: KeyOptions): void {
  if (json) return printJson(info);
  const state = info.revokedAt === undefined ? (info.expiresAt === undefined ? '' : `until ${info.expiresAt}`) : `revoked ${info.revokedAt}`;
  print(
    [info.id, info.role.padEnd(6), (info.logs?.join(',') ?? 'all logs').padEnd(10), info.createdAt, info.name ?? '', state]
      .filter((part) => part !== '')
      .join('  '),
  );
}

async function manage<T>(options: KeyOptions, use: (keys: Keys) => T): Promise<T> {
  const { openKeys } = await import('../../access/manage-keys.ts');
  const { systemClock } = await import('../../core/clock.ts');
  const { systemRandom } = await import('../../core/random.ts');
  const { editDataDir } = await import('../../server/compose.ts');
  const dataDir = dataDirOf(options);
  return editDataDir(dataDir, () => use(openKeys(dataDir, { clock: systemClock, random: systemRandom })));
}

async function exportPublic(options: KeyOptions & { log: string }): Promise<void> {
  const { openTrailReader } = await import('../../server/compose.ts');
  const trail = await openTrailReader(dataDirOf(options));
  try {
    print(trail.vkeyOf(options.log));
  } finally {
    await trail.close();
  }
}
