/** Forgetting a person on the command line: listed, refused under a hold, done, certified, verified. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run, temporaryDirectory } from './product.ts';

test('from listing to certificate', async () => {
  const dir = temporaryDirectory();
  const data = join(dir, 'data');
  const events = [
    { action: 'file.read', actor: { type: 'user', id: 'u-17', email: 'jane.roe@example.com', name: 'Jane Roe' } },
    { action: 'file.read', actor: { type: 'user', id: 'u-178', email: 'omar.haddad@example.com' }, message: 'the word is xyzzy-4711' },
  ];
  const veiltrail = (args: string[], input?: string): ReturnType<typeof run> =>
    run(args, { cwd: dir, env: { VEILTRAIL_DATA: data }, ...(input === undefined ? {} : { input }) });
  expect((await veiltrail(['ingest', '-'], events.map((one) => JSON.stringify(one)).join('\n'))).code).toBe(0);

  const listed = await veiltrail(
    ['subject', 'erase', '--kind', 'email', '--unlink', '--json', '--purpose', 'p', '--reference', 'r'],
    'Jane.Roe@example.com\n',
  );
  expect(listed.code, listed.err).toBe(0);
  expect(JSON.parse(listed.out)).toMatchObject({
    mode: 'unlink',
    tokens: 1,
    records: 0,
    subject: { tokens: [{ kind: 'email', by: 'value', records: 1 }] },
  });

  expect((await veiltrail(['hold', 'set', 'case-1', '--why', 'order 1', '--subject', 'u-17'])).code).toBe(0);
  const erase = ['subject', 'erase', '--id', 'u-17', '--erase', '--yes', '--purpose', 'request of 3 May', '--out', 'certificate.json'];
  const held = await veiltrail(erase);
  expect([held.code, held.err]).toEqual([3, expect.stringContaining('the hold case-1')]);
  expect(existsSync(join(dir, 'certificate.json'))).toBe(false);
  expect((await veiltrail(['hold', 'lift', 'case-1', '--purpose', 'over'])).code).toBe(0);
  const erased = await veiltrail(erase);
  expect([erased.code, erased.err]).toEqual([0, expect.stringContaining('gone: 1 record and 2 values in the vault')]);

  // What a scan found is taken out, whatever printed it.
  const finding = `${JSON.stringify({ leafIndex: 1, pointer: '/message', kind: 'secret' })}\n`;
  const redacted = await veiltrail(['redact-value', '--findings', '-', '--yes', '--purpose', 'p', '--json', '--out', 'redaction.json'], finding);
  expect(JSON.parse(redacted.out)).toMatchObject({ fields: 1, certificate: 'redaction.json' });
  expect((await veiltrail(['show', '1'])).out).toContain('"message": "[REDACTED leaf 3]"');

  for (const file of ['certificate.json', 'redaction.json']) {
    const checked = await veiltrail(['verify', file, '--json']);
    expect([checked.code, JSON.parse(checked.out)]).toEqual([0, expect.objectContaining({ ok: true, unproved: 0 })]);
  }
  writeFileSync(join(dir, 'forged.json'), readFileSync(join(dir, 'certificate.json'), 'utf8').replace('"records":1', '"records":9'));
  expect((await veiltrail(['verify', 'forged.json'])).code).toBe(1);
  const verified = await veiltrail(['verify', '--json']);
  expect([verified.code, JSON.parse(verified.out)]).toEqual([
    0,
    expect.objectContaining({ ok: true, records: { verified: 3, erased: 1, redacted: 1 } }),
  ]);
});

test('wrong use is told apart from what is not there', async () => {
  const dir = temporaryDirectory();
  const data = join(dir, 'data');
  expect((await run(['ingest', '-', '--data', data], { input: '{"action":"a"}' })).code).toBe(0);
  const codes = await Promise.all(
    [
      ['subject', 'erase', '--id', 'u-1'],
      ['subject', 'erase', '--erase'],
      ['subject', 'erase', '--id', 'u-1', '--erase', '--yes'],
      ['redact-value', '--leaf', '0'],
      ['report', 'subject', 'u-1'],
      ['hold', 'lift', 'x'],
      ['retention', 'check', join(dir, 'none.yaml')],
    ].map(async (args) => (await run([...args, ...(args[0] === 'retention' ? [] : ['--data', data])])).code),
  );
  expect(codes).toEqual([2, 2, 2, 2, 2, 2, 2]);
  expect((await run(['subject', 'erase', '--id', 'u-1', '--erase', '--data', data])).code).toBe(1);
});
