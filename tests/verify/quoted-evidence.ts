/** A log of three leaves, the second of which quotes an anchor; and evidence of the third that brings it. */
import { toHex, utf8 } from '../../src/core/bytes.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { sha256 } from '../../src/core/sha256.ts';
import {
  commitFields,
  createNodeReader,
  createNoteSigner,
  deriveSalts,
  type DisclosedField,
  flattenRecord,
  formatDisclosure,
  formatEntry,
  formatProof,
  hashTree,
  leafHash,
  proveInclusion,
  proveRanges,
  saltBytes,
  signCheckpoint,
} from '../../src/log/index.ts';
import { formatEvidence, formatQuotedAnchor } from '../../src/verify/evidence/index.ts';
import type { KnownTree } from '../../src/verify/evidence/kept-anchor.ts';

const origin = 'example.com/log';
const seed = new Uint8Array(32).fill(7);
export const signer = createNoteSigner(origin, new Uint8Array(32).fill(1));
/** What the anchor is of. */
export const anchored = checkpointOf(1, new Uint8Array(32));

export function checkpointOf(treeSize: number, root: Uint8Array): string {
  return signCheckpoint({ origin, treeSize, root, extensions: [] }, [signer]);
}

/** An anchor's file. */
export function anchorOf(proof: JsonObject, change: JsonObject = {}): string {
  const anchor = { format: 'veiltrail.anchor/v1', kind: 'rfc3161', target: 'tsa', checkpoint: anchored, madeAt: '2026-11-22T12:00:00.000Z', proof };
  return JSON.stringify({ ...anchor, ...change });
}

/** The digest that a leaf quotes an anchor's file by. */
export function digestOf(anchor: string): string {
  return toHex(sha256(utf8(anchor)));
}

function disclosed(record: JsonObject): { entry: Uint8Array; fields: DisclosedField[] } {
  const fields = flattenRecord(record);
  const salts = deriveSalts(seed, fields.length);
  return {
    entry: formatEntry(commitFields(origin, fields, seed)),
    fields: fields.map(({ pointer, value }, i) => ({ pointer, value, salt: salts.slice(i * saltBytes, (i + 1) * saltBytes) })),
  };
}

/** The log whose second leaf quotes this digest. */
export function logOf(
  digest: string,
  member: string,
  more: JsonObject = {},
): { leaves: ReturnType<typeof disclosed>[]; hashes: Uint8Array[]; root: Uint8Array } {
  const leaves = [{ action: 'x' }, { action: 'anchor.quote', anchor: { ...more, [member]: digest } }, { action: 'y' }].map(disclosed);
  const hashes = leaves.map(({ entry }) => leafHash(entry));
  return { leaves, hashes, root: hashTree(hashes) };
}

/** The disclosure of the leaf that has this digest, and the tree of its receipt. @param more what it says of the anchor besides */
export function quoteOf(digest: string, member = 'digest', more: JsonObject = {}): { quote: string; tree: KnownTree } {
  const { leaves, hashes, root } = logOf(digest, member, more);
  const [, quoting] = leaves as [unknown, ReturnType<typeof disclosed>];
  const proof = proveInclusion(1, 3, createNodeReader(hashes));
  const receipt = formatProof({ leafIndex: 1, hashes: proof, checkpoint: checkpointOf(3, root), extra: quoting.entry });
  return { quote: formatDisclosure({ fields: quoting.fields, receipt }), tree: { treeSize: 3, root } };
}

/** Evidence of the leaf behind the quote. */
export function evidenceWith(anchor: string): string {
  const { leaves, hashes, root } = logOf(digestOf(anchor), 'digest');
  const ranges = [{ start: 2, end: 3 }];
  const last = leaves[2] as ReturnType<typeof disclosed>;
  const evidence = {
    export: { audience: 'A court', purpose: 'a test', by: { principal: 'local' }, at: '2026-11-22T12:00:00.000Z', selection: {} },
    log: { origin, vkeys: [signer.vkey], witnesses: [] },
    policy: { label: 'default@1#e3b0c44298fc', digest: digestOf(''), text: '' },
    checkpoint: checkpointOf(3, root),
    anchors: [formatQuotedAnchor(anchor, quoteOf(digestOf(anchor)).quote)],
    ranges,
    proof: proveRanges(ranges, 3, createNodeReader(hashes)),
    events: [{ leafIndex: 2, ...last }],
  };
  return formatEvidence(evidence, [signer]);
}
