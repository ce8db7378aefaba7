/** Making, listing and revoking API keys, for the command line and for the admin's routes. A key is shown once, by whoever made it. */
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import { formatTimestamp, parseTimestamp } from '../event/timestamp.ts';
import { changeAccessFile, checkKeyName, logNamePattern, readAccessFile } from './access-file.ts';
import type { KeyRow } from './access-file.ts';
import { createApiKey, digestOfKey } from './api-key.ts';
import { roles } from './roles.ts';
import type { Role } from './roles.ts';

export interface KeyRequest {
  role: Role;
  /** Absent: all logs. */
  logs?: readonly string[];
  /** RFC 3339. Absent: never. */
  expiresAt?: string;
  name?: string;
}

/** A row as people may see it. */
export type KeyInfo = Omit<KeyRow, 'digest'>;

export interface Keys {
  /**
   * Makes a key; it works as soon as this returns, and is never shown again.
   * @throws VeiltrailError `key_role`, `key_logs`, `key_expiry`, `key_name`, and what the file throws
   */
  create(request: KeyRequest): { key: string; info: KeyInfo };
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
    create(request) {
      const { key, row } = newKey(request, clock.now(), random);
      changeAccessFile(dataDir, (rows) => [...rows, row]);
      return { key, info: infoOf(row) };
    },
    list: () => readAccessFile(dataDir).map(infoOf),
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
export function newKey(request: KeyRequest, nowMs: number, random: Random): { key: string; row: KeyRow } {
  const { role, logs, expiresAt, name } = request;
  if (!roles.includes(role)) throw new VeiltrailError('key_role', `a role is one of ${roles.join(', ')}`);
  if (logs !== undefined && (logs.length === 0 || logs.length > 100 || !logs.every((log) => logNamePattern.test(log)))) {
    throw new VeiltrailError('key_logs', 'a key is for 1 to 100 logs by name, or for all');
  }
  const expires = expiresAt === undefined ? undefined : parseTimestamp(expiresAt);
  if (expiresAt !== undefined && (!expires || expires.ms <= nowMs))
    throw new VeiltrailError('key_expiry', 'a key expires at an RFC 3339 time to come');
  if (name !== undefined) checkKeyName(name);
  const { id, key } = createApiKey(role, random);
  const row: KeyRow = { id, role, digest: digestOfKey(key), createdAt: timeText(nowMs) };
  if (expires) row.expiresAt = expires.canonical;
  if (logs) row.logs = [...logs];
  if (name !== undefined) row.name = name;
  return { key, row };
}

function infoOf(row: KeyRow): KeyInfo {
  const { digest: _digest, ...info } = row;
  return info;
}

function timeText(ms: number): string {
  return formatTimestamp(ms) as string;
}
