/** The engine's part of the matrix, from outside: processes that have the shim (engine-child.ts), and the logs that they begin with. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { numbered } from '../../../tests/ledger/batches.ts';
import { CompactingLog } from '../../../tests/ledger/compacting.ts';
import { Installation, testSigner } from '../../../tests/ledger/installation.ts';
import type { EngineJob, EngineResult, Promised } from './engine-child.ts';
import { FaultControl, readCalls, type RecordedCall } from './shim.ts';

const child = new URL('engine-child.ts', import.meta.url).pathname;
const batchEvents = 8_000;

/** A directory with a log of a size, closed; for the size 0 one whose first bucket is full and not compacted. */
export async function openEngineSeed(home: string, size: number): Promise<string> {
  const dir = join(home, `engine-${size}`);
  if (existsSync(join(dir, 'made'))) return dir;
  if (size === 0) {
    const log = await CompactingLog.make();
    await log.close();
    cpSync(log.dir, dir, { recursive: true });
    log.remove();
    writeFileSync(join(dir, 'made'), '');
    return dir;
  }
  mkdirSync(join(dir, 'keys'), { recursive: true });
  writeFileSync(join(dir, 'keys/a.vkey'), `${testSigner('a').vkey}\n`);
  const at = new Installation(dir);
  const ledger = await at.openWith(['a']);
  for (let from = 0; from < size; from += batchEvents)
    await at.append(ledger, { log: 'a', events: numbered(from, Math.min(batchEvents, size - from)) });
  await ledger.close();
  writeFileSync(join(dir, 'made'), '');
  return dir;
}

/** One process at a time, and the next when it was ended. */
export class EngineLane {
  readonly #library: string;
  readonly #home: string;
  readonly #control: FaultControl;
  #child: ChildProcess | undefined;
  #lines: AsyncIterator<string> | undefined;

  /** @param tape takes every call with its bytes (tape.ts) */
  constructor(library: string, home: string, tape?: string) {
    mkdirSync(home, { recursive: true });
    this.#library = library;
    this.#home = home;
    this.#control = new FaultControl(library, home, join(home, 'live'), tape === undefined ? {} : { tape });
  }

  /**
   * @param promised takes what was acknowledged
   * @throws Error what is violated
   */
  async run(job: EngineJob, promised: Promised[] = []): Promise<EngineResult> {
    const first = await this.#ask(job, promised);
    if (first) return first;
    const { signalCode } = this.#child as ChildProcess;
    this.#child = undefined;
    const mayEnd = job.fault?.fault === 'kill' || job.fault?.fault === 'torn';
    if (!mayEnd || signalCode !== 'SIGKILL') throw new Error('the process ended');
    const result = await this.#ask({ ...job, after: promised }, []);
    if (!result) throw new Error('the process that looks at what another one left ended');
    return result;
  }

  /** The calls of the last job. */
  calls(): RecordedCall[] {
    return readCalls(this.#control.recordFile);
  }

  close(): void {
    this.#child?.stdin?.end();
    this.#child = undefined;
    this.#control.close();
  }

  /** undefined when the process ended meanwhile. */
  async #ask(job: EngineJob, promised: Promised[]): Promise<EngineResult | undefined> {
    this.#child ??= this.#start();
    this.#child.stdin?.write(`${JSON.stringify(job)}\n`);
    for (let next = await this.#lines?.next(); next && next.done !== true; next = await this.#lines?.next()) {
      const line = JSON.parse(next.value) as { promised?: Promised; result?: EngineResult; error?: string };
      if (line.promised) promised.push(line.promised);
      if (line.result) return line.result;
      if (line.error !== undefined) throw new Error(line.error);
    }
    const ended = this.#child;
    if (ended.exitCode === null && ended.signalCode === null) await new Promise((resolve) => ended.once('exit', resolve));
    return undefined;
  }

  #start(): ChildProcess {
    this.#control.heal();
    const started = spawn(process.execPath, [child, this.#library, this.#home], {
      env: { ...process.env, NODE_OPTIONS: '', ...this.#control.environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    started.stdin.on('error', () => undefined);
    this.#lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]();
    return started;
  }
}
