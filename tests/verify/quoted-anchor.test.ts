/** An anchor that a leaf quotes, in evidence: what it proves, and everything that it does not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBase64 } from '../../src/core/base64.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { createNoteSigner, createTrust } from '../../src/log/index.ts';
import { verifyEvidence } from '../../src/verify/evidence/index.ts';
import type { KeptAnchor, KnownTree } from '../../src/verify/evidence/kept-anchor.ts';
import { checkQuotedAnchor, formatQuote } from '../../src/verify/evidence/quoted-anchor.ts';
import { readDer } from '../../src/verify/time-stamp/der.ts';
import { anchored, anchorOf, digestOf, evidenceWith, quoteOf, signer } from './quoted-evidence.ts';
import { authorityExtensions, createTimeStampAuthorities, stampExtensions, type TimeStampAuthorities } from './time-stamp-authorities.ts';
import { hasOpenssl } from '../anchor/time-stamp-authority.ts';

function check(
  anchor: string,
  { known, roots = [], digest = digestOf(anchor) }: { known?: KnownTree[]; roots?: string[]; digest?: string } = {},
): KeptAnchor {
  const { quote, tree } = quoteOf(digest);
  return checkQuotedAnchor(formatQuote(anchor, quote), { log: createTrust([signer.vkey]), known: known ?? [tree], timeStampRoots: roots });
}

describe('an anchor that is quoted', () => {
  test.each(['s3', 'arweave'])('of kind %s: since when it could be known, only its keeper can say', (kind) => {
    expect(check(anchorOf({ versionId: 'v' }, { kind }))).toEqual({
      target: 'tsa',
      by: kind,
      status: 'unknown',
      detail: 'Leaf 1 quotes what "tsa" gave back; since when that could be known, only "tsa" can say.',
    });
    expect(check(anchorOf({})).status, 'a time stamp that is not there').toBe('unknown');
  });

  test('from a tree that the file does not connect with its own proves nothing; from another one it is wrong', () => {
    expect(check(anchorOf({}), { known: [] })).toMatchObject({ status: 'unknown', detail: expect.stringContaining('not proved in this file') });
    expect(check(anchorOf({}), { known: [{ treeSize: 3, root: new Uint8Array(32) }] })).toMatchObject({
      status: 'wrong',
      detail: expect.stringContaining('rewritten'),
    });
  });

  test('is the one beside it, in a leaf of this log', () => {
    expect(check(anchorOf({}), { digest: '00'.repeat(32) })).toMatchObject({ status: 'wrong' });
    const anchor = anchorOf({});
    const { quote, tree } = quoteOf(digestOf(anchor), 'other');
    const trust = { log: createTrust([signer.vkey]), known: [tree], timeStampRoots: [] };
    expect(checkQuotedAnchor(formatQuote(anchor, quote), trust).status, 'in another field').toBe('wrong');
    const good = quoteOf(digestOf(anchor)).quote;
    const other = createTrust([createNoteSigner('example.com/log', new Uint8Array(32).fill(9)).vkey]);
    expect(checkQuotedAnchor(formatQuote(anchor, good), { ...trust, log: other }).status).toBe('wrong');
    for (const bytes of [
      'x',
      '[]',
      '{}',
      '{"format":"veiltrail.quote/v1","anchor":1,"quote":"x"}',
      '{"format":"veiltrail.quote/v1","anchor":"x"}',
      JSON.stringify({ format: 'veiltrail.quote/v1', anchor: 'x', quote: quoteOf(digestOf('x')).quote }),
    ])
      expect(checkQuotedAnchor(utf8(bytes), trust), bytes.slice(0, 60)).toMatchObject({ status: 'wrong' });
  });

  describe.skipIf(!hasOpenssl())('by a time stamp (needs openssl)', () => {
    let tsas: TimeStampAuthorities;
    let token: Uint8Array;
    beforeAll(() => {
      tsas = createTimeStampAuthorities();
      tsas.issue({ name: 'Root of trust', key: 'p256', extensions: authorityExtensions });
      tsas.issue({ name: 'Stamps', key: 'p256', by: 'Root of trust', extensions: stampExtensions });
      token = tsas.stamp('Stamps', utf8(anchored));
    });
    afterAll(() => tsas.close());

    test('bounds the leaf and all behind it from below, on whose word is said', () => {
      const anchor = anchorOf({ token: encodeBase64(token) });
      const trusted = check(anchor, { roots: [tsas.pem('Root of trust')] });
      expect(trusted).toMatchObject({ status: 'proved', by: 'rfc3161', since: { leafIndex: 1, isTrusted: true, root: 'Root of trust' } });
      expect(trusted.detail).toMatch(
        /^Leaf 1 and all behind it came after 20\S+Z: leaf 1 quotes what "tsa" gave back, a time stamp that "Stamps" signed then/,
      );
      expect(Math.abs(Date.parse(trusted.since?.cameAfter as string) - Date.now())).toBeLessThan(60_000);
      const report = verifyEvidence(evidenceWith(anchor), { vkeys: [signer.vkey], timeStampRoots: [tsas.pem('Root of trust')] });
      expect(report.problems).toEqual([]);
      expect(report.lowerBounds).toEqual([trusted.since]);
      expect(report.proved).toContain(trusted.detail);
      const untrusted = check(anchor);
      expect(untrusted).toMatchObject({ status: 'unknown', since: { isTrusted: false } });
      expect(untrusted.detail).toContain('tied to no certificate that you trust');
    });

    test('that is of something else, or bent, is wrong; one of a make that is not known says nothing', () => {
      const bent = Uint8Array.from(token);
      bent[bent.length - 9] = (bent.at(-9) as number) ^ 1;
      for (const wrong of [tsas.stamp('Stamps', utf8('x')), bent])
        expect(check(anchorOf({ token: encodeBase64(wrong) }))).toMatchObject({ status: 'wrong' });
      expect(check(anchorOf({ token: 'no base64' }))).toMatchObject({ status: 'wrong' });
      const sha1 = tsas.resign(token, 'Stamps', '-cades', '-md', 'sha1');
      // The second is BER: its outermost length is not said.
      const ber = Uint8Array.from([0x30, 0x80, ...readDer(token).content, 0, 0]);
      for (const unknown of [sha1, ber]) {
        const found = check(anchorOf({ token: encodeBase64(unknown) }));
        expect(found).toMatchObject({ status: 'unknown', detail: expect.stringContaining('does not know') });
        expect(found).not.toHaveProperty('since');
      }
    });
  });
});
