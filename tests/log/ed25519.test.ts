import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { concatBytes, fromHex, toHex, utf8 } from '../../src/core/bytes.ts';
import * as native from '../../src/log/ed25519.ts';
import vectors from '../vectors/ed25519.json' with { type: 'json' };
import { importPortable } from './portable.ts';

let portable: typeof native;
beforeAll(async () => {
  portable = await importPortable(() => import('../../src/log/ed25519.ts'));
  expect(portable).not.toBe(native);
});

const order = ed25519.Point.CURVE().n;
const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** The code of the refusal; the portable modules have an error class of their own. */
const codeOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return 'accepted';
};

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

function toBigInt(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** Both implementations say the same; what they say. */
function verdict(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const answers = [native, portable].map((one) => one.createEd25519Verifier(publicKey)(message, signature));
  expect(answers[0]).toBe(answers[1]);
  return answers[0] as boolean;
}

test.each(vectors.cases)('RFC 8032: $publicKey', (vector) => {
  for (const one of [native, portable]) {
    const signer = one.createEd25519Signer(fromHex(vector.seed));
    expect(toHex(signer.publicKey)).toBe(vector.publicKey);
    expect(toHex(signer.sign(fromHex(vector.message)))).toBe(vector.signature);
  }
  expect(verdict(fromHex(vector.publicKey), fromHex(vector.message), fromHex(vector.signature))).toBe(true);
});

test('native and portable make and take the same signatures', () => {
  fc.assert(
    fc.property(seed, fc.uint8Array({ maxLength: 100 }), fc.nat(511), (key, message, bit) => {
      const signature = native.createEd25519Signer(key).sign(message);
      const other = portable.createEd25519Signer(key);
      expect(signature).toBeInstanceOf(Uint8Array);
      expect(Buffer.isBuffer(signature)).toBe(false);
      expect(toHex(other.sign(message))).toBe(toHex(signature));
      expect(verdict(other.publicKey, message, signature)).toBe(true);
      expect(verdict(other.publicKey, concatBytes(message, Uint8Array.of(0)), signature)).toBe(false);
      const at = Math.floor(bit / 8);
      expect(verdict(other.publicKey, message, signature.with(at, (signature[at] as number) ^ (1 << (bit % 8))))).toBe(false);
    }),
    { numRuns: 15 },
  );
});

describe('one signature is written in one way', () => {
  const signer = native.createEd25519Signer(new Uint8Array(32).fill(7));
  const message = utf8('a message');
  const signature = signer.sign(message);

  test('S + L is refused, and so is every S from L on', () => {
    const s = toBigInt(signature.subarray(32));
    for (const bad of [s + order, order, order + 1n, 2n ** 255n - 1n, 2n ** 256n - 1n]) {
      expect(verdict(signer.publicKey, message, concatBytes(signature.subarray(0, 32), littleEndian(bad)))).toBe(false);
    }
  });

  test('lengths other than 64', () => {
    for (const bad of [new Uint8Array(0), signature.subarray(1), signature.subarray(0, 63), concatBytes(signature, Uint8Array.of(0))]) {
      expect(verdict(signer.publicKey, message, bad)).toBe(false);
    }
  });

  test('R that is not canonical, or no point', () => {
    const p = 2n ** 255n - 19n;
    for (const r of [p, p + 1n, p + 2n, 2n ** 255n - 1n, 2n ** 255n, 2n]) {
      expect(verdict(signer.publicKey, message, concatBytes(littleEndian(r), signature.subarray(32)))).toBe(false);
    }
  });

  test('one that holds only times the cofactor is refused by both', () => {
    // R' = R + T with T of order 8: [8]([S]B − [k]A − R') = 0, but [S]B − [k]A ≠ R'. Signed with the secret scalar, so k is that of R'.
    const torsion = ed25519.Point.fromBytes(fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'));
    const { scalar, pointBytes } = ed25519.utils.getExtendedPublicKey(new Uint8Array(32).fill(7));
    const nonce = 123_456_789n;
    const r = ed25519.Point.BASE.multiply(nonce).add(torsion).toBytes();
    const k = toBigInt(sha512(concatBytes(r, pointBytes, message))) % order;
    const crafted = concatBytes(r, littleEndian((nonce + k * scalar) % order));
    expect(ed25519.verify(crafted, message, pointBytes)).toBe(true); // with the cofactor, it would pass
    expect(verdict(pointBytes, message, crafted)).toBe(false);
  });
});

describe('refuses as a public key', () => {
  const p = 2n ** 255n - 19n;
  const keys: [string, Uint8Array][] = [
    ['31 bytes', new Uint8Array(31)],
    ['33 bytes', new Uint8Array(33)],
    ['the neutral element', littleEndian(1n)],
    ['the point of order 2', littleEndian(p - 1n)],
    ['a point of order 4', littleEndian(0n)],
    ['the other point of order 4', littleEndian(2n ** 255n)],
    ['a point of order 8', fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')],
    ['another point of order 8', fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa')],
    ['y = p, another way to write 0', littleEndian(p)],
    ['y = p + 1, another way to write 1', littleEndian(p + 1n)],
    ['y = 2^255 − 1', littleEndian(2n ** 255n - 1n)],
    ['x = 0 with a sign', littleEndian(1n + 2n ** 255n)],
    ['no point of the curve', littleEndian(2n)],
  ];
  test.each(keys)('%s', (_, key) => {
    for (const one of [native, portable]) expect(codeOf(() => one.createEd25519Verifier(key))).toBe('ed25519_public_key');
  });

  test('and as a seed what has not 32 bytes', () => {
    for (const one of [native, portable]) {
      for (const length of [0, 31, 33, 64]) expect(codeOf(() => one.createEd25519Signer(new Uint8Array(length)))).toBe('ed25519_seed');
    }
  });
});

test('a signer does not change with the array it was made from', () => {
  for (const one of [native, portable]) {
    const key = new Uint8Array(32).fill(1);
    const signer = one.createEd25519Signer(key);
    const before = toHex(signer.sign(utf8('x')));
    key.fill(2);
    expect(toHex(signer.sign(utf8('x')))).toBe(before);
  }
});
