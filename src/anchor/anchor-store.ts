/**
 * The anchors that were made, as files: `anchors/<log>/<16 digits of the tree size>-<target>.json` in the data directory, and beside each that the log
 * quotes `….quote` (`anchor-quote.ts`); `<target>.locks` says how long what a bucket keeps is locked (`bucket-locks.ts`). Each anchor proves itself, so the seal does not cover them, and one that is gone is one proof less and nothing else.
 */
import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { VeiltrailError } from '../core/errors.ts';
import { storageError } from '../storage/storage-error.ts';
import { type Anchor, formatAnchor, parseAnchor } from './anchor.ts';
import { type BucketLocks, formatLocks, parseLocks } from './bucket-locks.ts';

export const anchorsDirectory = 'anchors';
export const targetNamePattern = /^[a-z0-9][a-z0-9-]{0,31}$/;
const filePattern = /^(\d{16})-([a-z0-9][a-z0-9-]{0,31})\.json$/;

/** An anchor's file; `anchor` is absent where it cannot be read, and `problem` says why. */
export interface FiledAnchor {
  file: string;
  treeSize: number;
  target: string;
  anchor?: Anchor;
  problem?: string;
  /** The leaf that quotes it, disclosed, as it is kept: `verifyQuote` says what it is worth. */
  quote?: string;
}

export class AnchorStore {
  readonly #dir: string;

  constructor(dataDir: string) {
    this.#dir = join(dataDir, anchorsDirectory);
  }

  /** Anchors of a log, the smallest tree first. @throws VeiltrailError those of `storage-error.ts` */
  async list(log: string): Promise<FiledAnchor[]> {
    const filed: FiledAnchor[] = [];
    for (const file of await namesIn(join(this.#dir, log))) {
      const one = await this.#read(log, file);
      if (one) filed.push(one);
    }
    return filed.toSorted((a, b) => a.treeSize - b.treeSize);
  }

  /** Undefined for a file that is no anchor by its name. */
  async #read(log: string, file: string): Promise<FiledAnchor | undefined> {
    const match = filePattern.exec(file);
    if (!match) return undefined;
    const head = { file: `${anchorsDirectory}/${log}/${file}`, treeSize: Number(match[1]), target: match[2] as string };
    try {
      const anchor = parseAnchor(await readFile(join(this.#dir, log, file), 'utf8'));
      if (anchor.treeSize !== head.treeSize || anchor.target !== head.target || anchor.log !== log)
        throw new VeiltrailError('anchor_syntax', 'the file bears the name of another anchor');
      const quote = await readIfThere(join(this.#dir, log, quoteFile(file)));
      return { ...head, anchor, ...(quote === undefined ? {} : { quote }) };
    } catch (error) {
      if (!(error instanceof VeiltrailError)) throw storageError(error, 'read an anchor');
      return { ...head, problem: error.message };
    }
  }

  /** Logs that have anchors. */
  logs(): Promise<string[]> {
    return namesIn(this.#dir);
  }

  /** Whether a target made any that is still kept here, of whatever log. */
  async hasOf(target: string): Promise<boolean> {
    for (const log of await this.logs())
      if ((await namesIn(join(this.#dir, log))).some((file) => file === `${target}.locks` || filePattern.exec(file)?.[2] === target)) return true;
    return false;
  }

  /** The newest of a log that a target made; undefined where there is none. */
  async newest(log: string, target: string): Promise<(FiledAnchor & { anchor: Anchor }) | undefined> {
    // Names have so many digits that their order is that of the sizes.
    for (const file of (await namesIn(join(this.#dir, log))).toReversed()) {
      const filed = filePattern.exec(file)?.[2] === target ? await this.#read(log, file) : undefined;
      if (filed?.anchor) return { ...filed, anchor: filed.anchor };
    }
    return undefined;
  }

  /** The one that a target made of a checkpoint of this size; undefined where there is none, or none that can be read. */
  async at({ log, treeSize, target }: Pick<Anchor, 'log' | 'treeSize' | 'target'>): Promise<Anchor | undefined> {
    const file = fileOf({ treeSize, target });
    return (await namesIn(join(this.#dir, log))).includes(file) ? (await this.#read(log, file))?.anchor : undefined;
  }

  /** Quotes of anchors of a log that had so many leaves, or more. */
  async quotesFrom(log: string, treeSize: number): Promise<string[]> {
    const files = (await namesIn(join(this.#dir, log))).filter((file) => Number(filePattern.exec(file)?.[1] ?? -1) >= treeSize);
    const quotes = await Promise.all(files.map((file) => readIfThere(join(this.#dir, log, quoteFile(file)))));
    return quotes.filter((quote) => quote !== undefined);
  }

  /**
   * Takes the place of the one that the target made of this size before, whose quote goes first: a crash in between leaves an anchor without a quote, which
   * is one bound less until it is quoted again, and never one with the quote of another. Durable when it returns.
   * @throws VeiltrailError those of `storage-error.ts`
   */
  async add(anchor: Anchor): Promise<void> {
    await this.#removeQuote(anchor);
    await this.#write(anchor.log, fileOf(anchor), formatAnchor(anchor));
    // A server beside the command may have quoted the earlier one meanwhile.
    await this.#removeQuote(anchor);
  }

  /** Durable when it returns; nothing is kept where the anchor's place was taken by another. @throws VeiltrailError those of `storage-error.ts` */
  async addQuote(anchor: Anchor, quote: string): Promise<void> {
    await this.#write(anchor.log, quoteFile(fileOf(anchor)), quote);
    if ((await readIfThere(join(this.#dir, anchor.log, fileOf(anchor)))) !== formatAnchor(anchor)) await this.#removeQuote(anchor);
  }

  /** What was last seen of the locks of a target. @throws VeiltrailError those of `storage-error.ts` */
  async locks(log: string, target: string): Promise<BucketLocks | undefined> {
    const text = await readIfThere(join(this.#dir, log, `${target}.locks`));
    return text === undefined ? undefined : parseLocks(text);
  }

  /** Targets of a log whose locks were seen. */
  async lockedTargets(log: string): Promise<string[]> {
    return (await namesIn(join(this.#dir, log))).flatMap((name) => /^([a-z0-9][a-z0-9-]{0,31})\.locks$/.exec(name)?.[1] ?? []);
  }

  /** @throws VeiltrailError those of `storage-error.ts` */
  async keepLocks(log: string, target: string, locks: BucketLocks): Promise<void> {
    await this.#write(log, `${target}.locks`, formatLocks(locks));
  }

  async #removeQuote(anchor: Anchor): Promise<void> {
    const dir = join(this.#dir, anchor.log);
    try {
      await unlink(join(dir, quoteFile(fileOf(anchor))));
      await syncDirectory(dir);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw storageError(error, 'remove the quote of an anchor');
    }
  }

  async #write(log: string, name: string, text: string): Promise<void> {
    const dir = join(this.#dir, log);
    const path = join(dir, name);
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const file = await open(`${path}.tmp`, 'w', 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.tmp`, path);
      await syncDirectory(dir);
    } catch (error) {
      throw storageError(error, 'keep an anchor');
    }
  }
}

function fileOf({ treeSize, target }: Pick<Anchor, 'treeSize' | 'target'>): string {
  return `${String(treeSize).padStart(16, '0')}-${target}.json`;
}

function quoteFile(file: string): string {
  return file.replace(/json$/, 'quote');
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw storageError(error, 'read an anchor');
  }
}

/** Returns when the names in a directory would survive a power loss. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw storageError(error, 'list anchors');
  }
}
