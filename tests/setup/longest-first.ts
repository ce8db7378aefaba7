/**
 * The order of test files: those that take long begin first, so that no worker is left alone with one of them at the end. Vitest's own order knows how
 * long each took the last time; a clean clone has no last time, and there the size of a file says little.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Those of more than ten seconds, the longest first. Others follow in Vitest's order. */
const long = [
  'crash/kill',
  'e2e/backup',
  'crash/restart',
  'privacy/growth',
  'anchor/bucket',
  'crash/every-write',
  'e2e/tamper',
  'crash/served-full-disk',
  'server/witnessing',
  'e2e/segments',
  'pipeline/pool',
  'e2e/cli',
  'alerts/engine',
  'server/unfinished-logs',
  'server/rights',
  'e2e/drill',
  'e2e/token',
  'crash/faults',
  'removal/crash',
  'removal/removal',
  'server/two-persons',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = long.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at < 0 ? long.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
