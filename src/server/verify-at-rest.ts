/**
 * Whether a data directory stayed as it was while it was verified. One at rest is held to more than one that a server writes to, and its databases are read
 * as files that do not change: whoever starts a server meanwhile would see its writes reported as damage.
 */
import { statSync } from 'node:fs';
import type { VerifyReport } from '../app/verify-log.ts';
import { dataDirPaths, isDataDirInUse } from '../storage/data-dir.ts';

/** A server that comes and goes more often than that is said to, and what was found stands. */
const attemptsMax = 3;

/**
 * Verifies; where something is wrong and a server came or went meanwhile, anew. Nothing that was found is left out for it: damage is there the next time.
 * @param verify opens the directory anew each time
 */
export async function verifyUnmoved(dataDir: string, verify: () => Promise<VerifyReport>): Promise<VerifyReport> {
  for (let attempt = 1; ; attempt++) {
    const before = momentOf(dataDir);
    const hasMoved = (): boolean => momentOf(dataDir) !== before;
    let report: VerifyReport;
    try {
      report = await verify();
    } catch (error) {
      if (attempt < attemptsMax && hasMoved()) continue;
      throw error;
    }
    if (report.ok || !hasMoved()) return report;
    if (attempt < attemptsMax) continue;
    const notice = `a server was started or stopped, or records.db written to, each of the ${attemptsMax} times that it was verified: keep it as it is, and verify again`;
    return { ...report, notices: [...(report.notices ?? []), notice] };
  }
}

/** The same text twice: a server had the directory both times, or neither time and none was started in between, which writes to its records. */
function momentOf(dataDir: string): string {
  if (isDataDirInUse(dataDir)) return 'in use';
  const { records } = dataDirPaths(dataDir);
  const files = [records, `${records}-wal`].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  return files.map((stat) => (stat ? [stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(':') : 'none')).join(' ');
}
