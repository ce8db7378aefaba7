import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decompress } from '../../src/ingest/decompress.ts';

const text = Buffer.from('{"message":"a"}\n'.repeat(100));

describe('decompress', () => {
  it.each([
    [undefined, text],
    ['identity', text],
    ['', text],
    ['gzip', gzipSync(text)],
    [' GZip ', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['zstd', zstdCompressSync(text)],
  ])('undoes %s', async (encoding, body) => {
    expect(Buffer.from(await decompress(body, encoding, text.length)).equals(text)).toBe(true);
  });

  it.each([
    ['identity', text],
    ['gzip', gzipSync(text)],
    ['zstd', zstdCompressSync(text)],
  ])('refuses %s beyond the limit', async (encoding, body) => {
    await expect(decompress(body, encoding, text.length - 1)).rejects.toMatchObject({ code: 'body_too_large' });
  });

  it.each([
    ['gzip', gzipSync(Buffer.alloc(1 << 28))],
    ['zstd', zstdCompressSync(Buffer.alloc(1 << 28))],
  ])('stops a %s bomb at the limit', async (encoding, body) => {
    const before = process.memoryUsage().arrayBuffers;
    await expect(decompress(body, encoding, 1 << 20)).rejects.toMatchObject({ code: 'body_too_large', detail: { bytesMax: 1 << 20 } });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 25);
  });

  it.each([
    ['gzip', text],
    ['zstd', text],
    ['gzip', gzipSync(text).subarray(0, -5)],
    ['zstd', zstdCompressSync(text).subarray(0, -5)],
    ['gzip', Buffer.alloc(0)],
  ])('refuses what is not %s', async (encoding, body) => {
    await expect(decompress(body, encoding, 1 << 20)).rejects.toMatchObject({
      code: 'bad_encoding',
      message: expect.not.stringContaining('message') as string,
    });
  });

  it.each(['br', 'deflate', 'gzip, gzip', 'gzip2'])('refuses %s', async (encoding) => {
    await expect(decompress(text, encoding, 1 << 20)).rejects.toMatchObject({ code: 'unsupported_encoding' });
  });
});
