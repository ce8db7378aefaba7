/** A witness that dies, and the command as people run it. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createCosignatureVerifier, createNoteVerifier, openNote } from '../../src/log/index.ts';
import { openWitnessDirectory } from '../../src/witness/witness-directory.ts';
import { main } from '../e2e/command.ts';
import { run, temporaryDirectory } from '../e2e/product.ts';
import { refusalOf } from '../log/refusal.ts';
import { checkpointAt, origin, requestAt, rootAt, signer } from './sample-tree.ts';

const killed = new URL('./killed-witness.ts', import.meta.url).pathname;

test.each([
  ['before the commit', 'before', 7],
  ['between the commit and the answer', 'after', 20],
])('killed %s: nothing was answered, and the next start goes on from what is on disk', async (_, when, sizeAfter) => {
  const dir = join(temporaryDirectory(), 'witness');
  const first = await serve(dir, ['--log', signer.vkey]);
  expect((await first.add(requestAt(0, 7))).status).toBe(200);
  await first.kill();
  const died = spawnSync(process.execPath, [killed, dir, when, Buffer.from(requestAt(7, 20)).toString('base64')], { encoding: 'utf8' });
  expect([died.signal, died.stdout]).toEqual(['SIGKILL', '']);
  const second = await serve(dir, []);
  // Another history is refused although its cosignature was never answered.
  expect(await second.add(requestAt(3, 9))).toEqual({ status: 409, text: `${sizeAfter}\n` });
  const { status, text } = await second.add(requestAt(sizeAfter, 20));
  expect(status).toBe(200);
  expect(openNote(checkpointAt(20) + text, [createNoteVerifier(signer.vkey), createCosignatureVerifier(second.vkey)]).signatures).toHaveLength(2);
  await second.kill();
});

test('one command runs it; the key is private, and what it saw is listed', async () => {
  const dir = join(temporaryDirectory(), 'witness');
  const witness = await serve(dir, ['--name', 'witness.example.com/laptop', '--log', signer.vkey]);
  expect(witness.vkey).toMatch(/^witness\.example\.com\/laptop\+[0-9a-f]{8}\+/);
  expect(statSync(join(dir, 'witness.key')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(dir, 'witness.vkey'), 'utf8')).toBe(`${witness.vkey}\n`);
  const { text } = await witness.add(requestAt(0, 7));
  const other = 'example.com/other';
  expect((await run(['witness', 'add-log', readFileSync(join(dir, 'witness.vkey'), 'utf8').trim(), '--data', dir])).code).toBe(2);
  expect((await run(['witness', 'list', '--json', '--data', dir])).out).toContain(`"origin":"${origin}","treeSize":7`);
  expect((await run(['witness', 'checkpoint', origin, '--data', dir])).out).toBe(checkpointAt(7) + text);
  expect((await run(['witness', 'checkpoint', other, '--data', dir])).code).toBe(1);
  expect((await run(['witness', 'list', '--data', join(dir, 'nothing')])).code).toBe(3);
  await witness.kill('SIGTERM');
});

test('a key whose database is gone is refused: it would cosign a second history', () => {
  const dir = join(temporaryDirectory(), 'witness');
  const { store, cosigner } = openWitnessDirectory(dir, { name: 'w.example' });
  store.addLog(origin, signer.vkey);
  expect(
    store.advance({ origin, from: { treeSize: 1, root: rootAt(1) }, to: { treeSize: 2, root: rootAt(2), checkpoint: '', timeSeconds: 0 } }),
  ).toBe(false);
  store.close();
  expect(openWitnessDirectory(dir).cosigner.vkey).toBe(cosigner.vkey);
  expect(refusalOf(() => openWitnessDirectory(dir, { name: 'another.example' }))).toBe('witness_name');
  rmSync(join(dir, 'witness.db'));
  expect(refusalOf(() => openWitnessDirectory(dir))).toBe('witness_database_missing');
});

interface Served {
  vkey: string;
  add: (body: string) => Promise<{ status: number; text: string }>;
  kill: (signal?: NodeJS.Signals) => Promise<void>;
}

/** `veiltrail witness serve` in a process of its own. */
async function serve(dir: string, args: readonly string[]): Promise<Served> {
  const child = spawn(process.execPath, [main, 'witness', 'serve', '--data', dir, '--listen', '127.0.0.1:0', ...args], {
    // What it says is read here: without colours, wherever the tests run.
    env: { ...process.env, NO_COLOR: '1' },
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  });
  const said = await whenServing(child);
  const url = /at (http:\S+)/.exec(said)?.[1] as string;
  return {
    vkey: /public key (\S+)/.exec(said)?.[1] as string,
    async add(body) {
      const response = await fetch(`${url}/add-checkpoint`, { method: 'POST', body });
      return { status: response.status, text: await response.text() };
    },
    async kill(signal = 'SIGKILL') {
      child.kill(signal);
      await ended;
    },
  };
}

function whenServing(child: ChildProcess): Promise<string> {
  let said = '';
  return new Promise((resolve, reject) => {
    child.stderr?.on('data', (data: Buffer) => {
      said += data.toString();
      if (/public key \S+\n/.test(said)) resolve(said);
    });
    child.on('close', () => reject(new Error(said)));
  });
}
