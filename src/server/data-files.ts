/** Which files a data directory has, and which of them its seal covers. */
import { readdirSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

export const keysDirectory = 'keys';
export const recordsFileName = 'records.db';
export const indexFileName = 'index.db';

/**
 * Not sealed: what is checked by content (logs), rebuilt (index), held by the running process (lock), or is the seal. Partial tiles are sealed:
 * they are few, and nothing else says which of the earlier sizes were published and must stay.
 */
const unsealed = [/^logs\/(?!.*\.p\/)/, /^index\.db/, /^lock/, /^seal\.json/];

/** Paths of the files to seal, relative to the directory, with `/`. */
export function sealedPaths(dataDir: string): string[] {
  return readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dataDir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !unsealed.some((pattern) => pattern.test(path)));
}

/** Files below a log's `tile` directory, as `tile/…`, one directory in memory at a time. */
export async function* listTileFiles(logDir: string): AsyncGenerator<string> {
  yield* walk(join(logDir, 'tile'), 'tile');
}

async function* walk(dir: string, path: string): AsyncGenerator<string> {
  let entries;
  try {
    entries = await opendir(dir);
  } catch {
    return; // an empty log has no tiles; that one is missing is found when it is read
  }
  for await (const entry of entries) {
    if (entry.isDirectory()) yield* walk(join(dir, entry.name), `${path}/${entry.name}`);
    else yield `${path}/${entry.name}`;
  }
}
