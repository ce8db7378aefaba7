/**
 * Writes docs/reference/metrics.md: `node scripts/generate-metrics-page.ts`. What people wrote is in metrics-page.md; a test fails while the file differs
 * from what this writes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { metrics } from '../src/server/metric-table.ts';

export function metricsPage(): string {
  const words = readFileSync(new URL('metrics-page.md', import.meta.url), 'utf8');
  const rows = metrics.map(
    ({ name, type, labels = [], help }) => `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(' ')} | ${help} |`,
  );
  return words.replace('{{metrics}}', `| name | | labels | |\n|---|---|---|---|\n${rows.join('\n')}`);
}

if (import.meta.main) writeFileSync(new URL('../docs/reference/metrics.md', import.meta.url), metricsPage());
