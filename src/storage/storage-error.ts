/**
 * What storage can do to us, in three kinds that callers act on:
 *
 *     disk_full, storage_readonly, storage_busy   refused, nothing changed; the same call may work later
 *     storage_failed, storage_damaged,            the state on disk is not known, or not ours: the process must stop, and recovery decides
 *     tree_moved, tile_conflict
 *     everything else                             what the caller asked for cannot be
 *
 * A failed fsync is of the second kind: the kernel may have dropped the pages, so what is read back afterwards proves nothing.
 */
import { VeiltrailError } from '../core/errors.ts';

const refusals = new Set(['disk_full', 'storage_readonly', 'storage_busy']);

/** True when nothing was changed and trying again later makes sense. */
export function isRefusal(error: unknown): boolean {
  return error instanceof VeiltrailError && refusals.has(error.code);
}

const fatal = new Set(['storage_failed', 'storage_damaged', 'tree_moved', 'tile_conflict']);

/** True when the process must stop: what is on disk is not known, or the error is one that nobody foresaw. */
export function isFatal(error: unknown): boolean {
  return !(error instanceof VeiltrailError) || fatal.has(error.code);
}

const fileCodes: Record<string, string> = {
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
  EROFS: 'storage_readonly',
  EACCES: 'storage_readonly',
  EPERM: 'storage_readonly',
  EMFILE: 'storage_busy',
  ENFILE: 'storage_busy',
  ENOMEM: 'storage_busy',
};

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const sqliteCodes: Record<number, string> = {
  5: 'storage_busy', // SQLITE_BUSY
  8: 'storage_readonly', // SQLITE_READONLY
  11: 'storage_damaged', // SQLITE_CORRUPT
  13: 'disk_full', // SQLITE_FULL
  26: 'storage_damaged', // SQLITE_NOTADB
};

const messages: Record<string, string> = {
  disk_full: 'the disk is full',
  storage_readonly: 'the storage cannot be written to',
  storage_busy: 'the storage is busy',
  storage_damaged: 'the storage is damaged',
  storage_failed: 'the storage failed',
};

/**
 * The error of a driver as one of ours; errors that are ours already stay.
 * @param what the operation, in our own words
 */
export function storageError(error: unknown, what: string): VeiltrailError {
  if (error instanceof VeiltrailError) return error;
  const { code, errcode } = error as { code?: string; errcode?: number };
  const sqlite = typeof errcode === 'number';
  const known = sqlite ? sqliteCodes[errcode & 0xff] : fileCodes[code ?? ''];
  const ours = known ?? 'storage_failed';
  const detail = { operation: what, cause: sqlite ? `SQLITE ${errcode}` : (code ?? 'unknown') };
  return new VeiltrailError(ours, `${messages[ours]} (${what}: ${detail.cause})`, detail, { cause: error });
}
