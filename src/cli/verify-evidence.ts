/** What `verify` says of evidence. What strangers wrote moves no terminal's cursor: whatever of theirs is printed is made `visible`. */
import { createHash } from 'node:crypto';
import { quoted, visible } from '../core/visible.ts';
import { verifyEvidence, type EvidenceOptions, type EvidenceReport } from '../verify/evidence/index.ts';
import { colors, errorColors } from './colors.ts';
import { readEvidencePage, type EvidenceFile } from './evidence-file.ts';
import { exitCodes } from './exit.ts';
import { print, printJson, say } from './output.ts';

export function reportEvidence(file: EvidenceFile, options: EvidenceOptions & { json?: boolean }): void {
  const report = verifyEvidence(file.evidence, options);
  if (!report.ok) process.exitCode = exitCodes.wrong;
  const page = file.page === undefined ? undefined : judgePage(file.page);
  if (options.json) return printJson(factsOf(report, page));
  const { export: made, log, checkpoint, events, problems, signers } = report;
  for (const claim of report.proved) print(`${colors.green('✓')} ${visible(claim)}`);
  for (const { where, message, code } of problems) print(`${colors.red('✗')} ${visible(`${where}: ${message}`)} ${colors.dim(`(${code})`)}`);
  if (page) print(page.known ? `${colors.green('✓')} The page around it is as this version ships it.` : `${colors.yellow('!')} ${page.words}`);
  for (const claim of report.notProved) say(errorColors.dim(`not proved: ${visible(claim)}`));
  if (made) print(`for ${quoted(made.audience)}, ${quoted(made.purpose)}; by ${quoted(made.by.name ?? made.by.principal)} at ${visible(made.at)}`);
  for (const { vkey, fingerprint, pinned } of signers) print(`signed by ${visible(vkey)}${pinned ? '' : `, fingerprint ${fingerprint}`}`);
  const shown = events.filter(({ fields }) => fields).length;
  const verdict = report.ok
    ? colors.green('all well')
    : colors.red(report.firstBadLeaf === null ? 'something is wrong' : `first bad leaf: ${report.firstBadLeaf}`);
  print(
    `${colors.bold(visible(log?.origin ?? 'evidence'))}, ${shown} events and ${events.length - shown} hidden leaves of ${checkpoint?.treeSize ?? '?'}: ${verdict}`,
  );
}

interface JudgedPage {
  known: boolean;
  sha256: string;
  words: string;
}

/** Whether a page is the one that this version ships: another one may show what it likes. */
function judgePage(page: string): JudgedPage {
  const sha256 = createHash('sha256').update(page).digest('hex');
  let shipped: string | undefined;
  try {
    shipped = readEvidencePage();
  } catch {
    // Not built: then nothing can be said of the page.
  }
  return {
    known: page === shipped,
    sha256,
    words: `The page around it is not the one of this version, so do not believe what it shows before you have compared it: without its evidence its SHA-256 is ${sha256}.`,
  };
}

function factsOf(report: EvidenceReport, page: JudgedPage | undefined): unknown {
  const { ok, problems, firstBadLeaf, log, checkpoint, signers, witnesses, anchors, bounds, lowerBounds, ranges, events, proved, notProved } = report;
  return {
    ok,
    origin: log?.origin ?? '',
    treeSize: checkpoint?.treeSize ?? 0,
    root: checkpoint ? Buffer.from(checkpoint.root).toString('hex') : '',
    firstBadLeaf,
    problems,
    export: report.export ?? null,
    policy: report.policy ? { label: report.policy.label, digest: report.policy.digest } : null,
    signers,
    witnesses,
    anchors,
    bounds,
    lowerBounds,
    ranges,
    events: {
      shown: events.filter(({ fields }) => fields).map(({ leafIndex, status }) => ({ leafIndex, status })),
      hidden: events.filter(({ fields }) => !fields).length,
    },
    ...(page ? { page: { sha256: page.sha256, shipped: page.known } } : {}),
    proved,
    notProved,
  };
}
