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
import { openKeyUse } from './key-use.ts';
import { parseNetworks } from './networks.ts';
import type { Principal } from './roles.ts';

const lookAgainMs = 1_000;
/** Compared with where no key has the id, so that an unknown id takes as long as a wrong secret. */
const nobodysDigest = Buffer.alloc(32);

/** Who had the right key, and is refused nevertheless: such a refusal can be told of somebody. */
export class KeyRefused extends VeiltrailError {
  readonly principal: Pick<Principal, 'id'> & Partial<Principal>;

  constructor(code: string, message: string, principal: Pick<Principal, 'id'> & Partial<Principal>) {
    super(code, message);
    this.principal = principal;
  }
}

interface Entry {
  principal: Principal;
  mayUse: ((address: string) => boolean) | undefined;
  digest: Buffer;
  expiresMs: number;
  revoked: boolean;
}

export interface Authenticator {
  /**
   * @param address the client's; a key that is for some networks only is refused without one
   * @throws VeiltrailError `unauthenticated` for no key or a wrong one; {@link KeyRefused} with `key_expired`, `key_revoked`, `key_address` to
   * whoever has the right one; `access_file_missing`, `access_file_open`, `access_file_damaged`
   */
  authenticate(key: string | undefined, address?: string): Principal;
  /** Reads the file again at the next key, whatever the time. */
  refresh(): void;
  /** Called when the keys are others than before: somebody changed them. */
  onChange(listener: () => void): void;
  /** Writes down when keys were last used. */
  saveUse(): void;
}

export function openAuthenticator(dataDir: string, clock: Clock): Authenticator {
  const path = join(dataDir, accessFileName);
  const use = openKeyUse(dataDir);
  const listeners: (() => void)[] = [];
  let entries = new Map<string, Entry>();
  let readState = '';
  let isLoaded = false;
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
    try {
      const isFirst = !isLoaded;
      isLoaded = true;
      readState = state;
      entries = new Map(readAccessFile(dataDir).map((row) => [row.id, entryOf(row)]));
      failure = undefined;
      if (!isFirst) for (const listener of listeners) listener();
    } catch (error) {
      failure = error;
    }
  };

  return {
    authenticate(key, address = '') {
      look();
      if (failure !== undefined) throw failure;
      const named = key === undefined ? undefined : parseApiKey(key);
      if (key === undefined) throw new VeiltrailError('unauthenticated', 'this needs an API key: Authorization: Bearer KEY');
      if (named === undefined) throw unknown();
      const entry = entries.get(named.id);
      const right = timingSafeEqual(hash('sha256', key, 'buffer'), entry?.digest ?? nobodysDigest);
      if (!entry || !right) throw unknown();
      const nowMs = clock.now();
      const { principal } = entry;
      if (entry.revoked) throw new KeyRefused('key_revoked', 'this key was revoked', principal);
      if (nowMs >= entry.expiresMs) throw new KeyRefused('key_expired', 'this key has expired', principal);
      if (entry.mayUse && !entry.mayUse(address)) throw new KeyRefused('key_address', 'this key is not for the address you come from', principal);
      use.note(principal.id, nowMs);
      return principal;
    },
    refresh() {
      lookedMs = -Infinity;
      readState = '';
    },
    onChange: (listener) => void listeners.push(listener),
    saveUse: () => use.save(),
  };
}

function entryOf(row: KeyRow): Entry {
  const { id, role, logs, hides, owner } = row;
  return {
    principal: { id, role, ...(logs ? { logs } : {}), ...(hides ? { hides } : {}), ...(owner === undefined ? {} : { owner }) },
    mayUse: row.addresses && parseNetworks(row.addresses),
    digest: Buffer.from(row.digest, 'hex'),
    expiresMs: row.expiresAt === undefined ? Infinity : (parseTimestamp(row.expiresAt)?.ms ?? -Infinity),
    revoked: row.revokedAt !== undefined,
  };
}

/** The same for a key of another server, one with a wrong character, and what is no key at all. */
function unknown(): VeiltrailError {
  return new VeiltrailError('unauthenticated', 'this is not a key that this server knows');
}
