/** Deciding about a fork where no server runs: the same as over HTTP, on the data directory itself. */
import { systemClock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isDataDirInUse } from '../storage/data-dir.ts';
import type { KnownFork } from '../witness/witnesses.ts';
import { editDataDir } from './seal-at-rest.ts';
import { readForks, writeForks } from './witness-files.ts';

/** @throws VeiltrailError `data_dir_in_use` while a server has the directory, `fork_unknown` where the log is not stopped */
export function acknowledgeStoredFork(dataDir: string, log: string): Promise<KnownFork> {
  if (isDataDirInUse(dataDir)) throw new VeiltrailError('data_dir_in_use', 'a server has this data directory: use --url and --key instead');
  return editDataDir(dataDir, () => {
    const forks = readForks(dataDir);
    const fork = forks.find((one) => one.log === log && one.acknowledged === undefined);
    if (!fork) throw new VeiltrailError('fork_unknown', 'no witness holds another history of this log, or somebody has decided about it');
    fork.acknowledged = { by: 'local', at: new Date(systemClock.now()).toISOString() };
    writeForks(dataDir, forks);
    return fork;
  });
}
