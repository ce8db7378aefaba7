import { createHmac, createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase64, decodeBase64url, encodeBase64, encodeBase64url } from '../../src/core/base64.ts';
import {
  compareUtf8,
  concatBytes,
  decodeUtf8,
  equalBytes,
  equalConstantTime,
  fromHex,
  toHex,
  uint16be,
  uint32be,
  uint64be,
  utf8,
} from '../../src/core/bytes.ts';
import { systemRandom } from '../../src/core/random.ts';
import { createMac, hmacSha256, portable, sha256, shake256 } from '../../src/core/sha256.ts';

const bytes = fc.uint8Array({ maxLength: 300 });

describe('base64', () => {
  test('agrees with Node, both ways', () => {
    fc.assert(
      fc.property(bytes, (data) => {
        expect(encodeBase64(data)).toBe(Buffer.from(data).toString('base64'));
        expect(encodeBase64url(data)).toBe(Buffer.from(data).toString('base64url'));
        expect(decodeBase64(encodeBase64(data))).toEqual(data);
        expect(decodeBase64url(encodeBase64url(data))).toEqual(data);
      }),
    );
  });

  test('decodes only what encoding would print', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('A', 'B', 'z', '9', '+', '/', '=', '-', ' '), maxLength: 9 }), (text) => {
        let decoded: Uint8Array | undefined;
        try {
          decoded = decodeBase64(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_base64' });
        }
        if (decoded) expect(encodeBase64(decoded)).toBe(text);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('hashes', () => {
  test('native, portable and Node agree', () => {
    fc.assert(
      fc.property(bytes, bytes, (key, data) => {
        const expected = new Uint8Array(createHash('sha256').update(data).digest());
        expect(new Uint8Array(sha256(data))).toEqual(expected);
        expect(portable.sha256(data)).toEqual(expected);
        expect(new Uint8Array(shake256(data, 77))).toEqual(portable.shake256(data, 77));
        expect(new Uint8Array(hmacSha256(key, data))).toEqual(new Uint8Array(createHmac('sha256', key).update(data).digest()));
      }),
    );
  });

  test('one MAC serves many messages', () => {
    const mac = createMac(utf8('key'));
    const first = toHex(mac(utf8('a')));
    mac(utf8('b'));
    expect(toHex(mac(utf8('a')))).toBe(first);
  });
});

describe('bytes', () => {
  test('hex both ways, and nothing else', () => {
    expect(toHex(Uint8Array.of(0, 15, 255))).toBe('000fff');
    expect(fromHex('000fff')).toEqual(Uint8Array.of(0, 15, 255));
    for (const text of ['0', 'AA', 'zz', '0x00']) expect(() => fromHex(text)).toThrow(expect.objectContaining({ code: 'invalid_hex' }));
  });

  test('integers are big-endian and bounded', () => {
    expect(concatBytes(uint16be(258), uint32be(16_909_060), uint64be(2 ** 53 - 1))).toEqual(
      Uint8Array.of(1, 2, 1, 2, 3, 4, 0, 31, 255, 255, 255, 255, 255, 255),
    );
    for (const bad of [-1, 65_536, 0.5]) expect(() => uint16be(bad)).toThrow(RangeError);
    for (const bad of [-1, 2 ** 32, 0.5]) expect(() => uint32be(bad)).toThrow(RangeError);
    for (const bad of [-1, 2 ** 53, 0.5]) expect(() => uint64be(bad)).toThrow(RangeError);
  });

  test('equality', () => {
    for (const equal of [equalBytes, equalConstantTime]) {
      expect(equal(utf8('abc'), utf8('abc'))).toBe(true);
      expect(equal(utf8('abc'), utf8('abd'))).toBe(false);
      expect(equal(utf8('abc'), utf8('ab'))).toBe(false);
    }
  });

  test('compareUtf8 orders as the bytes do', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}', '퟿'), maxLength: 4 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
      { numRuns: 5000 },
    );
  });

  test('UTF-8 is strict, and keeps a byte order mark', () => {
    expect(decodeUtf8(utf8('\ufeffé'))).toBe('\ufeffé');
    expect(() => decodeUtf8(Uint8Array.of(0xc0, 0x80))).toThrow(expect.objectContaining({ code: 'invalid_utf8' }));
  });

  test('random bytes come in any length', () => {
    expect(systemRandom.bytes(100_000)).toHaveLength(100_000);
    expect(toHex(systemRandom.bytes(16))).not.toBe(toHex(systemRandom.bytes(16)));
  });
});
