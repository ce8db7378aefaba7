/** Transactions of Arweave: those that its own library made, and everything that is not quite one. */
import { generateKeyPairSync, sign, verify, constants } from 'node:crypto';
import library from 'arweave';
import { beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import { sha256 } from '../../src/core/sha256.ts';
import { verifyArweaveTransaction } from '../../src/verify/arweave.ts';
import { isPssSignature, type RsaKey } from '../../src/verify/rsa.ts';
import { rawTransaction } from './arweave-transaction.ts';

const text = 'example.com/log\n42\nAAAA\n\n— example.com/log AAAA\n';
const data = utf8(text);
let good: JsonObject;
beforeAll(async () => {
  good = await rawTransaction(text);
});

function accepts(transaction: JsonValue | undefined, of = data): boolean {
  try {
    verifyArweaveTransaction(transaction, of);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'arweave_transaction' });
    return false;
  }
}

test('one that the network’s own library made is taken, and says id and wallet as the library does', async () => {
  const address = await library.init({}).wallets.ownerToAddress(good['owner'] as string);
  expect(verifyArweaveTransaction(good, data)).toEqual({ id: good['id'], address });
  for (const same of ['', Buffer.from(data).toString('base64url')]) expect(accepts({ ...good, data: same })).toBe(true);
  // What is not signed must not say otherwise, or more.
  for (const more of [{ data: 'AAAA' }, { data: 1 }, { data_tree: ['AA'] }, { block: 'made up' }, { timestamp: 5 }])
    expect(accepts({ ...good, ...more } as JsonObject), JSON.stringify(more)).toBe(false);
  const [tag] = good['tags'] as JsonObject[];
  expect(accepts({ ...good, tags: [{ ...tag, more: 1 }] })).toBe(false);
  const long = 'x'.repeat(262_143);
  expect(accepts(await rawTransaction(long), utf8(long))).toBe(true);
  const longer = `${long}x`;
  expect(accepts(await rawTransaction(longer), utf8(longer)), 'of two chunks').toBe(false);
});

test('what is signed, but no number or place of the network, is refused', async () => {
  for (const signed of [{ target: 'A'.repeat(43) }, { last_tx: 'A'.repeat(43) }, { quantity: '100' }])
    expect(accepts(await rawTransaction(text, signed)), JSON.stringify(signed)).toBe(true);
  for (const signed of [{ quantity: 'not a number' }, { quantity: '01' }, { reward: '-5' }, { reward: '' }, { last_tx: 'AAAA' }, { target: 'AAAA' }])
    expect(accepts(await rawTransaction(text, signed)), JSON.stringify(signed)).toBe(false);
});

test('of a form that is not known here nothing is said, neither that it is one nor that it is none', () => {
  const ecdsa = { owner: '', signature: Buffer.alloc(65, 1).toString('base64url') };
  for (const form of [{ format: 3 }, { signature_type: 2 }, { signature_type: '3' }, ecdsa])
    expect(() => verifyArweaveTransaction({ ...good, ...form }, data), JSON.stringify(form)).toThrow(
      expect.objectContaining({ code: 'arweave_unsupported' }),
    );
});

test('of other bytes, or with any member changed, it is none', async () => {
  expect(accepts(good, utf8(text.replace('42', '43')))).toBe(false);
  const otherTags = [{ name: 'QQ', value: 'QQ' }];
  const changes: Record<string, JsonValue[]> = {
    format: [1, '2', 2.5],
    id: ['A'.repeat(43), ''],
    owner: [(await rawTransaction(text))['owner'] as string, '', 'AQAB'],
    target: ['QQ'],
    quantity: ['1'],
    reward: ['999', 999],
    last_tx: ['QQ'],
    tags: [
      [],
      otherTags,
      [...(good['tags'] as JsonValue[]), ...otherTags],
      'x',
      [1],
      [{ name: 'QQ' }],
      Array.from({ length: 200 }, () => otherTags[0] as JsonValue),
    ],
    data_size: [String(data.length + 1), `0${good['data_size'] as string}`, data.length],
    data_root: ['A'.repeat(43), `${good['data_root'] as string}=`],
    signature: ['A'.repeat(342), '', 'AQAB', 'no base64!'],
  };
  for (const [name, values] of Object.entries(changes)) {
    for (const value of values) expect(accepts({ ...good, [name]: value }), `${name}: ${JSON.stringify(value).slice(0, 40)}`).toBe(false);
    const { [name]: _left, ...rest } = good;
    expect(accepts(rest), `without ${name}`).toBe(false);
  }
  for (const nothing of [undefined, null, [], 'x', {}]) expect(accepts(nothing)).toBe(false);
});

test('every character of it that is signed counts', () => {
  const signature = good['signature'] as string;
  for (let i = 0; i < signature.length; i += 7) {
    const bent = `${signature.slice(0, i)}${signature[i] === 'A' ? 'B' : 'A'}${signature.slice(i + 1)}`;
    expect(accepts({ ...good, signature: bent }), `character ${i}`).toBe(false);
  }
});

describe('RSASSA-PSS', () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { n = '' } = pair.publicKey.export({ format: 'jwk' });
  const key: RsaKey = { modulus: Buffer.from(n, 'base64url'), exponent: Uint8Array.of(1, 0, 1) };
  const digest = { bytes: 32, hash: sha256 };

  test('agrees with OpenSSL on the salt’s length, said or found', () => {
    for (const saltLength of [0, 1, 20, 32, 222]) {
      const options = { key: pair.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
      const signature = sign('sha256', data, options);
      expect(verify('sha256', data, { ...options, key: pair.publicKey }, signature)).toBe(true);
      expect(isPssSignature(digest, data, signature, key)).toBe(true);
      expect(isPssSignature(digest, data, signature, key, saltLength)).toBe(true);
      expect(isPssSignature(digest, data, signature, key, saltLength + 1)).toBe(false);
      expect(isPssSignature(digest, utf8('x'), signature, key)).toBe(false);
    }
  });

  test('refuses other paddings, keys that are too weak or even, and signatures of another length', () => {
    const pkcs1 = sign('sha256', data, pair.privateKey);
    expect(isPssSignature(digest, data, pkcs1, key)).toBe(false);
    const signature = sign('sha256', data, { key: pair.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING });
    expect(isPssSignature(digest, data, signature, key)).toBe(true);
    expect(isPssSignature(digest, data, signature.subarray(1), key)).toBe(false);
    expect(isPssSignature(digest, data, Buffer.concat([Buffer.alloc(1), signature]), key)).toBe(false);
    expect(isPssSignature(digest, data, Buffer.alloc(256, 0xff), key)).toBe(false);
    for (const exponent of [0, 1, 2, 4]) expect(isPssSignature(digest, data, signature, { ...key, exponent: Uint8Array.of(exponent) })).toBe(false);
    expect(isPssSignature(digest, data, signature, { ...key, exponent: new Uint8Array(6).fill(255) })).toBe(false);
    expect(isPssSignature(digest, data, new Uint8Array(256), key)).toBe(false);
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const weakKey = { modulus: Buffer.from(weak.publicKey.export({ format: 'jwk' }).n ?? '', 'base64url'), exponent: key.exponent };
    const bySmall = sign('sha256', data, { key: weak.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING });
    expect(isPssSignature(digest, data, bySmall, weakKey)).toBe(false);
  });
});
