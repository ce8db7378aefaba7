import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createDisclosure, createNoteSigner, createTrust, formatDisclosure } from '../../src/log/index.ts';
import { verifyDisclosure } from '../../src/verify/disclosure.ts';
import { commitment, fields, leafIndex, origin, receipt, seed, trust } from '../log/sample-log.ts';
import { refusalOf } from '../log/refusal.ts';

const golden = readFileSync(new URL('../vectors/disclosure.json', import.meta.url), 'utf8');

describe('a disclosure', () => {
  test('of two fields verifies, and shows nothing else', () => {
    const text = formatDisclosure(createDisclosure({ fields, seed, receipt }, new Set(['/action', '/outcome'])));
    const verified = verifyDisclosure(text, trust);
    expect(verified.shown).toEqual([
      { pointer: '/action', value: 'object.read' },
      { pointer: '/outcome', value: 'success' },
    ]);
    expect(verified.hidden).toEqual(['/actor/id', '/actor/roles', '/changes', '/changes/0/field', '/changes/1', '/privacy/applied']);
    expect(verified).toMatchObject({ redactedCount: 0, leafIndex, checkpoint: { origin } });
    expect(verified.entry.subarray(1)).toEqual(commitment);
    expect(text).not.toContain('tok_4b1d');
  });

  test('golden, with a field redacted pointer and all', () => {
    const verified = verifyDisclosure(golden, trust);
    expect(verified.redactedCount).toBe(1);
    expect(verified.shown.map(({ pointer }) => pointer)).toEqual(['/actor/roles', '/changes', '/privacy/applied']);
    expect(verified.hidden).not.toContain('/actor/id');
  });

  test('fails when a value, a salt, a digest, a pointer or the order is another', () => {
    const parsed = JSON.parse(golden) as { fields: Record<string, unknown>[] };
    const change = (i: number, members: Record<string, unknown>): string =>
      JSON.stringify({ ...parsed, fields: parsed.fields.with(i, { ...parsed.fields[i], ...members }) });
    expect(refusalOf(() => verifyDisclosure(JSON.stringify(parsed), trust))).toBe('accepted');
    expect(refusalOf(() => verifyDisclosure(change(2, { value: ['admin'] }), trust))).toBe('proof_mismatch');
    expect(refusalOf(() => verifyDisclosure(change(2, { salt: 'AAAAAAAAAAAAAAAAAAAAAA==' }), trust))).toBe('proof_mismatch');
    expect(refusalOf(() => verifyDisclosure(change(0, { valueDigest: `${'A'.repeat(43)}=` }), trust))).toBe('proof_mismatch');
    expect(refusalOf(() => verifyDisclosure(change(1, { fieldDigest: `${'A'.repeat(43)}=` }), trust))).toBe('proof_mismatch');
    expect(refusalOf(() => verifyDisclosure(change(0, { pointer: '/actioN' }), trust))).toBe('proof_mismatch');
    const fewer = JSON.stringify({ ...parsed, fields: parsed.fields.slice(0, -1) });
    expect(refusalOf(() => verifyDisclosure(fewer, trust))).toBe('proof_mismatch');
  });

  test('fails under another key, or another log’s', () => {
    expect(refusalOf(() => verifyDisclosure(golden, createTrust([createNoteSigner(origin, new Uint8Array(32)).vkey])))).toBe('note_unverified');
    expect(refusalOf(() => verifyDisclosure(golden, { ...trust, origin: 'example.com/other' }))).toBe('checkpoint_origin');
  });
});
