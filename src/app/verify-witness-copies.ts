/**
 * What witnesses hold of a log, by asking them: a history that was shown to them and not to whoever verifies is otherwise unseen. The log's own signature
 * is the proof, so nobody has to believe the witness; one that does not answer, or has nothing of this log, is said to have said nothing.
 */
import { equalBytes } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { type CheckpointTrust, openCheckpoint, type VerifiedCheckpoint } from '../log/checkpoint.ts';
import { verifyConsistency } from '../log/tree.ts';
import type { PolicyWitness } from '../log/witness-policy.ts';
import { readGrowth } from '../verify/growth.ts';
import type { Problem } from '../verify/problem.ts';

/**
 * The newest checkpoint of a log that a witness holds, as text; undefined where it has none of it, or shows none to anybody.
 * @throws VeiltrailError `witness_unreachable`
 */
export type AskWitnessCheckpoint = (url: string, origin: string) => Promise<string | undefined>;

export interface WitnessCopyParts {
  witnesses: readonly PolicyWitness[];
  ask: AskWitnessCheckpoint;
  /** The log's keys. */
  trust: CheckpointTrust;
  /** A file of the log by its path. */
  read: (path: string) => Promise<Uint8Array | undefined>;
  report: (problem: Problem) => void;
  /** What could not be checked, in words. */
  notChecked: (what: string) => void;
}

/**
 * @param now the newest checkpoint, signed by the log
 * @returns for people: who holds what; undefined where nobody could be asked
 */
export async function verifyWitnessCopies(now: VerifiedCheckpoint, parts: WitnessCopyParts): Promise<string | undefined> {
  const held = await Promise.all(parts.witnesses.map((witness) => verifyCopy(now, witness, parts)));
  const sizes = held.filter((one) => one !== undefined);
  return sizes.length === 0 ? undefined : `what they hold themselves is of this history: ${sizes.join(', ')}`;
}

async function verifyCopy(now: VerifiedCheckpoint, witness: PolicyWitness, parts: WitnessCopyParts): Promise<string | undefined> {
  const { name, url } = witness;
  const unknown = (why: string): undefined => parts.notChecked(`what witness ${name} was shown: ${why}`) as undefined;
  if (url === undefined) return unknown('the policy does not say where it is');
  let copy: VerifiedCheckpoint;
  try {
    const text = await parts.ask(url, now.origin);
    if (text === undefined) return unknown('it shows no checkpoint of this log');
    copy = openCheckpoint(text, parts.trust);
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    return unknown(error.code === 'witness_unreachable' ? 'it does not answer' : 'it shows nothing that this log signed');
  }
  // Whoever verifies a log that grows sees an older one than a witness asked a moment later.
  const newest = copy.treeSize > now.treeSize ? await readAgain(now, parts) : now;
  if (copy.treeSize > newest.treeSize) {
    const message = `witness ${name} holds ${copy.treeSize} leaves, signed by this log, which has only ${newest.treeSize}: it was rolled back, or cut, or this is another copy of it`;
    parts.report({ code: 'rolled_back', where: url, message });
    return undefined;
  }
  if (await isBeginning(copy, newest, parts.read)) return `${name} ${copy.treeSize} leaves`;
  const message = `witness ${name} holds ${copy.treeSize} leaves, signed by this log, that are not the first ones of it: the log has two histories`;
  parts.report({ code: 'history_forked', where: url, message });
  return undefined;
}

async function readAgain(now: VerifiedCheckpoint, { read, trust }: WitnessCopyParts): Promise<VerifiedCheckpoint> {
  const bytes = await read('checkpoint');
  const newest = bytes ? openCheckpoint(bytes, trust) : now;
  return newest.treeSize > now.treeSize ? newest : now;
}

/** Whether a checkpoint is of the beginning of the log as it is now. @throws VeiltrailError `tile_missing`, `tile_length` */
export async function isBeginning(
  earlier: VerifiedCheckpoint,
  now: VerifiedCheckpoint,
  read: (path: string) => Promise<Uint8Array | undefined>,
): Promise<boolean> {
  if (earlier.treeSize === now.treeSize) return equalBytes(earlier.root, now.root);
  if (earlier.treeSize === 0) return true;
  const { proof } = await readGrowth(earlier.treeSize, now.treeSize, read);
  try {
    verifyConsistency(earlier.treeSize, now.treeSize, earlier.root, now.root, proof);
    return true;
  } catch {
    return false;
  }
}
