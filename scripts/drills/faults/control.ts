/**
 * The same judgement by real processes: `verify`, `serve` with all its threads, which is sent everything again, and only then the judge (judge.ts). Some of
 * what is judged in one thread is judged so, too.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { FaultedServer } from './faulted-server.ts';
import { judge, type Left } from './judge.ts';
import { argumentsOf } from './scenarios.ts';
import { command, serverEnvironment } from './server-process.ts';

/** @param home takes what the server writes outside its directory. @throws Error what is violated */
export async function judgeServed(left: Left, home: string): Promise<void> {
  const { dataDir, acknowledged, scenario } = left;
  await verify(dataDir);
  const server = new FaultedServer(dataDir, acknowledged, argumentsOf(scenario, home, dataDir));
  try {
    if (!(await server.answers())) throw new Error('the next start ended');
    const events = acknowledged.toSendAgain();
    if (events.length > 0) {
      const sent = await server.append(events);
      if (sent === 'gone' || sent.status !== 201) throw new Error(`events sent again were answered ${JSON.stringify(sent)}`);
    }
    const { code } = await server.end('SIGTERM');
    if (code !== 0) throw new Error(`the next server ended with ${code}`);
  } catch (error) {
    throw new Error(`${(error as Error).message}; it said: ${server.said.trim()}`, { cause: error });
  } finally {
    await server.end('SIGKILL');
  }
  await verify(dataDir);
  await judge(left);
}

async function verify(dataDir: string): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [command, 'verify', dataDir, '--no-ask-witnesses'], { env: serverEnvironment({}) });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`verify: ${(stdout ?? '') + (stderr ?? '')}`, { cause: error });
  }
}
