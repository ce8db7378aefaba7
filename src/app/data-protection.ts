/** What a data protection officer works with: holds, retention, erasure, redaction, reports. */
import type { AskedBy } from './asked-operation.ts';
import type { Erasure, ErasurePlan, EraseSubjectRequest } from './erase-subject.ts';
import type { HoldInfo, HoldRequest } from './holds.ts';
import type { Redaction, RedactionPlan, RedactRequest } from './redact-values.ts';
import type { ReportRequest, SubjectReport } from './report-subject.ts';
import type { RetentionInfo, RetentionReport } from './retention.ts';
import type { RetentionChange, RetentionTable } from './retention-table.ts';

/** Everything that changes something is on record in `_system` when it returns; so is what was found about a person. */
export interface DataProtection {
  /** Those lifted, too, newest first. */
  holds(): HoldInfo[];
  /** See `Holds.set`. */
  setHold(request: HoldRequest, by: string): Promise<HoldInfo>;
  /** See `Holds.lift`. */
  liftHold(name: string, asked: AskedBy): Promise<HoldInfo>;
  retention(): RetentionInfo;
  /** In force. */
  retentionTable(): RetentionTable;
  /** See `Retention.apply`. */
  applyRetention(text: string, asked: AskedBy): Promise<{ changes: RetentionChange[]; info: RetentionInfo }>;
  dueRecords(): Promise<RetentionReport>;
  /** See `Retention.run`. */
  runRetention(by: string): Promise<RetentionReport>;
  /** See `Retention.runScheduled`. */
  runScheduledRetention(): Promise<RetentionReport | undefined>;
  /** See `planErasure`. */
  planErasure(request: EraseSubjectRequest, asked: AskedBy): Promise<ErasurePlan>;
  /** See `eraseSubject`. */
  eraseSubject(request: EraseSubjectRequest, asked: AskedBy): Promise<Erasure>;
  /** See `planRedaction`. */
  planRedaction(request: RedactRequest, asked: AskedBy): Promise<RedactionPlan>;
  /** See `redactValues`. */
  redactValues(request: RedactRequest, asked: AskedBy): Promise<Redaction>;
  /** The certificate of a removal that was: see `certifyAgain`. */
  certificateOf(removal: string): Promise<string>;
  /** See `reportSubject`. */
  reportSubject(request: ReportRequest, asked: AskedBy): Promise<SubjectReport>;
}
