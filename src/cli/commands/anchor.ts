import type { Command } from 'commander';
import type { AnchorResult } from '../../anchor/anchoring.ts';
import type { FiledAnchor } from '../../anchor/anchor-store.ts';
import type { BucketLocks, RenewedLocks } from '../../anchor/bucket-locks.ts';
import type { SegmentCopies } from '../../anchor/bucket-segments.ts';
import type { TargetSettings } from '../../anchor/targets.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { visibleLine } from '../../core/visible.ts';
import type { CheckedAnchor } from '../../server/verify-anchors.ts';
import { colors, errorColors } from '../colors.ts';
import { dataDefault, dataDirOf } from '../connection.ts';
import { exitCodes } from '../exit.ts';
import { print, printJson, say } from '../output.ts';
import { readVkey } from '../vkey-option.ts';

interface AnchorOptions {
  data?: string;
  config?: string;
  log?: string;
  json?: boolean;
}

export function addAnchor(program: Command): void {
  const anchor = program
    .command('anchor')
    .description('Checkpoints kept by somebody else: a file elsewhere, a time stamp, a bucket under Object Lock, Arweave.');
  const dataOption = ['--data <dir>', `the data directory [${dataDefault}, or VEILTRAIL_DATA]`] as const;
  const configOption = ['--config <file>', 'the configuration file of `serve`; its list `anchors` says where to'] as const;
  const jsonOption = ['--json', 'as JSON, one line each'] as const;
  anchor
    .command('list')
    .description('The anchors that were made: log, tree size, target, when.')
    .option('--log <name>', 'of one log [all]')
    .option(...dataOption)
    .option(...jsonOption)
    .action(listAnchors);
  anchor
    .command('now')
    .description('Give the newest checkpoint of every log to the targets now. A server does it by itself, by the clock.')
    .requiredOption(...configOption)
    .option('--target <name>', 'one target [all]')
    .option('--force', 'also where the target has this checkpoint already')
    .option(...dataOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExits 0 when every target has it, 3 when one does not take it.')
    .action(anchorNow);
  anchor
    .command('verify')
    .description('Check every anchor: signed by the log, a prefix of what is published now, and still what its target says.')
    .option(...configOption)
    .option('--log <name>', 'of one log [all]')
    .option('--vkey <vkey>', "the public key of that log [default], or @FILE that holds it; without it the data directory's own is taken")
    .option('--leaf <number>', 'after and before which times this leaf of the log [default] came, by the anchors that fit')
    .option('--bucket <target>', 'verify the log from this bucket alone; needs --vkey. With --data, vault and keyring there open the records in it')
    .option(...dataOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExits 0 when all anchors fit, 1 when one does not, 3 when a target is out of reach.')
    .action(verifyAnchorsCommand);
  anchor
    .command('fetch')
    .description('Put segments that are missing or damaged in a stopped data directory back from a bucket that keeps them.')
    .requiredOption(...configOption)
    .requiredOption('--target <name>', 'the bucket')
    .option(...dataOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExits 0 when every segment is whole now, 1 when one is not.')
    .action(fetchCommand);
}

async function settingsOf({ config }: AnchorOptions): Promise<TargetSettings[]> {
  if (config === undefined) return [];
  const { readConfig } = await import('../../server/config.ts');
  const { readTargets } = await import('../../anchor/targets.ts');
  const { anchors } = readConfig(config);
  if (anchors === undefined) throw new VeiltrailError('anchor_config', `${config} has no list anchors`);
  return readTargets(anchors);
}

async function listAnchors(options: AnchorOptions): Promise<void> {
  const { AnchorStore } = await import('../../anchor/anchor-store.ts');
  const { refuseNoLogs, refuseUnknownLog } = await import('../../server/anchors.ts');
  refuseNoLogs(dataDirOf(options));
  if (options.log !== undefined) refuseUnknownLog(dataDirOf(options), options.log);
  const store = new AnchorStore(dataDirOf(options));
  let count = 0;
  for (const log of options.log === undefined ? await store.logs() : [options.log]) {
    for (const filed of await store.list(log)) {
      count++;
      if (options.json) printJson({ log, file: filed.file, treeSize: filed.treeSize, target: filed.target, ...factsOf(filed) });
      else print(lineOf(log, filed));
    }
    for (const target of await store.lockedTargets(log)) {
      const locks = await store.locks(log, target);
      if (!locks) continue;
      if (options.json) printJson({ log, target, locks });
      else print(locksLine(log, target, locks));
    }
  }
  if (!options.json) say(`${count} anchor${count === 1 ? '' : 's'}`);
}

function factsOf({ anchor, problem }: FiledAnchor): Record<string, unknown> {
  if (!anchor) return { problem };
  const { kind, madeAt, proof } = anchor;
  return { kind, madeAt, cost: costOf(anchor.kind, proof), proof };
}

function lineOf(log: string, { treeSize, target, anchor, problem }: FiledAnchor): string {
  const head = `${log.padEnd(16)} ${String(treeSize).padStart(10)}  ${target.padEnd(12)}`;
  if (!anchor) return `${head} ${colors.red(problem ?? '')}`;
  return `${head} ${anchor.kind.padEnd(8)} ${anchor.madeAt}  ${colors.dim(costOf(anchor.kind, anchor.proof))}`;
}

function locksLine(log: string, target: string, { objects, lockedUntil, seenAt }: BucketLocks): string {
  const until = lockedUntil === undefined ? 'nothing there' : `locked until ${lockedUntil.slice(0, 10)} at least, then longer`;
  return `${log.padEnd(16)} ${'locks'.padStart(10)}  ${target.padEnd(12)} ${objects} objects, ${until}  ${colors.dim(`seen ${seenAt}`)}`;
}

/** What it took, as far as anybody says. */
function costOf(kind: string, proof: Record<string, unknown>): string {
  if (kind === 's3')
    return `${String(proof['objects'])} objects, ${String(proof['bytes'])} bytes, until ${String(proof['retainUntil']).slice(0, 10)}`;
  if (kind === 'arweave') {
    const { reward } = (proof['transaction'] ?? {}) as { reward?: string };
    return reward === undefined ? '' : `${Number(reward) / 1e12} AR`;
  }
  return kind === 'rfc3161' ? `stamped ${String(proof['time'])} by ${String(proof['authority'])}` : '';
}

async function anchorNow(options: AnchorOptions & { target?: string; force?: boolean }): Promise<void> {
  const { openAnchors } = await import('../../server/anchors.ts');
  const { Anchoring } = await import('../../anchor/anchoring.ts');
  const { systemClock } = await import('../../core/clock.ts');
  const all = await settingsOf(options);
  const chosen = all.filter(({ name }) => options.target === undefined || name === options.target);
  if (chosen.length === 0) throw noTarget(all);
  const opened = openAnchors(dataDirOf(options), chosen);
  const anchoring = new Anchoring({ ...opened, clock: systemClock, onResult: () => undefined });
  for (const target of opened.targets) {
    const results = await anchoring.anchorNow(target, options.force);
    if (results.length === 0) say(`${target.name}: has the newest checkpoint of every log already`);
    for (const result of results) {
      if ('error' in result) process.exitCode = exitCodes.refused;
      if (options.json)
        printJson(
          'error' in result
            ? { ok: false, log: result.log, target: result.target, code: result.error.code, message: result.error.message }
            : 'anchor' in result
              ? { ok: true, ...result.anchor }
              : { ok: true, ...result },
        );
      else print(resultLine(result));
    }
  }
}

function resultLine(result: AnchorResult): string {
  if ('error' in result) return `${colors.red('✗')} log ${result.log}: ${result.error.message}`;
  if ('copies' in result) return copiesLine(result.log, result.target, result.copies);
  if ('locks' in result) return renewedLine(result.log, result.target, result.locks);
  const { log, treeSize, target, kind, proof } = result.anchor;
  return `${colors.green('✓')} log ${log}, ${treeSize} leaves: kept by ${target} (${kind}) ${colors.dim(costOf(kind, proof))}`;
}

function copiesLine(log: string, target: string, { segments, objects, bytes, held, lifted, extended }: SegmentCopies): string {
  const changes = [
    ...(objects > 0 ? [`${objects} copied, ${bytes} bytes`] : []),
    ...(held > 0 ? [`${held} put under legal hold`] : []),
    ...(lifted > 0 ? [`${lifted} legal holds lifted`] : []),
    ...(extended > 0 ? [`${extended} locked for longer`] : []),
  ];
  return `${colors.green('✓')} log ${log}, ${segments} sealed segments: kept by ${target}; ${changes.join(', ')}`;
}

function renewedLine(log: string, target: string, { extended, lapsed, lockedUntil }: RenewedLocks): string {
  const gone = lapsed > 0 ? colors.red(`, ${lapsed} of which had none any more`) : '';
  return `${colors.green('✓')} log ${log}: ${target} locks ${extended} objects for longer${gone}, all of them until ${lockedUntil?.slice(0, 10)} at least`;
}

interface VerifyOptions extends AnchorOptions {
  vkey?: string;
  bucket?: string;
  leaf?: string;
}

async function verifyAnchorsCommand(options: VerifyOptions): Promise<void> {
  if (options.bucket !== undefined) return verifyBucket(options.bucket, options);
  const { checkAnchors, notCheckedText } = await import('../check-anchors.ts');
  const { bracketText, contradictions } = await import('../../anchor/time-brackets.ts');
  const leaf = leafOf(options);
  const log = leaf === undefined ? options.log : (options.log ?? 'default');
  const checked = await checkAnchors(dataDirOf(options), await settingsOf(options), {
    ...(log === undefined ? {} : { log }),
    ...(options.vkey === undefined ? {} : { vkey: readVkey(options.vkey, '--vkey') }),
  });
  const anchors = checked.flatMap((one) => one.anchors);
  const wrong = checked.flatMap(({ brackets }) => contradictions(brackets));
  if (wrong.length > 0 || anchors.some(({ ok }) => ok === false)) process.exitCode = exitCodes.wrong;
  else if (anchors.some(({ unreachable }) => unreachable)) process.exitCode = exitCodes.refused;
  if (leaf !== undefined) {
    const bracket = checked.flatMap(({ brackets }) => brackets).find(({ from, to }) => from <= leaf && leaf < to);
    if (!bracket) throw new VeiltrailError('record_not_found', `the log has no leaf ${leaf}`, { leafIndex: leaf });
    const shown = { ...bracket, from: leaf, to: leaf + 1 };
    return options.json ? printJson({ log, leafIndex: leaf, ...bracket }) : print(`log ${log}, ${bracketText(shown)}`);
  }
  for (const one of anchors) {
    if (options.json) printJson(one);
    else print(checkLine(one));
  }
  for (const { log: name, notChecked } of checked)
    for (const one of notChecked) {
      if (options.json) printJson({ log: name, target: one.target, notChecked: one.why });
      else say(errorColors.dim(`not checked: ${visibleLine(notCheckedText(name, one))}`));
    }
  if (options.json) return;
  for (const { log: name, brackets } of checked)
    for (const one of brackets) {
      const line = `  log ${name}, ${bracketText(one)}`;
      print(wrong.includes(one) ? colors.red(`${line}: both cannot be true`) : colors.dim(line));
    }
  say(anchors.length === 0 ? 'no anchors: nobody but this machine vouches for its logs' : `${anchors.length} anchors`);
}

function leafOf({ leaf }: VerifyOptions): number | undefined {
  if (leaf === undefined) return undefined;
  if (!/^\d{1,15}$/.test(leaf)) throw new VeiltrailError('limit_invalid', '--leaf is the number of a leaf');
  return Number(leaf);
}

export function checkLine({ ok, log, treeSize, target, detail }: CheckedAnchor): string {
  const sign = ok === undefined ? colors.dim('–') : ok ? colors.green('✓') : colors.red('✗');
  return `${sign} log ${log}, ${treeSize} leaves, ${target}: ${detail}`;
}

/** A log as a stranger finds it: the bucket, and the log's key. */
async function verifyBucket(name: string, options: VerifyOptions): Promise<void> {
  if (options.vkey === undefined)
    throw new VeiltrailError(
      'vkey_missing',
      "say whose log it should be: --vkey, the log's public key, which its owner gives you (`veiltrail key export-public`)",
    );
  const target = await targetOf(name, options);
  const { verifyBucketLog } = await import('../../server/verify-bucket.ts');
  const log = options.log ?? 'default';
  const { report, problems, sizes } = await verifyBucketLog(target, log, readVkey(options.vkey, '--vkey'), options.data);
  const ok = report.ok && problems.length === 0;
  if (!ok) process.exitCode = exitCodes.wrong;
  if (options.json) return printJson({ ...report, ok, problems: [...problems, ...report.problems], checkpoints: sizes });
  for (const { step, ok: fine, detail } of report.steps) print(`${fine ? colors.green('✓') : colors.red('✗')} ${step.padEnd(10)}  ${detail}`);
  for (const { message, code } of [...report.problems, ...problems]) print(`  ${colors.red(message)} ${colors.dim(`(${code})`)}`);
  for (const what of report.notChecked) say(colors.dim(`not checked: ${what}`));
  print(
    `${colors.bold(report.origin)}, ${report.treeSize} leaves, ${sizes.length} checkpoints, from the bucket alone: ${ok ? colors.green('all well') : colors.red('something is wrong')}`,
  );
}

async function targetOf(name: string, options: AnchorOptions): Promise<TargetSettings> {
  const all = await settingsOf(options);
  const target = all.find((one) => one.name === name);
  if (!target) throw noTarget(all);
  return target;
}

function noTarget(all: readonly TargetSettings[]): VeiltrailError {
  return new VeiltrailError('anchor_config', `the configuration has no target of that name; there are ${all.map(({ name }) => name).join(', ')}`);
}

async function fetchCommand(options: AnchorOptions & { target: string }): Promise<void> {
  const { fetchSegments } = await import('../../server/fetch-segments.ts');
  const { checked, fetched, absent } = await fetchSegments(dataDirOf(options), await targetOf(options.target, options));
  if (absent.length > 0) process.exitCode = exitCodes.wrong;
  if (options.json) return printJson({ ok: absent.length === 0, checked, fetched, absent });
  for (const path of fetched) print(`${colors.green('✓')} ${path}: back`);
  for (const path of absent) print(`${colors.red('✗')} ${path}: is not whole here, and not in the bucket`);
  say(`${checked} segments, ${checked - fetched.length - absent.length} were whole`);
}
