/** Making, listing and revoking API keys, for the command line and for the admin's routes. A key is shown once, by whoever made it. */
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { Random } from '../core/random.ts';
import { formatTimestamp, parseTimestamp } from '../event/timestamp.ts';
import { changeAccessFile, checkKeyName, logNamePattern, readAccessFile } from './access-file.ts';
import type { KeyRow } from './access-file.ts';
import { createApiKey, digestOfKey, keyPrefix } from './api-key.ts';
import { checkHidden } from './hidden-members.ts';
import { readKeyUse } from './key-use.ts';
import { parseNetworks } from './networks.ts';
import { personOf, personSecret } from './person.ts';
import { roles } from './roles.ts';
import type { Role } from './roles.ts';

const overlapMsMax = 90 * 86_400_000;

export interface KeyRequest {
  role: Role;
  /** Absent: all logs. */
  logs?: readonly string[];
  /** RFC 3339. Absent: never. */
  expiresAt?: string;
  /** Networks it may be used from. Absent: all. */
  addresses?: readonly string[];
  /** Members of records that it does not get to see: `context`, `actor.email`. */
  hides?: readonly string[];
  /** What names the person whose it is; a keyed digest of it is stored. */
  owner?: string;
  name?: string;
}

/** A row as people may see it. */
export interface KeyInfo extends Omit<KeyRow, 'digest'> {
  /** How the key begins. */
  prefix: string;
  /** To the minute; absent: never, or not known. */
  lastUsedAt?: string;
}

export interface Keys {
  /**
   * Makes a key; it works as soon as this returns, and is never shown again.
   * @throws VeiltrailError `key_role`, `key_logs`, `key_expiry`, `key_name`, `key_owner`, `network_syntax`, `hidden_path`, and what the file throws
   */
  create(request: KeyRequest): { key: string; info: KeyInfo };
  /**
   * Makes a key with the rights, restrictions and name of another one, which ends now, or after some time in which both count.
   * @throws VeiltrailError `key_unknown`, `key_over` for one that is expired or revoked, `key_overlap`
   */
  rotate(id: string, overlapMs: number): { key: string; info: KeyInfo };
  /**
   * What a key of this description would be good for, as a second person approves it: without its name, and whose it is as a keyed digest.
   * @throws VeiltrailError as {@link create}, but for the file
   */
  grantOf(request: KeyRequest): JsonObject;
  /** All keys ever made, the revoked and expired ones too, oldest first. */
  list(): KeyInfo[];
  /** Ends a key; one that is revoked already stays so. @throws VeiltrailError `key_unknown` */
  revoke(id: string): KeyInfo;
}

export interface KeyParts {
  clock: Clock;
  random: Random;
}

export function openKeys(dataDir: string, { clock, random }: KeyParts): Keys {
  return {
    create({ owner, ...request }) {
      const { key, row } = newKey(request, clock.now(), random);
      if (owner !== undefined) row.owner = personOf(owner, personSecret(dataDir));
      changeAccessFile(dataDir, (rows) => [...rows, row]);
      return { key, info: infoOf(row) };
    },
    grantOf({ owner, ...request }) {
      const { row } = newKey(request, clock.now(), random); // refuses what no key can be
      const { role, logs, addresses, hides, expiresAt } = row;
      const person = owner === undefined ? undefined : personOf(owner, personSecret(dataDir));
      return {
        role,
        ...(logs ? { logs } : {}),
        ...(expiresAt === undefined ? {} : { expiresAt }),
        ...(addresses ? { addresses } : {}),
        ...(hides ? { hides } : {}),
        ...(person === undefined ? {} : { owner: person }),
      };
    },
    rotate(id, overlapMs) {
      if (!(overlapMs >= 0 && overlapMs <= overlapMsMax)) throw new VeiltrailError('key_overlap', 'two keys count side by side for 0 to 90 days');
      const nowMs = clock.now();
      let made: { key: string; row: KeyRow } | undefined;
      changeAccessFile(dataDir, (rows) =>
        rows.flatMap((row) => {
          if (row.id !== id) return [row];
          made = successorOf(row, nowMs, random);
          return [endedBy(row, nowMs + overlapMs), made.row];
        }),
      );
      if (!made) throw new VeiltrailError('key_unknown', 'there is no key of that id');
      return { key: made.key, info: infoOf(made.row) };
    },
    list() {
      const used = readKeyUse(dataDir);
      return readAccessFile(dataDir).map((row) => {
        const usedMs = used.get(row.id);
        return usedMs === undefined ? infoOf(row) : { ...infoOf(row), lastUsedAt: timeText(usedMs) };
      });
    },
    revoke(id) {
      let revoked: KeyRow | undefined;
      changeAccessFile(dataDir, (rows) =>
        rows.map((row) => {
          if (row.id !== id) return row;
          revoked = { ...row, revokedAt: row.revokedAt ?? timeText(clock.now()) };
          return revoked;
        }),
      );
      if (!revoked) throw new VeiltrailError('key_unknown', 'there is no key of that id');
      return infoOf(revoked);
    },
  };
}

/** A key and the row that recognises it. */
export function newKey(request: Omit<KeyRequest, 'owner'>, nowMs: number, random: Random): { key: string; row: KeyRow } {
  const { role, logs, expiresAt, addresses, hides, name } = request;
  if (!roles.includes(role)) throw new VeiltrailError('key_role', `a role is one of ${roles.join(', ')}`);
  if (logs !== undefined && (logs.length === 0 || logs.length > 100 || !logs.every((log) => logNamePattern.test(log)))) {
    throw new VeiltrailError('key_logs', 'a key is for 1 to 100 logs by name, or for all');
  }
  const expires = expiresAt === undefined ? undefined : parseTimestamp(expiresAt);
  if (expiresAt !== undefined && (!expires || expires.ms <= nowMs))
    throw new VeiltrailError('key_expiry', 'a key expires at an RFC 3339 time to come');
  if (name !== undefined) checkKeyName(name);
  if (addresses) parseNetworks(addresses);
  if (hides) checkHidden(hides);
  const { id, key } = createApiKey(role, random);
  const row: KeyRow = { id, role, digest: digestOfKey(key), createdAt: timeText(nowMs) };
  if (expires) row.expiresAt = expires.canonical;
  if (logs) row.logs = [...logs];
  if (addresses) row.addresses = [...addresses];
  if (hides) row.hides = [...hides];
  if (name !== undefined) row.name = name;
  return { key, row };
}

/** A key in another one's place; it lasts as long as that one would have. */
function successorOf(row: KeyRow, nowMs: number, random: Random): { key: string; row: KeyRow } {
  if (row.revokedAt !== undefined || hasExpired(row, nowMs))
    throw new VeiltrailError('key_over', 'this key is expired or revoked: make a new one instead');
  const { role, id: _id, digest: _digest, createdAt: _createdAt, ...same } = row;
  const { id, key } = createApiKey(role, random);
  return { key, row: { ...same, id, role, digest: digestOfKey(key), createdAt: timeText(nowMs), rotates: row.id } };
}

/** The row of a key that ends at a time, or before it as it was to. */
function endedBy(row: KeyRow, endMs: number): KeyRow {
  return hasExpired(row, endMs) ? row : { ...row, expiresAt: timeText(endMs) };
}

function hasExpired({ expiresAt }: KeyRow, nowMs: number): boolean {
  return expiresAt !== undefined && (parseTimestamp(expiresAt)?.ms ?? -Infinity) <= nowMs;
}

function infoOf(row: KeyRow): KeyInfo {
  const { digest: _digest, id, ...info } = row;
  return { id, prefix: keyPrefix(row), ...info };
}

function timeText(ms: number): string {
  return formatTimestamp(ms) as string;
}
