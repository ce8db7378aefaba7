/** A log that grows as a test asks, and the requests it would send to a witness. */
import { createNodeReader, createNoteSigner, formatAddCheckpoint, hashRoot, proveConsistency, signCheckpoint } from '../../src/log/index.ts';
import { leavesUpTo } from '../log/reference-tree.ts';

export const origin = 'example.com/log';
export const signer = createNoteSigner(origin, new Uint8Array(32).fill(1));
const read = createNodeReader(leavesUpTo(600));

export function rootAt(treeSize: number): Uint8Array {
  return hashRoot(treeSize, read);
}

export function checkpointAt(treeSize: number, root = rootAt(treeSize), by = signer): string {
  return signCheckpoint({ origin: by.name, treeSize, root, extensions: [] }, [by]);
}

export function proofBetween(oldSize: number, treeSize: number): Uint8Array[] {
  return oldSize === 0 ? [] : proveConsistency(oldSize, treeSize, read);
}

/** The body of an honest request. */
export function requestAt(oldSize: number, treeSize: number): string {
  return formatAddCheckpoint({ oldSize, proof: proofBetween(oldSize, treeSize), checkpoint: checkpointAt(treeSize) });
}
