import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex, uint32be, utf8 } from '../../src/core/bytes.ts';
import type { Random } from '../../src/core/random.ts';
import { importKey, openBucketKey, openSealedToken, sealBucketKey, type BucketPlace, sealToken } from '../../src/vault/sealing.ts';
import { checkNeeds, checkToken, createLookup, formatScope, formatToken, parseToken, tokenOf } from '../../src/vault/token.ts';
import vectors from '../vectors/token.json' with { type: 'json' };
import { errorOf } from './open-vault.ts';

const fixed = (bytes: Uint8Array): Random => ({ bytes: () => bytes });
const part = (text: string): Uint8Array => Buffer.concat([uint32be(utf8(text).length), utf8(text)]);

describe('golden vectors', () => {
  it.each(vectors.tokens)('$kind in $scope', (vector) => {
    const { origin, kind, canonical, value } = vector;
    const r = fromHex(vector.r);
    const token = tokenOf({ r, origin, kind, canonical });
    expect(formatToken(token)).toBe(vector.token);
    expect(parseToken(vector.token)).toEqual(token);
    expect(toHex(createLookup(fromHex(vector.lookupKey))(vector.scope, kind, canonical))).toBe(vector.lookup);
    const key = importKey(fromHex(vector.bucketKey));
    expect(toHex(sealToken(token, kind, { r, canonical, value }, key, fromHex(vector.nonce)))).toBe(vector.sealed);
    expect(openSealedToken(token, kind, fromHex(vector.sealed), key)).toEqual({ r, canonical, value });
  });

  it.each(vectors.bucketKeys)('a key of $place', (vector) => {
    const root = { version: vector.rootVersion, key: fromHex(vector.root) };
    const place = vector.place as BucketPlace;
    expect(toHex(sealBucketKey(place, fromHex(vector.key), root, fixed(fromHex(vector.nonce))))).toBe(vector.sealed);
    expect(toHex(openBucketKey(place, fromHex(vector.sealed), [{ version: 1000, key: new Uint8Array(32) }, root]))).toBe(vector.key);
  });
});

describe('a token', () => {
  const opening = { r: new Uint8Array(32).fill(7), origin: 'example.org/log', kind: 'email', canonical: 'ada@example.org' };

  it('commits to all of its opening', () => {
    const token = tokenOf(opening);
    expect(checkToken(token, opening)).toBe(true);
    for (const other of [{ r: new Uint8Array(32) }, { origin: 'example.org/lo' }, { kind: 'emai' }, { canonical: 'ada@example.or' }]) {
      expect(checkToken(token, { ...opening, ...other })).toBe(false);
    }
    // Where one part ends and the next begins counts.
    expect(checkToken(token, { ...opening, origin: 'example.org/loge', kind: 'mail' })).toBe(false);
  });

  it('has one spelling', () => {
    const text = formatToken(tokenOf(opening));
    expect(text).toMatch(/^tok_[A-Za-z0-9_-]{27}$/);
    for (const wrong of [
      '',
      'tok_',
      text.slice(0, -1),
      `${text}A`,
      text.replace('tok_', 'TOK_'),
      `${text.slice(0, -1)}=`,
      `tok_${'A'.repeat(26)}B`,
    ]) {
      expect(() => parseToken(wrong)).toThrow(errorOf('token_syntax'));
    }
  });
});

describe('a lookup', () => {
  it('is HMAC-SHA-256 over parts with their lengths', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.string({ unit: 'binary' }),
        fc.string(),
        fc.string({ maxLength: 3000 }),
        (key, a, b, c) => {
          const expected = createHmac('sha256', key).update(part(a)).update(part(b)).update(part(c)).digest('hex');
          expect(toHex(createLookup(key)(a, b, c))).toBe(expected);
        },
      ),
    );
  });
});

describe('what is sealed', () => {
  const key = importKey(new Uint8Array(32).fill(1));
  const nonce = new Uint8Array(12);
  const token = new Uint8Array(20).fill(2);
  const content = { r: new Uint8Array(32).fill(3), canonical: 'ada', value: 'Ada' };

  it('opens only as it was sealed', () => {
    const sealed = sealToken(token, 'email', content, key, nonce);
    expect(openSealedToken(token, 'email', sealed, key)).toEqual(content);
    const refused = errorOf('token_damaged');
    expect(() => openSealedToken(token, 'emai', sealed, key)).toThrow(refused);
    expect(() => openSealedToken(new Uint8Array(20), 'email', sealed, key)).toThrow(refused);
    expect(() => openSealedToken(token, 'email', sealed, importKey(new Uint8Array(32)))).toThrow(refused);
    for (let at = 0; at < sealed.length; at++) {
      const flipped = sealed.map((byte, i) => (i === at ? byte ^ 1 : byte));
      expect(() => openSealedToken(token, 'email', flipped, key)).toThrow(refused);
      expect(() => openSealedToken(token, 'email', sealed.subarray(0, at), key)).toThrow(refused);
    }
  });

  it('hides the exact length of a value', () => {
    const sizes = new Set(
      ['a', 'al', 'alexandra', 'alexandra.longname'].map(
        (canonical) => sealToken(token, 'k', { ...content, canonical, value: canonical }, key, nonce).length,
      ),
    );
    expect(sizes.size).toBe(1);
  });

  it('keeps any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary', minLength: 1 }), (canonical, value) => {
        fc.pre(value.isWellFormed() && canonical.isWellFormed());
        expect(openSealedToken(token, 'k', sealToken(token, 'k', { ...content, canonical, value }, key, nonce), key)).toEqual({
          ...content,
          canonical,
          value,
        });
      }),
    );
  });

  it('as a bucket key opens at its place and under its root only', () => {
    const root = { version: 2, key: new Uint8Array(32).fill(9) };
    const place = { log: 'default', bucket: 1 };
    const sealed = sealBucketKey(place, new Uint8Array(32).fill(5), root, fixed(nonce));
    const refused = errorOf('bucket_key_damaged');
    expect(() => openBucketKey({ log: 'default', bucket: 2 }, sealed, [root])).toThrow(refused);
    expect(() => openBucketKey({ log: 'other', bucket: 1 }, sealed, [root])).toThrow(refused);
    expect(() => openBucketKey({ scope: 'default', origin: '', bucket: 1 }, sealed, [root])).toThrow(refused);
    expect(() => openBucketKey(place, sealed, [{ ...root, key: new Uint8Array(32) }])).toThrow(refused);
    expect(() => openBucketKey(place, sealed.subarray(0, 20), [root])).toThrow(refused);
    expect(() => openBucketKey(place, sealed.subarray(0, 3), [root])).toThrow(refused);
    expect(() => openBucketKey(place, Uint8Array.of(2, ...sealed.subarray(1)), [root])).toThrow(refused);
    const short = sealBucketKey(place, new Uint8Array(31), root, fixed(nonce));
    expect(() => openBucketKey(place, short, [root])).toThrow(refused);
    expect(() => openBucketKey(place, sealed, [{ ...root, version: 3 }])).toThrow(errorOf('root_missing'));
  });
});

describe('a need', () => {
  it('without what a token must commit to is refused, and not repeated', () => {
    const good = { kind: 'email', canonical: 'secret', value: 'Secret' };
    checkNeeds('o', 's', [good]);
    const wrong = [
      { kind: '' },
      { kind: 'k'.repeat(65) },
      { canonical: '' },
      { canonical: 'secret\ud800' },
      { value: '' },
      { value: 'x'.repeat(1_048_577) },
    ];
    for (const change of wrong) {
      expect(() => checkNeeds('o', 's', [good, { ...good, ...change }])).toThrow(errorOf('token_need'));
      expect(() => checkNeeds('o', 's', [{ ...good, ...change }])).toThrow(/^(?!.*secret)/i);
    }
    expect(() => checkNeeds('', 's', [good])).toThrow(errorOf('token_need'));
    expect(() => checkNeeds('o', '', [good])).toThrow(errorOf('token_need'));
    expect(() => checkNeeds('o', 's', [{ ...good, canonical: 5 as unknown as string }])).toThrow(errorOf('token_need'));
  });

  it('has a scope that says where the same value has the same token', () => {
    expect(formatScope({ of: 'installation' })).toBe('installation');
    expect(formatScope({ of: 'log', name: 'a' })).not.toBe(formatScope({ of: 'tenant', name: 'a' }));
  });
});
