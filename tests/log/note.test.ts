import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBase64 } from '../../src/core/base64.ts';
import { concatBytes, utf8 } from '../../src/core/bytes.ts';
import {
  formatNote,
  formatSignatureLine,
  isKeyName,
  noteLengthMax,
  type NoteVerifier,
  openNote,
  parseNote,
  parseSignatureLine,
  signNote,
} from '../../src/log/note.ts';
import { createNoteSigner, createNoteVerifier } from '../../src/log/note-key.ts';
import vectors from '../vectors/signed-note.json' with { type: 'json' };
import { refusalOf } from './refusal.ts';

describe.each(vectors.notes)('$source: $vkey', ({ vkey, text, note }) => {
  test('verifies, as text and as bytes', () => {
    const verifier = createNoteVerifier(vkey);
    for (const form of [note, utf8(note)]) {
      const opened = openNote(form, [verifier]);
      expect(opened.text).toBe(text);
      expect(opened.signatures.map(({ name, keyId }) => ({ name, keyId }))).toEqual([{ name: verifier.name, keyId: verifier.keyId }]);
    }
    expect(formatNote(parseNote(note))).toBe(note);
  });
});

test('the shape of a checkpoint with a cosignature', () => {
  const { text, signatures } = parseNote(vectors.shape.note);
  expect(text.split('\n')[0]).toBe('example.com/behind-the-sofa');
  expect(signatures.map(({ name, signature }) => [name, signature.length])).toEqual([
    ['example.com/behind-the-sofa', 64],
    ['witness.example.com/w1', 72],
  ]);
});

const signers = ['example.com/a', 'example.com/b', 'example.com/c'].map((name, i) => createNoteSigner(name, new Uint8Array(32).fill(i + 1)));
const verifiers = signers.map(({ vkey }) => createNoteVerifier(vkey));
const [a, b] = verifiers as [NoteVerifier, NoteVerifier, NoteVerifier];
const text = 'first\n\nsecond\n';
const note = signNote(text, signers);
const [lineA, lineB] = note.slice(text.length + 1).split('\n') as [string, string, string];

describe('openNote', () => {
  test('takes one known key among others', () => {
    expect(openNote(note, [b])).toEqual({ text, signatures: [parseSignatureLine(lineB)] });
    expect(openNote(note, verifiers).signatures).toHaveLength(3);
  });

  test('splits at the last empty line', () => {
    expect(openNote(note, [a]).text).toBe('first\n\nsecond\n');
    const withNoteInside = signNote(note, [signers[0] as (typeof signers)[number]]);
    expect(openNote(withNoteInside, [a]).text).toBe(note);
  });

  test('refuses without a known key', () => {
    expect(refusalOf(() => openNote(note, []))).toBe('note_unverified');
    const sameName = createNoteVerifier(createNoteSigner('example.com/a', new Uint8Array(32).fill(99)).vkey);
    expect(refusalOf(() => openNote(note, [sameName]))).toBe('note_unverified');
    expect(refusalOf(() => openNote(note, [{ ...a, name: 'example.com/other' }]))).toBe('note_unverified');
    // Either the name or the id alone makes no known key: the right one beside them still counts.
    expect(openNote(note, [sameName, { ...a, name: 'example.com/other' }, b]).signatures).toHaveLength(1);
  });

  test('refuses when a known key failed, whatever else is right', () => {
    const bad = formatSignatureLine({ ...parseSignatureLine(lineA), signature: new Uint8Array(64) });
    const forged = `${text}\n${bad}${lineB}\n`;
    expect(refusalOf(() => openNote(forged, [a, b]))).toBe('note_signature');
    expect(openNote(forged, [b]).signatures).toHaveLength(1);
    // Also when the same key signed rightly before.
    expect(refusalOf(() => openNote(`${text}\n${lineA}\n${bad}`, [a]))).toBe('note_signature');
    const otherText = note.replace('first', 'First');
    expect(refusalOf(() => openNote(otherText, [a]))).toBe('note_signature');
  });

  test('counts a key once, however often it signed', () => {
    expect(openNote(`${text}\n${lineA}\n${lineA}\n${lineB}\n`, [a, b]).signatures.map(({ name }) => name)).toEqual([
      'example.com/a',
      'example.com/b',
    ]);
  });
});

describe('parseNote refuses', () => {
  const line = lineA;
  const cases: [string, string][] = [
    ['nothing', ''],
    ['no empty line', `text\n${line}\n`],
    ['no signatures', 'text\n\n'],
    ['no newline at the end', `text\n\n${line}`],
    ['an empty line behind', `text\n\n${line}\n\n`],
    ['another dash', `text\n\n- ${line.slice(2)}\n`],
    ['an en dash', `text\n\n– ${line.slice(2)}\n`],
    ['no dash', `text\n\n${line.slice(2)}\n`],
    ['two spaces', `text\n\n${line.replace(' ', '  ')}\n`],
    ['a space at the end', `text\n\n${line} \n`],
    ['no signature', 'text\n\n— example.com/a\n'],
    ['no name', `text\n\n—  ${line.split(' ')[2]}\n`],
    ['a plus in a name', `text\n\n— a+b ${line.split(' ')[2]}\n`],
    ['a no-break space in a name', `text\n\n— a\u00a0b ${line.split(' ')[2]}\n`],
    ['a line separator in a name', `text\n\n— a\u2028b ${line.split(' ')[2]}\n`],
    ['base64 without padding', `text\n\n— a ${line.split(' ')[2]?.replace(/=+$/, '')}\n`],
    ['URL-safe base64', `text\n\n— a ${encodeBase64(new Uint8Array(68).fill(255)).replaceAll('/', '_')}\n`],
    ['bits behind the last byte', 'text\n\n— a AAAAAAB=\n'],
    ['a key id alone', 'text\n\n— a AAAAAA==\n'],
    ['three bytes', 'text\n\n— a AAAA\n'],
    ['a tab in the text', `te\txt\n\n${line}\n`],
    ['a carriage return', `text\r\n\r\n${line}\r\n`],
    ['a zero byte', `te\u0000xt\n\n${line}\n`],
    ['an escape', `te\u001bxt\n\n${line}\n`],
    ['half of a surrogate pair', `te\ud800xt\n\n${line}\n`],
    ['65 signatures', `text\n\n${`${line}\n`.repeat(65)}`],
    ['a million and one units', `${'x'.repeat(noteLengthMax)}\n\n${line}\n`],
    ['text among the signatures', `text\n\n${line}\ntext\n${line}\n`],
  ];
  test.each(cases)('%s', (_, bad) => {
    expect(refusalOf(() => parseNote(bad))).toBe('note_syntax');
  });

  test('what is no UTF-8', () => {
    expect(refusalOf(() => parseNote(concatBytes(Uint8Array.of(0xff), utf8(note))))).toBe('invalid_utf8');
    expect(refusalOf(() => parseNote(concatBytes(Uint8Array.of(0xc0, 0x80), utf8(note))))).toBe('invalid_utf8');
  });

  test('but takes what the specification takes', () => {
    expect(parseNote(`text\n\n${`${line}\n`.repeat(64)}`).signatures).toHaveLength(64);
    expect(parseNote(`\n\n${line}\n`).text).toBe('\n');
    expect(parseNote(`\u007fDEL and \u0085 are no ASCII control characters below U+0020\n\n${line}\n`).signatures).toHaveLength(1);
    expect(parseNote('text\n\n— ключ AAAAAAA=\n').signatures[0]).toEqual({ name: 'ключ', keyId: 0, signature: Uint8Array.of(0) });
    expect(parseNote(utf8(`\ufefftext\n\n${line}\n`)).text).toBe('\ufefftext\n');
  });
});

test('whatever is taken is printed the same', () => {
  const piece = fc.constantFrom('text', '\n', '\n\n', '— a AAAAAAA=', '— ', 'a', ' ', 'AAAAAAA=', 'AAAAAAB=', '\r', lineA);
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const candidate = pieces.join('');
      if (refusalOf(() => parseNote(candidate)) === 'accepted') expect(formatNote(parseNote(candidate))).toBe(candidate);
    }),
    { numRuns: 3000 },
  );
});

test('signs and formats only what it would parse', () => {
  const [signer] = signers as [(typeof signers)[number]];
  for (const bad of ['', 'text', 'te\txt\n', 'te\ud800\n']) expect(refusalOf(() => signNote(bad, [signer]))).toBe('note_syntax');
  expect(refusalOf(() => signNote('text\n', []))).toBe('note_syntax');
  const signature = { name: 'a', keyId: 1, signature: new Uint8Array(64) };
  expect(refusalOf(() => formatSignatureLine({ ...signature, name: 'a b' }))).toBe('note_syntax');
  expect(refusalOf(() => formatSignatureLine({ ...signature, signature: new Uint8Array(0) }))).toBe('note_syntax');
  expect(parseSignatureLine(formatSignatureLine({ ...signature, keyId: 0xffffffff }).trimEnd()).keyId).toBe(0xffffffff);
});

test('key names', () => {
  for (const good of ['a', 'example.com/log', 'é', '😀', 'a_b-c.d']) expect(isKeyName(good)).toBe(true);
  for (const bad of ['', 'a b', 'a+b', 'a\tb', 'a\nb', 'a\u0085b', 'a\u2003b', 'a\u3000b', 'a\u0001b', '\ud800']) expect(isKeyName(bad)).toBe(false);
});
