/** The newest checkpoint of each log that anybody here knows of: what a restored log must not be smaller than. */
import { equalBytes, decodeUtf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { type CheckpointTrust, openCheckpoint, type VerifiedCheckpoint } from '../../log/checkpoint.ts';
import type { TileSource } from '../../storage/tile-store.ts';
import { trustIn } from './kit-signing-keys.ts';
import type { Manifest } from './manifest.ts';
import type { RecoveryKit } from './recovery-kit.ts';

export interface KnownCheckpoint {
  log: string;
  origin: string;
  treeSize: number;
  checkpoint: string;
  /** By the kit: all keys that the log has or had. */
  trust: CheckpointTrust;
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
 * @throws VeiltrailError `note_unverified` and the like for a checkpoint that none of the logs signed, `history_forked` where two of one size differ,
 * `kit_outdated` where this machine remembers one by a key that is not in the kit
 */
export async function newestCheckpoints(kit: RecoveryKit, { logs }: Manifest, others: OtherCheckpoints): Promise<KnownCheckpoint[]> {
  const used = new Set<string>();
  const newest: KnownCheckpoint[] = [];
  for (const { log, checkpoint } of kit.checkpoints) {
    const trust = trustIn(kit, log);
    const { origin } = openCheckpoint(checkpoint, trust);
    const published = logs.some((one) => one.log === log) ? await others.tiles?.read(log, 'checkpoint') : undefined;
    const known = [{ checkpoint, from: 'the recovery kit' }];
    if (published) known.push({ checkpoint: decodeUtf8(published), from: 'the copy of its public files' });
    for (const one of others.checkpoints) {
      if (!one.startsWith(`${origin}\n`)) continue;
      used.add(one);
      known.push({ checkpoint: one, from: 'the checkpoint given' });
    }
    const seen = others.remembered?.(origin);
    if (seen !== undefined) {
      checkRemembered(log, seen, trust, kit);
      known.push({ checkpoint: seen, from: 'the checkpoint that this machine remembers' });
    }
    let best: (KnownCheckpoint & { root: Uint8Array }) | undefined;
    for (const { checkpoint: text, from } of known) {
      const { treeSize, root }: VerifiedCheckpoint = openCheckpoint(text, trust);
      if (best?.treeSize === treeSize && !equalBytes(best.root, root))
        throw new VeiltrailError('history_forked', `log ${log} has two histories of ${treeSize} leaves: ${best.from} and ${from} differ`, { log });
      if (!best || treeSize > best.treeSize) best = { log, origin, treeSize, checkpoint: text, trust, from, root };
    }
    if (best) newest.push(best);
  }
  const stranger = others.checkpoints.find((one) => !used.has(one));
  if (stranger !== undefined) throw new VeiltrailError('note_unverified', 'a checkpoint that was given is of none of the logs in this recovery kit');
  return newest;
}

/** A key that signed and is not in the kit came after it: to go on by the kit's own would bring back one that was retired, and a second history. */
function checkRemembered(log: string, seen: string, trust: CheckpointTrust, { createdAt }: RecoveryKit): void {
  try {
    openCheckpoint(seen, trust);
  } catch (cause) {
    if (!(cause instanceof VeiltrailError)) throw cause;
    const words = `no key in the recovery kit of ${createdAt} signed the checkpoint of log ${log} that this machine remembers: use the newest kit. Where there is none, or the checkpoint is of another installation, VEILTRAIL_STATE=none restores without that memory`;
    throw new VeiltrailError('kit_outdated', words, { log, reason: cause.code }, { cause });
  }
}
