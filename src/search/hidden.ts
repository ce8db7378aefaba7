/**
 * Members of records that somebody does not get to see (access/hidden-members.ts), told by the dotted path under which their values are searched
 * for: what cannot be read cannot be searched by either, or a search would say it.
 */
import { fold } from './words.ts';

/** Whether a dotted path (folded, without positions: see record-values.ts) is hidden, or stands below one that is. */
export type HiddenTest = (dotted: string) => boolean;

export function createHiddenTest(hides: readonly string[]): HiddenTest {
  const paths = hides.map((path) => fold(path));
  return (dotted) => paths.some((path) => dotted.startsWith(path) && (dotted.length === path.length || dotted[path.length] === '.'));
}
