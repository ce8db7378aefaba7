/** The commands as people and scripts use them: what they print where, and what they exit with. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { runProcess as run, serve, temporaryDirectory } from './product.ts';

const timeout = 300_000;

/** Asked before anything else: it tries for twelve seconds. */
const outOfReach = run(['search', '--url', 'http://127.0.0.1:1', '--key', 'k'], { cwd: tmpdir() });

const person = (i: number): object => ({
  id: `e${i}`,
  time: `2026-03-0${1 + (i % 9)}T00:00:00Z`,
  action: i % 2 === 0 ? 'login' : 'logout',
  outcome: 'success',
  actor: { type: 'user', id: `u${i}`, email: `user${i % 3}@example.net` },
  message: `user${i % 3}@example.net was here`,
});

async function filled(count: number): Promise<{ dir: string; data: string; vkey: string }> {
  const dir = temporaryDirectory();
  const data = join(dir, 'data');
  const { code } = await run(['ingest', '--data', data], { input: Array.from({ length: count }, (_, i) => JSON.stringify(person(i))).join('\n') });
  expect(code).toBe(0);
  return { dir, data, vkey: readFileSync(join(data, 'keys/default.vkey'), 'utf8').trim() };
}

describe('receipts and disclosures', () => {
  test(
    'verify with the public key and nothing else, in an empty folder; and fail for another event',
    async () => {
      const { dir, data, vkey } = await filled(40);
      const empty = join(dir, 'empty');
      mkdirSync(empty);
      const receipt = join(empty, '7.tlog-proof');
      expect(await run(['prove', '7', '--data', data, '--out', receipt])).toMatchObject({ code: 0, out: '' });
      expect(readdirSync(empty)).toEqual(['7.tlog-proof']);
      const good = await run(['verify', '7.tlog-proof', '--vkey', vkey, '--json'], { cwd: empty });
      expect(good.code).toBe(0);
      expect(JSON.parse(good.out)).toMatchObject({ ok: true, leafIndex: 7, treeSize: 40 });

      const other = await run(['prove', '8', '--data', data]);
      const lines = readFileSync(receipt, 'utf8').split('\n');
      const swaps = {
        'the entry of another event': lines.with(1, other.out.split('\n')[1] as string),
        'another place': lines.with(2, 'index 8'),
        'another size': lines.map((line) => (line === '40' ? '41' : line)),
      };
      for (const [what, changed] of Object.entries(swaps)) {
        writeFileSync(join(empty, 'changed'), changed.join('\n'));
        const bad = await run(['verify', 'changed', '--vkey', vkey, '--json'], { cwd: empty });
        expect({ what, code: bad.code, ok: (JSON.parse(bad.out) as { ok: boolean }).ok }).toEqual({ what, code: 1, ok: false });
      }

      const disclosure = join(empty, 'd.json');
      await run(['prove', '8', '--data', data, '--disclose', '/action', '/time', '--out', disclosure]);
      const forOther = await run(['verify', '7.tlog-proof', '--vkey', vkey, '--event', 'd.json'], { cwd: empty });
      expect(forOther.code).toBe(1);
      expect(forOther.out).toContain('the receipt is for leaf 7, the event is at leaf 8');
      expect((await run(['verify', '7.tlog-proof', '--vkey', vkey.replace('default', 'defauld')], { cwd: empty })).code).not.toBe(0);
      expect((await run(['verify', '7.tlog-proof'], { cwd: empty })).code).toBe(2);
    },
    timeout,
  );

  test(
    'a disclosure of two fields verifies and shows nothing else',
    async () => {
      const { dir, data, vkey } = await filled(12);
      const file = join(dir, 'd.json');
      await run(['prove', '3', '--data', data, '--disclose', '/action', '/outcome', '--out', file]);
      const text = readFileSync(file, 'utf8');
      const { record } = JSON.parse((await run(['show', '3', '--data', data, '--json'])).out) as { record: { actor: { email: string; id: string } } };
      expect(text).not.toContain(record.actor.email);
      expect(text).not.toContain('"u3"');
      const { code, out } = await run(['verify', file, '--vkey', vkey, '--json']);
      expect(code).toBe(0);
      expect((JSON.parse(out) as { shown: unknown }).shown).toEqual([
        { pointer: '/action', value: 'logout' },
        { pointer: '/outcome', value: 'success' },
      ]);
      writeFileSync(file, text.replace('"logout"', '"logins"'));
      expect((await run(['verify', file, '--vkey', vkey])).code).toBe(1);
      expect((await run(['prove', '3', '--data', data, '--disclose', '/nothing'])).code).toBe(2);
    },
    timeout,
  );
});

describe('ingest', () => {
  test(
    'files, gzip, CloudTrail and arrays; bad lines become stubs with a reason; again, all are duplicates',
    async () => {
      const dir = temporaryDirectory();
      const file = (name: string, bytes: string | Buffer): string => {
        writeFileSync(join(dir, name), bytes);
        return join(dir, name);
      };
      const record = (i: number): object => ({
        eventVersion: '1.08',
        eventID: `c${i}`,
        eventTime: '2026-01-01T00:00:00Z',
        eventSource: 's3.amazonaws.com',
        eventName: 'GetObject',
        userIdentity: { type: 'IAMUser', userName: 'ops' },
      });
      const files = [
        file('lines.ndjson', `${JSON.stringify(person(1))}\n\nnot json\n{"a":1,"a":2}\n"a text"\n`),
        file('packed.ndjson.gz', gzipSync(`${JSON.stringify({ action: 'x', n: 1 })}\n${JSON.stringify({ action: 'x', n: 1 })}\n`)),
        file('trail.json', JSON.stringify({ Records: [record(1), record(2)] }, null, 2)),
        file('array.json', JSON.stringify([person(5), person(6)])),
      ];
      const first = await run(['ingest', ...files, '--data', join(dir, 'data'), '--json']);
      expect(first.code).toBe(0);
      // Two equal lines without ids are two events.
      expect(JSON.parse(first.out)).toEqual({ accepted: 8, duplicates: 0, rejected: 2, firstLeaf: 0, lastLeaf: 9, treeSize: 10 });
      expect(first.err).toContain('json_syntax');
      expect(first.err).toContain('json_duplicate_name');
      const again = await run(['ingest', ...files, '--data', join(dir, 'data'), '--json']);
      expect(JSON.parse(again.out)).toEqual({ accepted: 0, duplicates: 10, rejected: 0, firstLeaf: 0, lastLeaf: 9, treeSize: 10 });
    },
    timeout,
  );

  test(
    'through a server, with the key in a file',
    async () => {
      const dir = temporaryDirectory();
      const server = await serve(join(dir, 'data'));
      const input = Array.from({ length: 1500 }, (_, i) => JSON.stringify(i % 500 === 499 ? { action: 'same' } : person(i))).join('\n');
      const connect = (role: string): string[] => ['--url', server.url, '--key', `@${join(dir, `data/keys/${role}.key`)}`];
      expect(JSON.parse((await run(['ingest', '-', '--json', ...connect('writer')], { input })).out)).toMatchObject({
        accepted: 1500,
        duplicates: 0,
      });
      expect(JSON.parse((await run(['ingest', '-', '--json', ...connect('writer')], { input })).out)).toMatchObject({
        accepted: 0,
        duplicates: 1500,
      });
      const found = await run(['search', 'action:login', '--limit', '3', '--json', ...connect('reader')]);
      expect(found.out.trim().split('\n')).toHaveLength(3);
      const refused = await run(['search', 'x', ...connect('writer')]);
      expect(refused.code).toBe(3);
      expect(refused.err).toContain('forbidden');
      const direct = await run(['ingest', '-', '--data', join(dir, 'data')], { input });
      expect(direct.code).toBe(3);
      expect(direct.err).toContain('another process has this data directory');
      // Reading a directory that a server has is fine, and so is verifying it, from inside and outside.
      expect((await run(['search', 'action:logout', '--limit', '2', '--data', join(dir, 'data'), '--json'])).out.trim().split('\n')).toHaveLength(2);
      expect((await run(['verify', join(dir, 'data')])).code).toBe(0);
      const vkey = `@${join(dir, 'data/keys/default.vkey')}`;
      const outside = await run(['verify', server.url, '--vkey', vkey]);
      expect(outside.code).toBe(0);
      expect(outside.err).toContain('not checked: records');
      expect((await run(['checkpoint', ...connect('reader')])).out).toContain('\n1500\n');
      await server.stop();
      const published = await run(['verify', join(dir, 'data/logs/default'), '--vkey', vkey]);
      expect(published.code).toBe(0);
    },
    timeout,
  );
});

describe('search', () => {
  test(
    'newest first, by time, by field, without',
    async () => {
      const { data } = await filled(30);
      const leaves = async (...args: string[]): Promise<number[]> =>
        (await run(['search', ...args, '--data', data, '--json'])).out
          .trim()
          .split('\n')
          .filter(Boolean)
          .map((line) => (JSON.parse(line) as { leafIndex: number }).leafIndex);
      expect(await leaves('action:login', '--limit', '3')).toEqual([28, 26, 24]);
      expect(await leaves('', '--since', '2026-03-09T00:00:00Z')).toEqual([26, 17, 8]);
      expect(await leaves('', '--until', '2026-03-02T00:00:00Z', '--limit', '2')).toEqual([27, 18]);
      expect(await leaves('actor.id:u4')).toEqual([4]);
      expect(await leaves('-action:login actor.id:u4')).toEqual([]);
      const bad = await run(['search', '(', '--data', data]);
      expect(bad.code).toBe(2);
    },
    timeout,
  );
});

describe('scan and preview', () => {
  test(
    'scan --json: a line out for a line in, offsets in UTF-16 units',
    async () => {
      const input = ['mail 😀 jane@example.net', '{"text":"call jane@example.net"}', 'nothing here'].join('\n');
      const { code, out } = await run(['scan', '--json'], { input });
      expect(code).toBe(0);
      const lines = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { line: number; findings: { kind: string; start: number; end: number }[] });
      expect(lines.map(({ line, findings }) => [line, findings.map(({ kind, start, end }) => [kind, start, end])])).toEqual([
        [1, [['email', 8, 24]]],
        [2, [['email', 5, 21]]],
        [3, []],
      ]);
    },
    timeout,
  );

  test(
    'scan --object bears pointers; a line that is no JSON is named',
    async () => {
      const { out } = await run(['scan', '--json', '--object'], { input: '{"a":[{"b":"jane@example.net"}]}' });
      expect(JSON.parse(out)).toMatchObject({ line: 1, findings: [{ kind: 'email', pointer: '/a/0/b' }] });
      const bad = await run(['scan', '--object'], { input: '{}\n{"jane@example.net": oops}' });
      expect(bad).toMatchObject({ code: 2 });
      expect(bad.err).toContain('line 2: not JSON, at offset');
      expect(bad.err).not.toContain('jane');
      // Longer than an event: nothing is cut off where nothing is stored.
      const long = await run(['scan', '--json'], { input: `${'x '.repeat(600_000)}jane@example.net` });
      expect(JSON.parse(long.out)).toMatchObject({ findings: [{ kind: 'email', start: 1_200_000, end: 1_200_016 }] });
      const tooLong = await run(['scan', '--json'], { input: `${'x '.repeat(8_400_000)}jane@example.net` });
      expect(tooLong).toMatchObject({ code: 2, out: '' });
      expect(tooLong.err).toContain('line 1: longer than');
    },
    timeout,
  );

  test(
    'preview shows before and after, and stores nothing',
    async () => {
      const dir = temporaryDirectory();
      const event = { ...person(1), message: 'mail a@example.net from 81.2.69.142' };
      const { code, out } = await run(['preview'], { cwd: dir, input: JSON.stringify(event) });
      expect(code).toBe(0);
      expect(out).toContain('/actor/email');
      expect(out).toMatch(/user1@example\.net.*→.*tok_/);
      expect(out).toMatch(/\/message .*email, tokenize; ip_address, generalize/);
      expect(readdirSync(dir)).toEqual([]);
    },
    timeout,
  );

  test(
    'a policy that is wrong is named with file, line, and what would be right',
    async () => {
      const dir = temporaryDirectory();
      writeFileSync(join(dir, 'policy.yaml'), 'version: 1\nname: mine\nkinds:\n  emial: redact\n');
      const { code, err } = await run(['scan', '--policy', 'policy.yaml'], { cwd: dir, input: 'x' });
      expect(code).toBe(2);
      expect(err).toMatch(/policy\.yaml.*4/);
      expect(err).toContain('email');
    },
    timeout,
  );
});

describe('keys and use', () => {
  test(
    'keys are made, listed without the key, revoked; the sealed directory stays in order',
    async () => {
      const { data } = await filled(3);
      const made = await run(['key', 'create', '--role', 'reader', '--name', 'auditor', '--data', data]);
      expect(made.out).toMatch(/^vt_reader_\S+\n$/);
      const listed = await run(['key', 'list', '--data', data, '--json']);
      expect(listed.out).not.toContain(made.out.trim());
      const info = listed.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { id: string; name?: string })
        .find(({ name }) => name === 'auditor');
      expect(info).toBeDefined();
      const rotated = await run(['key', 'rotate', info?.id as string, '--data', data, '--json', '--overlap', '1']);
      expect(JSON.parse(rotated.out)).toMatchObject({
        role: 'reader',
        name: 'auditor',
        rotates: info?.id,
        key: expect.stringMatching(/^vt_reader_/) as string,
      });
      const owned = await run([
        'key',
        'create',
        '--role',
        'reader',
        '--owner',
        'Jane@Example.com',
        '--hide',
        'context',
        '--address',
        '10.0.0.0/8',
        '--data',
        data,
      ]);
      expect(owned.code).toBe(0);
      const hers = await run(['key', 'list', '--owner', 'jane@example.com', '--data', data]);
      expect(hers.out).toMatch(
        new RegExp(`^\\S+  ${owned.out.slice(0, 23)} .*from 10.0.0.0/8  without context  person:[a-z2-7]{16}  never used\\n$`),
      );
      expect((await run(['key', 'revoke', info?.id as string, '--data', data])).code).toBe(0);
      expect((await run(['key', 'revoke', 'nobody', '--data', data])).code).not.toBe(0);
      expect((await run(['key', 'export-public', '--data', data])).out.trim()).toBe(readFileSync(join(data, 'keys/default.vkey'), 'utf8').trim());
      expect((await run(['verify', data])).code).toBe(0);
    },
    timeout,
  );

  test.each([
    [['nonsense'], 2],
    [['serve', '--listen', 'nowhere'], 2],
    [['ingest', '--format', 'nonsense'], 2],
    [['ingest', '--format', 'syslog'], 2],
    [['search', '--limit', '1e3'], 2],
    [['show', '0x10'], 2],
    [['verify', 'nothing-here'], 1],
    [['show', '0', '--data', 'nothing-here'], 3],
    [['search', '--url', 'ftp://x', '--key', 'k'], 2],
    [['search', '--url', 'http://127.0.0.1:1'], 3],
    [['--help'], 0],
    [['--version'], 0],
  ])(
    '%j exits %i',
    async (args, expected) => {
      const { code, err } = await run(args, { cwd: temporaryDirectory() });
      expect({ code, err }).toEqual({ code: expected, err: expect.not.stringMatching(/\n\s+at /) });
    },
    timeout,
  );

  test(
    'a server that cannot be reached: 3, after some tries',
    async () => {
      const { code, err } = await outOfReach;
      expect({ code, err }).toEqual({ code: 3, err: expect.not.stringMatching(/\n\s+at /) });
    },
    timeout,
  );

  test(
    'a leaf that is not there is said so',
    async () => {
      const { data } = await filled(2);
      for (const command of ['show', 'prove']) {
        const { code, err } = await run([command, '2', '--data', data]);
        expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('log default has no leaf 2') });
      }
      copyFileSync(join(data, 'config.json'), join(data, 'copy'));
      expect((await run(['verify', data])).code).toBe(1);
    },
    timeout,
  );
});
