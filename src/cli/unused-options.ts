/**
 * Options that mean nothing for what a command was asked to do. Left out in silence they would be taken for done: evidence would show more than it was
 * meant to, and a quorum that somebody demanded would be believed to be there.
 */
import type { Command } from 'commander';
import { VeiltrailError } from '../core/errors.ts';

/**
 * @param names attribute names of the options that count
 * @param what is asked for, as it stands in the message
 * @throws VeiltrailError `option_unused`
 */
export function refuseUnusedOptions(command: Command, names: readonly string[], what: string): void {
  const unused = command.options.find((option) => {
    const name = option.attributeName();
    return command.getOptionValueSource(name) === 'cli' && !names.includes(name);
  });
  if (unused) throw new VeiltrailError('option_unused', `${unused.long ?? unused.short} says nothing about ${what}: leave it out`);
}
