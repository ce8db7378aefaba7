/**
 * Any other way out: a command that gets the checkpoint on its standard input (`mail -s checkpoint auditor@…`, `git push`, `lp`). Started without a
 * shell, with no environment but PATH, HOME and what names the checkpoint: VEILTRAIL_ORIGIN, VEILTRAIL_TREE_SIZE. Exit code 0 means kept.
 * Proof: {"said"}, the first line that it printed, for whoever has to find it again. It cannot be checked from here.
 */
import { spawn } from 'node:child_process';
import { type AnchorTarget, failed, refused } from './anchor.ts';

export interface CommandSettings {
  name: string;
  everyMs: number;
  /** Program and arguments. */
  argv: readonly string[];
  timeoutMs?: number;
}

const saidBytesMax = 4_096;

export function createCommandTarget({ name, everyMs, argv, timeoutMs = 60_000 }: CommandSettings): AnchorTarget {
  const [program, ...args] = argv;
  if (program === undefined) throw refused(name, 'a command has at least a program');
  return {
    name,
    kind: 'command',
    everyMs,
    isBeacon: false,
    put({ origin, treeSize, checkpoint }) {
      const { PATH, HOME } = process.env;
      const env = { PATH, HOME, VEILTRAIL_ORIGIN: origin, VEILTRAIL_TREE_SIZE: String(treeSize) };
      return new Promise((resolve, reject) => {
        const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'ignore'], timeout: timeoutMs });
        let said = '';
        child.on('error', (cause: NodeJS.ErrnoException) => reject(failed(name, `cannot be started: ${cause.code}`, cause)));
        child.stdout.on('data', (bytes: Buffer) => {
          if (said.length < saidBytesMax) said += bytes.toString();
        });
        child.stdin.on('error', () => undefined).end(checkpoint);
        child.on('close', (code, signal) => {
          if (code === 0) resolve({ said: (said.split('\n')[0] as string).replace(/\p{Cc}/gu, ' ').slice(0, 300) || '-' });
          else reject(failed(name, `ended with ${code ?? signal}`));
        });
      });
    },
    check: () =>
      Promise.resolve({ ok: undefined, detail: 'given to a command; ask whoever keeps it for the checkpoint, and verify with --checkpoint' }),
  };
}
