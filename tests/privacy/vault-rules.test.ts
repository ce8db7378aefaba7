/** What a policy says about the vault: read strictly, told when it changes, and meant even where nothing is said. */
import { describe, expect, it } from 'vitest';
import { diffPolicies } from '../../src/privacy/policy-diff.ts';
import { checkPolicy, parsePolicy } from '../../src/privacy/policy-file.ts';
import { needsSecondPerson, vaultRulesOf } from '../../src/privacy/vault-rules.ts';

const head = 'version: 1\nname: test\nkinds: {email: tokenize}\n';

describe('the rules for the vault', () => {
  it('are careful where a policy says nothing', () => {
    expect(vaultRulesOf(parsePolicy(head))).toEqual({
      scope: 'installation',
      tenant: undefined,
      stopHours: 24,
      reveal: { secondPerson: 'never', kinds: [], perMinute: 10, burst: 20, perHour: 100, perDay: 300 },
      search: { purpose: 'optional', perMinute: 20, burst: 40, perHour: 200, perDay: 600 },
    });
  });

  it('are what the policy says', () => {
    const rules = vaultRulesOf(
      parsePolicy(`${head}vault: {scope: tenant, tenant: tenant.id, reveal: {secondPerson: kinds, kinds: [email, iban], perDay: 5}}`),
    );
    expect(rules).toMatchObject({ scope: 'tenant', tenant: 'tenant.id', reveal: { perDay: 5, perHour: 100 } });
    expect(['email', 'iban', 'phone'].map((kind) => needsSecondPerson(rules, kind))).toEqual([true, true, false]);
    expect(needsSecondPerson(vaultRulesOf(parsePolicy(`${head}vault: {reveal: {secondPerson: always}}`)), 'phone')).toBe(true);
  });

  it.each([
    ['{scope: tenant}', 'needs `tenant`'],
    ['{scope: person}', 'scope cannot be "person"'],
    ['{scope: tenant, tenant: "targets.*.id"}', 'without `*`'],
    ['{reveal: {secondPerson: kinds}}', 'needs `kinds`'],
    ['{reveal: {kinds: [emial], secondPerson: kinds}}', 'did you mean "email"?'],
    ['{reveal: {perDay: 0}}', 'from 1 to 100000'],
    ['{reveals: {}}', 'did you mean "reveal"?'],
  ])('refuse %s', (vault, words) => {
    expect(() => parsePolicy(`${head}vault: ${vault}`)).toThrow(words);
  });

  it('warn of what does nothing', () => {
    const { warnings } = checkPolicy(`${head}vault: {tenant: tenant.id, reveal: {kinds: [email]}}`);
    expect(warnings.map(({ message }) => message.replace(/^policy:\d+:\d+: /, ''))).toEqual([
      'tenant is for scope: tenant, and does nothing here',
      'kinds is for secondPerson: kinds, and does nothing here',
    ]);
  });

  it('tell whether a change protects less', () => {
    const changes = (before: string, after: string): string[] =>
      diffPolicies(parsePolicy(head + before), parsePolicy(head + after)).map(({ rule, effect }) => `${rule} ${effect}`);
    expect(changes('', 'vault: {scope: log}')).toEqual(['vault.scope stronger']);
    expect(changes('vault: {scope: tenant, tenant: a}', 'vault: {scope: log}')).toEqual(['vault.scope weaker', 'vault.tenant other']);
    expect(changes('vault: {reveal: {secondPerson: always}}', '')).toEqual(['vault.reveal.secondPerson weaker']);
    expect(changes('', 'vault: {reveal: {perDay: 301}, search: {perHour: 9, purpose: needed}, stopHours: 1}')).toEqual([
      'vault.stopHours weaker',
      'vault.search.purpose stronger',
      'vault.reveal.perDay weaker',
      'vault.search.perHour stronger',
    ]);
    const kinds = (list: string): string => `vault: {reveal: {secondPerson: kinds, kinds: [${list}]}}`;
    expect(changes(kinds('email, iban'), kinds('iban'))).toEqual(['vault.reveal.kinds weaker']);
    expect(changes(kinds('iban'), kinds('iban, email'))).toEqual(['vault.reveal.kinds stronger']);
  });
});
