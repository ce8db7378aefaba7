/** A small signed log with one record in it that can be opened: what receipts and disclosures are tried on. */
import type { JsonObject } from '../../src/core/json.ts';
import {
  commitFields,
  createNodeReader,
  createNoteSigner,
  createTrust,
  flattenRecord,
  formatEntry,
  formatProof,
  hashRoot,
  leafHash,
  proveInclusion,
  signCheckpoint,
} from '../../src/log/index.ts';
import { leavesUpTo } from './reference-tree.ts';

export const origin = 'example.com/log';
export const signer = createNoteSigner(origin, new Uint8Array(32).fill(1));
export const trust = createTrust([signer.vkey]);
export const seed = Uint8Array.from({ length: 32 }, (_, i) => i);

export const record: JsonObject = {
  action: 'object.read',
  actor: { id: 'tok_4b1d', roles: ['admin', 'auditor'] },
  changes: [{ field: 'name' }, 7],
  outcome: 'success',
  privacy: { applied: [{ keyVersion: 1, kind: 'user', pointer: '/actor/id', transform: 'tokenize' }] },
};
export const fields = flattenRecord(record);
export const commitment = commitFields(origin, fields, seed);
export const entry = formatEntry(commitment);
export const leafIndex = 5;
export const treeSize = 11;

const leaves = leavesUpTo(treeSize).with(leafIndex, leafHash(entry));
const read = createNodeReader(leaves);
export const root = hashRoot(treeSize, read);
export const checkpoint = signCheckpoint({ origin, treeSize, root, extensions: [] }, [signer]);
export const hashes = proveInclusion(leafIndex, treeSize, read);
export const receipt = formatProof({ leafIndex, hashes, checkpoint });
