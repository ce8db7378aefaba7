import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run, temporaryDirectory } from './product.ts';

const weak = 'version: 1\nname: weak\nfields: []\nkinds:\n  email: keep\n  person_name: keep\n';
const events = [
  {
    time: '2026-11-01T10:00:00Z',
    action: 'user.login',
    actor: { type: 'user', id: 'u-1', name: 'Jane Doe' },
    metadata: { emails: ['jane@acme-corp.com', 'none'], 'bob@acme-corp.com': 1 },
  },
  {
    time: '2026-11-01T10:00:01Z',
    source: 'crm',
    action: 'job.run',
    outcome: 'success',
    context: { ip: '81.2.69.160' },
    metadata: { dateOfBirth: '1980-02-03' },
  },
];

it('says where an older policy let something through, and never what', async () => {
  const dir = temporaryDirectory();
  const [data, policy] = [join(dir, 'data'), join(dir, 'weak.yaml')];
  writeFileSync(policy, weak);
  const input = events.map((event) => JSON.stringify(event)).join('\n');
  expect((await run(['ingest', '-', '--data', data, '--policy', policy], { input })).code).toBe(0);

  const same = await run(['scan', '--stored', '--data', data]);
  expect([same.code, same.out]).toEqual([0, '']);

  const strict = join(dir, 'default.yaml');
  writeFileSync(strict, (await run(['policy', 'default'])).out);
  const now = await run(['scan', '--stored', '--json', '--data', data, '--policy', strict]);
  expect(now.code).toBe(1);
  const found = now.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(found).toContainEqual({
    leafIndex: 0,
    pointer: '/actor/name',
    kind: 'person_name',
    transform: 'tokenize',
    policy: expect.stringMatching(/^weak@1#/) as string,
  });
  expect(found).toContainEqual(expect.objectContaining({ leafIndex: 0, pointer: '/metadata/emails/0', kind: 'email' }));
  expect(found).toContainEqual(
    expect.objectContaining({ leafIndex: 0, kind: 'email', pointer: expect.stringMatching(/^\/metadata\/tok_/) as string }),
  );
  expect(now.out + now.err).not.toMatch(/jane|doe|bob/i);

  // What the strict policy stores, it has nothing to find in: generalised dates and addresses are not found again.
  expect((await run(['ingest', '-', '--data', data, '--policy', strict], { input: input.replaceAll('user.', 'admin.') })).code).toBe(0);
  const newest = await run(['scan', '--stored', '--newest', '2', '--data', data]);
  expect([newest.code, newest.out]).toEqual([0, '']);
  expect(newest.err).toContain('2 records read');
});

it('is told to read files or what is stored', async () => {
  const { code, err } = await run(['scan', '--stored', 'events.ndjson']);
  expect(code).toBe(2);
  expect(err).toContain('not both');
});
