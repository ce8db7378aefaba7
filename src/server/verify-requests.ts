/** Adds to the report on a data directory what was found about requests that took two persons. */
import type { VerifyReport } from '../app/verify-log.ts';
import { verifyRequests } from '../app/verify-requests.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { RecordReader } from '../ledger/reader.ts';
import type { RecordSource } from '../storage/record-store.ts';
import { systemLog } from './data-files.ts';
import { readRequests, requestsFileName } from './requests.ts';

export async function addRequests(report: VerifyReport, dataDir: string, records: RecordSource, reader: RecordReader): Promise<void> {
  try {
    const opened = readRequests(dataDir);
    try {
      const { problems, detail, notices } = await verifyRequests({
        book: opened.book,
        mode: opened.mode,
        async readLog() {
          const treeSize = (await records.logs()).find(({ log }) => log === systemLog)?.treeSize ?? 0;
          return { treeSize, records: treeSize === 0 ? none() : reader.records(systemLog, 0, treeSize) };
        },
      });
      report.ok &&= problems.length === 0;
      report.problems.push(...problems);
      report.problemCount += problems.length;
      report.steps.push({ step: 'requests', ok: problems.length === 0, detail });
      report.notices = [...(report.notices ?? []), ...notices];
    } finally {
      opened.close();
    }
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    report.ok = false;
    report.problems.push({ code: error.code, where: requestsFileName, message: `${requestsFileName}: ${error.message}` });
    report.problemCount++;
    report.steps.push({ step: 'requests', ok: false, detail: error.message });
  }
}

async function* none(): AsyncGenerator<never> {}
