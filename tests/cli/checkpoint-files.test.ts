/** The command line remembers the newest checkpoint of each log it was shown, in a private file, and exits 1 when a log did not grow from it. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCheckpointFiles } from '../../src/cli/checkpoint-files.ts';
import { parseCheckpointText, parseNote, signCheckpoint } from '../../src/log/index.ts';
import { openKeyring } from '../../src/vault/keyring.ts';
import { run, temporaryDirectory, type Finished } from '../e2e/product.ts';
import { runServer, type RunningServer } from '../server/running-server.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await runServer();
  await server.trail.append({ log: 'default', principal: 'test', body: Buffer.from('[{"message":"a"},{"message":"b"}]'), format: 'json' });
});
afterAll(() => server.close());

function ask(state: string, ...args: string[]): Promise<Finished> {
  return run([...args, '--url', server.url], { env: { VEILTRAIL_STATE: state, VEILTRAIL_KEY: server.key.reader } });
}

/** What a server would have signed whose log were larger, or another. */
async function signedAt(treeSize: number, root?: Uint8Array): Promise<{ origin: string; note: string }> {
  const { origin, root: own } = parseCheckpointText(parseNote((await server.trail.checkpoint('default')) as string).text);
  const signer = openKeyring(join(server.dataDir, 'keys'), { create: false }).signer('default');
  return { origin, note: signCheckpoint({ origin, treeSize, root: root ?? own, extensions: [] }, signer ? [signer] : []) };
}

test('on every contact with a server, and when it verifies', async () => {
  const state = join(temporaryDirectory(), 'state');
  const { note: shown, origin } = await signedAt(2);
  expect((await ask(state, 'search', 'a')).code).toBe(0);
  const file = join(state, 'checkpoints', createHash('sha256').update(origin).digest('hex'));
  expect(readFileSync(file, 'utf8')).toBe(shown);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(state, 'checkpoints'))).toHaveLength(1);
  expect((await ask(state, 'checkpoint')).out).toBe(shown);
  // The server was seen with more leaves than it has.
  writeFileSync(file, (await signedAt(9)).note);
  for (const command of [['search', 'a'], ['show', '0'], ['prove', '0'], ['checkpoint']]) {
    const { code, err } = await ask(state, ...command);
    expect([command[0], code]).toEqual([command[0], 1]);
    expect(err).toContain('rolled_back');
  }
  // And with another history.
  writeFileSync(file, (await signedAt(2, new Uint8Array(32).fill(7))).note);
  const { code, err } = await ask(state, 'show', '0');
  expect([code, err.includes('history_forked')]).toEqual([1, true]);
  const verified = await run(['verify', server.dataDir, '--log', 'default', '--json'], { env: { VEILTRAIL_STATE: state } });
  expect([verified.code, verified.out.includes('"history_forked"')]).toEqual([1, true]);
  const unaware = await run(['verify', server.dataDir, '--log', 'default', '--json'], { env: { VEILTRAIL_STATE: join(state, 'other') } });
  expect(unaware.code).toBe(0);
});

test('in the directories that are meant for it', () => {
  const home = temporaryDirectory();
  const files = openCheckpointFiles({ XDG_STATE_HOME: home });
  files?.write('a', 'one');
  files?.write('a', 'two');
  expect(files?.read('a')).toBe('two');
  expect(files?.read('b')).toBeUndefined();
  expect(readdirSync(join(home, 'veiltrail', 'checkpoints'))).toHaveLength(1);
  expect(openCheckpointFiles({ VEILTRAIL_STATE: 'none' })).toBeUndefined();
  expect(openCheckpointFiles({ XDG_STATE_HOME: 'relative', VEILTRAIL_STATE: '' })).toBeDefined();
  // Where nothing can be written, commands do their work all the same.
  writeFileSync(join(home, 'file'), '');
  openCheckpointFiles({ VEILTRAIL_STATE: join(home, 'file') })?.write('a', 'one');
});
