/** Evidence of a small log, as an exporter makes it, and as one who lies could. */
import type { JsonObject } from '../../src/core/json.ts';
import {
  commitFields,
  createCosigner,
  createNodeReader,
  createNoteSigner,
  deriveSalts,
  type DisclosedField,
  flattenRecord,
  formatEntry,
  formatNote,
  hashTree,
  leafHash,
  type LeafRange,
  parseNote,
  proveConsistency,
  proveRanges,
  saltBytes,
  signCheckpoint,
  valueDigest,
} from '../../src/log/index.ts';
import { formatConsistencyAnchor, formatEvidence, type Evidence, type EvidenceEvent } from '../../src/verify/evidence/index.ts';

export const origin = 'example.com/log';
export const signer = createNoteSigner(origin, new Uint8Array(32).fill(1));
export const otherSigner = createNoteSigner(origin, new Uint8Array(32).fill(2));
export const witness = createCosigner('witness.example', new Uint8Array(32).fill(3));

export const records: JsonObject[] = Array.from({ length: 9 }, (_, i) => ({
  action: i % 2 === 0 ? 'user.login' : 'object.read',
  actor: { id: `tok_${i}`, roles: ['admin'] },
  count: i,
  message: i === 4 ? '</script><img src=x onerror=alert(1)>\u2028"\\' : `event ${i}, čeština 漢字 😀`,
}));
const seedOf = (i: number): Uint8Array => new Uint8Array(32).fill(i + 1);
const entries = records.map((record, i) => formatEntry(commitFields(origin, flattenRecord(record), seedOf(i))));
const leaves = entries.map(leafHash);
const read = createNodeReader(leaves);

export function checkpointOf(treeSize: number): string {
  return signCheckpoint({ origin, treeSize, root: hashTree(leaves.slice(0, treeSize)), extensions: [] }, [signer]);
}

export function cosigned(note: string, timeSeconds = 1_700_000_000): string {
  const { text, signatures } = parseNote(note);
  return formatNote({ text, signatures: [...signatures, witness.cosign(text, timeSeconds)] });
}

export function eventOf(leafIndex: number, shown?: (pointer: string) => boolean): EvidenceEvent {
  const entry = entries[leafIndex] as Uint8Array;
  if (!shown) return { leafIndex, entry };
  const fields = flattenRecord(records[leafIndex] as JsonObject);
  const salts = deriveSalts(seedOf(leafIndex), fields.length);
  return {
    leafIndex,
    entry,
    fields: fields.map(({ pointer, value }, i): DisclosedField => {
      const salt = salts.slice(i * saltBytes, (i + 1) * saltBytes);
      return shown(pointer) ? { pointer, value, salt } : { pointer, valueDigest: valueDigest(salt, value) };
    }),
  };
}

export interface SampleChoice {
  ranges?: LeafRange[];
  /** Leaves that are shown, and which of their fields. */
  shown?: Record<number, (pointer: string) => boolean>;
  change?: (evidence: Evidence) => Evidence;
  signers?: (typeof signer)[];
}

export const all = (): boolean => true;

export function sampleEvidence({
  ranges = [{ start: 2, end: 7 }],
  shown = { 2: all, 4: all, 5: (p) => p === '/action' },
  change,
  signers = [signer],
}: SampleChoice = {}): {
  text: string;
  evidence: Evidence;
} {
  const made: Evidence = {
    export: {
      audience: 'Example Court, case 12',
      purpose: 'who logged in on Monday',
      by: { principal: 'local', name: 'Ada' },
      at: '2026-11-22T12:00:00.000Z',
      selection: { query: 'action:user.login', since: '2026-11-01T00:00:00.000Z' },
    },
    log: { origin, vkeys: signers.map(({ vkey }) => vkey), witnesses: [witness.vkey] },
    policy: { label: 'default@1#e3b0c44298fc', digest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', text: '' },
    checkpoint: cosigned(checkpointOf(records.length)),
    anchors: [
      formatConsistencyAnchor(proveConsistency(4, records.length, read), checkpointOf(4)),
      { kind: 'something-new', bytes: Uint8Array.of(1, 2, 3) },
    ],
    ranges,
    proof: proveRanges(ranges, records.length, read),
    events: ranges.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => eventOf(start + i, shown[start + i]))),
  };
  const evidence = change ? change(made) : made;
  return { text: formatEvidence(evidence, signers), evidence };
}
