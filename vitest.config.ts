import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Every test process, every thread that a test starts from the sources, and every command loads the same code: what one compiled is there for the
// next. A third of the CPU of tests that open a data directory.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url));

/** What the product exists for. Threads run outside of the coverage; their files hold little. */
const covered = ['src/log/**', 'src/ledger/**', 'src/privacy/**', 'src/verify/**'];

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 60_000,
    maxWorkers: 2,
    reporters: ['default', './tests/reporter/summary-reporter.ts'],
    coverage: {
      provider: 'v8',
      include: covered,
      reporter: ['text-summary', 'json-summary'],
      thresholds: Object.fromEntries(covered.map((files) => [files, { branches: 95 }])),
    },
  },
});
