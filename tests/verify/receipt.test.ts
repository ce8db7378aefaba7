import { describe, expect, test } from 'vitest';
import { createNoteSigner, createTrust } from '../../src/log/index.ts';
import { verifyCommitmentReceipt, verifyReceipt, verifyRecordReceipt } from '../../src/verify/receipt.ts';
import { commitment, entry, fields, leafIndex, origin, receipt, record, root, seed, treeSize, trust } from '../log/sample-log.ts';
import { refusalOf } from '../log/refusal.ts';

describe('a receipt', () => {
  test('of an entry, of its commitment, of its record', () => {
    const verified = verifyReceipt(receipt, entry, trust);
    expect(verified).toMatchObject({ leafIndex, entry, checkpoint: { origin, treeSize, root } });
    expect(verifyCommitmentReceipt(receipt, commitment, trust)).toEqual(verified);
    expect(verifyRecordReceipt(receipt, { fields, seed }, trust)).toEqual({ ...verified, record });
  });

  test('fails for another event', () => {
    expect(refusalOf(() => verifyReceipt(receipt, entry.with(5, 0), trust))).toBe('proof_mismatch');
    expect(refusalOf(() => verifyCommitmentReceipt(receipt, commitment.with(0, 1), trust))).toBe('proof_mismatch');
    expect(refusalOf(() => verifyCommitmentReceipt(receipt, entry, trust))).toBe('entry_commitment');
    expect(refusalOf(() => verifyRecordReceipt(receipt, { fields, seed: seed.with(0, 9) }, trust))).toBe('proof_mismatch');
    for (let i = 0; i < fields.length; i++) {
      const changed = fields.with(i, { pointer: fields[i]?.pointer as string, value: i === 3 ? '2' : '"changed"' });
      const code = refusalOf(() => verifyRecordReceipt(receipt, { fields: changed, seed }, trust));
      expect(code).toBe(i === 3 ? 'accepted' : 'proof_mismatch');
      expect(refusalOf(() => verifyRecordReceipt(receipt, { fields: fields.toSpliced(i, 1), seed }, trust))).not.toBe('accepted');
    }
  });

  test('fails under another key, or another log’s', () => {
    const stranger = createNoteSigner(origin, new Uint8Array(32).fill(8));
    expect(refusalOf(() => verifyReceipt(receipt, entry, createTrust([stranger.vkey])))).toBe('note_unverified');
    expect(refusalOf(() => verifyRecordReceipt(receipt, { fields, seed }, { ...trust, origin: 'example.com/other' }))).toBe('checkpoint_origin');
  });

  test('of fields that no record has is refused before anything is hashed', () => {
    expect(refusalOf(() => verifyRecordReceipt(receipt, { fields: fields.toReversed(), seed }, trust))).toBe('fields_order');
  });
});
