/**
 * Where the command line remembers the newest checkpoint of each log it was shown: a file of mode 0600 for each origin, the signed checkpoint
 * verbatim, in `$VEILTRAIL_STATE`, else `$XDG_STATE_HOME/veiltrail`, else `~/.local/state/veiltrail`. `VEILTRAIL_STATE=none` remembers nothing.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { CheckpointStore } from '../sdk/checkpoint-memory.ts';
import { say } from './output.ts';

/** The store, read and written at once. */
export interface CheckpointFiles extends CheckpointStore {
  read(origin: string): string | undefined;
  write(origin: string, checkpoint: string): void;
}

/** Undefined where nothing is to be remembered. */
export function openCheckpointFiles(environment: NodeJS.ProcessEnv = process.env): CheckpointFiles | undefined {
  const dir = stateDirectory(environment);
  if (dir === undefined) return undefined;
  const checkpoints = join(dir, 'checkpoints');
  const fileOf = (origin: string): string => join(checkpoints, createHash('sha256').update(origin).digest('hex'));
  return {
    read(origin) {
      try {
        return readFileSync(fileOf(origin), 'utf8');
      } catch {
        return undefined;
      }
    },
    write(origin, checkpoint) {
      try {
        mkdirSync(checkpoints, { recursive: true, mode: 0o700 });
        replace(fileOf(origin), checkpoint);
      } catch {
        say(`warning the checkpoint of ${origin} cannot be remembered in ${dir}`);
      }
    },
  };
}

/** Readers see the old text or the new one. */
function replace(file: string, text: string): void {
  const writing = `${file}.${randomBytes(4).toString('hex')}`;
  try {
    writeFileSync(writing, text, { mode: 0o600, flag: 'wx' });
    renameSync(writing, file);
  } catch (error) {
    rmSync(writing, { force: true });
    throw error;
  }
}

function stateDirectory(environment: NodeJS.ProcessEnv): string | undefined {
  const own = environment['VEILTRAIL_STATE'];
  if (own === 'none') return undefined;
  if (own !== undefined && own !== '') return own;
  // The specification of these directories: a path that is not absolute is none.
  const state = environment['XDG_STATE_HOME'];
  return join(state !== undefined && isAbsolute(state) ? state : join(homedir(), '.local', 'state'), 'veiltrail');
}
