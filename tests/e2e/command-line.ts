/** Commands in processes that are there already: for tests of what a command does, not of the process that it is (`product.ts` has those). */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { main } from './command.ts';
import type { Answered, Asked } from './command-host.ts';

/** By command; waiting for something to do. As many as ever ran at a time; they end with the process of the tests. */
const idle = new Map<string, ChildProcess[]>();

/**
 * Runs a command to its end.
 * @param command its main file
 * @param closingMs how long what it leaves open has to close; of the first run of a command
 * @throws Error when it takes its process with it, or leaves something open that would keep a process of its own from ending
 */
export async function runInHost(asked: Asked, command = main, closingMs?: number): Promise<Answered> {
  const host = idle.get(command)?.pop() ?? start(asked.env, command, closingMs);
  const answered = await new Promise<Answered>((resolve, reject) => {
    host.once('message', resolve);
    host.once('exit', (code, signal) => reject(new Error(`a command ended its process: ${code ?? signal}`)));
    host.send(asked);
  });
  host.removeAllListeners('exit');
  if (answered.left.length > 0) {
    host.kill();
    throw new Error(`a command left open: ${answered.left.join(', ')} (${asked.args.join(' ')})\n${answered.err}`);
  }
  idle.set(command, [...(idle.get(command) ?? []), host]);
  return answered;
}

function start(env: Record<string, string>, command: string, closingMs?: number): ChildProcess {
  const host = fork(fileURLToPath(new URL('command-host.ts', import.meta.url)), [command, ...(closingMs === undefined ? [] : [String(closingMs)])], {
    env,
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  host.unref();
  host.channel?.unref();
  return host;
}
