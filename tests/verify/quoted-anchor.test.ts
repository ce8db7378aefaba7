/** An anchor that a leaf quotes, in evidence: what it proves, and everything that it does not. */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBase64 } from '../../src/core/base64.ts';
import { toHex, utf8 } from '../../src/core/bytes.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { sha256 } from '../../src/core/sha256.ts';
import { commitFields, createNodeReader, createNoteSigner, createTrust, deriveSalts, flattenRecord, formatDisclosure, formatEntry, formatProof, hashTree, leafHash, proveInclusion, saltBytes, signCheckpoint } from '../../src/log/index.ts'; // prettier-ignore
import { checkQuotedAnchor, formatQuote } from '../../src/verify/evidence/quoted-anchor.ts';
import type { KeptAnchor, KnownTree } from '../../src/verify/evidence/kept-anchor.ts';
import { authorityExtensions, createTimeStampAuthorities, stampExtensions, type TimeStampAuthorities } from './time-stamp-authorities.ts';

const origin = 'example.com/log';
const signer = createNoteSigner(origin, new Uint8Array(32).fill(1));
const seed = new Uint8Array(32).fill(7);
const checkpointOf = (treeSize: number, root: Uint8Array): string => signCheckpoint({ origin, treeSize, root, extensions: [] }, [signer]);
const anchored = checkpointOf(1, new Uint8Array(32));

const anchorOf = (proof: JsonObject, change: JsonObject = {}): string =>
  JSON.stringify({
    format: 'veiltrail.anchor/v1',
    kind: 'rfc3161',
    target: 'tsa',
    checkpoint: anchored,
    madeAt: '2026-11-22T12:00:00.000Z',
    proof,
    ...change,
  });

/** The disclosure of leaf 1 of three, which has this digest; and the trees of its receipt. */
function quoteOf(digest: string, pointer = '/anchor/digest'): { quote: string; tree: KnownTree } {
  const member = pointer.split('/')[2] as string;
  const fields = flattenRecord({ action: 'anchor.quote', anchor: { [member]: digest } });
  const entry = formatEntry(commitFields(origin, fields, seed));
  const leaves = [utf8('a'), entry, utf8('c')].map(leafHash);
  const root = hashTree(leaves);
  const hashes = proveInclusion(1, 3, createNodeReader(leaves));
  const receipt = formatProof({ leafIndex: 1, hashes, checkpoint: checkpointOf(3, root), extra: entry });
  const salts = deriveSalts(seed, fields.length);
  const disclosed = fields.map(({ pointer: at, value }, i) => ({ pointer: at, value, salt: salts.slice(i * saltBytes, (i + 1) * saltBytes) }));
  return { quote: formatDisclosure({ fields: disclosed, receipt }), tree: { treeSize: 3, root } };
}

function check(
  anchor: string,
  { known, roots = [], digest = toHex(sha256(utf8(anchor))) }: { known?: KnownTree[]; roots?: string[]; digest?: string } = {},
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
    const { quote, tree } = quoteOf(toHex(sha256(utf8(anchor))), '/anchor/other');
    const trust = { log: createTrust([signer.vkey]), known: [tree], timeStampRoots: [] };
    expect(checkQuotedAnchor(formatQuote(anchor, quote), trust).status, 'in another field').toBe('wrong');
    const good = quoteOf(toHex(sha256(utf8(anchor)))).quote;
    const other = createTrust([createNoteSigner(origin, new Uint8Array(32).fill(9)).vkey]);
    expect(checkQuotedAnchor(formatQuote(anchor, good), { ...trust, log: other }).status).toBe('wrong');
    for (const bytes of [
      'x',
      '[]',
      '{}',
      '{"format":"veiltrail.quote/v1","anchor":1,"quote":"x"}',
      '{"format":"veiltrail.quote/v1","anchor":"x"}',
      JSON.stringify({ format: 'veiltrail.quote/v1', anchor: 'x', quote: quoteOf(toHex(sha256(utf8('x')))).quote }),
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
      expect(check(anchorOf({ token: encodeBase64(sha1) }))).toMatchObject({ status: 'unknown', detail: expect.stringContaining('does not know') });
    });
  });
});

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
