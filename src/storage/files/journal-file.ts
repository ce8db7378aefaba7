/**
 * A small file that says what is under way, so that a start after a crash can finish it: a first line, written whole or not at all, and further
 * lines added to it; a last one that is cut short was never written. When it is done with, its bytes are overwritten before the file goes: it
 * may name what nobody shall read any more.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { storageError } from '../storage-error.ts';
import { removeFile } from './remove-file.ts';

export interface JournalFile {
  /** Its lines; undefined where there is none. */
  read(): string[] | undefined;
  /** Durable when it returns. @param line without a line feed */
  begin(line: string): void;
  /** Durable when it returns. */
  add(line: string): void;
  /** Gone when it returns. */
  destroy(): void;
}

/**
 * For the one writer of the directory: clears what a crash left half begun or half destroyed. What it left of a journal is brought to disk: it may
 * be in memory alone, after an fsync that failed. @throws VeiltrailError those of `storage-error.ts`
 */
export function openJournalFile(path: string): JournalFile {
  const beside = (suffix: string): string => join(dirname(path), `.${basename(path)}.${suffix}`);
  guard(() => {
    for (const left of [beside('new'), beside('gone')]) if (existsSync(left)) shred(left);
    if (existsSync(path)) writeAgain(path);
  });
  return {
    read: () => readJournalFile(path),
    begin(line) {
      guard(() => {
        removeFile(beside('new'));
        const fd = openSync(beside('new'), 'wx', 0o600);
        try {
          writeFileSync(fd, `${line}\n`);
          fsyncSync(fd);
        } finally {
          closeSync(fd);
        }
        renameSync(beside('new'), path);
        syncDirectory(dirname(path));
      });
    },
    add(line) {
      guard(() => {
        const fd = openSync(path, 'r+');
        try {
          // A try that was cut short must not become the beginning of this line.
          const end = wholeLines(readFileSync(fd)).length;
          ftruncateSync(fd, end);
          writeAll(fd, Buffer.from(`${line}\n`), end);
          fsyncSync(fd);
        } finally {
          closeSync(fd);
        }
      });
    },
    destroy() {
      guard(() => {
        if (!existsSync(path)) return;
        // First it is no journal any more: half overwritten, nobody could read it.
        renameSync(path, beside('gone'));
        syncDirectory(dirname(path));
        shred(beside('gone'));
        syncDirectory(dirname(path));
      });
    },
  };
}

/** For whoever reads beside the writer. */
export function readJournalFile(path: string): string[] | undefined {
  return guard(() => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : undefined));
}

function wholeLines(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.lastIndexOf('\n') + 1);
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
}

/** The same bytes, in their place: a crash meanwhile changes nothing. */
function writeAgain(path: string): void {
  const fd = openSync(path, 'r+');
  try {
    const bytes = wholeLines(readFileSync(fd));
    writeAll(fd, bytes, 0);
    ftruncateSync(fd, bytes.length);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  syncDirectory(dirname(path));
}

const zeros = new Uint8Array(65_536);

function shred(path: string): void {
  const fd = openSync(path, 'r+');
  try {
    const { size } = fstatSync(fd);
    for (let at = 0; at < size;) at += writeSync(fd, zeros, 0, Math.min(zeros.length, size - at), at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  unlinkSync(path);
}

function syncDirectory(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storageError(error, 'write the journal of removals');
  }
}
