import { describe, expect, test } from 'vitest';
import { encodeBase64 } from '../../src/core/base64.ts';
import { concatBytes, uint64be, utf8 } from '../../src/core/bytes.ts';
import { cosignatureTime, createCosignatureVerifier, createCosigner } from '../../src/log/cosignature.ts';
import { createEd25519Signer } from '../../src/log/ed25519.ts';
import { formatSignatureLine, openNote, parseNote } from '../../src/log/note.ts';
import { createNoteSigner, parseVerifierKey } from '../../src/log/note-key.ts';
import vectors from '../vectors/signed-note.json' with { type: 'json' };
import { refusalOf } from './refusal.ts';

const seed = new Uint8Array(32).fill(9);
const witness = createCosigner('witness.example.com/w1', seed);
const verifier = createCosignatureVerifier(witness.vkey);
// The text of the specification's example.
const { text } = parseNote(vectors.shape.note);
const line = witness.cosign(text, vectors.shape.time);

test('the specification’s example: its time', () => {
  expect(cosignatureTime(parseNote(vectors.shape.note).signatures[1] as never)).toBe(1_679_315_147);
});

test('signs the header, the time and the whole text, as the specification writes it', () => {
  const message = 'cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
  expect(line.signature).toEqual(concatBytes(uint64be(1_679_315_147), createEd25519Signer(seed).sign(utf8(message))));
  expect(line.signature).toHaveLength(72);
  expect(parseVerifierKey(witness.vkey)).toMatchObject({ type: 4, keyId: witness.keyId });
  expect(cosignatureTime(line)).toBe(1_679_315_147);
});

test('verifies in a note, beside the log’s own signature and those of unknown keys', () => {
  const mldsa = `— witness.example.com/w2 ${encodeBase64(new Uint8Array(4 + 8 + 2420).fill(6))}\n`;
  const note = vectors.shape.note + mldsa + formatSignatureLine(line);
  expect(openNote(note, [verifier]).signatures).toEqual([line]);
});

test('with extension lines too: they are signed', () => {
  const extended = `${text}extension\n`;
  const signature = witness.cosign(extended, 5);
  expect(verifier.verify(extended, signature.signature)).toBe(true);
  expect(verifier.verify(text, signature.signature)).toBe(false);
});

describe('does not verify', () => {
  test('another text, another time, another key', () => {
    expect(verifier.verify(text.replace('2', '3'), line.signature)).toBe(false);
    expect(verifier.verify(text, line.signature.with(7, 1))).toBe(false);
    expect(createCosignatureVerifier(createCosigner(witness.name, new Uint8Array(32)).vkey).verify(text, line.signature)).toBe(false);
  });

  test('other lengths, and times that no integer holds', () => {
    for (const bad of [line.signature.subarray(8), line.signature.subarray(1), concatBytes(line.signature, Uint8Array.of(0)), new Uint8Array(2428)]) {
      expect(verifier.verify(text, bad)).toBe(false);
      expect(refusalOf(() => cosignatureTime({ ...line, signature: bad }))).toBe('cosignature_syntax');
    }
    expect(verifier.verify(text, line.signature.with(0, 0x80))).toBe(false);
    expect(refusalOf(() => cosignatureTime({ ...line, signature: line.signature.with(0, 0x80) }))).toBe('cosignature_syntax');
  });

  test('a text that is no checkpoint, though it be signed', () => {
    const note = 'any\ntext\n';
    const signature = createEd25519Signer(seed).sign(utf8(`cosignature/v1\ntime 1\n${note}`));
    expect(verifier.verify(note, concatBytes(uint64be(1), signature))).toBe(false);
  });

  test('a log’s signature, and a log’s verifier does not take a cosignature', () => {
    const log = createNoteSigner(witness.name, seed);
    expect(log.keyId).not.toBe(witness.keyId);
    expect(verifier.verify(text, log.sign(text))).toBe(false);
    expect(refusalOf(() => createCosignatureVerifier(log.vkey))).toBe('vkey_type');
  });
});

test('cosigns only checkpoints, at whole seconds, under a name that a key can have', () => {
  expect(refusalOf(() => witness.cosign('no checkpoint\n', 1))).toBe('checkpoint_syntax');
  for (const time of [-1, 1.5, NaN, 2 ** 53]) expect(refusalOf(() => witness.cosign(text, time))).toBe('cosignature_time');
  expect(witness.cosign(text, 0).signature.subarray(0, 8)).toEqual(new Uint8Array(8));
  expect(refusalOf(() => createCosigner('a b', seed))).toBe('signing_key_syntax');
});
