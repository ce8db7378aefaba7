/**
 * What the records say of a log beside the records themselves. Nothing that is read of a log depends on it, so reading all of it would find none of this; a
 * start that is refused would, or the event after it. It is part of what a start needs, not all: keys, policy, access and requests are read there, too.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { StrayRow } from '../storage/record-store.ts';
import type { Problem } from '../verify/problem.ts';

export interface StateChecks {
  strays(): Promise<StrayRow[]>;
  /** That of the configuration, where the log's own does not begin with it. */
  otherOrigin?: string;
  /** Of a directory at rest: what a start would go on from leads to the committed root. @throws VeiltrailError */
  checkRecoverable?: () => Promise<void>;
}

const strayProblems: Readonly<Record<StrayRow['table'], { code: string; words: (leaf: number) => string }>> = {
  chunks: { code: 'chunk_unexpected', words: (leaf) => `a chunk from leaf ${leaf} on ends behind the log` },
  compacted: { code: 'segment_unexpected', words: (leaf) => `the bucket from leaf ${leaf} on is not full, and is said to be in segments` },
  segments: { code: 'segment_unexpected', words: (leaf) => `there are segments of the bucket from leaf ${leaf} on, whose records are in chunks` },
  trees: {
    code: 'state_changed',
    words: (leaf) => `the newest time of receipt is before that of leaf ${leaf}: what comes next could be given an earlier time`,
  },
};

export async function verifyState(checks: StateChecks, report: (problem: Problem) => void): Promise<void> {
  for (const { table, leafIndex } of await checks.strays()) {
    const { code, words } = strayProblems[table];
    report({ code, where: 'records.db', message: `records.db: ${words(leafIndex)}` });
  }
  if (checks.otherOrigin !== undefined) {
    const message = `config.json says that logs are of ${checks.otherOrigin}, and this one is not: the next one that is made would be of somebody else`;
    report({ code: 'state_changed', where: 'config.json', message });
  }
  try {
    await checks.checkRecoverable?.();
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    report({ code: error.code, where: 'records.db', message: `${error.message}: no server starts on it` });
  }
}
