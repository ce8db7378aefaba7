import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { CanaryReport } from '../../src/app/run-canary.ts';
import { run, temporaryDirectory } from './product.ts';

it('finds no leak under the default policy, and says so in _system', async () => {
  const data = join(temporaryDirectory(), 'data');
  const { code, out, err } = await run(['canary', '--data', data, '--json']);
  const report = JSON.parse(out) as CanaryReport;
  expect(report.leaks).toEqual([]);
  expect({ code, ok: report.ok, unseen: report.unseen, log: report.log, err }).toEqual({ code: 0, ok: true, unseen: 0, log: '_canary', err: '' });
  expect(report.planted).toBeGreaterThan(report.kinds * 60);
  // Records, their log, the vault and the index at the least were written meanwhile.
  expect(report.files).toBeGreaterThan(5);

  const told = await run(['search', 'action:canary.run', '--log', '_system', '--data', data, '--json']);
  expect(JSON.parse(told.out)).toMatchObject({
    record: { action: 'canary.run', outcome: 'success', metadata: { planted: report.planted, leaked: 0 } },
  });

  // The logs of the server's own are verified with the others.
  expect(await run(['verify', data])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/log _canary .*all well\n.*log _system .*all well/) as string,
  });
  const checkpoint = join(data, 'logs/_system/checkpoint');
  writeFileSync(checkpoint, readFileSync(checkpoint, 'utf8').replace(/\n(\d+)\n/, '\n9\n'));
  expect(await run(['verify', data])).toMatchObject({ code: 1, out: expect.stringContaining('log _system: logs/_system/checkpoint') as string });
});

it('finds what a policy lets through, in records and in files, and never shows it', async () => {
  const dir = temporaryDirectory();
  const [data, policy] = [join(dir, 'data'), join(dir, 'policy.yaml')];
  const { out: text } = await run(['policy', 'default']);
  writeFileSync(
    policy,
    text.replace('fields:', 'fields:\n  - path: "metadata.nested.**"\n    transform: keep').replace('  phone: tokenize', '  phone: keep'),
  );
  expect((await run(['ingest', '-', '--data', data, '--policy', policy], { input: '{"message":"m"}' })).code).toBe(0);
  const { code, out } = await run(['canary', '--data', data, '--json']);
  const report = JSON.parse(out) as CanaryReport;
  expect(code).toBe(1);
  expect(report.kept).toContain('phone');
  expect(
    report.leaks.some(
      ({ kind, position, encoding, where }) => kind === 'us_ssn' && position === 'nested' && encoding === 'base64' && where === 'record',
    ),
  ).toBe(true);
  expect(new Set(report.leaks.flatMap(({ kind, position }) => (kind === 'us_ssn' ? [position] : [])))).toEqual(new Set(['nested']));
  const told = JSON.parse((await run(['search', 'action:canary.run', '--log', '_system', '--data', data, '--json'])).out) as {
    record: Record<string, unknown>;
  };
  expect(told.record).toMatchObject({ outcome: 'failure', category: 'pii_leak', severity: 5 });
});

it('knows the logs there are', async () => {
  const data = join(temporaryDirectory(), 'data');
  expect((await run(['canary', '--data', data, '--log', 'No Log'])).code).toBe(2);
});
