/** Rotating a log's signing key on a data directory that no server has: keys, checkpoints on disk, and what the next start tells of. */
import { join } from 'node:path';
import { VeiltrailError } from '../core/errors.ts';
import { parseWitnessPolicy } from '../log/witness-policy.ts';
import { resignCheckpoints } from '../ledger/resign.ts';
import { dataDirPaths, isDataDirInUse } from '../storage/data-dir.ts';
import { openFileTileStore } from '../storage/files/tile-store.ts';
import { openKeyring } from '../vault/keyring.ts';
import { beginSigningRotation, finishSigningRotation, readSigningKeys, type SigningKeys } from '../vault/rotate-signing-key.ts';
import { editDataDir } from './seal-at-rest.ts';
import { keysDirectory } from './data-files.ts';
import { noteSigningKeys } from './signing-key-events.ts';
import { readWitnessPolicy } from './witness-files.ts';

/**
 * Takes the next step of a rotation: `begin` makes the key that follows, from then on both sign; `finish` lets the old one go.
 * @throws VeiltrailError `data_dir_in_use`, `log_unknown`, `key_rotation` (not the step that is next, or the witness policy does not know the new key)
 */
export async function rotateSigningKey(dataDir: string, log: string, step: 'begin' | 'finish'): Promise<SigningKeys> {
  if (isDataDirInUse(dataDir))
    throw new VeiltrailError('data_dir_in_use', 'a server has this data directory: stop it first, a log’s key is rotated at rest');
  const dir = join(dataDir, keysDirectory);
  const before = openKeyring(dir, { create: false }).signers(log);
  const origin = before[0]?.name;
  if (origin === undefined) throw new VeiltrailError('log_unknown', `there is no log ${log} in ${dataDir}`);
  if (step === 'finish') checkPolicy(dataDir, readSigningKeys(dir, log));
  await editDataDir(dataDir, async () => {
    noteSigningKeys(dataDir, log);
    const tiles = openFileTileStore(dataDirPaths(dataDir).logs);
    if (step === 'begin') beginSigningRotation(dir, log);
    // A finish that a crash cuts short behind this line leaves checkpoints that only the new key signed, and both keys: it may be repeated.
    else await resignCheckpoints(tiles, log, origin, before, before.slice(-1));
    if (step === 'finish') finishSigningRotation(dir, log);
    await resignCheckpoints(tiles, log, origin, [...before], openKeyring(dir, { create: false }).signers(log));
  });
  return readSigningKeys(dir, log);
}

/** A policy that names the old key and not the new one would be about no log of ours any more, and nobody would be asked. */
function checkPolicy(dataDir: string, { vkey, next }: SigningKeys): void {
  const { logs } = parseWitnessPolicy(readWitnessPolicy(dataDir)?.policy ?? 'quorum none\n');
  const names = (key: string | undefined): boolean => logs.some((one) => one.vkey === key);
  if (next !== undefined && names(vkey) && !names(next)) {
    throw new VeiltrailError(
      'key_rotation',
      'the witness policy names the old key of this log and not the new one: put a log line for it into the policy first',
    );
  }
}
