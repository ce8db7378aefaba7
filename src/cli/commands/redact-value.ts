/** `redact-value`: takes values out of stored records. (`redact` is the filter for lines that are not stored.) */
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { RedactionPlan, RedactRequest } from '../../app/redact-values.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { isJsonObject, parseJson } from '../../core/json.ts';
import { colors } from '../colors.ts';
import { parseLeaf } from '../connection.ts';
import { openInput, readLines } from '../input.ts';
import { print, printJson, say } from '../output.ts';
import { addProtectionOptions, addWhyOptions, counted, type ProtectionOptions, type WhyOptions, withProtection } from '../protection.ts';

interface RedactValueOptions extends ProtectionOptions, WhyOptions {
  log: string;
  leaf?: string[];
  pointer?: string[];
  query?: string;
  since?: string;
  until?: string;
  below?: string;
  findings?: string;
  hidePointers?: boolean;
  reason?: string;
  dryRun?: boolean;
  yes?: boolean;
  out?: string;
}

export function addRedactValue(program: Command): void {
  addWhyOptions(
    addProtectionOptions(
      program
        .command('redact-value')
        .description('Take values out of stored records: what a detector missed. Lists what would go; --yes does it, for good.'),
    ),
  )
    .option('--log <name>', 'the log', 'default')
    .option('--leaf <n...>', 'of these records')
    .option('--query <query>', 'of the records that this search finds')
    .option('--since <time>', 'with --query: from this time on (RFC 3339)')
    .option('--until <time>', 'with --query: before this time')
    .option('--below <leaf>', 'only records below this leaf: as an approved request has it')
    .option('--pointer <pointer...>', 'what is taken out: RFC 6901 pointers such as /actor/email; with all below')
    .option('--findings <file>', 'what `veiltrail scan --stored --json` printed; - is standard input')
    .option('--hide-pointers', 'the pointers are personal too (a name of a member is): they go with the values')
    .option('--reason <code>', 'a code or a legal basis, never personal', 'missed-by-detection')
    .option('--dry-run', 'list what would go, and change nothing: also what happens without --yes')
    .option('--yes', 'do it')
    .option('--out <file>', 'where the certificate goes [certificate-ID.json]')
    .addHelpText(
      'after',
      `
  veiltrail redact-value --leaf 17 --pointer /message
  veiltrail scan --stored --json | veiltrail redact-value --findings - --yes --purpose "missed by the policy of May"

The record shows [REDACTED leaf N] instead, N being the leaf that says why. Its receipt, and disclosures of what stands beside it, verify as
before. What a hold covers is refused (exit 3).`,
    )
    .action(redactValue);
}

async function redactValue(options: RedactValueOptions): Promise<void> {
  if (options.yes && options.dryRun) throw new VeiltrailError('redact_request', '--yes and --dry-run: which?');
  if (options.yes && (options.purpose ?? '').trim() === '') throw new VeiltrailError('purpose_needed', 'say why: --purpose');
  const request = await requestOf(options);
  if (!options.yes) {
    const plan = await withProtection(options, (protection) => protection.planRedaction(request, options));
    if (options.json) printJson(plan);
    else printPlan(plan);
    return;
  }
  const { removal, certificate } = await withProtection(options, (protection) => protection.redactValues(request, options));
  const file = options.out ?? `certificate-${removal.id}.json`;
  writeFileSync(file, certificate, { mode: 0o600 });
  if (options.json) return printJson({ ...removal, certificate: file });
  for (const { log, leafIndex } of removal.tombstones) print(`tombstone  ${log}  leaf ${leafIndex}`);
  say(`gone: ${counted(removal.fields, 'value')}; certificate: ${file}`);
}

/** @throws VeiltrailError `redact_request` */
async function requestOf(options: RedactValueOptions): Promise<RedactRequest> {
  const { log, leaf, pointer, query, since, until, below, findings, hidePointers, reason } = options;
  if ((leaf === undefined && query === undefined) !== (pointer === undefined))
    throw new VeiltrailError('redact_request', '--leaf and --query go with --pointer');
  if (pointer === undefined && findings === undefined)
    throw new VeiltrailError('redact_request', 'say which values: --leaf or --query with --pointer, or --findings');
  const places = [
    ...(leaf ?? []).map((one) => ({ leafIndex: parseLeaf(one), pointers: pointer ?? [] })),
    ...(findings === undefined ? [] : await readFindings(findings)),
  ];
  return {
    log,
    ...(places.length > 0 ? { places } : {}),
    ...(query === undefined || pointer === undefined
      ? {}
      : { query: { q: query, pointers: pointer, ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) } }),
    ...(below === undefined ? {} : { below: parseLeaf(below) }),
    ...(hidePointers ? { hidePointers } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
}

async function readFindings(file: string): Promise<{ leafIndex: number; pointers: string[] }[]> {
  const byLeaf = new Map<number, Set<string>>();
  for await (const { line, bytes } of readLines(openInput(file))) {
    if (bytes.length === 0) continue;
    const { value } = parseJson(bytes.toString('utf8'));
    const { leafIndex, pointer } = isJsonObject(value) ? value : {};
    if (typeof leafIndex !== 'number' || typeof pointer !== 'string') {
      throw new VeiltrailError(
        'redact_request',
        `line ${line}: not a finding of \`veiltrail scan --stored --json\`, which has "leafIndex" and "pointer"`,
      );
    }
    const pointers = byLeaf.get(leafIndex) ?? new Set();
    byLeaf.set(leafIndex, pointers.add(pointer));
  }
  return [...byLeaf].map(([leafIndex, pointers]) => ({ leafIndex, pointers: [...pointers] }));
}

function printPlan({ log, fields, values, absent, held, needsTwo, below }: RedactionPlan): void {
  for (const { pointers, leaves } of values)
    print(`${log}  ${leaves.length === 2 && leaves[1] === Number(leaves[0]) + 1 ? 'leaf' : 'leaves'} ${rangesText(leaves)}  ${pointers.join(', ')}`);
  for (const { leafIndex, pointer } of absent) print(colors.dim(`nothing (any more) at leaf ${leafIndex}  ${pointer}`));
  say(`would take out ${counted(fields, 'value')}, of records below leaf ${below}; nothing was changed`);
  if (held !== undefined) say(`it would be refused: the hold ${held} covers something of it`);
  else if (needsTwo) say(`it takes a second person; with a search, give --below ${below} both times, so that what is approved is what is done`);
}

function rangesText(leaves: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i + 1 < leaves.length; i += 2) {
    const from = leaves[i] as number;
    const last = (leaves[i + 1] as number) - 1;
    parts.push(from === last ? String(from) : `${from}–${last}`);
  }
  return parts.length > 10 ? `${parts.slice(0, 10).join(', ')} …` : parts.join(', ');
}
