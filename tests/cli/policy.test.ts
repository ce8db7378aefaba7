/** `veiltrail policy`, as people and CI run it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run, temporaryDirectory } from '../e2e/product.ts';

const timeout = 300_000;
const head = 'version: 2\nname: mine\nowner: privacy office\n';

function files(texts: Record<string, string>): (name: string) => string {
  const dir = temporaryDirectory();
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(dir, name), text);
  return (name) => join(dir, name);
}

const jsonLines = (out: string): Record<string, unknown>[] =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test(
  'default | check: what is printed can be used; check says what a policy does, what to look at, and what is wrong where',
  async () => {
    const printed = await run(['policy', 'default']);
    const path = files({
      'default.yaml': printed.out,
      'good.yaml': `${head}kinds: {email: {transform: sha256, why: the mailer wants it}}\ncustom: [{kind: badge, pattern: 'BDG-\\d{6}'}]\n`,
      'bad.yaml': `${head}kinds: {emial: redact}\ncustom: [{kind: badge, pattern: '(a+)+'}]\n`,
    });
    expect((await run(['policy', 'check', path('default.yaml')])).code).toBe(0);
    const good = await run(['policy', 'check', path('good.yaml')]);
    expect(good.code).toBe(0);
    expect(good.out).toContain('mine version 2, owner privacy office, approver –');
    expect(good.out).toContain('the mailer wants it');
    expect(good.out).toContain('at most 11 steps a character');
    expect(good.err).toContain('good.yaml:4:28: a plain SHA-256 is no protection');
    const [facts] = jsonLines((await run(['policy', 'check', path('good.yaml'), '--json'])).out);
    expect(facts).toMatchObject({ ok: true, name: 'mine', version: 2, unknown: 'scan', warnings: [{ line: 4, column: 28 }] });
    const bad = await run(['policy', 'check', path('bad.yaml')]);
    expect(bad.code).toBe(2);
    expect(bad.err).toContain('bad.yaml:4:9: unknown name "emial" in kinds; did you mean "email"?');
    const told = await run(['policy', 'check', path('bad.yaml'), '--json']);
    expect(told.code).toBe(2);
    expect(jsonLines(told.out)[0]).toMatchObject({ ok: false });
    expect((await run(['policy', 'check', path('none.yaml')])).code).toBe(2);
    const kinds = jsonLines((await run(['policy', 'kinds', '--policy', path('good.yaml'), '--json'])).out);
    expect(kinds.find(({ kind }) => kind === 'badge')).toMatchObject({ family: 'custom', transform: 'redact' });
    expect(kinds.find(({ kind }) => kind === 'email')).toMatchObject({ family: 'contact', transform: 'sha256' });
  },
  timeout,
);

test(
  'preview and diff: over a file, and over the newest stored events',
  async () => {
    const path = files({
      'old.yaml': `${head}kinds: {email: tokenize, person_name: tokenize, username: tokenize}\n`,
      'new.yaml': `${head}kinds: {email: {transform: keep, why: addresses are public here}, person_name: redact, username: tokenize}\nlogs: {other: {kinds: {email: redact}}}\n`,
      'events.ndjson': [1, 2, 3]
        .map((i) => JSON.stringify({ action: 'login', actor: { type: 'user', id: `u${i}` }, message: i < 3 ? `mail a${i}@example.com` : 'no mail' }))
        .join('\n'),
    });
    const data = path('data');
    const preview = await run(['policy', 'preview', path('events.ndjson'), '--policy', path('old.yaml')]);
    expect(preview.out).toMatch(/\/message {2}"mail a1@example\.com" → "mail tok_/);
    const own = await run(['policy', 'preview', path('events.ndjson'), '--policy', path('new.yaml'), '--log', 'other', '--json']);
    expect(jsonLines(own.out)[0]).toMatchObject({ where: 'line 1', event: { message: 'mail [REDACTED]' } });

    writeFileSync(path('strict.yaml'), `${head}unknown: redact\nkinds: {}\n`);
    const strict = await run(['policy', 'preview', '-', '--policy', path('strict.yaml')], {
      input: '{"action":"a","actor":{"type":"user","id":"u"},"metadata":{"list":[{"q":1}],"n":"x"}}',
    });
    expect(strict.err).toBe('fields that no rule names: metadata.n (string), metadata.list.*.q (number)\n');

    const rules = await run(['policy', 'diff', path('old.yaml'), path('new.yaml'), '--json']);
    expect(rules.code).toBe(0);
    expect(jsonLines(rules.out)).toEqual([
      { rule: 'kinds.email', before: 'tokenize', after: 'keep', effect: 'weaker' },
      { rule: 'kinds.person_name', before: 'tokenize', after: 'redact', effect: 'stronger' },
      { rule: 'logs.other.kinds.email', before: 'tokenize', after: 'redact', effect: 'stronger' },
    ]);
    expect(rules.err).toContain('both are version 2 of mine: count it up');
    expect((await run(['policy', 'diff', path('old.yaml'), path('new.yaml'), '--forbid-weaker'])).code).toBe(1);
    expect((await run(['policy', 'diff', path('new.yaml'), path('old.yaml'), path('events.ndjson')])).err).toContain(
      '2 of 3 events would come out otherwise',
    );
    const dry = await run(['policy', 'diff', path('old.yaml'), path('new.yaml'), path('events.ndjson'), '--json']);
    expect(jsonLines(dry.out).at(-1)).toEqual({ path: '/message', before: 'tokenize email', after: 'as it is', events: 2 });
    expect(dry.out).not.toContain('@example.com');

    await run(['ingest', path('events.ndjson'), '--data', data, '--policy', path('new.yaml')]);
    const stored = await run(['policy', 'diff', path('new.yaml'), path('old.yaml'), '--data', data, '--newest', '2', '--json']);
    expect(jsonLines(stored.out).at(-1)).toEqual({ path: '/message', before: 'as it is', after: 'tokenize email', events: 1 });
    expect(stored.err).toContain('1 of 2 stored events');
    const show = await run(['policy', 'preview', '--data', data, '--policy', path('old.yaml')]);
    expect(show.out).toMatch(/leaf 0\n.*"mail a1@example\.com" → "mail tok_/s);
    expect((await run(['policy', 'diff', path('old.yaml'), path('new.yaml'), path('events.ndjson'), '--data', data])).code).toBe(2);
  },
  timeout,
);

test(
  'test: fixtures pass, fail with exit code 1 and JUnit XML, or cannot be read',
  async () => {
    const path = files({
      'good.yaml': `
- name: one person is one token
  input: {actor: {type: user, id: u-1, email: jane@example.com}, message: "mail JANE@example.com, not joe@example.com"}
  expect: {actor: {type: user, id: u-1, email: tok_*jane}, message: "mail tok_*jane, not tok_*joe"}
- name: names of members
  input: {m: {jane@example.com: 1}}
  expect: {m: {tok_*: 1}}
- input: "key AKIAIOSFODNN7EXAMPLE"
  expect: "key hash_*"
`,
      'bad.json': JSON.stringify({
        fixtures: [
          { name: 'same token <&">', input: { a: 'jane@example.com', b: 'joe@example.com' }, expect: { a: 'tok_*x', b: 'tok_*x' } },
          { name: 'different tokens', input: { a: ['jane@example.com', 'jane@example.com'] }, expect: { a: ['tok_*x', 'tok_*y'] } },
          { name: 'members', input: { a: 1, b: [1, 2] }, expect: { a: 1, b: [1], c: 2 } },
          { name: 'a log of its own', log: 'other', input: 'mail jane@example.com', expect: 'mail tok_*' },
        ],
      }),
      'policy.yaml': `${head}kinds: {email: tokenize, aws_access_key: hash}\nlogs: {other: {kinds: {email: redact}}}\n`,
      'none.yaml': '[]',
      'odd.yaml': '- {input: {a: 1}, expect: text}',
      'more.yaml': '- {input: a, expect: a, expects: b}',
      'broken.yaml': '- {input: [',
    });
    const policy = ['--policy', path('policy.yaml')];
    const good = await run(['policy', 'test', path('good.yaml'), ...policy]);
    expect([good.code, good.err]).toEqual([0, '3 fixtures: all well\n']);
    const junit = path('junit.xml');
    const bad = await run(['policy', 'test', path('good.yaml'), path('bad.json'), ...policy, '--junit', junit, '--json']);
    expect(bad.code).toBe(1);
    expect(jsonLines(bad.out).map(({ ok }) => ok)).toEqual([true, true, true, false, false, false, false]);
    expect(jsonLines(bad.out)[5]).toMatchObject({
      differences: [
        { pointer: '/b/1', expected: 'nothing', got: '2' },
        { pointer: '/c', expected: '2', got: 'nothing' },
      ],
    });
    expect(jsonLines(bad.out)[6]).toMatchObject({ differences: [{ pointer: '/message', got: '"mail [REDACTED]"' }] });
    const xml = readFileSync(junit, 'utf8');
    expect(xml).toMatch(/<testsuites name="veiltrail policy test" tests="7" failures="4" errors="0" skipped="0" time="[\d.]+">/);
    expect(xml).toContain('name="same token &lt;&amp;&quot;&gt;"');
    expect(xml.match(/<testcase /g)).toHaveLength(7);
    expect(xml.match(/<failure /g)).toHaveLength(4);
    for (const file of ['none.yaml', 'odd.yaml', 'more.yaml', 'broken.yaml', 'missing.yaml'])
      expect((await run(['policy', 'test', path(file), ...policy])).code, file).toBe(2);
    expect((await run(['policy', 'test', path('good.yaml'), ...policy, '--junit', path('no/where.xml')])).code).toBe(2);
  },
  timeout,
);

test(
  'words: a dictionary that finds its words and does not tell them',
  async () => {
    const made = await run(['policy', 'words', '--kind', 'code_name'], { input: 'Project Bluebird\n\nblackbird\n---\n' });
    expect(made.code).toBe(0);
    expect(made.out.toLowerCase()).not.toMatch(/bluebird|blackbird/);
    expect(made.err).toContain('1 left out');
    const path = files({ 'policy.yaml': `${head}kinds: {}\n${made.out}` });
    const found = await run(['scan', '--policy', path('policy.yaml'), '--json'], { input: 'is project bluebird a BLACKBIRD?' });
    expect(jsonLines(found.out)[0]).toMatchObject({
      findings: [
        { kind: 'code_name', start: 3, end: 19 },
        { kind: 'code_name', start: 22, end: 31 },
      ],
    });
    expect((await run(['policy', 'words', '--kind', 'X'], { input: 'a' })).code).toBe(2);
    expect((await run(['policy', 'words'], { input: '--\n' })).code).toBe(2);
  },
  timeout,
);
