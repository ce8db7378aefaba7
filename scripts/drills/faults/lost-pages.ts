/**
 * What a power loss takes after an fsync that failed. The kernel then may hold for clean what it could not write, and no later fsync brings it to disk
 * unless it is written again. So, by the calls that a process made: pages written and not synced since, and pages whose sync failed and that were not
 * written again. They are filled with zeros.
 */
import { closeSync, fstatSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { RecordedCall } from './shim.ts';

const pageBytes = 4_096;

/** Loses them, below a directory. Returns how many pages were lost although a later fsync of their file returned. */
export function losePages(directory: string, calls: readonly RecordedCall[]): number {
  const dirty = new Map<string, Set<number>>();
  const lost = new Map<string, Set<number>>();
  const of = (pages: Map<string, Set<number>>, inode: string): Set<number> => pages.get(inode) ?? pages.set(inode, new Set()).get(inode) ?? new Set();
  let trusted = 0;
  for (const { kind, inode, offset, result } of calls) {
    if (kind.endsWith('write') && result > 0) {
      for (let page = Math.floor(offset / pageBytes); page * pageBytes < offset + result; page++) {
        of(dirty, inode).add(page);
        of(lost, inode).delete(page);
      }
    } else if (kind === 'fsync') {
      if (result === 0) trusted += of(lost, inode).size;
      else for (const page of of(dirty, inode)) of(lost, inode).add(page);
      of(dirty, inode).clear();
    }
  }
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = openSync(join(entry.parentPath, entry.name), 'r+');
    const { ino, size } = fstatSync(file);
    for (const page of new Set([...of(dirty, String(ino)), ...of(lost, String(ino))])) {
      const bytes = Math.min(pageBytes, size - page * pageBytes);
      if (bytes > 0) writeSync(file, new Uint8Array(bytes), 0, bytes, page * pageBytes);
    }
    closeSync(file);
  }
  return trusted;
}
