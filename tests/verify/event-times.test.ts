/** When an event was there, on the evidence page: whoever is trusted is asked first, for anybody can stamp any time. */
import { expect, test } from 'vitest';
import type { EvidenceReport } from '../../src/verify/index.ts';
import { cameAfter, existedBy } from '../../web/evidence/event-times.ts';

const [old, early, late] = ['2020-01-01T00:00:00.000Z', '2026-11-20T00:00:00.000Z', '2026-11-22T00:00:00.000Z'];

function upper(...bounds: [treeSize: number, time: string, isTrusted: boolean][]): EvidenceReport {
  return { bounds: bounds.map(([treeSize, time, isTrusted]) => ({ treeSize, existedBy: time, isTrusted })) } as unknown as EvidenceReport;
}
function lower(...bounds: [leafIndex: number, time: string, isTrusted: boolean][]): EvidenceReport {
  return { lowerBounds: bounds.map(([leafIndex, time, isTrusted]) => ({ leafIndex, cameAfter: time, isTrusted })) } as unknown as EvidenceReport;
}

test('it was there by the earliest time of whom is trusted, and of anybody only where nobody is', () => {
  expect(existedBy(upper([10, old, false], [10, late, true], [10, early, true]), 3)).toEqual({ time: early, isTrusted: true });
  expect(existedBy(upper([10, late, false], [10, old, false]), 3)).toEqual({ time: old, isTrusted: false });
  // Trusted for other leaves alone.
  expect(existedBy(upper([10, old, false], [3, early, true]), 3)).toEqual({ time: old, isTrusted: false });
  expect(existedBy(upper([3, old, false]), 3)).toBeUndefined();
});

test('it came after the latest time of whom is trusted, and of anybody only where nobody is', () => {
  expect(cameAfter(lower([1, late, false], [1, old, true], [2, early, true]), 3)).toEqual({ time: early, isTrusted: true });
  expect(cameAfter(lower([1, late, false], [1, old, false]), 3)).toEqual({ time: late, isTrusted: false });
  expect(cameAfter(lower([1, late, false], [4, old, true]), 3)).toEqual({ time: late, isTrusted: false });
  expect(cameAfter(lower([4, old, false]), 3)).toBeUndefined();
});
