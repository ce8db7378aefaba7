/** The same log, made here and by Go's own packages: the same bytes. */
import { expect, test } from 'vitest';
import { toHex } from '../../src/core/bytes.ts';
import {
  cosignatureTime,
  createCosignatureVerifier,
  createCosigner,
  createTrust,
  emptyRoot,
  formatCheckpointText,
  formatProof,
  formatSignatureLine,
  formatSigningKey,
  openCheckpoint,
  parseProof,
  signCheckpoint,
  verifyProof,
} from '../../src/log/index.ts';
import vectors from '../vectors/log.json' with { type: 'json' };
import { checkpoint, entry, hashes, leafIndex, origin, receipt, root, signer, treeSize, trust } from './sample-log.ts';

test('keys, entry, root, checkpoints and receipts are those of Go', () => {
  expect(signer.vkey).toBe(vectors.vkey);
  expect(formatSigningKey(origin, new Uint8Array(32).fill(1))).toBe(vectors.signingKey);
  expect(toHex(entry)).toBe(vectors.entry);
  expect(toHex(root)).toBe(vectors.root);
  expect(signCheckpoint({ origin, treeSize: 0, root: emptyRoot(), extensions: [] }, [signer])).toBe(vectors.emptyCheckpoint);
  expect(checkpoint).toBe(vectors.checkpoint);
  expect(receipt).toBe(vectors.receipt);
  expect(formatProof({ leafIndex, hashes, checkpoint, extra: new TextEncoder().encode('extra') })).toBe(vectors.receiptWithExtra);
});

test('Go’s receipts verify', () => {
  expect(verifyProof(parseProof(vectors.receipt), entry, trust).leafIndex).toBe(leafIndex);
  expect(verifyProof(parseProof(vectors.receiptWithExtra), entry, trust).leafIndex).toBe(leafIndex);
});

test('Go’s cosignature verifies, and is the one made here at that second', () => {
  const witness = createCosigner('witness.example/w', new Uint8Array(32).fill(3));
  expect(witness.vkey).toBe(vectors.witnessVkey);
  const opened = openCheckpoint(vectors.cosigned, createTrust([vectors.vkey], { witnesses: [vectors.witnessVkey] }));
  expect(opened.treeSize).toBe(treeSize);
  const cosignature = opened.signatures.find(({ name }) => name === 'witness.example/w');
  if (!cosignature) expect.fail('not listed');
  const again = witness.cosign(formatCheckpointText(opened), cosignatureTime(cosignature));
  expect(checkpoint + formatSignatureLine(again)).toBe(vectors.cosigned);
  expect(createCosignatureVerifier(vectors.witnessVkey).verify(opened.text, cosignature.signature)).toBe(true);
});
