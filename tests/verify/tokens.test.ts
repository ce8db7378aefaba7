/** Tokens in records against those of the vault: in memory, asked for one by one, and what only looks like one. */
import { describe, expect, test } from 'vitest';
import { TokenSet } from '../../src/app/token-set.ts';
import { TokenCheck } from '../../src/app/verify-tokens.ts';
import { concatBytes } from '../../src/core/bytes.ts';
import { packedBytesMax, packRecord } from '../../src/log/packed-record.ts';
import { type Field, sortFields } from '../../src/log/record.ts';
import { formatToken } from '../../src/vault/token.ts';

/** 20 bytes, as evenly spread as digests are. */
function tokenOf(n: number): Uint8Array {
  let state = (n + 1) * 0x9e37_79b1;
  return Uint8Array.from({ length: 20 }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b_3c6d) + 0x1234_5679;
    return (state >>> 11) & 0xff;
  });
}

function wordsOf(token: Uint8Array): Uint32Array {
  const view = new DataView(token.buffer, token.byteOffset, token.byteLength);
  return Uint32Array.from([0, 4, 8, 12, 16], (at) => view.getUint32(at));
}

describe('a set of tokens', () => {
  test('has what was added and nothing else, in every thread that has its memory', () => {
    const set = TokenSet.for(2_000);
    for (let n = 0; n < 2_000; n++) set.add(tokenOf(n));
    set.add(tokenOf(0));
    const other = new TokenSet(set.memory);
    for (let n = 0; n < 2_000; n++) expect(other.has(wordsOf(tokenOf(n)))).toBe(true);
    for (let n = 2_000; n < 4_000; n++) expect(other.has(wordsOf(tokenOf(n)))).toBe(false);
  });

  test('tells tokens apart that share their first word, and their first nineteen bytes', () => {
    const set = TokenSet.for(40);
    const alike = Array.from({ length: 40 }, (_, i) => Uint8Array.from({ length: 20 }, (_unused, k) => (k === 19 ? i : 9)));
    for (const token of alike.slice(0, 20)) set.add(token);
    expect(alike.map((token) => set.has(wordsOf(token)))).toEqual(alike.map((_, i) => i < 20));
  });

  test('that is empty has nothing, and zeros are in none', () => {
    const set = TokenSet.for(0);
    expect(set.has(wordsOf(tokenOf(1)))).toBe(false);
    expect(set.has(new Uint32Array(5))).toBe(false);
  });
});

describe('tokens in records', () => {
  const held = Array.from({ length: 300 }, (_, n) => tokenOf(n));
  const stranger = formatToken(tokenOf(99_999));
  const atHand = TokenSet.for(300);
  for (const token of held.slice(0, 200)) atHand.add(token);
  const texts = new Set(held.map(formatToken));

  function create(): { check: TokenCheck; asked: string[] } {
    const asked: string[] = [];
    const hasToken = async (token: string): Promise<boolean> => {
      asked.push(token);
      return texts.has(token);
    };
    return { check: new TokenCheck({ atHand, hasToken }), asked };
  }

  function record(fields: Record<string, string>, tokenized: string[] = Object.keys(fields)): Uint8Array {
    const all: Field[] = Object.entries(fields).map(([pointer, value]) => ({ pointer, value: JSON.stringify(value) }));
    const applied = JSON.stringify(tokenized.map((pointer) => ({ pointer, transform: 'tokenize' })));
    const sorted = sortFields([...all, { pointer: '/privacy/applied', value: applied }]);
    const out = new Uint8Array(packedBytesMax(sorted));
    return out.slice(0, packRecord(out, 0, new Uint8Array(32), sorted));
  }

  function ask(check: TokenCheck, records: readonly Uint8Array[], from = 0, end = records.length): number[] {
    const offsets = new Uint32Array(records.length + 1);
    records.forEach(({ length }, i) => (offsets[i + 1] = (offsets[i] as number) + length));
    return check.recordsToAsk(concatBytes(...records), offsets, from, end);
  }

  test('all at hand: nobody is asked, whatever stands around them', () => {
    const records = held.slice(0, 200).map((token, n) => record({ '/a': `${'x'.repeat(n)}${formatToken(token)} tok tok_ token_ k_ ok_` }));
    const { check, asked } = create();
    expect(ask(check, records)).toEqual([]);
    expect(check.checked).toBe(200);
    expect(asked).toEqual([]);
  });

  test('not at hand: the records that bear them, once each, within the range that was asked for', () => {
    const bearing = (n: number): Uint8Array => record({ '/a': `${formatToken(held[n] as Uint8Array)} and ${stranger} ${stranger}`, '/b': 'x' });
    const plain = record({ '/a': 'nothing' });
    const records = [bearing(0), plain, bearing(1), plain, bearing(2)];
    expect(ask(create().check, records)).toEqual([0, 2, 4]);
    expect(ask(create().check, records, 1, 4)).toEqual([2]);
    expect(ask(create().check, records, 3, 4)).toEqual([]);
  });

  test('the vault is asked about those not at hand, and each once', async () => {
    const { check, asked } = create();
    const token = formatToken(held[250] as Uint8Array);
    expect(await check.missing(record({ '/a': token, '/b': `${token} ${formatToken(held[3] as Uint8Array)}` }))).toEqual([]);
    expect(await check.missing(record({ '/c': token }))).toEqual([]);
    expect(asked).toEqual([token]);
  });

  test('a place in which the policy put a token has one that is known', async () => {
    const { check } = create();
    expect(await check.missing(record({ '/a': stranger }))).toEqual([stranger]);
    expect(await check.missing(record({ '/a': `${stranger} ${formatToken(held[7] as Uint8Array)}` }))).toEqual([]);
    expect(await check.missing(record({ '/a': stranger, '/b': formatToken(held[7] as Uint8Array) }, ['/b']))).toEqual([]);
    expect(await check.missing(record({ '/a': stranger }, []))).toEqual([]);
  });

  test('texts that no token has the form of are not asked about', () => {
    const almost = [`tok_${'A'.repeat(26)}B`, `tok_${'!'.repeat(27)}`, `tok_${'a'.repeat(26)}`, 'to', 'k_', 'tok', `ok_${'A'.repeat(27)}`];
    expect(
      ask(
        create().check,
        almost.map((text) => record({ '/a': text })),
      ),
    ).toEqual([]);
    // Cut by the end of its record: what follows belongs to another.
    const cut = record({ '/z': 'tok_' });
    expect(ask(create().check, [cut.subarray(0, cut.length - 1), record({ '/a': 'x' })])).toEqual([]);
  });

  test('zeros look like a token and are none', () => {
    expect(ask(create().check, [record({ '/a': `tok_${'A'.repeat(27)}` })])).toEqual([0]);
  });

  test('a list of what was done that is none makes a bad record', async () => {
    for (const applied of ['7', '{}', '[null]', 'x', '[']) {
      const fields = sortFields([
        { pointer: '/a', value: `"${stranger}"` },
        { pointer: '/privacy/applied', value: applied },
      ]);
      const out = new Uint8Array(packedBytesMax(fields));
      const packed = out.slice(0, packRecord(out, 0, new Uint8Array(32), fields));
      await expect(create().check.missing(packed)).rejects.toMatchObject({ code: 'bad_record' });
    }
  });
});
