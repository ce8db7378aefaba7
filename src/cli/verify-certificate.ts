/** `verify` of a certificate of removal: by a key, and against the data directory where it is at hand. */
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject } from '../core/json.ts';
import { type CertificateBody, isCertificate, verifyCertificate } from '../verify/certificate.ts';
import { colors } from './colors.ts';
import { exitCodes } from './exit.ts';
import { print, printJson } from './output.ts';
import { counted } from './protection.ts';

export interface VerifyCertificateOptions {
  vkey?: string;
  /** A data directory in which the tombstones must be. */
  data?: string;
  json?: boolean;
}

/** The text of a certificate, if bytes look like one. */
export function certificateIn(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  return isCertificate(text) ? text : undefined;
}

/** Says what the certificate proves, and sets the exit code. @throws VeiltrailError `vkey_missing` */
export async function reportCertificate(text: string, file: string, { vkey, data, json }: VerifyCertificateOptions): Promise<void> {
  if (vkey === undefined && data === undefined) {
    throw new VeiltrailError(
      'vkey_missing',
      'say whose certificate it should be: --vkey, the public key of the log _system, which its owner gives you (`veiltrail key export-public --log _system`); or --data, the data directory',
    );
  }
  try {
    const found = data === undefined ? undefined : await openLogs(data);
    const keys = [...(vkey === undefined ? [] : [vkey]), ...(found?.vkeys ?? [])];
    const { body, proved, unproved } = verifyCertificate(text, keys);
    const stored = found ? await countStored(body, found) : undefined;
    if (json) return printJson({ ok: true, ...body, proved: proved.length, unproved: unproved.length, ...(stored === undefined ? {} : { stored }) });
    const { removed, operation, completedAt, by, permitted, removal, reason, origin } = body;
    print(`${colors.green('✓')} ${removal}: ${operation}, ${completedAt}, signed by ${origin}`);
    print(
      `  gone: ${counted(removed.records, 'record')}, ${counted(removed.tokens, 'value')} in the vault, ${counted(removed.fields, 'value')} in records`,
    );
    print(`  by ${by} (${permitted}), ${reason}${body.reference === undefined ? '' : `, ${body.reference}`}`);
    print(
      `  ${proved.length} of ${body.tombstones.length} tombstones are proved to be in their logs${stored === undefined ? '' : `; ${stored} are in the data directory`}`,
    );
    for (const { origin: log } of unproved) print(colors.dim(`  not checked: the tombstone in ${log}, whose key was not given`));
  } catch (error) {
    if (!(error instanceof VeiltrailError) || usageCodes.has(error.code)) throw error;
    process.exitCode = exitCodes.wrong;
    if (json) printJson({ ok: false, problems: [{ code: error.code, where: file, message: error.message }] });
    else print(`${colors.red('✗')} ${file}: ${error.message} ${colors.dim(`(${error.code})`)}`);
  }
}

const usageCodes = new Set(['vkey_syntax', 'vkey_type', 'data_dir_missing']);

interface FoundLogs {
  dataDir: string;
  vkeys: string[];
}

async function openLogs(dataDir: string): Promise<FoundLogs> {
  const { openTrailReader } = await import('../server/open-reader.ts');
  const trail = await openTrailReader(dataDir);
  try {
    return { dataDir, vkeys: trail.logs().map((log) => trail.vkeyOf(log)) };
  } finally {
    await trail.close();
  }
}

/** Tombstones that are in the data directory and are of this removal. @throws VeiltrailError `certificate_tombstone` for one that is not */
async function countStored({ tombstones, removal }: CertificateBody, { dataDir }: FoundLogs): Promise<number> {
  const { openTrailReader } = await import('../server/open-reader.ts');
  const trail = await openTrailReader(dataDir);
  let count = 0;
  try {
    const byOrigin = new Map(trail.logs().map((log) => [trail.vkeyOf(log).split('+', 1)[0], log]));
    for (const { origin, leafIndex } of tombstones) {
      const log = byOrigin.get(origin);
      const record = log === undefined ? undefined : (await trail.readEvent(log, leafIndex))?.record;
      const tombstone = record?.['tombstone'];
      if (!isJsonObject(tombstone) || tombstone['removal'] !== removal) {
        throw new VeiltrailError('certificate_tombstone', `the data directory has no tombstone of this removal at leaf ${leafIndex} of ${origin}`);
      }
      count++;
    }
    return count;
  } finally {
    await trail.close();
  }
}
