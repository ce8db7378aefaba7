/** Checkpoints on disk signed anew, by the keys that sign from now on: what was signed by a key that is going must not be all there is. */
import { utf8 } from '../core/bytes.ts';
import type { NoteKeySigner } from '../log/note-key.ts';
import { type TileStore, witnessedPath } from '../storage/tile-store.ts';
import { formatCosigned, openCosigned } from './cosigned.ts';

/**
 * Replaces the log's signatures of the newest checkpoint and of the newest cosigned one; texts and cosignatures stay. On disk when it returns.
 * Whoever calls this has the data directory's lock.
 * @param before keys of which one must have signed what is there
 * @throws VeiltrailError what `openCheckpoint` throws for a file that they did not sign; and those of storage
 */
export async function resignCheckpoints(
  tiles: TileStore,
  log: string,
  origin: string,
  before: readonly NoteKeySigner[],
  after: readonly NoteKeySigner[],
): Promise<void> {
  for (const path of ['checkpoint', witnessedPath]) {
    const bytes = await tiles.read(log, path);
    if (!bytes || bytes.length === 0) continue;
    const cosigned = openCosigned(bytes, origin, before);
    const signatures = after.map((signer) => ({ name: signer.name, keyId: signer.keyId, signature: signer.sign(cosigned.text) }));
    const note = utf8(formatCosigned({ ...cosigned, signatures }));
    await (path === witnessedPath ? tiles.writeWitnessed(log, note) : tiles.writeCheckpoint(log, note));
    await tiles.sync(log, [path]);
  }
}
