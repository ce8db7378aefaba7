/**
 * Memory of a process is settled at its start and at no other time, so the server starts itself over once, in the same process (`execve`): same
 * pid, same arguments, nothing in between for a supervisor to see (docs/decisions/0013-memory.md).
 *
 * - glibc keeps an arena of freed memory for every thread that allocates; with six threads and SQLite that is some 80 MB of nothing, and two
 *   will do. Bodies and batches (half a megabyte each) are to be given back at once and not kept in them; what a socket reads is smaller, and
 *   kept.
 * - V8 lets the young memory of the main thread grow to 100 MB where a thousand requests are under way at a time; the other threads have
 *   limits of their own (`thread/thread-memory.ts`).
 * - V8 lets a heap grow to four times what was alive at the last full collection, and less where the heap may not become large: with a bound of
 *   a gigabyte to 1.6 times. Under a thousand connections the main thread's was at 200 MB, 50 of them alive.
 */
import { setFlagsFromString } from 'node:v8';

const allocator = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '1048576' };
/** A third of what the young memory may be, in megabytes: of a server, and of a verification. */
const semiSpaces = { serve: '--max-semi-space-size=16', verify: '--max-semi-space-size=8' } as const;
/** For all threads of a server; a verification would pay for it in time and is small without it. */
const oldSpace = '--max-old-space-size=1024';

/** Whoever sets `MALLOC_ARENA_MAX` has settled it already, and is left alone. */
export function settleMemory(command: keyof typeof semiSpaces): void {
  const semiSpace = semiSpaces[command];
  const { platform, env, execArgv, execPath, argv } = process;
  // The main thread has it now; for those to come it would stand above their own limits.
  if (execArgv.includes(semiSpace)) setFlagsFromString('--max-semi-space-size=0');
  if (platform !== 'linux' || env['MALLOC_ARENA_MAX'] !== undefined || typeof process.execve !== 'function') return;
  const settings = command === 'serve' && !sizesHeap(env['NODE_OPTIONS']) ? [semiSpace, oldSpace] : [semiSpace];
  process.execve(execPath, [execPath, ...settings, ...execArgv, ...argv.slice(1)], { ...allocator, ...env });
}

/** Somebody else has said how large heaps may become; what is given as an argument speaks for itself. */
function sizesHeap(nodeOptions = ''): boolean {
  return /max[-_]old[-_]space[-_]size/.test(nodeOptions);
}
