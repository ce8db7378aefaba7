/**
 * The last lines of every test run: what was skipped and why, and `N passed, N failed, N skipped`. A skipped test that nobody sees is a
 * test that nobody has.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

const counts = { passed: 0, failed: 0, skipped: 0 };

export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[], reason: TestRunEndReason): void {
    const skipped: string[] = [];
    for (const module of modules) {
      if (module.state() === 'failed' && [...module.children.allTests()].length === 0) counts.failed++; // could not even be loaded
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') counts.passed++;
        else if (state === 'failed') counts.failed++;
        else {
          counts.skipped++;
          const result = test.result();
          skipped.push(`skipped: ${test.fullName}${'note' in result && result.note ? ` (${result.note})` : ''}`);
        }
      }
    }
    if (errors.length > 0) counts.failed += errors.length;
    if (reason === 'interrupted') skipped.push('the run was interrupted');
    const lines = [...skipped, `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`].join('\n');
    // Synchronously and last: behind whatever other reporters still print.
    process.on('exit', () => appendFileSync(1, `\n${lines}\n`));
    if (process.env['VEILTRAIL_SUMMARY_FILE']) writeFileSync(process.env['VEILTRAIL_SUMMARY_FILE'], `${lines}\n`);
  }
}
