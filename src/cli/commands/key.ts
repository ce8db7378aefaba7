import type { Command } from 'commander';
import { keyIdPattern } from '../../access/api-key.ts';
import type { KeyInfo, KeyRequest } from '../../access/manage-keys.ts';
import { rightsOf, roleMeanings, roles, type Role } from '../../access/roles.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { dataDirOf, readKey } from '../connection.ts';
import { keysAt } from '../keys-at.ts';
import { print, printJson, say } from '../output.ts';
import { addProtectionOptions, type ProtectionOptions } from '../protection.ts';
import type { PermitOptions } from '../request-desk.ts';
import { addKeyDestroy, listSecrets, rotateSecret } from './key-secrets.ts';

type KeyOptions = ProtectionOptions;

/** Keys are managed where the data directory is, or by an admin at a server. */
export function addKey(program: Command): void {
  const key = program.command('key').description('API keys, and the public keys of logs.');
  const command = (name: string): Command => addProtectionOptions(key.command(name), 'admin');
  command('create')
    .description('Make an API key. It is printed once, on standard output, and stored as a digest only.')
    .requiredOption('--role <role>', roles.join(', '))
    .option('--for-log <name...>', 'the logs it is for [all]')
    .option('--expires <time>', 'when it ends (RFC 3339) [never]')
    .option('--address <network...>', 'networks it may be used from, such as 203.0.113.0/24 [all]')
    .option('--hide <path...>', 'members of records that it does not get to see or search by, such as context or actor.email [none]')
    .option('--owner <who>', 'whose it is (an address, a staff number; only a keyed digest is stored): two keys of one owner are one person')
    .option('--name <name>', 'what it is called in the list')
    .option('--request <id>', 'the request that a second person approved, where one is needed')
    .option('--purpose <text>', 'why; on record, and it makes the request where one is needed')
    .option('--reference <text>', 'of a case, a ticket')
    .addHelpText('after', describeRoles)
    .action(createKey);
  command('list')
    .description(
      "All API keys: how they begin, logs, restrictions, last use, and whether they still work; and the versions of the keyring's secrets. Never keys or secrets.",
    )
    .option('--owner <who>', 'only the keys of this owner')
    .action(listKeys);
  command('revoke')
    .description('End an API key, by its id: at once, what it is in the middle of too.')
    .argument('<id>', 'as `key list` shows it')
    .option('--purpose <text>', 'at a server: why; on record')
    .option('--reference <text>', 'at a server: of a case, a ticket; on record')
    .action(revokeKey);
  addProtectionOptions(
    key
      .command('rotate')
      .description(
        'Make an API key in the place of another one, which ends; or another version of a secret of the keyring; or the key that signs a log. Nothing stops for a secret, equal values keep their tokens, and older versions go when nothing needs them.',
      )
      .argument('<what>', 'the id of an API key; or lookup, root, pseudonym or seal; or signing, while no server runs')
      .option('--log <name>', 'with signing: the log')
      .option('--finish', 'with signing: let the old key go; until then old and new sign together')
      .option('--overlap <hours>', 'how long the old API key counts beside the new one, 0 to 2160 [0]')
      .option('--request <id>', 'the request that a second person approved, where one is needed')
      .option('--purpose <text>', 'why: makes the request where one is needed')
      .option('--reference <text>', 'of a case, a ticket'),
    'admin',
  ).action((what: string, options: RotateOptions) =>
    what === 'signing' ? rotateSigning(options) : keyIdPattern.test(what) ? rotateKey(what, options) : rotateSecret(what, options),
  );
  addKeyDestroy(key);
  addProtectionOptions(key.command('export-public'), 'any that lists logs')
    .description("Print a log's public key (vkey): what everyone needs who verifies it.")
    .option('--log <name>', 'the log', 'default')
    .action(exportPublic);
}

interface CreateOptions extends KeyOptions, PermitOptions {
  role: string;
  forLog?: string[];
  expires?: string;
  address?: string[];
  hide?: string[];
  owner?: string;
  name?: string;
}

interface RotateOptions extends ProtectionOptions, PermitOptions {
  overlap?: string;
  log?: string;
  finish?: boolean;
}

async function createKey(options: CreateOptions): Promise<void> {
  const role = roles.find((one) => one === options.role) as Role | undefined;
  if (role === undefined) throw new VeiltrailError('key_role', `--role is one of ${roles.join(', ')}`);
  const request: KeyRequest = {
    role,
    ...(options.forLog ? { logs: options.forLog } : {}),
    ...(options.expires === undefined ? {} : { expiresAt: options.expires }),
    ...(options.address ? { addresses: options.address } : {}),
    ...(options.hide ? { hides: options.hide } : {}),
    ...(options.owner === undefined ? {} : { owner: options.owner }),
    ...(options.name === undefined ? {} : { name: options.name }),
  };
  const { key, info } = await keysAt(options).create(request, options);
  showNew(key, info, options);
}

async function rotateKey(id: string, options: RotateOptions): Promise<void> {
  const { overlap = '0' } = options;
  if (!/^(?:0|[1-9]\d{0,3})$/.test(overlap)) throw new VeiltrailError('key_overlap', '--overlap is a number of hours, 0 to 2160');
  const { key, info } = await keysAt(options).rotate(id, Number(overlap), options);
  showNew(key, info, options);
}

async function rotateSigning(options: RotateOptions): Promise<void> {
  if (options.url !== undefined)
    throw new VeiltrailError('key_remote', 'the key of a log is rotated where the data directory is, while no server runs');
  if (options.log === undefined) throw new VeiltrailError('key_rotation', 'say which log: --log NAME');
  const { rotateSigningKey } = await import('../../server/rotate-signing.ts');
  const { vkey, next, retired } = await rotateSigningKey(dataDirOf(options), options.log, options.finish ? 'finish' : 'begin');
  if (options.json) return printJson({ log: options.log, vkey, ...(next === undefined ? {} : { next }), retired });
  print(next ?? vkey);
  say(
    next === undefined
      ? `log ${options.log} is signed by this key alone from now on; the one before it is gone`
      : `from the next start on this key signs log ${options.log} together with the one before it. Give it to witnesses (veiltrail witness add-log) and to whoever verifies, then: key rotate signing --log ${options.log} --finish`,
  );
}

function showNew(key: string, info: KeyInfo, { json }: KeyOptions): void {
  if (json) return printJson({ key, ...info });
  print(key);
  say(`key ${info.id}, role ${info.role}; keep it: it cannot be shown again`);
}

async function listKeys(options: KeyOptions & { owner?: string }): Promise<void> {
  if (options.owner !== undefined && options.url !== undefined)
    throw new VeiltrailError('key_remote', 'owners are told apart where the data directory is: only keyed digests of them are in the list');
  const owner = options.owner === undefined ? undefined : await personNamed(options.owner, dataDirOf(options));
  for (const info of await keysAt(options).list()) if (owner === undefined || info.owner === owner) show(info, options);
  if (owner === undefined) await listSecrets(options);
}

async function personNamed(who: string, dataDir: string): Promise<string> {
  const { personOf, personSecret } = await import('../../access/person.ts');
  return personOf(who, personSecret(dataDir));
}

async function revokeKey(id: string, options: KeyOptions & PermitOptions): Promise<void> {
  show(await keysAt(options).revoke(id, options), options);
}

function show(info: KeyInfo, { json }: KeyOptions): void {
  if (json) return printJson(info);
  const parts = [
    info.id,
    info.prefix.padEnd(29),
    (info.logs?.join(',') ?? 'all logs').padEnd(10),
    info.createdAt,
    info.name,
    info.addresses && `from ${info.addresses.join(', ')}`,
    info.hides && `without ${info.hides.join(', ')}`,
    info.owner,
    info.rotates && `in the place of ${info.rotates}`,
    info.lastUsedAt === undefined ? 'never used' : `used ${info.lastUsedAt}`,
    info.revokedAt === undefined ? info.expiresAt && `until ${info.expiresAt}` : `revoked ${info.revokedAt}`,
  ];
  print(parts.filter((part) => part !== undefined && part !== '').join('  '));
}

async function exportPublic(options: KeyOptions & { log: string }): Promise<void> {
  if (options.url !== undefined) {
    const { createAdministrationClient } = await import('../../sdk/administration.ts');
    const logs = await createAdministrationClient({ url: options.url, key: readKey(options.key) }).logs();
    const vkey = logs.find(({ log }) => log === options.log)?.vkey;
    if (vkey === undefined) throw new VeiltrailError('log_unknown', 'there is no such log');
    if (options.json) printJson({ log: options.log, vkey });
    else print(vkey);
    return;
  }
  const { openTrailReader } = await import('../../server/open-reader.ts');
  const trail = await openTrailReader(dataDirOf(options));
  try {
    if (options.json) printJson({ log: options.log, vkey: trail.vkeyOf(options.log) });
    else print(trail.vkeyOf(options.log));
  } finally {
    await trail.close();
  }
}

/** What each role is for, and what it may do: after the help of `key create`. */
function describeRoles(): string {
  const width = Math.max(...roles.map((role) => role.length)) + 2;
  return `\nRoles:\n${roles.map((role) => `  ${role.padEnd(width)}${roleMeanings[role]}\n  ${' '.repeat(width)}${rightsOf[role].join(', ')}`).join('\n')}`;
}
