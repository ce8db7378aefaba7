/**
 * Removing files, so that it is known why it failed: Node's `rmSync` has no code for most errors, and a full disk (there are file systems that need room
 * to remove) or a read-only one would be taken for a broken one, which ends the process.
 */
import { readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Removes a file that may be there. @throws Error of Node, with its code */
export function removeFile(path: string): void {
  ifThere(() => unlinkSync(path));
}

/** Removes a directory of files that may be there. @throws Error of Node, with its code */
export function removeDirectory(path: string): void {
  ifThere(() => {
    for (const name of readdirSync(path)) removeFile(join(path, name));
    rmdirSync(path);
  });
}

function ifThere(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
  }
}
