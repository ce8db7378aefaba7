import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { colors, errorColors } from '../colors.ts';
import type { VerifyReport } from '../../app/verify-log.ts';
import type { AskWitnessCheckpoint } from '../../app/verify-witness-copies.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { visibleLine } from '../../core/visible.ts';
import { type CheckpointTrust, parseCheckpointText, type VerifiedCheckpoint } from '../../log/checkpoint.ts';
import { parseNote } from '../../log/note.ts';
import { createTrust } from '../../log/trust.ts';
import { createAskWitnessCheckpoint } from '../../witness/ask-witness.ts';
import { judgeQuorum, parseWitnessPolicy, type WitnessPolicy } from '../../log/witness-policy.ts';
import { type CheckpointFiles, openCheckpointFiles } from '../checkpoint-files.ts';
import { dataDirOf } from '../connection.ts';
import { evidenceIn } from '../evidence-file.ts';
import { exitCodes } from '../exit.ts';
import { createProgress, print, printJson, say } from '../output.ts';
import { certificateIn, reportCertificate } from '../verify-certificate.ts';
import { reportEvidence } from '../verify-evidence.ts';
import { isRawExport, reportRawExport } from '../verify-raw-export.ts';
import { verifyOnwards, watch, type PassOptions } from '../verify-watch.ts';
import { isOnlyUnreachable } from '../unreachable-anchors.ts';
import { refuseUnusedOptions } from '../unused-options.ts';
import { readText, readVkey } from '../vkey-option.ts';

interface VerifyOptions {
  vkey?: string;
  checkpoint?: string;
  witnessPolicy?: string;
  askWitnesses: boolean;
  event?: string;
  audience?: string;
  tsa?: string;
  log?: string;
  json?: boolean;
  data?: string;
  anchors?: boolean;
  config?: string;
  resume?: string;
  watch?: boolean;
  every: string;
  fullEvery: string;
  metrics?: string;
  alert?: string;
  keepGoing?: boolean;
}

/** Options that count for anything that is verified. A policy may say whom not to ask, and a script where the data is, whatever it verifies. */
const always = ['vkey', 'json', 'data', 'askWitnesses'];
const ofLogs = [...always, 'checkpoint', 'witnessPolicy', 'log'];
/** Options that count, by what is verified. */
const optionsFor = {
  dataDir: ofLogs,
  anchored: [...ofLogs, 'anchors', 'config'],
  log: ofLogs,
  passes: [...ofLogs, 'resume'],
  watch: [...ofLogs, 'resume', 'watch', 'every', 'fullEvery', 'metrics', 'alert', 'keepGoing'],
  evidence: [...always, 'checkpoint', 'witnessPolicy', 'audience', 'tsa'],
  receipt: [...always, 'witnessPolicy', 'event'],
  disclosure: [...always, 'witnessPolicy'],
} as const;

/** No answer of a witness for so long is none. */
const witnessMs = 5_000;

export function addVerify(program: Command): void {
  program
    .command('verify')
    .description(
      'Prove that nothing was changed: a data directory, a directory of tiles, a URL, a receipt, a disclosure, evidence, a raw export or a certificate of removal.',
    )
    .argument('[target]', 'what to verify [the data directory]')
    .option('--vkey <vkey>', "the log's public key, or @FILE that holds it; without it a data directory's own is taken")
    .option('--checkpoint <file>', 'a checkpoint kept elsewhere: finds rollback and rewritten history')
    .option(
      '--witness-policy <file>',
      'witnesses that must have cosigned, evidence and receipts too (C2SP tlog-policy) [the policy beside the data, if there is one]',
    )
    .option('--no-ask-witnesses', 'do not ask the witnesses of the policy what they hold of the log: without a network')
    .option('--event <file>', 'with a receipt: a disclosure of the event that it must be for')
    .option('--audience <who>', 'with evidence: for whom it must have been exported')
    .option('--tsa <file>', 'with evidence: certificates (PEM) of time-stamp authorities, or of who vouches for them, that you trust')
    .option('--log <name>', 'one log [a data directory: all its logs; elsewhere: default]')
    .option('--data <dir>', 'the data directory, as for other commands')
    .option('--anchors', 'with a data directory: check its anchors, too, and say by when leaves were there')
    .option('--config <file>', 'with --anchors: the configuration file of `serve`, whose targets are asked')
    .option('--resume <file>', 'go on where the last run with this file came to, which it keeps; one report a log')
    .option('--watch', 'go on for ever: new leaves again and again, and now and then all of them; ends with exit 1 when something is wrong')
    .option('--every <seconds>', 'with --watch: between looks at new leaves', '60')
    .option('--full-every <hours>', 'with --watch: after which every leaf is read again', '24')
    .option('--metrics <file>', 'with --watch: metrics for Prometheus, in a file that is replaced after each pass')
    .option('--alert <program>', 'with --watch: run when something is wrong, with the report as a line of JSON on its standard input')
    .option('--keep-going', 'with --watch: go on after an alarm; it is raised again when something else is wrong, or all is well again')
    .option('--json', 'the report as one line of JSON; with --watch, one a pass')
    .addHelpText(
      'after',
      '\nExits 0 when all is well, 1 when something is wrong and says which leaf or file, 2 on wrong use, 3 when the log is out of reach.' +
        '\n\n  veiltrail verify ./veiltrail-data\n  veiltrail verify https://audit.example.com --vkey @default.vkey\n  veiltrail verify 7.tlog-proof --vkey @default.vkey' +
        "\n\nThe log's owner prints its public key with `veiltrail key export-public`, and gives it to you by another way than the file.",
    )
    .action(runVerify);
}

async function runVerify(target: string | undefined, options: VerifyOptions, command: Command): Promise<void> {
  const only = (names: readonly string[], what: string): void => refuseUnusedOptions(command, names, what);
  const vkey = options.vkey === undefined ? undefined : readVkey(options.vkey, '--vkey');
  const where = target ?? dataDirOf(options);
  if (options.watch) only(optionsFor.watch, 'watching');
  else if (options.resume !== undefined) only(optionsFor.passes, 'a run that is resumed');
  if (options.resume !== undefined || options.watch) return runPasses(where, vkey, options);
  if (/^https?:\/\//.test(where)) {
    only(optionsFor.log, 'a log at a URL');
    return reportLog(await tellingShown(() => verifyPublished(where, vkey, options), options), options);
  }
  const kind = statSync(where, { throwIfNoEntry: false });
  if (!kind) throw new VeiltrailError('not_found', `${where}: there is nothing here to verify; say which data directory, file or URL`);
  if (kind.isDirectory()) {
    if (!isDataDir(where)) only(optionsFor.log, 'a directory of tiles');
    else if (options.anchors) only(optionsFor.anchored, 'a data directory');
    else only(optionsFor.dataDir, 'a data directory without --anchors');
    // Wrong use is said before anything is verified.
    const addAnchors = options.anchors && isDataDir(where) ? await anchorsOf(where, vkey, options) : undefined;
    const report = isDataDir(where) ? await verifyStored(where, vkey, options) : await verifyPublished(where, vkey, options);
    if (addAnchors) await addAnchors(report);
    else if (existsSync(join(where, 'anchors'))) report.notChecked.push('what third parties keep of it, and by when it was there: --anchors');
    return reportLog(report, options);
  }
  if (isRawExport(where)) {
    only(always, 'a raw export');
    if (vkey === undefined) throw noVkey();
    return reportRawExport(where, vkey, options.json ?? false);
  }
  const certificate = certificateIn(readFileSync(where));
  if (certificate !== undefined) {
    only(always, 'a certificate of removal');
    const data = options.data ?? process.env['VEILTRAIL_DATA'];
    return reportCertificate(certificate, where, {
      ...(vkey === undefined ? {} : { vkey }),
      ...(data === undefined ? {} : { data }),
      ...(options.json ? { json: true } : {}),
    });
  }
  const evidence = evidenceIn(readFileSync(where));
  if (!evidence) return verifyFile(where, vkey, options, only);
  only(optionsFor.evidence, 'evidence');
  reportEvidence(evidence, {
    ...(vkey === undefined ? {} : { vkeys: [vkey] }),
    ...(options.witnessPolicy === undefined ? {} : { witnessPolicy: readPolicy(options.witnessPolicy) }),
    ...(options.audience === undefined ? {} : { audience: options.audience }),
    ...(options.checkpoint === undefined ? {} : { checkpoint: readCheckpoint(options.checkpoint) }),
    ...(options.tsa === undefined ? {} : { timeStampRoots: [readText(options.tsa)] }),
    ...(options.json ? { json: true } : {}),
  });
}

/** Passes that begin where earlier ones ended. */
async function runPasses(where: string, vkey: string | undefined, options: VerifyOptions): Promise<void> {
  const { log: _log, ...verify } = logOptions(vkey, options);
  const passes: PassOptions = {
    where,
    isDataDir: !/^https?:\/\//.test(where) && isDataDir(where),
    verify,
    ...(options.log === undefined ? {} : { log: options.log }),
    ...(options.resume === undefined ? {} : { resume: options.resume }),
    ...(options.json ? { json: true } : {}),
  };
  if (options.watch) {
    return watch({
      ...passes,
      everySeconds: numberOf('--every', options.every),
      fullEveryHours: numberOf('--full-every', options.fullEvery),
      ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
      ...(options.alert === undefined ? {} : { alert: options.alert }),
      ...(options.keepGoing === undefined ? {} : { keepGoing: options.keepGoing }),
    });
  }
  for (const report of await tellingShown(() => verifyOnwards(passes), options)) reportLog(report, options);
}

/** Of a log that is out of reach: as JSON, what it showed before it fell silent. */
async function tellingShown<T>(verify: () => Promise<T>, { json }: VerifyOptions): Promise<T> {
  try {
    return await verify();
  } catch (error) {
    if (json && error instanceof VeiltrailError && error.code === 'unreachable') printJson({ unreachable: error.code, ...error.detail });
    throw error;
  }
}

function numberOf(option: string, text: string): number {
  if (!/^\d{1,6}(?:\.\d{1,3})?$/.test(text) || Number(text) === 0) throw new VeiltrailError('limit_invalid', `${option} is a number above 0`);
  return Number(text);
}

/** Adds what anchors say to a report. @throws VeiltrailError for a configuration that cannot be used */
async function anchorsOf(dir: string, vkey: string | undefined, { config, log }: VerifyOptions): Promise<(report: VerifyReport) => Promise<void>> {
  const { addAnchors, openConfiguredAnchors } = await import('../check-anchors.ts');
  const opened = openConfiguredAnchors(dir, config);
  const which = { ...(log === undefined ? {} : { log }), ...(vkey === undefined ? {} : { vkey }) };
  return (report) => addAnchors(report, dir, opened, which);
}

function isDataDir(dir: string): boolean {
  return ['config.json', 'records.db', 'keys'].some((name) => statSync(join(dir, name), { throwIfNoEntry: false }) !== undefined);
}

function logOptions(
  vkey: string | undefined,
  options: VerifyOptions,
): {
  log: string;
  vkey?: string;
  keptCheckpoint?: string;
  witnessPolicy?: WitnessPolicy;
  seen?: CheckpointFiles;
  askWitness?: AskWitnessCheckpoint;
  onProgress: (leaves: number, of: number) => void;
} {
  const progress = createProgress();
  const seen = openCheckpointFiles();
  return {
    log: options.log ?? 'default',
    ...(vkey === undefined ? {} : { vkey }),
    ...(options.checkpoint === undefined ? {} : { keptCheckpoint: readCheckpoint(options.checkpoint) }),
    ...(options.witnessPolicy === undefined ? {} : { witnessPolicy: readPolicy(options.witnessPolicy) }),
    ...(seen ? { seen } : {}),
    ...(options.askWitnesses ? { askWitness: createAskWitnessCheckpoint({ timeoutMs: witnessMs }) } : {}),
    onProgress: (leaves, of) => (leaves === of ? progress.end() : progress.update(`${leaves} of ${of} leaves`)),
  };
}

async function verifyStored(dir: string, vkey: string | undefined, options: VerifyOptions): Promise<VerifyReport> {
  const { verifyStoredLog } = await import('../../server/verify.ts');
  return verifyStoredLog(dir, { ...logOptions(vkey, options), others: options.log === undefined });
}

async function verifyPublished(where: string, vkey: string | undefined, options: VerifyOptions): Promise<VerifyReport> {
  const { verifyPublishedLog } = await import('../../server/verify.ts');
  return verifyPublishedLog(where, logOptions(vkey, options));
}

function reportLog(report: VerifyReport, options: VerifyOptions): void {
  const isAway = isOnlyUnreachable(report);
  if (!report.ok) process.exitCode = isAway ? exitCodes.refused : exitCodes.wrong;
  if (options.json) {
    const { steps: _steps, problemCount: _count, ...facts } = report;
    return printJson(facts);
  }
  // Names of files, logs and rows are whoever's who could write there.
  for (const { step, ok, detail } of report.steps)
    print(`${ok ? colors.green('✓') : colors.red('✗')} ${visibleLine(step).padEnd(11)}  ${visibleLine(detail)}`);
  for (const { message, code } of report.problems) print(`  ${colors.red(visibleLine(message))} ${colors.dim(`(${code})`)}`);
  if (report.problemCount > report.problems.length) print(colors.dim(`  … and ${report.problemCount - report.problems.length} more`));
  for (const notice of report.notices ?? []) say(errorColors.yellow(visibleLine(notice)));
  for (const what of report.notChecked) say(errorColors.dim(`not checked: ${visibleLine(what)}`));
  const verdict = report.ok
    ? colors.green('all well')
    : isAway
      ? colors.yellow('nothing wrong was found, and not everybody answered')
      : colors.red(report.firstBadLeaf === null ? 'something is wrong' : `first bad leaf: ${report.firstBadLeaf}`);
  print(`${colors.bold(visibleLine(report.origin))}, ${report.treeSize} leaves: ${verdict}`);
}

/** Receipts and disclosures: one file, and the key of the log. */
async function verifyFile(
  file: string,
  vkey: string | undefined,
  options: VerifyOptions,
  only: (names: readonly string[], what: string) => void,
): Promise<void> {
  if (vkey === undefined) throw noVkey();
  const text = readText(file);
  const isReceipt = text.startsWith('c2sp.org/tlog-proof@');
  if (isReceipt) only(optionsFor.receipt, 'a receipt');
  else only(optionsFor.disclosure, 'a disclosure');
  try {
    if (isReceipt) await verifyReceiptText(text, vkey, options);
    else await verifyDisclosureText(text, vkey, options);
  } catch (error) {
    if (!(error instanceof VeiltrailError) || usage.has(error.code)) throw error;
    process.exitCode = exitCodes.wrong;
    const message = `${error.message}${hintOf(error.code, vkey)}`;
    if (options.json) printJson({ ok: false, problems: [{ code: error.code, where: file, message }] });
    else print(`${colors.red('✗')} ${file}: ${message} ${colors.dim(`(${error.code})`)}`);
  }
}

/** Wrong in what stands beside the file. */
const usage: ReadonlySet<string> = new Set(['vkey_syntax', 'vkey_type', 'ed25519_public_key', 'witness_policy', 'input_unreadable']);

/** For whoever gave another file, or another key, than they meant to. */
function hintOf(code: string, vkey: string): string {
  if (code === 'note_unverified') return `: it is not signed by the key that was given, of ${vkey.split('+', 1)[0]}`;
  if (code !== 'json_syntax' && code !== 'disclosure_syntax') return '';
  return '; `verify` takes a data directory, a URL, a receipt, a disclosure, evidence, a raw export or a certificate of removal';
}

async function verifyReceiptText(text: string, vkey: string, options: VerifyOptions): Promise<void> {
  const { verifyDisclosure, verifyReceipt } = await import('../../verify/index.ts');
  const { parseProof } = await import('../../log/proof.ts');
  const { trust, judge } = witnessedTrust(vkey, options);
  const { extra } = parseProof(text);
  if (!extra) throw new VeiltrailError('receipt_without_entry', 'the receipt does not carry its entry, so nothing says what it is for');
  const { leafIndex, entry, checkpoint } = verifyReceipt(text, extra, trust);
  if (options.event !== undefined) {
    const event = options.event;
    const disclosed = ofFile(event, () => verifyDisclosure(readText(event), trust));
    if (disclosed.leafIndex !== leafIndex || Buffer.compare(disclosed.entry, entry) !== 0) {
      throw new VeiltrailError('other_event', `the receipt is for leaf ${leafIndex}, the event is at leaf ${disclosed.leafIndex}`);
    }
  }
  const cosigned = judge(checkpoint);
  if (options.json)
    return printJson({
      ok: true,
      origin: checkpoint.origin,
      ...cosigned.facts,
      leafIndex,
      treeSize: checkpoint.treeSize,
      entry: Buffer.from(entry).toString('hex'),
    });
  print(`${colors.green('✓')} leaf ${leafIndex} of ${checkpoint.origin} (size ${checkpoint.treeSize}), signed by the log${cosigned.words}`);
  print(colors.dim(`  entry ${Buffer.from(entry).toString('hex')}`));
}

async function verifyDisclosureText(text: string, vkey: string, options: VerifyOptions): Promise<void> {
  const { verifyDisclosure } = await import('../../verify/index.ts');
  const { trust, judge } = witnessedTrust(vkey, options);
  const { leafIndex, checkpoint, shown, hidden, redactedCount } = verifyDisclosure(text, trust);
  const cosigned = judge(checkpoint);
  if (options.json) {
    return printJson({
      ok: true,
      origin: checkpoint.origin,
      ...cosigned.facts,
      leafIndex,
      treeSize: checkpoint.treeSize,
      shown,
      hidden,
      redacted: redactedCount,
    });
  }
  print(`${colors.green('✓')} leaf ${leafIndex} of ${checkpoint.origin} (size ${checkpoint.treeSize}), signed by the log${cosigned.words}, says:`);
  for (const { pointer, value } of shown) print(`  ${pointer}  ${JSON.stringify(value)}`);
  print(colors.dim(`  and ${hidden.length + redactedCount} fields that are not shown`));
}

/** @throws VeiltrailError `input_unreadable`, `witness_policy`, which names the file */
function readPolicy(file: string): WitnessPolicy {
  return ofFile(file, () => parseWitnessPolicy(readText(file)));
}

/** Whether it is this log's is for the verification to say. @throws VeiltrailError `input_unreadable`, `kept_checkpoint` for what is no checkpoint at all */
function readCheckpoint(file: string): string {
  const text = readText(file);
  try {
    parseCheckpointText(parseNote(text).text);
    return text;
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    throw new VeiltrailError('kept_checkpoint', `--checkpoint, ${file}: ${error.message}; "veiltrail checkpoint" prints one`);
  }
}

/** What is wrong is wrong with this file, and with no other. */
function ofFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof VeiltrailError) || error.code === 'input_unreadable') throw error;
    throw new VeiltrailError(error.code, `${file}: ${error.message}`, error.detail);
  }
}

function noVkey(): VeiltrailError {
  return new VeiltrailError(
    'vkey_missing',
    "say whose log it should be from: --vkey, the log's public key, which its owner gives you (`veiltrail key export-public`)",
  );
}

interface Cosigned {
  facts: { cosigned?: string[] };
  words: string;
}

/** Whom a receipt must be signed by: the log, and where a witness policy is given, its quorum. */
function witnessedTrust(
  vkey: string,
  { witnessPolicy }: VerifyOptions,
): { trust: CheckpointTrust; judge: (checkpoint: VerifiedCheckpoint) => Cosigned } {
  if (witnessPolicy === undefined) return { trust: createTrust([vkey]), judge: () => ({ facts: {}, words: '' }) };
  const policy = readPolicy(witnessPolicy);
  return {
    trust: createTrust([vkey], { witnesses: policy.witnesses.map((witness) => witness.vkey) }),
    judge({ signatures }) {
      const { met, cosigned } = judgeQuorum(policy, signatures);
      const names = cosigned.map(({ name }) => name);
      if (!met) {
        throw new VeiltrailError(
          'quorum_missing',
          `the checkpoint has not the quorum ${policy.quorumName} of witnesses${names.length > 0 ? `, only ${names.join(', ')}` : ''}`,
        );
      }
      return { facts: { cosigned: names }, words: names.length > 0 ? ` and ${names.join(', ')}` : '' };
    },
  };
}
