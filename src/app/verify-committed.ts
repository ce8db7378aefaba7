/** What is published beside what is committed: the signed checkpoint of a data directory and the state in its records. */
import { equalBytes } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { VerifiedCheckpoint } from '../log/checkpoint.ts';
import type { LogState } from '../storage/record-store.ts';

/**
 * @param published was read before `state`, so that a server that writes meanwhile only moves the state ahead
 * @param readAgain the checkpoint as it is now
 * @returns how many leaves are committed and not yet published
 * @throws VeiltrailError `behind_checkpoint`, `history_forked`, `rolled_back`
 */
export async function compareWithCommitted(
  published: VerifiedCheckpoint,
  state: LogState,
  readAgain: () => Promise<VerifiedCheckpoint>,
  where: string,
): Promise<number> {
  const { treeSize, durableSize } = state;
  if (published.treeSize > treeSize) {
    throw new VeiltrailError(
      'behind_checkpoint',
      `records.db ends at size ${treeSize}, behind the published checkpoint of size ${published.treeSize}: an older database was put back`,
      { where: 'records.db' },
    );
  }
  if (published.treeSize === treeSize && !equalBytes(published.root, state.root)) {
    throw new VeiltrailError('history_forked', `records.db and the published checkpoint of size ${treeSize} have different roots`, {
      where: 'records.db',
    });
  }
  // A checkpoint is on disk before the records say that its tiles are (OpenLog.sync): whatever crash there was, it is of that size or larger.
  if (published.treeSize < durableSize && (await readAgain()).treeSize < durableSize) {
    throw new VeiltrailError(
      'rolled_back',
      `${where} has size ${published.treeSize}, and a larger one of at least ${durableSize} was on disk before: an older checkpoint was put back, or the directory was copied while a server wrote to it`,
      { where },
    );
  }
  return treeSize - published.treeSize;
}
