/** Tokens in a readable form: `user-tok_…-token`. They are recognised wherever they stand, left alone a second time, and found by search. */
import { expect, test } from 'vitest';
import { defaultPolicyYaml } from '../../src/privacy/policy.ts';
import { isTransformed } from '../../src/privacy/transforms.ts';
import { fold, standsIn, wordsOf } from '../../src/search/words.ts';
import { cleaned, engineOf, foundIn, tokenOf } from './engine-for-test.ts';

const readable = (kind: string): string => `${kind}: {transform: tokenize, options: {shape: readable}}`;
const yaml = `${defaultPolicyYaml
  .replace('  email: tokenize', `  ${readable('email')}`)
  .replace('  person_name: tokenize', `  ${readable('person_name')}`)
  .replace('  username: tokenize', `  ${readable('username')}`)
  .replace('  mac_address: tokenize', `  ${readable('mac_address')}\n  ${readable('own')}`)}\ncustom: [{kind: own, pattern: 'X\\d{3}'}]\n`;
const token = (kind: string, canonical: string): string => tokenOf({ kind, canonical, value: canonical });

test('each kind has its word, and twice is as once', () => {
  const engine = engineOf(yaml);
  const event = {
    actor: { type: 'user', id: 'jane.doe', email: 'jane@example.com', name: 'Jane Doe' },
    message: 'mail to jane@example.com from 00:1b:44:11:3a:b7, see X123',
    'jane@example.com': 1,
  };
  const once = cleaned(engine, event).event;
  const mail = `email-${token('email', 'jane@example.com')}-token`;
  expect(once).toMatchObject({
    actor: { email: mail, name: expect.stringMatching(/^user-tok_[\w-]{27}-token$/) as string, id: expect.stringMatching(/^user-tok_/) as string },
    message: expect.stringMatching(
      /^mail to email-tok_[\w-]{27}-token from mac-address-tok_[\w-]{27}-token, see custom-tok_[\w-]{27}-token$/,
    ) as string,
    [mail]: 1,
  });
  expect(cleaned(engine, once)).toEqual({ event: once, applied: [] });
  // Under the policy that has them plain, too.
  expect(cleaned(engineOf(), once)).toEqual({ event: once, applied: [] });
});

test('nothing is found in one, whatever the token is made of', () => {
  const engine = engineOf(yaml);
  for (const letters of ['A', '-', '_', '7', 'a1-', 'Jane-Doe-']) {
    const one = `user-tok_${letters.repeat(27).slice(0, 27)}-token`;
    expect(isTransformed(one), one).toBe(true);
    expect(foundIn(engine, `login of ${one} failed`), one).toEqual([]);
    const part = fold(one.slice('user-'.length, -'-token'.length));
    expect([wordsOf(fold(`login of ${one}`)).has(part), standsIn(fold(one), part)], one).toEqual([true, true]);
  }
});

test('what only looks like one is none', () => {
  const body = `tok_${'A'.repeat(27)}`;
  for (const text of [`nobody-${body}-token`, `user-${body}`, `user-${body}-tokens`, `user-${body}-token-x`, `jane@example.com-${body}-token`])
    expect(isTransformed(text), text).toBe(false);
});
