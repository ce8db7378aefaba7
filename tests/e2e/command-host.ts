/**
 * Runs commands one after the other in one process, each as if it were one: the arguments, environment, folder and input that it was given, what it
 * prints and its exit code. Loading the command is half of what a short one costs. Started by `command-line.ts`, which tells it what to run.
 */
import { pathToFileURL } from 'node:url';
import { Readable, Writable } from 'node:stream';

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
  let code: number;
  try {
    // The file is run anew each time; what it imports is there.
    runs += 1;
    await import(`${main}?run=${runs}`);
    code = exitCode();
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    code = Number(error.message);
  }
  process.exit = leave;
  process.exitCode = undefined;
  // As a process whose last command this was: what it left to a turn to come is done.
  await new Promise((resolve) => setImmediate(resolve));
  return { code, out: out.text(), err: err.text() };
}

process.on('disconnect', () => leave(0));
process.on('message', (asked: Asked) => {
  void run(asked).then((answered) => process.send?.(answered));
});
