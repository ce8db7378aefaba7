/**
 * `access.json` in the data directory: the API keys, by digest. Mode 0600; replaced whole, fsynced before a change is reported; read strictly,
 * and refused when group or others may read or write it. Changes are made under a lock file, so that a command and a server, or two commands,
 * do not lose each other's keys.
 *
 * ```json
 * {"version":1,"keys":[{"id":"…","role":"writer","digest":"64 hex digits","createdAt":"…","expiresAt":"…","revokedAt":"…","logs":["…"],
 *   "addresses":["203.0.113.0/24"],"hides":["context"],"owner":"person:…","rotates":"…","name":"…"}]}
 * ```
 */
import { closeSync, fstatSync, openSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { dirname, basename, join } from 'node:path';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, parseJson } from '../core/json.ts';
import type { JsonValue } from '../core/json.ts';
import { parseTimestamp } from '../event/timestamp.ts';
import { removeFile } from '../storage/files/remove-file.ts';
import { storageError } from '../storage/storage-error.ts';
import { listTemporaryFiles, replaceKeyFile } from '../vault/key-file.ts';
import { keyIdPattern } from './api-key.ts';
import { checkHidden } from './hidden-members.ts';
import { parseNetworks } from './networks.ts';
import { personPattern } from './person.ts';
import { roles } from './roles.ts';
import type { Role } from './roles.ts';

export interface KeyRow {
  id: string;
  role: Role;
  /** See `digestOfKey`. */
  digest: string;
  /** RFC 3339. */
  createdAt: string;
  expiresAt?: string;
  revokedAt?: string;
  /** The logs it is good for; absent: all. */
  logs?: string[];
  /** Networks it may be used from; absent: all. */
  addresses?: string[];
  /** Members of records that it does not get to see: see hidden-members.ts. */
  hides?: string[];
  /** Whose it is: see person.ts. */
  owner?: string;
  /** The id of the key that it took the place of. */
  rotates?: string;
  /** For people. */
  name?: string;
}

export const accessFileName = 'access.json';
/** The form of a log's name, which stands in paths, URLs and origins. */
export const logNamePattern = /^[a-z0-9_][a-z0-9_-]{0,63}$/;
const version = 1;
const keysMax = 10_000;
const nameLengthMax = 100;
const lockStaleMs = 10_000;
const lockWaitMs = 5_000;

/** Whether there is one: the first start makes it. */
export function hasAccessFile(dataDir: string): boolean {
  return statSync(join(dataDir, accessFileName), { throwIfNoEntry: false }) !== undefined;
}

/** @throws VeiltrailError `access_file_missing`, `access_file_open`, `access_file_damaged` */
export function readAccessFile(dataDir: string): KeyRow[] {
  return readRows(readPrivate(join(dataDir, accessFileName)));
}

/** The rows that such a file's text has. @throws VeiltrailError `access_file_damaged` */
export function readRows(text: string): KeyRow[] {
  let value: JsonValue;
  try {
    // Many keys make many values: the limits are for what strangers send, and this is ours.
    ({ value } = parseJson(text, { depthMax: 8, nodesMax: keysMax * 400 }));
  } catch (error) {
    throw damaged(error);
  }
  if (!isJsonObject(value) || value.version !== version || !Array.isArray(value.keys) || value.keys.length > keysMax) throw damaged();
  const rows = value.keys.map(readRow);
  if (new Set(rows.map(({ id }) => id)).size !== rows.length) throw damaged();
  return rows;
}

/** Makes the file; durable when it returns. */
export function createAccessFile(dataDir: string, rows: readonly KeyRow[]): void {
  replaceKeyFile(dataDir, accessFileName, formatRows(rows));
}

/**
 * Replaces the rows by what `change` makes of them; durable when it returns.
 * @throws VeiltrailError as {@link readAccessFile}, `access_file_busy` when another process holds the lock, and what `change` throws
 */
export function changeAccessFile(dataDir: string, change: (rows: KeyRow[]) => KeyRow[]): void {
  const lock = join(dataDir, `${accessFileName}.lock`);
  takeLock(lock);
  try {
    const rows = change(readAccessFile(dataDir));
    if (rows.length > keysMax) throw new VeiltrailError('too_many_keys', `more than ${keysMax} keys`, { keysMax });
    replaceKeyFile(dirname(lock), basename(lock, '.lock'), formatRows(rows));
  } finally {
    releaseLock(lock);
  }
}

/**
 * Removes what a crash left in a data directory of small files being replaced. Only the keys are ever changed by others than the process that
 * has the directory, and they under the lock: what was there before the lock was seen free is nobody's any more.
 */
export function removeTemporaryFiles(dataDir: string): void {
  const left = listTemporaryFiles(dataDir);
  const lock = join(dataDir, `${accessFileName}.lock`);
  if (left.length === 0 || statSync(lock, { throwIfNoEntry: false })) return;
  for (const name of left) guard('remove what a crash left', () => removeFile(join(dataDir, name)));
}

/** Checks what a person asked to be called; the name is shown in lists. */
export function checkKeyName(name: string): void {
  if (name.length === 0 || name.length > nameLengthMax || /\p{Cc}/u.test(name) || !name.isWellFormed()) {
    throw new VeiltrailError('key_name', `a key's name is 1 to ${nameLengthMax} printable characters`);
  }
}

export function formatRows(rows: readonly KeyRow[]): string {
  return `${JSON.stringify({ version, keys: rows }, null, 1)}\n`;
}

function readPrivate(path: string): string {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (cause) {
    throw new VeiltrailError('access_file_missing', `${accessFileName} cannot be read`, {}, { cause });
  }
  try {
    if (process.platform !== 'win32' && (fstatSync(fd).mode & 0o077) !== 0) {
      throw new VeiltrailError('access_file_open', `others may read ${accessFileName}; make it private: chmod 600`);
    }
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function readRow(value: JsonValue): KeyRow {
  if (!isJsonObject(value)) throw damaged();
  const { id, role, digest, createdAt, expiresAt, revokedAt, logs, addresses, hides, owner, rotates, name, ...rest } = value;
  if (Object.keys(rest).length > 0) throw damaged(); // a restriction that we do not know must not be ignored
  const row: KeyRow = { id: text(id, keyIdPattern), role: roleOf(role), digest: text(digest, /^[0-9a-f]{64}$/), createdAt: time(createdAt) };
  if (expiresAt !== undefined) row.expiresAt = time(expiresAt);
  if (revokedAt !== undefined) row.revokedAt = time(revokedAt);
  if (logs !== undefined) row.logs = texts(logs, logNamePattern);
  if (addresses !== undefined) row.addresses = checked(texts(addresses, /^[0-9A-Fa-f:./]{1,50}$/), parseNetworks);
  if (hides !== undefined) row.hides = checked(texts(hides, /^.{1,200}$/su), checkHidden);
  if (owner !== undefined) row.owner = text(owner, personPattern);
  if (rotates !== undefined) row.rotates = text(rotates, keyIdPattern);
  if (name !== undefined) row.name = text(name, /^.{1,100}$/su);
  return row;
}

function text(value: JsonValue | undefined, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw damaged();
  return value;
}

function roleOf(value: JsonValue | undefined): Role {
  const role = roles.find((known) => known === value);
  if (role === undefined) throw damaged();
  return role;
}

function time(value: JsonValue | undefined): string {
  if (typeof value !== 'string' || !parseTimestamp(value)) throw damaged();
  return value;
}

function texts(value: JsonValue, pattern: RegExp): string[] {
  if (!Array.isArray(value)) throw damaged();
  return value.map((one) => text(one, pattern));
}

/** A restriction that cannot be read must not be taken for none. */
function checked(list: string[], check: (list: readonly string[]) => unknown): string[] {
  try {
    check(list);
  } catch (cause) {
    throw damaged(cause);
  }
  return list;
}

function damaged(cause?: unknown): VeiltrailError {
  return new VeiltrailError('access_file_damaged', `${accessFileName} is not as it was written; nobody is let in until it is`, {}, { cause });
}

/** A lock that a crash left behind is taken over when it is older than any change takes. */
function takeLock(lock: string): void {
  const until = Date.now() + lockWaitMs;
  for (;;) {
    try {
      closeSync(openSync(lock, 'wx', 0o600));
      return;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
        throw new VeiltrailError('storage_readonly', `no right to change ${accessFileName}`, {}, { cause });
    }
    const held = statSync(lock, { throwIfNoEntry: false });
    if (held && Date.now() - held.mtimeMs > lockStaleMs) guard(`take over the lock of ${accessFileName}`, () => removeFile(lock));
    else if (Date.now() > until) throw new VeiltrailError('access_file_busy', `another process is changing ${accessFileName}`);
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
}

/** What was changed is on disk, so this does not fail: a lock that cannot be removed is made old, and whoever comes next takes it over. */
function releaseLock(lock: string): void {
  try {
    removeFile(lock);
  } catch {
    try {
      utimesSync(lock, 0, 0);
    } catch {}
  }
}

function guard(what: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw storageError(error, what);
  }
}
