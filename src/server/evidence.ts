/** Evidence of a running trail: made from its own parts, and on record before anybody gets it. */
import { formatAnchor } from '../anchor/anchor.ts';
import { isQuoteOf } from '../anchor/anchor-quote.ts';
import type { AnchorStore } from '../anchor/anchor-store.ts';
import type { AccessRecorder } from '../app/access-recorder.ts';
import type { EvidenceRequest, MadeEvidence } from '../app/evidence-request.ts';
import { type EvidenceParts, exportEvidence } from '../app/export-evidence.ts';
import type { LogAnchor } from '../app/evidence-anchors.ts';
import { rangesOf } from '../app/leaf-ranges.ts';
import type { PublishedLog } from '../app/read-log.ts';
import type { SearchAnswer, SearchRequest } from '../app/trail.ts';
import { systemClock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { toHex, utf8 } from '../core/bytes.ts';
import { sha256 } from '../core/sha256.ts';
import { parseCheckpointText } from '../log/checkpoint.ts';
import { parseDisclosure } from '../log/disclosure.ts';
import { parseProof } from '../log/proof.ts';
import { policyDigest } from '../privacy/policy-digest.ts';
import type { Keyring } from '../vault/keyring.ts';
import type { PolicyInForce } from './policy-in-force.ts';

export interface EvidenceExporterParts extends Pick<EvidenceParts, 'tiles' | 'records'> {
  keyring: Pick<Keyring, 'signers'>;
  anchors: Pick<AnchorStore, 'list'>;
  policy: PolicyInForce;
  /** The log by its name. @throws VeiltrailError `log_unknown` */
  published(log: string): PublishedLog;
  search(log: string, request: SearchRequest): Promise<SearchAnswer>;
  /** Verifier keys of a log's witnesses. */
  witnesses?(log: string): readonly string[];
  access: Pick<AccessRecorder, 'write'>;
}

export type ExportEvidence = (request: EvidenceRequest) => Promise<MadeEvidence>;

/** Numbers in the ranges of leaves that one record names. */
const rangesEach = 4_000;

export function createEvidenceExporter(parts: EvidenceExporterParts): ExportEvidence {
  return async (request) => {
    const { log, by, audience, purpose } = request;
    const signers = parts.keyring.signers(log);
    if (signers.length === 0) throw new VeiltrailError('log_unknown', 'there is no log of that name');
    const { label, text } = parts.policy;
    const made = await exportEvidence(request, {
      published: parts.published(log),
      signers,
      anchors: () => readAnchors(parts.anchors, log),
      witnesses: parts.witnesses?.(log) ?? [],
      policy: { label, digest: policyDigest(text), text },
      tiles: parts.tiles,
      records: parts.records,
      clock: systemClock,
      async search(asked) {
        const { events, nextCursor } = await parts.search(log, asked);
        return { leaves: events.map(({ leafIndex }) => leafIndex), ...(nextCursor === undefined ? {} : { nextCursor }) };
      },
    });
    // The file is given to nobody before this is durable.
    await parts.access.write({
      action: 'evidence.export',
      principal: by.id,
      ...(by.role === undefined ? {} : { role: by.role }),
      outcome: 'success',
      log,
      purpose,
      reference: audience,
      category: 'sensitive_record',
      severity: 2,
      metadata: {
        shown: made.shown.length,
        leaves: made.leaves,
        ranges: rangesOf(made.shown).slice(0, rangesEach),
        sha256: toHex(sha256(utf8(made.text))),
      },
    });
    return made;
  };
}

/** What cannot be read is left out: `verify --anchors` reports it. */
async function readAnchors(store: Pick<AnchorStore, 'list'>, log: string): Promise<LogAnchor[]> {
  return (await store.list(log)).flatMap(({ target, treeSize, anchor, quote }) => {
    if (!anchor) return [];
    // A quote that is not of this very anchor would be wrong in evidence.
    const quoted = quote !== undefined && isQuoteOf(quote, anchor) ? openQuote(quote) : undefined;
    return { target, treeSize, text: formatAnchor(anchor), checkpoint: anchor.checkpoint, ...(quoted ? { quote: quoted } : {}) };
  });
}

/** Undefined for what cannot be read. */
function openQuote(text: string): LogAnchor['quote'] {
  try {
    const { leafIndex, checkpoint } = parseProof(parseDisclosure(text).receipt);
    const { treeSize } = parseCheckpointText(checkpoint.slice(0, checkpoint.lastIndexOf('\n\n') + 1));
    return { text, leafIndex, checkpoint, treeSize };
  } catch {
    return undefined;
  }
}
