import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import { kindSpecs } from '../../src/privacy/detectors/all.ts';
import { checkPolicy, defaultPolicyYaml, parsePolicy } from '../../src/privacy/policy.ts';
import { policyTextOf } from '../../src/privacy/policy-file.ts';
import { editDistance } from '../../src/privacy/shape-checker.ts';
import { policySchema } from '../../src/privacy/policy-schema.ts';
import { checkPattern } from '../../src/privacy/policy-shape.ts';
import { growthOf } from '../setup/cpu-time.ts';

function problemOf(text: string): VeiltrailError {
  try {
    parsePolicy(text, 'my.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(VeiltrailError);
    return error as VeiltrailError;
  }
  throw new Error('the policy was accepted');
}

const head = 'version: 1\nname: x\n';

describe('a policy file', () => {
  test('in its shortest form', () => {
    expect(parsePolicy(`${head}kinds: {}\n`)).toEqual({
      version: 1,
      name: 'x',
      unknown: 'scan',
      fields: [],
      keys: [],
      kinds: {},
      custom: [],
      allow: [],
      logs: {},
    });
  });

  test('with everything it may say', () => {
    const policy = parsePolicy(`${head}unknown: scan
fields:
  - path: actor.name
    kind: person_name
    transform: mask
    options: {keepLast: 2}
    when: looks-personal
    unless: {type: service}
    why: because
  - path: [a.*.b, "**.c"]
    transform: scan
kinds:
  email: hash
  ip_address: {transform: generalize, options: {ipv4: 16, ipv6: 32}, floor: 0.7, why: wide}
`);
    expect(policy.fields[0]).toEqual({
      path: ['actor.name'],
      kind: 'person_name',
      transform: 'mask',
      options: { keepLast: 2 },
      when: 'looks-personal',
      unless: { type: ['service'] },
      why: 'because',
    });
    expect(policy.fields[1]?.path).toEqual(['a.*.b', '**.c']);
    expect(policy.kinds).toEqual({
      email: { transform: 'hash' },
      ip_address: { transform: 'generalize', options: { ipv4: 16, ipv6: 32 }, floor: 0.7, why: 'wide' },
    });
  });

  test('an empty list of fields is no error', () => {
    expect(parsePolicy(`${head}fields:\nkinds: {}\n`).fields).toEqual([]);
    expect(parsePolicy(`${head}fields: []\nkinds: {}\n`).fields).toEqual([]);
  });

  test('numbers and booleans are texts where a text is asked for', () => {
    expect(parsePolicy('version: 1\nname: 2024\nkinds: {}\n').name).toBe('2024');
  });

  const wrong: [string, string, string][] = [
    ['a misspelt member', `${head}kindes: {}\n`, 'my.yaml:3:1: unknown name "kindes" in the policy; did you mean "kinds"?'],
    ['a misspelt kind', `${head}kinds:\n  emial: redact\n`, 'my.yaml:4:3: unknown name "emial" in kinds; did you mean "email"?'],
    ['a misspelt transform', `${head}kinds:\n  email: tokenise\n`, 'my.yaml:4:10: email cannot be "tokenise"; did you mean "tokenize"?'],
    [
      'a kind of a field',
      `${head}fields:\n  - path: a\n    kind: usssn\nkinds: {}\n`,
      'my.yaml:5:11: kind cannot be "usssn"; did you mean "us_ssn"?',
    ],
    [
      'a transform that is far off',
      `${head}kinds:\n  email: obliterate\n`,
      'known are redact, hash, sha256, tokenize, mask, generalize, shift, drop, keep',
    ],
    ['a transform that is no word', `${head}kinds:\n  email: 7\n`, 'my.yaml:4:10: email must be a word; known are redact'],
    ['a member that is missing', 'version: 1\nkinds: {}\n', 'my.yaml:1:1: the policy lacks "name"'],
    ['no path', `${head}fields:\n  - kind: email\nkinds: {}\n`, 'my.yaml:4:5: fields[0] lacks "path"'],
    ['a version that is none', 'version: one\nname: x\nkinds: {}\n', 'my.yaml:1:10: version must be a whole number from 1 to 1000000000'],
    ['a version with a fraction', 'version: 1.5\nname: x\nkinds: {}\n', 'must be a whole number'],
    ['a floor out of range', `${head}kinds:\n  email: {transform: redact, floor: 2}\n`, 'my.yaml:4:37: floor must be a number from 0 to 1'],
    ['a list instead of a mapping', `${head}kinds: [email]\n`, 'my.yaml:3:8: kinds must be a mapping'],
    ['a rule that is a text', `${head}fields: [a]\nkinds: {}\n`, 'fields[0] must be a mapping'],
    ['fields that are no list', `${head}fields: {a: b}\nkinds: {}\n`, 'my.yaml:3:9: fields must be a list'],
    ['an empty list of paths', `${head}fields:\n  - path: []\nkinds: {}\n`, 'path must not be empty'],
    ['a path of another kind', `${head}fields:\n  - path: {a: b}\nkinds: {}\n`, 'path must be a list'],
    ['a path that is null', `${head}fields:\n  - path:\nkinds: {}\n`, 'path must be a text'],
    ['a path that is a list', `${head}fields:\n  - path: [[a]]\nkinds: {}\n`, 'path must be a text'],
    [
      'a JSON pointer',
      `${head}fields:\n  - path: /actor/name\nkinds: {}\n`,
      'my.yaml:4:11: path "/actor/name": write names divided by dots (`actor.name`), not a JSON pointer',
    ],
    ['an alias', `${head}kinds:\n  email: &a redact\n  phone: *a\n`, 'my.yaml:5:10: aliases (*name) are not allowed'],
    ['a name that is no text', `${head}kinds:\n  7: redact\n`, 'my.yaml:4:3: a name in kinds must be a text'],
    ['a name twice', `${head}kinds: {}\nkinds: {}\n`, 'my.yaml:4:1: "kinds" is in the policy twice, first in line 3: keep one of them'],
    ['a kind twice', `${head}kinds:\n  email: redact\n  phone: hash\n  email: keep\n`, 'my.yaml:6:3: "email" is in kinds twice, first in line 4'],
    ['a second document', `${head}kinds: {}\n---\nkinds: {email: keep}\n`, 'my.yaml:4:1: a second document begins here'],
    ['what is nested without end', `${head}kinds: ${'['.repeat(50_000)}`, 'nested too deep'],
    ['an empty text', `${head}fields:\n  - path: ""\nkinds: {}\n`, 'my.yaml:4:11: path must not be empty'],
    ['an owner who writes to the terminal', `${head}owner: "a\\e[31m"\nkinds: {}\n`, 'my.yaml:3:8: owner "a\\u001b[31m": write it in one line'],
    ['half the name of a kind', `${head}kinds: {card: redact}\n`, 'did you mean "credit_card" or "de_id_card"?'],
    ['a name like a prototype’s', `${head}kinds: {}\nconstructor: 1\n`, 'my.yaml:4:1: unknown name "constructor"'],
    ['broken YAML', `${head}kinds: {\n`, 'my.yaml:4:1:'],
    ['nothing', '', 'my.yaml:1:1: the policy is empty'],
    ['a list', '[]', 'my.yaml:1:1: the policy must be a mapping'],
    ['a tab', 'version: 1\n\tname: x\n', 'my.yaml:2:1:'],
  ];
  for (const [what, text, message] of wrong) {
    test(`says where and what is wrong: ${what}`, () => {
      const error = problemOf(text);
      expect(error.code).toBe('policy_invalid');
      expect(error.message).toContain(message);
      expect(error.detail['line']).toBeGreaterThan(0);
    });
  }

  test('all problems at once, in order, the first ten in full', () => {
    const error = problemOf(`${head}kinds:\n${Array.from({ length: 14 }, (_, i) => `  wrong${i}: redact\n`).join('')}`);
    const lines = error.message.split('\n');
    expect(lines).toHaveLength(11);
    expect(lines[0]).toContain('my.yaml:4:3:');
    expect(lines[10]).toBe('and 4 more');
    expect(error.detail).toMatchObject({ line: 4, column: 3, problems: 14 });
  });

  test('names without end cost linear time', () => {
    const prepare = (names: number): (() => void) => {
      const text = `${head}kinds:\n${Array.from({ length: names }, (_, i) => `  a${i}: redact\n`).join('')}`;
      return () => expect(problemOf(text).detail['problems']).toBe(names);
    };
    // Looking at each pair of names is quadratic.
    expect(growthOf([1_500, 3_000, 6_000, 12_000], prepare, { exponentMax: 1.5 })).toBeLessThanOrEqual(1.5);
  });

  test('bytes that are no UTF-8 are refused: a rule for such a name would fit nothing', () => {
    expect(policyTextOf(new TextEncoder().encode('name: été'), 'my.yaml')).toBe('name: été');
    expect(() => policyTextOf(Uint8Array.from([0x6e, 0xe9, 0x74]), 'my.yaml')).toThrow('my.yaml: not UTF-8');
  });

  test('a rule behind one for everything is told', () => {
    const { warnings } = checkPolicy(`${head}fields:\n  - {path: a.b}\n  - {path: "**"}\n  - {path: "**.c"}\nkinds: {}\n`, 'my.yaml');
    expect(warnings.map(({ message }) => message)).toEqual(['my.yaml:6:12: "**.c" is never reached: an earlier rule settles it']);
  });

  test('a very long one is refused', () => {
    expect(problemOf(`${head}#${'x'.repeat(1_048_576)}`).message).toContain('at most');
  });
});

test('patterns that are wrong say what is right', () => {
  for (const pattern of ['a', 'a.b', '*', '**', '**.a.*.b', '*name', 'user_*', '*a*']) expect(checkPattern(pattern), pattern).toBeUndefined();
  for (const pattern of ['/a', '$.a', 'a..b', '.a', 'a.', '', 'a[0]', 'a[*].b', 'a**', '*a*b*', '**.**.**.**.**', 'x'.repeat(513)])
    expect(checkPattern(pattern), pattern).toBeTypeOf('string');
});

test('edit distance counts a swap as one', () => {
  expect(editDistance('emial', 'email')).toBe(1);
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('x'.repeat(41), 'x')).toBe(99);
});

describe('the default policy', () => {
  const policy = parsePolicy(defaultPolicyYaml, 'default');

  test('does with each kind what the blueprint says', () => {
    const expected: Record<string, string> = {
      email: 'tokenize',
      person_name: 'tokenize',
      username: 'tokenize',
      phone: 'tokenize',
      mac_address: 'tokenize',
      ip_address: 'generalize',
      us_ssn: 'redact',
      national_id: 'redact',
    };
    for (const [kind, transform] of Object.entries(expected)) expect(policy.kinds[kind]?.transform, kind).toBe(transform);
    for (const kind of ['credit_card', 'iban', 'secret', 'jwt', 'private_key'])
      expect(policy.kinds[kind]?.transform ?? 'redact', kind).toBe('redact');
  });
});

describe('the JSON Schema', () => {
  const path = new URL('../../docs/reference/policy.schema.json', import.meta.url);

  test('is the one in docs/reference (if not: node scripts/generate-policy-schema.ts)', () => {
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(policySchema());
  });

  test('knows every kind', () => {
    const schema = policySchema() as { properties: { kinds: { propertyNames: { anyOf: { enum?: string[] }[] } } } };
    expect(schema.properties.kinds.propertyNames.anyOf[0]?.enum).toEqual([...kindSpecs.keys()]);
  });
});

test('the default policy is nobody’s own: what one caller changes, no other sees; and there is nothing in it to warn of', () => {
  const one = checkPolicy(defaultPolicyYaml);
  expect(one.warnings).toEqual([]);
  one.policy.kinds = {};
  one.policy.fields[0]!.path.push('**');
  const other = checkPolicy(defaultPolicyYaml).policy;
  expect(other.kinds).not.toEqual({});
  expect(other).toEqual(checkPolicy(`${defaultPolicyYaml}\n`).policy);
});
