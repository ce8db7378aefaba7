/** Processes in which `serve` runs: one for each server, or one for many servers, one after the other (warm-server.ts). */
import { type ChildProcess, spawn } from 'node:child_process';

export const command = new URL('../../../src/cli/main.ts', import.meta.url).pathname;
const warm = new URL('warm-server.ts', import.meta.url).pathname;
const compiled = new URL('../../../node_modules/.cache/veiltrail-faults', import.meta.url).pathname;

export interface Ended {
  code: number | null;
  signal: string | null;
}

export interface ServerProcess {
  readonly ended: Promise<Ended>;
  hear(listener: (text: string) => void): void;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/** @param args those of `veiltrail serve` */
export type StartServer = (args: readonly string[]) => ServerProcess;

/** What must not decide how the server runs. */
const decides = ['NODE_OPTIONS', 'FORCE_COLOR', 'NO_COLOR'];

/** Of this process, but for what decides how a server runs. */
export function serverEnvironment(more: Record<string, string>): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('VEILTRAIL_') && !decides.includes(name));
  return { ...Object.fromEntries(own), NODE_COMPILE_CACHE: compiled, ...more };
}

/** A process for each. */
export function spawnServer(environment: Record<string, string> = {}): StartServer {
  return (args) => {
    const child = spawn(process.execPath, [command, 'serve', ...args], { env: serverEnvironment(environment), stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise<Ended>((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
    return { ended, hear: (listener) => void hear(child, listener), kill: (signal) => void child.kill(signal) };
  };
}

/** One process for many servers, and the next one when it has ended with one of them. One server at a time. */
export class WarmServers {
  readonly #environment: Record<string, string>;
  #child: ChildProcess | undefined;

  constructor(environment: Record<string, string>) {
    this.#environment = environment;
  }

  readonly start: StartServer = (args) => {
    const child = (this.#child ??= this.#spawn());
    const listeners: (() => void)[] = [];
    const ended = new Promise<Ended>((resolve) => {
      const onMessage = (message: unknown): void => {
        child.off('message', onMessage);
        for (const off of listeners) off();
        resolve({ code: (message as { ended: number }).ended, signal: null });
      };
      child.on('message', onMessage).once('close', (code, signal) => resolve({ code, signal }));
    });
    child.send({ serve: args });
    return { ended, hear: (listener) => void listeners.push(hear(child, listener)), kill: (signal) => void child.kill(signal) };
  };

  close(): void {
    this.#child?.disconnect();
    this.#child = undefined;
  }

  #spawn(): ChildProcess {
    const child = spawn(process.execPath, ['--max-semi-space-size=64', warm], {
      env: serverEnvironment(this.#environment),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    child.setMaxListeners(0);
    child.on('error', () => undefined);
    child.once('close', () => {
      if (this.#child === child) this.#child = undefined;
    });
    return child;
  }
}

function hear(child: ChildProcess, listener: (text: string) => void): () => void {
  const onData = (bytes: Buffer): void => listener(bytes.toString());
  child.stdout?.on('data', onData);
  child.stderr?.on('data', onData);
  return () => {
    child.stdout?.off('data', onData);
    child.stderr?.off('data', onData);
  };
}
