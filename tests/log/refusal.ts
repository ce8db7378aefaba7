/** The code of the refusal, or 'accepted'. An error that is not ours is a bug, and passed on. */
import { VeiltrailError } from '../../src/core/errors.ts';

export function refusalOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof VeiltrailError) return error.code;
    throw error;
  }
  return 'accepted';
}
