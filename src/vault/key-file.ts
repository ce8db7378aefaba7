/**
 * Small files that hold keys. Each is written whole or not at all: to a temporary name, fsynced, then linked to its own name, which fails
 * where that name is taken, so that a key in use is never overwritten; the directory is fsynced before a write returns. A crash in between
 * leaves a temporary file, which the next start removes.
 *
 * A key file that others on the machine may read or change is refused rather than repaired: whether it was copied cannot be told.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { toHex } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { systemRandom } from '../core/random.ts';
import { removeFile } from '../storage/files/remove-file.ts';
import { storageError } from '../storage/storage-error.ts';

const temporaryPrefix = '.tmp-';
const fileBytesMax = 65_536;
/** Windows keeps access rights elsewhere: there the mode says nothing. */
const modesCount = process.platform !== 'win32';

/**
 * Makes the directory (0700) unless it is there, and clears what a crash left in it.
 * @throws VeiltrailError `keyring_open` when others may write to it, `storage_readonly`, `disk_full`, `storage_failed`
 */
export function prepareKeyDirectory(dir: string): void {
  guarded('make the keyring', () => {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    for (const name of listTemporaryFiles(dir)) shred(join(dir, name));
    // A crash may have come between a key's name and its being on disk; from here on it is used.
    syncDirectory(dir);
    syncDirectory(dirname(dir));
  });
}

/** @throws VeiltrailError `keyring_open` when group or others may write to the directory, `keyring_missing` */
export function checkKeyDirectory(dir: string): void {
  const stat = statSync(dir, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) throw new VeiltrailError('keyring_missing', 'there is no keyring directory');
  if (modesCount && (stat.mode & 0o022) !== 0) {
    throw new VeiltrailError('keyring_open', 'others may write to the keyring directory; make it private: chmod 700, and its files 600');
  }
}

/** Names of files that are being written, or were when a crash came. */
export function listTemporaryFiles(dir: string): string[] {
  return listKeyFiles(dir).filter((name) => name.startsWith(temporaryPrefix));
}

/** File names in the directory, sorted; empty when there is none. */
export function listKeyFiles(dir: string): string[] {
  try {
    return readdirSync(dir).toSorted();
  } catch {
    return [];
  }
}

/**
 * Writes a file that must not be there yet; durable when it returns.
 * @throws VeiltrailError `key_exists`, `storage_readonly`, `disk_full`, `storage_failed`
 */
export function createKeyFile(dir: string, name: string, text: string, mode: 0o600 | 0o644 = 0o600): void {
  // A crash before the directory is synced may lose the name, never leave half a file: the next start makes another key, and nothing used this one.
  place(dir, text, mode, (temporary) => {
    linkSync(temporary, join(dir, name));
    unlinkSync(temporary);
  });
}

/** Writes a file in the place of the one that may be there; durable when it returns. @throws VeiltrailError as {@link createKeyFile} */
export function replaceKeyFile(dir: string, name: string, text: string): void {
  place(dir, text, 0o600, (temporary) => renameSync(temporary, join(dir, name)));
}

/** Gives a key file another name, under which there must be none; durable when it returns. @throws VeiltrailError `key_file_missing`, and as {@link createKeyFile} */
export function renameKeyFile(dir: string, from: string, to: string): void {
  const files = listKeyFiles(dir);
  if (!files.includes(from)) throw new VeiltrailError('key_file_missing', `there is no key file ${from}`, { file: from });
  if (files.includes(to)) throw new VeiltrailError('key_exists', 'the key is there already', { file: to });
  guarded('rename a key', () => {
    renameSync(join(dir, from), join(dir, to));
    syncDirectory(dir);
  });
}

function place(dir: string, text: string, mode: number, move: (temporary: string) => void): void {
  guarded('write a key', () => {
    const temporary = join(dir, `${temporaryPrefix}${toHex(systemRandom.bytes(8))}`);
    try {
      writeSynced(temporary, text, mode);
      move(temporary);
    } catch (error) {
      // What failed first counts.
      try {
        removeFile(temporary);
      } catch {}
      throw error;
    }
    syncDirectory(dir);
  });
}

/**
 * Destroys a key file. First it gets a temporary name, so that it is gone as a key at once or there as a whole; then its bytes are overwritten and
 * it is removed. Gone when it returns; a crash in between leaves a temporary file, which the next start destroys.
 * @throws VeiltrailError `key_file_missing`, `storage_readonly`, `storage_failed`
 */
export function destroyKeyFile(dir: string, name: string): void {
  if (!listKeyFiles(dir).includes(name)) throw new VeiltrailError('key_file_missing', `there is no key file ${name}`, { file: name });
  guarded('destroy a key', () => {
    const temporary = join(dir, `${temporaryPrefix}${toHex(systemRandom.bytes(8))}`);
    renameSync(join(dir, name), temporary);
    syncDirectory(dir);
    shred(temporary);
    syncDirectory(dir);
  });
}

/** Overwrites and removes a file. What the disk itself keeps of overwritten blocks is beyond us. */
function shred(path: string): void {
  const fd = openSync(path, 'r+');
  try {
    const { size } = fstatSync(fd);
    if (size <= fileBytesMax) {
      const noise = systemRandom.bytes(size);
      for (let at = 0; at < size;) at += writeSync(fd, noise, at, size - at, at);
    }
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  unlinkSync(path);
}

/**
 * The text of a key file.
 * @param bytesMax of the file
 * @throws VeiltrailError `key_file_open` when group or others have rights to it, `key_file_missing`, `key_file_syntax` for what is no small regular file
 */
export function readKeyFile(dir: string, name: string, secrecy: 'secret' | 'public' = 'secret', bytesMax = fileBytesMax): string {
  let fd: number;
  try {
    fd = openSync(join(dir, name), 'r');
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new VeiltrailError(missing ? 'key_file_missing' : 'key_file_unreadable', `cannot read the key file ${name}`, { file: name }, { cause });
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > bytesMax) throw new VeiltrailError('key_file_syntax', `${name} is not a key file`, { file: name });
    if (secrecy === 'secret' && modesCount && (stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8);
      throw new VeiltrailError('key_file_open', `others may read the key file ${name} (mode ${mode}); make it private: chmod 600`, {
        file: name,
        mode,
      });
    }
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function writeSynced(path: string, text: string, mode: number): void {
  const fd = openSync(path, 'wx', mode);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function syncDirectory(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function guarded(what: string, action: () => void): void {
  try {
    action();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw new VeiltrailError('key_exists', 'the key is there already', {}, { cause });
    throw storageError(cause, what);
  }
}
