/**
 * Members of records that somebody does not get to see, by path: `context`, `metadata`, `actor.email`. A path hides all that stands below it, in
 * every element of an array. What is hidden is left out of what is read and cannot be searched by.
 */
import { VeiltrailError } from '../core/errors.ts';

export const hiddenMax = 50;
const pathPattern = /^[A-Za-z_][\w-]*(?:\.[\w-]+)*$/;
const lengthMax = 200;

/** @throws VeiltrailError `hidden_path` */
export function checkHidden(paths: readonly string[]): void {
  if (paths.length === 0 || paths.length > hiddenMax || !paths.every((path) => path.length <= lengthMax && pathPattern.test(path)))
    throw new VeiltrailError('hidden_path', `what is hidden is 1 to ${hiddenMax} paths such as context, metadata or actor.email`);
}

/** What is hidden to somebody by several rules. */
export function joinHidden(...lists: readonly (readonly string[] | undefined)[]): readonly string[] | undefined {
  const all = new Set(lists.flatMap((list) => list ?? []));
  return all.size > 0 ? [...all] : undefined;
}
