/** When a watch that goes on says that something else is wrong, and how often it reads a log that stays damaged. */
import { expect, test } from 'vitest';
import type { VerifyReport } from '../../src/app/verify-log.ts';
import { findingsOf, restMsAfter } from '../../src/cli/verify-watch.ts';
import { Silence, silentMsMax, withheldPassesMax } from '../../src/cli/watch-silence.ts';
import { VeiltrailError } from '../../src/core/errors.ts';

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
  // Of one that is silent nothing was read.
  expect(restMsAfter({ ...reportOf({ problems: checkpoint('log_away') }), seconds: 20 })).toBe(0);
});

const away = new VeiltrailError('unreachable', 'checkpoint: no answer', { where: 'checkpoint' });
const withheld = (checkpointText: string): VeiltrailError =>
  new VeiltrailError('unreachable', 'tile/0/000: no answer', { checkpoint: checkpointText });

test('a log that is away is an alarm after some minutes, however little is seen of it meanwhile', () => {
  const silence = new Silence();
  expect(silence.note(away, 1_000)).toBeUndefined();
  expect(silence.note(withheld('a'), 2_000)).toBeUndefined();
  expect(silence.note(away, silentMsMax + 999)).toBeUndefined();
  expect(silence.note(away, silentMsMax + 1_000)).toMatchObject({
    code: 'log_away',
    message: expect.stringContaining('for 15 minutes: checkpoint') as string,
  });
  expect(silence.note(away, 2 * silentMsMax)).toMatchObject({ code: 'log_away' });
  // Whatever was found, it was there.
  silence.end({ ok: false });
  expect(silence.note(away, 3 * silentMsMax)).toBeUndefined();
  expect(silence.shown).toEqual(['a']);
  silence.end({ ok: true });
  expect(silence.shown).toEqual([]);
});

test('checkpoints without their tiles are counted, also where there is none between them; the first ones are kept', () => {
  const silence = new Silence();
  for (let i = 1; i < withheldPassesMax; i++) {
    expect(silence.note(withheld('a'), i)).toBeUndefined();
    expect(silence.note(away, i)).toBeUndefined();
  }
  expect(silence.note(withheld('b'), 10)).toMatchObject({ code: 'tiles_withheld' });
  for (let i = 0; i < 20; i++) silence.note(withheld(`${i}`), 20);
  expect(silence.shown).toEqual(['a', 'b', '0', '1', '2', '3', '4', '5']);
});
