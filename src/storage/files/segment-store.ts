/**
 * Segments as plain files: `<directory>/<log>/<class>/<bucket, 8 digits>.<generation>`. One is written under the name `….writing`, synced, and
 * then renamed: under its own name it is whole and on disk, whatever happens.
 *
 * Reads and writes do not leave the thread: those that read and write much have one of their own.
 */
import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, readdirSync, readSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { invariant } from '../../core/errors.ts';
import { isClassName, type SegmentName, type SegmentSource, type SegmentStore } from '../segment-store.ts';
import { storageError } from '../storage-error.ts';
import { removeFile } from './remove-file.ts';

const writing = '.writing';
const filePattern = /^(\d{8,})\.([1-9]\d*)$/;

/** Opens the directory of all segments for reading; it need not be there. */
export function openFileSegmentSource(directory: string): SegmentSource {
  return new FileSegmentSource(directory);
}

/** Opens the directory of all segments for the one writer; it is made with the first segment. */
export function openFileSegmentStore(directory: string): SegmentStore {
  return new FileSegmentStore(directory);
}

/** Where a segment is, below the directory of all. */
export function segmentPath({ log, class: retentionClass, bucket, generation }: SegmentName): string {
  invariant(isClassName(log) && isClassName(retentionClass), 'a segment is named by a log and a class');
  return `${log}/${retentionClass}/${String(bucket).padStart(8, '0')}.${generation}`;
}

class FileSegmentSource implements SegmentSource {
  protected readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  async read(name: SegmentName, from: number, to: number): Promise<Uint8Array | undefined> {
    return guard('read a segment', () => {
      const file = openIfThere(this.at(name));
      if (file === undefined) return undefined;
      try {
        // What a damaged index says is not to be taken for a size of memory.
        const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(to, fstatSync(file).size) - from));
        for (let done = 0; done < bytes.length;) {
          const more = readSync(file, bytes, done, bytes.length - done, from + done);
          if (more === 0) return bytes.subarray(0, done);
          done += more;
        }
        return bytes;
      } finally {
        closeSync(file);
      }
    });
  }

  async size(name: SegmentName): Promise<number | undefined> {
    return guard('look at a segment', () => statSync(this.at(name), { throwIfNoEntry: false })?.size);
  }

  protected at(name: SegmentName): string {
    return join(this.directory, segmentPath(name));
  }
}

class FileSegmentStore extends FileSegmentSource implements SegmentStore {
  async write(name: SegmentName, parts: AsyncIterable<Uint8Array>): Promise<number> {
    const path = this.at(name);
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      let bytes = 0;
      const file = openSync(`${path}${writing}`, 'w', 0o600);
      try {
        for await (const part of parts) {
          for (let done = 0; done < part.length;) done += writeSync(file, part, done);
          bytes += part.length;
        }
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(`${path}${writing}`, path);
      // The directories above may be new, too.
      for (const directory of [dirname(path), dirname(dirname(path)), this.directory, dirname(this.directory)]) syncDirectory(directory);
      return bytes;
    } catch (error) {
      // On a full disk the half of it is in the way. Where even that fails, it is what failed first that counts.
      try {
        removeFile(`${path}${writing}`);
      } catch {}
      // What went wrong with its parts is not the storage's.
      throw typeof (error as { code?: unknown }).code === 'string' ? storageError(error, 'write a segment') : error;
    }
  }

  async remove(name: SegmentName): Promise<void> {
    guard('remove a segment', () => {
      const path = this.at(name);
      if (!statSync(dirname(path), { throwIfNoEntry: false })) return;
      removeFile(path);
      syncDirectory(dirname(path));
    });
  }

  async removeOthers(isKnown: (name: SegmentName) => boolean): Promise<number> {
    return guard('tidy the segments', () => {
      let removed = 0;
      for (const log of namesIn(this.directory)) {
        for (const retentionClass of namesIn(join(this.directory, log))) {
          const directory = join(this.directory, log, retentionClass);
          const others = readdirSync(directory).filter((file) => {
            const match = filePattern.exec(file);
            return match ? !isKnown({ log, class: retentionClass, bucket: Number(match[1]), generation: Number(match[2]) }) : file.endsWith(writing);
          });
          for (const file of others) removeFile(join(directory, file));
          if (others.length > 0) syncDirectory(directory);
          removed += others.length;
        }
      }
      return removed;
    });
  }
}

/** Directories that may be a log's or a class's. */
function namesIn(directory: string): string[] {
  if (!statSync(directory, { throwIfNoEntry: false })) return [];
  const entries = readdirSync(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && isClassName(entry.name)).map(({ name }) => name);
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw error;
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function guard<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storageError(error, what);
  }
}
