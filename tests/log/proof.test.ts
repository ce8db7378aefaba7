import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBase64 } from '../../src/core/base64.ts';
import { concatBytes, utf8 } from '../../src/core/bytes.ts';
import { createNoteSigner, createTrust, formatProof, type LogProof, parseProof, signCheckpoint, verifyProof } from '../../src/log/index.ts';
import { refusalOf } from './refusal.ts';
import { checkpoint, entry, hashes, leafIndex, origin, receipt, root, treeSize, trust } from './sample-log.ts';

const lines = receipt.slice(0, receipt.indexOf('\n\n')).split('\n');
const [header, index, ...hashLines] = lines as [string, string, ...string[]];
const withLines = (...changed: string[]): string => `${changed.join('\n')}\n\n${checkpoint}`;

test('is laid out as the specification says', () => {
  expect(receipt).toBe(`c2sp.org/tlog-proof@v1\nindex 5\n${hashes.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${checkpoint}`);
  const extra = utf8('extra');
  expect(formatProof({ leafIndex, hashes, checkpoint, extra })).toBe(receipt.replace('index', `extra ${encodeBase64(extra)}\nindex`));
});

test('comes back, with extra data and without', () => {
  expect(parseProof(receipt)).toEqual({ leafIndex, hashes, checkpoint });
  expect(parseProof(utf8(receipt))).toEqual({ leafIndex, hashes, checkpoint });
  fc.assert(
    fc.property(
      fc.maxSafeNat(),
      fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 63 }),
      fc.uint8Array({ minLength: 1, maxLength: 50 }),
      (i, some, extra) => {
        const proof: LogProof = { leafIndex: i, hashes: some, checkpoint, extra };
        expect(parseProof(formatProof(proof))).toEqual(proof);
      },
    ),
  );
});

test('verifies the entry at its place', () => {
  const verified = verifyProof(parseProof(receipt), entry, trust);
  expect(verified).toMatchObject({ leafIndex, checkpoint: { origin, treeSize, root } });
  // The extra data is nobody's word.
  expect(verifyProof(parseProof(formatProof({ leafIndex, hashes, checkpoint, extra: utf8('x') })), entry, trust)).toEqual(verified);
});

describe('does not verify', () => {
  const proof = parseProof(receipt);
  const codeOf = (change: Partial<LogProof>, of = entry, by = trust): string => refusalOf(() => verifyProof({ ...proof, ...change }, of, by));

  test('another entry, place, or path', () => {
    expect(codeOf({}, entry.with(32, (entry[32] as number) ^ 1))).toBe('proof_mismatch');
    expect(codeOf({}, concatBytes(entry, Uint8Array.of(0)))).toBe('proof_mismatch');
    for (let i = 0; i < treeSize; i++) if (i !== leafIndex) expect(codeOf({ leafIndex: i })).toMatch(/^proof_/);
    expect(codeOf({ leafIndex: treeSize })).toBe('tree_range');
    expect(codeOf({ hashes: hashes.toReversed() })).toBe('proof_mismatch');
    expect(codeOf({ hashes: hashes.slice(1) })).toBe('proof_length');
  });

  test('under another key, of another log, or against another checkpoint', () => {
    const stranger = createNoteSigner(origin, new Uint8Array(32).fill(77));
    expect(codeOf({}, entry, createTrust([stranger.vkey]))).toBe('note_unverified');
    expect(codeOf({}, entry, { ...trust, origin: 'example.com/other' })).toBe('checkpoint_origin');
    const forged = signCheckpoint({ origin, treeSize, root, extensions: [] }, [stranger]);
    expect(codeOf({ checkpoint: forged })).toBe('note_unverified');
  });
});

describe('refuses', () => {
  test.each([
    ['nothing', ''],
    ['no empty line', lines.join('\n')],
    ['another version', withLines('c2sp.org/tlog-proof@v2', index, ...hashLines)],
    ['a space behind the version', withLines(`${header} `, index, ...hashLines)],
    ['a carriage return', withLines(`${header}\r`, index, ...hashLines)],
    ['no index', withLines(header, ...hashLines)],
    ['nothing but the version', withLines(header)],
    ['an index with a leading zero', withLines(header, 'index 05', ...hashLines)],
    ['an index with a sign', withLines(header, 'index +5', ...hashLines)],
    ['a negative index', withLines(header, 'index -5', ...hashLines)],
    ['an index of 2^53', withLines(header, 'index 9007199254740992', ...hashLines)],
    ['an index without a number', withLines(header, 'index ', ...hashLines)],
    ['two spaces before the index', withLines(header, 'index  5', ...hashLines)],
    ['two indexes', withLines(header, index, index, ...hashLines)],
    ['extra data behind the index', withLines(header, index, 'extra AAAA', ...hashLines)],
    ['two lines of extra data', withLines(header, 'extra AAAA', 'extra AAAA', index, ...hashLines)],
    ['an extra line without data', withLines(header, 'extra ', index, ...hashLines)],
    ['an extra line that is no base64', withLines(header, 'extra AAA', index, ...hashLines)],
    ['a hash of 31 bytes', withLines(header, index, encodeBase64(new Uint8Array(31)))],
    ['a hash that is no base64', withLines(header, index, '!'.repeat(44))],
    ['a hash with a space', withLines(header, index, ...hashLines.map((line) => `${line} `))],
    ['64 hashes', withLines(header, index, ...Array.from({ length: 64 }, () => hashLines[0] as string))],
    ['more than a note and a half', `${header}\n${'x'.repeat(1_200_000)}`],
  ])('%s', (_, bad) => {
    expect(refusalOf(() => parseProof(bad))).toBe('proof_syntax');
  });

  test('a checkpoint that is none', () => {
    const start = `${header}\nindex 0\n\n`;
    expect(refusalOf(() => parseProof(`${start}no note\n`))).toBe('note_syntax');
    expect(refusalOf(() => parseProof(`${start}\n${checkpoint}`))).toBe('checkpoint_syntax');
    expect(refusalOf(() => parseProof(`${start}no checkpoint\n\n— a AAAAAAA=\n`))).toBe('checkpoint_syntax');
    expect(refusalOf(() => parseProof(concatBytes(utf8(receipt), Uint8Array.of(0xff))))).toBe('invalid_utf8');
  });

  test('to format what it would not parse', () => {
    expect(refusalOf(() => formatProof({ leafIndex: -1, hashes, checkpoint }))).toBe('proof_syntax');
    expect(refusalOf(() => formatProof({ leafIndex, hashes: [new Uint8Array(31)], checkpoint }))).toBe('proof_syntax');
    expect(refusalOf(() => formatProof({ leafIndex, hashes, checkpoint: 'x' }))).toBe('note_syntax');
    expect(refusalOf(() => formatProof({ leafIndex, hashes, checkpoint, extra: new Uint8Array(0) }))).toBe('proof_syntax');
  });
});
