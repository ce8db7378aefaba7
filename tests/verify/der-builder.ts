/** Makes DER, for tests: right, or wrong in one place. */
import { concatBytes } from '../../src/core/bytes.ts';

/** A value: its tag, and bytes or other values in it. */
export function der(tag: number, ...parts: readonly (Uint8Array | number)[]): Uint8Array {
  const content = concatBytes(...parts.map((part) => (typeof part === 'number' ? Uint8Array.of(part) : part)));
  const length = content.length < 128 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return concatBytes(Uint8Array.of(tag, ...length), content);
}

/** An object identifier, dotted. */
export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number);
  const bytes = [40 * first + second, ...others].flatMap((arc) => {
    const out = [arc & 0x7f];
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) out.unshift((rest & 0x7f) | 0x80);
    return out;
  });
  return der(6, Uint8Array.from(bytes));
}
