/**
 * The step `witnesses` of a verification: which of a log's checkpoints has the cosignatures that a policy asks for, and from which leaf on there
 * is none. What a quorum cosigned must be the beginning of the log as it is now.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { CheckpointTrust, VerifiedCheckpoint } from '../log/checkpoint.ts';
import { openWitnessed, type QuorumState, type WitnessPolicy } from '../log/witness-policy.ts';
import { witnessedPath } from '../storage/tile-store.ts';
import type { Problem } from '../verify/problem.ts';
import { isBeginning } from './verify-witness-copies.ts';

export interface WitnessChecks {
  policy: WitnessPolicy;
  /** Somebody who verifies asks for the quorum, so that a missing one is a problem and not only told. */
  isDemanded: boolean;
  /** Histories that witnesses hold and the log does not, and nobody has decided about. */
  forks: readonly { witness: string; witnessSize: number }[];
}

export interface VerifiedWitnesses {
  detail: string;
  /** Leaves from this one on are under no checkpoint that has its quorum; undefined where all are. */
  unwitnessedFrom: number | undefined;
}

interface Candidate {
  path: string;
  checkpoint: VerifiedCheckpoint;
  quorum: QuorumState;
}

/**
 * @param now the newest checkpoint, signed by the log
 * @param read a file of the log by its path
 * @param where the name of a file, as someone would look for it
 */
export async function verifyWitnesses(
  now: VerifiedCheckpoint,
  { policy, isDemanded, forks }: WitnessChecks,
  trust: CheckpointTrust,
  read: (path: string) => Promise<Uint8Array | undefined>,
  where: (path: string) => string,
  report: (problem: Problem) => void,
): Promise<VerifiedWitnesses> {
  for (const { witness, witnessSize } of forks) {
    report({ code: 'history_forked', where: 'forks.json', message: `witness ${witness} holds another history, of ${witnessSize} leaves` });
  }
  const candidates: Candidate[] = [];
  for (const path of ['checkpoint', witnessedPath]) {
    const bytes = await read(path);
    if (!bytes) continue;
    try {
      candidates.push({ path, ...openWitnessed(bytes, trust, policy) });
    } catch (error) {
      if (!(error instanceof VeiltrailError)) throw error;
      report({ code: 'cosignature_wrong', where: where(path), message: `${where(path)}: ${error.message}` });
    }
  }
  const best = candidates.filter(({ quorum }) => quorum.met).toSorted((a, b) => b.checkpoint.treeSize - a.checkpoint.treeSize)[0];
  if (!best) return noQuorum(candidates, isDemanded, policy, where, report);
  const { checkpoint, quorum, path } = best;
  if (checkpoint.treeSize > now.treeSize) {
    report({
      code: 'rolled_back',
      where: where(path),
      message: `witnesses cosigned ${checkpoint.treeSize} leaves, this log has only ${now.treeSize}: it was rolled back, or cut`,
    });
  } else if (!(await isBeginning(checkpoint, now, read))) {
    report({
      code: 'history_forked',
      where: where(path),
      message: `the ${checkpoint.treeSize} leaves that witnesses cosigned are not the first ones of this log`,
    });
  }
  const by =
    quorum.cosigned.length === 0
      ? 'nobody, as the policy has it'
      : quorum.cosigned.map(({ name, timeSeconds }) => `${name} ${at(timeSeconds)}`).join(', ');
  const all = checkpoint.treeSize >= now.treeSize;
  return {
    detail: `${checkpoint.treeSize} leaves have their quorum (${policy.quorumName}): ${by}${all ? '' : `; unwitnessed from leaf ${checkpoint.treeSize}`}`,
    unwitnessedFrom: all ? undefined : checkpoint.treeSize,
  };
}

function noQuorum(
  candidates: readonly Candidate[],
  isDemanded: boolean,
  policy: WitnessPolicy,
  where: (path: string) => string,
  report: (problem: Problem) => void,
): VerifiedWitnesses {
  const some = [...new Set(candidates.flatMap(({ quorum }) => quorum.cosigned.map(({ name }) => name)))];
  const detail = `unwitnessed from leaf 0: no checkpoint has the quorum ${policy.quorumName}${some.length > 0 ? `, only cosignatures of ${some.join(', ')}` : ''}`;
  if (isDemanded) report({ code: 'quorum_missing', where: where(witnessedPath), message: detail });
  return { detail, unwitnessedFrom: 0 };
}

function at(timeSeconds: number): string {
  const time = new Date(timeSeconds * 1_000);
  return Number.isNaN(time.getTime()) ? 'at a time beyond reckoning' : time.toISOString();
}
