import { expect, test } from 'vitest';
import { createTokenCache } from '../../src/pipeline/token-cache.ts';

const need = (value: string): { kind: string; canonical: string; value: string } => ({ kind: 'email', canonical: value, value });

test('a value is settled once, however often it is needed', async () => {
  const asked: string[] = [];
  const cache = createTokenCache(async (needs) => needs.map(({ canonical }) => (asked.push(canonical), `tok_${canonical}`)));
  const token = await cache.settle([need('a'), need('b'), need('a')]);
  expect([token(need('a')), token(need('b'))]).toEqual(['tok_a', 'tok_b']);
  await cache.settle([need('b'), need('c')]);
  expect(asked).toEqual(['a', 'b', 'c']);
});

test('kinds do not mix', async () => {
  const cache = createTokenCache(async (needs) => needs.map(({ kind, canonical }) => `${kind}:${canonical}`));
  const token = await cache.settle([need('x'), { ...need('x'), kind: 'phone' }]);
  expect(token({ ...need('x'), kind: 'phone' })).toBe('phone:x');
});

test('it is bounded, keeps what is used, and forgets the rest', async () => {
  let asked = 0;
  const cache = createTokenCache(async (needs) => needs.map(({ canonical }) => (asked++, canonical)), 100);
  for (let i = 0; i < 1000; i++) await cache.settle([need(`v${i}`), need('often')]);
  expect(asked).toBe(1001);
  await cache.settle([need('v0')]);
  expect(asked).toBe(1002);
});

test('a vault that fails is asked again', async () => {
  let fail = true;
  const cache = createTokenCache(async (needs) => {
    if (fail) throw new Error('full');
    return needs.map(({ canonical }) => canonical);
  });
  await expect(cache.settle([need('a')])).rejects.toThrow('full');
  fail = false;
  expect((await cache.settle([need('a')]))(need('a'))).toBe('a');
});

test('what is being settled keeps its tokens while others come and go', async () => {
  const waiting: (() => void)[] = [];
  const cache = createTokenCache(async (needs) => {
    if (needs.some(({ canonical }) => canonical === 'slow')) await new Promise<void>((resolve) => waiting.push(resolve));
    return needs.map(({ canonical }) => `tok_${canonical}`);
  }, 10);
  await cache.settle([need('known')]);
  const slow = cache.settle([need('known'), need('slow')]);
  for (let i = 0; i < 100; i++) await cache.settle([need(`v${i}`)]);
  for (const go of waiting) go();
  const token = await slow;
  expect([token(need('known')), token(need('slow'))]).toEqual(['tok_known', 'tok_slow']);
});

test('more needs at a time than it keeps are all known', async () => {
  const cache = createTokenCache(async (needs) => needs.map(({ canonical }) => `tok_${canonical}`), 10);
  const needs = Array.from({ length: 100 }, (_, i) => need(i % 2 === 0 ? `v${i}` : `half of a pair \ud800 ${i}`));
  const token = await cache.settle(needs);
  expect(needs.map(token)).toEqual(needs.map(({ canonical }) => `tok_${canonical}`));
});
