/** The measure that others measure by: what it tells of work whose growth is known. */
import { describe, expect, test } from 'vitest';
import { cpuMs, growthOf, leastCpuMs } from './cpu-time.ts';

let sum = 0;
/** Work of so many steps. */
function steps(count: number): void {
  for (let i = 0; i < count; i++) sum = (sum * 31 + i) | 0;
}

test('CPU time is that of the work, and none of it is that of waiting', async () => {
  steps(1e6);
  const once = leastCpuMs(() => steps(1e5), 0);
  expect(leastCpuMs(() => steps(1e6), 0) / once).toBeGreaterThan(7);
  // What the kernel wrote down at its last tick would be 0, or 4 ms.
  expect(once).toBeGreaterThan(0);
  const waiting = cpuMs(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300));
  expect(waiting).toBeLessThan(100);
});

describe('growth', () => {
  const sizes = [4_000, 8_000, 16_000, 32_000];
  const growth = (exponent: number, exponentMax: number): number =>
    growthOf(sizes, (size) => () => steps(10_000 * (size / 4_000) ** exponent), { exponentMax });

  test.each([1, 1.05])('by %d passes 1.1', (exponent) => {
    for (let i = 0; i < 5; i++) expect(growth(exponent, 1.1)).toBeLessThanOrEqual(1.1);
  });

  test.each([1.25, 1.5, 2])('by %d fails 1.1', (exponent) => {
    // What makes the smallest size dearer hides growth, now and then: not each time.
    const seen = Array.from({ length: 5 }, () => growth(exponent, 1.1));
    expect(seen.toSorted((a, b) => a - b)[2]).toBeGreaterThan(1.1);
  });

  test('of what costs next to nothing is none', () => {
    expect(growthOf(sizes, (size) => () => steps(size ** 2 / 32_000), { exponentMax: 1.1, negligibleMs: 10 })).toBe(0);
  });
});
