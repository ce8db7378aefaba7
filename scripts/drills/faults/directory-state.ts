/**
 * Names what a directory holds while calls are done to it again, so that two states with one name are one state to whoever opens the directory. A name
 * covers every name and byte of it but those that cannot be read:
 *
 * - `-shm` files (tape.ts);
 * - of a write-ahead log, what comes after its last committed frame (wal.ts);
 * - of its database, pages that a committed frame has, and the length: both are read from the log, until the next checkpoint overwrites them;
 * - what is in a segment that is being written (`….writing`): it is removed by its name, or written anew from nothing (storage/files/segment-store.ts).
 *
 * While a seal covers the directory every byte of databases counts, since `verify` reads them all.
 */
import { hash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { lengthOf, type TapedCall } from './tape.ts';
import { WriteAheadLog } from './wal.ts';

const pageBytes = 4_096;
const digestBytes = 32;

class Database {
  readonly #file: string;
  #pages = Buffer.alloc(0);
  #length = 0;

  constructor(file: string) {
    this.#file = file;
    this.read(0, lengthOf(file));
  }

  /** Takes over what the file has there now. */
  read(from: number, to: number): void {
    this.#length = lengthOf(this.#file);
    const count = Math.ceil(this.#length / pageBytes);
    this.#pages = Buffer.concat([this.#pages], count * digestBytes);
    const fd = openSync(this.#file, 'r');
    const page = Buffer.alloc(pageBytes);
    for (let index = Math.floor(from / pageBytes); index < count && index * pageBytes < to; index++) {
      const length = readSync(fd, page, 0, pageBytes, index * pageBytes);
      hash('sha256', page.subarray(0, length), 'buffer').copy(this.#pages, index * digestBytes);
    }
    closeSync(fd);
  }

  digest(log: WriteAheadLog | undefined): string {
    if (!log?.hasCommitted) return `${this.#length} ${hash('sha256', this.#pages)}`;
    // An empty database makes SQLite remove its log.
    if (this.#length === 0) return 'empty';
    const pages = new Map<number, Buffer>();
    for (let index = 0; index * digestBytes < this.#pages.length; index++)
      pages.set(index + 1, this.#pages.subarray(index * digestBytes, (index + 1) * digestBytes));
    for (const page of log.pages()) pages.delete(page);
    return hash('sha256', Buffer.concat([...pages].flatMap(([page, digest]) => [Buffer.from(`${page} `), digest])));
  }
}

export class DirectoryState {
  readonly #directory: string;
  readonly #digests = new Map<string, string>();
  readonly #databases = new Map<string, Database>();
  readonly #logs = new Map<string, WriteAheadLog>();
  /** Databases whose digest is to be made anew. */
  readonly #changed = new Set<string>();
  #isSealed = false;
  #name: string | undefined;

  constructor(directory: string) {
    this.#directory = directory;
    this.#scan('');
  }

  /** After a call was done again there. */
  note({ kind, path, oldPath, number, bytes, result }: TapedCall): void {
    if (result < 0 || kind === 'answer' || kind === 'fsync' || path.endsWith(' (deleted)') || path.endsWith('-shm')) return;
    const log = this.#logs.get(path);
    const database = this.#databases.get(path);
    if (kind.endsWith('write') && log) log.write(bytes, number);
    else if (kind.endsWith('write') && database) database.read(number, number + bytes.length);
    else if (kind === 'truncate' && log) log.truncate(number);
    else {
      if (kind === 'create' && (log || database) && lengthOf(join(this.#directory, path)) > 0) return;
      if (oldPath !== '') this.#forget(oldPath);
      this.#forget(path);
      this.#scan(path);
    }
    this.#changed.add(databaseOf(path));
    this.#name = undefined;
  }

  /** The state's name. */
  name(): string {
    if (this.#name !== undefined) return this.#name;
    for (const path of this.#changed) {
      const log = this.#isSealed ? undefined : this.#logs.get(`${path}-wal`);
      const database = this.#databases.get(path);
      if (database) this.#digests.set(path, database.digest(log));
      const anyLog = this.#logs.get(`${path}-wal`);
      if (anyLog) this.#digests.set(`${path}-wal`, log ? log.digest() : hash('sha256', readFileSync(join(this.#directory, `${path}-wal`))));
    }
    this.#changed.clear();
    const lines = [...this.#digests].map(([path, digest]) => `${path} ${digest}`);
    return (this.#name = hash('sha256', lines.toSorted().join('\n')));
  }

  #forget(path: string): void {
    for (const known of this.#digests.keys()) {
      if (known !== path && !known.startsWith(`${path}/`)) continue;
      this.#digests.delete(known);
      this.#databases.delete(known);
      this.#logs.delete(known);
      this.#changed.add(databaseOf(known));
      if (known === 'seal.json') this.#seal(false);
    }
  }

  #scan(path: string): void {
    const at = join(this.#directory, path);
    if (path.endsWith('-shm')) return;
    let entries;
    try {
      entries = readdirSync(at, { withFileTypes: true });
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'ENOTDIR') return this.#take(path);
      if (code === 'ENOENT') return;
      throw error;
    }
    if (path !== '') this.#digests.set(path, `directory ${statSync(at).mode}`);
    for (const { name } of entries) this.#scan(path === '' ? name : `${path}/${name}`);
  }

  #take(path: string): void {
    const file = join(this.#directory, path);
    if (path.endsWith('.db')) this.#databases.set(path, new Database(file));
    else if (path.endsWith('.db-wal')) {
      const log = new WriteAheadLog();
      log.write(readFileSync(file), 0);
      this.#logs.set(path, log);
    } else {
      const isRead = !path.startsWith('segments/') || !path.endsWith('.writing');
      const bytes = isRead ? readFileSync(file) : Buffer.of();
      this.#digests.set(path, `${statSync(file).mode} ${hash('sha256', bytes)}`);
      if (path === 'seal.json') this.#seal(bytes.includes('"sha256"'));
      return;
    }
    this.#digests.set(path, '');
    this.#changed.add(databaseOf(path));
  }

  #seal(isSealed: boolean): void {
    this.#isSealed = isSealed;
    for (const path of this.#databases.keys()) this.#changed.add(path);
  }
}

/** The database that a file is, or belongs to. */
function databaseOf(path: string): string {
  return path.endsWith('-wal') ? path.slice(0, -'-wal'.length) : path;
}
