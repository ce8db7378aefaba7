/** Which tokens of a record an export may open: those that the policy put there, and none that may be the sender's. */
import { expect, it } from 'vitest';
import { tokensAt } from '../../src/app/revealed-record.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { cleaned, engineOf, tokenOf } from '../privacy/engine-for-test.ts';

const foreign = `tok_${'V'.repeat(27)}`;
const engine = engineOf();

/** Tokens that may be opened after an event went through the engine. */
function opened(sent: JsonObject): string[] {
  const { event, applied } = cleaned(engine, sent);
  return tokensAt(applied, event).flatMap(({ token, kinds, isDoubtful }) => (kinds.size > 0 && !isDoubtful ? [token] : []));
}

const tokenOfMail = (canonical: string): string => tokenOf({ kind: 'email', canonical, value: '' });
const [own, other] = [tokenOfMail('own@example.com'), tokenOfMail('other@example.com')];

it('all that the policy made, however many they are', () => {
  expect(opened({ message: 'own@example.com, other@example.com, own@example.com and 10.1.2.3' })).toEqual(expect.arrayContaining([own, other]));
  expect(opened({ 'own@example.com': 'other@example.com' })).toEqual([own, other]);
  expect(opened({ 'own@example.com': 'own@example.com' })).toEqual([own]);
  expect(opened({ inner: '{"a":"own@example.com","b":["other@example.com"]}' })).toEqual([own, other]);
});

it('many in one text are counted exactly', () => {
  const mails = Array.from({ length: 40 }, (_, i) => `p${i % 30}@example.com`).join(', ');
  const { applied } = cleaned(engine, { message: mails, few: 'own@example.com, other@example.com and own@example.com' });
  expect(applied.map(({ pointer, tokens }) => [pointer, tokens])).toEqual([
    ['/few', 2],
    ['/message', 30],
  ]);
});

it.each([
  ['in its text', { message: `own@example.com and ${foreign}` }],
  ['in its text, with two of its own', { message: `own@example.com, other@example.com, own@example.com and ${foreign}` }],
  ['in the name', { [foreign]: 'own@example.com' }],
  ['in the value', { 'own@example.com': foreign }],
  ['in the value, beside its own', { 'own@example.com': `own@example.com ${foreign}` }],
  ['in a text that holds JSON', { inner: JSON.stringify({ a: 'own@example.com', [foreign]: 1 }) }],
])('none of a place where the sender wrote one, too: %s', (_where, sent) => {
  expect(opened(sent as unknown as JsonObject)).toEqual([]);
});

it("a sender's token in the name of a member is not opened for what is below it", () => {
  expect(opened({ [foreign]: { mail: 'own@example.com' } })).toEqual([own]);
});

it('of a record from before tokens were counted: one, where one stands', () => {
  const applied = [{ pointer: '/message', kind: 'email', transform: 'tokenize' }];
  expect(tokensAt(applied, { message: own })[0]).toMatchObject({ isDoubtful: false });
  expect(tokensAt(applied, { message: `${own} ${other}` }).map(({ isDoubtful }) => isDoubtful)).toEqual([true, true]);
});

it('where the value was redacted, what is left in the name is not taken for it', () => {
  const applied = [{ pointer: `/${foreign}`, kind: 'email', transform: 'tokenize' }];
  expect(tokensAt(applied, { [foreign]: '[REDACTED leaf 7]' }, new Set([`/${foreign}`]))[0]?.kinds.size).toBe(0);
});
