/** Certificates of removal: what they prove, and that nothing in them can be changed. */
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import {
  commitFields,
  createDisclosure,
  createNodeReader,
  createNoteSigner,
  flattenRecord,
  formatDisclosure,
  formatEntry,
  formatProof,
  hashRoot,
  leafHash,
  proveInclusion,
  signCheckpoint,
} from '../../src/log/index.ts';
import { isCertificate, signCertificate, verifyCertificate } from '../../src/verify/certificate.ts';
import { leavesUpTo } from '../log/reference-tree.ts';
import { refusalOf } from '../log/refusal.ts';

const logSigner = createNoteSigner('example.com/default', new Uint8Array(32).fill(1));
const ownSigner = createNoteSigner('example.com/_system', new Uint8Array(32).fill(2));
const removal = 'rem_aaaaaaaaaaaaaaaaaaaaaaaaaa';

/** A disclosure of a tombstone at leaf 5 of the log. */
function tombstone(members: JsonObject = {}): string {
  const fields = flattenRecord({ action: 'record.erase', tombstone: { operation: 'erase', removal, generation: 2, ...members } });
  const seed = new Uint8Array(32).fill(7);
  const leaves = leavesUpTo(11).with(5, leafHash(formatEntry(commitFields(logSigner.name, fields, seed))));
  const read = createNodeReader(leaves);
  const checkpoint = signCheckpoint({ origin: logSigner.name, treeSize: 11, root: hashRoot(11, read), extensions: [] }, [logSigner]);
  const receipt = formatProof({ leafIndex: 5, hashes: proveInclusion(5, 11, read), checkpoint });
  return formatDisclosure(createDisclosure({ fields, seed, receipt }, new Set(['/tombstone/operation', '/tombstone/removal'])));
}

const body = {
  removal,
  operation: 'erase',
  origin: ownSigner.name,
  completedAt: '2026-11-22T12:00:00.000Z',
  reason: 'gdpr-art-17',
  reference: 'case 7',
  by: 'local',
  permitted: 'two-persons',
  request: { id: 'r_aaaaaaaaaaaaaaaaaaaaaaaaaa', digest: '00'.repeat(32) },
  removed: { tokens: 2, records: 40, fields: 0 },
  tombstones: [
    { origin: logSigner.name, leafIndex: 5 },
    { origin: ownSigner.name, leafIndex: 3 },
  ],
};
const text = signCertificate(body, [tombstone()], [ownSigner]);
const both = [ownSigner.vkey, logSigner.vkey];

describe('a certificate', () => {
  test('proves what was removed, and the tombstones of the logs whose keys are known', () => {
    expect(isCertificate(text)).toBe(true);
    const verified = verifyCertificate(text, both);
    expect(verified.body).toEqual({ ...body, format: 'veiltrail-certificate/1' });
    expect(verified.proved).toEqual([{ origin: logSigner.name, leafIndex: 5, treeSize: 11 }]);
    expect(verified.unproved).toEqual([{ origin: ownSigner.name, leafIndex: 3 }]);
    expect(verifyCertificate(text, [ownSigner.vkey]).proved).toEqual([]);
  });

  test('needs the key of whom it says it is signed by', () => {
    expect(refusalOf(() => verifyCertificate(text, [logSigner.vkey]))).toBe('certificate_unproved');
    expect(refusalOf(() => verifyCertificate(text, []))).toBe('certificate_unproved');
    const other = createNoteSigner(ownSigner.name, new Uint8Array(32).fill(3));
    expect(refusalOf(() => verifyCertificate(text, [other.vkey]))).toBe('note_unverified');
    expect(verifyCertificate(signCertificate(body, [], [ownSigner, other]), [other.vkey]).unproved).toHaveLength(2);
  });

  test('with anything in it changed is refused', () => {
    const whole = JSON.parse(text) as { body: JsonObject; signatures: string[]; tombstones: string[] };
    const changed = (change: (copy: typeof whole) => void): string => {
      const copy = structuredClone(whole);
      change(copy);
      return `${JSON.stringify(copy)}\n`;
    };
    expect(
      refusalOf(() =>
        verifyCertificate(
          changed(() => undefined),
          both,
        ),
      ),
    ).toBe('accepted');
    expect(
      refusalOf(() =>
        verifyCertificate(
          changed((copy) => (copy.body['completedAt'] = '2025-01-01T00:00:00.000Z')),
          both,
        ),
      ),
    ).toBe('note_signature');
    expect(
      refusalOf(() =>
        verifyCertificate(
          changed((copy) => ((copy.body['removed'] as JsonObject)['records'] = 41)),
          both,
        ),
      ),
    ).toBe('note_signature');
    expect(
      refusalOf(() =>
        verifyCertificate(
          changed((copy) => (copy.body['origin'] = logSigner.name)),
          both,
        ),
      ),
    ).toBe('note_unverified');
    expect(
      refusalOf(() =>
        verifyCertificate(
          changed((copy) => (copy.signatures = [])),
          both,
        ),
      ),
    ).toBe('note_syntax');
    expect(
      refusalOf(() =>
        verifyCertificate(
          changed((copy) => (copy.body['removed'] = { tokens: -1, records: 1, fields: 0 })),
          both,
        ),
      ),
    ).toBe('certificate_syntax');
    expect(
      refusalOf(() =>
        verifyCertificate(
          changed((copy) => delete copy.body['by']),
          both,
        ),
      ),
    ).toBe('certificate_syntax');
    expect(
      refusalOf(() =>
        verifyCertificate(
          changed((copy) => (copy.tombstones = ['x'])),
          both,
        ),
      ),
    ).toBe('certificate_tombstone');
  });

  test('has one spelling', () => {
    for (const other of [text.trimEnd(), `${text}\n`, text.replace('{', '{ '), `[${text.trimEnd()}]\n`, 'x', '{}', `{"a":${'['.repeat(50)}`]) {
      expect(refusalOf(() => verifyCertificate(other, both))).toBe('certificate_syntax');
    }
    expect(refusalOf(() => verifyCertificate(' '.repeat(17_000_000), both))).toBe('certificate_syntax');
  });

  test('whose tombstone is of another removal, operation or leaf is refused', () => {
    const of = (disclosure: string, changed: object = {}): string => signCertificate({ ...body, ...changed }, [disclosure], [ownSigner]);
    expect(refusalOf(() => verifyCertificate(of(tombstone({ removal: 'rem_b' })), both))).toBe('certificate_tombstone');
    expect(refusalOf(() => verifyCertificate(of(tombstone({ operation: 'redact' })), both))).toBe('certificate_tombstone');
    expect(refusalOf(() => verifyCertificate(of(tombstone(), { tombstones: [{ origin: logSigner.name, leafIndex: 6 }] }), both))).toBe(
      'certificate_tombstone',
    );
    const damaged = tombstone().replace('"erase"', '"erasf"');
    expect(refusalOf(() => verifyCertificate(of(damaged), both))).toBe('certificate_tombstone');
    // Its log's key is unknown: nothing is said about it.
    expect(verifyCertificate(of(damaged), [ownSigner.vkey]).unproved).toHaveLength(2);
  });
});
