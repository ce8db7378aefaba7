/** Lines found among bytes are the lines found in the text. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteCounter, linePieces } from '../../src/ingest/framing.ts';
import { Lines } from '../../src/ingest/lines.ts';
import { leastCpuMs } from '../setup/cpu-time.ts';

interface Line {
  text: string;
  bytes: number;
  line: number | undefined;
}

function inText(text: string): Line[] {
  return linePieces(text, byteCounter(text, Buffer.byteLength(text))).map(({ text: piece, bytes, line }) => ({ text: piece, bytes, line }));
}

function among(text: string, order?: readonly number[]): Line[] {
  const lines = new Lines(Buffer.from(`xx${text}`), 2);
  const read = (position: number): Line => {
    const { text: piece, bytes, line } = lines.read(position);
    return { text: piece, bytes, line };
  };
  return (order ?? Array.from({ length: lines.count }, (_, i) => i)).map(read);
}

const unit = fc.constantFrom('\n', '\n', '\r', '\r\n', ' ', '\t', 'a', '{"b":1}', 'ü', '€', '😀', '\u2028', '\u00a0', '\v', '\f', '\0');

describe('Lines', () => {
  it('are those of the text, whatever stands in them', () => {
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 40 }), (units) => {
        const text = units.join('');
        expect(among(text)).toEqual(inText(text));
      }),
      { numRuns: 5_000 },
    );
  });

  it('are those of the text where many are decoded at a time, in any order', () => {
    const lengths = fc.array(fc.constantFrom(1, 10, 500, 20_000, 32_767, 32_768, 40_000), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        lengths,
        fc.constantFrom('x', 'ü', '😀'),
        fc.constantFrom('\n', '\r\n', '\n \n', '\r\n\t\r\n'),
        fc.infiniteStream(fc.nat()),
        (sizes, of, end, random) => {
          const text = sizes.map((size, i) => `${i}${of.repeat(size / Buffer.byteLength(of))}`).join(end);
          const expected = inText(text);
          expect(among(text)).toEqual(expected);
          const order = sizes.map(() => (random.next().value as number) % expected.length);
          expect(among(text, order)).toEqual(order.map((position) => expected[position]));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('are 10,000 at the most, blank ones not counted', () => {
    expect(new Lines(Buffer.from('\n \r\n1\n'.repeat(10_000)), 0).count).toBe(10_000);
    expect(() => new Lines(Buffer.from('1\n'.repeat(10_001)), 0)).toThrow(expect.objectContaining({ code: 'batch_too_large' }));
  });

  it('cost little where they are blank', () => {
    const blank = Buffer.alloc(16_777_216, '\n');
    expect(new Lines(blank, 0).count).toBe(0);
    expect(leastCpuMs(() => new Lines(blank, 0), 1_000)).toBeLessThan(1_000);
  });
});
