/** `veiltrail request`, as two people use it: one asks and is told how, the other shows, signs, and the first goes on. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTrail } from '../../src/server/compose.ts';
import { run, temporaryDirectory } from './product.ts';

const timeout = 300_000;

test(
  'a key that sees is made by two: the command says how, exits 3, and goes on once the other has signed',
  async () => {
    const dir = temporaryDirectory();
    const data = join(dir, 'data');
    const trail = await openTrail({ dataDir: data, workers: 1 });
    await trail.createLog('default');
    await trail.close();
    const cli = (...args: string[]): ReturnType<typeof run> => run([...args, '--data', data], { cwd: dir });

    writeFileSync(join(dir, 'words'), 'correct horse battery staple\n');
    const card = await run(['request', 'approver-key', 'create', 'bob.key', '--passphrase-file', 'words'], { cwd: dir });
    expect([card.code, statSync(join(dir, 'bob.key')).mode & 0o777]).toEqual([0, 0o600]);
    expect(readFileSync(join(dir, 'bob.key'), 'utf8')).not.toContain('seed');
    writeFileSync(join(dir, 'card.json'), card.out);
    expect((await run(['request', 'approver-key', 'create', 'bob.key'], { cwd: dir })).code).toBe(2);
    expect((await cli('request', 'approver', 'enrol', 'card.json', '--owner', 'bob')).err).toContain('may approve from now on');

    const refused = await cli('key', 'create', '--role', 'reader', '--purpose', 'new colleague');
    const id = /request (r_[a-z2-7]{26}) was made; an approver runs "veiltrail request approve/.exec(refused.err)?.[1] as string;
    expect([refused.code, refused.out]).toEqual([3, '']);

    const shown = await cli('request', 'show', id);
    expect([shown.code, shown.out]).toEqual([0, expect.stringContaining('new colleague')]);
    const unlocked = await cli('request', 'approve', id, '--approver-key', 'bob.key', '--by', 'bob');
    expect([unlocked.code, unlocked.err]).toEqual([2, expect.stringContaining('(passphrase)')]);
    const key = ['--approver-key', 'bob.key', '--passphrase-file', 'words'];
    const own = await cli('request', 'approve', id, ...key);
    expect([own.code, own.err]).toEqual([3, expect.stringContaining('(request_own)')]);
    const approved = await cli('request', 'approve', id, ...key, '--by', 'bob', '--json');
    expect([approved.code, JSON.parse(approved.out)]).toEqual([0, expect.objectContaining({ id, state: 'approved' })]);

    const made = await cli('key', 'create', '--role', 'reader', '--request', id);
    expect([made.code, made.out]).toEqual([0, expect.stringMatching(/^vt_reader_/)]);
    const again = await cli('key', 'create', '--role', 'reader', '--request', id);
    expect([again.code, again.out, again.err]).toEqual([3, '', expect.stringContaining('(request_used)')]);
    const list = await cli('request', 'list', '--json');
    expect(
      list.out
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { state: string }).state),
    ).toEqual(['used']);
    const verified = await run(['verify', data], { cwd: dir });
    expect([verified.code, verified.out]).toEqual([0, expect.stringContaining('1 approvers, 1 requests used, each signed and once')]);
  },
  timeout,
);

test(
  'wrong use is told apart from a refusal',
  async () => {
    const dir = temporaryDirectory();
    const data = join(dir, 'data');
    await (await openTrail({ dataDir: data, workers: 1 })).close();
    const codes = await Promise.all(
      [
        ['request', 'ask', 'everything', '--purpose', 'p', '--data', data],
        ['request', 'ask', 'token.reveal', '--purpose', 'p', '--detail', '[]', '--data', data],
        ['request', 'show', 'r_1', '--data', data],
        ['request', 'list', '--state', 'none', '--data', data],
      ].map(async (args) => (await run(args, { cwd: dir })).code),
    );
    expect(codes).toEqual([2, 2, 1, 2]);
  },
  timeout,
);
