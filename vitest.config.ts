import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './tests/setup/longest-first.ts';

// Every test process, every thread that a test starts from the sources, and every command loads the same code: what one compiled is there for the
// next. A third of the CPU of tests that open a data directory.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url));

const filesOf = (folders: readonly string[]): string[] => folders.map((folder) => `tests/${folder}/**/*.test.ts`);
/** Files have a process each: they start the product as it is, change what is everybody's, or do it harm. */
const alone = filesOf(['browser', 'crash', 'e2e', 'interop']);
/** Files open trails, for what those do: their threads run here (setup/threads-here.ts). Two are about a thread that dies and one that compacts. */
const trails = [
  ...filesOf(['access', 'alerts', 'app', 'protection', 'removal', 'sdk', 'server', 'witness']),
  'tests/anchor/!(bucket).test.ts',
  'tests/forward/!(forward-client).test.ts',
];

/** What the product exists for. What runs in threads and processes is not counted. */
const covered = ['src/log/**', 'src/ledger/**', 'src/privacy/**', 'src/verify/**'];

export default defineConfig({
  test: {
    // Files that share a process share what it loaded: most of a second of CPU for each that opens a directory.
    projects: [
      { extends: true, test: { name: 'alone', include: alone } },
      { extends: true, test: { name: 'trails', include: trails, isolate: false, setupFiles: './tests/setup/threads-here.ts' } },
      { extends: true, test: { name: 'rest', include: ['tests/**/*.test.ts'], exclude: [...alone, ...trails], isolate: false } },
    ],
    sequence: { sequencer: LongestFirst },
    // They end what hangs. None of them may decide on a machine that is ten times slower: what is slow there is not wrong.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
    expect: { poll: { timeout: 60_000 } },
    // For two cores: of those that stop servers, fill disks and wait for witnesses, a third of the time is waiting.
    maxWorkers: 3,
    reporters: ['default', './tests/reporter/summary-reporter.ts'],
    coverage: {
      provider: 'v8',
      include: covered,
      reporter: ['text-summary', 'json-summary'],
      thresholds: Object.fromEntries(covered.map((files) => [files, { branches: 95 }])),
    },
  },
});
