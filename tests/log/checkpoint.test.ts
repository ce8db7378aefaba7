import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBase64 } from '../../src/core/base64.ts';
import { type Checkpoint, formatCheckpointText, openCheckpoint, parseCheckpointText, signCheckpoint } from '../../src/log/checkpoint.ts';
import { createCosigner } from '../../src/log/cosignature.ts';
import { formatSignatureLine } from '../../src/log/note.ts';
import { createNoteSigner } from '../../src/log/note-key.ts';
import { emptyRoot } from '../../src/log/tree.ts';
import { createTrust } from '../../src/log/trust.ts';
import vectors from '../vectors/signed-note.json' with { type: 'json' };
import { refusalOf } from './refusal.ts';

const sumdb = vectors.notes.at(-1) as (typeof vectors.notes)[number];
const origin = 'example.com/log';
const signer = createNoteSigner(origin, new Uint8Array(32).fill(1));
const root = new Uint8Array(32).fill(0xab);
const rootText = encodeBase64(root);
const checkpoint: Checkpoint = { origin, treeSize: 5, root, extensions: [] };

test('a checkpoint of sum.golang.org verifies', () => {
  const opened = openCheckpoint(sumdb.note, createTrust([sumdb.vkey], { origin: 'go.sum database tree' }));
  expect(opened).toMatchObject({ origin: 'go.sum database tree', treeSize: 20_852_163, extensions: [], text: sumdb.text });
  expect(formatCheckpointText(opened)).toBe(sumdb.text);
  expect(refusalOf(() => openCheckpoint(sumdb.note, createTrust([sumdb.vkey])))).toBe('checkpoint_origin');
});

test('any checkpoint comes back', () => {
  const line = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).filter((text) => !/\p{Cc}/u.test(text));
  fc.assert(
    fc.property(
      line,
      fc.maxSafeNat(),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.array(line, { maxLength: 3 }),
      (name, treeSize, hash, extensions) => {
        const made = { origin: name, treeSize, root: treeSize === 0 ? emptyRoot() : hash, extensions };
        expect(parseCheckpointText(formatCheckpointText(made))).toEqual(made);
      },
    ),
  );
});

describe('parseCheckpointText refuses', () => {
  const bad = (size: string): string => `o\n${size}\n${rootText}\n`;
  test.each([
    ['nothing', ''],
    ['one line', 'o\n'],
    ['two lines', 'o\n5\n'],
    ['no newline at the end', `o\n5\n${rootText}`],
    ['an empty origin', `\n5\n${rootText}\n`],
    ['an empty line behind', `o\n5\n${rootText}\n\n`],
    ['an empty line between extensions', `o\n5\n${rootText}\na\n\nb\n`],
    ['a leading zero', bad('05')],
    ['a sign', bad('+5')],
    ['a minus', bad('-5')],
    ['a space', bad(' 5')],
    ['a space behind', bad('5 ')],
    ['a fraction', bad('5.0')],
    ['an exponent', bad('5e0')],
    ['hexadecimal', bad('0x5')],
    ['other digits', bad('٥')],
    ['2^53', bad('9007199254740992')],
    ['2^64', bad('18446744073709551616')],
    ['a size of a thousand digits', bad('9'.repeat(1000))],
    ['a root of 31 bytes', `o\n5\n${encodeBase64(root.subarray(1))}\n`],
    ['a root of 33 bytes', `o\n5\n${encodeBase64(new Uint8Array(33))}\n`],
    ['a root in hex', `o\n5\n${'ab'.repeat(32)}\n`],
    ['a root with bits behind', `o\n5\n${rootText.slice(0, -2)}t=\n`],
    ['another root of the empty tree', bad('0')],
  ])('%s', (_, text) => {
    expect(refusalOf(() => parseCheckpointText(text))).toBe('checkpoint_syntax');
  });

  test('but takes extension lines and the largest size', () => {
    expect(parseCheckpointText(`o\n9007199254740991\n${rootText}\nx y\n+\n`)).toEqual({
      origin: 'o',
      treeSize: 2 ** 53 - 1,
      root,
      extensions: ['x y', '+'],
    });
  });
});

test('formats only what it would parse', () => {
  for (const change of [
    { origin: '' },
    { origin: 'a\nb' },
    { origin: 'x'.repeat(256) },
    { treeSize: -1 },
    { treeSize: 1.5 },
    { treeSize: 2 ** 53 },
    { treeSize: NaN },
    { root: new Uint8Array(31) },
    { extensions: [''] },
    { extensions: ['a\nb'] },
    { treeSize: 0 },
  ]) {
    expect(refusalOf(() => formatCheckpointText({ ...checkpoint, ...change }))).toBe('checkpoint_syntax');
  }
  expect(refusalOf(() => signCheckpoint({ ...checkpoint, origin: 'a\tb' }, [signer]))).toBe('note_syntax');
});

describe('openCheckpoint', () => {
  const next = createNoteSigner(origin, new Uint8Array(32).fill(2));
  const witness = createCosigner('witness.example/w', new Uint8Array(32).fill(3));
  const trust = createTrust([signer.vkey]);
  const signed = signCheckpoint(checkpoint, [signer]);
  const cosignature = formatSignatureLine(witness.cosign(formatCheckpointText(checkpoint), 1_700_000_000));

  test('signed by the log', () => {
    expect(openCheckpoint(signed, trust)).toMatchObject({ ...checkpoint, signatures: [{ name: origin }] });
  });

  test('while a key is rotated, old and new both sign, and either is enough', () => {
    const both = signCheckpoint(checkpoint, [signer, next]);
    for (const keys of [[signer.vkey], [next.vkey], [signer.vkey, next.vkey]]) expect(openCheckpoint(both, createTrust(keys)).treeSize).toBe(5);
    expect(refusalOf(() => openCheckpoint(signed, createTrust([next.vkey])))).toBe('note_unverified');
  });

  test('witnesses are listed, and cannot stand in for the log', () => {
    const witnessed = createTrust([signer.vkey], { witnesses: [witness.vkey] });
    expect(openCheckpoint(signed + cosignature, witnessed).signatures.map(({ name }) => name)).toEqual([origin, 'witness.example/w']);
    expect(openCheckpoint(signed, witnessed).signatures).toHaveLength(1);
    expect(openCheckpoint(signed + cosignature, trust).signatures).toHaveLength(1);
    const witnessOnly = `${formatCheckpointText(checkpoint)}\n${cosignature}`;
    expect(refusalOf(() => openCheckpoint(witnessOnly, witnessed))).toBe('note_unverified');
    // A witness's wrong signature refuses the checkpoint, as the note's rule is.
    const forged = signCheckpoint({ ...checkpoint, treeSize: 6 }, [signer]) + cosignature;
    expect(refusalOf(() => openCheckpoint(forged, witnessed))).toBe('note_signature');
  });

  test('of another log by the same key, or with a text that is no checkpoint', () => {
    expect(refusalOf(() => openCheckpoint(signCheckpoint({ ...checkpoint, origin: 'example.com/other' }, [signer]), trust))).toBe(
      'checkpoint_origin',
    );
    const text = 'no checkpoint\n';
    const note = `${text}\n${formatSignatureLine({ name: signer.name, keyId: signer.keyId, signature: signer.sign(text) })}`;
    expect(refusalOf(() => openCheckpoint(note, trust))).toBe('checkpoint_syntax');
  });
});

test('createTrust', () => {
  const other = createNoteSigner('example.com/other', new Uint8Array(32).fill(2));
  expect(createTrust([signer.vkey]).origin).toBe(origin);
  expect(createTrust([signer.vkey, other.vkey], { origin }).log).toHaveLength(2);
  expect(refusalOf(() => createTrust([]))).toBe('trust_empty');
  expect(refusalOf(() => createTrust([signer.vkey, other.vkey]))).toBe('trust_origin');
  expect(refusalOf(() => createTrust(['x']))).toBe('vkey_syntax');
  expect(refusalOf(() => createTrust([signer.vkey], { witnesses: [other.vkey] }))).toBe('vkey_type');
  // Which one it is, of several.
  const changed = signer.vkey.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
  expect(() => createTrust([signer.vkey, changed])).toThrow(/^key 2 of the log: a public key whose id is not that of its name and key/);
  expect(() => createTrust([signer.vkey, 'x'])).toThrow(expect.objectContaining({ detail: { position: 2 } }) as Error);
  expect(() => createTrust([signer.vkey], { witnesses: ['x'] })).toThrow(/^key 1 of the witnesses: not a public key/);
});
