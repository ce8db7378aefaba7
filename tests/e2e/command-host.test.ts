/** A command that would not end in a process of its own does not pass for one that ended. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runInHost } from './command-line.ts';
import { temporaryDirectory } from './product.ts';

test.each([
  ['a timer', 'setInterval(() => undefined, 60_000)', /left open: Timeout/],
  ['a socket', "(await import('node:net')).createServer().listen(0, '127.0.0.1')", /left open: TCP/],
  ['a thread', "new (await import('node:worker_threads')).Worker('setInterval(() => undefined, 60_000)', { eval: true })", /left open: .*Worker/],
  ['nothing', '', undefined],
  ['a timer that nobody waits for', 'setInterval(() => undefined, 60_000).unref()', undefined],
  ['what is closed soon', 'setTimeout(() => undefined, 50)', undefined],
  ['a timer, and ends itself', 'setInterval(() => undefined, 60_000); process.exit(3)', 3],
])('%s', async (_, source, expected) => {
  const command = join(temporaryDirectory(), 'command.mjs');
  writeFileSync(command, `process.stdout.write('done');\n${source}\n`);
  const asked = { args: ['some', 'command'], cwd: process.cwd(), env: {}, input: '' };
  if (expected instanceof RegExp) await expect(runInHost(asked, command, 500)).rejects.toThrow(expected);
  else expect(await runInHost(asked, command)).toEqual({ code: expected ?? 0, out: 'done', err: '', left: [] });
});
