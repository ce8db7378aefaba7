/**
 * From a presented key to a principal. The file is looked at again once a second at the most, so that a key made or revoked by a command counts
 * in a running server within that second; one made or revoked through the server counts at once. While the file is missing or damaged nobody
 * is let in: a revoked key must not come back to life by breaking it.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { parseTimestamp } from '../event/timestamp.ts';
import { accessFileName, readAccessFile } from './access-file.ts';
import type { KeyRow } from './access-file.ts';
import { parseApiKey } from './api-key.ts';
import type { Principal } from './roles.ts';

const lookAgainMs = 1_000;
/** Compared with where no key has the id, so that an unknown id takes as long as a wrong secret. */
const nobodysDigest = Buffer.alloc(32);

interface Entry {
  principal: Principal;
  digest: Buffer;
  expiresMs: number;
  revoked: boolean;
}

export interface Authenticator {
  /**
   * @throws VeiltrailError `unauthenticated` for no key or a wrong one; `key_expired`, `key_revoked` to whoever has the right one;
   * `access_file_missing`, `access_file_open`, `access_file_damaged`
   */
  authenticate(key: string | undefined): Principal;
  /** Reads the file again at the next key, whatever the time. */
  refresh(): void;
}

export function openAuthenticator(dataDir: string, clock: Clock): Authenticator {
  const path = join(dataDir, accessFileName);
  let entries = new Map<string, Entry>();
  let readState = '';
  let failure: unknown;
  let lookedMs = -Infinity;

  const look = (): void => {
    const nowMs = clock.now();
    // A clock that was set back must not keep us from looking.
    if (nowMs >= lookedMs && nowMs - lookedMs < lookAgainMs) return;
    lookedMs = nowMs;
    const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
    const state = stat ? `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.mode}` : 'missing';
    if (state === readState) return;
    readState = state;
    try {
      entries = new Map(readAccessFile(dataDir).map((row) => [row.id, entryOf(row)]));
      failure = undefined;
    } catch (error) {
      failure = error;
    }
  };

  return {
    authenticate(key) {
      look();
      if (failure !== undefined) throw failure;
      const named = key === undefined ? undefined : parseApiKey(key);
      if (key === undefined || named === undefined) throw unauthenticated();
      const entry = entries.get(named.id);
      const right = timingSafeEqual(hash('sha256', key, 'buffer'), entry?.digest ?? nobodysDigest);
      if (!entry || !right) throw unauthenticated();
      if (entry.revoked) throw new VeiltrailError('key_revoked', 'this key was revoked');
      if (clock.now() >= entry.expiresMs) throw new VeiltrailError('key_expired', 'this key has expired');
      return entry.principal;
    },
    refresh() {
      lookedMs = -Infinity;
      readState = '';
    },
  };
}

function entryOf(row: KeyRow): Entry {
  return {
    principal: { id: row.id, role: row.role, ...(row.logs ? { logs: row.logs } : {}) },
    digest: Buffer.from(row.digest, 'hex'),
    expiresMs: row.expiresAt === undefined ? Infinity : (parseTimestamp(row.expiresAt)?.ms ?? -Infinity),
    revoked: row.revokedAt !== undefined,
  };
}

function unauthenticated(): VeiltrailError {
  return new VeiltrailError('unauthenticated', 'this needs an API key: Authorization: Bearer KEY');
}
