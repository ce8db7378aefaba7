/**
 * Colours, for people at a terminal: decided for each stream by itself, since one of the two is often a file or a pipe.
 * `NO_COLOR` switches them off, `FORCE_COLOR` on (no-color.org, force-color.org). A variable `CI` says nothing of who reads.
 */
import pc from 'picocolors';

function coloured(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR: off, FORCE_COLOR: on, TERM: terminal } = process.env;
  if (off) return false;
  // `isTTY` is absent, not false, where the stream is no terminal; `createColors` would decide for itself then.
  return (on || (stream.isTTY && terminal !== 'dumb' ? '1' : '0')) !== '0';
}

/** For what is printed on standard output. */
export const colors = pc.createColors(coloured(process.stdout));
/** For what is said on standard error. */
export const errorColors = pc.createColors(coloured(process.stderr));
