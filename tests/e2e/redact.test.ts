import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run, temporaryDirectory } from './product.ts';

const lines = '{"user":"Jane Doe","email":"jane@acme-corp.com"}\nplain text to jane@acme-corp.com\n{"ok": 1}\n';

it('is a filter that stores nothing and leaves alone what needs no change', async () => {
  const { code, out, err } = await run(['redact'], { input: lines });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).not.toMatch(/jane/i);
  expect(out.split('\n')).toHaveLength(4);
  expect(out.split('\n')[2]).toBe('{"ok": 1}');
});

it('hashes alike in every run with one key, and follows a policy', async () => {
  const dir = temporaryDirectory();
  const [input, key, policy] = ['in.log', 'hash.key', 'policy.yaml'].map((name) => join(dir, name)) as [string, string, string];
  writeFileSync(input, lines);
  writeFileSync(key, `${'ab'.repeat(32)}\n`);
  writeFileSync(policy, 'version: 1\nname: strict\nfields: []\nkinds:\n  email: {transform: redact, options: {label: kind}}\n');
  const runs = await Promise.all([run(['redact', '--hash-key', key, input, input]), run(['redact', '--hash-key', key], { input: lines + lines })]);
  expect(runs[0].out).toBe(runs[1].out);
  expect((await run(['redact', '--policy', policy, input])).out).toContain('plain text to [EMAIL]\n');
});

it('says what is wrong with a key or a file', async () => {
  const dir = temporaryDirectory();
  const key = join(dir, 'hash.key');
  writeFileSync(key, 'ab');
  const [bad, none, file] = await Promise.all([
    run(['redact', '--hash-key', key]),
    run(['redact', '--hash-key', join(dir, 'none')]),
    run(['redact', join(dir, 'none.log')]),
  ]);
  expect([bad.code, none.code, file.code]).toEqual([2, 2, 3]);
  expect(bad.err).toContain('64 hex digits');
  expect(none.err).toContain('cannot be read');
  expect(file.err).toContain('no such file');
});
