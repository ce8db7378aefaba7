/**
 * How far a forwarder is in a log: every leaf below `next` was delivered, or was not for it. Written whole or not at all, durable when it returns. It
 * is of this disk alone: a copy of the data directory must not begin to deliver by itself, so backups leave it out.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { prepareKeyDirectory, replaceKeyFile } from '../vault/key-file.ts';

export const cursorsDirectory = 'forwarders';

export interface Cursor {
  /** The leaf it is at. */
  readonly next: number;
  /** @throws VeiltrailError those of `storage-error.ts` */
  move(next: number): void;
}

/** Makes room for a forwarder's cursors, durably, and clears what a crash left there. @throws VeiltrailError those of `storage-error.ts` */
export function makeCursors(dir: string, id: string): void {
  prepareKeyDirectory(dir);
  prepareKeyDirectory(join(dir, id));
}

export function hasCursors(dir: string, id: string): boolean {
  return listCursors(dir).includes(id);
}

/** Ids of forwarders. */
export function listCursors(dir: string): string[] {
  try {
    return readdirSync(dir);
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
