/** Which anchors go into evidence: those that say most of the leaves shown, and proofs that the log grew from what they are of. */
import { VeiltrailError } from '../core/errors.ts';
import { openCheckpoint } from '../log/checkpoint.ts';
import { createTrust } from '../log/trust.ts';
import { type EvidenceAnchor, formatConsistencyAnchor, formatKeptAnchor, formatQuotedAnchor } from '../verify/evidence/index.ts';
import type { LogSnapshot } from './log-snapshot.ts';
import type { PublishedLog } from './read-log.ts';

/** An anchor of a log: the file as it is kept, and the checkpoint in it. */
export interface LogAnchor {
  target: string;
  text: string;
  checkpoint: string;
  treeSize: number;
  /** The leaf that quotes it, disclosed, and the checkpoint of its receipt. */
  quote?: { text: string; leafIndex: number; checkpoint: string; treeSize: number };
}

/** @param shown the first leaf of the file, and the one behind its last */
export async function collectAnchors(
  all: readonly LogAnchor[],
  shown: { first: number; end: number },
  { earlier, snapshot, published }: { earlier: string | undefined; snapshot: LogSnapshot; published: PublishedLog },
): Promise<EvidenceAnchor[]> {
  const { kept, quotes } = pickAnchors(all, snapshot.treeSize, shown);
  const proofs = new Map<number, EvidenceAnchor>();
  if (earlier !== undefined) proofs.set(-1, await proveGrowth(earlier, snapshot, published));
  for (const { checkpoint, treeSize } of [...kept, ...quotes.map(({ quote }) => quote)]) {
    if (treeSize < snapshot.treeSize && !proofs.has(treeSize)) proofs.set(treeSize, await proveGrowth(checkpoint, snapshot, published));
  }
  return [
    ...proofs.values(),
    ...kept.map(({ text }) => formatKeptAnchor(text)),
    ...quotes.map(({ text, quote }) => formatQuotedAnchor(text, quote.text)),
  ];
}

type QuotedAnchor = LogAnchor & Required<Pick<LogAnchor, 'quote'>>;

/** Of each target: the newest, the first that has all leaves shown, and the last that was quoted before them. */
export function pickAnchors(
  all: readonly LogAnchor[],
  treeSize: number,
  { first, end }: { first: number; end: number },
): { kept: LogAnchor[]; quotes: QuotedAnchor[] } {
  const kept = new Set<LogAnchor>();
  const quotes: QuotedAnchor[] = [];
  for (const anchors of Map.groupBy(all, ({ target }) => target).values()) {
    const sorted = anchors.filter((one) => one.treeSize <= treeSize).toSorted((a, b) => a.treeSize - b.treeSize);
    for (const one of [sorted.find((anchor) => anchor.treeSize >= end), sorted.at(-1)]) if (one) kept.add(one);
    const quoted = sorted.findLast(({ quote }) => quote && quote.leafIndex <= first && quote.treeSize <= treeSize);
    if (quoted) quotes.push(quoted as QuotedAnchor);
  }
  return { kept: [...kept], quotes };
}

/** @throws VeiltrailError `evidence_request` for a checkpoint that the log did not grow from */
async function proveGrowth(earlier: string, snapshot: LogSnapshot, { vkey, origin }: PublishedLog): Promise<EvidenceAnchor> {
  let treeSize: number;
  try {
    ({ treeSize } = openCheckpoint(earlier, createTrust([vkey], { origin })));
  } catch (cause) {
    throw new VeiltrailError('evidence_request', 'the earlier checkpoint is not one of this log', {}, { cause });
  }
  if (treeSize > snapshot.treeSize)
    throw new VeiltrailError('evidence_request', 'the earlier checkpoint is larger than what can be proved of this log now');
  return formatConsistencyAnchor(await snapshot.proveConsistency(treeSize), earlier);
}
