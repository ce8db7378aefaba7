/** When a server takes events, and which of its logs take none. */
import { expect, test } from 'vitest';
import { judgeReadiness, type Readiness } from '../../src/app/readiness.ts';

const logs = ['_system', '_canary', 'default', 'other'];
const judge = (stopped: string[], more: Partial<Parameters<typeof judgeReadiness>[0]> = {}): Readiness =>
  judgeReadiness({
    refusal: undefined,
    witnesses: { stopped: stopped.map((log) => ({ log, reason: `${log} is stopped` })), flagged: ['look at this'] },
    logs,
    systemLog: '_system',
    ...more,
  });

test('one log that is stopped is named, and others go on', () => {
  expect(judge([])).toEqual({ ready: true, reasons: ['look at this'], stopped: [] });
  expect(judge(['default'])).toEqual({ ready: true, reasons: ['default is stopped', 'look at this'], stopped: ['default'] });
});

test('nothing is taken where all logs of senders are stopped, where the disk is full, or where nothing can be put on record', () => {
  expect(judge(['default', 'other'])).toMatchObject({ ready: false, stopped: ['default', 'other'] });
  expect(judge(['default'], { logs: ['_system', 'default'] }).ready).toBe(false);
  expect(judge([], { refusal: 'the disk is full' })).toEqual({ ready: false, reasons: ['the disk is full', 'look at this'], stopped: [] });
  expect(judge(['_system'])).toMatchObject({ ready: false, stopped: ['_system'] });
  expect(judge([], { logs: ['_system'] }).ready, 'before the first log').toBe(true);
});
