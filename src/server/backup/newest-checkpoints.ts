/** The newest checkpoint of each log that anybody here knows of: what a restored log must not be smaller than. */
import { equalBytes, decodeUtf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { openCheckpoint, type VerifiedCheckpoint } from '../../log/checkpoint.ts';
import { createTrust } from '../../log/trust.ts';
import type { TileSource } from '../../storage/tile-store.ts';
import type { Manifest } from './manifest.ts';
import type { RecoveryKit } from './recovery-kit.ts';

export interface KnownCheckpoint {
  log: string;
  origin: string;
  treeSize: number;
  checkpoint: string;
  vkey: string;
  /** Who knows, for messages. */
  from: string;
}

export interface OtherCheckpoints {
  tiles?: TileSource | undefined;
  /** Given by hand: each must be signed by one of the logs. */
  checkpoints: readonly string[];
  remembered?: ((origin: string) => string | undefined) | undefined;
}

/**
 * @throws VeiltrailError `note_unverified` and the like for a checkpoint that none of the logs signed, `history_forked` where two of one size differ
 */
export async function newestCheckpoints(kit: RecoveryKit, { logs }: Manifest, others: OtherCheckpoints): Promise<KnownCheckpoint[]> {
  const used = new Set<string>();
  const newest: KnownCheckpoint[] = [];
  for (const { log, checkpoint } of kit.checkpoints) {
    const vkey = kit.keyring.find(({ file }) => file === `${log}.vkey`)?.text.trim() ?? '';
    const trust = createTrust([vkey]);
    const { origin } = openCheckpoint(checkpoint, trust);
    const published = logs.some((one) => one.log === log) ? await others.tiles?.read(log, 'checkpoint') : undefined;
    const known = [{ checkpoint, from: 'the recovery kit' }];
    if (published) known.push({ checkpoint: decodeUtf8(published), from: 'the copy of its public files' });
    for (const one of others.checkpoints) {
      if (!one.startsWith(`${origin}\n`)) continue;
      used.add(one);
      known.push({ checkpoint: one, from: 'the checkpoint given' });
    }
    // What this machine remembers may be under a key that came later: it says nothing then.
    const seen = others.remembered?.(origin);
    if (seen !== undefined && isSigned(seen, trust)) known.push({ checkpoint: seen, from: 'the checkpoint that this machine remembers' });
    let best: (KnownCheckpoint & { root: Uint8Array }) | undefined;
    for (const { checkpoint: text, from } of known) {
      const { treeSize, root }: VerifiedCheckpoint = openCheckpoint(text, trust);
      if (best?.treeSize === treeSize && !equalBytes(best.root, root))
        throw new VeiltrailError('history_forked', `log ${log} has two histories of ${treeSize} leaves: ${best.from} and ${from} differ`, { log });
      if (!best || treeSize > best.treeSize) best = { log, origin, treeSize, checkpoint: text, vkey, from, root };
    }
    if (best) newest.push(best);
  }
  const stranger = others.checkpoints.find((one) => !used.has(one));
  if (stranger !== undefined) throw new VeiltrailError('note_unverified', 'a checkpoint that was given is of none of the logs in this recovery kit');
  return newest;
}

function isSigned(text: string, trust: ReturnType<typeof createTrust>): boolean {
  try {
    openCheckpoint(text, trust);
    return true;
  } catch {
    return false;
  }
}
