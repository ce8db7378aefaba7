/**
 * Runs commands one after the other in one process, each as if it were one: the arguments, environment, folder and input that it was given, what it
 * prints and its exit code. Loading the command is half of what a short one costs. Started by `command-line.ts`, which tells it what to run.
 */
import { pathToFileURL } from 'node:url';
import { Readable, Writable } from 'node:stream';
import type { Worker } from 'node:worker_threads';

export interface Asked {
  args: readonly string[];
  cwd: string;
  env: Record<string, string>;
  /** Base64. */
  input: string;
}

export interface Answered {
  code: number;
  out: string;
  err: string;
  /** What the command left open and waited for no longer: as a process of its own it would not have ended. Types of `process.getActiveResourcesInfo()`, and threads. */
  left: string[];
}

/** The commands set it, TypeScript does not see that. */
const exitCode = (): number => (process.exitCode as number | undefined) ?? 0;

class Exit extends Error {}

const main = pathToFileURL(process.argv[2] as string).href;
const leave = process.exit.bind(process);
let runs = 0;

/** What somebody prints who does not wait for it. */
function collect(): { stream: Writable; text: () => string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

async function run({ args, cwd, env, input }: Asked): Promise<Answered> {
  const [out, err] = [collect(), collect()];
  const stdin = Readable.from(input === '' ? [] : [Buffer.from(input, 'base64')], { objectMode: false });
  for (const [name, stream] of Object.entries({ stdin, stdout: out.stream, stderr: err.stream }))
    Object.defineProperty(process, name, { configurable: true, value: stream });
  process.argv = [process.execPath, process.argv[1] as string, ...args];
  process.env = env;
  process.chdir(cwd);
  process.exitCode = undefined;
  process.exit = (code) => {
    throw new Exit(String(code ?? process.exitCode ?? 0));
  };
  const before = keepingUs();
  let isExit = false;
  let code: number;
  try {
    // The file is run anew each time; what it imports is there.
    runs += 1;
    await import(`${main}?run=${runs}`);
    code = exitCode();
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    code = Number(error.message);
    isExit = true;
  }
  process.exit = leave;
  process.exitCode = undefined;
  // As a process whose last command this was: what it left to a turn to come is done.
  await new Promise((resolve) => setImmediate(resolve));
  const left = isExit ? [] : await leftOpen(before);
  return { code, out: out.text(), err: err.text(), left };
}

/** Threads that run: Node does not count them among its resources. Nothing of ours has one that it does not wait for. */
const threads = new Set<Worker>();
process.on('worker', (worker: Worker) => {
  threads.add(worker);
  worker.once('exit', () => threads.delete(worker));
});

function keepingUs(): string[] {
  return [...process.getActiveResourcesInfo(), ...Array.from(threads, () => 'Worker')];
}

/** What closes has this long to be closed: what never does is waited for by tests of that alone. */
const closingMs = Number(process.argv[3] ?? 30_000);

/** What keeps the process that did not before, once that had time to close. */
async function leftOpen(before: readonly string[]): Promise<string[]> {
  const endMs = performance.now() + closingMs;
  for (;;) {
    const known = [...before];
    const left = keepingUs().filter((type) => {
      const at = known.indexOf(type);
      if (at >= 0) known.splice(at, 1);
      return at < 0;
    });
    if (left.length === 0 || performance.now() > endMs) return left;
    // Our own timer must not count; the channel to who asks keeps us.
    await new Promise((resolve) => setTimeout(resolve, 5).unref());
  }
}

process.on('disconnect', () => leave(0));
process.on('message', (asked: Asked) => {
  void run(asked).then((answered) => process.send?.(answered));
});
