/** A raw export of a small signed log: two records with a value each, made of the functions that verify nothing. */
import { createHash } from 'node:crypto';
import { encodeBase64 } from '../../src/core/base64.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { createDisclosure, disclosureFormat, jsonOfField } from '../../src/log/disclosure.ts';
import {
  commitFields,
  createNodeReader,
  createNoteSigner,
  flattenRecord,
  formatEntry,
  formatProof,
  hashRoot,
  leafHash,
  proveInclusion,
  signCheckpoint,
} from '../../src/log/index.ts';
import { rawExportFormat } from '../../src/verify/raw-export.ts';
import { tokenOfOpening } from '../../src/verify/token-opening.ts';

const origin = 'example.com/exported';
const signer = createNoteSigner(origin, new Uint8Array(32).fill(3));
export const rawExportVkey = signer.vkey;

const people = ['jane@example.com', 'omar@example.com'];

/** Its lines, without line feeds. */
export function sampleRawExport(): string[] {
  const records = people.map((canonical, i) => {
    const opening = { kind: 'email', origin, canonical, r: encodeBase64(new Uint8Array(32).fill(i)) };
    const token = tokenOfOpening(opening);
    const record: JsonObject = { action: 'login', message: `by ${token}` };
    const fields = flattenRecord(record);
    const seed = new Uint8Array(32).fill(100 + i);
    const entry = formatEntry(commitFields(origin, fields, seed));
    return { canonical, opening, token, record, fields, seed, entry };
  });
  const read = createNodeReader(records.map(({ entry }) => leafHash(entry)));
  const treeSize = records.length;
  const checkpoint = signCheckpoint({ origin, treeSize, root: hashRoot(treeSize, read), extensions: [] }, [signer]);
  const lines: JsonObject[] = [{ format: rawExportFormat, log: 'default', origin, treeSize, checkpoint }];
  for (const [leafIndex, { canonical, opening, token, record, fields, seed }] of records.entries()) {
    const receipt = formatProof({ leafIndex, hashes: proveInclusion(leafIndex, treeSize, read), checkpoint });
    const disclosed = createDisclosure({ fields, seed, receipt }, new Set(fields.map(({ pointer }) => pointer)));
    lines.push({
      leafIndex,
      event: { ...record, message: `by ${canonical}` },
      revealed: [{ pointer: '/message', token, kind: 'email', value: canonical, opening }],
      disclosure: { format: disclosureFormat, fields: disclosed.fields.map(jsonOfField), receipt: disclosed.receipt },
    });
  }
  return ended(lines.map((line) => JSON.stringify(line)));
}

/** Lines, and the last one that fits them, as whoever forges a file would make it. */
export function ended(lines: readonly string[]): string[] {
  const sha256 = createHash('sha256')
    .update(lines.map((line) => `${line}\n`).join(''))
    .digest('hex');
  const events = lines.length - 1;
  return [...lines, JSON.stringify({ end: true, events, removed: 0, values: events, sha256 })];
}
