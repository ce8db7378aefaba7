/**
 * glibc keeps an arena of freed memory for every thread that allocates; with six threads and SQLite that is some 80 MB of nothing, and two will
 * do. The setting only exists at the start of a process, so the server starts itself over once, in the same process (`execve`): same pid, same
 * arguments, nothing in between for a supervisor to see.
 */
export function settleMemory(): void {
  const { platform, env, execArgv, execPath, argv } = process;
  if (platform !== 'linux' || env['MALLOC_ARENA_MAX'] !== undefined || typeof process.execve !== 'function') return;
  process.execve(execPath, [execPath, ...execArgv, ...argv.slice(1)], { ...env, MALLOC_ARENA_MAX: '2' });
}
