/** Signatures of certificates and time stamps, made by Node's own crypto. */
import { constants, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Der, readDer } from '../../src/verify/time-stamp/der.ts';
import { hashOf, isSignedBy } from '../../src/verify/time-stamp/signature.ts';
import { der, oid } from './der-builder.ts';

const nothing = der(5);
const sequence = (...parts: Uint8Array[]): Uint8Array => der(0x30, ...parts);
const hashOids = { sha256: '2.16.840.1.101.3.4.2.1', sha384: '2.16.840.1.101.3.4.2.2', sha512: '2.16.840.1.101.3.4.2.3' } as const;
const rsaOids = { sha256: '1.2.840.113549.1.1.11', sha384: '1.2.840.113549.1.1.12', sha512: '1.2.840.113549.1.1.13' } as const;
const ecOids = { sha256: '1.2.840.10045.4.3.2', sha384: '1.2.840.10045.4.3.3', sha512: '1.2.840.10045.4.3.4' } as const;
const names = ['sha256', 'sha384', 'sha512'] as const;
const message = Uint8Array.from(randomBytes(100));

function pss(hash: keyof typeof hashOids, saltBytes: number, mask = hash, ...more: Uint8Array[]): Uint8Array {
  const of = (name: keyof typeof hashOids): Uint8Array => sequence(oid(hashOids[name]), nothing);
  const salt = der(0xa2, der(2, Uint8Array.of(saltBytes)));
  return sequence(
    oid('1.2.840.113549.1.1.10'),
    sequence(der(0xa0, of(hash)), der(0xa1, sequence(oid('1.2.840.113549.1.1.8'), of(mask))), salt, ...more),
  );
}

const spki = (key: KeyObject): Der => readDer(Uint8Array.from(key.export({ type: 'spki', format: 'der' })));
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const key = spki(rsa.publicKey);

describe('RSA', () => {
  test.each(names)('PKCS #1 with %s', (name) => {
    const signature = Uint8Array.from(sign(name, message, rsa.privateKey));
    const is = (algorithm: Uint8Array, changed: Partial<Parameters<typeof isSignedBy>[0]> = {}): boolean =>
      isSignedBy({ message, signature, algorithm: readDer(algorithm), publicKey: key, ...changed });
    const algorithm = sequence(oid(rsaOids[name]), nothing);
    expect(is(algorithm)).toBe(true);
    expect(is(sequence(oid(rsaOids[name])))).toBe(true);
    expect(is(algorithm, { digest: hashOids[name] })).toBe(true);
    // The key's own name for it, where the digest stands beside it.
    const plain = sequence(oid('1.2.840.113549.1.1.1'), nothing);
    expect(is(plain, { digest: hashOids[name] })).toBe(true);
    expect(is(plain)).toBe(false);
    expect(is(algorithm, { digest: hashOids[name === 'sha256' ? 'sha384' : 'sha256'] })).toBe(false);
    expect(is(algorithm, { message: message.subarray(1) })).toBe(false);
    expect(is(algorithm, { signature: signature.subarray(1) })).toBe(false);
    expect(is(algorithm, { signature: new Uint8Array(256).fill(0xff) })).toBe(false);
    expect(is(sequence(oid('1.2.840.113549.1.1.5'), nothing))).toBe(false);
    expect(is(sequence(oid(rsaOids[name]), der(5, 0)))).toBe(false);
    expect(is(sequence(oid(ecOids[name])))).toBe(false);
  });

  test.each(names)('PSS with %s, and any salt', (name) => {
    for (const saltBytes of [0, 20, 32, 64]) {
      const signature = Uint8Array.from(
        sign(name, message, { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: saltBytes }),
      );
      const is = (algorithm: Uint8Array, of = message): boolean =>
        isSignedBy({ message: of, signature, algorithm: readDer(algorithm), publicKey: key });
      expect(is(pss(name, saltBytes))).toBe(true);
      expect(is(pss(name, saltBytes + 1))).toBe(false);
      expect(is(pss(name, 127))).toBe(false);
      expect(is(pss(name, saltBytes, name === 'sha256' ? 'sha512' : 'sha256'))).toBe(false);
      expect(is(pss(name, saltBytes, name, der(0xa3, der(2, 1))))).toBe(false);
      expect(is(pss(name, saltBytes), message.subarray(1))).toBe(false);
      expect(is(sequence(oid('1.2.840.113549.1.1.10'), sequence()))).toBe(false);
      // The one padding is not the other.
      expect(is(sequence(oid(rsaOids[name]), nothing))).toBe(false);
    }
    const pkcs = Uint8Array.from(sign(name, message, rsa.privateKey));
    expect(isSignedBy({ message, signature: pkcs, algorithm: readDer(pss(name, 32)), publicKey: key })).toBe(false);
  });

  test('keys that are too weak, or none', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 });
    const algorithm = readDer(sequence(oid(rsaOids.sha256), nothing));
    const signature = Uint8Array.from(sign('sha256', message, weak.privateKey));
    expect(isSignedBy({ message, signature, algorithm, publicKey: spki(weak.publicKey) })).toBe(false);
    const made = (n: Uint8Array, e: Uint8Array): Der =>
      readDer(sequence(sequence(oid('1.2.840.113549.1.1.1'), nothing), der(3, 0, sequence(der(2, 0, n), der(2, e)))));
    const modulus = Uint8Array.from({ length: 256 }, (_, i) => (i === 0 ? 0x80 : i === 255 ? 1 : 0));
    const one = new Uint8Array(256).fill(0, 0, 255);
    one[255] = 1;
    // e = 1 would make everything its own signature; an even modulus or exponent is none.
    for (const publicKey of [
      made(modulus, Uint8Array.of(1)),
      made(modulus, Uint8Array.of(4)),
      made(modulus, Uint8Array.of(0x7f, 1, 1, 1, 1, 1)),
      made(
        modulus.map((byte, i) => (i === 255 ? 2 : byte)),
        Uint8Array.of(3),
      ),
      made(new Uint8Array(1_025).fill(0xff), Uint8Array.of(3)),
      readDer(sequence(sequence(oid('1.2.840.113549.1.1.1')), der(3, 1, 0))),
      readDer(sequence()),
    ])
      expect(isSignedBy({ message, signature: one, algorithm, publicKey })).toBe(false);
  });
});

describe('ECDSA', () => {
  test.each(['P-256', 'P-384', 'P-521'])('%s with each digest', (namedCurve) => {
    const pair = generateKeyPairSync('ec', { namedCurve });
    for (const name of names) {
      const signature = Uint8Array.from(sign(name, message, pair.privateKey));
      const publicKey = spki(pair.publicKey);
      const algorithm = readDer(sequence(oid(ecOids[name])));
      expect(isSignedBy({ message, signature, algorithm, publicKey })).toBe(true);
      expect(isSignedBy({ message: message.subarray(1), signature, algorithm, publicKey })).toBe(false);
      expect(isSignedBy({ message, signature: signature.subarray(1), algorithm, publicKey })).toBe(false);
      expect(isSignedBy({ message, signature, algorithm: readDer(sequence(oid(ecOids[name]), nothing)), publicKey })).toBe(false);
      expect(isSignedBy({ message, signature, algorithm, publicKey: key })).toBe(false);
    }
  });

  test('a curve that is not known here', () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    const signature = Uint8Array.from(sign('sha256', message, pair.privateKey));
    expect(isSignedBy({ message, signature, algorithm: readDer(sequence(oid(ecOids.sha256))), publicKey: spki(pair.publicKey) })).toBe(false);
  });
});

test('digests: those that hold, and no others', () => {
  expect(hashOf(readDer(sequence(oid(hashOids.sha384))))).toMatchObject({ bytes: 48, oid: hashOids.sha384 });
  expect(() => hashOf(readDer(sequence(oid('1.3.14.3.2.26'), nothing)))).toThrow(expect.objectContaining({ code: 'time_stamp_unsupported' }));
});
