/**
 * `index.db` for reading only, in another thread or process than the one that writes it. It is opened when it is first asked, and again when
 * the file was replaced. Where it cannot be used there are no parts, and a search reads every record.
 */
import { existsSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { openDatabaseReadOnly } from '../storage/sqlite/open-database.ts';
import { indexFormat } from './index-format.ts';
import { type IndexedPart, IndexView, type SearchIndex } from './index-view.ts';
import type { Partition } from './partition-seal.ts';
import type { Query } from './query.ts';

export interface IndexReaderOptions {
  path: string;
  /** 32 bytes. */
  indexKey: Uint8Array;
  /**
   * Whether a process has the index open for writing now: then what grows is in its care. Behind a crash, what had grown is trusted by nobody.
   */
  isLive: () => boolean;
  /** Told about what failed, so that the writer can make it anew. */
  onDamage?: (log: string, partition: number) => void;
}

export class IndexReader implements SearchIndex {
  readonly #options: IndexReaderOptions;
  #open: { database: DatabaseSync; view: IndexView; file: string } | undefined;
  /** Ids of partitions that failed. */
  readonly #distrusted = new Set<number>();

  constructor(options: IndexReaderOptions) {
    this.#options = options;
  }

  parts(log: string, query: Query): ReadonlyMap<number, IndexedPart> {
    const parts = new Map<number, IndexedPart>();
    try {
      const view = this.#view();
      const live = this.#options.isLive();
      for (const partition of view?.partitions(log) ?? []) {
        if (this.#isTrusted(view as IndexView, partition, live))
          parts.set(partition.number, this.#whileSame((view as IndexView).part(partition, query)));
      }
      return parts;
    } catch {
      this.close();
      return new Map();
    }
  }

  distrust(log: string, partition: number): void {
    // A file that was replaced is no damage: the next search opens the other one.
    if (this.#open?.file !== fileIdentity(this.#options.path)) return;
    const failed = this.#open?.view.partitions(log).find(({ number }) => number === partition);
    if (failed) this.#distrusted.add(failed.id);
    this.#options.onDamage?.(log, partition);
  }

  /**
   * A part that fails once the file is another than the one it was opened in: a file that was at rest is read as one that does not change,
   * and what is read of it while a writer has begun to change it proves nothing.
   */
  #whileSame(part: IndexedPart): IndexedPart {
    const file = this.#open?.file;
    const checked = <T>(read: T): T => {
      if (fileIdentity(this.#options.path) !== file) throw new Error('the index was replaced while it was read');
      return read;
    };
    return { ...part, candidates: (from, to, limit) => checked(part.candidates(from, to, limit)), times: () => checked(part.times()) };
  }

  close(): void {
    const database = this.#open?.database;
    this.#open = undefined;
    this.#distrusted.clear();
    database?.close();
  }

  #isTrusted(view: IndexView, partition: Partition, live: boolean): boolean {
    if (this.#distrusted.has(partition.id)) return false;
    if (partition.seal === null) return live;
    try {
      if (view.isIntact(partition)) return true;
    } catch {
      // as damaged as one whose seal is wrong
    }
    this.#distrusted.add(partition.id);
    this.#options.onDamage?.(partition.log, partition.number);
    return false;
  }

  #view(): IndexView | undefined {
    const { path, indexKey } = this.#options;
    const file = fileIdentity(path);
    if (this.#open && this.#open.file !== file) this.close();
    if (file === undefined) return undefined;
    if (!this.#open) {
      const database = openDatabaseReadOnly(path, indexFormat);
      this.#open = { database, view: new IndexView(database, indexKey), file };
    }
    return this.#open.view;
  }
}

/**
 * What tells a file from the one that replaced it. A file without a write-ahead log is opened as one that does not change, so it is another
 * when it gets one, and when it changed.
 */
function fileIdentity(path: string): string | undefined {
  const file = statSync(path, { throwIfNoEntry: false });
  if (!file) return undefined;
  return existsSync(`${path}-wal`) ? `${file.ino} live` : `${file.ino} ${file.mtimeMs} ${file.size}`;
}
