import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 30_000,
    reporters: ['default', './tests/reporter/summary-reporter.ts'],
    coverage: { provider: 'v8', include: ['src/log/**', 'src/ledger/**', 'src/privacy/**', 'src/verify/**'], reporter: ['text', 'json-summary'] },
  },
});
