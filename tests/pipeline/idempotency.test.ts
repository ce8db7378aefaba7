import { createHash, createHmac, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createIdempotency } from '../../src/pipeline/idempotency.ts';

const key = Buffer.alloc(32, 7);

/** The format of `idempotency.ts`, once more and slowly. */
function rowOf({ log, principal, id, timeMs, content }: { log: string; principal: string; id: string; timeMs: number; content: string }): string {
  const macKey = createHmac('sha256', key).update('veiltrail idempotency 1\n').digest();
  const prefixed = (text: string): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(text));
    return Buffer.concat([length, Buffer.from(text)]);
  };
  const mac = (purpose: number, ...parts: Buffer[]): Buffer =>
    createHash('sha256')
      .update(Buffer.concat([macKey, Buffer.of(purpose), ...parts]))
      .digest();
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(timeMs));
  const named = mac(1, prefixed(log), prefixed(principal), Buffer.from(id)).subarray(0, 16);
  return Buffer.concat([time, named, mac(2, Buffer.from(content)).subarray(0, 8)]).toString('hex');
}

describe('a row', () => {
  const idempotency = createIdempotency(key);
  const write = (event: Parameters<typeof rowOf>[0]): string => {
    const out = Buffer.alloc(50, 0xaa);
    idempotency.writeRow(event, out, 9);
    expect([out[8], out[41]]).toEqual([0xaa, 0xaa]);
    return out.subarray(9, 41).toString('hex');
  };
  const event = { log: 'default', principal: 'k1', id: 'e-1', timeMs: 1_770_000_000_123, content: '{"a":1}' };

  test('is what its format says, for contents of any length and one after the other', () => {
    const contents = [
      '',
      'ü😀',
      ...[1, 31, 32, 4_000, 4_062, 4_063, 4_064, 8_158, 8_159, 8_160, 100_000, 1_000].map((length) => randomBytes(length).toString('latin1')),
    ];
    for (const content of contents)
      expect(write({ ...event, content, id: content.slice(0, 300) })).toBe(rowOf({ ...event, content, id: content.slice(0, 300) }));
  });

  test('holds any time there is', () => {
    for (const timeMs of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 253_402_300_799_999])
      expect(write({ ...event, timeMs })).toBe(rowOf({ ...event, timeMs }));
    expect(write({ ...event, timeMs: -5 })).toBe(rowOf({ ...event, timeMs: 0 }));
  });

  test('needs the key', () => {
    const out = Buffer.alloc(32);
    createIdempotency(Buffer.alloc(32, 8)).writeRow(event, out, 0);
    expect(out.subarray(8, 24).toString('hex')).not.toBe(write(event).slice(16, 48));
    expect(out.subarray(24).toString('hex')).not.toBe(write(event).slice(48));
  });
});
