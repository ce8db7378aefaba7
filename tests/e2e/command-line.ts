/** Commands in processes that are there already: for tests of what a command does, not of the process that it is (`product.ts` has those). */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { main } from './command.ts';
import type { Answered, Asked } from './command-host.ts';

/** Waiting for something to do. As many as ever ran at a time; they end with the process of the tests. */
const idle: ChildProcess[] = [];

/** Runs a command to its end. @throws Error when it takes its process with it */
export async function runInHost(asked: Asked): Promise<Answered> {
  const host = idle.pop() ?? start(asked.env);
  const answered = await new Promise<Answered>((resolve, reject) => {
    host.once('message', resolve);
    host.once('exit', (code, signal) => reject(new Error(`a command ended its process: ${code ?? signal}`)));
    host.send(asked);
  });
  host.removeAllListeners('exit');
  idle.push(host);
  return answered;
}

function start(env: Record<string, string>): ChildProcess {
  const host = fork(fileURLToPath(new URL('command-host.ts', import.meta.url)), [main], {
    env,
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  host.unref();
  host.channel?.unref();
  return host;
}
