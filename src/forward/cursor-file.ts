/**
 * How far a forwarder is in a log: every leaf below `next` was delivered, or was not for it. Written whole or not at all, durable when it returns. It
 * is of this disk alone: a copy of the data directory must not begin to deliver by itself. So backups leave it out, and a file beside the cursors
 * says which file it is itself, by inode and time of birth: a copy of it says of another one, and cursors beside it count for nothing. What copies
 * block by block (a snapshot of a disk, a cloned machine) copies inodes, too: that is not told apart.
 */
import { closeSync, fstatSync, fsyncSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { storageError } from '../storage/storage-error.ts';
import { prepareKeyDirectory, replaceKeyFile } from '../vault/key-file.ts';

export const cursorsDirectory = 'forwarders';
const placeFile = 'place';

export interface Cursor {
  /** The leaf it is at. */
  readonly next: number;
  /** @throws VeiltrailError those of `storage-error.ts` */
  move(next: number): void;
}

/**
 * Makes room for a forwarder's cursors, durably, and clears what a crash left there: in a copy, everything, or a forwarder of the original would run
 * beside the one that somebody wants here.
 * @throws VeiltrailError those of `storage-error.ts`
 */
export function makeCursors(dir: string, id: string): void {
  prepareKeyDirectory(dir);
  if (!isOwnPlace(dir)) {
    for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true, force: true });
    writePlace(dir);
  }
  prepareKeyDirectory(join(dir, id));
}

/** Whether there is room for them that was made here, and not where this is a copy of. */
export function hasCursors(dir: string, id: string): boolean {
  return isOwnPlace(dir) && listCursors(dir).includes(id);
}

/** Ids of forwarders. */
export function listCursors(dir: string): string[] {
  try {
    return readdirSync(dir).filter((name) => name !== placeFile);
  } catch {
    return [];
  }
}

export function removeCursors(dir: string, id: string): void {
  rmSync(join(dir, id), { recursive: true, force: true });
}

/** The leaf that a cursor is at; undefined where there is none that can be read. */
export function readCursor(dir: string, id: string, log: string): number | undefined {
  try {
    const { next } = JSON.parse(readFileSync(join(dir, id, log), 'utf8')) as { next: unknown };
    return Number.isSafeInteger(next) && (next as number) >= 0 ? (next as number) : undefined;
  } catch {
    return undefined;
  }
}

/** @param start where it begins if there is no cursor yet */
export function openCursor(dir: string, id: string, log: string, start: number): Cursor {
  let at = readCursor(dir, id, log) ?? start;
  return {
    get next() {
      return at;
    },
    move(next) {
      if (next === at) return;
      replaceKeyFile(join(dir, id), log, `${JSON.stringify({ format: 1, next })}\n`);
      at = next;
    },
  };
}

function isOwnPlace(dir: string): boolean {
  try {
    const path = join(dir, placeFile);
    return readFileSync(path, 'utf8') === placeText(statSync(path, { bigint: true }));
  } catch {
    return false;
  }
}

/** Where a crash comes in between it is nobody's place, and whoever resumes makes it anew. */
function writePlace(dir: string): void {
  try {
    const file = openSync(join(dir, placeFile), 'wx', 0o600);
    try {
      writeSync(file, placeText(fstatSync(file, { bigint: true })));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw storageError(error, 'write the place of cursors');
  }
}

/** File systems that keep no time of birth say 0, or the time of the last change of name, owner or mode: nobody changes those. */
function placeText({ ino, birthtimeNs }: { ino: bigint; birthtimeNs: bigint }): string {
  return `${JSON.stringify({ format: 1, inode: String(ino), bornNs: String(birthtimeNs) })}\n`;
}
