import type { Command } from 'commander';
import type { EvidenceRequest, MadeEvidence } from '../../app/evidence-request.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { parseTimestamp } from '../../event/timestamp.ts';
import { addConnectionOptions, dataDirOf, readKey, type ConnectionOptions } from '../connection.ts';
import { readEvidencePage, writeEvidencePage, writeNew } from '../evidence-file.ts';
import { readWhole } from '../input.ts';
import { printJson, say } from '../output.ts';
import { refuseUnusedOptions } from '../unused-options.ts';
import { readText } from '../vkey-option.ts';

interface ExportOptions extends ConnectionOptions {
  evidence?: string | true;
  raw?: string | true;
  reference?: string;
  request?: string;
  limit?: string;
  audience?: string;
  purpose?: string;
  by?: string;
  since?: string;
  until?: string;
  range?: string;
  fields?: string;
  sparse?: boolean;
  withPolicy?: boolean;
  checkpoint?: string;
  out?: string;
  html?: string;
  backup?: string;
  keys?: string;
  passphraseFile?: string;
  json?: boolean;
}

export function addExport(program: Command): void {
  addConnectionOptions(
    program
      .command('export')
      .description(
        'Make a file for somebody else. Evidence: events, what lies between them, and the proof that none was changed or left out. Raw: events with the real values behind their tokens. Backup: the whole state.',
      )
      .option('--evidence [query]', 'evidence of the events that match; without a query, of all of the range')
      .option(
        '--raw [query]',
        'events that match (or all) with the real values behind their tokens: takes a second person, where there is one; - reads it from standard input',
      ),
  )
    .option(
      '--audience <who>',
      'for whom: it stands in the file (signed, in evidence), so that a copy shown to others is known for one; with --raw part of what is approved',
    )
    .option('--purpose <why>', 'why')
    .option('--reference <text>', 'with --raw: of a case, a ticket, a court order; on record')
    .option('--request <id>', 'with --raw: the request that a second person approved')
    .option('--limit <n>', 'with --raw: the newest so many [all; none where they are more than 100,000]')
    .option('--by <name>', 'who exports it, in your own words')
    .option('--since <time>', "events from this time on (RFC 3339), by the event's own time")
    .option('--until <time>', 'before this time')
    .option('--range <a-b>', 'the leaves to account for, both included [from the first event found to the last one]')
    .option('--sparse', 'account for the events found only, not for what lies between them')
    .option('--fields <pointers>', 'the fields to show (RFC 6901, with commas between) and all below them; the others stay hidden [all]')
    .option('--with-policy', 'put the text of the privacy policy in, not only its digest')
    .option('--checkpoint <file>', 'a checkpoint that the audience keeps: the file will prove that the log grew from it')
    .option('--out <file>', 'where to write it')
    .option('--html <file>', 'write a page that verifies and shows it in any browser, without a network')
    .option(
      '--backup <dir>',
      'the whole state instead, for `restore`: beside a running server (whose --url and --key, role operator, put it on record) or without one; adds to an earlier backup',
    )
    .option(
      '--keys <file>',
      'the recovery kit that opens backups: keep it apart from them, make it anew after every erasure; with --backup it is made first (one made later may know of larger logs)',
    )
    .option('--passphrase-file <file>', 'seal the recovery kit under the passphrase in this file')
    .option('--json', 'facts about it as one line of JSON')
    .addHelpText(
      'after',
      '\nWhat was exported, for whom and why is on record in the log _system before the file is written.\n\n' +
        "  veiltrail export --evidence 'action:user.login' --since 2026-11-01T00:00:00Z \\\n" +
        "    --audience 'Court of Example, case 12' --purpose 'who logged in' --out evidence.json --html evidence.html\n" +
        '  veiltrail verify evidence.json --vkey VKEY\n' +
        "  veiltrail export --raw 'action:user.login email:jane@example.com' --purpose 'court order' --reference 'Az. 12/26' --out logins.ndjson",
    )
    .action(runExport);
}

const always = ['data', 'url', 'key', 'purpose', 'json'];
const ofEvents = [...always, 'log', 'audience', 'since', 'until', 'out'];
/** Options that count, by what is exported. */
const optionsFor = {
  backup: [...always, 'backup', 'keys', 'passphraseFile', 'by'],
  raw: [...ofEvents, 'raw', 'reference', 'request', 'limit'],
  evidence: [...ofEvents, 'evidence', 'by', 'range', 'fields', 'sparse', 'withPolicy', 'checkpoint', 'html'],
} as const;

async function runExport(options: ExportOptions, command: Command): Promise<void> {
  if (options.backup !== undefined || options.keys !== undefined) {
    refuseUnusedOptions(command, optionsFor.backup, 'a backup');
    const { exportBackup } = await import('../export-backup.ts');
    return exportBackup(options);
  }
  if (options.raw !== undefined && options.evidence !== undefined) throw wrongUse('either --evidence or --raw: they are two files, for two purposes');
  if (options.raw !== undefined) {
    refuseUnusedOptions(command, optionsFor.raw, 'a raw export');
    const { exportRaw } = await import('../export-raw.ts');
    const query = options.raw === '-' ? (await readWhole('-')).trim() : options.raw;
    return exportRaw({ ...options, query: query === true ? '' : query });
  }
  if (options.evidence === undefined) throw wrongUse('say what to export: --evidence QUERY, --raw QUERY or --backup DIR');
  refuseUnusedOptions(command, optionsFor.evidence, 'evidence');
  if (options.out === undefined && options.html === undefined) throw wrongUse('say where to write it: --out FILE, --html FILE, or both');
  if (options.html !== undefined) readEvidencePage(); // before anything is on record
  const request = requestOf(options);
  const made = options.url === undefined ? await exportLocally(request, options) : await exportFrom(options.url, request, options);
  if (options.out !== undefined) writeNew(options.out, made.text);
  if (options.html !== undefined) writeEvidencePage(options.html, made.text);
  const files = [options.out, options.html].filter((file) => file !== undefined);
  if (options.json) printJson({ shown: made.shown, leaves: made.leaves, treeSize: made.treeSize, files });
  else say(`${made.shown.length} events shown, ${made.leaves - made.shown.length} leaves hidden, written to ${files.join(' and ')}`);
}

type Asked = Omit<EvidenceRequest, 'by'>;

function requestOf(options: ExportOptions): Asked {
  const { audience, purpose, by, since, until, range, fields, sparse, withPolicy, checkpoint, log, evidence } = options;
  if (audience === undefined || purpose === undefined) throw wrongUse('evidence is for somebody and for something: --audience WHO --purpose WHY');
  return {
    log,
    audience,
    purpose,
    ...(by === undefined ? {} : { byName: by }),
    ...(evidence === true || evidence === '' ? {} : { query: evidence as string }),
    ...(since === undefined ? {} : { since: timeOf('--since', since) }),
    ...(until === undefined ? {} : { until: timeOf('--until', until) }),
    ...(range === undefined ? {} : { range: rangeOf(range) }),
    ...(fields === undefined ? {} : { fields: fields.split(',') }),
    ...(sparse ? { sparse } : {}),
    ...(withPolicy ? { policyText: true } : {}),
    ...(checkpoint === undefined ? {} : { earlier: readText(checkpoint) }),
  };
}

/** On the data directory, as its writer: what is exported is put on record there. */
async function exportLocally(request: Asked, options: ExportOptions): Promise<MadeEvidence> {
  const dataDir = dataDirOf(options);
  const { openTrail } = await import('../../server/compose.ts');
  const { readDataConfig } = await import('../../server/data-config.ts');
  readDataConfig(dataDir); // nothing is made where there is none
  let trail: Awaited<ReturnType<typeof openTrail>>;
  try {
    trail = await openTrail({ dataDir });
  } catch (error) {
    if (!(error instanceof VeiltrailError) || error.code !== 'data_dir_in_use') throw error;
    throw new VeiltrailError(
      error.code,
      'a server has this data directory, and keeps the record of what is exported: use --url and --key',
      {},
      { cause: error },
    );
  }
  try {
    return await trail.exportEvidence({ ...request, by: { id: 'local' } });
  } finally {
    await trail.close();
  }
}

async function exportFrom(url: string, request: Asked, options: ExportOptions): Promise<MadeEvidence> {
  const { createClient } = await import('../../sdk/client.ts');
  const { verifyEvidence } = await import('../../verify/evidence/index.ts');
  const { log, byName, ...rest } = request;
  const text = await createClient({ url, key: readKey(options.key) }).exportEvidence(
    { ...rest, ...(byName === undefined ? {} : { name: byName }) },
    { log },
  );
  const { events, checkpoint } = verifyEvidence(text);
  return {
    text,
    shown: events.filter(({ fields }) => fields).map(({ leafIndex }) => leafIndex),
    leaves: events.length,
    treeSize: checkpoint?.treeSize ?? 0,
  };
}

function rangeOf(text: string): { from: number; to: number } {
  const match = /^(0|[1-9]\d{0,14})-(0|[1-9]\d{0,14})$/.exec(text);
  const [from, last] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || last < from) throw wrongUse('--range is two leaves, such as 100-199, both included');
  return { from, to: last + 1 };
}

function timeOf(option: string, text: string): string {
  const time = parseTimestamp(text);
  if (!time) throw wrongUse(`${option} is a time such as 2026-01-31T00:00:00Z`);
  return time.canonical;
}

function wrongUse(message: string): VeiltrailError {
  return new VeiltrailError('evidence_request', message);
}
