import { VeiltrailError } from '../../core/errors.ts';

export type Attempt<T> = { readonly value: T; readonly error?: undefined } | { readonly value?: undefined; readonly error: VeiltrailError };

/** Runs a check of something that a stranger wrote: what it refuses is a finding. Mistakes of ours go on. */
export function attempt<T>(run: () => T): Attempt<T> {
  try {
    return { value: run() };
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    return { error };
  }
}
