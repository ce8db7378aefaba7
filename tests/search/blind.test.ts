import { createHash, createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { BlindingQueue, createBlinding } from '../../src/search/blind.ts';

const indexKey = new Uint8Array(32).fill(1);
const salt = new Uint8Array(32).fill(2);

/** The definition, written another way. */
function byDefinition(term: string): number {
  const key = createHmac('sha256', indexKey).update('veiltrail index partition 2\n').update(salt).digest().subarray(0, 16);
  return createHash('sha256').update(key).update(term).digest().readUInt32BE(0);
}

/** Lengths at which messages get another block, end in one, or are too long for a queue. */
const words = ['login', '', 'é', '登', 'Ā', ...[37, 38, 39, 54, 55, 101, 102, 103, 104, 160, 5_000].map((length) => 'x'.repeat(length))];
const values = [
  ['id', 'a b'],
  ['straße', 'ü'],
  ['', ''],
  ['path', '/é'],
  ['n'.repeat(300), 'x'],
  ['n'.repeat(30), 'x'.repeat(60)],
] as const;

test('terms are blinded as defined, long and foreign ones too', () => {
  const { word, value } = createBlinding(indexKey, salt);
  for (const term of words) expect(word(term)).toBe(byDefinition(`w${term}`));
  for (const [name, text] of values) expect(value(name, text)).toBe(byDefinition(`v${name}=${text}`));
});

test('a golden vector', () => {
  expect(createBlinding(indexKey, salt).word('login')).toBe(3_072_806_026);
});

test('many at a time are the same, whoever else blinds in between', () => {
  const count = 5_000;
  const terms = new Uint32Array(2 * count);
  const queue = new BlindingQueue(indexKey, salt, terms);
  const others = new Uint32Array(10);
  const other = new BlindingQueue(salt, indexKey, others);
  const expected = new Uint32Array(2 * count);
  const blinding = createBlinding(indexKey, salt);
  for (let i = 0; i < count; i++) {
    const word = words[i % 29] ?? `word-${i}`;
    queue.word(`(${word})`, 1, 1 + word.length, 2 * i);
    expected[2 * i] = blinding.word(word);
    const [name, text] = values[i % 17] ?? ['id', `tok_${i}`];
    queue.value(name, text, 2 * i + 1);
    expected[2 * i + 1] = blinding.value(name, text);
    if (i % 700 === 699) other.word('other', 0, 5, (i - 699) / 700);
  }
  queue.flush();
  other.flush();
  expect(terms).toEqual(expected);
  expect(new Set(others.subarray(0, 7))).toEqual(new Set([createBlinding(salt, indexKey).word('other')]));
});

test('word and value, keys and salts make other terms', () => {
  const terms = new Set<number>();
  for (const one of [createBlinding(indexKey, salt), createBlinding(salt, indexKey), createBlinding(indexKey, indexKey)]) {
    terms.add(one.word('a'));
    terms.add(one.value('', 'a'));
    terms.add(one.value('a', ''));
  }
  expect(terms.size).toBe(9);
});
