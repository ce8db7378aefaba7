import { describe, expect, test } from 'vitest';
import { encodeBase64 } from '../../src/core/base64.ts';
import { concatBytes } from '../../src/core/bytes.ts';
import { signNote } from '../../src/log/note.ts';
import {
  createNoteSigner,
  createNoteVerifier,
  formatSigningKey,
  formatVerifierKey,
  keyIdOf,
  parseSigningKey,
  parseVerifierKey,
  signatureTypes,
} from '../../src/log/note-key.ts';
import vectors from '../vectors/signed-note.json' with { type: 'json' };
import { refusalOf } from './refusal.ts';

const published = vectors.notes.flatMap(({ vkey, skey, text, note }) => (skey ? [{ vkey, skey, text, note }] : []))[0] as {
  vkey: string;
  skey: string;
  text: string;
  note: string;
};

test.each(vectors.notes)('$vkey comes back', ({ vkey }) => {
  const { name, type, publicKey } = parseVerifierKey(vkey);
  expect(formatVerifierKey(name, type, publicKey)).toBe(vkey);
});

test('Go’s private key makes Go’s signature', () => {
  const { name, keyId, seed } = parseSigningKey(published.skey);
  expect(name).toBe('PeterNeumann');
  expect(keyId).toBe(0xc74f20a3);
  expect(formatSigningKey(name, seed)).toBe(published.skey);
  const signer = createNoteSigner(name, seed);
  expect(signer.vkey).toBe(published.vkey);
  expect(signNote(published.text, [signer])).toBe(published.note);
});

test('the same key has another id as a cosigner’s', () => {
  const { name, publicKey } = parseVerifierKey(published.vkey);
  const cosigner = formatVerifierKey(name, signatureTypes.cosignature, publicKey);
  expect(parseVerifierKey(cosigner).type).toBe(4);
  expect(parseVerifierKey(cosigner).keyId).not.toBe(keyIdOf(name, signatureTypes.ed25519, publicKey));
  expect(refusalOf(() => createNoteVerifier(cosigner))).toBe('vkey_type');
});

describe('refuses as a verifier key', () => {
  test.each(vectors.badVkeys)('$why', ({ vkey }) => {
    expect(refusalOf(() => parseVerifierKey(vkey))).toMatch(/^vkey_/);
  });

  test('every part of one, and every other character', () => {
    const { vkey } = published;
    for (let from = 0; from <= vkey.length; from++) {
      for (let to = from; to <= vkey.length; to++) {
        if (to - from < vkey.length) expect(refusalOf(() => parseVerifierKey(vkey.slice(from, to)))).not.toBe('accepted');
      }
    }
    for (let i = 0; i < vkey.length; i++) {
      for (const step of [1, -1]) {
        const other = vkey.slice(0, i) + String.fromCharCode(vkey.charCodeAt(i) + step) + vkey.slice(i + 1);
        expect(refusalOf(() => parseVerifierKey(other))).not.toBe('accepted');
      }
    }
  });

  test('upper-case ids, base64 that is not canonical, a type of another kind', () => {
    const { vkey } = published;
    const [name, id, key] = vkey.split('+') as [string, string, string];
    expect(refusalOf(() => parseVerifierKey(`${name}+${id.toUpperCase()}+${key}`))).toBe('vkey_syntax');
    expect(refusalOf(() => parseVerifierKey(`${name}+${id}+${key}=`))).toBe('vkey_syntax');
    expect(refusalOf(() => parseVerifierKey(`${name}+${id}`))).toBe('vkey_syntax');
    expect(refusalOf(() => parseVerifierKey(`${name}+${id}+`))).toBe('vkey_type');
    expect(refusalOf(() => parseVerifierKey(`a b+${id}+${key}`))).toBe('vkey_syntax');
    const mldsa = `${name}+${id}+${encodeBase64(concatBytes(Uint8Array.of(6), new Uint8Array(1312)))}`;
    expect(refusalOf(() => parseVerifierKey(mldsa))).toBe('vkey_type');
  });

  test('a key of small order', () => {
    const vkey = formatVerifierKey('a', signatureTypes.ed25519, new Uint8Array(32));
    expect(refusalOf(() => createNoteVerifier(vkey))).toBe('ed25519_public_key');
  });
});

describe('refuses as a signing key', () => {
  const { skey } = published;
  const [, , name, id, key] = skey.split('+') as [string, string, string, string, string];
  const seed = parseSigningKey(skey).seed;
  test.each([
    ['without its prefix', skey.slice('PRIVATE+KEY+'.length)],
    ['in lower case', skey.replace('PRIVATE', 'private')],
    ['with another name', skey.replace(name, 'Another')],
    ['with another id', skey.replace(id, '00000000')],
    ['with an upper-case id', skey.replace(id, id.toUpperCase())],
    ['cut', skey.slice(0, -4)],
    ['of another type', skey.replace(key, encodeBase64(concatBytes(Uint8Array.of(4), seed)))],
    ['with 33 bytes', skey.replace(key, encodeBase64(concatBytes(Uint8Array.of(1), seed, Uint8Array.of(0))))],
    ['with no base64', skey.replace(key, '!!!!')],
    ['with nothing', 'PRIVATE+KEY+'],
  ])('one %s, without repeating it', (_, bad) => {
    expect(refusalOf(() => parseSigningKey(bad))).toBe('signing_key_syntax');
    try {
      parseSigningKey(bad);
    } catch (error) {
      expect(String(error)).not.toContain(key);
    }
  });

  test('names and keys that cannot be', () => {
    expect(refusalOf(() => formatSigningKey('a b', seed))).toBe('signing_key_syntax');
    expect(refusalOf(() => createNoteSigner('a+b', seed))).toBe('signing_key_syntax');
    expect(refusalOf(() => createNoteSigner('a', seed.subarray(1)))).toBe('ed25519_seed');
    expect(refusalOf(() => formatVerifierKey('', signatureTypes.ed25519, new Uint8Array(32)))).toBe('vkey_syntax');
    expect(refusalOf(() => formatVerifierKey('a', signatureTypes.ed25519, new Uint8Array(31)))).toBe('vkey_syntax');
  });
});
