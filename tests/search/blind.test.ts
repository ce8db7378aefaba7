import { createHash, createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { createBlinding } from '../../src/search/blind.ts';

const indexKey = new Uint8Array(32).fill(1);
const salt = new Uint8Array(32).fill(2);

/** The definition, written another way: through a string of bits. */
function byDefinition(term: string): string {
  const key = createHmac('sha256', indexKey).update('veiltrail index partition 1\n').update(salt).digest();
  const digest = createHash('sha256').update(key).update(term).digest();
  const bits = [...digest].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  // The string comes as UTF-16, little-endian: the two bytes of each unit change places.
  const swapped = bits.replace(/(.{8})(.{8})/g, '$2$1');
  return Array.from({ length: 13 }, (_, i) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(swapped.slice(5 * i, 5 * i + 5), 2)]).join('');
}

test('terms are blinded as defined, long and foreign ones too', () => {
  const { word, value } = createBlinding(indexKey, salt);
  for (const term of ['login', '', 'é', '登', 'x'.repeat(159), 'x'.repeat(160), 'x'.repeat(5_000)]) expect(word(term)).toBe(byDefinition(`w${term}`));
  expect(value('id', 'a b')).toBe(byDefinition('vid=a b'));
  expect(value('straße', 'ü')).toBe(byDefinition('vstraße=ü'));
});

test('a golden vector', () => {
  expect(createBlinding(indexKey, salt).word('login')).toBe('cojqnxvslquin');
});

test('word and value, keys and salts make other terms', () => {
  const terms = new Set<string>();
  for (const one of [createBlinding(indexKey, salt), createBlinding(salt, indexKey), createBlinding(indexKey, indexKey)]) {
    terms.add(one.word('a'));
    terms.add(one.value('', 'a'));
    terms.add(one.value('a', ''));
  }
  expect(terms.size).toBe(9);
  for (const term of terms) expect(term).toMatch(/^[a-z2-7]{13}$/);
});
