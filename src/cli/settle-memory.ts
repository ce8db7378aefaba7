/**
 * Memory settings that only exist at the start of a process, so the server starts itself over once, in the same process (`execve`): same pid, same
 * arguments, nothing in between for a supervisor to see.
 *
 * - glibc keeps an arena of freed memory for every thread that allocates; with six threads and SQLite that is some 80 MB of nothing. Two will do.
 * - V8's young generation of the main thread is small: what requests leave behind is gone with the answer.
 */
export function settleMemory(): void {
  const { platform, env, execArgv, execPath, argv } = process;
  if (platform !== 'linux' || env['MALLOC_ARENA_MAX'] !== undefined || typeof process.execve !== 'function') return;
  const young = execArgv.some((option) => option.startsWith('--max-semi-space-size')) ? [] : ['--max-semi-space-size=4'];
  process.execve(execPath, [execPath, ...execArgv, ...young, ...argv.slice(1)], { ...env, MALLOC_ARENA_MAX: '2' });
}
