/** What the commands of a data protection officer work on: a server, or a data directory. The same requests, the same answers. */
import { Option, type Command } from 'commander';
import type { AskedBy } from '../app/asked-operation.ts';
import type { Erasure, ErasurePlan, EraseSubjectRequest } from '../app/erase-subject.ts';
import type { HoldInfo, HoldRequest } from '../app/holds.ts';
import type { Redaction, RedactionPlan, RedactRequest } from '../app/redact-values.ts';
import { formatReportPage } from '../app/report-page.ts';
import type { ReportRequest, SubjectReport } from '../app/report-subject.ts';
import type { RetentionInfo, RetentionReport } from '../app/retention.ts';
import type { RetentionChange } from '../app/retention-table.ts';
import { createDataProtectionClient } from '../sdk/data-protection.ts';
import { dataDefault, dataDirOf, readKey } from './connection.ts';
import { localPerson } from './request-desk.ts';
import { withTrailHere } from './trail-here.ts';

export interface ProtectionOptions {
  data?: string;
  url?: string;
  key?: string;
  json?: boolean;
}

/** Why something that may need a second person is done. */
export interface WhyOptions {
  purpose?: string;
  reference?: string;
  request?: string;
}

export interface Protection {
  holds(): Promise<HoldInfo[]>;
  setHold(hold: HoldRequest): Promise<HoldInfo>;
  liftHold(name: string, why: WhyOptions): Promise<HoldInfo>;
  retention(): Promise<RetentionInfo>;
  dueRecords(): Promise<RetentionReport>;
  applyRetention(table: string, why: WhyOptions): Promise<{ changes: RetentionChange[]; info: RetentionInfo }>;
  runRetention(): Promise<RetentionReport>;
  planErasure(request: EraseSubjectRequest, why: WhyOptions): Promise<ErasurePlan>;
  eraseSubject(request: EraseSubjectRequest, why: WhyOptions): Promise<Erasure>;
  planRedaction(request: RedactRequest, why: WhyOptions): Promise<RedactionPlan>;
  redactValues(request: RedactRequest, why: WhyOptions): Promise<Redaction>;
  certificateOf(removal: string): Promise<string>;
  reportSubject(request: ReportRequest, why: WhyOptions): Promise<{ report: SubjectReport; page: string }>;
}

export function addProtectionOptions(command: Command, role = 'officer'): Command {
  return command
    .addOption(new Option('--data <dir>', `the data directory [${dataDefault}]`).env('VEILTRAIL_DATA'))
    .addOption(new Option('--url <url>', 'a server instead').env('VEILTRAIL_URL'))
    .addOption(new Option('--key <key>', `its API key (role ${role}), or @FILE that holds it`).env('VEILTRAIL_KEY'))
    .option('--json', 'as JSON, one line each');
}

export function addWhyOptions(command: Command): Command {
  return command
    .option('--purpose <text>', 'why; on record')
    .option('--reference <text>', 'of a case, a ticket, a court order; on record')
    .option('--request <id>', 'the request that a second person approved');
}

/** Uses what the options name, and closes it again. */
export async function withProtection<T>(options: ProtectionOptions, use: (protection: Protection) => Promise<T>): Promise<T> {
  return options.url === undefined ? useHere(options, use) : use(remote(options.url, readKey(options.key)));
}

async function useHere<T>(options: ProtectionOptions, use: (protection: Protection) => Promise<T>): Promise<T> {
  return withTrailHere(dataDirOf(options), ({ dataProtection: here }) => {
    const by = (why: WhyOptions): AskedBy => ({ principal: localPrincipal(), ...whyOf(why), purpose: why.purpose ?? '' });
    return use({
      holds: async () => here.holds(),
      setHold: (hold) => here.setHold(hold, localPrincipal()),
      liftHold: (name, why) => here.liftHold(name, by(why)),
      retention: async () => here.retention(),
      dueRecords: () => here.dueRecords(),
      applyRetention: (table, why) => here.applyRetention(table, by(why)),
      runRetention: () => here.runRetention(localPrincipal()),
      planErasure: (request, why) => here.planErasure(request, by(why)),
      eraseSubject: (request, why) => here.eraseSubject(request, by(why)),
      planRedaction: (request, why) => here.planRedaction(request, by(why)),
      redactValues: (request, why) => here.redactValues(request, by(why)),
      certificateOf: (removal) => here.certificateOf(removal),
      async reportSubject(request, why) {
        const report = await here.reportSubject(request, by(why));
        return { report, page: formatReportPage(report) };
      },
    });
  });
}

function remote(url: string, key: string): Protection {
  const client = createDataProtectionClient({ url, key });
  const plan = async (answer: Promise<Record<string, unknown>>): Promise<unknown> => (await answer)['plan'];
  return {
    holds: async () => (await client.holds()) as unknown as HoldInfo[],
    setHold: async (hold) => (await client.setHold({ ...hold })) as unknown as HoldInfo,
    liftHold: async (name, why) => (await client.liftHold(name, whyOf(why))) as unknown as HoldInfo,
    retention: async () => (await client.retention()) as unknown as RetentionInfo,
    dueRecords: async () => (await client.dueRecords()) as unknown as RetentionReport,
    applyRetention: async (table, why) =>
      (await client.applyRetention({ table, ...whyOf(why) })) as unknown as { changes: RetentionChange[]; info: RetentionInfo },
    runRetention: async () => (await client.runRetention()) as unknown as RetentionReport,
    planErasure: (request, why) => plan(client.eraseSubject({ ...request, ...whyOf(why) })) as Promise<ErasurePlan>,
    eraseSubject: async (request, why) => (await client.eraseSubject({ ...request, ...whyOf(why), dryRun: false })) as unknown as Erasure,
    planRedaction: (request, why) => plan(client.redactValues({ ...request, ...whyOf(why) })) as Promise<RedactionPlan>,
    redactValues: async (request, why) => (await client.redactValues({ ...request, ...whyOf(why), dryRun: false })) as unknown as Redaction,
    certificateOf: (removal) => client.certificateOf(removal),
    async reportSubject(request, why) {
      const report = JSON.parse(await client.reportSubject({ ...request, ...whyOf(why) })) as SubjectReport;
      return { report, page: formatReportPage(report) };
    },
  };
}

/** `1 record`, `2 records`. */
export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

function whyOf({ purpose, reference, request }: WhyOptions): { purpose?: string; reference?: string; request?: string } {
  return {
    ...(purpose === undefined ? {} : { purpose }),
    ...(reference === undefined ? {} : { reference }),
    ...(request === undefined ? {} : { request }),
  };
}

function localPrincipal(): string {
  return localPerson(undefined).principal;
}
