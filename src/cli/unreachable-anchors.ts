/** What a report says of targets of anchors that did not answer: nothing is known to be wrong, and nothing is known. */
import type { VerifyReport } from '../app/verify-log.ts';
import type { Problem } from '../verify/problem.ts';
import type { CheckedAnchor } from '../server/verify-anchors.ts';

export const anchorUnreachable = 'anchor_unreachable';

/** One problem for each target that did not answer about a log, however many anchors that were. */
export function unreachableProblems(log: string, anchors: readonly CheckedAnchor[]): Problem[] {
  const away = Map.groupBy(
    anchors.filter(({ unreachable }) => unreachable),
    ({ target }) => target,
  );
  return [...away].map(([target, of]) => {
    const count = of.filter(({ treeSize }) => treeSize > 0).length;
    const about = count === 0 ? 'what it keeps' : `${count} anchor${count === 1 ? '' : 's'}`;
    const message = `log ${log}: ${target} did not answer, or could not be asked, about ${about}: ${of[0]?.detail ?? ''}`;
    return { code: anchorUnreachable, where: target, message };
  });
}

/** Whether all that a report has against a log is that somebody else did not answer. */
export function isOnlyUnreachable({ ok, problems, problemCount }: Pick<VerifyReport, 'ok' | 'problems' | 'problemCount'>): boolean {
  return !ok && problemCount > 0 && problemCount === problems.length && problems.every(({ code }) => code === anchorUnreachable);
}
