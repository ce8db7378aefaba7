/**
 * Where anchors go: the list `anchors` of the configuration file. Secrets stand in files or in the environment, never in the list.
 *
 * ```yaml
 * anchors:
 *   - {kind: file, name: usb, dir: /mnt/usb/checkpoints, every: 1h, git: false}
 *   - {kind: command, name: mail, run: [mail, -s, checkpoint, auditor@example.org], every: 1d}
 *   - {kind: rfc3161, name: tsa, url: https://tsa.example.org/, trusted: /etc/veiltrail/tsa-root.pem, every: 1h}
 *   - {kind: s3, name: vault, endpoint: https://s3.eu-central-1.amazonaws.com, region: eu-central-1, bucket: audit, prefix: prod,
 *      credentials: /etc/veiltrail/s3.json, mode: COMPLIANCE, retainDays: 3650, legalHold: false, segments: true, every: 6h}
 *   - {kind: arweave, name: arweave, gateway: https://arweave.net, wallet: /etc/veiltrail/arweave.json, every: 7d}
 * ```
 * `credentials` is a file of mode 0600: {"accessKeyId","secretAccessKey","sessionToken"?}; without it AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY count.
 */
import { readFileSync, statSync } from 'node:fs';
import { VeiltrailError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import type { Anchor, AnchorTarget } from './anchor.ts';
import { createArweaveTarget } from './arweave-anchor.ts';
import { targetNamePattern } from './anchor-store.ts';
import { type BucketTargetParts, type BucketTargetSettings, createBucketTarget } from './bucket-anchor.ts';
import { createCommandTarget } from './command-anchor.ts';
import { createFileTarget } from './file-anchor.ts';
import { createTimeStampTarget } from './time-stamp-anchor.ts';

/** One entry of the list, read and not yet opened. */
export interface TargetSettings {
  readonly kind: string;
  readonly name: string;
  readonly everyMs: number;
  readonly settings: Readonly<Record<string, unknown>>;
}

const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const everyMsMin = 1_000;
const targetsMax = 32;
const retainDaysMax = 36_500;

const members: Readonly<Record<string, { needed: readonly string[]; allowed: readonly string[] }>> = {
  file: { needed: ['dir'], allowed: ['git'] },
  command: { needed: ['run'], allowed: [] },
  rfc3161: { needed: ['url', 'trusted'], allowed: [] },
  s3: { needed: ['endpoint', 'region', 'bucket', 'retainDays'], allowed: ['prefix', 'credentials', 'mode', 'legalHold', 'segments'] },
  arweave: { needed: ['gateway', 'wallet'], allowed: [] },
};

/**
 * Reads the list, without opening anything.
 * @throws VeiltrailError `anchor_config`, which names the entry and what would be right
 */
export function readTargets(list: unknown): TargetSettings[] {
  if (!Array.isArray(list) || list.length > targetsMax) throw wrong(`anchors must be a list of at most ${targetsMax} targets`);
  const targets = list.map(readTarget);
  if (new Set(targets.map(({ name }) => name)).size !== targets.length) throw wrong('two anchors have the same name');
  return targets;
}

function readTarget(entry: unknown, i: number): TargetSettings {
  const where = `anchors[${i}]`;
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw wrong(`${where} must have kind, name and more`);
  const { kind, name, every = '1h', ...settings } = entry as Record<string, unknown>;
  const known = typeof kind === 'string' ? members[kind] : undefined;
  if (typeof kind !== 'string' || !known) throw wrong(`${where}: kind is one of ${Object.keys(members).join(', ')}`);
  if (typeof name !== 'string' || !targetNamePattern.test(name)) throw wrong(`${where}: name is 1 to 32 lower-case letters, digits and -`);
  for (const needed of known.needed) if (settings[needed] === undefined) throw wrong(`${where} (${name}): ${kind} needs ${needed}`);
  for (const given of Object.keys(settings))
    if (!known.needed.includes(given) && !known.allowed.includes(given))
      throw wrong(`${where} (${name}): unknown setting ${given}; ${kind} has ${[...known.needed, ...known.allowed, 'every'].join(', ')}`);
  const time = /^([1-9]\d{0,4})([smhd])$/.exec(String(every));
  const everyMs = time ? Number(time[1]) * (unitsMs[time[2] as string] as number) : 0;
  if (everyMs < everyMsMin) throw wrong(`${where} (${name}): every is a number and s, m, h or d`);
  return { kind, name, everyMs, settings };
}

export interface TargetParts extends Omit<BucketTargetParts, 'newest'> {
  random: Random;
  newest(log: string, target: string): Promise<Pick<Anchor, 'treeSize' | 'proof'> | undefined>;
}

/**
 * Opens a target: reads its files, asks nobody.
 * @throws VeiltrailError `anchor_config`, `anchor_refused`
 */
export function openTarget(target: TargetSettings, parts: TargetParts): AnchorTarget {
  const { kind, name, everyMs, settings } = target;
  const { text, flag, url } = readerOf(target);
  switch (kind) {
    case 'file':
      return createFileTarget({ name, everyMs, dir: text('dir'), git: flag('git') });
    case 'command': {
      const { run } = settings;
      if (!Array.isArray(run) || run.length === 0 || !run.every((part) => typeof part === 'string'))
        throw wrong(`anchor ${name}: run must be a list: a program and its arguments`);
      return createCommandTarget({ name, everyMs, argv: run as string[] });
    }
    case 'rfc3161':
      return createTimeStampTarget({ name, everyMs, url: url('url'), trusted: readText(name, text('trusted')) }, parts.random);
    case 'arweave':
      return createArweaveTarget({ name, everyMs, gateway: url('gateway'), wallet: readSecret(name, text('wallet')) });
    default:
      return createBucketTarget(bucketSettingsOf({ kind, name, everyMs, settings }), {
        clock: parts.clock,
        tiles: parts.tiles,
        newest: (log) => parts.newest(log, name),
        ...(parts.segments ? { segments: parts.segments } : {}),
      });
  }
}

/** The settings of a bucket. @throws VeiltrailError `anchor_config`, for a target of another kind, too */
export function bucketSettingsOf(target: TargetSettings): BucketTargetSettings {
  const { kind, name, everyMs, settings } = target;
  if (kind !== 's3') throw wrong(`anchor ${name} is no bucket`);
  const { retainDays, mode = 'COMPLIANCE', prefix = '' } = settings;
  if (typeof retainDays !== 'number' || !Number.isInteger(retainDays) || retainDays < 1 || retainDays > retainDaysMax)
    throw wrong(`anchor ${name}: retainDays is a number of days, 1 to ${retainDaysMax}`);
  if (mode !== 'COMPLIANCE' && mode !== 'GOVERNANCE') throw wrong(`anchor ${name}: mode is COMPLIANCE or GOVERNANCE`);
  if (typeof prefix !== 'string' || !/^(?:[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*)?$/.test(prefix))
    throw wrong(`anchor ${name}: prefix is names of letters, digits, . _ - with / between them`);
  const read = readerOf(target);
  const place = { endpoint: read.url('endpoint'), region: read.text('region'), bucket: read.text('bucket'), prefix };
  return {
    name,
    everyMs,
    mode,
    retainDays,
    legalHold: read.flag('legalHold'),
    segments: read.flag('segments'),
    ...place,
    ...readKeys(name, settings['credentials']),
  };
}

interface SettingsReader {
  readonly text: (member: string) => string;
  readonly flag: (member: string) => boolean;
  readonly url: (member: string) => string;
}

function readerOf({ name, settings }: TargetSettings): SettingsReader {
  const text = (member: string): string => {
    const value = settings[member];
    if (typeof value !== 'string' || value === '') throw wrong(`anchor ${name}: ${member} must be a text`);
    return value;
  };
  return {
    text,
    flag(member) {
      const value = settings[member] ?? false;
      if (typeof value !== 'boolean') throw wrong(`anchor ${name}: ${member} must be true or false`);
      return value;
    },
    url(member) {
      const value = URL.parse(text(member));
      if (!value || !/^https?:$/.test(value.protocol) || value.username !== '' || value.password !== '')
        throw wrong(`anchor ${name}: ${member} must be a URL of http or https, without a password`);
      return value.href;
    },
  };
}

function readKeys(name: string, file: unknown): { accessKeyId: string; secretAccessKey: string; sessionToken?: string } {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = process.env;
  if (file === undefined) {
    if (!id || !secret) throw wrong(`anchor ${name}: no credentials: a file, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment`);
    return { accessKeyId: id, secretAccessKey: secret, ...(token ? { sessionToken: token } : {}) };
  }
  if (typeof file !== 'string') throw wrong(`anchor ${name}: credentials must be the path of a file`);
  let keys: Record<string, unknown>;
  try {
    keys = JSON.parse(readSecret(name, file)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof VeiltrailError) throw error;
    throw wrong(`anchor ${name}: its credentials are not JSON`);
  }
  const { accessKeyId, secretAccessKey, sessionToken } = keys;
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string')
    throw wrong(`anchor ${name}: credentials are {"accessKeyId","secretAccessKey"}`);
  return { accessKeyId, secretAccessKey, ...(typeof sessionToken === 'string' ? { sessionToken } : {}) };
}

/** @throws VeiltrailError `anchor_config`, also for a file that others may read */
function readSecret(name: string, path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat && process.platform !== 'win32' && (stat.mode & 0o077) !== 0)
    throw wrong(`anchor ${name}: others may read ${path}; make it private: chmod 600`);
  return readText(name, path);
}

function readText(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw wrong(`anchor ${name}: ${path} cannot be read`);
  }
}

function wrong(message: string): VeiltrailError {
  return new VeiltrailError('anchor_config', message);
}
