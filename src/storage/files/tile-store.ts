/**
 * Tiles as plain files: `<directory>/<log>/checkpoint`, `<directory>/<log>/tile/…`, so that any web server or object store can serve them.
 *
 * A file is written under another name and renamed: a reader, and a crash of the process, see all of it or nothing. A crash of the machine
 * before {@link TileStore.sync} may leave it empty or garbled; the ledger writes it again from what the record store staged.
 * Writes do not leave the thread: at these sizes a trip through the thread pool costs more than the write.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { equalBytes } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { storageError } from '../storage-error.ts';
import { removeDirectory } from './remove-file.ts';
import { type TileFile, type TileSource, type TileStore, witnessedPath } from '../tile-store.ts';

/** Files that are flushed at a time. */
const syncsMax = 8;

/**
 * Opens the directory of all logs for the one writer; makes it when there is none.
 * @throws VeiltrailError of `storage-error.ts`
 */
export function openFileTileStore(directory: string): TileStore {
  return guard('open the tiles', () => {
    mkdirSync(directory, { recursive: true });
    return new FileTileStore(directory);
  });
}

/** For reading only. */
export function openFileTileSource(directory: string): TileSource & Pick<TileStore, 'partialWidths'> {
  return {
    read: async (log, path) => readIfThere(join(directory, log, path)),
    partialWidths: async (log, fullPath) => partialWidths(join(directory, log, fullPath)),
  };
}

class FileTileStore implements TileStore {
  readonly #directory: string;
  readonly #made = new Set<string>();
  /** Directories whose names are known to be on disk: synced once since this was opened. */
  readonly #syncedNames = new Set<string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  async read(log: string, path: string): Promise<Uint8Array | undefined> {
    return readIfThere(this.#at(log, path));
  }

  async write(log: string, files: readonly TileFile[], heal: boolean): Promise<void> {
    for (const { path, bytes } of files) {
      const target = this.#at(log, path);
      // Where a crash may have been our answer to a failed fsync, bytes that read back prove nothing: they are written again, as another file.
      if (!heal && existsSync(target)) {
        const there = readIfThere(target);
        if (there && equalBytes(there, bytes)) continue;
        throw new VeiltrailError('tile_conflict', 'a published tile has other bytes than it should', { path });
      }
      guard('write a tile', () => this.#replace(log, target, bytes));
    }
  }

  async writeCheckpoint(log: string, bytes: Uint8Array): Promise<void> {
    guard('write the checkpoint', () => this.#replace(log, this.#at(log, 'checkpoint'), bytes));
  }

  async writeWitnessed(log: string, bytes: Uint8Array): Promise<void> {
    const target = this.#at(log, witnessedPath);
    try {
      // Seldom, so its bytes are on disk before they take the place of others, which somebody was shown.
      const writing = this.#at(log, '.writing-witnessed');
      await writeSynced(writing, bytes);
      renameSync(writing, target);
    } catch (error) {
      throw storageError(error, 'write the cosigned checkpoint');
    }
  }

  async sync(log: string, paths: readonly string[]): Promise<void> {
    const files = paths.map((path) => this.#at(log, path));
    try {
      for (let at = 0; at < files.length; at += syncsMax) await Promise.all(files.slice(at, at + syncsMax).map(flush));
      await Promise.all(this.#directoriesOf(files).map(flush));
    } catch (error) {
      // Whatever the reason, what was not flushed may be lost already: not even a full disk is a refusal here.
      throw new VeiltrailError('storage_failed', 'tiles could not be brought to disk', { operation: 'fsync' }, { cause: error });
    }
  }

  async partialWidths(log: string, fullPath: string): Promise<number[]> {
    return partialWidths(this.#at(log, fullPath));
  }

  async removePartials(log: string, fullPath: string): Promise<void> {
    const directory = `${this.#at(log, fullPath)}.p`;
    guard('remove partial tiles', () => {
      removeDirectory(directory);
      this.#made.delete(directory);
    });
  }

  #at(log: string, path: string): string {
    return join(this.#directory, log, path);
  }

  /** One name for all that is being written: there is one writer, and what a crash leaves is overwritten by the next write. */
  #replace(log: string, target: string, bytes: Uint8Array): void {
    const directory = dirname(target);
    if (!this.#made.has(directory)) {
      makeDirectory(directory);
      this.#made.add(directory);
    }
    const writing = this.#at(log, '.writing');
    writeFileSync(writing, bytes);
    renameSync(writing, target);
  }

  /** The directories of files, and those above them up to ours whose names were not flushed yet. */
  #directoriesOf(files: readonly string[]): string[] {
    const directories = new Set<string>();
    for (const file of files) {
      let directory = dirname(file);
      directories.add(directory);
      while (directory.length > this.#directory.length && !this.#syncedNames.has(directory)) {
        this.#syncedNames.add(directory);
        directory = dirname(directory);
        directories.add(directory);
      }
    }
    return [...directories];
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** With what is above it. Node's own way says ENOENT on a disk that is read-only, and a refusal would be taken for a failure. */
function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(directory) === directory) throw error;
    makeDirectory(dirname(directory));
    mkdirSync(directory);
  }
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw storageError(error, 'read a tile');
  }
}

function guard<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storageError(error, what);
  }
}

function partialWidths(fullPath: string): number[] {
  const directory = `${fullPath}.p`;
  return guard('list partial tiles', () => {
    if (!existsSync(directory)) return [];
    const widths = readdirSync(directory).filter((name) => /^[1-9]\d{0,2}$/.test(name));
    return widths.map(Number).toSorted((a, b) => a - b);
  });
}
