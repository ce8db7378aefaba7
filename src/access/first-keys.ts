/**
 * The first start makes one key of each role, so that a newcomer can write and read at once, and puts each in a file of its own (0600) under
 * `keys/` in the data directory. `access.json` is written last: a crash before it means that the next start makes other keys in the files'
 * place, and none of the former was ever good for anything.
 */
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import { prepareKeyDirectory, replaceKeyFile } from '../vault/key-file.ts';
import { createAccessFile, hasAccessFile } from './access-file.ts';
import type { KeyRow } from './access-file.ts';
import { newKey } from './manage-keys.ts';
import type { Role } from './roles.ts';

export const firstKeysDirectory = 'keys';
const firstRoles = ['admin', 'writer', 'reader'] as const satisfies readonly Role[];

/** Where the first keys are; never the keys. Empty when the data directory has its keys already. */
export function createFirstKeys(dataDir: string, { clock, random }: { clock: Clock; random: Random }): { role: Role; path: string }[] {
  if (hasAccessFile(dataDir)) return [];
  const dir = join(dataDir, firstKeysDirectory);
  prepareKeyDirectory(dir);
  const rows: KeyRow[] = [];
  const made = firstRoles.map((role) => {
    const { key, row } = newKey({ role, name: `first ${role}` }, clock.now(), random);
    replaceKeyFile(dir, `${role}.key`, `${key}\n`);
    rows.push(row);
    return { role, path: join(dir, `${role}.key`) };
  });
  createAccessFile(dataDir, rows);
  return made;
}
