/** `alerts:` of the configuration file: everything wrong at once, with its place and what would be right. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { builtInRules } from '../../src/alerts/built-in-rules.ts';
import { readAlertSettings } from '../../src/alerts/rules-file.ts';
import { VeiltrailError } from '../../src/core/errors.ts';

function problemsOf(text: string): string[] {
  try {
    readAlertSettings(text, 'c.yaml');
    return [];
  } catch (error) {
    expect((error as VeiltrailError).code).toBe('config_invalid');
    return (error as VeiltrailError).message.split('\n');
  }
}

test('own rules come beside the built-in ones, replace them by name, and disable them', () => {
  const { rules, disabled } = readAlertSettings(
    `
listen: 127.0.0.1:0
alerts:
  disable: [backup-made, anchor-failed]
  rules:
    - { name: exports, severity: high, logs: default, q: 'action:export', count: 20, within: 10m, by: /actor/id, why: too many }
    - { name: reveal, severity: critical, q: 'action:token.reveal' }
`,
    'c.yaml',
  );
  expect(disabled).toEqual(['backup-made', 'anchor-failed']);
  expect(rules).toHaveLength(builtInRules.length - 2 + 1);
  expect(rules[0]).toEqual({
    name: 'exports',
    severity: 'high',
    logs: ['default'],
    q: 'action:export',
    count: 20,
    withinMs: 600_000,
    by: '/actor/id',
    quietMs: 600_000,
    why: 'too many',
    builtIn: false,
  });
  // One that takes the place of a built-in rule looks at the same logs.
  expect(rules[1]).toMatchObject({ name: 'reveal', severity: 'critical', logs: ['_system'], count: 1, quietMs: 0, builtIn: false });
  expect(rules.filter(({ name }) => name === 'reveal')).toHaveLength(1);
});

test('what is wrong is told with file, line, column and what would be right', () => {
  const text = `alerts:
  disabled: [reveal]
  disable: [reveals]
  rules:
    - { name: Exports, severity: hihg, q: 'action:(', count: 0 }
    - { name: a, severity: high, q: x, count: 2 }
    - { name: b, severity: high, q: x, within: 5 minutes, by: actor.id, quiet: 30d, logs: [A] }
    - { severity: high }
`;
  const problems = problemsOf(text);
  const wanted = [
    /^c\.yaml:2:3: unknown name "disabled" in alerts; did you mean "disable"\?$/,
    /^c\.yaml:3:13: .*did you mean "reveal"\?/,
    /^c\.yaml:5:\d+: name "Exports": lower-case letters/,
    /^c\.yaml:5:\d+: severity cannot be "hihg"; did you mean "high"\?/,
    /^c\.yaml:5:\d+: q .*(?:offset|value)/,
    /^c\.yaml:5:\d+: count must be a whole number from 1 to 1000/,
    /^c\.yaml:7:\d+: within "5 minutes": write a whole number and s, m, h or d/,
    /^c\.yaml:7:\d+: by "actor\.id": write a JSON pointer/,
    /^c\.yaml:7:\d+: quiet "30d": at most 7d/,
    /^c\.yaml:7:\d+: logs "A": the name of a log/,
  ];
  for (const one of wanted)
    expect(
      problems.filter((problem) => one.test(problem)),
      String(one),
    ).toHaveLength(1);
  expect(problems.at(-1)).toBe('and 2 more');
});

test('what is wrong only beside the rest is told, too', () => {
  const problems = problemsOf(`alerts:
  disable: reveal
  rules:
    - { name: reveal, severity: high, q: x }
    - { name: a, severity: high, q: x, count: 2 }
    - { name: a, severity: high, q: x, within: 5m }
`);
  expect(problems).toEqual([
    'c.yaml:4:15: a rule of the name "reveal" cannot be disabled and be there: leave it out of "disable"',
    'c.yaml:5:47: a count takes "within": so many records within so long, such as `within: 10m`',
    'c.yaml:6:15: there is another rule of the name "a"',
    'c.yaml:6:48: "within" takes a "count" of 2 or more',
  ]);
  expect(problemsOf('alerts: 5\n')).toEqual(['c.yaml:1:9: alerts must be a mapping ("name: value" lines)']);
  expect(
    problemsOf(`alerts:\n  rules:\n${Array.from({ length: 201 }, (_, i) => `    - { name: a${i}, severity: low, q: x }`).join('\n')}\n`),
  ).toEqual(['c.yaml:3:5: there are at most 200 rules']);
});

test('the example of the guide is one', () => {
  const guide = readFileSync(new URL('../../docs/guide/alerts.md', import.meta.url), 'utf8');
  const example = /```yaml\n(alerts:\n.*?)```/s.exec(guide)?.[1] ?? '';
  const { rules, disabled } = readAlertSettings(example, 'guide');
  expect(disabled).toHaveLength(1);
  expect(rules.map(({ name }) => name)).toContain('exports-by-one');
});
