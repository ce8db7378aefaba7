/** Printing: facts as JSON lines on standard output, words for people on standard error. */
import { errorColors } from './colors.ts';
import { VeiltrailError } from '../core/errors.ts';
import { visible, visibleJson } from '../core/visible.ts';

/** One fact: a JSON object on a line of standard output. What strangers wrote in it turns no line round and moves no cursor. */
export function printJson(fact: unknown): void {
  process.stdout.write(`${visibleJson(fact)}\n`);
}

/** A line of what was asked for, on standard output. */
export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** A line for people, on standard error. */
export function say(line = ''): void {
  process.stderr.write(`${line}\n`);
}

export function printError(error: unknown): void {
  if (error instanceof VeiltrailError) say(`${errorColors.red('error')} ${visible(error.message)} ${errorColors.dim(`(${error.code})`)}`);
  else if (error instanceof Error) say(`${errorColors.red('error')} ${process.env['VEILTRAIL_DEBUG'] ? error.stack : error.message}`);
  else say(`${errorColors.red('error')} ${String(error)}`);
}

/** A progress line that redraws itself on a terminal and stays silent elsewhere. */
export function createProgress(): { update(text: string): void; end(): void } {
  if (!process.stderr.isTTY) return { update: () => undefined, end: () => undefined };
  let drawnAtMs = 0;
  return {
    update(text) {
      const now = Date.now();
      if (now - drawnAtMs < 100) return;
      drawnAtMs = now;
      process.stderr.write(`\r\u001b[K${text}`);
    },
    end: () => process.stderr.write('\r\u001b[K'),
  };
}
