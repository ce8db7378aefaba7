/**
 * Colours, for people at a terminal: decided for each stream by itself, since one of the two is often a file or a pipe.
 * `NO_COLOR` switches them off, `FORCE_COLOR` on (no-color.org, force-color.org). A variable `CI` says nothing of who reads.
 */
import pc from 'picocolors';

const coloured = (stream: NodeJS.WriteStream): boolean =>
  !process.env['NO_COLOR'] &&
  (process.env['FORCE_COLOR'] ? process.env['FORCE_COLOR'] !== '0' : stream.isTTY === true && process.env['TERM'] !== 'dumb');

/** For what is printed on standard output. */
export const colors = pc.createColors(coloured(process.stdout));
/** For what is said on standard error. */
export const errorColors = pc.createColors(coloured(process.stderr));
