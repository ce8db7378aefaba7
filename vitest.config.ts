import { defineConfig } from 'vitest/config';

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
