/** docs/reference/policy.md: its examples can be used, it names all that a policy may say, and what it shows is what comes out. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseFixtures, runFixture } from '../../src/cli/policy-fixtures.ts';
import { createPrivacyEngine } from '../../src/privacy/engine.ts';
import { transformNames } from '../../src/privacy/policy-model.ts';
import { policyShape, type Shape } from '../../src/privacy/policy-shape.ts';
import { parsePolicy, policyOfLog } from '../../src/privacy/policy.ts';
import { cleaned, engineOf, pseudonymKey, tokenOf } from './engine-for-test.ts';

const text = readFileSync(new URL('../../docs/reference/policy.md', import.meta.url), 'utf8');
const blocks = [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map((match) => match[1] as string);
const example = blocks[0] as string;

/** Fragments are completed with what every policy has. */
function complete(yaml: string): string {
  return yaml.startsWith('version:') ? yaml : `version: 1\nname: x\n${yaml.includes('kinds:\n') ? '' : 'kinds: {}\n'}${yaml}`;
}

describe('examples', () => {
  test.each(blocks.filter((block) => !block.includes('expect:')).map((block) => [block.split('\n')[0] as string, block]))('%s', (_, block) => {
    expect(() => parsePolicy(complete(block), 'policy.md')).not.toThrow();
  });

  test('the fixtures pass under the policy of the first example', () => {
    const policy = parsePolicy(example);
    const fixtures = parseFixtures(blocks.find((block) => block.includes('expect:')) as string, 'policy.md');
    expect(fixtures).toHaveLength(2);
    for (const fixture of fixtures) {
      const engine = createPrivacyEngine(policyOfLog(policy, fixture.log ?? ''), { pseudonymKey });
      expect(runFixture(fixture, engine, tokenOf)).toEqual([]);
    }
  });

  test('the transforms make what the table says', () => {
    const made = (transform: string, options = ''): unknown =>
      cleaned(engineOf(`version: 1\nname: x\nkinds: {email: {transform: ${transform}${options}}}\n`), { v: 'jane@example.com' }).event['v'];
    expect(made('redact')).toBe('[REDACTED]');
    expect(made('redact', ', options: {label: kind}')).toBe('[EMAIL]');
    expect(made('tokenize', ', options: {shape: kind}')).toMatch(/^tok_.{27}@token\.invalid$/);
    expect(made('hash')).toMatch(/^hash_v7_.{27}$/);
    expect(made('sha256')).toMatch(/^sha256:8c87b4/);
    expect(made('mask')).toBe('********ecom');
    expect(made('keep')).toBe('jane@example.com');
  });
});

test('every member, transform and option is named', () => {
  const names = new Set<string>(transformNames);
  const collect = (shape: Shape): void => {
    if (shape.is === 'map') {
      for (const [name, member] of Object.entries(shape.members)) {
        names.add(name);
        collect(member);
      }
    } else if (shape.is === 'list' || shape.is === 'dictionary') collect(shape.of);
  };
  collect(policyShape);
  for (const name of names) expect(text, name).toMatch(new RegExp(`\\b${name}\\b`));
});
