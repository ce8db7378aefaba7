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
