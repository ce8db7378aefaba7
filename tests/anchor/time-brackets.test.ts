/** Brackets of time: what bounds of both kinds say of each leaf. */
import { describe, expect, test } from 'vitest';
import { clockDoubts } from '../../src/anchor/clock-doubts.ts';
import { bracketText, contradictions, type LowerBound, timeBrackets, type UpperBound } from '../../src/anchor/time-brackets.ts';
import { growthOf } from '../setup/cpu-time.ts';

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
const after = (leafIndex: number, minute: number): LowerBound => ({ leafIndex, time: at(minute), target: 'tsa' });
const before = (treeSize: number, minute: number): UpperBound => ({ treeSize, time: at(minute), target: 'tsb' });

describe('time brackets', () => {
  test('nothing is known where nobody says anything', () => {
    expect(timeBrackets(10, [], [])).toEqual([{ from: 0, to: 10 }]);
    expect(timeBrackets(0, [after(0, 1)], [before(0, 1)])).toEqual([]);
  });

  test('each leaf has the latest time after, and the earliest before, that its place allows', () => {
    const lower = [after(5, 10), after(20, 30), after(12, 8)];
    const upper = [before(5, 9), before(20, 29), before(15, 40)];
    const brackets = timeBrackets(25, lower, upper);
    // Checked against the definition, leaf by leaf.
    for (let leaf = 0; leaf < 25; leaf++) {
      const { after: one, before: other } = brackets.find(({ from, to }) => from <= leaf && leaf < to) ?? {};
      const lowest = lower.filter(({ leafIndex }) => leafIndex <= leaf).toSorted((a, b) => (a.time < b.time ? 1 : -1))[0];
      const highest = upper.filter(({ treeSize }) => treeSize > leaf).toSorted((a, b) => (a.time < b.time ? -1 : 1))[0];
      expect([one, other], `leaf ${leaf}`).toEqual([lowest, highest]);
    }
    expect(brackets.map(bracketText)).toEqual([
      `leaves 0 to 4: before ${at(9)} (5 leaves, tsb)`,
      `leaves 5 to 19: after ${at(10)} (leaf 5, tsa) and before ${at(29)} (20 leaves, tsb)`,
      `leaves 20 to 24: after ${at(30)} (leaf 20, tsa)`,
    ]);
    expect(contradictions(brackets)).toEqual([]);
  });

  test('bounds of leaves that the log has not got say nothing', () => {
    expect(timeBrackets(3, [after(3, 1)], [before(4, 1)])).toEqual([{ from: 0, to: 3 }]);
  });

  test('a leaf that came before it came is a contradiction, unless clocks may differ so much', () => {
    expect(contradictions(timeBrackets(10, [after(2, 60)], [before(10, 54)]))).toMatchObject([{ from: 2, to: 10 }]);
    expect(contradictions(timeBrackets(10, [after(2, 60)], [before(10, 56)]))).toEqual([]);
  });

  test('one leaf, and many bounds, are told alike', () => {
    expect(bracketText({ from: 4, to: 5 })).toBe('leaf 4: nobody says when');
    const many = 100_000;
    const bracketsOf = (count: number): ReturnType<typeof timeBrackets> =>
      timeBrackets(
        count,
        Array.from({ length: count }, (_, i) => after(i, i)),
        Array.from({ length: count }, (_, i) => before(i + 1, i + 1)),
      );
    const brackets = bracketsOf(many);
    expect(brackets).toHaveLength(many);
    expect(brackets[77]).toEqual({ from: 77, to: 78, after: after(77, 77), before: before(78, 78) });
    expect(growthOf([5_000, 10_000, 20_000], (count) => () => bracketsOf(count), { exponentMax: 1.6 })).toBeLessThanOrEqual(1.6);
  });
});

describe('the clock of the server', () => {
  const brackets = timeBrackets(30, [after(10, 60), after(20, 120)], [before(15, 100), before(30, 160)]);
  const doubtsAt = (minuteOf: (leaf: number) => number | undefined): Promise<string[]> =>
    clockDoubts(brackets, async (leaf) => {
      const minute = minuteOf(leaf);
      return minute === undefined ? undefined : Date.parse(at(minute));
    });

  test('that agrees with what others say, or nearly, is not doubted', async () => {
    expect(await doubtsAt((leaf) => 40 + 4 * leaf)).toEqual([]);
    expect(await doubtsAt((leaf) => (leaf === 10 ? 56 : 40 + 4 * leaf))).toEqual([]);
    expect(await doubtsAt(() => undefined)).toEqual([]);
  });

  test('that was set back, or forward, is', async () => {
    expect(await doubtsAt((leaf) => (leaf === 20 ? 90 : 40 + 4 * leaf))).toEqual([
      `leaf 20 was received at ${at(90)} by the server's clock, and came after ${at(120)} (tsa): that clock was slow, or set back`,
    ]);
    expect(await doubtsAt((leaf) => (leaf === 14 ? 200 : 40 + 4 * leaf))).toEqual([
      `leaf 14 was received at ${at(200)} by the server's clock, and was there by ${at(100)} (tsb): that clock was fast, or set forward`,
    ]);
  });

  test('is doubted at five places at the most', async () => {
    const many = timeBrackets(100, Array.from({ length: 90 }, (_, i) => after(i, i)), []); // prettier-ignore
    expect(await clockDoubts(many, () => Promise.resolve(0))).toHaveLength(5);
  });
});
