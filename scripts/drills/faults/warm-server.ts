/**
 * A process that runs `veiltrail serve` again and again, as the command line does, over HTTP and with signals, but with its threads in this one
 * (one-thread.ts). A server that ends with anything but 0 ends the process, as it does elsewhere.
 */
import { runCommandLine } from '../../../src/cli/program.ts';
import { runThreadsHere } from './one-thread.ts';
import { command } from './server-process.ts';

runThreadsHere();
const exit = process.exit.bind(process);
// A server that has closed ends what lingers two seconds later, and by then another one may run here; with a code, it is meant at once.
process.exit = ((code?: number) => (code === undefined ? undefined : exit(code))) as typeof process.exit;

process.on('message', ({ serve }: { serve: string[] }) => void run(serve));

async function run(args: readonly string[]): Promise<void> {
  process.argv = [process.execPath, command, 'serve', ...args];
  process.exitCode = 0;
  await runCommandLine();
  const code = process.exitCode as number;
  if (code !== 0) exit(code);
  for (const signal of ['SIGTERM', 'SIGINT']) process.removeAllListeners(signal);
  process.stdout.removeAllListeners('error');
  process.send?.({ ended: code });
}
