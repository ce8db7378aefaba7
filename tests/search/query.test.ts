import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import { createPredicate } from '../../src/search/match.ts';
import { parseQuery, type Query, queryLimits } from '../../src/search/query.ts';
import { refusalOf } from '../log/refusal.ts';
import { pack } from './records.ts';
import { leastCpuMs } from '../setup/cpu-time.ts';

/** A query as one line. */
function show(query: Query): string {
  switch (query.type) {
    case 'all':
    case 'any':
      return `${query.type}(${query.of.map(show).join(' ')})`;
    case 'not':
      return `not(${show(query.of)})`;
    case 'text':
      return `"${query.text}"[${query.words.join(',')}]`;
    default:
      return `${query.path}/${query.name}="${query.text}"`;
  }
}

test.each([
  ['', 'all()'],
  ['  \t\n', 'all()'],
  ['Login', '"login"[login]'],
  ['a b', 'all("a"[a] "b"[b])'],
  ['a AND b', 'all("a"[a] "b"[b])'],
  ['a OR b c', 'any("a"[a] all("b"[b] "c"[c]))'],
  ['(a OR b) c', 'all(any("a"[a] "b"[b]) "c"[c])'],
  ['a -b', 'all("a"[a] not("b"[b]))'],
  ['NOT a', 'not("a"[a])'],
  ['-(a b)', 'not(all("a"[a] "b"[b]))'],
  ['and or', 'all("and"[and] "or"[or])'],
  ['"OR"', '"or"[or]'],
  ['actor.ID:U-1', 'actor.id/id="u-1"'],
  ['targets.0.id:x', 'targets.id/id="x"'],
  ['message:"failed (login)"', 'message/message="failed (login)"'],
  ['message:""', 'message/message=""'],
  ['"odd name":x', 'odd name/odd name="x"'],
  ['"kubernetes.io/x":y', 'kubernetes.io/x/io/x="y"'],
  ['url:https://x.example/a?b=c:d', 'url/url="https://x.example/a?b=c:d"'],
  ['"a \\"b\\" \\\\ c"', '"a "b" \\ c"[a,b,c]'],
  ['-id:x', 'not(id/id="x")'],
  ['id:-x', 'id/id="-x"'],
  ['us-east-1', '"us-east-1"[us,east,1]'],
  ['"a*"', '"a*"[a]'],
  ['a"b"', 'all("a"[a] "b"[b])'],
  ['登录', '"登录"[登,录]'],
])('%j means %s', (text, expected) => {
  expect(show(parseQuery(text))).toBe(expected);
});

test.each([
  ['(', 1],
  ['(a', 0],
  ['a)', 1],
  [')', 0],
  ['a (b OR', 7],
  ['OR a', 0],
  ['a AND', 5],
  ['a AND OR b', 6],
  ['-', 1],
  ['a --b', 3],
  ['- ', 2],
  ['NOT', 3],
  [':x', 0],
  ['0:x', 0],
  ['id:', 3],
  ['id: x', 3],
  ['id:(x)', 3],
  ['"open', 0],
  ['"open\\', 0],
  ['a ***', 2],
  ['a !!!', 2],
  ['log*', 0],
  ['id:log*', 3],
  ['""', 0],
])('%j is refused at offset %i', (text, offset) => {
  try {
    parseQuery(text);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(VeiltrailError);
    expect((error as VeiltrailError).code).toBe('query_syntax');
    expect((error as VeiltrailError).detail['offset']).toBe(offset);
  }
});

test('hostile queries are refused quickly', () => {
  const { depthMax, leavesMax, lengthMax, wordsMax } = queryLimits;
  const texts = [
    'a'.repeat(100_000),
    '('.repeat(100_000),
    '('.repeat(depthMax + 1) + 'a' + ')'.repeat(depthMax + 1),
    'a '.repeat(leavesMax + 1),
    `"${'a '.repeat(lengthMax / 2 - 1)}"`,
    `"${Array.from({ length: wordsMax + 1 }, (_, i) => i).join(' ')}"`,
    'a:b '.repeat(leavesMax + 1),
  ];
  const parseAll = (): void => {
    for (const text of texts)
      expect(refusalOf(() => parseQuery(text))).toBe(text === `"${'a '.repeat(lengthMax / 2 - 1)}"` ? 'accepted' : 'query_too_complex');
    expect(refusalOf(() => parseQuery('('.repeat(depthMax) + 'a' + ')'.repeat(depthMax)))).toBe('accepted');
    expect(refusalOf(() => parseQuery('a '.repeat(leavesMax)))).toBe('accepted');
  };
  expect(leastCpuMs(parseAll, 1_000)).toBeLessThan(1_000);
});

test('whatever is typed is understood or refused, and never repeated', () => {
  const piece = fc.oneof(
    fc.constantFrom('(', ')', '"', ':', '-', ' ', '\\', 'OR', 'AND', 'NOT', '*', '.', 'a', 'zq9x'),
    fc.string({ unit: 'grapheme' }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      try {
        parseQuery(pieces.join(''));
      } catch (error) {
        expect(error).toBeInstanceOf(VeiltrailError);
        expect((error as VeiltrailError).message).not.toContain('zq9x');
      }
    }),
    { numRuns: 2_000 },
  );
});

const record = pack({
  action: 'customer.update',
  outcome: 'failure',
  actor: { id: 'tok_AbCdEfGhIjKlMnOpQrStUvWxYz0', roles: ['Admin', 'auditor'], active: true },
  targets: [{ id: 'c-12' }, { id: 'c-77' }],
  context: { ip: '203.0.113.0/24', port: 443 },
  message: 'The login of c-12 failed twice; see arn:aws:iam::1:user/x',
  userIdentity: { principal: null },
});

test.each([
  ['', true],
  ['login', true],
  ['LOGIN', true],
  ['logi', false],
  ['ogin', false],
  ['failed login', true],
  ['"failed login"', false],
  ['"login of c-12"', true],
  ['"login of c-1"', false],
  ['c-12', true],
  ['"arn:aws:iam::1:user/x"', true],
  ['"aws:iam"', true],
  ['443', true],
  ['port:443', true],
  ['port:44', false],
  ['true', false],
  ['active:true', true],
  ['principal:null', true],
  ['useridentity.principal:null', true],
  ['tok_abcdefghijklmnopqrstuvwxyz0', true],
  ['actor.id:tok_AbCdEfGhIjKlMnOpQrStUvWxYz0', true],
  ['id:c-77', true],
  ['targets.id:c-77', true],
  ['targets.1.id:c-77', true],
  ['argets.id:c-77', false],
  ['actor.id:c-77', false],
  ['targets:2', false],
  ['roles:admin', true],
  ['actor.roles:auditor', true],
  ['roles:"admin auditor"', false],
  ['203.0.113.0', true],
  ['203.0.113.0/24', true],
  ['203.0.113', false],
  ['ip:203.0.113.0/24', true],
  ['-login', false],
  ['-nowhere', true],
  ['login -outcome:success', true],
  ['login -outcome:failure', false],
  ['nowhere OR twice', true],
  ['(nowhere OR twice) login', true],
  ['nowhere OR twice nothing', false],
  ['-(nowhere OR twice)', false],
  ['message:login', false],
])('%j is %s of the record', (text, expected) => {
  expect(createPredicate(parseQuery(text))(record)).toBe(expected);
});
