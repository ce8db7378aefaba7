/** What removals left on record in a data directory, for `app/verify-log.ts`: the journal of one under way, erased tokens, approvers' keys. */
import { join } from 'node:path';
import { parseTombstone } from '../verify/tombstone.ts';
import type { RemovalChecks } from '../app/verify-removals.ts';
import { removalOf } from '../app/removal-journal.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonValue } from '../core/json.ts';
import type { RecordReader } from '../ledger/reader.ts';
import { recordOfFields } from '../log/open-record.ts';
import { readJournalFile } from '../storage/files/journal-file.ts';
import { verifyApproval } from '../verify/approval.ts';
import type { Problem } from '../verify/problem.ts';
import { removalFileName } from './data-files.ts';
import { readRequests } from './requests.ts';
import type { StoredVault } from './stored-vault.ts';

/** For verifying a log, whoever writes to it meanwhile. */
export function removalChecks(dataDir: string, log: string, vault: StoredVault, reader: Pick<RecordReader, 'fields'>): RemovalChecks {
  let approvers: ReadonlySet<string> | undefined;
  const before = underWay(dataDir);
  return {
    underWay: () => new Set([before, underWay(dataDir)].filter((one) => one !== undefined)),
    async tombstonesFrom(treeSize) {
      const members = [];
      for (const one of await vault.tombstones()) {
        if (one.log !== log || one.leafIndex < treeSize) continue;
        const member = await memberAt(reader, log, one.leafIndex);
        if (member !== undefined) members.push({ leafIndex: one.leafIndex, member });
      }
      return members;
    },
    markedLeaves: async () => (await vault.tombstones()).flatMap((one) => (one.log === log ? [one.leafIndex] : [])),
    erasedBy: (removal) => vault.erasedBy(removal),
    approvalProblem(request) {
      approvers ??= enrolled(dataDir);
      for (const approval of request.approvals) {
        const problem = problemOf(approval, request, approvers);
        if (problem !== undefined) return problem;
      }
      return request.approvals.length === 0 ? 'it names a request, and no approval of it' : undefined;
    },
  };
}

function underWay(dataDir: string): string | undefined {
  return removalOf(readJournalFile(join(dataDir, removalFileName)));
}

/** Ids of everyone who ever was an approver; none where that cannot be read, which another step says. */
function enrolled(dataDir: string): ReadonlySet<string> {
  try {
    const requests = readRequests(dataDir);
    try {
      return new Set(requests.book.approverInfos().map(({ id }) => id));
    } finally {
      requests.close();
    }
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    return new Set();
  }
}

function problemOf(approval: JsonValue, { id, digest }: { id: string; digest: string }, approvers: ReadonlySet<string>): string | undefined {
  try {
    verifyApproval(approval, { approvers, request: id, digest, decision: 'approve' });
    return undefined;
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    return error.message;
  }
}

/** Every token that was erased is told of by a tombstone of its removal. */
export async function* verifyErasures(dataDir: string, vault: StoredVault, reader: Pick<RecordReader, 'fields'>): AsyncGenerator<Problem> {
  const pending = underWay(dataDir);
  const tombstones = await vault.tombstones();
  for await (const { removal, count, digest } of vault.erasures()) {
    if (removal === pending) continue;
    let told: { count: number; digest: string } | undefined;
    for (const one of tombstones) if (!told && one.removal === removal) told = await tokensAt(reader, one.log, one.leafIndex, removal);
    if (told?.count === count && told.digest === digest) continue;
    const message = told
      ? `${count} values of the vault are gone by the removal ${removal}, whose tombstone tells of others`
      : `${count} values of the vault are gone by the removal ${removal}, and no tombstone says why`;
    yield { code: 'token_missing', where: 'vault.db', message };
  }
}

async function tokensAt(
  reader: Pick<RecordReader, 'fields'>,
  log: string,
  leafIndex: number,
  removal: string,
): Promise<{ count: number; digest: string } | undefined> {
  const member = await memberAt(reader, log, leafIndex);
  const tombstone = member === undefined ? undefined : attempt(() => parseTombstone(member));
  return tombstone?.removal === removal ? tombstone.tokens : undefined;
}

async function memberAt(reader: Pick<RecordReader, 'fields'>, log: string, leafIndex: number): Promise<JsonValue | undefined> {
  try {
    return recordOfFields(await reader.fields(log, leafIndex))['tombstone'];
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    return undefined;
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
