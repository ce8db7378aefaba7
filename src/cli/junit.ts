/** Results as JUnit XML: the form that CI systems read. https://github.com/testmoapp/junitxml */

export interface TestResult {
  /** File. */
  suite: string;
  name: string;
  seconds: number;
  /** Absent: passed. */
  failure?: string;
}

export function formatJunit(results: readonly TestResult[], name = 'veiltrail policy test'): string {
  const suites = Map.groupBy(results, ({ suite }) => suite);
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>', `<testsuites name="${escape(name)}" ${counts(results)}>`];
  for (const [suite, tests] of suites) {
    lines.push(`  <testsuite name="${escape(suite)}" ${counts(tests)}>`);
    for (const { name, seconds, failure } of tests) {
      const head = `    <testcase classname="${escape(suite)}" name="${escape(name)}" time="${seconds.toFixed(3)}"`;
      if (failure === undefined) lines.push(`${head}/>`);
      else
        lines.push(
          `${head}>`,
          `      <failure message="${escape(failure.split('\n')[0] as string)}">${escape(failure)}</failure>`,
          '    </testcase>',
        );
    }
    lines.push('  </testsuite>');
  }
  lines.push('</testsuites>', '');
  return lines.join('\n');
}

function counts(results: readonly TestResult[]): string {
  const failures = results.filter(({ failure }) => failure !== undefined).length;
  const seconds = results.reduce((sum, one) => sum + one.seconds, 0);
  return `tests="${results.length}" failures="${failures}" errors="0" skipped="0" time="${seconds.toFixed(3)}"`;
}

/** XML 1.0 has no place for control characters, escaped or not. */
function escape(text: string): string {
  // oxlint-disable-next-line no-control-regex -- those are what is meant
  const legal = text.toWellFormed().replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd');
  return legal.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll('\n', '&#10;');
}
