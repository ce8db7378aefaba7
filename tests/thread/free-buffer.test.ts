import { expect, test } from 'vitest';
import { freeBytes } from '../../src/thread/free-buffer.ts';

test('bytes with a large buffer of their own give it back', () => {
  const bytes = new Uint8Array(65_537).fill(7);
  freeBytes(bytes);
  expect(bytes.length).toBe(0);
  // Once more does nothing.
  freeBytes(bytes);
});

test('bytes that may share their buffer are left alone', () => {
  const read = new Uint8Array(65_536).fill(7);
  const large = new Uint8Array(200_000).fill(7);
  const pooled = Buffer.from('short');
  for (const bytes of [read, large.subarray(1), large.subarray(0, 150_000), pooled]) {
    const before = Buffer.from(bytes);
    freeBytes(bytes);
    expect(before.equals(bytes)).toBe(true);
  }
});
