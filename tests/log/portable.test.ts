/** What a browser computes is what Node computes: the same modules without Node's crypto. */
import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { fromHex, toHex } from '../../src/core/bytes.ts';
import type { JsonObject } from '../../src/core/json.ts';
import * as native from '../../src/log/index.ts';
import vectors from '../vectors/commitment.json' with { type: 'json' };
import { importPortable } from './portable.ts';

let portable: typeof native;
let hashes: typeof import('../../src/core/sha256.ts');
beforeAll(async () => {
  [portable, hashes] = await importPortable(async () => [await import('../../src/log/index.ts'), await import('../../src/core/sha256.ts')]);
});

test('are other modules than those of Node', () => {
  expect(portable.commitFields).not.toBe(native.commitFields);
});

test('hashes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(500), (data, length) => {
      expect(toHex(native.leafHash(data))).toBe(toHex(portable.leafHash(data)));
      expect(toHex(hashes.shake256(data, length))).toBe(toHex(hashes.portable.shake256(data, length)));
    }),
  );
});

test('commitments', () => {
  for (const { origin, record, seed, commitment } of vectors.cases) {
    const fields = portable.flattenRecord(record as unknown as JsonObject);
    expect(toHex(portable.commitFields(origin, fields, fromHex(seed)))).toBe(commitment);
  }
  const text = fc.string({ unit: 'grapheme', maxLength: 60 });
  fc.assert(
    fc.property(
      fc.array(fc.record({ pointer: text, value: text }), { minLength: 1, maxLength: 8 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (fields, seed) => {
        expect(toHex(portable.commitFields('o', fields, seed))).toBe(toHex(native.commitFields('o', fields, seed)));
      },
    ),
    { numRuns: 30 },
  );
});

test('a whole log: notes, checkpoints, receipts, disclosures', () => {
  const seed = new Uint8Array(32).fill(1);
  const made = [native, portable].map((log) => {
    const signer = log.createNoteSigner('example.com/log', seed);
    const fields = log.flattenRecord({ a: 1, b: ['x'] });
    const hash = log.leafHash(log.formatEntry(log.commitFields('example.com/log', fields, seed)));
    const frontier = new log.Frontier();
    for (let i = 0; i < 3; i++) frontier.append(hash);
    const checkpoint = log.signCheckpoint({ origin: 'example.com/log', treeSize: 3, root: frontier.root(), extensions: [] }, [signer]);
    const read = log.createNodeReader([hash, hash, hash]);
    const receipt = log.formatProof({ leafIndex: 1, hashes: log.proveInclusion(1, 3, read), checkpoint });
    return log.formatDisclosure(log.createDisclosure({ fields, seed, receipt }, new Set(['/a'])));
  });
  expect(made[0]).toBe(made[1]);
});
