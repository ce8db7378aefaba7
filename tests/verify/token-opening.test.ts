/** An opening is checked by anyone, against vectors that other code made, and every change to it is noticed. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeBase64 } from '../../src/core/base64.ts';
import { fromHex } from '../../src/core/bytes.ts';
import { tokenOfOpening, verifyRevealed, verifyTokenOpening } from '../../src/verify/token-opening.ts';
import { formatToken, tokenOf } from '../../src/vault/token.ts';

interface Vector {
  origin: string;
  kind: string;
  canonical: string;
  value: string;
  r: string;
  token: string;
}
const { tokens } = JSON.parse(readFileSync(new URL('../vectors/token.json', import.meta.url), 'utf8')) as { tokens: Vector[] };
const openings = tokens.map(({ token, kind, origin, canonical, value, r }) => ({
  token,
  kind,
  value,
  opening: { kind, origin, canonical, r: encodeBase64(fromHex(r)) },
}));
const [first] = openings as [(typeof openings)[number]];

describe('the opening of a token', () => {
  it('gives the token of the vectors, and the one that the vault makes', () => {
    expect(openings.length).toBeGreaterThan(1);
    for (const { token, opening } of openings) {
      expect(tokenOfOpening(opening)).toBe(token);
      verifyTokenOpening(token, opening);
    }
    tokens.forEach(({ origin, kind, canonical, r, token }) => expect(formatToken(tokenOf({ r: fromHex(r), origin, kind, canonical }))).toBe(token));
  });

  it('fails for anything else', () => {
    for (const name of ['kind', 'origin', 'canonical'] as const) {
      const other = { ...first.opening, [name]: `${first.opening[name]}x` };
      expect(() => verifyTokenOpening(first.token, other), name).toThrow(expect.objectContaining({ code: 'opening_mismatch' }));
    }
    const [a, b] = [first.opening.kind, first.opening.canonical];
    const moved = { ...first.opening, kind: a + b.slice(0, 1), canonical: b.slice(1) };
    expect(() => verifyTokenOpening(first.token, moved)).toThrow(expect.objectContaining({ code: 'opening_mismatch' }));
    expect(() => verifyTokenOpening(first.token, { ...first.opening, r: encodeBase64(new Uint8Array(32)) })).toThrow(
      expect.objectContaining({ code: 'opening_mismatch' }),
    );
    for (const r of ['', 'AAAA', encodeBase64(new Uint8Array(33)), 'not base64'])
      expect(() => verifyTokenOpening(first.token, { ...first.opening, r })).toThrow(expect.objectContaining({ code: 'opening_syntax' }));
  });

  it('is read as a reveal answers it: one, several, or one a line', () => {
    const several = JSON.stringify({ tokens: openings });
    expect(verifyRevealed(JSON.stringify(first))).toEqual([first]);
    expect(verifyRevealed(JSON.stringify(first, null, 2))).toEqual([first]);
    expect(verifyRevealed(new TextEncoder().encode(several))).toEqual(openings);
    expect(verifyRevealed(`${openings.map((one) => JSON.stringify(one)).join('\n')}\n`)).toEqual(openings);
  });

  it.each([
    ['nothing', '{"tokens":[]}', 'opening_syntax'],
    ['no object', '[1]', 'opening_syntax'],
    ['no opening', '{"token":"t","kind":"email","value":"v"}', 'opening_syntax'],
    ['another kind outside', JSON.stringify({ ...first, kind: 'phone' }), 'opening_syntax'],
    ['another token', JSON.stringify({ ...first, token: openings[1]?.token }), 'opening_mismatch'],
    ['a number', JSON.stringify({ ...first, opening: { ...first.opening, r: 1 } }), 'opening_syntax'],
    ['a name twice', JSON.stringify(first).replace('{', '{"token":"x",'), 'json_duplicate_name'],
    ['no JSON', 'tok_', 'json_syntax'],
  ])('is refused: %s', (_what, text, code) => {
    expect(() => verifyRevealed(text)).toThrow(expect.objectContaining({ code }));
  });

  it('is never repeated in an error', () => {
    try {
      verifyRevealed(JSON.stringify({ ...first, token: 'tok_x' }));
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message).not.toContain('ada');
    }
  });
});
