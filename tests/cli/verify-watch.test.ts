/** When a watch that goes on says that something else is wrong, and how often it reads a log that stays damaged. */
import { expect, test } from 'vitest';
import type { VerifyReport } from '../../src/app/verify-log.ts';
import { findingsOf, restMsAfter } from '../../src/cli/verify-watch.ts';

function reportOf(more: Partial<VerifyReport>): { report: VerifyReport } {
  const report: VerifyReport = {
    ok: false,
    origin: 'a.example/default',
    treeSize: 300,
    root: 'aa',
    records: { verified: 0, erased: 0, redacted: 0 },
    firstBadLeaf: 1,
    unwitnessedFrom: 0,
    problems: [{ code: 'tile_wrong', where: 'tile/0/000', message: 'a', leafIndex: 1 }],
    problemCount: 20,
    steps: [],
    notChecked: [],
    ...more,
  };
  return { report };
}
const checkpoint = (code: string): VerifyReport['problems'] => [{ code, where: 'checkpoint', message: 'x' }];

test('more damage of a kind whose first problems alone are listed is something else; a log that grows is not', () => {
  expect(findingsOf(reportOf({ problemCount: 21 }))).not.toBe(findingsOf(reportOf({})));
  expect(findingsOf(reportOf({ treeSize: 400, root: 'bb' }))).toBe(findingsOf(reportOf({})));
  expect(findingsOf(reportOf({ problems: [{ code: 'tile_wrong', where: 'tile/0/000', message: 'in other words', leafIndex: 1 }] }))).toBe(
    findingsOf(reportOf({})),
  );
});

test.each(['rolled_back', 'history_forked', 'root_wrong'])('%s of another checkpoint is something else', (code) => {
  const one = reportOf({ problems: checkpoint(code) });
  expect(findingsOf(reportOf({ problems: checkpoint(code), treeSize: 200 }))).not.toBe(findingsOf(one));
  expect(findingsOf(reportOf({ problems: checkpoint(code), root: 'bb' }))).not.toBe(findingsOf(one));
});

test('a damaged log is read a tenth of the time at most, and once an hour at least', () => {
  expect(restMsAfter({ ...reportOf({}), seconds: 20 })).toBe(180_000);
  expect(restMsAfter({ ...reportOf({}), seconds: 7_200 })).toBe(3_600_000);
  expect(restMsAfter({ ...reportOf({ ok: true }), seconds: 20 })).toBe(0);
});
